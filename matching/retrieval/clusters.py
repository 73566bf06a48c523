"""Divide very many vectors into clusters, so that a wide search need not look at all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import faiss
import numpy as np

from matching.retrieval.ordering import best_slots

# Calibrated on so many stored vectors, each asking for so many neighbours, so that this share of them is found.
QUERIES, NEIGHBOURS, AIM = 128, 200, 0.997
# k-means sees at most so many vectors of each cluster: more say nothing new.
SAMPLE = 100
ROUNDS = 8
BLOCK = 50_000


@dataclass(frozen=True)
class Clusters:
    """Centroids, and to which of them each vector is nearest.

    ``centroids`` has the shape (clusters, dim), float32; ``of`` the shape (n,), uint16. A search looks at the
    ``probes`` clusters that are nearest to the query: as many as the calibration found to be needed.
    """

    centroids: np.ndarray
    of: np.ndarray
    probes: int

    @classmethod
    def fit(cls, vectors: np.ndarray, *, narrowest: float, random_state: int = 0) -> "Clusters":
        """Return clusters of these float16 vectors, calibrated for filters down to that share of them.

        About one cluster for each thousand vectors, by spherical k-means on a sample.
        """
        count = min(4096, max(1, round(len(vectors) / 1000)))
        random = np.random.default_rng(random_state)
        chosen = np.sort(random.permutation(len(vectors))[: SAMPLE * count])
        kmeans = faiss.Kmeans(vectors.shape[1], count, niter=ROUNDS, spherical=True, seed=random_state)
        kmeans.cp.min_points_per_centroid = 1
        kmeans.train(vectors[chosen].astype(np.float32))
        centroids = np.ascontiguousarray(kmeans.centroids)
        clusters = cls(centroids, nearest(centroids, vectors), count)
        return replace(clusters, probes=clusters._needed(vectors, narrowest, random))

    def probed(self, query: np.ndarray) -> np.ndarray:
        """Return which vectors lie in the clusters that a search for this query looks at, bool of shape (n,)."""
        nearness = self.centroids @ query
        is_probed = np.zeros(len(nearness), dtype=bool)
        is_probed[np.argpartition(-nearness, self.probes - 1)[: self.probes]] = True
        return is_probed[self.of]

    def moved(self, order: np.ndarray) -> "Clusters":
        """Return the clusters of the same vectors in another order."""
        return replace(self, of=self.of[order])

    def extended(self, vectors: np.ndarray) -> "Clusters":
        """Return the clusters with more vectors behind those that are there."""
        return replace(self, of=np.concatenate([self.of, nearest(self.centroids, vectors)]))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centroids": self.centroids, "cluster_of": self.of, "probes": np.array([self.probes])}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Clusters | None":
        """Return the clusters that ``arrays`` gave, None where there are none among these."""
        if "centroids" not in arrays:
            return None
        return cls(np.array(arrays["centroids"]), arrays["cluster_of"], int(arrays["probes"][0]))

    def _needed(self, vectors: np.ndarray, narrowest: float, random: np.random.Generator) -> int:
        """Return how many clusters a search must look at.

        Half of the questions are put under a filter that allows a random share, and half under one that allows the
        share of vectors that lie farthest to the other side of a random direction: what real filters do, whose
        rows are not spread evenly among the clusters.
        """
        chosen = random.permutation(len(vectors))[:QUERIES]
        queries = vectors[chosen].astype(np.float32)
        scores = np.concatenate(
            [queries @ vectors[start : start + BLOCK].astype(np.float32).T for start in range(0, len(vectors), BLOCK)],
            axis=1,
        )
        directions = random.normal(size=(vectors.shape[1], 4)).astype(np.float32)
        sides = np.concatenate(
            [vectors[start : start + BLOCK].astype(np.float32) @ directions for start in range(0, len(vectors), BLOCK)]
        )
        ranks = np.argsort(np.argsort(-(queries @ self.centroids.T), axis=1), axis=1)
        needed = []
        for place in range(len(chosen)):
            if place % 2:
                is_allowed = random.random(len(vectors)) < narrowest
            else:
                side = sides[:, place // 2 % 4]
                side = side if side[chosen[place]] > np.median(side) else -side
                is_allowed = side < np.quantile(side, narrowest)
            allowed = np.flatnonzero(is_allowed)
            best = allowed[best_slots(scores[place, allowed], allowed, NEIGHBOURS)]
            needed.append(ranks[place, self.of[best]])
        found = np.concatenate(needed) + 1
        return int(np.quantile(found, AIM, method="higher")) if len(found) else len(self.centroids)


def nearest(centroids: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the centroid with the highest inner product for each vector, uint16."""
    found = [
        np.argmax(vectors[start : start + BLOCK].astype(np.float32) @ centroids.T, axis=1)
        for start in range(0, len(vectors), BLOCK)
    ]
    return np.concatenate(found).astype(np.uint16) if found else np.zeros(0, dtype=np.uint16)
