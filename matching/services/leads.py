"""Whom a supply should call though they posted nothing, and what came of the calls."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Block, Listing, Membership, Negotiation, Organisation, User
from marketplace.models.disclosure import ALWAYS, Reader
from marketplace.services.negotiations import open_negotiation
from marketplace.services.organisations import require_role
from matching.leads.filtering import EVERYBODY, LeadFilter
from matching.live_index import lead_search
from matching.live_index.lead_search import FIRM, PROJECT, Scored
from matching.models import BuildingProject, LeadContact
from matching.models.lead import possible_buyers

# So many leads are told with reasons; nobody calls more.
KEPT = 1000


class LeadNotOnThePlatform(RuleBroken):
    """The owner of the building project is not registered here."""


class LeadAlreadyWon(RuleBroken):
    pass


# Of so many categories at most a project is asked at once.
MOST_CATEGORIES = 40
# Called before or not, as a filter has it.
STATES = ("new", "contacted", "lost")


@dataclass(frozen=True, slots=True)
class Lead:
    """A firm or a building project with its score, the reasons that sum to it, and what was last written about it.

    ``key`` names it to the reader, a firm that hides its name by a word that tells nothing.
    """

    key: str
    kind: str
    score: float
    rank: int
    reasons: list[dict]
    firm: Organisation | None
    project: BuildingProject | None
    contact: LeadContact | None
    model_version: str

    @property
    def subject(self) -> Organisation | BuildingProject:
        return self.firm or self.project


def own_supplies(*, user: User, now: datetime):
    """Return the open supplies for which the user may look for customers."""
    return Listing.objects.editable_by(user).open(now).filter(side=Listing.Side.SUPPLY)


def candidates_for(supply: Listing, now: datetime):
    """Return the firms that may be proposed: buyers that let themselves be found, keep no block with us, are not we.

    Who has an open public demand of the category is no lead but a match.
    """
    ours = supply.organisation_id
    blocked = Block.objects.filter(
        Q(organisation=ours, blocked=OuterRef("pk")) | Q(organisation=OuterRef("pk"), blocked=ours)
    )
    asking = Listing.objects.open(now).filter(
        organisation=OuterRef("pk"),
        side=Listing.Side.DEMAND,
        category=supply.category_id,
        visibility=Listing.Visibility.PUBLIC,
    )
    firms = possible_buyers().exclude(pk=ours).filter(~Exists(blocked))
    return firms.filter(~Exists(asking)) if supply.category_id else firms


def find_leads(
    *, supply: Listing, user: User, now: datetime, wanted: LeadFilter = EVERYBODY, limit: int = KEPT
) -> list[Lead]:
    """Return the likeliest customers of a supply, best first: firms and building projects the user may know of.

    The book proposes, the rows decide: each is read again and put to what it lets others see. Whoever was won is left
    out; a refusal costs points that come back with time.

    :raises InputRefused: if the supply has no category: nothing says who would need it
    """
    if supply.category_id is None:
        raise InputRefused({"category": [_("Give the supply a category first: it says who could need it.")]})
    latest = LeadContact.objects.latest_about(supply)
    won = {target for target, row in latest.items() if row.outcome == LeadContact.Outcome.WON}
    reader = Reader(user)
    # Some of the best will not be shown: hidden, blocked, gone. Rows are read in pages until enough are found.
    found: list[Lead] = []
    scoring = lead_search.score_leads(supply=supply, latest=latest, now=now)
    places = (one for one in scoring.ordered() if one.target not in won and _fits(one, wanted, latest))
    while len(found) < limit and (page := list(islice(places, limit))):
        rows = _rows(supply, user, page, now)
        found += [
            Lead(
                key=_key(one, rows[one.target], reader, supply),
                kind=one.kind,
                score=one.score,
                rank=0,
                reasons=[],
                firm=rows[one.target] if one.kind == FIRM else None,
                project=rows[one.target] if one.kind == PROJECT else None,
                contact=latest.get(one.target),
                model_version=scoring.version,
            )
            for one in page
            if one.target in rows
        ]
    told = scoring.explain([_target(lead) for lead in found[:limit]])
    return [
        replace(lead, rank=rank, reasons=reasons)
        for rank, (lead, reasons) in enumerate(zip(found[:limit], told, strict=True), start=1)
    ]


def _target(lead: Lead) -> tuple[str, int]:
    return lead.kind, lead.subject.pk


def _fits(one: Scored, wanted: LeadFilter, latest: Mapping[tuple[str, int], LeadContact]) -> bool:
    if one.score < wanted.least_score or (wanted.kind and one.kind != wanted.kind):
        return False
    if not one.industry.startswith(wanted.industry) or not one.region.startswith(wanted.region):
        return False
    if wanted.stage and one.stage != wanted.stage:
        return False
    row = latest.get(one.target)
    return not wanted.state or wanted.state == (row.outcome if row else "new")


def _rows(
    supply: Listing, user: User, page: Sequence[Scored], now: datetime
) -> dict[tuple[str, int], Organisation | BuildingProject]:
    ids = {kind: [one.id for one in page if one.kind == kind] for kind in (FIRM, PROJECT)}
    firms = candidates_for(supply, now).select_related("disclosure").filter(pk__in=ids[FIRM])
    projects = BuildingProject.objects.visible_to(user).running(lead_search.day_of(now)).select_related("owner")
    return {(FIRM, row.pk): row for row in firms} | {
        (PROJECT, row.pk): row for row in projects.defer("vector", "normal").filter(pk__in=ids[PROJECT])
    }


def _key(one: Scored, row: Organisation | BuildingProject, reader: Reader, supply: Listing) -> str:
    if one.kind == FIRM and not reader.knows(row):
        return _hidden_key(row.pk, supply)
    return f"{one.kind[0]}{one.id}"


def _hidden_key(firm: int, supply: Listing) -> str:
    said = f"lead:{supply.organisation_id}:{firm}".encode()
    return "h" + hmac.new(settings.SECRET_KEY.encode(), said, sha256).hexdigest()[:20]


def lead_of_key(*, supply: Listing, user: User, key: str, now: datetime) -> Organisation | BuildingProject | None:
    """Return the firm or building project that a key of this supply's list names, or None if it names none."""
    kind, number = key[:1], key[1:]
    if kind == "p" and _is_number(number):
        return BuildingProject.objects.visible_to(user).select_related("owner").filter(pk=number).first()
    firms = candidates_for(supply, now).select_related("disclosure")
    if kind == "f" and _is_number(number):
        firm = firms.filter(pk=number).first()
        return firm if firm is not None and Reader(user).knows(firm) else None
    if kind == "h":
        hiding = firms.filter(disclosure__name_from__gt=ALWAYS).values_list("pk", flat=True)
        pk = next((pk for pk in hiding if hmac.compare_digest(_hidden_key(pk, supply), key)), None)
        return firms.filter(pk=pk).first() if pk else None
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def lead_about(*, supply: Listing, user: User, key: str, now: datetime) -> Lead | None:
    """Return one lead with its reasons, also where it was won or is far down the list; None if the key names none."""
    subject = lead_of_key(supply=supply, user=user, key=key, now=now)
    if subject is None or supply.category_id is None:
        return None
    kind = FIRM if isinstance(subject, Organisation) else PROJECT
    latest = LeadContact.objects.latest_about(supply)
    scoring = lead_search.score_leads(supply=supply, latest=latest, now=now)
    target = (kind, subject.pk)
    found = scoring.one(target)
    if found is None:
        return None
    one, rank = found
    return Lead(
        key=key,
        kind=kind,
        score=one.score,
        rank=rank,
        reasons=scoring.explain([target])[0],
        firm=subject if kind == FIRM else None,
        project=subject if kind == PROJECT else None,
        contact=latest.get(target),
        model_version=scoring.version,
    )


