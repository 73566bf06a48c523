"""How decisions against the model turned out: how many, by whom, why, and how many of them went bad later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.stats import beta

# A rate of overrides above this asks whether the model or the reviewers are wrong (customary in the trade).
MANY = 0.20


@dataclass(frozen=True)
class Decided:
    """One decision. ``side``: "low" approved though the model says no, "high" refused though it says yes, "" followed it.

    ``bad``: per age in months, whether the loan had gone bad by then; None where it was refused or is younger.
    """

    side: str
    reason: str
    reviewer: str
    bad: tuple[bool | None, ...]


@dataclass(frozen=True)
class OverrideRow:
    """One line: decisions, and per age how many are old enough, how many of these went bad, and the 95 % interval."""

    name: str
    decisions: int
    share: float
    outcomes: tuple[dict, ...]

    def to_dict(self) -> dict:
        return {
            "name": self.name,
            "decisions": self.decisions,
            "share": self.share,
            "outcomes": [dict(one) for one in self.outcomes],
        }


@dataclass(frozen=True)
class Overrides:
    """The table: by side (followed the model, low side, high side), and the overrides by reason and by reviewer."""

    decisions: int
    overrides: int
    by_side: tuple[OverrideRow, ...]
    by_reason: tuple[OverrideRow, ...]
    by_reviewer: tuple[OverrideRow, ...]

    @property
    def rate(self) -> float:
        return self.overrides / self.decisions if self.decisions else 0.0

    def to_dict(self) -> dict:
        rows = ("by_side", "by_reason", "by_reviewer")
        return {
            "decisions": self.decisions,
            "overrides": self.overrides,
            "rate": self.rate,
            **{name: [row.to_dict() for row in getattr(self, name)] for name in rows},
        }


def override_table(decisions: Sequence[Decided], *, ages: Sequence[int] = (6, 12)) -> Overrides:
    """Return the table of overrides; ``ages`` name the months of each decision's ``bad``.

    >>> followed = Decided("", "", "wang", (False,))
    >>> lowered = Decided("low", "collateral", "li", (True,))
    >>> table = override_table([followed, followed, followed, lowered], ages=(12,))
    >>> table.rate, table.by_reason[0].name, table.by_reason[0].outcomes[0]["bad"]
    (0.25, 'collateral', 1)
    """
    overrides = [one for one in decisions if one.side]
    total = len(decisions)

    def rows(found: Sequence[Decided], name: Callable[[Decided], str]) -> tuple[OverrideRow, ...]:
        names = sorted({name(one) for one in found})
        return tuple(_row(one, [row for row in found if name(row) == one], total, ages) for one in names)

    return Overrides(
        total,
        len(overrides),
        rows(decisions, lambda one: one.side),
        rows(overrides, lambda one: one.reason),
        rows(overrides, lambda one: one.reviewer),
    )


def _row(name: str, found: list[Decided], total: int, ages: Sequence[int]) -> OverrideRow:
    outcomes = []
    for place, age in enumerate(ages):
        known = [one.bad[place] for one in found if one.bad[place] is not None]
        low, high = rate_interval(sum(known), len(known))
        outcomes.append({"months": age, "known": len(known), "bad": sum(known), "low": low, "high": high})
    return OverrideRow(name, len(found), len(found) / total if total else 0.0, tuple(outcomes))


def rate_interval(bad: int, known: int) -> tuple[float | None, float | None]:
    """Return the 95 % Jeffreys interval of a rate, nothing where nothing is known.

    >>> [round(edge, 3) for edge in rate_interval(1, 10)]
    [0.011, 0.381]
    """
    if not known:
        return None, None
    rate = beta(bad + 0.5, known - bad + 0.5)
    return 0.0 if bad == 0 else float(rate.ppf(0.025)), 1.0 if bad == known else float(rate.ppf(0.975))
