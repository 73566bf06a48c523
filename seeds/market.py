"""Crowded markets of the demo: many want one grade, and the same few suppliers are what everybody would take first.

They are near, cheap and quick, and have too little for all. Others have plenty, are dearer, slower or further away,
or came only this week, so nobody gets to see them while lists mind relevance alone. (No Django, no clock here.)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from random import Random

from marketplace.parsing.places import distance_km
from seeds.firms import Firm
from seeds.generate import DemoListing, demand_fields, supply_fields
from seeds.trades import Draw, Trade, trades

# So many firms of each of these clusters came this week: nobody ordered of them yet.
NEWCOMERS = 4
# The sought-after ask for this much of the usual price, the others for that.
SOUGHT_PRICE, OTHER_PRICE = (0.84, 0.92), (1.04, 1.11)
# So many firms buy in a crowd, some of them more than once.
BUYERS = 24
# What buyers would pay at most.
HIGHEST = (1.18, 1.28)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A market of one grade: who stands on either side, and about how much each has or wants.

    ``sought`` and ``others`` count suppliers, with the range of what each has; ``around`` is where buyers are from.
    """

    code: str
    product: Mapping[str, object]
    cluster: str
    around: str
    sought: int
    others: int
    buyers: int
    sought_has: tuple[int, int]
    others_have: tuple[int, int]
    wanted: tuple[int, int]
    minimum: tuple[int, int]
    certificates: tuple[str, ...] = ()


CROWDS = (
    Crowd(
        "valve.ball",
        {"DN": 80, "PN": 16, "connection": "flanged", "material": "ss304", "drive": "manual", "seat": "ptfe"},
        "pumps_valves",
        "331083",
        sought=26,
        others=15,
        buyers=56,
        sought_has=(120, 280),
        others_have=(900, 2200),
        wanted=(150, 550),
        minimum=(10, 60),
        certificates=("iso9001",),
    ),
    Crowd(
        "polyolefin.pp_homo",
        {"application": "injection_grade", "grade": "V30G", "mfi": 16},
        "chemicals_plastics",
        "330206",
        sought=21,
        others=14,
        buyers=40,
        sought_has=(60, 120),
        others_have=(200, 600),
        wanted=(40, 160),
        minimum=(5, 20),
    ),
    Crowd(
        "fabric.pongee",
        {"denier": 75, "gsm": 75, "composition": "polyester", "state": "dyed", "width": 150},
        "textiles",
        "330603",
        sought=21,
        others=11,
        buyers=32,
        sought_has=(6000, 14000),
        others_have=(30000, 80000),
        wanted=(5000, 18000),
        minimum=(500, 2000),
    ),
    Crowd(
        "tea_leaf.longjing",
        {"grade": "grade_1", "harvest": "spring", "farming": "conventional"},
        "tea",
        "330106",
        sought=21,
        others=6,
        buyers=24,
        sought_has=(150, 350),
        others_have=(900, 2500),
        wanted=(120, 500),
        minimum=(10, 40),
    ),
)


@dataclass(frozen=True, slots=True)
class SmallOrders:
    """Neighbours who each want too little of one grade for the cheapest supplier, and together enough."""

    code: str
    product: Mapping[str, object]
    minimum: int
    stock: int
    wanted: Sequence[int]
    near: str
    # Who of the main story is one of them, if anybody.
    key: str = ""
    # What each costs of the usual price: from the minimum on, and by the piece.
    large_price: float = 0.76
    small_price: float = 1.02


SMALL_ORDERS = (
    SmallOrders(
        "valve.ball",
        {"DN": 40, "PN": 16, "connection": "flanged", "material": "ss304", "drive": "manual", "seat": "ptfe"},
        minimum=300,
        stock=600,
        wanted=(140, 90, 110),
        near="331002",
        key="buyer",
    ),
    SmallOrders(
        "polyolefin.pp_homo",
        {"application": "raffia", "grade": "T30S", "mfi": 3},
        minimum=30,
        stock=60,
        wanted=(12, 9, 15),
        near="330206",
    ),
)


def newcomers(firms: Sequence[Firm]) -> frozenset[int]:
    """Return the numbers of the firms that came this week: the last ones of the clusters that have a crowd."""
    clusters = {crowd.cluster for crowd in CROWDS}
    of = {name: [one.number for one in firms if one.cluster == name and one.sells and not one.key] for name in clusters}
    return frozenset(number for found in of.values() for number in found[-NEWCOMERS:])


def market_listings(firms: Sequence[Firm], *, random_state: int, today: date) -> Iterator[DemoListing]:
    """Yield what the firms of crowded markets post, always the same for one seed.

    >>> from seeds.firms import make_firms
    >>> posted = list(market_listings(make_firms(320), random_state=0, today=date(2026, 3, 2)))
    >>> sorted({listing.fields["side"] for listing in posted})
    ['demand', 'supply']
    """
    random = Random(f"markets {random_state}")  # noqa: S311 -- made-up data, not a secret
    crowded = chain.from_iterable(_crowd(crowd, firms, random, today) for crowd in CROWDS)
    shared = chain.from_iterable(_small_orders(small, firms, random, today) for small in SMALL_ORDERS)
    for number, listing in enumerate(chain(crowded, shared), start=1):
        listing.fields["external_id"] = f"MARKET-{number:04d}"
        yield listing


