"""Learn the three chances from lists that were shown, and judge them on other firms at a later time."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cache

import numpy as np

from matching.ranking.additive import AdditiveLogistic
from matching.ranking.additive_learning import AdditiveLogisticLearner
from matching.ranking.calibration import Bin, IsotonicCalibration, brier, calibration_error, reliability_table
from matching.ranking.chances import (
    BUYER_DIRECTIONS,
    FULFILMENT_DIRECTIONS,
    NAMES,
    SELLER_DIRECTIONS,
    CalibratedChance,
    Chances,
    fulfilment_features,
)
from matching.ranking.labels import HORIZON, TAKEN_UP
from matching.ranking.outcomes import Outcome
from matching.ranking.promotion import JudgedGroup
from matching.ranking.propensity import LARGEST_WEIGHT, PositionCurve, learn_propensities
from matching.retrieval.metrics import auc

SIDES = {"buyer": "demand", "seller": "supply"}
DIRECTIONS = {"buyer": BUYER_DIRECTIONS, "seller": SELLER_DIRECTIONS, "fulfilled": FULFILMENT_DIRECTIONS}
# Of the firms, so many are kept aside to judge by, and so many of the rest to calibrate by.
JUDGED_SHARE, CALIBRATED_SHARE, LATER_SHARE = 0.3, 0.25, 0.4
FEWEST_ROWS, FEWEST_ORDERS, FOLDS = 200, 60, 5


class TooFewOutcomes(ValueError):  # noqa: N818 - named for the fact
    """There is not enough to learn these chances from; the message says of what."""


@dataclass(frozen=True)
class Rows:
    """Pairs as one side was shown them: what is known, what came of it, and how surely it was looked at.

    ``seen`` is the chance that it was looked at in any of its places; ``fulfilled`` is NaN where nothing was due, and
    ``would`` NaN where no simulation says what would have been done.
    """

    pair: np.ndarray
    firm: np.ndarray
    day: np.ndarray
    features: np.ndarray
    in_full: np.ndarray
    taken_up: np.ndarray
    seen: np.ndarray
    fulfilled: np.ndarray
    would: np.ndarray

    def at(self, chosen: np.ndarray) -> "Rows":
        """Return the chosen rows: those where it is true, or those of these numbers."""
        return Rows(**{name: getattr(self, name)[chosen] for name in _ARRAYS})


_ARRAYS = ("pair", "firm", "day", "features", "in_full", "taken_up", "seen", "fulfilled", "would")


@dataclass(frozen=True)
class HeldOut:
    """How good chances are on firms and days that they were not learned from, beside simpler ones.

    ``errors`` are Brier scores of the chance that a side acts (the chance to take it up × that it was looked at), which
    is what can be seen; ``table`` compares the same. ``truth`` is of simulated lists only: mean of the chance of those who
    look, against what they would have done, and the error of that, ours and uncorrected.
    """

    rows: int
    came: int
    auc: float
    calibration_error: float
    errors: dict[str, float]
    gain_over_mean: tuple[float, float, float]
    table: list[Bin]
    truth: dict[str, float] | None = None


def rows_of(
    pairs: Iterable[tuple[Outcome, JudgedGroup]], side: str, *, curve: PositionCurve | None = None
) -> tuple[Rows, PositionCurve]:
    """Return a row for each pair that people of this side were shown, as on its first day; and the curve of places.

    :param pairs: outcomes with labels, each with its features
    :param curve: how often places are looked at; learned from the same lists where it is not given
    """
    found: dict[tuple[int, int], dict] = {}
    for outcome, group in sorted(pairs, key=lambda pair: pair[0].day):
        if outcome.query.side != side or not outcome.labels:
            continue
        for place, (candidate, label) in enumerate(zip(outcome.candidates, outcome.labels, strict=True)):
            key = (outcome.query.id, candidate.id)
            if label.settled and key not in found:
                # Who were in touch before the first show met elsewhere.
                continue
            row = found.setdefault(
                key,
                {
                    "pair": " ".join(map(str, sorted(key))),
                    "firm": outcome.query.organisation,
                    "day": outcome.day.toordinal(),
                    "features": group.features[place],
                    "in_full": np.nan if outcome.in_full is None else outcome.in_full[place],
                    "taken_up": float(label.grade >= TAKEN_UP),
                    "asked": label.asked,
                    "fulfilled": np.nan if label.fulfilled is None else float(label.fulfilled),
                    "would": np.nan if label.would is None else float(label.would),
                    "first_day": outcome.day,
                    "teaches": True,
                    "shows": [],
                },
            )
            row["teaches"] &= not label.settled and not label.asked and label.grade < TAKEN_UP
            if outcome.day <= row["first_day"] + HORIZON:
                row["shows"].append((label.position, label.acted))
    rows = list(found.values())
    if not rows:
        raise TooFewOutcomes(f"Nothing was shown to the {side} side with its place in the list.")
    shows = [[(at, acted) for at, acted in row["shows"] if at is not None and row["teaches"]] for row in rows]
    curve = curve or learn_propensities(shows)
    seen = [1.0 if row["asked"] else curve.seen([at for at, _acted in row["shows"]]) for row in rows]
    columns = {name: np.array([row[name] for row in rows]) for name in _ARRAYS if name != "seen"}
    return Rows(**columns, seen=np.array(seen)), curve


def is_kept_aside(firms: np.ndarray, share: float, *, salt: str) -> np.ndarray:
    """Return which firms are kept aside: always the same ones for the same salt, whatever else is there.

    >>> is_kept_aside(np.array([1, 1, 2, 3]), 0.5, salt="x").tolist()
    [True, True, True, False]
    """
    return np.array([_share_of(firm, salt=salt) < share for firm in firms.tolist()], dtype=bool)


@cache
def _share_of(firm: int, *, salt: str) -> float:
    """Return a number in [0, 1) that is the firm's own for this salt."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{firm}".encode()).digest()[:4], "big") / 2**32


