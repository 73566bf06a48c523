"""The categories of what is traded, as the parser reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.parsing.folding import fold


@dataclass(frozen=True, slots=True)
class CategorySpec:
    """A category: ``schema`` is the JSON Schema of its attributes, ``family`` the subtree in which goods may stand in for
    one another.
    """

    code: str
    parent: str | None
    kind: str
    name_zh: str
    name_en: str
    synonyms_zh: tuple[str, ...] = ()
    synonyms_en: tuple[str, ...] = ()
    unit: str = ""
    family: str = ""
    schema: Mapping = field(default_factory=dict)

    @property
    def attributes(self) -> Mapping[str, Mapping]:
        """Return the definitions of the attributes by key."""
        return self.schema.get("properties", {})

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name_zh, self.name_en, *self.synonyms_zh, *self.synonyms_en)


class Catalogue:
    """All categories, found by code or name.

    >>> catalogue = Catalogue([
    ...     CategorySpec("valve", None, "product", "阀门", "Valve"),
    ...     CategorySpec("valve.ball", "valve", "product", "球阀", "Ball valve", ("浮动球阀",)),
    ... ])
    >>> catalogue.named("Ball Valve").code, [spec.code for spec in catalogue.ancestors("valve.ball")]
    ('valve.ball', ['valve'])
    """

    def __init__(self, specs: Iterable[CategorySpec]) -> None:
        self._specs = {spec.code: spec for spec in sorted(specs, key=lambda spec: spec.code)}
        self._named: dict[str, CategorySpec] = {}
        # A name proper goes before another category's synonym.
        for names in (lambda spec: (spec.name_zh, spec.name_en), lambda spec: spec.names):
            for spec in self:
                for name in names(spec):
                    self._named.setdefault(fold(name).text, spec)

    def __iter__(self) -> Iterator[CategorySpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def get(self, code: str) -> CategorySpec | None:
        return self._specs.get(code)

    def named(self, name: str) -> CategorySpec | None:
        """Return the category of this name or synonym, whatever its case and width."""
        return self._named.get(fold(name).text)

    def ancestors(self, code: str) -> list[CategorySpec]:
        """Return the categories above this one, the nearest first."""
        found: list[CategorySpec] = []
        spec = self.get(code)
        while spec and spec.parent and (spec := self.get(spec.parent)) and spec not in found:
            found.append(spec)
        return found

    def family(self, code: str) -> str:
        """Return the family of a category: its own, or its topmost ancestor's code."""
        spec = self.get(code)
        if spec is None:
            return ""
        return spec.family or (self.ancestors(code) or [spec])[-1].code

    def named_after(self, family: str) -> CategorySpec | None:
        """Return the category that a family, or the first part of one, is called after.

        It is the one of that code; else the only one of the family, or what lies above the first of several.
        """
        if spec := self.get(family):
            return spec
        found = [spec for spec in self if spec.family == family or spec.family.startswith(f"{family}.")]
        if not found:
            return None
        first = min(found, key=lambda spec: spec.code)
        return first if len(found) == 1 else self.get(first.parent or "") or first


def read_file(path: Path) -> dict:
    """Return what a file of categories says, each with the attributes that it shares with others.

    ``"shared": ["site"]`` adds the properties of ``shared/site.json`` beside the file; the category's own go before them.

    :raises ValueError: if it, or what it shares, is no JSON
    :raises KeyError: if the file has no categories
    :raises TypeError: if one of them is no object
    """
    content = json.loads(path.read_text("utf-8"))
    known: dict[str, dict] = {}
    for entry in content["categories"]:
        if not isinstance(entry, dict):
            raise TypeError(f"{path.name}: a category is an object, not {entry!r}")
        for name in entry.get("shared", ()):
            if name not in known:
                known[name] = json.loads((path.parent / "shared" / f"{name}.json").read_text("utf-8"))["properties"]
            shared = known[name]
            schema = entry.setdefault("schema", {"type": "object", "additionalProperties": False})
            own = schema.get("properties", {})
            # What a category says of an attribute in its own way keeps its place in the groups of a form.
            grouped = {
                key: {"group": shared[key]["group"], **rules} if key in shared else rules for key, rules in own.items()
            }
            schema["properties"] = grouped | {key: rules for key, rules in shared.items() if key not in own}
    return content


def load_catalogue(folder: Path) -> Catalogue:
    """Return the catalogue that the folder's JSON files hold."""
    entries = [entry for path in sorted(Path(folder).glob("*.json")) for entry in read_file(path)["categories"]]
    return Catalogue(
        CategorySpec(
            code=entry["code"],
            parent=entry.get("parent"),
            kind=entry.get("kind", "product"),
            name_zh=entry["name_zh"],
            name_en=entry["name_en"],
            synonyms_zh=tuple(entry.get("synonyms_zh", ())),
            synonyms_en=tuple(entry.get("synonyms_en", ())),
            unit=entry.get("unit", ""),
            family=entry.get("family", ""),
            schema=entry.get("schema", {}),
        )
        for entry in entries
    )
