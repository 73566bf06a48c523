"""A sentence becomes a listing: category, attributes, quantity, price, places and window, each with the words that said it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from marketplace.parsing.attributes import AttributeReading, find_attributes
from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.category import CategoryGuess, is_settled, rank_categories
from marketplace.parsing.certificates import CertificateMention, find_certificates
from marketplace.parsing.codes import Claims, Code
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.intent import read_kind, read_language, read_side
from marketplace.parsing.normal_form import find_codes
from marketplace.parsing.places import DESTINATION, ORIGIN, PlaceMention, find_places
from marketplace.parsing.prices import Price, find_prices
from marketplace.parsing.quantities import Quantity, find_quantities
from marketplace.parsing.units import convert, format_quantity, same_dimension, unit_name
from marketplace.parsing.windows import Window, find_window

# A listing is a page of text at most; what stands beyond is not read.
LONGEST = 10_000
_SIDES = {"demand": ("需求", "Demand"), "supply": ("供应", "Supply")}
_KINDS = {
    "product": ("产品", "Product"), "service": ("服务", "Service"), "capacity": ("产能", "Capacity"), "space": ("空间", "Space"),
    "data": ("数据产品", "Data product"),
}  # fmt: skip
LEAST_CONFIDENCE = 0.35


@dataclass(frozen=True, slots=True)
class Span:
    """The characters text[start:end] of the sentence as it was written, and how they were understood."""

    start: int
    end: int
    zh: str
    en: str
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class ParsedListing:
    """What a sentence says of a listing; None, or empty, where it says nothing.

    ``spans`` maps each field (``quantity``, ``attributes.DN`` …) to the words behind it; ``candidates`` are the likeliest
    categories, the first being ``category`` where that is certain enough. ``lead_days`` is a lead time that was named.
    """

    language: str
    side: str | None = None
    kind: str | None = None
    category: str | None = None
    confidence: float = 0.0
    candidates: tuple[CategoryGuess, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    quantity: float | None = None
    unit: str | None = None
    minimum_order: float | None = None
    price_min: float | None = None
    price_max: float | None = None
    currency: str | None = None
    price_unit: str | None = None
    origin_region: str | None = None
    delivery_regions: tuple[str, ...] = ()
    window_start: date | None = None
    window_end: date | None = None
    lead_days: int | None = None
    certificates: tuple[str, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)


class _Echo:
    """Collect the spans: where in the sentence each field was read."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self.spans: dict[str, Span] = {}

    def say(self, name: str, start: int, end: int, zh: str, en: str, *, is_ambiguous: bool = False) -> None:
        self.spans.setdefault(name, Span(*self._folded.span(start, end), zh, en, is_ambiguous))

    def say_more(self, name: str, start: int, end: int, zh: str, en: str, *, is_ambiguous: bool = False) -> None:
        """Add to what a field's span says already: a second place, say."""
        known, (start, end) = self.spans[name], self._folded.span(start, end)
        self.spans[name] = Span(
            min(start, known.start),
            max(end, known.end),
            f"{known.zh}、{zh}",
            f"{known.en}; {en}",
            known.is_ambiguous or is_ambiguous,
        )


