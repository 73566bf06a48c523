"""Measure from whom firms will buy in the next quarter, learnt on early quarters and asked about the last ones."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.leads.counterparties import (
    NEW_FEATURES,
    REPEAT_FEATURES,
    bought_in,
    new_features,
    past_of,
    repeat_features,
)
from matching.leads.invoices import Invoices
from matching.leads.measures import DEPTH, interval, precision_at

# With less history nothing has a rhythm; the last whole quarters are kept for the test.
FIRST_QUARTER, TEST_QUARTERS = 3, 4
NEGATIVES = 40
# Chosen on quarters before the test's. New pairs are rare and say little each: few leaves, large ones.
TREES = {
    "repeat": {
        "n_estimators": 250,
        "learning_rate": 0.04,
        "num_leaves": 31,
        "min_child_samples": 60,
        "reg_lambda": 5.0,
    },
    "new": {"n_estimators": 200, "learning_rate": 0.04, "num_leaves": 15, "min_child_samples": 200, "reg_lambda": 10.0},
}
SHARED = {"subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.5, "verbosity": -1, "n_jobs": 1}
TASKS = ("repeat", "new", "all")


@dataclass(frozen=True)
class Pairs:
    """Pairs of one quarter: places of firm and seller, features, and whether they trade in it; arrays over (n,)."""

    firm: np.ndarray
    seller: np.ndarray
    features: np.ndarray
    is_bought: np.ndarray


def pairs_of(invoices: Invoices, quarter: int) -> tuple[Pairs, Pairs]:
    """Return the pairs that traded before the quarter, and those that did not."""
    past, bought = past_of(invoices, quarter), bought_in(invoices, quarter)
    # A firm that buys nothing in the quarter asks nothing.
    asks = bought.any(axis=1)
    found = []
    for make in (repeat_features, new_features):
        firm, seller, features = make(past)
        keep = asks[firm]
        firm, seller, features = firm[keep], seller[keep], features[keep]
        found.append(Pairs(firm, seller, features, bought[firm, seller]))
    return found[0], found[1]


def evaluate_counterparties(
    sets: Sequence[Invoices], *, random_state: int = 0, test_quarters: int = TEST_QUARTERS
) -> dict:
    """Return precision@50 by firm and quarter, model and baselines, for repeat, new and all counterparties.

    Learnt on the quarters before the last ``test_quarters`` whole ones of every set, asked about those.
    """
    random = np.random.default_rng(random_state)
    training: dict[str, list[Pairs]] = {"repeat": [], "new": []}
    for invoices in sets:
        for quarter in range(FIRST_QUARTER, invoices.whole_quarters() - test_quarters):
            repeat, new = pairs_of(invoices, quarter)
            training["repeat"].append(repeat)
            training["new"].append(_thinned(new, random))
    models = {task: _fit(parts, TREES[task], random_state) for task, parts in training.items()}
    found: dict[str, dict[str, list[float]]] = {task: defaultdict(list) for task in TASKS}
    firms: dict[str, list[str]] = {task: [] for task in TASKS}
    for number, invoices in enumerate(sets):
        for quarter in range(invoices.whole_quarters() - test_quarters, invoices.whole_quarters()):
            repeat, new = pairs_of(invoices, quarter)
            rows = _scored(repeat, new, models, random)
            for task, firm, measured in rows:
                firms[task].append(f"{number}:{invoices.firms[firm]}")
                for method, value in measured.items():
                    found[task][method].append(value)
    return {task: _figures(found[task], firms[task]) for task in TASKS}


def _thinned(pairs: Pairs, random: np.random.Generator) -> tuple[Pairs, np.ndarray]:
    """Return every trade and a draw of the others, with what each row stands for."""
    hits, others = np.flatnonzero(pairs.is_bought), np.flatnonzero(~pairs.is_bought)
    drawn = random.choice(others, size=min(len(others), NEGATIVES * max(len(hits), 1)), replace=False)
    rows = np.concatenate([hits, drawn])
    weight = np.concatenate([np.ones(len(hits)), np.full(len(drawn), len(others) / max(len(drawn), 1))])
    return Pairs(pairs.firm[rows], pairs.seller[rows], pairs.features[rows], pairs.is_bought[rows]), weight


def _fit(parts: list, trees: dict, random_state: int):
    # Two seconds to import, and only who measures needs it.
    from lightgbm import LGBMClassifier  # noqa: PLC0415

    if isinstance(parts[0], tuple):
        rows, weights = [part for part, _weight in parts], np.concatenate([weight for _part, weight in parts])
    else:
        rows, weights = parts, None
    features = np.concatenate([part.features for part in rows])
    labels = np.concatenate([part.is_bought for part in rows])
    model = LGBMClassifier(random_state=random_state, deterministic=True, force_row_wise=True, **trees, **SHARED)
    return model.fit(features, labels, sample_weight=weights)


def _scored(
    repeat: Pairs, new: Pairs, models: dict, random: np.random.Generator
) -> list[tuple[str, int, dict[str, float]]]:
    """Return (task, firm, {method: precision@50}) for every firm that asks."""
    again = {name: number for number, name in enumerate(REPEAT_FEATURES)}
    fresh = {name: number for number, name in enumerate(NEW_FEATURES)}
    scores = {
        "repeat": {
            "model": models["repeat"].predict_proba(repeat.features)[:, 1],
            "recency": -repeat.features[:, again["recency"]],
            "frequency": repeat.features[:, again["count"]],
            "popularity": repeat.features[:, again["seller_firms"]],
            "random": random.random(len(repeat.firm)),
        },
        "new": {
            "model": models["new"].predict_proba(new.features)[:, 1],
            "co_purchase": new.features[:, fresh["like_sellers"]],
            "popularity": new.features[:, fresh["firms_year"]] + 1e-3 * new.features[:, fresh["firms_ever"]],
            "random": random.random(len(new.firm)),
        },
    }
    rows = []
    for firm in np.unique(np.concatenate([repeat.firm, new.firm])).tolist():
        mine = {"repeat": repeat.firm == firm, "new": new.firm == firm}
        hits = {"repeat": repeat.is_bought[mine["repeat"]], "new": new.is_bought[mine["new"]]}
        rows += [
            (task, firm, _measured({name: values[mine[task]] for name, values in scores[task].items()}, hits[task]))
            for task in ("repeat", "new")
            if hits[task].any()
        ]
        both = np.concatenate([hits["repeat"], hits["new"]])
        if both.any():
            # What was never bought has no recency and no frequency: it stands behind, the popular first.
            behind = scores["new"]["popularity"][mine["new"]]
            behind = -1e9 + behind
            joined = {
                "model": np.concatenate([scores[task]["model"][mine[task]] for task in ("repeat", "new")]),
                "recency": np.concatenate([scores["repeat"]["recency"][mine["repeat"]], behind]),
                "frequency": np.concatenate([scores["repeat"]["frequency"][mine["repeat"]], behind]),
                "popularity": np.concatenate(
                    [
                        np.expm1(scores["repeat"]["popularity"][mine["repeat"]]),
                        new.features[mine["new"], fresh["firms_ever"]],
                    ]
                ),
                "random": random.random(len(both)),
            }
            rows.append(("all", firm, _measured(joined, both)))
    return rows


def _measured(scores: dict[str, np.ndarray], hits: np.ndarray) -> dict[str, float]:
    measured = {method: precision_at(values, hits) for method, values in scores.items()}
    measured["ceiling"] = min(DEPTH, int(hits.sum())) / DEPTH
    return measured


def _figures(measured: dict[str, list[float]], firms: list[str]) -> dict:
    figures: dict = {"lists": len(firms), "firms": len(set(firms))}
    if not firms:
        return figures
    for method, values in measured.items():
        mean, low, high = interval(values, firms)
        figures[method] = {"precision@50": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
    rest = [name for name in measured if name not in {"model", "ceiling"}]
    best = max(rest, key=lambda name: float(np.mean(measured[name])))
    mean, low, high = interval(np.array(measured["model"]) - np.array(measured[best]), firms)
    figures["gain"] = {"over": best, "mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
    return figures
