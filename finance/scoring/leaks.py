"""The leak register: when each feature becomes known, and the proof that nothing later moves it."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from finance.scoring.evaluation import figures, out_of_fold, scorecard_procedure
from finance.scoring.features import FEATURES, features_of
from finance.scoring.looks import looks_at
from finance.scoring.trades import Trades

CUTS = (date(2019, 6, 30), date(2018, 12, 31), date(2018, 6, 30))
CUT_SEEDS = 5


def leak_register(trades: Trades, cuts: Sequence[date]) -> dict:
    """Return per feature the moment it becomes known, and how many values change at each cut when the future is deleted.

    None may: the features of a day are reckoned once from all records and once from those known by then.
    """
    changed = {}
    for cut in cuts:
        knowing = features_of(trades, as_of=cut).values
        known_then = features_of(trades.until(cut), as_of=cut).values
        changed[cut.isoformat()] = int(np.sum(~((knowing == known_then) | (np.isnan(knowing) & np.isnan(known_then)))))
    return {
        "features": [{"feature": feature.name, "known": feature.known} for feature in FEATURES],
        "values_changed_by_deleting_the_future": changed,
    }


def as_the_cut_moves(trades: Trades, labels: np.ndarray, cuts: Sequence[date], *, seeds: int = CUT_SEEDS) -> list[dict]:
    """Return the figures of the whole procedure when all invoices after a day are unknown, for each day.

    A firm that stopped invoicing because it had failed already looks easy at the end; it does not a year before. Firms
    without any record by then are left out and counted.
    """
    rows = []
    for cut in cuts:
        table, values, seen = looks_at(trades, as_of=cut)
        known = table.records > 0
        if min(labels[known].sum(), (1 - labels[known]).sum()) < 10:
            rows.append({"until": cut.isoformat(), "left_out": "too few firms of each kind have records by then"})
            continue
        chances = out_of_fold(scorecard_procedure(), values[:, known], labels[known], seen[:, known], seeds=seeds)
        rows.append(
            {
                "until": cut.isoformat(),
                "firms_without_records": int(np.sum(~known)),
                "seeds": seeds,
                **figures(labels[known], chances, times=500),
            }
        )
    return rows
