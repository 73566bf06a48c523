from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Category, Listing, ListingAudience, Membership, Organisation, User
from marketplace.parsing.draft_fields import ProblemError, several, storable
from marketplace.parsing.drafts import CHECKS, Draft, by_language, read_draft
from marketplace.parsing.units import format_quantity
from marketplace.runs.listings import CHUNK, fill, fingerprint, insert, new_row, rewrite, said_by
from marketplace.services.organisations import require_role
from marketplace.services.said_fields import in_my_language

RENEWAL = timedelta(days=90)


class StatusNotReachable(RuleBroken):
    pass


class ListingChangedMeanwhile(RuleBroken):
    pass


class ListingAlreadyClosed(RuleBroken):
    pass


class ListingAlreadyPosted(RuleBroken):
    """The same was sent before; ``listing`` is what came of it."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        super().__init__(_("This was posted before as “%(title)s”.") % {"title": listing.title})


class KeyUsedForAnotherListing(RuleBroken):
    """The external id or idempotency key names another listing; ``listing`` is that one."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        super().__init__(
            _("This key belongs to “%(title)s”, which was sent with other values: edit that one instead.")
            % {"title": listing.title}
        )


def refuse_problems(draft: Draft) -> None:
    """Raise what is wrong with a draft in the reader's language."""
    if draft.problems:
        raise InputRefused(problem_messages(draft))


def problem_messages(draft: Draft) -> dict[str, list[str]]:
    """Return what is wrong with a draft by field, in the reader's language."""
    return {name: [in_my_language(problem) for problem in found] for name, found in draft.problems.items()}


def draft_from_text(*, text: str, now: datetime, organisation: Organisation | None = None, **fields: object) -> Draft:
    """Read a sentence, and check the fields said beside it, without keeping anything."""
    return read_draft(
        {"text": text, **fields},
        catalogue=Category.objects.catalogue(),
        today=timezone.localdate(now),
        region=organisation.region if organisation else "",
        must_be_complete=False,
    )


def _check(fields: Mapping[str, object], *, organisation: Organisation, now: datetime, **options) -> Draft:
    return read_draft(
        fields,
        catalogue=Category.objects.catalogue(),
        today=timezone.localdate(now),
        region=organisation.region,
        **options,
    )


def _audience(organisation: Organisation, said: Sequence[object]) -> list[Organisation]:
    """Return the organisations named by id or USCC.

    :raises InputRefused: naming those that are not there
    """
    names = [str(name).strip() for name in said]
    ids = [int(name) for name in names if name.isdigit() and len(name) < 18]
    found = list(Organisation.objects.approved().filter(Q(pk__in=ids) | Q(uscc__in=names)).exclude(pk=organisation.pk))
    known = {str(one.pk) for one in found} | {one.uscc for one in found}
    if missing := [name for name in names if name not in known]:
        message = _("No approved organisation has this id or code: %(names)s") % {"names": ", ".join(missing)}
        raise InputRefused({"audience": [message]})
    return found


def _split(fields: Mapping[str, object], organisation: Organisation) -> tuple[dict, list[Organisation] | None]:
    fields = dict(fields)
    said = fields.pop("audience", None)
    if said is None:
        return fields, None
    try:
        return fields, _audience(organisation, several(storable(said)))
    except ProblemError as problem:
        raise InputRefused({"audience": [in_my_language(problem)]}) from problem


def _write_audience(listing: Listing, audience: Sequence[Organisation]) -> None:
    listing.audiences.exclude(organisation__in=audience).delete()
    ListingAudience.objects.bulk_create(
        [ListingAudience(listing=listing, organisation=one) for one in audience], ignore_conflicts=True
    )


def _refuse_named_without_audience(visibility: str | None, audience: Sequence[Organisation] | None) -> None:
    if visibility == Listing.Visibility.NAMED and not audience:
        raise InputRefused({"audience": [_("Name the organisations that may see this listing.")]})


