"""All looks at one firm's trade, in one call."""

from collections.abc import Iterable, Mapping
from datetime import date

from finance.authenticity.bursts import find_bursts
from finance.authenticity.duplicates import find_duplicates
from finance.authenticity.facts import Facts
from finance.authenticity.findings import Found
from finance.authenticity.related import find_related
from finance.authenticity.rings import Edges, find_rings
from finance.authenticity.round_trips import find_round_trips
from finance.authenticity.splits import find_splits
from finance.authenticity.three_way import find_mismatches


def examine(
    facts: Facts,
    *,
    as_of: date,
    edges: Edges | None = None,
    related: Mapping[str, Iterable[str]] | None = None,
) -> list[Found]:
    """Return everything that looks wrong about a firm's trade up to the end of ``as_of``.

    The rows that a finding names are those of ``facts`` itself; what happened later is not looked at. With
    ``counted(facts, found)`` they become weights.

    :param edges: trade between other firms, to find circles through them
    :param related: of each counterparty what it shares with the firm: ``address``, ``phone``, ``person``, …
    """
    known = facts.until(as_of)
    if not len(known):
        return []
    found = [
        *find_duplicates(known),
        *find_splits(known),
        *find_mismatches(known),
        *find_round_trips(known),
        *(find_rings(known, edges) if edges is not None else []),
        *(find_related(known, related) if related else []),
        *find_bursts(known, as_of=as_of),
    ]
    # Rows ascend by day, so those until a day are the first of all: their places are the same in ``facts``.
    return sorted(found, key=lambda one: (one.kind, one.rows))
