"""Ours beside what a user would try instead, on the same firms and folds, with the doubt that belongs to few defaults."""

from collections.abc import Sequence

import numpy as np

from finance.scoring import measures
from finance.scoring.challenger_learning import RIVALS, missing_library
from finance.scoring.evaluation import figures, out_of_fold

LESS_IS_BETTER = {"brier"}


def beside_rivals(
    values: np.ndarray,
    labels: np.ndarray,
    seen: np.ndarray,
    ours: np.ndarray,
    *,
    rivals: Sequence[str],
    times: int = 500,
) -> dict:
    """Return each rival's figures, its difference to ours by paired bootstrap, and the sentence that follows.

    :param ours: our out-of-fold probabilities, shape (seeds, firms)
    """
    found = {}
    for name in rivals:
        procedure, _, seeds = RIVALS[name]
        library = missing_library(name)
        if library is not None:
            found[name] = {"left_out": f"the library {library} is not installed"}
            continue
        chances = out_of_fold(procedure, values, labels, seen, seeds=min(seeds, len(ours)))
        row = figures(labels, chances, times=times)
        row["seeds"] = len(chances)
        row["ours_minus_this"] = {
            measure: _compared(measure, labels, ours.mean(axis=0), chances.mean(axis=0), times)
            for measure in ("auc", "brier")
        }
        found[name] = row
    return found


def _compared(name: str, labels: np.ndarray, ours: np.ndarray, theirs: np.ndarray, times: int) -> dict:
    found = measures.difference(measures.MEASURES[name], labels, ours, theirs, times=times)
    better = (found.value < 0) == (name in LESS_IS_BETTER)
    return found.to_dict() | {"says": says(found, better=better)}


def says(found: measures.Difference, *, better: bool) -> str:
    """Return what a difference allows to say.

    >>> says(measures.Difference(0.01, -0.02, 0.04, False, 120), better=True)
    'cannot be told apart yet: needs about 120 more defaults'
    >>> says(measures.Difference(0.1, 0.02, 0.2, True, None), better=True)
    'ours is better'
    """
    if found.can_be_told_apart:
        return "ours is better" if better else "ours is worse"
    if found.more_defaults_needed is None:
        return "cannot be told apart: no difference"
    return f"cannot be told apart yet: needs about {found.more_defaults_needed} more defaults"
