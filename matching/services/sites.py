"""Firms find a place to work in: the spaces that parks offer, matched and compared parameter by parameter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Category, Facility, Listing, Organisation, Park, User
from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.drafts import Draft
from marketplace.parsing.hubs import Nearest, nearest_hubs
from marketplace.parsing.industries import industries
from marketplace.parsing.regions import place_name
from marketplace.services.listings import draft_from_text, post_listing, refuse_problems
from matching.live_index import Found, encoder, facts_of, facts_of_text, live_index, with_facts
from matching.live_index.facts import organisation_of
from matching.ranking import ListingFacts
from matching.ranking.site_rows import MOST_COMPARED, Row, Wish, compare, kinds_of_places, rent_ratio, wish_texts
from matching.ranking.site_score import site_score
from matching.retrieval.eligibility import ACCESS_RULES, why_not
from matching.services.site_neighbours import Neighbours, neighbours_near

# So many of the closest by words and meaning are scored wish by wish.
LOOKED_AT = 300
# What no talk would change. All else is shown behind what fits, with the rule that it misses.
FIXED_RULES = (*ACCESS_RULES, "kind", "family")
# What a facility of the park says about each space in it, in words that are read as parameters.
OFFERED = {
    Facility.Kind.LABORATORY: gettext_lazy("shared testing"),
    Facility.Kind.PILOT_PLANT: gettext_lazy("pilot service"),
}
FIELDS = ("text", "category", "region", "quantity", "price_max", "attributes")


@dataclass(frozen=True, slots=True)
class Site:
    """A space with its place among the found, how it keeps each wish, and what lies around it."""

    found: Found
    rank: int
    facts: ListingFacts
    hubs: tuple[Nearest, ...]
    neighbours: Neighbours
    rows: tuple[Row, ...] = ()

    @property
    def listing(self) -> Listing:
        return self.found.listing

    @property
    def misses_a_limit(self) -> bool:
        return bool(self.found.refusals)


@dataclass(frozen=True, slots=True)
class SiteSearch:
    """What was read, how many spaces keep every limit, the best first, and the chosen ones side by side."""

    draft: Draft
    wish: Wish
    allowed: int
    sites: list[Site]
    compared: list[Site]
    table: list[Row]

    @property
    def asked_rows(self) -> list[Row]:
        return [row for row in self.table if row.wanted]

    @property
    def other_rows(self) -> list[Row]:
        return [row for row in self.table if not row.wanted]


def site_categories() -> list[CategorySpec]:
    """Return the kinds of places that can be asked for, by code."""
    return kinds_of_places(Category.objects.catalogue())


def search_sites(
    *,
    fields: Mapping[str, object],
    user: User,
    now: datetime,
    industry: str = "",
    compare_with: Sequence[int] = (),
    limit: int = 20,
) -> SiteSearch:
    """Return the open spaces that fit a firm that looks for a site, best first, each parameter judged.

    What the fields leave open is read out of ``text``. Whatever limit is missed, that of the place too, only moves a
    site behind those that keep all, so that a compromise can be seen. ``industry`` (GB/T 4754; the firm's own,
    if empty) says whose suppliers and buyers are counted around each site.

    :param fields: text, category, region, quantity (the area), price_max (the rent), attributes
    :param compare_with: up to four listings to set side by side, whether or not they are among the best
    :raises InputRefused: if there is nothing to look for, or a field cannot be taken
    """
    fields = {name: value for name, value in fields.items() if value not in (None, "", {})}
    _refuse_unknown(fields, industry, compare_with)
    organisation = organisation_of(user)
    draft = _draft(fields, now)
    text = str(fields.get("text") or "\n".join(wish_texts(_wish(draft))))
    wish = facts_of_text(draft, text, side=Listing.Side.DEMAND, organisation=organisation)
    allowed, found = _find(wish, user=user, now=now, limit=limit, also=tuple(compare_with))
    near = neighbours_near(
        (facts.region for _found, facts in found),
        industry=industry or (organisation.industry if organisation else ""),
        user=user,
        now=now,
        without=[organisation.pk] if organisation else (),
    )
    sites = [_site(one, facts, rank, wish, near) for rank, (one, facts) in enumerate(found, start=1)]
    by_id = {site.listing.pk: site for site in sites}
    compared = [by_id[pk] for pk in dict.fromkeys(compare_with) if pk in by_id]
    return SiteSearch(
        draft=draft,
        wish=_wish(draft),
        allowed=allowed,
        sites=sites[:limit],
        compared=compared,
        table=compare(wish, [(site.facts, site.hubs) for site in compared]),
    )


def _find(
    wish: ListingFacts, *, user: User, now: datetime, limit: int, also: tuple[int, ...]
) -> tuple[int, list[tuple[Found, ListingFacts]]]:
    """Return how many spaces keep every limit, and the best: first those that do, behind them what comes near.

    The index proposes among what keeps all and among what differs in what can be talked about; the score of sites
    decides. What was asked for by its number is there in any case.
    """
    index, today, vector = live_index(), timezone.localdate(now), encoder().encode([wish.text])[0]
    index.refresh(now)
    closeness: dict[int, float] = {}
    allowed = 0
    for rules in (None, FIXED_RULES):
        proposed = index.candidates(wish, vector, today, limit=LOOKED_AT, rules=rules, also=also)
        closeness |= dict(zip(proposed.ids.tolist(), proposed.fused.tolist(), strict=True))
        allowed = proposed.allowed if rules is None else allowed
    rows = with_facts(Listing.objects.open(now).shown_to(user).filter(pk__in=closeness))
    listings = {listing.pk: listing for listing in rows}
    scored = []
    for facts in facts_of(listings.values(), now=now):
        refusals = why_not(facts, wish, today)
        if any(refusal.rule in FIXED_RULES for refusal in refusals):
            continue
        score, reasons = site_score(wish, facts, words=closeness[facts.id], ratio=rent_ratio(wish, facts))
        found = Found(
            listings[facts.id],
            score,
            [asdict(reason) for reason in reasons],
            [refusal._asdict() for refusal in refusals],
        )
        scored.append((found, facts))
    scored.sort(key=lambda pair: (bool(pair[0].refusals), -pair[0].score, pair[1].id))
    chosen = scored[:limit] + [pair for pair in scored[limit:] if pair[1].id in also]
    # Each kind once: with each row its schema would cost more than all the rest.
    prefetch_related_objects([found.listing for found, _facts in chosen], "category")
    return allowed, chosen


def _site(found: Found, facts: ListingFacts, rank: int, wish: ListingFacts, near: Mapping[str, Neighbours]) -> Site:
    hubs = nearest_hubs(facts.region)
    rows = tuple(row for row in compare(wish, [(facts, hubs)]) if row.wanted)
    return Site(found, rank, facts, hubs, near.get(facts.region, Neighbours()), rows)


@transaction.atomic
def post_site_wish(
    *,
    organisation: Organisation,
    by: User,
    fields: Mapping[str, object],
    now: datetime,
    idempotency_key: str | None = None,
) -> Listing:
    """Post what a firm looks for as a demand, so that it is told of new spaces.

    :raises OnlyMembersMay: if ``by`` does not trade for the organisation
    :raises InputRefused: naming each field that cannot be taken
    :raises ListingAlreadyPosted: if the same was sent with this idempotency key before
    """
    fields = {name: value for name, value in fields.items() if value not in (None, "", {})}
    _refuse_unknown(fields, "", ())
    draft = _draft(fields, now)
    zh, en = wish_texts(_wish(draft))
    words = {"text": fields["text"]} if "text" in fields else {"text_zh": zh, "text_en": en}
    said = {name: value for name, value in fields.items() if name != "text"}
    # A place that nobody asked for is none: the firm's own would shut out all others.
    demand = {"side": Listing.Side.DEMAND, "kind": Category.Kind.SPACE, "region": None} | said | words
    demand |= {name: draft.values[name] for name in ("price_unit", "minimum_order") if name in draft.values}
    return post_listing(organisation=organisation, by=by, fields=demand, now=now, idempotency_key=idempotency_key)


def offer_text(*, park: Park) -> str:
    """Return the beginning of an offer of a space: where it is, and what the park's facilities say of it."""
    kinds = Counter(park.facilities.filter(is_active=True).values_list("kind", flat=True))
    said = [_("%(park)s, %(place)s: workshop to let") % {"park": park.name, "place": region_name(park.region)}]
    if kinds[Facility.Kind.DOCK]:
        said.append(_("%(count)d loading docks") % {"count": kinds[Facility.Kind.DOCK]})
    said += [str(words) for kind, words in OFFERED.items() if kinds[kind]]
    return ", ".join(said)


