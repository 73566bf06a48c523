"""What the mutual ranking is compared with: scores of pairs that know nothing of crowds.

``demand_likes`` (n, m): how much each demand likes each supply, 0 to 1; ``supply_likes`` (n, m): how much it is liked
back, in the same layout.
"""

import numpy as np


def one_sided(demand_likes: np.ndarray, supply_likes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each side ranks by if it asks only itself: scores for the demands' and for the supplies' lists."""
    return demand_likes, supply_likes


def product(demand_likes: np.ndarray, supply_likes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the chance that both say yes, were they independent, for the lists of both sides."""
    both = demand_likes * supply_likes
    return both, both


def harmonic_mean(demand_likes: np.ndarray, supply_likes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the harmonic mean of both likings (as RECON does: Pizzato et al., 2010), for the lists of both sides.

    >>> harmonic_mean(np.array([[0.5]]), np.array([[1.0]]))[0].round(3).tolist()
    [[0.667]]
    """
    total = demand_likes + supply_likes
    mean = 2 * demand_likes * supply_likes / np.where(total > 0, total, 1.0)
    return mean, mean
