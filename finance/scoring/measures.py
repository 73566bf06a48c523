"""How good a default probability is: discrimination, accuracy, calibration, and how sure we may be of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

# A probability of exactly 0 or 1 has no logarithm: every measure that takes one clips here.
SMALLEST = 1e-6
POWER = 1.959964 + 0.841621  # two-sided 5 %, and seen with a chance of 80 %


def both_classes(labels: np.ndarray) -> bool:
    """Tell whether there is a bad and a good one; without both, nothing can be ranked."""
    return 0 < int(np.sum(labels)) < len(labels)


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the chance that a bad one scores above a good one, ties counted half (Mann and Whitney 1947).

    :param labels: 1 for bad, 0 for good, shape (n,)
    :param scores: higher is riskier, shape (n,)
    :raises ValueError: if one class is missing

    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    >>> auc(np.array([0, 1]), np.array([0.5, 0.5]))
    0.5
    """
    labels, scores = _pair(labels, scores)
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    bad = labels.sum()
    good = len(labels) - bad
    return float((ranks[places][labels == 1].sum() - bad * (bad + 1) / 2) / (bad * good))


def pr_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision: precision at each distinct score, weighed by the recall it adds.

    >>> round(pr_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    labels, scores = _pair(labels, scores)
    bad, taken = _steps(labels, scores)
    precision = bad / taken
    return float(np.sum(np.diff(bad, prepend=0) / labels.sum() * precision))


def ks(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the greatest distance between the distributions of bad and good scores (Kolmogorov and Smirnov).

    >>> ks(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.5
    """
    labels, scores = _pair(labels, scores)
    bad, taken = _steps(labels, scores)
    return float(np.max(np.abs(bad / labels.sum() - (taken - bad) / (len(labels) - labels.sum()))))


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean squared error of the probabilities (Brier 1950).

    >>> brier(np.array([1, 0]), np.array([0.5, 0.5]))
    0.25
    """
    return float(np.mean((np.asarray(probabilities, float) - np.asarray(labels, float)) ** 2))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative log-likelihood, in nats.

    >>> round(log_loss(np.array([1, 0]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    labels = np.asarray(labels, float)
    clipped = np.clip(np.asarray(probabilities, float), SMALLEST, 1 - SMALLEST)
    return float(-np.mean(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)))


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Return log(p / (1 - p)), clipped away from infinity."""
    clipped = np.clip(np.asarray(probabilities, float), SMALLEST, 1 - SMALLEST)
    return np.log(clipped / (1 - clipped))


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Return intercept and slope of a logistic regression of the outcome on the predicted log-odds (Cox 1958).

    Slope 1 and intercept 0 are perfect; a slope below 1 is overconfident, above 1 too timid. Where the two classes do
    not overlap the slope has no maximum: it is cut at 50. One probability for all has no slope: it counts as 1.

    >>> labels = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    >>> [abs(round(number, 6)) for number in calibration(labels, np.array([0.25] * 4 + [0.75] * 4))]
    [0.0, 1.0]
    """
    labels, odds = _pair(labels, logits(probabilities))
    bad, good = odds[labels == 1], odds[labels == 0]
    if np.ptp(odds) < 1e-12:
        return float(logits(labels.mean()) - odds[0]), 1.0
    if bad.min() >= good.max() or bad.max() <= good.min():
        steepest = 50.0 if bad.min() >= good.max() else -50.0
        return -steepest * float(np.clip((bad.mean() + good.mean()) / 2, -1, 1)), steepest
    design = np.column_stack([np.ones(len(odds)), odds])
    weights = np.array([0.0, 1.0])
    for _ in range(50):
        predicted = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (labels - predicted)
        curvature = design.T @ (design * np.maximum(predicted * (1 - predicted), 1e-9)[:, None]) + 1e-9 * np.eye(2)
        moved = np.clip(weights + np.clip(np.linalg.solve(curvature, gradient), -4, 4), -50, 50)
        done = np.max(np.abs(moved - weights)) < 1e-10
        weights = moved
        if done:
            break
    return float(weights[0]), float(weights[1])


def calibration_slope(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the slope of ``calibration`` alone."""
    return calibration(labels, probabilities)[1]


def mean_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return mean probability minus default rate.

    >>> mean_error(np.array([1, 0]), np.array([0.75, 0.5]))
    0.125
    """
    return float(np.mean(probabilities) - np.mean(labels))


# What every report shows, in this order: name -> measure(labels, probabilities)
MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auc": auc,
    "pr_auc": pr_auc,
    "ks": ks,
    "brier": brier,
    "log_loss": log_loss,
    "calibration_slope": calibration_slope,
    "mean_error": mean_error,
}


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict:
        return {name: round(number, 6) for name, number in asdict(self).items()}


def resamples(labels: np.ndarray, *, times: int = 1000, random_state: int = 0) -> np.ndarray:
    """Return rows drawn with replacement, shape (times, n); a draw without both classes is drawn again.

    :raises ValueError: if one class is missing from the whole
    """
    labels = np.asarray(labels)
    if not both_classes(labels):
        raise ValueError("A bootstrap of a ranking needs at least one bad and one good row.")
    generator = np.random.default_rng(random_state)
    rows = np.empty((times, len(labels)), dtype=np.intp)
    for place in range(times):
        drawn = generator.integers(0, len(labels), len(labels))
        while not both_classes(labels[drawn]):
            drawn = generator.integers(0, len(labels), len(labels))
        rows[place] = drawn
    return rows


def interval(
    measure: Callable[[np.ndarray, np.ndarray], float],
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    times: int = 1000,
    random_state: int = 0,
) -> Measured:
    """Return the measure with its percentile-bootstrap 95 % interval over rows (a row is a firm).

    >>> labels, perfect = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.8, 0.9])
    >>> interval(auc, labels, perfect, times=50)
    Measured(value=1.0, low=1.0, high=1.0)
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    rows = resamples(labels, times=times, random_state=random_state)
    values = [measure(labels[drawn], probabilities[drawn]) for drawn in rows]
    low, high = np.percentile(values, [2.5, 97.5])
    return Measured(measure(labels, probabilities), float(low), float(high))


def report(labels: np.ndarray, probabilities: np.ndarray, *, times: int = 1000, random_state: int = 0) -> dict:
    """Return every measure with its interval, and the sizes: plain numbers, ready for JSON."""
    found = {
        name: interval(measure, labels, probabilities, times=times, random_state=random_state).to_dict()
        for name, measure in MEASURES.items()
    }
    return {
        "firms": len(labels),
        "defaults": int(np.sum(labels)),
        "default_rate": round(float(np.mean(labels)), 6),
        "mean_pd": round(float(np.mean(probabilities)), 6),
        **found,
    }


@dataclass(frozen=True)
class Difference:
    """How much better A is than B, on the same rows, and whether the rows can tell."""

    value: float
    low: float
    high: float
    can_be_told_apart: bool
    more_defaults_needed: int | None

    def to_dict(self) -> dict:
        return asdict(self) | {name: round(getattr(self, name), 6) for name in ("value", "low", "high")}


def difference(
    measure: Callable[[np.ndarray, np.ndarray], float],
    labels: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    times: int = 1000,
    random_state: int = 0,
) -> Difference:
    """Return measure(A) - measure(B) with the interval of a paired bootstrap: both on the same drawn rows.

    Where the interval holds 0, the two cannot be told apart yet. A standard error falls with the root of the number of
    defaults, so the number that would show the present difference with 80 % power is (2.8 s / d) ** 2 times today's.

    >>> labels = np.array([0, 0, 1, 1, 0, 1])
    >>> same = np.array([0.1, 0.2, 0.6, 0.7, 0.5, 0.4])
    >>> difference(auc, labels, same, same, times=50)
    Difference(value=0.0, low=0.0, high=0.0, can_be_told_apart=False, more_defaults_needed=None)
    """
    labels, a, b = np.asarray(labels), np.asarray(a, float), np.asarray(b, float)
    rows = resamples(labels, times=times, random_state=random_state)
    values = np.array([measure(labels[drawn], a[drawn]) - measure(labels[drawn], b[drawn]) for drawn in rows])
    low, high = (float(edge) for edge in np.percentile(values, [2.5, 97.5]))
    value = measure(labels, a) - measure(labels, b)
    apart = low > 0 or high < 0
    more = None
    if not apart and abs(value) > 1e-9:
        defaults = float(np.sum(labels))
        more = max(1, int(np.ceil(defaults * (POWER * values.std() / value) ** 2 - defaults)))
    return Difference(value, low, high, apart, more)


def _pair(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels, float), np.asarray(scores, float)
    if labels.shape != scores.shape:
        raise ValueError(f"{len(labels)} labels but {len(scores)} scores.")
    if not both_classes(labels):
        raise ValueError("A ranking needs at least one bad and one good row.")
    return labels, scores


def _steps(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, at each distinct score from the riskiest down, how many bad ones and how many in all lie at or above it."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, [True])
    return np.cumsum(labels[order])[last], np.flatnonzero(last) + 1.0
