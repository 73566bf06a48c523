"""Learn challengers, and the procedures that ours is compared with; libraries are loaded only where they are used."""

import importlib.util
import logging
from collections.abc import Sequence
from typing import Self

import numpy as np

from finance.scoring.challengers import Table, Tables
from finance.scoring.evaluation import Procedure
from finance.scoring.features import BY_NAME, NAMES
from finance.scoring.learning import Transform, intercept_for, readable, stacked
from finance.scoring.scorecard import GRADES, Scale


class TablesLearner:
    """Boost stumps that never go against a declared sign, on several draws of the firms, and average them to one table
    per feature: where few firms decide a step, the draws disagree on its place, and the table climbs in small steps.
    """

    def __init__(
        self,
        *,
        rounds: int = 150,
        rate: float = 0.06,
        least_firms: int = 3,
        draws: int = 10,
        share: float = 0.85,
        random_state: int = 0,
    ) -> None:
        """Keep the settings; they were set by custom for few rows, not tuned.

        :param draws: how many draws of the firms are averaged
        :param share: which share of the firms a draw holds
        """
        self.draws = draws
        self.share = share
        self.rounds = rounds
        self.rate = rate
        self.least_firms = least_firms
        self.random_state = random_state

    def fit(self, values: np.ndarray, labels: np.ndarray, *, seen: np.ndarray | None = None) -> Self:
        """Learn from firms; the arguments are those of ``ScorecardLearner.fit``."""
        # LightGBM is for training alone: the worker reads tables.
        from lightgbm import Dataset, train  # noqa: PLC0415

        labels = np.asarray(labels, float)
        values = values if values.ndim == 3 else values[None]
        seen = np.ones(values.shape[:2], bool) if seen is None else seen
        settings = {
            "objective": "binary",
            "num_leaves": 2,
            "max_depth": 1,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.least_firms * len(values),
            "min_sum_hessian_in_leaf": 0.3,
            "lambda_l2": 1.0,
            "monotone_constraints": [BY_NAME[name].sign for name in NAMES],
            "seed": self.random_state,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        generator = np.random.default_rng(self.random_state)
        trees = []
        for _ in range(self.draws):
            drawn = [
                generator.choice(group, max(1, round(self.share * len(group))), replace=False)
                for group in (np.flatnonzero(labels == 1), np.flatnonzero(labels == 0))
            ]
            firms = np.sort(np.concatenate(drawn))
            rows, outcome, weight = stacked(values[:, firms], labels[firms], seen[:, firms])
            booster = train(settings, Dataset(rows, outcome, weight=weight), num_boost_round=self.rounds)
            trees += booster.dump_model()["tree_info"]
        self.tables_ = _tables(trees, share=1 / self.draws)
        without = self._without_intercept(values[0])
        self.intercept_ = intercept_for(without, labels.mean())
        self.prior_ = float(labels.mean())
        return self

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Return default probabilities, shape (firms,)."""
        odds = self._without_intercept(values) + self.intercept_
        return np.clip(1 / (1 + np.exp(-odds)), Scale.lowest_pd, Scale.highest_pd)

    def scorecard(self, *, card: dict) -> Tables:
        """Return what was learned as plain tables."""
        return Tables(self.tables_, readable(self.intercept_), readable(self.prior_), Scale(), GRADES, card)

    def _without_intercept(self, values: np.ndarray) -> np.ndarray:
        columns = [[table.log_odds(value) for value in values[:, NAMES.index(table.name)]] for table in self.tables_]
        return np.sum(columns, axis=0)


def _tables(trees: Sequence[dict], *, share: float) -> tuple[Table, ...]:
    """Add up stumps by feature, each counting for a share."""
    cuts: dict[str, dict[float, float]] = {name: {} for name in NAMES}
    floor, unknown = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0.0)
    for tree in trees:
        top = tree["tree_structure"]
        if "split_feature" not in top:
            continue
        name = NAMES[top["split_feature"]]
        left, right = share * top["left_child"]["leaf_value"], share * top["right_child"]["leaf_value"]
        floor[name] += left
        # Rounded before they are added up: the draws cut at nearly the same places, and edges must rise.
        cut = readable(float(top["threshold"]))
        cuts[name][cut] = cuts[name].get(cut, 0.0) + right - left
        unknown[name] += left if top["default_left"] else right
    tables = []
    for name in NAMES:
        edges = sorted(cuts[name])
        steps = floor[name] + np.concatenate([[0.0], np.cumsum([cuts[name][edge] for edge in edges])])
        tables.append(
            Table(
                name,
                tuple(edges),
                tuple(round(float(step), 6) for step in steps),
                readable(unknown[name]),
            )
        )
    return tuple(tables)


def tables_procedure() -> Procedure:
    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        return TablesLearner(random_state=seed).fit(values, labels, seen=seen).predict(others)

    return judge


def constant_procedure() -> Procedure:
    """Return the default rate for everybody: what any model must beat."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        return np.full(len(others), np.mean(labels))

    return judge


def plain_regression_procedure() -> Procedure:
    """Return an L2-penalised logistic regression of scikit-learn's own settings, on the same features, without signs."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - for comparison alone

        transform = Transform.learned(values[0], NAMES)
        model = LogisticRegression(C=1.0, max_iter=1000).fit(transform.apply(values[0]), labels)
        return model.predict_proba(transform.apply(others))[:, 1]

    return judge


def lightgbm_procedure() -> Procedure:
    """Return gradient boosting as one would first try it on few rows, without signs."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        from lightgbm import Dataset, train  # noqa: PLC0415 - for comparison alone

        settings = {
            "objective": "binary",
            "num_leaves": 7,
            "learning_rate": 0.05,
            "min_data_in_leaf": 8,
            "feature_fraction": 0.7,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "seed": seed,
            "num_threads": 1,
            "verbosity": -1,
        }
        return train(settings, Dataset(values[0], labels), num_boost_round=100).predict(others)

    return judge


def ebm_procedure() -> Procedure:
    """Return an explainable boosting machine, main effects only (interpret-core)."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        from interpret.glassbox import ExplainableBoostingClassifier  # noqa: PLC0415 - a training extra

        logging.getLogger("interpret").setLevel(logging.WARNING)  # it reports every bag
        model = ExplainableBoostingClassifier(interactions=0, outer_bags=4, n_jobs=1, random_state=seed)
        return model.fit(np.nan_to_num(values[0], nan=-1.0), labels).predict_proba(np.nan_to_num(others, nan=-1.0))[
            :, 1
        ]

    return judge


def optbinning_procedure() -> Procedure:
    """Return a monotone weight-of-evidence scorecard (optbinning)."""

    def judge(values: np.ndarray, labels: np.ndarray, seen: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
        from optbinning import BinningProcess  # noqa: PLC0415 - a training extra
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - for comparison alone

        binning = BinningProcess(
            list(NAMES), binning_fit_params={name: {"monotonic_trend": "auto_asc_desc"} for name in NAMES}
        )
        inside = binning.fit_transform(values[0], labels, metric="woe")
        model = LogisticRegression(C=1.0, max_iter=1000).fit(inside, labels)
        return model.predict_proba(binning.transform(others, metric="woe"))[:, 1]

    return judge


# name -> (procedure, the library it needs, seeds that are affordable: a slow rival is judged on fewer)
RIVALS: dict[str, tuple[Procedure, str, int]] = {
    "constant": (constant_procedure(), "numpy", 10),
    "plain_regression": (plain_regression_procedure(), "sklearn", 10),
    "lightgbm": (lightgbm_procedure(), "lightgbm", 10),
    "monotone_tables": (tables_procedure(), "lightgbm", 10),
    "ebm": (ebm_procedure(), "interpret", 3),
    "optbinning": (optbinning_procedure(), "optbinning", 3),
}


def missing_library(name: str) -> str | None:
    """Return which library a rival needs and does not find, or None where it can run."""
    library = RIVALS[name][1]
    return None if importlib.util.find_spec(library) else library
