"""Who is shown to whom: the order of a listing's matches, with a floor for new firms, and what it comes to."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from marketplace.models import Listing, Organisation, User
from matching.clearing.figures import gini
from matching.models import Match, MatchEvent
from matching.runs.market_data import new_firms, small_firms

ORDERS = ("mutual", "score")
# A firm whose first listing is so young has a floor: shown so often, on a first page, to those whose rules it meets.
FLOOR_FOR, FLOOR = timedelta(days=7), 10
FIRST_PAGE = 20
# The places of a list that new firms may take, counted from 0: the third and the eighth.
RESERVED = (2, 7)
# How many points less than what it displaces a new firm may have.
TOLERANCE = 10.0
NAMED = 12
# So many matches with new firms are looked at for the reserved places of a list, the best of them.
MOST_CANDIDATES = 50


class MatchList:
    """The matches of a listing in their order, as a paginator takes them: it counts, and is sliced.

    ``reserved`` are matches that stand in a place of their own; ``placed`` of each match says why, or is empty.
    """

    def __init__(self, rows: QuerySet[Match], reserved: dict[int, int]) -> None:
        self._rows, self._reserved = rows, reserved

    def count(self) -> int:
        return self._rows.count()

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, places: slice) -> list[Match]:
        start, stop = places.start or 0, self.count() if places.stop is None else places.stop
        here = {place: pk for place, pk in self._reserved.items() if start <= place < stop}
        before = sum(place < start for place in self._reserved)
        others = self._rows.exclude(pk__in=self._reserved.values()) if self._reserved else self._rows
        found = list(others[start - before : stop - before - len(here)])
        placed = {match.pk: match for match in self._rows.filter(pk__in=here.values())} if here else {}
        for place, pk in sorted(here.items()):
            # A match that went meanwhile leaves its place to the next.
            if pk in placed:
                found.insert(place - start, placed[pk])
        for match in found:
            match.placed = "new_firm" if match.pk in placed else ("allotted" if match.standing_allotment else "")
        return found


def match_list(*, listing: Listing, user: User, now: datetime, order: str = "mutual") -> MatchList:
    """Return a listing's current matches that the user may see, best first.

    :param order: "mutual", by what both sides may expect beside all that compete for either, or "score"
    """
    rows = Match.objects.for_listing(listing).current(now).visible_to(user).with_listings().with_allotments()
    rows = rows.by_score() if order == "score" else rows.by_mutual_success()
    return MatchList(rows, _reserved(rows, listing, now) if settings.NEW_FIRM_FLOOR else {})


def _reserved(rows: QuerySet[Match], listing: Listing, now: datetime) -> dict[int, int]:
    """Return which matches of new firms take which place; who was shown least comes first."""
    firm = "supply_organisation" if listing.side == Listing.Side.DEMAND else "demand_organisation"
    new = rows.filter(~Exists(_older_listings(firm, now))).order_by("-score", "pk").values_list("pk", "score", firm)
    candidates = list(new[:MOST_CANDIDATES])
    if not candidates:
        return {}
    shown = _impressions({who for _pk, _score, who in candidates}, firm, listing.side, now)
    waiting = [one for one in candidates if shown[one[2]] < FLOOR]
    waiting.sort(key=lambda one: (shown[one[2]], -one[1], one[0]))
    head = list(rows.values_list("pk", "score")[: RESERVED[-1] + 1])
    reserved: dict[int, int] = {}
    firms: set[int] = set()
    for place in RESERVED:
        if place >= len(head):
            break
        before = {pk for pk, _score in head[: place + 1]} | set(reserved.values())
        _pk, displaced = head[place - len(reserved)]
        for pk, score, who in waiting:
            if pk not in before and who not in firms and score >= displaced - TOLERANCE:
                reserved[place] = pk
                firms.add(who)
                break
    return reserved


def _older_listings(firm: str, now: datetime) -> QuerySet[Listing]:
    return Listing.objects.filter(organisation=OuterRef(firm), published_at__lt=now - FLOOR_FOR)


def _impressions(firms: Collection[int], firm: str, side: str, now: datetime) -> Counter:
    """Return how often these firms were shown on first pages, in the days in which they have a floor."""
    shown = MatchEvent.objects.shown_since(now - FLOOR_FOR).filter(
        **{f"match__{firm}__in": firms}, side=side, position__lte=FIRST_PAGE
    )
    return Counter(dict(shown.order_by().values_list(f"match__{firm}").annotate(count=Count("pk"))))


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of firm: how many could be shown, how many were, and their part of all impressions."""

    name: str
    firms: int
    shown: int
    impressions: int
    share: float
    per_firm: float


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A firm in its first days, and how often it was shown on a first page."""

    organisation: Organisation
    impressions: int
    is_under_floor: bool


@dataclass(slots=True)
class Exposure:
    """What the last days' lists came to for suppliers."""

    days: int
    suppliers: int
    shown: int
    impressions: int
    gini: float
    groups: list[Group] = field(default_factory=list)
    newcomers: list[Newcomer] = field(default_factory=list)
    under_floor: int = 0
    most_shown: list[tuple[Organisation, int]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.shown / self.suppliers if self.suppliers else 0.0


def read_exposure(*, now: datetime, days: int = 7) -> Exposure:
    """Return how often suppliers with a current match were shown to buyers, and how evenly."""
    candidates = set(Match.objects.current(now).order_by().values_list("supply_organisation", flat=True).distinct())
    shown = MatchEvent.objects.shown_since(now - timedelta(days=days)).filter(side=Listing.Side.DEMAND)
    counted = shown.order_by().values_list("match__supply_organisation").annotate(count=Count("pk"))
    counts = Counter({pk: count for pk, count in counted if pk in candidates})
    new, small = new_firms(candidates, now), small_firms(candidates, now)
    newcomers = _newcomers(candidates, now)
    exposure = Exposure(
        days=days,
        suppliers=len(candidates),
        shown=len(counts),
        impressions=counts.total(),
        gini=gini(np.array([counts[pk] for pk in sorted(candidates)], dtype=float)),
        groups=[
            _group("new", new, counts),
            _group("not_new", candidates - new, counts),
            _group("small", small, counts),
            _group("not_small", candidates - small, counts),
        ],
        newcomers=newcomers[:NAMED],
        under_floor=sum(one.is_under_floor for one in newcomers),
    )
    best = sorted(counts, key=lambda pk: (-counts[pk], pk))[:NAMED]
    firms = Organisation.objects.in_bulk(best)
    exposure.most_shown = [(firms[pk], counts[pk]) for pk in best]
    return exposure


def _group(name: str, firms: Collection[int], counts: Counter) -> Group:
    impressions = sum(counts[pk] for pk in firms)
    return Group(
        name=name,
        firms=len(firms),
        shown=sum(counts[pk] > 0 for pk in firms),
        impressions=impressions,
        share=impressions / counts.total() if counts.total() else 0.0,
        per_firm=impressions / len(firms) if firms else 0.0,
    )


def _newcomers(candidates: Collection[int], now: datetime) -> list[Newcomer]:
    """Return the firms that have a floor now, those under it first."""
    older = Listing.objects.filter(organisation=OuterRef("pk"), published_at__lt=now - FLOOR_FOR)
    shown = MatchEvent.objects.shown_since(now - FLOOR_FOR).filter(
        match__supply_organisation=OuterRef("pk"), side=Listing.Side.DEMAND, position__lte=FIRST_PAGE
    )
    counted = shown.order_by().values("match__supply_organisation").annotate(n=Count("pk")).values("n")
    firms: Sequence[Organisation] = (
        Organisation.objects.filter(~Exists(older), pk__in=candidates)
        .annotate(impressions=Coalesce(Subquery(counted), 0))
        .order_by(F("impressions"), "pk")
    )
    return [Newcomer(firm, firm.impressions, firm.impressions < FLOOR) for firm in firms]
