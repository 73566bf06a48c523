"""The listings of the main story: a pump maker in Taizhou looks for 304 ball valves, a maker in Yuhuan has them.

Beside the seller stand makers that could deliver too, and makers that just cannot: another steel, too low a
pressure, too long a lead time, too large a minimum order. They show what the hard rules keep apart.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from seeds.firms import Firm
from seeds.generate import DemoListing, demand_fields, supply_fields
from seeds.trades import Trade, trades

SIZES = (15, 20, 25, 32, 40, 50, 65, 80, 100)
BALL = {"connection": "flanged", "material": "ss304", "drive": "manual", "seat": "ptfe", "temperature_max": 180}
# What a rival says otherwise than the seller, of product and of terms.
RIVALS: tuple[tuple[dict[str, object], dict[str, object]], ...] = (
    ({"PN": 16}, {"quantity": 1200, "minimum_order": 20, "lead_days": 10}),
    ({"PN": 25}, {"quantity": 600, "minimum_order": 10, "lead_days": 14}),
    ({"PN": 16}, {"quantity": 2000, "minimum_order": 100, "lead_days": 21}),
    ({"PN": 40}, {"quantity": 500, "minimum_order": 50, "lead_days": 18}),
    ({"PN": 16}, {"quantity": 300, "minimum_order": 5, "lead_days": 5}),
    ({"PN": 16, "material": "ss316l"}, {"quantity": 900, "minimum_order": 20, "lead_days": 12}),
    ({"PN": 16, "material": "wcb"}, {"quantity": 1500, "minimum_order": 20, "lead_days": 7}),
    ({"PN": 16}, {"quantity": 3000, "minimum_order": 20, "lead_days": 60}),
    ({"PN": 16}, {"quantity": 5000, "minimum_order": 1000, "lead_days": 15}),
)
WANTED_BY_BUYER = ("valve.check", "sealing.mechanical", "general_part.motor", "valve_pump_part.impeller")


def story_listings(firms: Sequence[Firm], *, today: date) -> list[DemoListing]:
    """Return what buyer, seller and their rivals post; the demand of the story itself is left to who plays it."""
    random = Random("story")  # noqa: S311 -- made-up data, not a secret
    named = {firm.key: firm for firm in firms if firm.key}
    ball = trades()["valve.ball"]
    rivals = [firm for firm in firms if "valve.ball" in firm.sells and firm.key != "seller"]
    listings = [
        _supply(ball, named["seller"], random, today, {"DN": size, "PN": 16}, _sellers_terms(size)) for size in SIZES
    ]
    listings += [
        _supply(ball, firm, random, today, {"DN": 50, **product}, terms)
        for firm, (product, terms) in zip(rivals, RIVALS, strict=False)
    ]
    for code in WANTED_BY_BUYER:
        trade = trades()[code]
        fields = demand_fields(trade, trade.draw(random), named["buyer"], random, today)
        listings.append(DemoListing(named["buyer"].number, fields))
    for number, listing in enumerate(listings, start=1):
        listing.fields["external_id"] = f"STORY-{number:03d}"
    return listings


def _sellers_terms(size: int) -> dict[str, object]:
    # The usual sizes lie in stock in larger numbers.
    return {"quantity": 800 if size <= 50 else 500, "minimum_order": 10, "lead_days": 7}


def _supply(
    trade: Trade, firm: Firm, random: Random, today: date, product: dict[str, object], terms: dict[str, object]
) -> DemoListing:
    draw = trade.pick({**BALL, **product}, random)
    # List prices: what a firm asks does not differ from one size to the next by chance.
    price = draw.price * firm.price_level
    terms = {**terms, "price_min": round(price * 0.97, 1), "price_max": round(price * 1.05, 1)}
    terms |= {"currency": "CNY", "window_end": today + timedelta(days=180), "delivery_regions": []}
    certificates = ("iso9001", "tsg-valve")
    return DemoListing(
        firm.number, supply_fields(trade, draw, firm, random, today, terms=terms, certificates=certificates)
    )
