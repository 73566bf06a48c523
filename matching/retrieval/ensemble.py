"""Merge encoders that were trained alike from different random starts into one of the same size, better than each."""

from collections.abc import Sequence

import numpy as np

from matching.retrieval.gram_encoder import GramEncoder


def merge(members: Sequence[GramEncoder], texts: Sequence[str], *, dim: int) -> GramEncoder:
    """Return one encoder whose inner products are, as nearly as ``dim`` numbers allow, the mean of the members'.

    The members' vectors stand side by side, each scaled by the median length of the texts' sums, and are turned to the
    ``dim`` directions in which the texts' vectors, each part at length one, spread most (principal components without
    centring; Halko et al., 2011, for why so few suffice). A table is linear in its rows, so only rows are turned. The
    first member's vocabulary is kept; a feature that another member lacks is zero in its part.
    """
    vocabulary = members[0].vocabulary
    parts, vectors = [], []
    for member in members:
        table = member.table(vocabulary)
        sums = np.zeros((len(texts), table.shape[1]), dtype=np.float32)
        for place, text in enumerate(texts):
            sums[place] = table[vocabulary.rows(text)].sum(axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        parts.append(table / np.median(lengths[lengths > 0]))
        vectors.append(sums / np.where(lengths > 0, lengths, 1))
    spread = np.hstack(vectors)
    # Ascending eigenvalues: the last columns are the directions of most spread.
    _, directions = np.linalg.eigh(spread.T @ spread)
    return GramEncoder.of(vocabulary, np.hstack(parts) @ directions[:, ::-1][:, :dim])