@transaction.atomic
def post_listing(
    *,
    organisation: Organisation,
    by: User,
    fields: Mapping[str, object],
    now: datetime,
    publish: bool = True,
    idempotency_key: str | None = None,
) -> Listing:
    """Post what an organisation offers or wants; what the fields do not say is read out of the text.

    A listing of an organisation that is not approved yet opens too, but nobody else sees it before.

    :raises OnlyMembersMay: if ``by`` does not trade for the organisation
    :raises InputRefused: naming each field that cannot be taken
    :raises ListingAlreadyPosted: if the same was sent with this external id or idempotency key before
    :raises KeyUsedForAnotherListing: if something else was
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    external_id = _external_id(fields)
    mark = fingerprint(fields) if idempotency_key or external_id else ""
    if mark:
        # An import takes the same lock, so that of two who bring one external id the second sees the first.
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    _refuse_repeat(organisation, external_id, idempotency_key, mark)
    fields, audience = _split(fields, organisation)
    draft = _check(fields, organisation=organisation, now=now, must_be_complete=publish)
    refuse_problems(draft)
    _refuse_named_without_audience(draft.values.get("visibility"), audience)
    listing = new_row(
        draft, organisation=organisation, by=by, categories=Category.objects.ids(), now=now, publish=publish
    )
    listing.idempotency_key, listing.fingerprint = idempotency_key or None, mark
    try:
        with transaction.atomic():
            insert([(listing, draft)])
    except IntegrityError:  # somebody just gave the external id to another listing
        _refuse_repeat(organisation, listing.external_id, idempotency_key, mark)
        raise
    _write_audience(listing, audience or ())
    return listing


def _external_id(fields: Mapping[str, object]) -> str | None:
    try:
        return CHECKS["external_id"](storable(fields.get("external_id"))) or None
    except ProblemError:
        return None  # the draft says what is wrong with it


def _refuse_repeat(organisation: Organisation, external_id: str | None, key: str | None, mark: str) -> None:
    same = Q(idempotency_key=key) if key else Q(pk=None)
    if external_id:
        same |= Q(external_id=external_id)
    if (found := organisation.listings.with_details().filter(same).first()) is not None:
        raise (ListingAlreadyPosted if found.fingerprint == mark else KeyUsedForAnotherListing)(found)


def post_listings_in_bulk(
    *,
    listings: Iterable[tuple[Organisation, Mapping[str, object]]],
    by: User,
    now: datetime,
    publish: bool = True,
    read_text: bool = False,
) -> int:
    """Post many listings, a thousand to a transaction, and return how many; the caller knows that ``by`` may.

    The same checks as for one; texts are only read if asked, which costs more than all the rest.

    :raises InputRefused: naming row and field (``17.attributes.DN``); the thousands before stay posted
    """
    catalogue, categories, today = Category.objects.catalogue(), Category.objects.ids(), timezone.localdate(now)
    rows, count = iter(listings), 0
    while chunk := list(islice(rows, CHUNK)):
        pairs, errors = [], {}
        for number, (organisation, fields) in enumerate(chunk, start=count + 1):
            draft = read_draft(
                fields, catalogue=catalogue, today=today, region=organisation.region, read_text=read_text
            )
            errors |= {f"{number}.{name}": [p.en for p in problems] for name, problems in draft.problems.items()}
            pairs.append(
                (
                    new_row(draft, organisation=organisation, by=by, categories=categories, now=now, publish=publish),
                    draft,
                )
            )
        if errors:
            raise InputRefused(errors)
        insert(pairs)
        count += len(pairs)
    return count


@transaction.atomic
def edit_listing(
    *, listing: Listing, by: User, changes: Mapping[str, object], now: datetime, revision: int | None = None
) -> Listing:
    """Change a listing; what is given as None is emptied, what is not given stays.

    With another text, what had been read out of the old one is read anew.

    :raises ListingChangedMeanwhile: if it is no longer at ``revision``
    :raises ListingAlreadyClosed: if it was closed
    :raises InputRefused: naming each field that cannot be taken
    """
    listing = _locked(listing)
    organisation = listing.organisation
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if revision is not None and revision != listing.revision:
        raise ListingChangedMeanwhile(
            _("Somebody changed this listing meanwhile: it is at revision %(there)d, not %(given)d.")
            % {"there": listing.revision, "given": revision}
        )
    if listing.status == Listing.Status.CLOSED:
        raise ListingAlreadyClosed(_("“%(title)s” is closed and cannot be changed.") % {"title": listing.title})
    changes, audience = _split(changes, organisation)
    changes = by_language(changes)
    is_new_text = any(
        name in changes and (changes[name] or "") != getattr(listing, name) for name in ("text_zh", "text_en")
    )
    draft = _check(
        said_by(listing, without_readings=is_new_text) | changes,
        organisation=organisation,
        now=now,
        must_be_complete=listing.status != Listing.Status.DRAFT,
        read_text=is_new_text,
        changed=set(changes),
        read_before=_read_before(listing) - set(changes),
    )
    refuse_problems(draft)
    refuse_below_held(listing, draft)
    if audience is None:
        audience = list(listing.audience.all())
    _refuse_named_without_audience(draft.values.get("visibility"), audience)
    if not is_new_text:
        draft.readings = [reading for reading in listing.readings if reading["field"].split(".")[0] not in changes]
    try:
        with transaction.atomic():
            rewrite([(fill(listing, draft, categories=Category.objects.ids(), now=now), draft)])
    except IntegrityError as error:
        if "external_id" not in str(error):
            raise
        other = organisation.listings.get(external_id=draft.values["external_id"])
        raise KeyUsedForAnotherListing(other) from error
    _write_audience(listing, audience)
    return listing


def refuse_below_held(listing: Listing, draft: Draft) -> None:
    """Refuse a change that takes back what is promised in open offers.

    :raises InputRefused: at the quantity if it is below that, at the unit if that is no longer counted alike
    """
    if not listing.held:
        return
    quantity, unit = draft.values.get("quantity"), draft.values.get("unit")
    if quantity is None or quantity < listing.held:
        said = format_quantity(listing.held, listing.unit, get_language() or "zh")
        raise InputRefused({"quantity": [_("Open offers hold %(quantity)s of it.") % {"quantity": said}]})
    if unit != listing.unit:
        raise InputRefused({"unit": [_("Open offers hold a quantity in the present unit.")]})


def _read_before(listing: Listing) -> set[str]:
    return {reading["field"] for reading in listing.readings}


def _locked(listing: Listing) -> Listing:
    """Return the listing as it stands; whoever closes or edits it at the same moment waits, and sees what was done."""
    rows = Listing.objects.select_for_update(of=("self",)).select_related("organisation", "category")
    return rows.get(pk=listing.pk)


def _move(listing: Listing, status: str, *, by: User, now: datetime, condition: Q | None = None, **changes) -> Listing:
    require_role(by, listing.organisation, *Membership.TRADING_ROLES)
    # One UPDATE decides, so of two people who click at once one is told that the other was first.
    if not Listing.objects.filter(condition or Q(), pk=listing.pk).become(status, now=now, **changes):
        listing = Listing.objects.get(pk=listing.pk)
        raise StatusNotReachable(
            _("“%(title)s” is “%(status)s” and cannot become “%(wanted)s”.")
            % {
                "title": listing.title,
                "status": listing.get_status_display(),
                "wanted": Listing.Status(status).label,
            }
        )
    Listing.objects.announce(listing.pk)
    return Listing.objects.with_details().get(pk=listing.pk)


@transaction.atomic
def publish_listing(*, listing: Listing, by: User, now: datetime) -> Listing:
    """Open a draft, if it says enough.

    :raises InputRefused: naming what is missing
    :raises StatusNotReachable: if it is no draft
    """
    listing = _locked(listing)
    draft = _check(
        said_by(listing, without_readings=False),
        organisation=listing.organisation,
        now=now,
        read_text=False,
        read_before=_read_before(listing),
    )
    refuse_problems(draft)
    is_draft = Q(status=Listing.Status.DRAFT)
    return _move(listing, Listing.Status.OPEN, by=by, now=now, condition=is_draft, published_at=now)


@transaction.atomic
def pause_listing(*, listing: Listing, by: User, now: datetime) -> Listing:
    """Take an open listing off the market for a while.

    :raises StatusNotReachable: if it is not open
    """
    return _move(listing, Listing.Status.PAUSED, by=by, now=now)


@transaction.atomic
def resume_listing(*, listing: Listing, by: User, now: datetime) -> Listing:
    """Put a paused listing back on the market.

    :raises StatusNotReachable: if it is not paused, or has expired meanwhile
    """
    lasting = Q(expires_at=None) | Q(expires_at__gt=now)
    condition = lasting & Q(status=Listing.Status.PAUSED, published_at__isnull=False)
    return _move(listing, Listing.Status.OPEN, by=by, now=now, condition=condition)


@transaction.atomic
def close_listing(*, listing: Listing, by: User, now: datetime) -> Listing:
    """Take a listing off the market for good.

    :raises StatusNotReachable: if it is closed already
    """
    return _move(listing, Listing.Status.CLOSED, by=by, now=now)


@transaction.atomic
def renew_listing(*, listing: Listing, by: User, now: datetime, until: datetime | None = None) -> Listing:
    """Let an open, paused or expired listing run until a new moment, by default for another 90 days.

    :raises InputRefused: if that moment is past
    :raises StatusNotReachable: if it is a draft or closed
    """
    until = until or now + RENEWAL
    if until <= now:
        raise InputRefused({"expires_at": [_("This moment is past.")]})
    require_role(by, listing.organisation, *Membership.TRADING_ROLES)
    renewed = Listing.objects.filter(pk=listing.pk, status=Listing.Status.OPEN).update(
        expires_at=until, updated_at=now, revision=F("revision") + 1
    )
    if not renewed:
        published = Q(published_at__isnull=False)
        return _move(listing, Listing.Status.OPEN, by=by, now=now, condition=published, expires_at=until)
    Listing.objects.announce(listing.pk)
    return Listing.objects.with_details().get(pk=listing.pk)


@transaction.atomic
def set_audience(*, listing: Listing, organisations: Sequence[object], by: User, now: datetime) -> Listing:
    """Say which organisations, by id or USCC, may see a listing; an empty list leaves visibility to everybody else's rule.

    :raises InputRefused: if an organisation is not there
    """
    changes = {"audience": list(organisations)}
    if organisations:
        changes["visibility"] = Listing.Visibility.NAMED
    return edit_listing(listing=listing, by=by, changes=changes, now=now)
