"""What each declared sign costs or brings: the same procedure with the sign set free, and without the feature."""

import numpy as np

from finance.scoring import measures
from finance.scoring.evaluation import out_of_fold, scorecard_procedure
from finance.scoring.features import BY_NAME, NAMES
from finance.scoring.learning import ScorecardLearner

# One penalty for all variants, so that only the sign differs; few seeds, as each variant is a whole cross-validation.
PENALTY, SEEDS = 2.0, 3


def sign_costs(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, *, seeds: int = SEEDS) -> dict:
    """Return, per feature, its weight, its own AUC, and what freeing its sign or leaving it out changes.

    A gain below 0 means: worse than with the declared sign. ``all_free`` frees every sign at once.
    """
    declared = _judged(values, labels, seen, {}, NAMES, seeds)
    learner = ScorecardLearner(penalties=(PENALTY,)).fit(values, labels, seen=seen)
    free = ScorecardLearner(penalties=(PENALTY,), signs=dict.fromkeys(NAMES, 0)).fit(values, labels, seen=seen)
    rows = []
    for place, name in enumerate(NAMES):
        known = ~np.isnan(values[0, :, place])
        others = tuple(other for other in NAMES if other != name)
        chosen = [NAMES.index(other) for other in others]
        rows.append(
            {
                "feature": name,
                "sign": BY_NAME[name].sign,
                "why_en": BY_NAME[name].why_en,
                "why_zh": BY_NAME[name].why_zh,
                "weight": round(float(learner.weights_[place]), 4),
                "weight_if_all_free": round(float(free.weights_[place]), 4),
                "auc_alone": round(measures.auc(labels[known], values[0, known, place]), 4),
                "gain_if_free": _gain(declared, _judged(values, labels, seen, {name: 0}, NAMES, seeds)),
                "gain_if_left_out": _gain(declared, _judged(values[:, :, chosen], labels, seen, {}, others, seeds)),
            }
        )
    return {
        "declared": declared,
        "all_free": _gain(declared, _judged(values, labels, seen, dict.fromkeys(NAMES, 0), NAMES, seeds)),
        "penalty": PENALTY,
        "seeds": seeds,
        "features": rows,
    }


def _judged(
    values: np.ndarray, labels: np.ndarray, seen: np.ndarray, signs: dict[str, int], names: tuple[str, ...], seeds: int
) -> dict[str, float]:
    procedure = scorecard_procedure(names=names, signs=signs, penalties=(PENALTY,), rounds=1)
    chances = out_of_fold(procedure, values, labels, seen, seeds=seeds)
    return {
        "auc": round(float(np.mean([measures.auc(labels, row) for row in chances])), 4),
        "brier": round(measures.brier(labels, chances.mean(axis=0)), 4),
    }


def _gain(declared: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {
        "auc": round(other["auc"] - declared["auc"], 4),
        "brier": round(declared["brier"] - other["brier"], 4),
    }
