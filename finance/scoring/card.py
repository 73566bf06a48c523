"""Write the model card of a scorecard: where it comes from, what it is for, how good it is, and what to doubt."""

import hashlib
from datetime import date

import numpy as np

from finance.scoring.challenger_learning import TablesLearner
from finance.scoring.evaluation import FOLDS
from finance.scoring.features import GRACE_MONTHS, WINDOW_MONTHS
from finance.scoring.invoices import Folder
from finance.scoring.learning import ScorecardLearner
from finance.scoring.looks import MONTHS_BACK
from finance.scoring.trades import Trades

METHOD = (
    "Logistic regression on standardised features, bent so that more of one thing brings ever less, whose weights never go "
    "against a sign declared beforehand; weights are "
    "drawn to a common size, averaged over penalties by their likelihood for firms left out, and stretched by the "
    "out-of-fold calibration slope. Cuts, means, penalties and calibration are learned inside every fold."
)
USE = (
    "Ranks small and medium firms by the chance that they default, from their purchase and sales invoices. It informs a "
    "bank's reviewer; it decides nothing by itself."
)
LOOKED_AT = (
    "Features and signs were chosen by reasoning, but with eyes open: single-feature AUCs of about eighty candidates and "
    "the cross-validated figures of about ninety sets of features, penalties and shapes were looked at on these same firms, and "
    "the records of a dozen misjudged firms were read; the bend was added after a boosted challenger showed that effects "
    "level off, and one of seven shapes was taken. The figures below are therefore somewhat optimistic; the interval "
    "does not show that. Judge by firms that were kept aside."
)
LEFT_OUT = {
    "bank rating": "it restates the outcome",
    "refunds": "the obvious sign is wrong: sound firms refund more often",
    "share of the largest customer or supplier": "no direction that holds for all trades",
    "margin, VAT burden": "purchases without invoice make both unreliable",
    "growth": "a fall and a sudden jump are both bad: no one direction",
    "days since the last invoice": "an extract ends when it was drawn, and a firm stops invoicing because it failed",
    "average VAT rate": "the law changed the rates twice; the share of goods does not move with them",
    "suppliers a month": "says little beside the purchases",
}
LIMITS = (
    "Few defaults: see the intervals. One country, one period (before 2020-03), one bank's customers with a default rate "
    "far above a usual portfolio: recalibrate with a stated prior before reading the PD as a price. A PD below 1 % is "
    "extrapolated: too few firms of the best grades were seen to prove it. Invoices do not tell "
    "makers of goods from traders, so a maker is judged as strictly as a trader. Not for firms whose "
    "trade leaves no invoices (farms, start-ups): a score on no records says only that."
)


def data_hash(trades: Trades) -> str:
    """Return a hash of the records that were learned from: the same records, however they were stored, the same hash."""
    digest = hashlib.sha256("\n".join(trades.firms).encode())
    for column in (trades.firm, trades.is_sale, trades.day, trades.net, trades.tax, trades.is_void):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


METHODS = {
    "scorecard": METHOD,
    "tables": (
        "Boosted stumps on single features, none against a declared sign, added up to one table per feature. Its settings "
        "were set by custom, not tuned."
    ),
}


def card_of(
    folder: Folder,
    learner: ScorecardLearner | TablesLearner,
    *,
    as_of: date,
    labelled: np.ndarray,
    figures: dict,
    seeds: int,
) -> dict:
    """Return the model card as plain values; it holds no row and no name of a firm.

    :param labelled: labels of the firms that were learned from, shape (firms,)
    :param figures: out-of-fold measures with intervals
    """
    return {
        "name": "Challenger in tables" if isinstance(learner, TablesLearner) else "Default scorecard for invoices",
        "use": USE,
        "method": METHODS["tables" if isinstance(learner, TablesLearner) else "scorecard"],
        "data": {
            "what": "VAT invoices of small and medium enterprises, with a default flag",
            "firms": len(labelled),
            "defaults": int(labelled.sum()),
            "records": len(folder.trades),
            "repeated_rows_dropped": folder.repeated,
            "as_of": as_of.isoformat(),
            "sha256": data_hash(folder.trades),
        },
        "features": {"window_months": WINDOW_MONTHS, "grace_months": GRACE_MONTHS, "months_back": list(MONTHS_BACK)},
        "learned": _learned(learner),
        "figures": figures,
        "protocol": f"{FOLDS}-fold stratified cross-validation of the whole procedure, {seeds} seeds; 95 % bootstrap over firms",
        "looked_at": LOOKED_AT,
        "left_out": LEFT_OUT,
        "limits": LIMITS,
    }


def _learned(learner: ScorecardLearner | TablesLearner) -> dict:
    if isinstance(learner, TablesLearner):
        return {"rounds": learner.rounds, "rate": learner.rate, "least_firms_per_step": learner.least_firms}
    return {
        "penalties": {f"{penalty:g}": round(share, 6) for penalty, share in learner.shares_.items()},
        "calibration_slope_applied": round(learner.slope_, 6),
    }
