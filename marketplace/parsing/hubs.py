"""Ports, airports and railway freight stations: which is nearest to a place, and how far about by road."""

from dataclasses import dataclass
from functools import cache, lru_cache

from marketplace.parsing.regions import centre, kilometres, rows

# Roads wind: in China they are some 1.3 times as long as the great circle.
DETOUR = 1.3
KINDS = ("port", "rail", "airport")


@dataclass(frozen=True, slots=True)
class Hub:
    """A place where goods change from road to sea, rail or air."""

    kind: str
    name_zh: str
    name_en: str
    place: tuple[float, float]

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}


@dataclass(frozen=True, slots=True)
class Nearest:
    """The hub of its kind that is nearest, and about how many kilometres by road."""

    hub: Hub
    km: int


@cache
def hubs() -> tuple[Hub, ...]:
    """Return the hubs that are known.

    >>> {hub.kind for hub in hubs()} == set(KINDS)
    True
    """
    return tuple(
        Hub(row["kind"], row["name_zh"], row["name_en"], (float(row["latitude"]), float(row["longitude"])))
        for row in rows("hubs.tsv", "\t")
    )


@lru_cache(maxsize=1 << 12)
def nearest_hubs(code: str) -> tuple[Nearest, ...]:
    """Return the nearest port, freight station and airport of a place; nothing where nobody knows where it lies.

    Both ends are known to about ten kilometres, so the distance is an estimate and stands beside what a park states.

    >>> [(one.hub.kind, one.hub.name_en, one.km) for one in nearest_hubs("331083")][0]
    ('port', 'Taizhou Damaiyu', 12)
    """
    here = centre(code)
    if here is None:
        return ()
    found = []
    for kind in KINDS:
        distance, _name, hub = min(
            (kilometres(here, hub.place), hub.name_en, hub) for hub in hubs() if hub.kind == kind
        )
        found.append(Nearest(hub, round(distance * DETOUR)))
    return tuple(found)