@transaction.atomic
def record_contact(
    *, supply: Listing, lead: Lead, by: User, outcome: str, now: datetime, note: str = "", **more: Any
) -> LeadContact:
    """Write down that a lead was called, won or lost; said again in the same words it is written once.

    :raises InputRefused: if the outcome is none
    :raises LeadAlreadyWon: if it was won before, and this would make it a mere contact again
    """
    require_role(by, supply.organisation, *Membership.TRADING_ROLES)
    note = note.strip()
    if outcome not in LeadContact.Outcome.values:
        raise InputRefused({"outcome": [_("Say contacted, won or lost.")]})
    if len(note) > LeadContact._meta.get_field("note").max_length:  # noqa: SLF001 - Django's own name for it
        raise InputRefused({"note": [_("At most 2,000 characters.")]})
    # Two people may write at once: the second waits here and sees what the first wrote.
    Listing.objects.select_for_update(no_key=True).get(pk=supply.pk)
    target = {"firm": lead.firm} if lead.firm else {"project": lead.project}
    before = LeadContact.objects.filter(supply=supply, **target).order_by("-at", "-pk").first()
    if before is not None:
        if (before.outcome, before.note) == (outcome, note) and not more:
            return before
        if before.outcome == LeadContact.Outcome.WON and outcome == LeadContact.Outcome.CONTACTED:
            raise LeadAlreadyWon(_("This lead was won before: write down won or lost."))
    return LeadContact.objects.create(
        organisation_id=supply.organisation_id,
        supply=supply,
        category_id=supply.category_id,
        industry=lead.subject.industry,
        outcome=outcome,
        note=note,
        score=lead.score,
        model_version=lead.model_version,
        by=by,
        at=now,
        **target,
        **more,
    )


