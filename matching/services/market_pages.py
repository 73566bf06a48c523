"""What the operator's page of a market shows: its figures along the dial, and who would get what at one stop."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.models import Listing
from matching.models import Allotment, MarketPoint, MarketProposal
from matching.models.market_proposal import FILL_DIAL

# The plot, in its own units: the frame within which shares from 0 to 1 are drawn.
LEFT, RIGHT, TOP, BOTTOM = 44, 624, 14, 194
# What is drawn, by the field of the point.
DRAWN: dict[str, str | Promise] = {
    "fill": _("Fill"),
    "shown": _("Suppliers shown"),
    "relevance": _("Relevance"),
    "new_exposure": _("New firms"),
    "small_exposure": _("Small firms"),
}
LEFT_OUT: dict[str, str | Promise] = {
    "demand_without_quantity": _("demands without a quantity"),
    "supply_without_quantity": _("supplies without a quantity"),
    "demand_in_another_unit": _("demands in another unit"),
    "supply_in_another_unit": _("supplies in another unit"),
    "demand_promised": _("demands promised to open offers"),
    "supply_promised": _("supplies promised to open offers"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure along the dial, as the plot draws it."""

    name: str
    label: str | Promise
    points: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Share:
    """What one demand would get of one supply, or got, or why not."""

    demand: Listing
    supply: Listing
    quantity: Decimal
    unit: str
    supplier_count: int
    pooled_count: int
    dropped_because: str | Promise = ""


@dataclass(slots=True)
class MarketPage:
    """All that is shown of a finished market."""

    points: list[MarketPoint]
    point: MarketPoint
    lines: list[Line] = field(default_factory=list)
    marker: float = LEFT
    left_out: list[tuple[str | Promise, int]] = field(default_factory=list)


def read_page(*, proposal: MarketProposal, dial: int | None) -> MarketPage | None:
    """Return the figures of a market along the dial and at the stop that is looked at; None until it is computed.

    Without a stop the approved one is shown, or the middle, which fills the most.
    """
    points = list(proposal.points.order_by("dial").defer("allotments"))
    if not points:
        return None
    wanted = next((stop for stop in (dial, proposal.dial, FILL_DIAL) if stop is not None), FILL_DIAL)
    point = min(points, key=lambda one: (abs(one.dial - wanted), one.dial))
    lines = [_line(name, label, points) for name, label in DRAWN.items()]
    left_out = [(LEFT_OUT[key], count) for key, count in sorted(proposal.left_out.items()) if key in LEFT_OUT]
    return MarketPage(points, point, lines, _x(point.dial), left_out)


def _x(dial: int) -> float:
    return round(LEFT + (RIGHT - LEFT) * dial / 10, 1)


def _line(name: str, label: str | Promise, points: Sequence[MarketPoint]) -> Line:
    dots = [(_x(one.dial), round(BOTTOM - (BOTTOM - TOP) * getattr(one, name), 1)) for one in points]
    return Line(name, label, " ".join(f"{x},{y}" for x, y in dots), dots)


def allotment_rows(*, proposal: MarketProposal, point: MarketPoint) -> list[list]:
    """Return what a stop gives each pair, the most valuable first: ``[demand, supply, quantity, value]``."""
    rows = MarketPoint.objects.values_list("allotments", flat=True).get(pk=point.pk)
    return sorted(rows, key=lambda row: (-row[3] * float(row[2]), row[0], row[1]))


def shares(*, proposal: MarketProposal, rows: Sequence[list], all_rows: Sequence[list]) -> list[Share]:
    """Return the shown ones of these rows with their listings; groups are counted over all of them."""
    suppliers = Counter(demand for demand, *_rest in all_rows)
    demands = Counter(supply for _demand, supply, *_rest in all_rows)
    minimum = dict(Listing.objects.filter(pk__in=[row[1] for row in rows]).values_list("pk", "minimum_order"))
    listings = Listing.objects.with_names().in_bulk({pk for row in rows for pk in row[:2]})
    return [
        Share(
            listings[demand],
            listings[supply],
            Decimal(quantity),
            proposal.unit,
            suppliers[demand],
            demands[supply] if minimum.get(supply) and _is_small(listings[demand], listings[supply]) else 1,
        )
        for demand, supply, quantity, _value in rows
        if demand in listings and supply in listings
    ]


def _is_small(demand: Listing, supply: Listing) -> bool:
    return demand.unit == supply.unit and bool(demand.quantity) and demand.quantity < supply.minimum_order


def decided_shares(allotments: Sequence[Allotment]) -> list[Share]:
    """Return what was published of a market, or dropped and why; fetch them ``with_listings()``."""
    return [
        Share(
            one.demand,
            one.supply,
            one.quantity,
            one.unit,
            one.supplier_count,
            one.pooled_count,
            one.get_dropped_because_display(),
        )
        for one in allotments
    ]
