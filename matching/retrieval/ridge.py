"""Map Chinese n-grams to English ones by ridge regression: the baseline that a bilingual embedding has to beat."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer


class RidgeMap:
    """Learns a linear map between two TF-IDF spaces from pairs of one meaning, in its dual form.

    With X and Y the training texts' rows of length one, an English text's image among the Chinese training rows is
    Y's similarity to it, through (Y Yᵀ + λ)⁻¹; its score for a Chinese text is the inner product with X's similarity,
    over the image's length. (Ridge regression from English to Chinese; Hoerl & Kennard, 1970.)
    """

    def __init__(self, *, penalty: float = 0.3) -> None:
        self.penalty = penalty

    def fit(self, chinese: Sequence[str], english: Sequence[str]) -> "RidgeMap":
        self._chinese = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
        self._english = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
        self._left, self._right = self._chinese.fit_transform(chinese), self._english.fit_transform(english)
        kernel = (self._right @ self._right.T).toarray()
        self._inverse = np.linalg.inv(kernel + self.penalty * np.eye(len(kernel)))
        self._within = (self._left @ self._left.T).toarray()
        return self

    def scores(self, chinese: Sequence[str], english: Sequence[str]) -> np.ndarray:
        """Return the score of each Chinese text (rows) with each English one (columns)."""
        images = (self._english.transform(english) @ self._right.T).toarray() @ self._inverse
        lengths = np.sqrt(np.maximum(((images @ self._within) * images).sum(axis=1), 1e-12))
        return (self._chinese.transform(chinese) @ self._left.T).toarray() @ images.T / lengths