def later_from(rows: Rows) -> int:
    """Return the first day of the later time, as an ordinal."""
    return int(np.quantile(rows.day, 1 - LATER_SHARE))


def _fit(features: np.ndarray, targets: np.ndarray, firms: np.ndarray, name: str) -> CalibratedChance:
    aside = is_kept_aside(firms, CALIBRATED_SHARE, salt="calibration")
    if min((~aside).sum(), aside.sum()) < FEWEST_ROWS / 4 or not 0 < targets.sum() < len(targets):
        raise TooFewOutcomes(f"{len(targets)} rows do not suffice for the chance “{name}”.")
    learner = AdditiveLogisticLearner()
    model = learner.fit(features[~aside], targets[~aside], names=NAMES[name], directions=DIRECTIONS[name]).model_
    calibration = IsotonicCalibration().fit(model.chances(features[aside]), targets[aside])
    return CalibratedChance(model, calibration)


def learn_acceptance(rows: Rows, name: str, *, corrected: bool = True) -> CalibratedChance:
    """Learn the chance that a side takes a match up once it has looked.

    Who took it up stands for all who would have, had they looked: its target is 1 / chance of having looked, which makes
    the targets right on average (Saito 2020), clipped.

    :param corrected: whether places are corrected for; for comparison
    """
    targets = rows.taken_up / np.maximum(rows.seen, 1 / LARGEST_WEIGHT) if corrected else rows.taken_up
    return _fit(rows.features, targets, rows.firm, name)


def learn_fulfilment(rows: Rows) -> CalibratedChance:
    """Learn the chance that what is ordered is delivered on time, in full and without a dispute."""
    due = rows.at(~np.isnan(rows.fulfilled))
    features = fulfilment_features(due.features, due.in_full)
    if len(due.fulfilled) < FEWEST_ORDERS or not 0 < due.fulfilled.sum() < len(due.fulfilled):
        raise TooFewOutcomes(f"{len(due.fulfilled)} orders that ended do not suffice for the chance “fulfilled”.")
    # Orders are few: none is spared for calibrating, each is said by a model of the other firms' orders instead.
    fold = np.array([_share_of(firm, salt="fold") for firm in due.firm.tolist()]) * FOLDS // 1
    said = np.full(len(fold), due.fulfilled.mean())
    for part in range(FOLDS):
        if (fold != part).any() and (fold == part).any():
            said[fold == part] = _fulfilment_model(features[fold != part], due.fulfilled[fold != part]).chances(
                features[fold == part]
            )
    calibration = IsotonicCalibration().fit(said, due.fulfilled, fewest=len(said))
    return CalibratedChance(_fulfilment_model(features, due.fulfilled), calibration)


