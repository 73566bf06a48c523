"""Which of a text's amounts is the listing's quantity, which its minimum order, and what its price is for one."""

import re
from collections.abc import Sequence

from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.echo import Echo
from marketplace.parsing.figures import read_number
from marketplace.parsing.folding import Folded
from marketplace.parsing.prices import Price
from marketplace.parsing.quantities import WHEN, Quantity
from marketplace.parsing.units import convert, format_quantity, same_dimension, unit_name

Amount = tuple[float, str]


def settle_quantity(
    folded: Folded,
    quantities: Sequence[Quantity],
    spec: CategorySpec | None,
    kind: str | None,
    side: str | None,
    echo: Echo,
) -> tuple[Amount | None, Amount | None]:
    """Return the amount and the minimum order, in one unit where both are said."""
    wanted = spec.unit if spec else ""
    minimums = [quantity for quantity in quantities if quantity.is_minimum]
    others = [quantity for quantity in quantities if not quantity.is_minimum and not quantity.is_package]
    amount = max(others, key=lambda quantity: _likelihood(quantity, wanted, kind), default=None)
    if amount is None or _likelihood(amount, wanted, kind)[0] < 0:
        amount = _bare_count(folded, wanted, echo)
    found, minimum = None, None
    if amount is not None:
        value, unit, note = _contents(amount, quantities, wanted) or (
            amount.value,
            *_unit_of(amount.unit, wanted, kind),
        )
        found = (value, unit)
        low = f"{amount.low:g}–" if amount.low is not None else ""
        zh, en = (low + format_quantity(value, unit, language) for language in ("zh", "en"))
        echo.say("quantity", amount.start, amount.end, f"数量 {zh}{note[0]}", f"Quantity {en}{note[1]}")
        echo.say("unit", amount.start, amount.end, unit_name(unit, "zh"), unit_name(unit, "en"))
        if amount.low is not None and side == "supply" and not minimums:
            minimum = (amount.low, unit)
    if not minimums and (bare := _bare_minimum(folded, found[1] if found else wanted)):
        minimums = [bare]
    if minimums:
        least = minimums[0]
        if found is None:
            minimum = (least.value, least.unit)
            echo.say("unit", least.start, least.end, unit_name(least.unit, "zh"), unit_name(least.unit, "en"))
        elif same_dimension(least.unit, found[1]):
            minimum = (convert(least.value, least.unit, found[1]), found[1])
        if minimum is not None:
            zh, en = (format_quantity(*minimum, language) for language in ("zh", "en"))
            echo.say("minimum_order", least.start, least.end, f"最小起订量 {zh}", f"Minimum order {en}")
    return found, minimum


def _bare_count(folded: Folded, wanted: str, echo: Echo) -> Quantity | None:
    """Return the count that stands before the goods, or after a word for it, without a unit: 2000 O-rings, qty 36."""
    named = echo.found.get("category")
    if wanted not in {"piece", "set", "pair"}:
        return None
    offset = max(0, named[0] - 60) if named else 0
    match = _BARE_COUNT.search(folded.text[offset : named[0]]) if named else None
    if match is None:
        offset, match = 0, _COUNT_SAID.search(folded.text)
    value = read_number(match["count"]) if match else None
    if match is None or not value or echo.overlaps(match.start("count") + offset, match.end("count") + offset):
        return None
    return Quantity(value, wanted, match.start("count") + offset, match.end("count") + offset)


def _bare_minimum(folded: Folded, unit: str) -> Quantity | None:
    """Return the minimum order that names no unit of its own: stock 460 t, MOQ 4."""
    match = _LEAST_SAID.search(folded.text)
    value = read_number(match["count"]) if match and unit else None
    return Quantity(value, unit, match.start(), match.end()) if match and value else None


_LEAST_SAID = re.compile(
    r"(?:起订量|最小起订量?|(?<![a-z])(?:moq|minimum order(?: quantity| qty)?|min\. order|at least(?= \d+(?:\.\d+)?[,;.]))[ ]?)[ :为是of]*(?P<count>\d{1,3}(?:,\d{3})+|\d{1,7}(?:\.\d{1,3})?)(?![\d%]|[ ]?[a-z%μ°$€]|[^\W\d_])"
)
_COUNT_SAID = re.compile(
    r"(?:数量|需求量|采购量|(?<![a-z])(?:qty|quantity))[ :.为是of]*(?P<count>\d{1,3}(?:,\d{3})+|\d{1,7})(?![\d.]|[ ]?[a-z%μ°]|[^\W\d_])"
)
_BARE_COUNT = re.compile(r"(?<![\w.,/#-])(?P<count>\d{1,3}(?:,\d{3})+|\d{1,7})[ ](?:[a-z][a-z-]*[ ]){0,5}$")


