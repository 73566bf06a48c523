"""Whether forecasts of deliveries beat a firm's own running mean on weeks that came later."""

from dataclasses import asdict, dataclass

import lightgbm
import numpy as np

from matching.ranking.calibration import Bin, calibration_error, reliability_table
from matching.ranking.reliability import Reliability
from matching.ranking.reliability_learning import (
    Difference,
    Rows,
    difference_by_firm,
    forecasts_of,
    learn_reliability,
)

# Trees that may look at everything at once: how much an additive model leaves on the table.
TREES = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 100,
    "random_state": 0,
    "deterministic": True,
    "n_jobs": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Judgement:
    """Errors on the later weeks, ours against each baseline, lower is better; ``table`` is of the chance of all of it.

    ``share_absolute`` and ``share_squared`` are errors of the share that came, ``full_squared`` (Brier) of the chance
    that all of it did.
    """

    orders: int
    firms: int
    trained_on: int
    against: dict[str, dict[str, Difference]]
    calibration_error: float
    table: list[Bin]

    def to_dict(self) -> dict:
        return asdict(self)


def judge_reliability(rows: Rows, *, until: int, **settings) -> tuple[Reliability, Judgement]:
    """Learn from the weeks up to ``until`` and judge on those after it; return what was learned and how good it is."""
    known, later = rows.at(rows.week <= until), rows.at(rows.week > until)
    model = learn_reliability(known, **settings)
    ours = forecasts_of(model, later)
    rivals = {
        "running mean": (later.running[:, 0], later.running[:, 1]),
        "all firms": (later.population[:, 0], later.population[:, 1]),
        "boosted trees": _trees(known, later),
    }
    against = {}
    for name, theirs in rivals.items():
        against[name] = {
            loss: difference_by_firm(one, other, later.firm)
            for (loss, one), other in zip(_losses(*ours, later).items(), _losses(*theirs, later).values(), strict=True)
        }
    judgement = Judgement(
        orders=len(later.week),
        firms=len(np.unique(later.firm)),
        trained_on=len(known.week),
        against=against,
        calibration_error=calibration_error(ours[1], later.full),
        table=reliability_table(ours[1], later.full),
    )
    return model, judgement


def _losses(share: np.ndarray, full: np.ndarray, rows: Rows) -> dict[str, np.ndarray]:
    return {
        "share_absolute": np.abs(share - rows.filled),
        "share_squared": (share - rows.filled) ** 2,
        "full_squared": (full - rows.full) ** 2,
    }


def _trees(known: Rows, later: Rows) -> tuple[np.ndarray, np.ndarray]:
    share = lightgbm.LGBMRegressor(**TREES).fit(known.features, known.filled)
    full = lightgbm.LGBMClassifier(**TREES).fit(known.features, known.full)
    return np.clip(share.predict(later.features), 0, 1), full.predict_proba(later.features)[:, 1]