def _fulfilment_model(features: np.ndarray, came: np.ndarray) -> AdditiveLogistic:
    learner = AdditiveLogisticLearner(knots=4, ridge=20.0)
    return learner.fit(features, came, names=NAMES["fulfilled"], directions=DIRECTIONS["fulfilled"]).model_


def learn_chances(buyer: Rows, seller: Rows) -> Chances:
    """Learn all three; orders are seen from the seller's side, whose record they are, and the buyer's."""
    return Chances(
        buyer=learn_acceptance(buyer, "buyer"),
        seller=learn_acceptance(seller, "seller"),
        fulfilled=learn_fulfilment(_joined(buyer, seller)),
    )


def _joined(one: Rows, other: Rows) -> Rows:
    """Return the rows of both, of a pair that both sides were shown only one."""
    both = Rows(**{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _ARRAYS})
    return both.at(np.unique(both.pair, return_index=True)[1])


def judge_chances(buyer: Rows, seller: Rows) -> tuple[Chances, dict[str, HeldOut]]:
    """Learn from some firms' earlier pairs, judge on other firms' later ones; return what was learned and how good."""
    early, late = {}, {}
    for name, rows in (("buyer", buyer), ("seller", seller)):
        aside = is_kept_aside(rows.firm, JUDGED_SHARE, salt="judged")
        is_late = rows.day >= later_from(rows)
        early[name], late[name] = rows.at(~aside & ~is_late), rows.at(aside & is_late)
    learned = learn_chances(early["buyer"], early["seller"])
    found = {}
    for name, head in (("buyer", learned.buyer), ("seller", learned.seller)):
        naive = learn_acceptance(early[name], name, corrected=False)
        mean = early[name].taken_up.sum() / early[name].seen.sum()
        found[name] = _judged_acceptance(late[name], head.chances, naive.chances, mean)
    due = _joined(late["buyer"], late["seller"])
    due = due.at(~np.isnan(due.fulfilled))
    if len(due.fulfilled):
        known = _joined(early["buyer"], early["seller"]).fulfilled
        said = learned.fulfilled.chances(fulfilment_features(due.features, due.in_full))
        found["fulfilled"] = _held_out(said, due.fulfilled, {"mean": np.full(len(said), np.nanmean(known))})
    return learned, found


def _judged_acceptance(
    rows: Rows, ours: Callable[[np.ndarray], np.ndarray], naive: Callable[[np.ndarray], np.ndarray], mean: float
) -> HeldOut:
    said = ours(rows.features)
    # The naive chance is of acting in places as they usually are, so it is not multiplied again.
    plain = naive(rows.features)
    rivals = {"mean": np.clip(mean * rows.seen, 0, 1), "uncorrected": plain}
    judged = _held_out(said * rows.seen, rows.taken_up, rivals)
    if np.isnan(rows.would).any():
        return judged
    truth = {
        "would": float(rows.would.mean()),
        "ours": float(said.mean()),
        "uncorrected": float(plain.mean()),
        "error_ours": calibration_error(said, rows.would),
        "error_uncorrected": calibration_error(plain, rows.would),
    }
    return replace(judged, truth=truth)


def _held_out(said: np.ndarray, came: np.ndarray, rivals: Mapping[str, np.ndarray]) -> HeldOut:
    gain = (rivals["mean"] - came) ** 2 - (said - came) ** 2
    random = np.random.default_rng(0)
    drawn = gain[random.integers(0, len(gain), (1000, len(gain)))].mean(axis=1)
    return HeldOut(
        rows=len(came),
        came=int(came.sum()),
        auc=auc(came > 0, said),
        calibration_error=calibration_error(said, came),
        errors={"ours": brier(said, came), **{name: brier(each, came) for name, each in rivals.items()}},
        gain_over_mean=(float(gain.mean()), *(float(end) for end in np.quantile(drawn, [0.025, 0.975]))),
        table=reliability_table(said, came),
    )


def figures_of(found: Mapping[str, HeldOut]) -> dict:
    """Return the figures as a card and the page of learning hold them."""
    return {
        name: asdict(held_out)
        | {
            "error": held_out.calibration_error,
            "brier": held_out.errors["ours"],
            "brier_of_mean": held_out.errors["mean"],
        }
        for name, held_out in found.items()
    }


def span_of(outcomes: Sequence[Outcome]) -> tuple[date, date]:
    """Return the first and the last day of these lists."""
    days = [outcome.day for outcome in outcomes]
    return min(days), max(days)
