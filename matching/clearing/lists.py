"""Choose whom each demand is shown, so that together they can be served: lists that mind capacity."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matching.clearing.prices import DemandRows, capacity_prices

# A dense market of more pairs than this is priced on its better ones: so many of each demand, looked for so often.
DIRECT, DEEP, REFINED = 400_000, 120, 2
LIFTED, LEAST_LIFT, EAGER = 12, 1e-9, 1.2


@dataclass(frozen=True)
class CandidateLists:
    """The pairs shown, best first within each demand: ``demand``, ``supply`` (positions), ``relevance``, ``score`` (p,).

    ``prices`` (m,): what each supply's capacity was held to be worth, in units of relevance; 0 where nobody crowds.
    """

    demand: np.ndarray
    supply: np.ndarray
    relevance: np.ndarray
    score: np.ndarray
    prices: np.ndarray


def candidate_lists(
    relevance: np.ndarray | sparse.csr_array,
    supply_quantity: np.ndarray,
    demand_quantity: np.ndarray,
    *,
    length: int = 50,
    dial: float = 0.0,
    fairness: float = 0.0,
    protected: np.ndarray | None = None,
    floor: float = 1.0,
    prices: np.ndarray | None = None,
) -> CandidateLists:
    """Return up to ``length`` supplies for each demand, by relevance less what crowding makes their capacity cost.

    ``relevance`` (n, m) >= 0, dense or sparse (only stored pairs are candidates; the top few hundred of each demand
    are enough). ``dial`` 0 is relevance alone, the very lists without this function; 1 charges the whole price.
    ``fairness`` 0 to 1 lifts the ``protected`` supplies (m,) bool, new and small firms, towards the lists they come
    closest to, until each is shown to at least ``fairness * floor * length`` demands where so many list it.
    ``prices``: those of an earlier call on the same market, so that a dial turns at once.

    :raises ValueError: if dial or fairness is outside 0 to 1
    """
    if not 0 <= dial <= 1 or not 0 <= fairness <= 1:
        raise ValueError("dial and fairness must be from 0 to 1")
    supply_quantity = np.asarray(supply_quantity, dtype=float)
    demand_quantity = np.asarray(demand_quantity, dtype=float)
    if not sparse.issparse(relevance):
        relevance = np.asarray(relevance, dtype=float)
    protected = np.zeros(len(supply_quantity), dtype=bool) if protected is None else np.asarray(protected, dtype=bool)
    if prices is None:
        prices = np.zeros(len(supply_quantity))
        if dial > 0:
            prices = _prices(relevance, demand_quantity, supply_quantity)
    # A dense market is cut to what can come into a list at these prices, and to what is to be lifted.
    lifted = protected if fairness > 0 else np.zeros(len(protected), dtype=bool)
    rows = _rows(relevance, dial * prices, length, lifted)
    score = rows.value - dial * prices[rows.supply]
    if lifted.any():
        wanted = int(np.ceil(fairness * floor * length))
        score = score + _lift(rows, score, lifted, wanted, length)
    shown = _best(rows, score, length)
    return CandidateLists(rows.demand[shown], rows.supply[shown], rows.value[shown], score[shown], prices)


def _prices(
    relevance: np.ndarray | sparse.csr_array, demand_quantity: np.ndarray, supply_quantity: np.ndarray
) -> np.ndarray:
    """Return the price of each supply's capacity; of a large dense market from its better pairs."""
    if sparse.issparse(relevance):
        return capacity_prices(_rows(relevance, None, 0, None), demand_quantity, supply_quantity)
    if relevance.size <= DIRECT:
        return capacity_prices(_rows(relevance, None, 0, None), demand_quantity, supply_quantity)
    prices = capacity_prices(_drawn(relevance), demand_quantity, supply_quantity, rounds=60)
    for _ in range(REFINED):
        rows = _near(relevance, prices)
        prices = capacity_prices(rows, demand_quantity, supply_quantity, rounds=80, start=prices)
    return prices


