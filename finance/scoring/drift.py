"""Whether the firms of today still look like those a model was made on, at the sizes we have.

The population stability index (PSI; CSI when it is one feature) of two samples of one distribution is no zero: it is
about (1/n + 1/m) times a chi-square with B - 1 degrees of freedom (Yurdakul 2018, "Statistical Properties of Population
Stability Index"). The customary 0.10 and 0.25 know nothing of n and m; that value does. With few firms in a bin the
index has a longer tail than the chi-square (7 % false alarms at 300 against 100 in 10 bins instead of 5 %), so the
value that decides is drawn: the larger of the formula and of what fixed draws without drift exceed once in twenty.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import chi2

BINS = 10
LEVEL = 0.95
# Draws without drift, from a fixed seed: the same sizes always get the same critical value.
DRAWS = 4000
# What an empty bin counts as, so that a logarithm exists (Jeffreys' half an observation).
HALF = 0.5


@dataclass(frozen=True)
class Drift:
    """An index with the value that chance alone exceeds once in twenty."""

    name: str
    index: float
    critical: float
    formula: float
    reference: int
    current: int
    bins: tuple[dict, ...]

    @property
    def has_moved(self) -> bool:
        return self.index > self.critical

    def to_dict(self) -> dict:
        return {**asdict(self), "bins": list(self.bins), "has_moved": self.has_moved}


def critical_value(reference: int, current: int, *, bins: int = BINS, level: float = LEVEL) -> float:
    """Return the index that two samples of one distribution exceed with the chance 1 - level.

    >>> round(critical_value(300, 100), 4)
    0.2256
    >>> round(critical_value(100_000, 100_000), 5)
    0.00034
    """
    return float((1 / reference + 1 / current) * chi2.ppf(level, bins - 1))


@lru_cache(maxsize=1000)
def drawn_critical_value(reference: tuple[int, ...], current: int, *, level: float = LEVEL) -> float:
    """Return the index that so many of today's firms exceed with the chance 1 - level though nothing moved.

    The edges are order statistics of the reference, so the true share of each bin is Dirichlet with the reference's
    counts, whatever the distribution; today's counts are multinomial of it. The k-th largest of N draws is taken such
    that (k + 1) / (N + 1) does not exceed 1 - level.

    :param reference: counts of the reference per bin
    """
    generator = np.random.default_rng(0)
    before = np.maximum(np.array(reference, float), HALF)
    true = generator.dirichlet(before, size=DRAWS)
    now = np.maximum(generator.multinomial(current, true).astype(float), HALF)
    p, q = before / before.sum(), now / now.sum(axis=1, keepdims=True)
    indices = np.sort(np.sum((p - q) * np.log(p / q), axis=1))[::-1]
    return float(indices[max(0, int((1 - level) * (DRAWS + 1)) - 1)])


def bin_edges(reference: np.ndarray, *, bins: int = BINS) -> np.ndarray:
    """Return the inner edges of bins that hold equally many of the reference; fewer where values repeat.

    >>> bin_edges(np.arange(10.0), bins=5)
    array([1.8, 3.6, 5.4, 7.2])
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))
    # An edge at the smallest value would leave a bin that no reference can fall into.
    return edges[edges > reference.min()]


def shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how many values fall into each bin [edge, next edge), shape (len(edges) + 1,)."""
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1).astype(float)


def stability_index(reference: np.ndarray, current: np.ndarray) -> float:
    """Return the PSI of counts per bin: the sum of (p - q) log(p / q); an empty bin counts as half an observation.

    :param reference: counts of the firms the model was made on, shape (B,)
    :param current: counts of today's firms, shape (B,)

    >>> stability_index(np.array([50.0, 50.0]), np.array([10.0, 10.0]))
    0.0
    >>> round(stability_index(np.array([50.0, 50.0]), np.array([60.0, 40.0])), 4)
    0.0405
    """
    p = np.maximum(reference, HALF) / np.maximum(reference, HALF).sum()
    q = np.maximum(current, HALF) / np.maximum(current, HALF).sum()
    return float(np.sum((p - q) * np.log(p / q)))


def drift(
    name: str,
    reference: np.ndarray,
    current: np.ndarray,
    *,
    bins: int = BINS,
    tests: int = 1,
    edges: np.ndarray | None = None,
) -> Drift:
    """Return how far a score or a feature has moved, beside what chance alone would do.

    Few firms get fewer bins (at least five of today's expected in each), where the chi-square still holds. Of several
    features looked at together each is held to a stricter value (Šidák), so that all together raise a false alarm
    once in twenty.

    :param reference: values of the firms the model was made on, finite, shape (n,)
    :param current: values of today's firms, finite, shape (m,)
    :param tests: how many are looked at together
    :raises ValueError: if one side is empty
    """
    reference, current = np.asarray(reference, float), np.asarray(current, float)
    if not len(reference) or not len(current):
        raise ValueError(f"{name}: nothing to compare.")
    if edges is None:
        bins = max(2, min(bins, len(reference) // 5, len(current) // 5))
        edges = bin_edges(reference, bins=bins)
    before, now = shares(reference, edges), shares(current, edges)
    return _drift(name, before, now, tuple(_bins(edges, before, now)), tests)


def drift_of_classes(name: str, reference: dict[str, int], current: dict[str, int]) -> Drift:
    """Return how far the distribution over classes (grades, industries) has moved; shown by name.

    :raises ValueError: if one side is empty
    """
    names = sorted({*reference, *current})
    before = np.array([reference.get(one, 0) for one in names], float)
    now = np.array([current.get(one, 0) for one in names], float)
    if not before.sum() or not now.sum():
        raise ValueError(f"{name}: nothing to compare.")
    rows = tuple(
        {"bin": one, "reference": int(was), "current": int(is_now)}
        for one, was, is_now in zip(names, before, now, strict=True)
    )
    return _drift(name, before, now, rows, 1)


def _drift(name: str, before: np.ndarray, now: np.ndarray, rows: tuple[dict, ...], tests: int) -> Drift:
    level = LEVEL ** (1 / tests)
    sizes = int(before.sum()), int(now.sum())
    formula = critical_value(*sizes, bins=max(2, len(before)), level=level)
    drawn = drawn_critical_value(tuple(int(count) for count in before), sizes[1], level=level)
    index = stability_index(before, now) if len(before) > 1 else 0.0
    return Drift(name, index, max(formula, drawn), formula, *sizes, rows)


def _bins(edges: np.ndarray, before: np.ndarray, now: np.ndarray) -> list[dict]:
    bounds = [None, *(round(float(edge), 6) for edge in edges), None]
    return [
        {"from": low, "to": high, "reference": int(was), "current": int(is_now)}
        for low, high, was, is_now in zip(bounds[:-1], bounds[1:], before, now, strict=True)
    ]


def simulate_alarms(
    reference: int, current: int, *, shift: float, bins: int = BINS, times: int = 2000, random_state: int = 0
) -> dict:
    """Return how often each rule raises an alarm when the mean of a normal feature moves by ``shift`` deviations.

    With shift 0 every alarm is false. Beside our critical value stands the customary fixed 0.10.
    """
    generator = np.random.default_rng(random_state)
    ours = fixed = 0
    for _ in range(times):
        found = drift("x", generator.normal(size=reference), generator.normal(shift, size=current), bins=bins)
        ours += found.has_moved
        fixed += found.index > 0.10
    return {
        "reference": reference,
        "current": current,
        "bins": bins,
        "shift": shift,
        "times": times,
        "critical_value": round(ours / times, 4),
        "fixed_0_10": round(fixed / times, 4),
    }
