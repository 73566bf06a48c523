"""What calls led to, industry by industry."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# Until calls say otherwise one in four that end is won; so many calls weigh as much as what all industries say.
USUAL_WIN, PATIENCE = 0.25, 8.0


class Closed(NamedTuple):
    """So many calls to firms of an industry were won, or lost."""

    industry: str
    is_won: bool
    count: int


def experience_by_industry(rows: Iterable[Closed]) -> dict[str, float]:
    """Return by industry the log-odds of winning above those of all calls, drawn towards 0 where there were few.

    >>> found = experience_by_industry([Closed("3441", True, 6), Closed("1530", False, 6)])
    >>> found["3441"] > 0 > found["1530"]
    True
    >>> experience_by_industry([])
    {}
    """
    won, all_calls = Counter(), Counter()
    for row in rows:
        all_calls[row.industry] += row.count
        won[row.industry] += row.count if row.is_won else 0
    usual = (won.total() + PATIENCE * USUAL_WIN) / (all_calls.total() + PATIENCE)
    return {
        industry: _log_odds((won[industry] + PATIENCE * usual) / (count + PATIENCE)) - _log_odds(usual)
        for industry, count in sorted(all_calls.items())
    }


def _log_odds(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance)
