"""A validation pack as a document: one way to write it, and which of its figures another one gives again."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Between machines the last digits of sums differ; what differs by more is another figure.
TOLERANCE = 1e-6
FORMAT = "validation-pack/1"
# What says when and how long, not what.
VOLATILE = ("seconds", "made_at")


@dataclass(frozen=True)
class Compared:
    """One figure of the signed pack beside the rebuilt one."""

    path: str
    signed: Any
    rebuilt: Any
    matches: bool


def canonical(document: Any) -> str:
    """Return the one text of a document, that is hashed and signed.

    >>> canonical({"b": 1.5, "a": "中"})
    '{"a":"中","b":1.5}'
    """
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(document: Any) -> str:
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def figures(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every figure with its path, in order; what only says when or how long is left out.

    >>> list(figures({"auc": {"value": 0.9}, "rows": [1, 2], "seconds": 3}))
    [('auc.value', 0.9), ('rows.0', 1), ('rows.1', 2)]
    """
    if isinstance(document, dict):
        for name in sorted(document):
            if name not in VOLATILE:
                yield from figures(document[name], f"{path}.{name}" if path else name)
    elif isinstance(document, list):
        for place, inner in enumerate(document):
            yield from figures(inner, f"{path}.{place}")
    else:
        yield path, document


def compare(signed: dict, rebuilt: dict) -> list[Compared]:
    """Return each figure of either pack: whether both say the same.

    >>> [(one.path, one.matches) for one in compare({"a": 1.0, "b": 2}, {"a": 1.0 + 1e-9, "c": 2})]
    [('a', True), ('b', False), ('c', False)]
    """
    theirs, ours = dict(figures(signed)), dict(figures(rebuilt))
    missing = object()
    rows = []
    for path in sorted({*theirs, *ours}):
        one, other = theirs.get(path, missing), ours.get(path, missing)
        there = None if one is missing else one
        here = None if other is missing else other
        rows.append(Compared(path, there, here, missing not in (one, other) and _same(one, other)))
    return rows


def _same(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other
