"""Spaces and firms that look for one, drawn so that it is known which space serves a firm best.

Every place to let has a true value for each parameter; its listing states some of them, in fields and in words. A
firm asks for some, each with a weight that only it knows. What a space is worth to it is stated by ``worth``: that is
what a ranking is judged by, and what no ranking sees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.hubs import nearest_hubs
from marketplace.parsing.regions import distance_km, place_name
from matching.ranking.agreement import bounds, meets
from matching.ranking.closeness import AT_LEAST, AT_MOST, sign_of
from matching.ranking.explanation import value_label
from matching.ranking.facts import ListingFacts

# Rents by kind: CNY per m² and month, or per the unit in which the kind is counted.
RENTS = {
    "space.warehouse": 21.0,
    "space.hazmat_warehouse": 95.0,
    "space.cold_store": 72.0,
    "space.workshop": 19.0,
    "space.cleanroom": 88.0,
    "space.laboratory": 75.0,
    "space.yard": 8.5,
    "space.land": 380_000.0,
    "space.office": 46.0,
}
HUB_OF = {"km_port": "port", "km_rail": "rail", "km_airport": "airport"}
# What only a building has, or only who lets one says.
LET = frozenset(
    {"area", "divisible_from", "dormitory", "canteen", "parking", "deposit_months", "rent_free", "lease", "fire"}
)
# So much of what is stated stands in the words too.
MOST_IN_WORDS = 14
# A limit missed by half of it is worth nothing; a place 60 km off a third of one next door.
FORGIVEN, FAR_KM = 0.5, 60.0
# What a firm weighs a parameter by: some it cannot do without.
WEIGHTS = (1.0, 1.0, 2.0, 4.0)
PRICE_WEIGHT, PLACE_WEIGHT = 3.0, 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """A space as it is: all values, and which of them its listing states."""

    category: CategorySpec
    region: str
    quantity: float
    price: float
    values: Mapping[str, object]
    stated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What a firm asks for, and what each wish weighs for it."""

    category: CategorySpec
    region: str
    quantity: float
    price_max: float
    wishes: Mapping[str, object]
    weights: Mapping[str, float]


def draw_place(spec: CategorySpec, region: str, random: Random, *, stated: float = 0.7) -> Place:
    """Return a space of a kind in a region; what its category requires is stated, the rest with the given chance."""
    required = set(spec.schema.get("required", ()))
    keys = [key for key, rules in sorted(spec.attributes.items()) if spec.unit != "mu" or _is_of_land(key, rules)]
    values = {key: value for key in keys if (value := _draw(spec.attributes[key], random)) is not None}
    quantity = _rounded(random.uniform(20, 150) if spec.unit == "mu" else 400 * 40 ** random.random())
    # What is known of the place itself is no matter of chance.
    for key, kind in HUB_OF.items():
        if key in values:
            km = next((one.km for one in nearest_hubs(region) if one.hub.kind == kind), None)
            values[key] = None if km is None else max(1, round(km * random.uniform(0.85, 1.15)))
    if "area" in values:
        values["area"] = quantity
    if "storeys" in values and values.get("structure") == "single_storey":
        values["storeys"] = 1
    values = {key: value for key, value in values.items() if value is not None}
    # A better building costs more: up to a third for the best of each limit.
    price = RENTS[spec.code] * random.lognormvariate(0, 0.15) * (0.85 + 0.35 * _quality(values, spec))
    said = tuple(key for key in values if key in required or random.random() < stated)
    return Place(spec, region, quantity, float(f"{price:.3g}"), values, said)


