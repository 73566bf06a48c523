"""Score a firm: PD, points, grade, and reasons that add up to the score exactly, on paper and in the last digit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finance.scoring.features import NAMES, FeatureTable
from finance.scoring.reasons import NO_RECORDS, Reason, sentence
from finance.scoring.scorecard import Scorecard

TOP = 4


@dataclass(frozen=True)
class Scored:
    """A firm's score as of a moment. ``base`` + the reasons' points + ``edge`` = ``score``, in whole points as shown."""

    firm: str
    score: int
    pd: float
    grade: str
    base: int  # points of a firm that is usual in everything
    edge: int  # what the ends of the scale cut off or fill up; 0 for nearly all
    reasons: tuple[Reason, ...]  # from what lowers most to what raises most
    exact: float  # the score before rounding and before the ends of the scale
    exact_base: float
    log_odds: float  # of default
    records: int  # how many records it stands on; 0: nothing is known, and the score says only that
    features: dict[str, float]
    scorecard: str  # the hash of the card

    @property
    def top(self) -> tuple[Reason, ...]:
        """Return the principal reasons: what lowers the score most, at most four."""
        return tuple(reason for reason in self.reasons if reason.exact < 0)[:TOP]

    def to_dict(self) -> dict:
        """Return plain values for JSON; an unknown feature is null."""
        return {
            "enterprise": self.firm,
            "score": self.score,
            "pd": self.pd,
            "grade": self.grade,
            "base": self.base,
            "edge": self.edge,
            "records": self.records,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "features": {name: None if math.isnan(value) else value for name, value in self.features.items()},
            "scorecard": self.scorecard,
        }


def log_odds(card: Scorecard, features: Mapping[str, float]) -> float:
    """Return the log-odds of default, added up in the order of the card's terms: the same input, the same bits."""
    return card.intercept + math.fsum(term.weight * term.moved(float(features[term.name])) for term in card.terms)


def probability(odds: float) -> float:
    """Return the probability of log-odds, safe at both ends.

    >>> probability(0.0), probability(-800.0)
    (0.5, 0.0)
    """
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(max(odds, -745.2)) / (1 + math.exp(max(odds, -745.2)))


def contributions(card: Scorecard, features: Mapping[str, float]) -> dict[str, float]:
    """Return points per family against a usual firm: with the base they sum to the exact score within 1e-9."""
    parts: dict[str, list[float]] = {family: [] for family in card.families}
    for term in card.terms:
        points = -card.scale.factor * term.weight * term.moved(float(features[term.name]))
        parts[term.feature.family].append(points)
    return {family: math.fsum(points) for family, points in parts.items()}


def score(card: Scorecard, firm: str, features: Mapping[str, float], *, records: int) -> Scored:
    """Return the score of one firm with its reasons; nothing but the features and the card goes in.

    :param features: value by name, in the features' own units; NaN where it has no meaning
    :param records: how many records the features stand on
    :raises KeyError: if a feature of the card is missing
    """
    odds = log_odds(card, features)
    parts = contributions(card, features)
    base = card.scale.of_log_odds(card.intercept)
    exact = base + math.fsum(parts.values())
    if records == 0:
        # One honest reason instead of eight that say the same.
        parts = {NO_RECORDS: math.fsum(parts.values())}
    shown = whole_points({"": base, **parts})
    reached = sum(shown.values())
    within = min(max(reached, card.scale.lowest), card.scale.highest)
    reasons = [
        Reason(family, shown[family], points, *sentence(card, family, features)) for family, points in parts.items()
    ]
    pd = min(max(probability(odds), card.scale.lowest_pd), card.scale.highest_pd)
    return Scored(
        firm=firm,
        score=within,
        pd=pd,
        grade=card.grade(pd),
        base=shown[""],
        edge=within - reached,
        reasons=tuple(sorted(reasons, key=lambda reason: (reason.exact, reason.feature))),
        exact=exact,
        exact_base=base,
        log_odds=odds,
        records=records,
        features={name: float(features[name]) for name in NAMES if name in features},
        scorecard=card.sha256,
    )


def score_all(card: Scorecard, table: FeatureTable) -> list[Scored]:
    """Return the scores of all firms of a table, in its order."""
    rows: Sequence[list[float]] = table.values.tolist()
    return [
        score(card, firm, dict(zip(NAMES, row, strict=True)), records=int(records))
        for firm, row, records in zip(table.firms, rows, table.records, strict=True)
    ]


def whole_points(parts: Mapping[str, float]) -> dict[str, int]:
    """Round parts to whole points so that they still add up to the rounded sum (largest remainder; ties by name).

    >>> whole_points({"a": 1.5, "b": 1.5, "c": -0.4})
    {'a': 2, 'b': 1, 'c': 0}
    """
    down = {name: math.floor(points) for name, points in parts.items()}
    target = math.floor(math.fsum(parts.values()) + 0.5)
    missing = target - sum(down.values())
    by_remainder = sorted(parts, key=lambda name: (down[name] - parts[name], name))
    return {name: points + (1 if name in by_remainder[:missing] else 0) for name, points in down.items()}