def parse(
    text: str, *, today: date, catalogue: Catalogue, category: str | None = None, side: str | None = None
) -> ParsedListing:
    """Read a sentence in Chinese or English; nothing is invented, a field without evidence stays empty.

    :param category: the code of the category, where it is known already
    :param side: demand or supply, where it is known already; a place or a bare price means one thing or the other by it
    """
    folded = fold(text[:LONGEST])
    echo = _Echo(folded)
    codes = find_codes(folded)
    said = read_side(folded)
    if said:
        echo.say("side", said[1], said[2], *_SIDES[said[0]])
    side = side or (said[0] if said else None)
    claims, taken = Claims(len(folded.text)), Claims(len(folded.text))
    for code in codes:
        if code.kind not in {"measure", "percent"}:
            claims.take(code.start, code.end)
    prices = find_prices(folded, claims)
    windows = find_window(folded, claims, today)
    places = find_places(folded)
    for stretch in (*prices, *windows, *places):
        taken.take(stretch.start, stretch.end)
    guesses = rank_categories(folded, codes, catalogue, kind=read_kind(folded))
    spec, confidence = _category(guesses, catalogue, category, echo)
    kind = _kind(folded, spec, echo)
    attributes = _attributes(folded, codes, spec, claims, taken, echo)
    quantities = find_quantities(folded, claims)
    amount, minimum = _quantity(quantities, spec, kind, side, echo)
    price = _price(prices, amount, spec, side, echo)
    certificates = find_certificates(folded)
    _echo_certificates(certificates, echo)
    origin, delivery = _regions(places, side, echo)
    start, end, lead_days = _window(windows, echo)
    return ParsedListing(
        language=read_language(text),
        side=said[0] if said else None,
        kind=kind,
        category=spec.code if spec else None,
        confidence=confidence,
        candidates=tuple(guesses),
        attributes={reading.key: reading.value for reading in attributes},
        quantity=amount[0] if amount else None,
        unit=amount[1] if amount else minimum[1] if minimum else None,
        minimum_order=minimum[0] if minimum else None,
        price_min=price[0] if price else None,
        price_max=price[1] if price else None,
        currency=price[2] if price else None,
        price_unit=price[3] if price else None,
        origin_region=origin,
        delivery_regions=delivery,
        window_start=start,
        window_end=end,
        lead_days=lead_days,
        certificates=tuple(certificate.code for certificate in certificates),
        spans=echo.spans,
    )


def _category(
    guesses: Sequence[CategoryGuess], catalogue: Catalogue, known: str | None, echo: _Echo
) -> tuple[CategorySpec | None, float]:
    if known is not None:
        return catalogue.get(known), 1.0
    if not guesses:
        return None, 0.0
    best = guesses[0]
    spec = catalogue.get(best.code)
    if spec is None or best.confidence < LEAST_CONFIDENCE or not is_settled(best.code, catalogue):
        return None, 0.0
    rivals = [guess for guess in guesses[1:] if guess.score > 0.85 * best.score]
    echo.say("category", best.start, best.end, spec.name_zh, spec.name_en, is_ambiguous=bool(rivals))
    return spec, best.confidence


def _kind(folded: Folded, spec: CategorySpec | None, echo: _Echo) -> str | None:
    kind = spec.kind if spec else read_kind(folded)
    if kind in _KINDS and "category" in echo.spans:
        span = echo.spans["category"]
        echo.spans["kind"] = Span(span.start, span.end, *_KINDS[kind])
    return kind


def _attributes(
    folded: Folded, codes: Sequence[Code], spec: CategorySpec | None, claims: Claims, taken: Claims, echo: _Echo
) -> list[AttributeReading]:
    if spec is None:
        return []
    readings = find_attributes(folded, codes, spec, claims, taken)
    for reading in readings:
        echo.say(f"attributes.{reading.key}", reading.start, reading.end, reading.zh, reading.en)
    return readings


Amount = tuple[float, str]


def _quantity(
    quantities: Sequence[Quantity], spec: CategorySpec | None, kind: str | None, side: str | None, echo: _Echo
) -> tuple[Amount | None, Amount | None]:
    """Return the amount and the minimum order, in one unit where both are said."""
    wanted = spec.unit if spec else ""
    minimums = [quantity for quantity in quantities if quantity.is_minimum]
    others = [quantity for quantity in quantities if not quantity.is_minimum and not quantity.is_package]
    amount = max(others, key=lambda quantity: _likelihood(quantity, wanted, kind), default=None)
    found, minimum = None, None
    if amount is not None:
        unit, note = _unit_of(amount.unit, wanted, kind)
        found = (amount.value, unit)
        low = f"{amount.low:g}–" if amount.low is not None else ""
        zh, en = (low + format_quantity(amount.value, unit, language) for language in ("zh", "en"))
        echo.say("quantity", amount.start, amount.end, f"数量 {zh}{note[0]}", f"Quantity {en}{note[1]}")
        echo.say("unit", amount.start, amount.end, unit_name(unit, "zh"), unit_name(unit, "en"))
        if amount.low is not None and side == "supply" and not minimums:
            minimum = (amount.low, unit)
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


