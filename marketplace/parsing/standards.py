"""Standards that are one text under two numbers, by the adoption their title pages declare."""

from functools import cache

from marketplace.parsing.glossary import read_rows


@cache
def _same() -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for row in read_rows("standards.tsv"):
        groups.setdefault(row["same_as"], []).append(row["standard"])
    together = {}
    for international, nationals in groups.items():
        members = (international, *nationals)
        for member in members:
            together[member] = tuple(sorted(set(members) - {member}))
    return together


def same_standards(token: str) -> tuple[str, ...]:
    """Return the tokens of the standards that were adopted from this one, or this one from them.

    >>> same_standards("gb/t3098.1")
    ('iso898-1',)
    """
    return _same().get(token, ())
