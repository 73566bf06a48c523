"""Judge the whole procedure on firms it did not see: repeated stratified cross-validation, with intervals."""

from collections.abc import Callable

import numpy as np
from sklearn.model_selection import StratifiedKFold

from finance.scoring import measures
from finance.scoring.learning import ScorecardLearner

SEEDS, FOLDS = 10, 5
# learns from (values (looks, firms, features), labels, seen (looks, firms)) and judges today's look of other firms:
# (values (firms, features)) -> probabilities
Procedure = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def scorecard_procedure(**settings: object) -> Procedure:
    """Return our own procedure: transforms, tuning and calibration all learned inside the fold."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        return ScorecardLearner(random_state=seed, **settings).fit(values, labels, seen=seen).predict(others)

    return judge


def out_of_fold(
    procedure: Procedure,
    values: np.ndarray,
    labels: np.ndarray,
    seen: np.ndarray,
    *,
    seeds: int = SEEDS,
    folds: int = FOLDS,
) -> np.ndarray:
    """Return each firm's probability from models that never saw it, shape (seeds, firms).

    All looks of a firm lie in one fold, and only today's look is judged.
    """
    chances = np.empty((seeds, len(labels)))
    for seed in range(seeds):
        for inside, left_out in StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels):
            chances[seed, left_out] = procedure(
                values[:, inside], labels[inside], seen[:, inside], values[0, left_out], seed
            )
    return chances


def figures(labels: np.ndarray, chances: np.ndarray, *, times: int = 1000) -> dict:
    """Return every measure of the per-firm mean probability with its 95 % interval over firms.

    ``auc`` is the mean over the seeds, as the published protocol has it; its interval is that of the mean probability,
    moved to it.
    """
    mean = chances.mean(axis=0)
    found = measures.report(labels, mean, times=times)
    over_seeds = float(np.mean([measures.auc(labels, row) for row in chances]))
    moved = over_seeds - found["auc"]["value"]
    found["auc_of_mean_probability"] = dict(found["auc"])
    found["auc"] = {
        "value": round(over_seeds, 6),
        "low": round(found["auc"]["low"] + moved, 6),
        "high": round(min(1.0, found["auc"]["high"] + moved), 6),
    }
    return found