def _drawn(relevance: np.ndarray) -> DemandRows:
    """Return some pairs of each demand, drawn evenly: enough for a first guess of the prices."""
    demands, supplies = relevance.shape
    shift = np.random.default_rng(0).integers(0, supplies, demands)
    step = -(-supplies // DEEP)
    supply = np.sort((shift[:, None] + np.arange(0, supplies, step)) % supplies, axis=1).ravel()
    demand = np.repeat(np.arange(demands), len(supply) // demands)
    return DemandRows(demand, supply, relevance[demand, supply])


def _near(relevance: np.ndarray, prices: np.ndarray) -> DemandRows:
    """Return the pairs that are best for the demand at these prices, or for the supply beside what the demand has."""
    reduced = relevance - prices
    chosen = _largest(reduced, DEEP)
    regret = reduced - reduced.max(axis=1, keepdims=True)
    chosen |= _largest(regret.T, DEEP // 2).T
    demand, supply = np.nonzero(chosen)
    return DemandRows(demand, supply, relevance[demand, supply])


def _rows(
    relevance: np.ndarray | sparse.csr_array, prices: np.ndarray | None, length: int, always: np.ndarray | None
) -> DemandRows:
    """Return the pairs; of a dense market only the best ``length`` of each demand at these prices, and ``always``."""
    if sparse.issparse(relevance):
        pairs = relevance.tocoo()
        return DemandRows(pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data.astype(float))
    chosen = np.ones(relevance.shape, dtype=bool)
    if 0 < length < relevance.shape[1]:
        chosen = _largest(relevance - prices, length)
    if always is not None:
        chosen[:, always] = True
    demand, supply = np.nonzero(chosen)
    return DemandRows(demand, supply, relevance[demand, supply])


def _largest(score: np.ndarray, count: int) -> np.ndarray:
    """Return which entries are among the ``count`` largest of their row; of ties the first by position."""
    if count >= score.shape[1]:
        return np.ones(score.shape, dtype=bool)
    last = np.partition(score, -count, axis=1)[:, -count, None]
    chosen = score > last
    ties = score == last
    return chosen | (ties & (np.cumsum(ties, axis=1) <= count - chosen.sum(axis=1, keepdims=True)))


def _places(rows: DemandRows, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs, best first within each demand, and each one's place from 0; ties go to the smaller supply."""
    order = np.lexsort((rows.supply, -score, rows.row))
    return order, np.arange(len(order)) - rows.starts[rows.row[order]]


def _best(rows: DemandRows, score: np.ndarray, length: int) -> np.ndarray:
    order, place = _places(rows, score)
    return order[place < length]


def _lift(rows: DemandRows, score: np.ndarray, protected: np.ndarray, wanted: int, length: int) -> np.ndarray:
    """Return for each pair what its supply's score is raised by: just so much that ``wanted`` lists take it in."""
    lift = np.zeros(len(protected))
    # Whoever is lifted into a list raises what it takes to come in for the next, so it is asked again.
    for _ in range(LIFTED):
        raised = score + lift[rows.supply]
        order, place = _places(rows, raised)
        entry = np.full(len(rows.starts), -np.inf)
        last = order[place == length - 1]
        entry[rows.row[last]] = raised[last]
        shown = np.zeros(len(order), dtype=bool)
        shown[order[place < length]] = True
        missing = np.where(shown, 0.0, np.maximum(entry[rows.row] - raised, 0.0) + LEAST_LIFT)
        by_supply = np.lexsort((missing, rows.supply))
        supplies, starts, counts = np.unique(rows.supply[by_supply], return_index=True, return_counts=True)
        more = np.zeros(len(protected))
        more[supplies] = missing[by_supply][starts + np.minimum(wanted, counts) - 1]
        more = np.where(protected, more, 0.0)
        if not more.any():
            break
        lift += EAGER * more
    return lift[rows.supply]
