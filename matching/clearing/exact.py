"""Clear the small parts of a market exactly: mixed-integer programmes, solved by HiGHS."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from matching.clearing.ledger import Ledger

# Beyond so many pairs a programme seldom ends in the time there is.
MOST_PAIRS = 1500
GAP = 1e-6


def improve_small_parts(ledger: Ledger, *, seconds: float, most_pairs: int = MOST_PAIRS) -> float | None:
    """Clear each part of the market that shares nothing with the others exactly, if it is small; keep what gains.

    Returns the most that all parts together could weigh, or None where a part was too large or the time too short.
    """
    until = perf_counter() + seconds
    total: float | None = 0.0
    for demands in _parts(ledger):
        left = until - perf_counter()
        if sum(len(ledger.choices[i]) for i in demands) > most_pairs or left <= 0:
            total = None
            continue
        most = _clear_exactly(ledger, demands, seconds=left)
        total = None if total is None or most is None else total + most
    return total


def _parts(ledger: Ledger) -> list[list[int]]:
    """Return the demands of each connected part, small parts first."""
    demands, supplies = len(ledger.choices), len(ledger.quantity)
    row = [i for i, choices in enumerate(ledger.choices) for _ in choices]
    column = [demands + j for choices in ledger.choices for j, _ in choices]
    size = demands + supplies
    _, label = connected_components(sparse.coo_array((np.ones(len(row)), (row, column)), shape=(size, size)))
    parts: dict[int, list[int]] = {}
    for i, part in enumerate(label[:demands].tolist()):
        if ledger.choices[i]:
            parts.setdefault(part, []).append(i)
    return sorted(parts.values(), key=lambda part: (len(part), part[0]))


def _clear_exactly(ledger: Ledger, demands: list[int], *, seconds: float) -> float | None:
    """Clear these demands, who compete with nobody else, anew; return the most they could weigh, if known."""
    before = {i: dict(ledger.taken[i]) for i in demands}
    had = sum(ledger.weight_of(i) for i in demands)
    for i in demands:
        ledger.empty(i)
    closed, ledger.closed = ledger.closed, set()
    programme = _programme(ledger, demands)
    if not len(programme.weight):
        ledger.closed = closed
        return 0.0
    found, most = programme.solved(seconds)
    for i, j, steps in zip(programme.demand.tolist(), programme.supply.tolist(), found.tolist(), strict=True):
        if fitting := ledger.fitting(i, j, steps):
            ledger.give(i, j, fitting)
    ledger.closed = closed
    if ledger.pooled_minimum is not None:
        # Whoever fills up what is left must not open an order that stays too small.
        ledger.closed = closed | {j for j in set(programme.supply.tolist()) if not ledger.takers[j]}
    for i in demands:
        ledger.serve(i)
    short = any(ledger.is_short(j) for j in set(programme.supply.tolist()))
    if short or sum(ledger.weight_of(i) for i in demands) < had:
        for i in demands:
            ledger.empty(i)
        ledger.closed = closed
        for i, taken in before.items():
            ledger.restore(i, taken)
    return most


@dataclass(frozen=True)
class _Programme:
    """``share`` (p,), how much of its ``most`` each pair takes, and ``opened`` (o,), 0 or 1, whether a lump is taken.

    ``lump`` names for each of the memberships which lump the pair ``member`` belongs to; a pair may belong to its own
    and to that of a pooled order. ``least`` (o,): the quantity that comes with taking a lump.
    """

    demand: np.ndarray
    supply: np.ndarray
    weight: np.ndarray
    most: np.ndarray
    wanted: np.ndarray
    there: np.ndarray
    member: np.ndarray
    lump: np.ndarray
    least: np.ndarray

    def solved(self, seconds: float) -> tuple[np.ndarray, float | None]:
        """Return the quantity of each pair, and the most that all could weigh."""
        pairs, lumps = len(self.weight), len(self.least)
        own = np.arange(pairs)
        # Shares instead of quantities keep all numbers near 1.
        rows = [
            (self.most / self.wanted, np.unique(self.demand, return_inverse=True)[1]),
            (self.most / self.there, np.unique(self.supply, return_inverse=True)[1]),
        ]
        limited = [sparse.csr_array((entry, (row, own)), shape=(row.max() + 1, pairs + lumps)) for entry, row in rows]
        constraints = [LinearConstraint(sparse.vstack(limited), -np.inf, 1.0)]
        if lumps:
            each, ones = np.arange(len(self.member)), np.ones(len(self.member))
            upper = _matrix(
                [(ones, each, self.member), (-ones, each, pairs + self.lump)], (len(self.member), pairs + lumps)
            )
            entry, lump = self.most[self.member] / self.least[self.lump], np.arange(lumps)
            lower = _matrix(
                [(entry, self.lump, self.member), (-np.ones(lumps), lump, pairs + lump)], (lumps, pairs + lumps)
            )
            constraints.append(LinearConstraint(upper, -np.inf, 0.0))
            constraints.append(LinearConstraint(lower, 0.0, np.inf))
        gain = self.weight * self.most
        scale = max(gain.max(), np.finfo(float).tiny)
        result = milp(
            -np.concatenate([gain / scale, np.zeros(lumps)]),
            constraints=constraints,
            integrality=np.concatenate([np.zeros(pairs), np.ones(lumps)]),
            bounds=Bounds(0.0, 1.0),
            options={"time_limit": seconds, "mip_rel_gap": GAP},
        )
        dual = result.fun if lumps == 0 else result.mip_dual_bound
        # What the solver holds feasible may be off by a millionth.
        bound = None if dual is None or not np.isfinite(dual) else -dual * scale * (1 + 1e-9)
        return (np.zeros(pairs) if result.x is None else result.x[:pairs] * self.most), bound


def _programme(ledger: Ledger, demands: list[int]) -> _Programme:
    pairs = [(i, j, weight) for i in demands for j, weight in ledger.choices[i]]
    least: dict[tuple[int, int], float] = {}
    members: list[tuple[int, tuple[int, int]]] = []
    for k, (i, j, _) in enumerate(pairs):
        if not ledger.splittable[i]:
            least[i, j] = float(ledger.demand_left[i])
            members.append((k, (i, j)))
        elif ledger.minimum[j] > 1:
            least[i, j] = float(ledger.minimum[j])
            members.append((k, (i, j)))
        if ledger.pooled_minimum is not None and ledger.pooled_minimum[j] > 1:
            least[-1, j] = float(ledger.pooled_minimum[j])
            members.append((k, (-1, j)))
    place = {key: lump for lump, key in enumerate(least)}
    return _Programme(
        demand=np.array([i for i, _, _ in pairs], dtype=np.int64),
        supply=np.array([j for _, j, _ in pairs], dtype=np.int64),
        weight=np.array([weight for _, _, weight in pairs]),
        most=np.array([float(min(ledger.demand_left[i], ledger.supply_left[j])) for i, j, _ in pairs]),
        wanted=np.array([float(ledger.demand_left[i]) for i, _, _ in pairs]),
        there=np.array([float(ledger.supply_left[j]) for _, j, _ in pairs]),
        member=np.array([k for k, _ in members], dtype=np.int64),
        lump=np.array([place[key] for _, key in members], dtype=np.int64),
        least=np.array(list(least.values())),
    )


def _matrix(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int]) -> sparse.csr_array:
    entries, rows, columns = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sparse.csr_array((entries, (rows, columns)), shape=shape)