def draw_request(places: Sequence[Place], random: Random, *, wishes: tuple[int, int] = (4, 9)) -> Request:
    """Return a firm's request: like some space that there is, a little less or more in each respect."""
    model = random.choice(places)
    spec = model.category
    required = [key for key in spec.schema.get("required", ()) if key in model.values]
    others = [key for key in model.values if key not in required and key != "area"]
    asked = required + random.sample(others, min(len(others), random.randint(*wishes)))
    wanted = {key: _wanted(model.values[key], spec.attributes[key], random) for key in asked}
    # Nobody asks for a place without something that is not there.
    wanted = {key: value for key, value in wanted.items() if value is not False}
    return Request(
        spec,
        model.region,
        _rounded(model.quantity * random.uniform(0.5, 1.0)),
        float(f"{model.price * random.uniform(0.95, 1.25):.3g}"),
        wanted,
        {key: random.choice(WEIGHTS) for key in wanted},
    )


def worth(place: Place, request: Request) -> float:
    """Return what a space is worth to a firm, in [0, 1]: the weighted mean of how far it keeps each wish.

    With w_k the weight of a wish and u_k in [0, 1] how far it is kept (1 where it is; a number that misses its limit L
    by m falls to 1 − m / (L / 2), not under 0; anything else 0), of area likewise, of the rent p under the budget b
    min(1, 1/2 + (b − p) / b), and e^(−km/60) for the distance from where it is wanted: Σ w u / Σ w. Another kind of
    place is worth nothing.
    """
    if place.category.code != request.category.code:
        return 0.0
    parts = [(2.0, _kept(place.quantity, request.quantity, "at_least"))]
    budget = request.price_max
    parts.append((PRICE_WEIGHT, max(0.0, min(1.0, 0.5 + (budget - place.price) / budget))))
    km = distance_km(place.region, request.region)
    parts.append((PLACE_WEIGHT, 0.0 if km is None else 2.718281828459045 ** (-km / FAR_KM)))
    for key, wanted in request.wishes.items():
        rule = str(place.category.attributes[key].get("match", "soft"))
        parts.append((request.weights[key], _kept(place.values.get(key), wanted, rule)))
    return sum(weight * kept for weight, kept in parts) / sum(weight for weight, _kept in parts)


def _kept(offered: object, wanted: object, rule: str) -> float:
    if offered is None:
        return 0.0
    if meets(offered, wanted, rule):
        return 1.0
    low, limit = bounds(offered), bounds(wanted)
    if low is None or limit is None or rule not in AT_LEAST | AT_MOST:
        return 0.0
    missed = limit[0] - low[1] if rule in AT_LEAST else low[0] - limit[1]
    return max(0.0, 1 - missed / (FORGIVEN * abs(limit[0]) or 1.0))


def _is_of_land(key: str, rules: Mapping) -> bool:
    return rules.get("group") != "building" and key not in LET


def _draw(rules: Mapping, random: Random) -> object:
    if "enum" in rules:
        return random.choice(rules["enum"])
    if rules.get("type") == "boolean":
        return random.random() < 0.5
    if rules.get("type") in ("number", "integer") and rules.get("examples"):
        return random.choice(rules["examples"])
    return None


def _wanted(value: object, rules: Mapping, random: Random) -> object:
    rule = str(rules.get("match", "soft"))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or rule not in AT_LEAST | AT_MOST:
        return value
    if value > 1900 and "built" in str(rules.get("title_en", "")).lower():
        # A year is no quantity.
        return int(value) - random.randrange(8)
    factor = random.uniform(0.6, 1.0) if rule in AT_LEAST else random.uniform(1.0, 1.6)
    wanted = _rounded(value * factor) if value > 0 else value
    return max(int(wanted), min(1, int(value))) if rules.get("type") == "integer" else wanted


def _rounded(value: float) -> float:
    rounded = float(f"{value:.2g}")
    return int(rounded) if rounded >= 10 else rounded


def _quality(values: Mapping[str, object], spec: CategorySpec) -> float:
    """Return how high a space stands among its kind in what more is better of, in [0, 1]."""
    shares = []
    for key, value in values.items():
        rules = spec.attributes[key]
        examples = rules.get("examples")
        if rules.get("match") in AT_LEAST and examples and len(examples) > 1 and value in examples:
            shares.append(examples.index(value) / (len(examples) - 1))
    return sum(shares) / len(shares) if shares else 0.5


