"""How stable reasons are: the same firms judged by models learned from other four fifths of the firms."""

from itertools import combinations

import numpy as np

from finance.scoring.features import NAMES
from finance.scoring.learning import ScorecardLearner
from finance.scoring.scored import TOP, contributions

REFITS, SHARE, RISKIEST = 12, 0.8, 40


def reason_stability(
    values: np.ndarray, labels: np.ndarray, seen: np.ndarray, *, refits: int = REFITS, random_state: int = 0
) -> dict:
    """Return how far the top reasons of the riskiest firms agree between refits (Jaccard of the top 4; the same top 1).

    Reasons are families of features, from what lowers most; the riskiest are those of the whole model.
    """
    generator = np.random.default_rng(random_state)
    whole = ScorecardLearner().fit(values, labels, seen=seen)
    riskiest = np.argsort(-whole.predict(values[0]), kind="stable")[:RISKIEST]
    tops = []
    for _ in range(refits):
        rows = np.concatenate(
            [
                generator.choice(group, round(SHARE * len(group)), replace=False)
                for group in (np.flatnonzero(labels == 1), np.flatnonzero(labels == 0))
            ]
        )
        rows.sort()
        card = ScorecardLearner().fit(values[:, rows], labels[rows], seen=seen[:, rows]).scorecard(card={})
        tops.append(
            [_top(contributions(card, dict(zip(NAMES, row, strict=True)))) for row in values[0][riskiest].tolist()]
        )
    pairs = list(combinations(range(refits), 2))
    overlap = [np.mean([_jaccard(one, other) for one, other in zip(tops[a], tops[b], strict=True)]) for a, b in pairs]
    first = [np.mean([one[0] == other[0] for one, other in zip(tops[a], tops[b], strict=True)]) for a, b in pairs]
    return {
        "refits": refits,
        "share_of_firms": SHARE,
        "riskiest_firms": len(riskiest),
        "families": len(card.families),
        "top_4_jaccard": round(float(np.mean(overlap)), 4),
        "top_1_agreement": round(float(np.mean(first)), 4),
    }


def _top(points: dict[str, float]) -> tuple[str, ...]:
    return tuple(sorted(points, key=lambda family: (points[family], family))[:TOP])


def _jaccard(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    return len(set(one) & set(other)) / len(set(one) | set(other))
