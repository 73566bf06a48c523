"""A wish for a site and the spaces beside it, parameter by parameter, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.hubs import Nearest
from marketplace.parsing.regions import place_name
from marketplace.parsing.units import format_quantity, unit_name
from matching.ranking.closeness import Closeness, closeness, sign_of
from matching.ranking.explanation import value_label
from matching.ranking.facts import ListingFacts
from matching.retrieval.eligibility import price_factor, price_terms, unit_factor

# The groups of parameters in the order of a form; what a category says in its own way is about the building.
GROUPS = ("place", "building", "energy", "environment", "transport", "cost", "people")
OWN_GROUP = "building"
# The stated distance for which an estimate stands in.
ESTIMATED = {"km_port": "port", "km_rail": "rail", "km_airport": "airport"}
_CURRENCY_ZH = {"CNY": "元", "USD": "美元"}
# More beside one another nobody can read.
MOST_COMPARED = 4
Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, as far as it was said."""

    category: CategorySpec | None
    region: str
    quantity: Decimal | None
    unit: str
    price_max: Decimal | None
    price_unit: str
    currency: str
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one site offers for one parameter: texts zh and en, None where it is silent, and how near that comes."""

    value: Texts | None
    closeness: Closeness
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter across the sites."""

    key: str
    group: str
    title: Texts
    wanted: Texts | None
    cells: tuple[Cell, ...]

    @property
    def cell(self) -> Cell:
        return self.cells[0]


def kinds_of_places(catalogue: Catalogue) -> list[CategorySpec]:
    """Return the categories of spaces that have none below them, by code."""
    parents = {spec.parent for spec in catalogue}
    return [spec for spec in catalogue if spec.kind == "space" and spec.code not in parents]


def group_of(rules: Mapping[str, object]) -> str:
    return str(rules.get("group") or OWN_GROUP)


def compare(wish: ListingFacts, sites: Sequence[tuple[ListingFacts, tuple[Nearest, ...]]]) -> list[Row]:
    """Return a row for all that the wish asks or a site says, wishes first within each group."""
    if not sites:
        return []
    facts = [one for one, _hubs in sites]
    properties: dict[str, Mapping] = {}
    for one in (wish, *facts):
        properties |= {key: rules for key, rules in one.properties.items() if key not in properties}
    keys = {key for one in (wish, *facts) for key in one.attributes}
    rows = [row for row in (_area_row(wish, facts), _rent_row(wish, facts)) if row is not None]
    for key in sorted(keys):
        rules = properties.get(key, {})
        cells = tuple(_cell(key, wish, one, hubs, rules) for one, hubs in sites)
        rows.append(Row(key, group_of(rules), _title(key, rules), _wanted(wish.attributes.get(key), rules), cells))
    order = {group: place for place, group in enumerate(GROUPS)}
    known = {key: place for place, key in enumerate(properties)}
    return sorted(
        rows,
        key=lambda row: (order.get(row.group, len(order)), row.wanted is None, known.get(row.key, -1), row.key),
    )


def _title(key: str, rules: Mapping) -> Texts:
    return {"zh": str(rules.get("title_zh") or key), "en": str(rules.get("title_en") or key)}


def _wanted(value: object, rules: Mapping) -> Texts | None:
    if value is None:
        return None
    sign = sign_of(str(rules.get("match", "soft"))) if isinstance(value, (int, float)) and value is not True else ""
    sign = "" if isinstance(value, bool) else sign
    return {language: sign + value_label(value, rules, language) for language in ("zh", "en")}


def _cell(key: str, wish: ListingFacts, site: ListingFacts, hubs: Sequence[Nearest], rules: Mapping) -> Cell:
    offered, is_estimated = site.attributes.get(key), False
    if offered is None and key in ESTIMATED:
        offered = next((one.km for one in hubs if one.hub.kind == ESTIMATED[key]), None)
        is_estimated = offered is not None
    how = closeness(offered, wish.attributes.get(key), str(rules.get("match", "soft")))
    if offered is None:
        return Cell(None, how)
    about = "≈ " if is_estimated else ""
    return Cell({lang: about + value_label(offered, rules, lang) for lang in ("zh", "en")}, how, is_estimated)