def place_texts(place: Place) -> dict[str, str]:
    """Return title and text of the listing in both languages; the words hold a part of what is stated."""
    spec = place.category
    zh_place, en_place = place_name(place.region, "zh"), place_name(place.region, "en")
    zh, en = _said(spec, {key: place.values[key] for key in place.stated[:MOST_IN_WORDS]}, limits=False)
    area = value_label(place.quantity, {"unit": spec.unit.replace("m2", "m²")}, "en").replace("mu", "亩")
    return {
        "title_zh": f"{zh_place}{spec.name_zh} {area.replace('m²', '平方米')}",
        "title_en": f"{spec.name_en}, {area.replace('亩', 'mu')}, {en_place}",
        "text_zh": f"{'出让' if spec.unit == 'mu' else '出租'}{spec.name_zh}，{zh_place}。{'，'.join(zh)}。",
        "text_en": f"{spec.name_en} {'for sale' if spec.unit == 'mu' else 'to let'} in {en_place}. {', '.join(en)}.",
    }


def request_texts(request: Request) -> dict[str, str]:
    """Return title and text of the request in both languages."""
    spec = request.category
    zh_place, en_place = place_name(request.region, "zh"), place_name(request.region, "en")
    zh, en = _said(spec, request.wishes, limits=True)
    return {
        "title_zh": f"{'求购' if spec.unit == 'mu' else '求租'}{zh_place}{spec.name_zh}",
        "title_en": f"Wanted: {spec.name_en.lower()} in {en_place}",
        "text_zh": f"{'求购' if spec.unit == 'mu' else '求租'}{spec.name_zh}，{zh_place}。{'，'.join(zh)}。",
        "text_en": f"We are looking for: {spec.name_en.lower()} in {en_place}, {', '.join(en)}.",
    }


def _said(spec: CategorySpec, values: Mapping[str, object], *, limits: bool) -> tuple[list[str], list[str]]:
    zh, en = [], []
    for key, value in values.items():
        rules = spec.attributes[key]
        if value is True:
            zh.append(rules["title_zh"])
            en.append(rules["title_en"])
        elif value is not False:
            is_number = isinstance(value, (int, float))
            sign = sign_of(str(rules.get("match", "soft"))) if limits and is_number else ""
            zh.append(_worded(rules["title_zh"], sign, value_label(value, rules, "zh")))
            en.append(_worded(rules["title_en"], sign, value_label(value, rules, "en")))
    return zh, en


def _worded(title: str, sign: str, label: str) -> str:
    return label if label.startswith(title) else f"{title} {sign}{label}"


def place_facts(place: Place, number: int) -> ListingFacts:
    """Return what an index knows of the space: what its listing states."""
    texts = place_texts(place)
    return ListingFacts(
        id=number,
        organisation=number,
        side="supply",
        text="\n".join(texts.values()),
        attributes={key: place.values[key] for key in place.stated},
        quantity=float(place.quantity),
        price_min=place.price,
        **_common(place.category, place.region),
    )


def request_facts(request: Request) -> ListingFacts:
    return ListingFacts(
        id=0,
        organisation=0,
        side="demand",
        text="\n".join(request_texts(request).values()),
        attributes=dict(request.wishes),
        quantity=float(request.quantity),
        price_max=request.price_max,
        **_common(request.category, request.region),
    )


def _common(spec: CategorySpec, region: str) -> dict:
    return {
        "kind": "space",
        "category": spec.code,
        "family": spec.family,
        "properties": spec.attributes,
        "unit": spec.unit,
        "price_unit": price_unit(spec),
        "region": region,
    }


def price_unit(spec: CategorySpec) -> str:
    return "m2·month" if spec.unit == "m2" else spec.unit