def _unit_of(unit: str, wanted: str, kind: str | None) -> tuple[str, tuple[str, str]]:
    """Return the unit of a product's amount: what is made in a month is what can be had, month by month."""
    base, _, period = unit.partition("/")
    if period and kind not in {"capacity", "service"} and wanted and same_dimension(base, wanted):
        return base, (f"（每{unit_name(period, 'zh')}）", f" (each {unit_name(period, 'en', plural=False)})")
    return unit, ("", "")


def _likelihood(quantity: Quantity, wanted: str, kind: str | None) -> tuple[float, int]:
    """Return how likely an amount is the listing's own, then its place: what stands first goes before."""
    score = 4.0 * quantity.has_cue
    if wanted:
        base = quantity.unit.partition("/")[0]
        score += (
            3.0
            if same_dimension(quantity.unit, wanted)
            else 2.0
            if same_dimension(base, wanted.partition("/")[0])
            else 0.0
        )
    if kind == "space" and quantity.unit in {"m2", "m3", "pallet", "mu"}:
        score += 2.0
    if kind == "capacity" and "/" in quantity.unit:
        score += 2.0
    return score, -quantity.start


def _price(
    prices: Sequence[Price], amount: Amount | None, spec: CategorySpec | None, side: str | None, echo: _Echo
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


def _echo_certificates(certificates: Sequence[CertificateMention], echo: _Echo) -> None:
    if certificates:
        zh, en = "、".join(one.zh for one in certificates), ", ".join(one.en for one in certificates)
        echo.say("certificates", certificates[0].start, certificates[0].end, f"证书 {zh}", f"Certificates {en}")


def _regions(places: Sequence[PlaceMention], side: str | None, echo: _Echo) -> tuple[str | None, tuple[str, ...]]:
    """Return where goods come from and where they go; a bare place is the demand's door or the supply's."""
    origin: str | None = None
    delivery: dict[str, None] = {}
    bare = [place for place in places if place.role is None and not place.is_everywhere]
    for place in places:
        if place.role == ORIGIN and origin is None and len(place.codes) == 1:
            origin = place.codes[0]
            _say_place("origin_region", "产地/发货地", "Ships from", place, echo)
        elif place.role == DESTINATION:
            delivery |= dict.fromkeys(place.codes)
            _say_place("delivery_regions", "交货地", "Deliver to", place, echo)
    for place in bare:
        if side == "demand" and not delivery:
            delivery |= dict.fromkeys(place.codes)
            _say_place("delivery_regions", "交货地", "Deliver to", place, echo)
        elif side != "demand" and origin is None and len(place.codes) == 1:
            origin = place.codes[0]
            _say_place("origin_region", "所在地", "Located in", place, echo)
    # A demand that only says where the buyer is wants its goods there.
    if side == "demand" and not delivery and origin is not None and "origin_region" in echo.spans:
        span = echo.spans["origin_region"]
        if not span.zh.startswith("产地"):
            delivery, origin = {origin: None}, None
            echo.spans["delivery_regions"] = echo.spans.pop("origin_region")
    return origin, tuple(delivery)


def _say_place(name: str, zh: str, en: str, place: PlaceMention, echo: _Echo) -> None:
    if name in echo.spans:
        echo.say_more(name, place.start, place.end, place.zh, place.en, is_ambiguous=place.is_ambiguous)
        return
    echo.say(name, place.start, place.end, f"{zh} {place.zh}", f"{en} {place.en}", is_ambiguous=place.is_ambiguous)


def _window(windows: Sequence[Window], echo: _Echo) -> tuple[date | None, date | None, int | None]:
    start = end = lead_days = None
    for window in windows:
        if window.lead_days is not None:
            lead_days = window.lead_days
            echo.say("lead_days", window.start, window.end, window.zh, window.en)
            continue
        start, end = window.first, window.last
        for name, value in (("window_start", start), ("window_end", end)):
            if value is not None:
                echo.say(name, window.start, window.end, window.zh, window.en)
    return start, end, lead_days