def _contents(
    amount: Quantity, quantities: Sequence[Quantity], wanted: str
) -> tuple[float, str, tuple[str, str]] | None:
    """Return what so many packages hold, where the text says what is in one: 3 车 of 30吨/车 are 90 t."""
    for package in quantities:
        is_its = package.package == amount.unit or (
            package.package is None and package.end <= amount.start <= package.end + 3
        )
        if package.is_package and is_its and package is not amount and wanted and same_dimension(package.unit, wanted):
            shown = tuple(
                f"{format_quantity(amount.value, amount.unit, language)} × {format_quantity(package.value, package.unit, language)}"
                for language in ("zh", "en")
            )
            return amount.value * package.value, package.unit, (f"（{shown[0]}）", f" ({shown[1]})")
    return None


def _unit_of(unit: str, wanted: str, kind: str | None) -> tuple[str, tuple[str, str]]:
    """Return the unit of a product's amount: what is made in a month is what can be had, month by month."""
    base, _, period = unit.partition("/")
    if period and kind not in {"capacity", "service"} and wanted and same_dimension(base, wanted):
        return base, (f"（每{unit_name(period, 'zh')}）", f" (each {unit_name(period, 'en', plural=False)})")
    return unit, ("", "")


def _likelihood(quantity: Quantity, wanted: str, kind: str | None) -> tuple[float, int]:
    """Return how likely an amount is the listing's own, then its place: what stands first goes before."""
    score = 4.0 * quantity.has_cue
    if quantity.unit in WHEN and wanted not in WHEN:
        return -10.0, -quantity.start
    if wanted:
        if same_dimension(quantity.unit, wanted):
            score += 3.0
        elif same_dimension(quantity.unit.partition("/")[0], wanted.partition("/")[0]):
            score += 2.0
        elif quantity.unit in _MEASURES:
            score -= 1.0  # 200L 反应釜 is a size where lines are let by the day
    if (kind == "space" and quantity.unit in {"m2", "m3", "pallet", "mu"}) or (
        kind == "capacity" and "/" in quantity.unit
    ):
        score += 2.0
    return score, -quantity.start


_MEASURES = frozenset({"kg", "g", "mg", "t", "m", "km", "m3", "L", "mL", "hour", "kWh", "time", "job"})


def settle_price(
    prices: Sequence[Price], amount: Amount | None, spec: CategorySpec | None, side: str | None, echo: Echo
) -> tuple[float | None, float | None, str, str | None] | None:
    if not prices:
        return None
    unit = amount[1] if amount else spec.unit if spec else ""
    price = max(
        prices,
        key=lambda price: (
            bool(price.unit and unit and same_dimension(price.unit, unit)),
            not price.is_total,
            -price.start,
        ),
    )
    low, high, note = price.low, price.high, ("", "")
    per = price.unit
    # What is sold by the month's output is priced by it: 12.7 元/只/月 for pieces a month.
    if per and spec and per.replace("·", "/") == spec.unit:
        per = spec.unit
    if price.is_total and amount and amount[0]:
        # A budget for the whole is a most for each.
        low, high = (None if value is None else float(f"{value / amount[0]:.6g}") for value in (low, high))
        per = amount[1]
        shown = f"{high if high is not None else low:g} {price.currency}/"
        note = (f"，合 {shown}{unit_name(per, 'zh')}", f", {shown}{unit_name(per, 'en', plural=False)}")
    elif side == "demand" and low is not None and low == high:
        low = None  # who asks for goods at a price would take them for less
    echo.say("price", price.start, price.end, f"价格 {price.zh}{note[0]}", f"Price {price.en}{note[1]}")
    for name, value in (("price_min", low), ("price_max", high)):
        if value is not None:
            echo.spans[name] = echo.spans["price"]
    del echo.spans["price"]
    if price.has_currency:
        echo.say("currency", price.start, price.end, price.currency, price.currency)
    if per:
        echo.say(
            "price_unit",
            price.start,
            price.end,
            f"每{unit_name(per, 'zh')}",
            f"per {unit_name(per, 'en', plural=False)}",
        )
    return low, high, price.currency, per