def _area_row(wish: ListingFacts, sites: Sequence[ListingFacts]) -> Row | None:
    if wish.quantity is None and all(site.quantity is None for site in sites):
        return None
    cells = []
    for site in sites:
        factor = unit_factor(site.unit, wish.unit or site.unit)
        offered = None if site.quantity is None or factor is None else site.quantity * factor
        value = None if site.quantity is None else _amount(site.quantity, site.unit)
        cells.append(Cell(value, closeness(offered, wish.quantity, "at_least")))
    wanted = None if wish.quantity is None else _amount(wish.quantity, wish.unit, "≥ ")
    return Row("quantity", "place", {"zh": "可租（售）面积", "en": "Area to let"}, wanted, tuple(cells))


def _rent_row(wish: ListingFacts, sites: Sequence[ListingFacts]) -> Row | None:
    asked = [site.price_min if site.price_min is not None else site.price_max for site in sites]
    if wish.price_max is None and all(price is None for price in asked):
        return None
    cells = []
    for site, price in zip(sites, asked, strict=True):
        factor = price_factor(price_terms(site), price_terms(wish))
        offered = None if price is None or factor is None else price * factor
        value = None if price is None else _price(price, *price_terms(site))
        cells.append(Cell(value, closeness(offered, wish.price_max, "at_most")))
    wanted = None if wish.price_max is None else _price(wish.price_max, *price_terms(wish), "≤ ")
    return Row("price", "cost", {"zh": "租金或单价", "en": "Rent or price"}, wanted, tuple(cells))


def rent_ratio(wish: ListingFacts, site: ListingFacts) -> float | None:
    """Return the site's lowest rent over the highest the firm pays, None where they do not say or do not compare."""
    price = site.price_min if site.price_min is not None else site.price_max
    factor = price_factor(price_terms(site), price_terms(wish))
    if price is None or not wish.price_max or factor is None:
        return None
    return price * factor / wish.price_max


def _amount(quantity: float, unit: str, sign: str = "") -> Texts:
    return {language: sign + format_quantity(quantity, unit, language) for language in ("zh", "en")}


def _price(price: float, currency: str, unit: str, sign: str = "") -> Texts:
    number = f"{sign}{price:,.10g}"
    per = {language: f"/{unit_name(unit, language, plural=False)}" if unit else "" for language in ("zh", "en")}
    return {
        "zh": f"{number} {_CURRENCY_ZH.get(currency, currency)}{per['zh']}",
        "en": f"{number} {currency}{per['en']}",
    }


def wish_texts(wish: Wish) -> tuple[str, str]:
    """Return the wish as one would write it, zh and en, for whoever filled in fields and wrote no sentence."""
    properties = wish.category.attributes if wish.category else {}
    is_land = wish.category is not None and wish.category.unit == "mu"
    names = (wish.category.name_zh, wish.category.name_en) if wish.category else ("空间", "Industrial space")
    zh, en = [f"{'求购' if is_land else '求租'}{names[0]}"], [f"Wanted: {names[1]}"]
    if wish.quantity is not None:
        amount = _amount(wish.quantity, wish.unit)
        zh[0], en[0] = f"{zh[0]} {amount['zh']}", f"{en[0]}, {amount['en']}"
    if wish.region:
        zh.append(place_name(wish.region, "zh"))
        en.append(place_name(wish.region, "en"))
    if wish.price_max is not None:
        price = _price(float(wish.price_max), wish.currency, wish.price_unit or wish.unit)
        zh.append(f"预算不超过 {price['zh']}")
        en.append(f"at most {price['en']}")
    for key in sorted(wish.attributes, key=list(properties).index if properties else None):
        rules = properties.get(key, {})
        wanted = _wanted(wish.attributes[key], rules)
        zh.append(f"{_title(key, rules)['zh']} {wanted['zh']}")
        en.append(f"{_title(key, rules)['en']} {wanted['en']}")
    return "，".join(zh) + "。", ", ".join(en) + "."
