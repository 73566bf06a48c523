"""What a listing's row says, as the hard rules, the index and the ranker read it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from marketplace.models import Block, Category, Listing, ListingAudience, ListingCertificate, Organisation, User
from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.drafts import Draft
from marketplace.parsing.normal_form import normalise
from matching.live_index.trained import text_version
from matching.ranking.facts import ListingFacts

# Longer texts say little more, and cost every search.
LONGEST_TEXT = 2000


def with_facts(listings: QuerySet[Listing]) -> QuerySet[Listing]:
    """Fetch with each listing what ``facts_of`` reads of it, in one query."""
    return listings.select_related("organisation__disclosure", "index_entry").defer(
        "readings", "index_entry__vector", "index_entry__text"
    )


def facts_of(
    listings: Iterable[Listing], *, now: datetime, blocked: Collection[int] = frozenset()
) -> list[ListingFacts]:
    """Return the facts of each listing, fetched ``with_facts``, in a fixed number of queries.

    :param blocked: organisations with which the listings' own have a block; only a query needs to say
    """
    listings = list(listings)
    book, today = category_book(), timezone.localdate(now)
    # By hand: prefetching costs more than the facts, and is done for each search.
    certificates, audiences = _certificates(listings, today), _audiences(listings)
    return [
        _facts(
            listing,
            *book.get(listing.category_id, (None, ())),
            now=now,
            blocked=frozenset(blocked),
            certificates=frozenset(certificates[listing.pk]),
            audience=frozenset(audiences[listing.pk]),
        )
        for listing in listings
    ]


def _certificates(listings: Sequence[Listing], today: date) -> dict[int, set[str]]:
    """Return the codes of each listing's certificates that are valid on that day."""
    valid = ListingCertificate.objects.filter(Q(expires_on=None) | Q(expires_on__gte=today), listing__in=listings)
    found = defaultdict(set)
    for listing_id, code in valid.values_list("listing_id", "code"):
        found[listing_id].add(code)
    return found


def _audiences(listings: Sequence[Listing]) -> dict[int, set[int]]:
    """Return the organisations to which each listing is shown that names some."""
    found = defaultdict(set)
    if named := [listing for listing in listings if listing.visibility == Listing.Visibility.NAMED]:
        audiences = ListingAudience.objects.filter(listing__in=named)
        for listing_id, organisation_id in audiences.values_list("listing_id", "organisation_id"):
            found[listing_id].add(organisation_id)
    return found


# By primary key: a category and the codes of its ancestors. Worked out anew when the catalogue is another one.
_book: tuple[Catalogue | None, dict[int, tuple[CategorySpec, tuple[str, ...]]]] = (None, {})


def category_book() -> dict[int, tuple[CategorySpec, tuple[str, ...]]]:
    """Return each current category with the codes of its ancestors; the same object until a category changes."""
    global _book  # noqa: PLW0603 - replaced as a whole, so that threads see the old one or the new one
    catalogue = Category.objects.catalogue()
    if _book[0] is not catalogue:
        found = {}
        for code, pk in Category.objects.ids().items():
            if spec := catalogue.get(code):
                found[pk] = spec, tuple(above.code for above in catalogue.ancestors(code))
        _book = catalogue, found
    return _book[1]


