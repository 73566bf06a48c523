"""What is traded in each category: which values go together, what they cost, in which quantities (no Django here)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from marketplace.parsing.catalogue import Catalogue, CategorySpec, load_catalogue
from seeds.phrases import Phrase, phrase

VOCABULARY = Path(__file__).parent / "vocabulary"
CATALOGUE = Path(__file__).parent.parent / "marketplace" / "data" / "categories"

# The first values of a list are the trade's usual ones: above 1 they are drawn more often than the last.
USUAL_FIRST = 1.4


@dataclass(frozen=True, slots=True)
class Option:
    """Attribute values that go together, what they do to the price, and how a text says each."""

    values: Mapping[str, object]
    factor: float
    phrases: Mapping[str, Phrase]


@dataclass(frozen=True, slots=True)
class Draw:
    """One product: its values, how a text says them, and its price per unit before any firm's margin."""

    values: dict[str, object]
    phrases: dict[str, Phrase]
    price: float


@dataclass(frozen=True, slots=True)
class Trade:
    """How goods of one category are made up, priced and sold; ranges are (low, high) in the category's unit."""

    category: CategorySpec
    cluster: str
    price: float
    price_unit: str
    quantity: tuple[float, float]
    minimum_order: tuple[float, float]
    lead_days: tuple[int, int]
    certificates: tuple[str, ...]
    prefix: tuple[str, ...]
    suffix: tuple[str, ...]
    groups: tuple[tuple[Option, ...], ...]
    # What the title or the category's schema cannot do without.
    must_say: frozenset[str]

    def draw(self, random: Random) -> Draw:
        """Return a product of this trade, its values chosen together where they depend on each other."""
        return self._made_of([group[int(len(group) * random.random() ** USUAL_FIRST)] for group in self.groups])

    def pick(self, wanted: Mapping[str, object], random: Random) -> Draw:
        """Return a product with these values, the others drawn.

        :raises ValueError: if no product of this trade has them together
        """
        chosen = []
        for group in self.groups:
            fitting = [
                option
                for option in group
                if all(wanted[key] == value for key, value in option.values.items() if key in wanted)
            ]
            if not fitting:
                raise ValueError(f"{self.category.code} has nothing like {dict(wanted)}")
            chosen.append(random.choice(fitting))
        return self._made_of(chosen)

    def _made_of(self, options: Iterable[Option]) -> Draw:
        values: dict[str, object] = {}
        phrases: dict[str, Phrase] = {}
        price = self.price
        for option in options:
            values.update(option.values)
            phrases.update(option.phrases)
            price *= option.factor
        return Draw(values, phrases, price)


@cache
def catalogue() -> Catalogue:
    return load_catalogue(CATALOGUE)


@cache
def trades() -> dict[str, Trade]:
    """Return the trades by category code, in the order of the files.

    >>> trades()["valve.ball"].category.name_en
    'Ball valve'
    """
    found = {}
    for path in sorted((VOCABULARY / "trades").glob("*.json")):
        for code, entry in json.loads(path.read_text("utf-8")).items():
            found[code] = _trade(catalogue().get(code), path.stem, entry)
    return found


def trades_named(patterns: Iterable[str]) -> list[Trade]:
    """Return the trades whose code is one of the patterns, or starts with one that ends in a dot.

    >>> [trade.category.code for trade in trades_named(["valve.ball", "actuator."])]
    ['actuator.electric', 'actuator.pneumatic', 'valve.ball']
    """
    patterns = list(patterns)
    exact, prefixes = set(patterns), tuple(pattern for pattern in patterns if pattern.endswith("."))
    chosen = [code for code in trades() if code in exact or (prefixes and code.startswith(prefixes))]
    return [trades()[code] for code in sorted(chosen)]


def _trade(category: CategorySpec, cluster: str, entry: Mapping) -> Trade:
    by = entry["by"]
    groups = [[_option(category, by, values) for values in entry["variants"]]] if "variants" in entry else []
    groups += [[_option(category, by, {key: value}) for value in values] for key, values in entry["choices"].items()]
    drawn = {key for group in groups for option in group for key in option.values}
    prefix, suffix = (tuple(key for key in entry[part] if key in drawn) for part in ("prefix", "suffix"))
    return Trade(
        category=category,
        cluster=cluster,
        price=entry["price"],
        price_unit=entry.get("price_unit", category.unit),
        quantity=tuple(entry["quantity"]),
        minimum_order=tuple(entry["minimum_order"]),
        lead_days=tuple(entry["lead_days"]),
        certificates=tuple(entry["certificates"]),
        prefix=prefix,
        suffix=suffix,
        groups=tuple(tuple(group) for group in groups),
        must_say=frozenset((*category.schema.get("required", ()), *prefix, *suffix)),
    )


def _option(category: CategorySpec, by: Mapping[str, Mapping], values: Mapping[str, object]) -> Option:
    factor = 1.0
    for key, value in values.items():
        effect = by.get(key)
        if effect is None:
            continue
        # Sizes act by a power of their ratio to a reference size, everything else by a factor of its own.
        factor *= (value / effect["at"]) ** effect["power"] if "power" in effect else effect[value]
    # 30 t/m² in the title of a warehouse says nothing without its name; DN50 or 150 cm of goods does.
    always_titled = category.kind != "product"
    phrases = {
        key: phrase(key, category.attributes[key], value, always_titled=always_titled) for key, value in values.items()
    }
    return Option(dict(values), factor, phrases)
