"""Choose whom each demand is shown, so that together they can be served: lists that mind capacity."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matching.clearing.prices import DemandRows, capacity_prices


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
    demand, supply, value = _pairs(relevance)
    rows = DemandRows(demand, supply, value)
    supply_quantity = np.asarray(supply_quantity, dtype=float)
    if prices is None:
        prices = np.zeros(len(supply_quantity))
        if dial > 0:
            prices = capacity_prices(rows, np.asarray(demand_quantity, dtype=float), supply_quantity)
    score = rows.value - dial * prices[rows.supply]
    if fairness > 0 and protected is not None:
        wanted = int(np.ceil(fairness * floor * length))
        score = score + _lift(rows, score, np.asarray(protected, dtype=bool), wanted, length)
    shown = _best(rows, score, length)
    return CandidateLists(rows.demand[shown], rows.supply[shown], rows.value[shown], score[shown], prices)


def _pairs(relevance: np.ndarray | sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if sparse.issparse(relevance):
        pairs = relevance.tocoo()
        return pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data.astype(float)
    relevance = np.asarray(relevance, dtype=float)
    demand, supply = np.indices(relevance.shape).reshape(2, -1)
    return demand, supply, relevance.ravel()


def _places(rows: DemandRows, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs, best first within each demand, and each one's place from 0; ties go to the smaller supply."""
    order = np.lexsort((rows.supply, -score, rows.row))
    return order, np.arange(len(order)) - rows.starts[rows.row[order]]


def _best(rows: DemandRows, score: np.ndarray, length: int) -> np.ndarray:
    order, place = _places(rows, score)
    return order[place < length]


def _lift(rows: DemandRows, score: np.ndarray, protected: np.ndarray, wanted: int, length: int) -> np.ndarray:
    """Return for each pair what its supply's score is raised by: just so much that ``wanted`` lists take it in."""
    order, place = _places(rows, score)
    entry = np.full(len(rows.starts), -np.inf)
    last = order[place == length - 1]
    entry[rows.row[last]] = score[last]
    missing = np.maximum(entry[rows.row] - score, 0.0)
    lift = np.zeros(len(protected))
    by_supply = np.lexsort((missing, rows.supply))
    supplies, starts, counts = np.unique(rows.supply[by_supply], return_index=True, return_counts=True)
    nth = missing[by_supply][starts + np.minimum(wanted, counts) - 1]
    lift[supplies] = np.where(nth > 0, np.nextafter(nth, np.inf) + 1e-9, 0.0)
    return np.where(protected, lift, 0.0)[rows.supply]
