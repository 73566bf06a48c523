"""Draw as many plausible listings as asked, always the same for one seed, as a stream (no Django, no clock here).

Every firm posts what its trade sells and needs. Two of three demands ask for a product that somebody offered
shortly before, so that a market of any size has pairs that fit beside many that do not.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from seeds.firms import Firm, vocabulary
from seeds.trades import Draw, Trade, trades
from seeds.wording import write_texts

SUPPLY_SHARE = 0.6
# What a demand asks for was offered before, if by any of the latest of its trade.
ECHO_SHARE, REMEMBERED = 0.65, 12
CNY_PER_USD = 7.1
ISSUERS = ("示范认证中心（演示）", "东海质量认证（演示）", "Demo Certification (demo)")


@dataclass(frozen=True, slots=True)
class DemoListing:
    """A listing by the number of its firm; ``fields`` are those that posting a listing takes."""

    firm: int
    fields: dict[str, object]


def make_listings(
    firms: Sequence[Firm], count: int, *, random_state: int = 0, today: date, first_number: int = 1
) -> Iterator[DemoListing]:
    """Yield that many listings of these firms, dated from ``today`` on.

    >>> from seeds.firms import make_firms
    >>> listings = list(make_listings(make_firms(60), 50, today=date(2026, 3, 2)))
    >>> sorted({listing.fields["side"] for listing in listings})
    ['demand', 'supply']
    """
    random = Random(f"listings {random_state}")  # noqa: S311 -- made-up data, not a secret
    catalogue = trades()
    sides = {
        side: [(firm, tuple(catalogue[code] for code in getattr(firm, side))) for firm in firms if getattr(firm, side)]
        for side in ("sells", "buys")
    }
    weights = {side: list(accumulate(firm.share for firm, _ in found)) for side, found in sides.items()}
    offered: dict[str, deque[Draw]] = {}
    for number in range(first_number, first_number + count):
        is_supply = random.random() < SUPPLY_SHARE
        side = "sells" if is_supply else "buys"
        firm, choice = random.choices(sides[side], cum_weights=weights[side])[0]
        trade = choice[int(len(choice) * random.random())]
        latest = offered.setdefault(trade.category.code, deque(maxlen=REMEMBERED))
        if is_supply:
            draw = trade.draw(random)
            latest.append(draw)
            fields = supply_fields(trade, draw, firm, random, today)
        else:
            echoes = latest and random.random() < ECHO_SHARE
            draw = latest[int(len(latest) * random.random())] if echoes else trade.draw(random)
            fields = demand_fields(trade, draw, firm, random, today)
        fields["external_id"] = f"DEMO-{number:07d}"
        yield DemoListing(firm.number, fields)


def supply_fields(
    trade: Trade,
    draw: Draw,
    firm: Firm,
    random: Random,
    today: date,
    *,
    terms: Mapping[str, object] | None = None,
    certificates: Sequence[str] | None = None,
) -> dict[str, object]:
    """Return what a firm offers: the product with all it must say, a stock, a price range, where and how soon.

    ``terms`` and ``certificates`` take the place of drawn ones; a listing whose terms are given says everything.
    """
    quantity = _between(trade.quantity, random)
    minimum = min(quantity, _between(trade.minimum_order, random))
    price = draw.price * firm.price_level * random.lognormvariate(0, 0.06)
    # Larger lots are cheaper: a few per cent for each tenfold.
    low, high = price * 0.97, price * (1 + 0.12 * random.random())
    currency = "USD" if terms is None and random.random() < 0.03 else "CNY"
    rate = CNY_PER_USD if currency == "USD" else 1
    held = certificates or [code for code in trade.certificates if random.random() < 0.6]
    start, end = trade.lead_days
    listing: dict[str, object] = {
        "side": "supply",
        "kind": trade.category.kind,
        "category": trade.category.code,
        "quantity": quantity,
        "unit": trade.category.unit,
        "minimum_order": minimum,
        "price_min": _price(low / rate),
        "price_max": _price(high / rate),
        "price_unit": trade.price_unit,
        "currency": currency,
        "region": firm.region,
        "lead_days": int(start + (end - start) * random.random()),
        "window_end": today + timedelta(days=60 + int(240 * random.random())),
    }
    if trade.category.kind != "space" and (places := random.choice(vocabulary()["delivery"])):
        listing["delivery_regions"] = list(dict.fromkeys((f"{firm.region[:2]}0000", *places)))
    listing |= terms or {}
    if held:
        listing["certificates"] = [_certificate(code, random, today) for code in held]
    return _with_words(listing, trade, draw, random, firm, certificates=held, stated=0.8 if terms is None else 1)


def demand_fields(
    trade: Trade,
    draw: Draw,
    firm: Firm,
    random: Random,
    today: date,
    *,
    terms: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what a firm looks for: the product with what matters to it, how much, what it pays, where and by when.

    ``terms`` take the place of drawn ones; a demand whose terms are given asks for what its title says, and no more.
    """
    low, high = trade.quantity
    quantity = _between((max(low * 0.3, trade.minimum_order[0]), max(low, high * 0.3)), random)
    price = draw.price * random.lognormvariate(0.08, 0.08)
    needed = [code for code in trade.certificates[:2] if random.random() < 0.1]
    start = int(10 * random.random())
    patience = trade.lead_days[1] * (0.4 + 1.6 * random.random())
    listing: dict[str, object] = {
        "side": "demand",
        "kind": trade.category.kind,
        "category": trade.category.code,
        "quantity": quantity,
        "unit": trade.category.unit,
        "price_unit": trade.price_unit,
        "currency": "CNY",
        "price_max": _price(price),
        "region": firm.region,
        "window_start": today + timedelta(days=start),
        "window_end": today + timedelta(days=start + 7 + int(patience)),
    }
    if terms is not None:
        listing |= terms
        return _with_words(listing, trade, draw, random, firm, certificates=(), stated=0)
    if needed:
        listing["required_certificates"] = needed
    return _with_words(listing, trade, draw, random, firm, certificates=needed, stated=0.35)