def _crowd(crowd: Crowd, firms: Sequence[Firm], random: Random, today: date) -> Iterator[DemoListing]:
    trade, new = trades()[crowd.code], newcomers(firms)
    usual = trade.pick(crowd.product, random).price
    known = [firm for firm in firms if firm.sells and firm.number not in new]
    # The two of the main story stay what they are there: one buys, the other has its own price list.
    makers = sorted(
        (firm for firm in known if firm.cluster == crowd.cluster and not firm.key),
        key=lambda firm: (crowd.code not in firm.sells, _km(firm, crowd.around), firm.number),
    )
    sought = makers[: crowd.sought]
    came = [firm for firm in firms if firm.cluster == crowd.cluster and firm.number in new]
    others = (came + makers[: crowd.sought - 1 : -1])[: crowd.others]
    buyers = sorted(
        (firm for firm in known if firm not in makers and firm.key != "seller"),
        key=lambda firm: (crowd.code not in firm.buys, _km(firm, crowd.around), firm.number),
    )[:BUYERS]
    for firm in sought:
        terms = _terms(crowd.sought_has, random) | {"minimum_order": _round(crowd.minimum[0])}
        yield _supply(crowd, trade, firm, usual, SOUGHT_PRICE, random, today, terms | {"lead_days": 5})
    for firm in others:
        terms = _terms(crowd.others_have, random) | {"minimum_order": _round(crowd.minimum[1])}
        yield _supply(crowd, trade, firm, usual, OTHER_PRICE, random, today, terms | {"lead_days": 22})
    # Who buys again is none of the main story: what it is told of stays few enough to read.
    again = [firm for firm in buyers if not firm.key]
    for place in range(crowd.buyers if again else 0):
        firm = buyers[place] if place < len(buyers) else again[place % len(again)]
        highest = usual * random.uniform(*HIGHEST)
        terms = {**_terms(crowd.wanted, random), **_wanted_by(highest, random, today)}
        yield _demand(trade, crowd.product, firm, random, today, terms)


def _small_orders(small: SmallOrders, firms: Sequence[Firm], random: Random, today: date) -> Iterator[DemoListing]:
    trade = trades()[small.code]
    usual = trade.pick(small.product, random).price
    new = newcomers(firms)
    known = [firm for firm in firms if firm.sells and firm.number not in new]
    makers = [firm for firm in known if small.code in firm.sells and not firm.key]
    near = sorted(
        (firm for firm in known if firm not in makers and (not firm.key or firm.key == small.key)),
        key=lambda firm: (not firm.key, _km(firm, small.near), firm.number),
    )
    offers = ((small.minimum, small.stock, small.large_price), (10, 400, small.small_price))
    for firm, (minimum, stock, level) in zip(makers, offers, strict=False):
        terms = {"quantity": stock, "minimum_order": minimum, "lead_days": 12}
        yield _offer(trade, small.product, firm, usual * level, random, today, terms)
    for firm, quantity in zip(near, small.wanted, strict=False):
        terms = {"quantity": quantity, **_wanted_by(usual * HIGHEST[1], random, today)}
        yield _demand(trade, small.product, firm, random, today, terms)


def _supply(
    crowd: Crowd,
    trade: Trade,
    firm: Firm,
    usual: float,
    level: tuple[float, float],
    random: Random,
    today: date,
    terms: dict[str, object],
) -> DemoListing:
    price = usual * random.uniform(*level)
    return _offer(trade, crowd.product, firm, price, random, today, terms, certificates=crowd.certificates)


def _offer(
    trade: Trade,
    product: Mapping[str, object],
    firm: Firm,
    price: float,
    random: Random,
    today: date,
    terms: dict[str, object],
    *,
    certificates: Sequence[str] = (),
) -> DemoListing:
    draw: Draw = trade.pick(product, random)
    terms |= {"price_min": _price(price), "price_max": _price(price * 1.04), "currency": "CNY"}
    terms |= {"window_end": today + timedelta(days=180), "delivery_regions": []}
    return DemoListing(
        firm.number, supply_fields(trade, draw, firm, random, today, terms=terms, certificates=certificates)
    )


def _demand(
    trade: Trade,
    product: Mapping[str, object],
    firm: Firm,
    random: Random,
    today: date,
    terms: Mapping[str, object],
) -> DemoListing:
    return DemoListing(firm.number, demand_fields(trade, trade.pick(product, random), firm, random, today, terms=terms))


def _wanted_by(highest: float, random: Random, today: date) -> dict[str, object]:
    return {
        "price_max": _price(highest),
        "window_start": today + timedelta(days=3),
        "window_end": today + timedelta(days=random.randint(40, 75)),
    }


def _terms(limits: tuple[int, int], random: Random) -> dict[str, object]:
    return {"quantity": _round(random.uniform(*limits))}


def _round(quantity: float) -> int:
    """Return a quantity with two figures, as people order."""
    return int(float(f"{quantity:.2g}"))


def _price(price: float) -> float:
    return round(float(f"{price:.4g}"), 2)


def _km(firm: Firm, region: str) -> float:
    distance = distance_km(firm.region, region)
    return float("inf") if distance is None else float(distance)