def region_name(code: str) -> str:
    return place_name(code, get_language() or "zh")


def _draft(fields: Mapping[str, object], now: datetime) -> Draft:
    """Read the wish; what a field says must be right, what the sentence says oddly is no obstacle.

    :raises InputRefused: naming the field
    """
    names = {spec.code: spec for spec in site_categories()}
    said = {name: value for name, value in fields.items() if name != "text"}
    spec = names.get(str(fields.get("category", "")))
    text = str(fields.get("text") or (f"{spec.name_zh} {spec.name_en}" if spec else ""))
    said |= {"side": Listing.Side.DEMAND, "kind": Category.Kind.SPACE}
    if "price_max" in said:
        said["price_unit"] = rent_unit(spec)
    draft = draft_from_text(text=text, now=now, **said)
    refuse_problems(
        Draft(problems={name: found for name, found in draft.problems.items() if name.split(".")[0] in said})
    )
    if (code := draft.values.get("category")) and code not in names:
        draft.values.pop("category")
    if quantity := draft.values.get("quantity"):
        # Half a workshop is none: what is smaller misses a limit.
        draft.values["minimum_order"] = quantity
    return draft


def rent_unit(spec: CategorySpec | None) -> str:
    """Return what a rent is per: area and month, except where the kind of place is sold or let by the day."""
    if spec is None or spec.unit in ("m2", "m3"):
        unit = spec.unit if spec else "m2"
        return f"{unit}·day" if spec and spec.code == "space.exhibition" else f"{unit}·month"
    return spec.unit


