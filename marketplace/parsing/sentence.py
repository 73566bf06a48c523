"""A sentence becomes a listing: category, attributes, quantity, price, places and window, each with the words that said it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from marketplace.parsing.amounts import settle_price, settle_quantity
from marketplace.parsing.attributes import AttributeReading, find_attributes
from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.category import CategoryGuess, is_settled, rank_categories
from marketplace.parsing.certificates import CertificateMention, find_certificates
from marketplace.parsing.codes import Claims, Code
from marketplace.parsing.echo import Echo, Span
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.intent import read_kind, read_language, read_side
from marketplace.parsing.normal_form import find_codes
from marketplace.parsing.places import DESTINATION, LOCATED, ORIGIN, PlaceMention, find_places
from marketplace.parsing.prices import find_prices
from marketplace.parsing.quantities import find_quantities
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


def parse(
    text: str, *, today: date, catalogue: Catalogue, category: str | None = None, side: str | None = None
) -> ParsedListing:
    """Read a sentence in Chinese or English; nothing is invented, a field without evidence stays empty.

    :param category: the code of the category, where it is known already
    :param side: demand or supply, where it is known already; a place or a bare price means one thing or the other by it
    """
    folded = fold(text[:LONGEST])
    echo = Echo(folded)
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
    certificates = find_certificates(folded)
    papers = Claims(len(folded.text))
    for certificate in certificates:
        papers.take(certificate.start, certificate.end)
    guesses = []
    if category is None:
        guesses = rank_categories(folded, codes, catalogue, kind=read_kind(folded), taken=papers)
    spec, confidence = _category(guesses, catalogue, category, echo)
    kind = _kind(folded, spec, echo)
    attributes = _attributes(folded, codes, spec, claims, taken, echo)
    quantities = find_quantities(folded, claims)
    amount, minimum = settle_quantity(folded, quantities, spec, kind, side, echo)
    price = settle_price(prices, amount, spec, side, echo)
    _echo_certificates(certificates, echo)
    origin, delivery = _regions(places, side, echo)
    start, end, lead_days = _window(windows, side, today, echo)
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
        currency=(price[2] or None) if price else None,
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
    guesses: Sequence[CategoryGuess], catalogue: Catalogue, known: str | None, echo: Echo
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


def _kind(folded: Folded, spec: CategorySpec | None, echo: Echo) -> str | None:
    kind = spec.kind if spec else read_kind(folded)
    if kind in _KINDS and "category" in echo.spans:
        span = echo.spans["category"]
        echo.spans["kind"] = Span(span.start, span.end, *_KINDS[kind])
    return kind


def _attributes(
    folded: Folded, codes: Sequence[Code], spec: CategorySpec | None, claims: Claims, taken: Claims, echo: Echo
) -> list[AttributeReading]:
    if spec is None:
        return []
    readings = find_attributes(folded, codes, spec, claims, taken)
    for reading in readings:
        echo.say(f"attributes.{reading.key}", reading.start, reading.end, reading.zh, reading.en)
    return readings


def _echo_certificates(certificates: Sequence[CertificateMention], echo: Echo) -> None:
    if certificates:
        zh, en = "、".join(one.zh for one in certificates), ", ".join(one.en for one in certificates)
        echo.say("certificates", certificates[0].start, certificates[0].end, f"证书 {zh}", f"Certificates {en}")


def _regions(places: Sequence[PlaceMention], side: str | None, echo: Echo) -> tuple[str | None, tuple[str, ...]]:
    """Return where goods come from and where they go; a bare place is the demand's door or the supply's."""
    origin: str | None = None
    delivery: dict[str, None] = {}
    bare = [place for place in places if place.role in (None, LOCATED) and not place.is_everywhere]
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


def _say_place(name: str, zh: str, en: str, place: PlaceMention, echo: Echo) -> None:
    if name in echo.spans:
        echo.say_more(name, place.start, place.end, place.zh, place.en, is_ambiguous=place.is_ambiguous)
        return
    echo.say(name, place.start, place.end, f"{zh} {place.zh}", f"{en} {place.en}", is_ambiguous=place.is_ambiguous)


def _window(
    windows: Sequence[Window], side: str | None, today: date, echo: Echo
) -> tuple[date | None, date | None, int | None]:
    start = end = lead_days = lead = None
    for window in windows:
        # Whoever offers goods within 5 days names a lead time, not a day after which there are none.
        offered = window.days if side == "supply" else None
        if window.lead_days is not None or offered is not None:
            lead_days = window.lead_days if window.lead_days is not None else offered
            lead = replace(window, lead_days=lead_days)
            continue
        start, end = window.first, window.last
        for name, value in (("window_start", start), ("window_end", end)):
            if value is not None:
                echo.say(name, window.start, window.end, window.zh, window.en)
    if lead is not None and side == "demand" and end is None:
        # Whoever asks for goods and names a lead time says by when.
        end, lead_days = today + timedelta(days=lead_days), None
        echo.say("window_end", lead.start, lead.end, f"{end.isoformat()} 前", f"By {end.isoformat()}")
    elif lead is not None:
        echo.say("lead_days", lead.start, lead.end, lead.zh, lead.en)
    return start, end, lead_days
