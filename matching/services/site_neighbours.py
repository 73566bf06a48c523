"""Which firms near a place supply what an industry needs, and which buy what it makes."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from marketplace.models import Category, Listing, Organisation, User
from marketplace.parsing.regions import distance_km
from matching.leads.affinity import curated_rate

# As far as a neighbour is a neighbour, and how many of them are named.
NEIGHBOURHOOD_KM, NAMED = 30, 4


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Firms of the chain near a place: how many, and the first few of each kind by their own names' order."""

    suppliers: int = 0
    buyers: int = 0
    named_suppliers: tuple[Organisation, ...] = ()
    named_buyers: tuple[Organisation, ...] = ()

    @property
    def count(self) -> int:
        return self.suppliers + self.buyers


def neighbours_near(
    regions: Iterable[str], *, industry: str, user: User, now: datetime, without: Collection[int] = ()
) -> dict[str, Neighbours]:
    """Return for each region the firms within 30 km that deal with an industry, by the open listings the user sees.

    Who supplies is told by the table of what industries need, who buys by the industry that makes the goods. The
    number of queries does not grow with the regions. ``without`` are organisations that are no neighbours: our own.

    :param industry: a code of GB/T 4754 of two to four digits; an empty one has no chain
    """
    regions = {region for region in regions if region}
    if not regions or not industry:
        return {}
    places = set(Organisation.objects.approved().exclude(region="").values_list("region", flat=True))
    near = {region: {place for place in places if _is_near(region, place)} for region in regions}
    around = set().union(*near.values())
    suppliers = _firms(Listing.Side.SUPPLY, _needed(industry), around, user, now, without)
    buyers = _firms(Listing.Side.DEMAND, _made(industry), around, user, now, without)
    chosen = {region: (_among(suppliers, near[region]), _among(buyers, near[region])) for region in regions}
    named = {pk for pair in chosen.values() for firms in pair for pk in firms[:NAMED]}
    rows = Organisation.objects.select_related("disclosure").in_bulk(named)
    return {
        region: Neighbours(
            len(sell),
            len(buy),
            tuple(rows[pk] for pk in sell[:NAMED]),
            tuple(rows[pk] for pk in buy[:NAMED]),
        )
        for region, (sell, buy) in chosen.items()
    }


def _is_near(region: str, place: str) -> bool:
    distance = distance_km(region, place)
    return place == region or (distance is not None and distance <= NEIGHBOURHOOD_KM)


def _needed(industry: str) -> list[int]:
    return [pk for code, pk in Category.objects.ids().items() if curated_rate(industry, code) > 0]


def _made(industry: str) -> list[int]:
    # Two classes of one group make goods of one kind.
    start = industry[:3]
    return list(Category.objects.current().filter(industry__startswith=start).values_list("pk", flat=True))


def _firms(
    side: str, categories: list[int], places: set[str], user: User, now: datetime, without: Collection[int]
) -> dict[str, set[int]]:
    """Return by place the firms that have an open listing of the side in one of the categories."""
    found: dict[str, set[int]] = defaultdict(set)
    if not categories:
        return found
    rows = (
        Listing.objects.open(now)
        .shown_to(user)
        .filter(side=side, category__in=categories, organisation__region__in=places)
        .exclude(organisation__in=without)
        .order_by()
        .values_list("organisation__region", "organisation_id")
        .distinct()
    )
    for place, pk in rows:
        found[place].add(pk)
    return found


def _among(firms: dict[str, set[int]], places: set[str]) -> list[int]:
    return sorted(set().union(*(firms[place] for place in places if place in firms)))