def _facts(
    listing: Listing,
    spec: CategorySpec | None,
    ancestors: tuple[str, ...],
    *,
    now: datetime,
    blocked: frozenset[int],
    certificates: frozenset[str],
    audience: frozenset[int],
) -> ListingFacts:
    is_lasting = listing.expires_at is None or listing.expires_at > now
    entry = getattr(listing, "index_entry", None)
    is_fresh = entry is not None and (entry.revision, entry.model_version) == (listing.revision, text_version())
    return ListingFacts(
        id=listing.pk,
        organisation=listing.organisation_id,
        side=listing.side,
        text=index_text(listing, spec),
        kind=listing.kind,
        category=spec.code if spec else "",
        family=spec.family if spec else "",
        ancestors=ancestors,
        attributes=listing.attributes,
        properties=spec.attributes if spec else {},
        quantity=_float(listing.quantity),
        unit=listing.unit,
        minimum_order=_float(listing.minimum_order),
        price_min=_float(listing.price_min),
        price_max=_float(listing.price_max),
        currency=listing.currency,
        price_unit=listing.price_unit,
        region=listing.region,
        delivery_regions=tuple(listing.delivery_regions),
        window_start=listing.window_start,
        window_end=listing.window_end,
        lead_days=listing.lead_days,
        certificates=certificates,
        required_certificates=frozenset(listing.required_certificates),
        on_time_rate=listing.organisation.on_time_rate,
        deliveries=listing.organisation.deliveries,
        is_open=listing.status == Listing.Status.OPEN and is_lasting and listing.organisation.is_approved,
        open_until=timezone.localdate(listing.expires_at) if listing.expires_at else None,
        visibility=listing.visibility,
        audience=audience,
        is_verified=listing.organisation.is_approved,
        blocked=blocked,
        normal=entry.normal if is_fresh else "",
    )


def _float(value: object) -> float | None:
    return None if value is None else float(value)


def index_text(listing: Listing, spec: CategorySpec | None) -> str:
    """Return the words by which a listing is found: its titles and texts in both languages, its category's names."""
    parts: list[str] = []
    for part in (listing.text_zh, listing.text_en, listing.title_zh, listing.title_en, *_names(spec)):
        # A title is often the first sentence of the text: said once is enough.
        if part and not any(part in said for said in parts):
            parts.append(part)
    return "\n".join(parts)[:LONGEST_TEXT]


def _names(spec: CategorySpec | None) -> tuple[str, ...]:
    return (spec.name_zh, spec.name_en) if spec else ()


def facts_of_text(draft: Draft, text: str, *, side: str, organisation: Organisation | None) -> ListingFacts:
    """Return the facts of what somebody typed but did not post, as far as they were read."""
    catalogue, values = Category.objects.catalogue(), draft.values
    spec = catalogue.get(values.get("category") or "")
    words = "\n".join(part for part in (text, *_names(spec)) if part)[:LONGEST_TEXT]
    return ListingFacts(
        id=0,
        organisation=organisation.pk if organisation else 0,
        side=side,
        text=words,
        normal=normalise(words),
        kind=values.get("kind") or (spec.kind if spec else "product"),
        category=spec.code if spec else "",
        family=spec.family if spec else "",
        ancestors=tuple(above.code for above in catalogue.ancestors(spec.code)) if spec else (),
        attributes=values.get("attributes") or {},
        properties=spec.attributes if spec else {},
        quantity=_float(values.get("quantity")),
        unit=values.get("unit") or "",
        minimum_order=_float(values.get("minimum_order")),
        price_min=_float(values.get("price_min")),
        price_max=_float(values.get("price_max")),
        currency=values.get("currency") or "CNY",
        price_unit=values.get("price_unit") or "",
        region=values.get("region") or "",
        delivery_regions=tuple(values.get("delivery_regions") or ()),
        window_start=values.get("window_start"),
        window_end=values.get("window_end"),
        lead_days=values.get("lead_days"),
        certificates=frozenset(each["code"] for each in draft.certificates),
        required_certificates=frozenset(values.get("required_certificates") or ()),
        is_verified=bool(organisation and organisation.is_approved),
        blocked=blocked_with(organisation.pk) if organisation else frozenset(),
    )


def blocked_with(organisation_id: int) -> frozenset[int]:
    """Return the organisations with which this one has a block, whoever made it."""
    blocks = Block.objects.filter(Q(organisation=organisation_id) | Q(blocked=organisation_id))
    return frozenset(
        other
        for pair in blocks.values_list("organisation_id", "blocked_id")
        for other in pair
        if other != organisation_id
    )


def organisation_of(user: User) -> Organisation | None:
    """Return the organisation in whose name a user searches: the approved one joined first, else any."""
    organisations = Organisation.objects.of(user).order_by("pk")
    return organisations.approved().first() or organisations.first()