@transaction.atomic
def invite_lead(*, supply: Listing, lead: Lead, by: User, now: datetime) -> Negotiation:
    """Open a negotiation about the supply with the lead, keep why it was proposed, and note the contact.

    :raises LeadNotOnThePlatform: if the owner of a building project is not registered here
    """
    firm = lead.firm or lead.project.owner
    if firm is None:
        raise LeadNotOnThePlatform(_("This owner is not registered here: call or write instead."))
    negotiation = open_negotiation(
        by=by,
        organisation=supply.organisation,
        supply=supply,
        counterpart=firm,
        origin=Negotiation.Origin.INVITATION,
        match={"reasons": lead.reasons, "score": lead.score, "model_version": lead.model_version},
        now=now,
    )
    if not LeadContact.objects.filter(supply=supply, negotiation=negotiation).exists():
        record_contact(
            supply=supply,
            lead=lead,
            by=by,
            outcome=LeadContact.Outcome.CONTACTED,
            note="",
            now=now,
            negotiation=negotiation,
        )
    return negotiation


def contacts_with(*, supply: Listing, lead: Lead, user: User) -> list[LeadContact]:
    """Return what the user's firms wrote about a lead for goods of this category, the newest first."""
    rows = LeadContact.objects.of(user).filter(organisation=supply.organisation_id, category=supply.category_id)
    about = rows.filter(firm=lead.firm) if lead.firm else rows.filter(project=lead.project)
    return list(about.select_related("by", "supply", "negotiation").order_by("-at", "-pk")[:20])


def letter(*, supply: Listing) -> tuple[str, str]:
    """Return subject and text of a first mail about a supply, in the reader's language, to be finished by hand."""
    subject = _("We offer: %(title)s") % {"title": supply.title}
    body = _(
        "Dear Sir or Madam,\n\nwe are %(firm)s and offer %(title)s. You may need such goods; we would gladly send you "
        "an offer.\n\nKind regards\n%(firm)s"
    ) % {"firm": supply.organisation.name, "title": supply.title}
    return subject, body


@dataclass(frozen=True, slots=True)
class Fitting:
    """One of the user's supplies that a building project could need."""

    supply: Listing
    score: float


def supplies_for(*, project: BuildingProject, user: User, now: datetime, limit: int = 5) -> list[Fitting]:
    """Return the user's open supplies that fit a building project best, one of each category."""
    supplies = own_supplies(user=user, now=now).filter(category__isnull=False).with_names()
    newest = {(one.organisation_id, one.category_id): one for one in supplies.order_by("published_at", "-pk")}
    chosen = sorted(newest.values(), key=lambda one: -one.pk)[:MOST_CATEGORIES]
    scored = lead_search.score_supplies(supplies=chosen, project=project, now=now)
    found = [Fitting(supply, scored[supply.pk]) for supply in chosen if supply.pk in scored]
    return sorted(found, key=lambda one: (-one.score, one.supply.pk))[:limit]