def _with_words(
    listing: dict[str, object],
    trade: Trade,
    draw: Draw,
    random: Random,
    firm: Firm,
    *,
    certificates: Sequence[str],
    stated: float,
) -> dict[str, object]:
    """Add attributes, titles and texts: what the category requires is said, the rest with the chance ``stated``."""
    must = trade.must_say
    kept = {key: value for key, value in draw.values.items() if key in must or random.random() < stated}
    phrases = {key: draw.phrases[key] for key in kept}
    listing["attributes"] = kept
    style = int(3 * random.random())
    listing |= write_texts(trade, phrases, listing, place=firm.region, certificates=certificates, style=style)
    # Not everybody writes both languages, or all there is to say.
    missing = random.random() if stated < 1 else 1
    if missing < 0.12:
        del listing["title_en"], listing["text_en"]
    elif missing < 0.16:
        del listing["title_zh"], listing["text_zh"]
    return listing


def _certificate(code: str, random: Random, today: date) -> dict[str, object]:
    return {
        "code": code,
        "issuer": random.choice(ISSUERS),
        "number": f"DEMO-{code.upper()}-{int(1_000_000 * random.random()):06d}",
        "expires_on": today + timedelta(days=120 + int(900 * random.random())),
    }


def _between(limits: tuple[float, float], random: Random) -> float:
    """Return an amount between the limits, as often per tenfold, rounded as people order."""
    low, high = limits
    if high <= low:
        return low
    amount = low * (high / low) ** random.random()
    rounded = float(f"{amount:.1g}") if random.random() < 0.6 else float(f"{amount:.2g}")
    rounded = min(max(rounded, low), high)
    return int(rounded) if rounded >= 1 and low >= 1 else round(rounded, 3)


def _price(price: float) -> float:
    """Return a price with three figures, as price lists have it."""
    return round(float(f"{price:.3g}"), 4)