def _wish(draft: Draft) -> Wish:
    values = draft.values
    return Wish(
        category=Category.objects.catalogue().get(values.get("category") or ""),
        region=values.get("region") or "",
        quantity=values.get("quantity"),
        unit=values.get("unit") or "",
        price_max=values.get("price_max"),
        price_unit=values.get("price_unit") or "",
        currency=values.get("currency") or "CNY",
        attributes=values.get("attributes") or {},
    )


def _refuse_unknown(fields: Mapping[str, object], industry: str, compare_with: Sequence[int]) -> None:
    errors = {}
    if not str(fields.get("text", "")).strip() and "category" not in fields:
        errors["category"] = [_("Say what kind of place you look for, or describe it in a sentence.")]
    elif "category" in fields and fields["category"] not in {spec.code for spec in site_categories()}:
        errors["category"] = [_("There is no such kind of place.")]
    for name in fields:
        if name not in FIELDS:
            errors[name] = [_("A search for a site has no such field.")]
    if industry and industry not in industries():
        errors["industry"] = [_("GB/T 4754 has no industry of this code.")]
    if len(set(compare_with)) > MOST_COMPARED:
        errors["compare"] = [_("At most %(count)d sites stand side by side.") % {"count": MOST_COMPARED}]
    if errors:
        raise InputRefused(errors)
