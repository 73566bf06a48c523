"""Whether a learned ranker may take over: only if it beats the tuned fusion on queries it never saw."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from matching.ranking.features import FEATURES, TEXT_FEATURES
from matching.ranking.learning import AdditiveRankerLearner, scaled
from matching.ranking.ranker import FUSED, Ranker
from matching.retrieval.metrics import ndcg_at, paired_difference

COMMERCIAL_FEATURES = tuple(name for name in FEATURES if name not in TEXT_FEATURES)
OUTCOMES = "outcomes"
FOLDS = 5
# What a fused score of 1 may weigh, in raw points, and on how many outcomes it is tried.
SLOPES = (1.0, 2.0, 4.0, 8.0, 16.0)
SAMPLE, FEW_TREES = 800, 60


@dataclass(frozen=True)
class JudgedGroup:
    """The candidates of one query with their features, shape (n, len(FEATURES)), and grades 0 to 4, shape (n,).

    Groups of one ``owner`` (a firm, a similar group of goods) know of each other, so they are held out together.
    """

    source: str
    owner: str
    features: np.ndarray
    grades: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Mean nDCG@10 of both methods on one source's held-out queries; the interval is of their difference."""

    queries: int
    fused: float
    ranked: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What the held-out queries say of a ranker; ``refusal`` says why it is not promoted, or is empty."""

    comparisons: dict[str, Comparison] = field(default_factory=dict)
    refusal: str = ""

    @property
    def is_promoted(self) -> bool:
        return not self.refusal

    def to_dict(self) -> dict:
        return {"promoted": self.is_promoted, **asdict(self)}


def learn(groups: Sequence[JudgedGroup], *, random_state: int = 0, **settings) -> Ranker:
    """Learn a ranker from outcomes, on top of the fused text score.

    Texts are left to the fusion: on judged texts it is tuned already, and step functions of its parts, learned there
    under the same cross-validation, lost 0.005 to 0.02 nDCG@10 to it.
    """
    outcomes = [group for group in groups if group.source == OUTCOMES]
    settings |= {"random_state": random_state}
    # How much the text is to weigh beside the rest is asked of a part of the outcomes, with few trees.
    sample = outcomes[:: max(1, len(outcomes) // SAMPLE)]
    few = settings | {"trees": min(FEW_TREES, settings.get("trees", FEW_TREES))}
    slope = max(SLOPES, key=lambda slope: _mean_quality(_on_top(slope, sample, few), sample))
    return _on_top(slope, outcomes, settings)


def _on_top(slope: float, outcomes: Sequence[JudgedGroup], settings: dict) -> Ranker:
    features = np.concatenate([group.features for group in outcomes])
    learner = AdditiveRankerLearner(**settings).fit(
        features,
        np.concatenate([group.grades for group in outcomes]),
        [len(group.grades) for group in outcomes],
        names=COMMERCIAL_FEATURES,
        start=slope * features[:, FUSED],
    )
    return scaled(learner.ranker_, slope=slope)


def _mean_quality(ranker: Ranker, groups: Sequence[JudgedGroup]) -> float:
    return float(np.mean([quality(ranker.scores(group.features), group.grades) for group in groups]))


def judge(groups: Sequence[JudgedGroup], *, must_gain: Sequence[str], random_state: int = 0, **settings) -> Verdict:
    """Compare ranker and fusion on held-out queries, by cross-validation over the owners of the groups.

    In each fold the whole procedure runs on the other owners alone. The ranker is refused unless its gain in nDCG@10
    is above 0, with the whole 95 % bootstrap interval, on each source it must gain on, and unless no source loses.
    """
    owners = sorted({(group.source, group.owner) for group in groups})
    shuffled = np.random.default_rng(random_state).permutation(len(owners))
    fold_of = {owner: int(place) % FOLDS for owner, place in zip(owners, shuffled, strict=True)}
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    for fold in range(FOLDS):
        ranker = learn([g for g in groups if fold_of[g.source, g.owner] != fold], random_state=random_state, **settings)
        for group in groups:
            if fold_of[group.source, group.owner] == fold and group.grades.any():
                ours.setdefault(group.source, []).append(quality(ranker.scores(group.features), group.grades))
                theirs.setdefault(group.source, []).append(quality(group.features[:, FUSED], group.grades))
    comparisons = {}
    for source, values in sorted(ours.items()):
        difference, low, high = paired_difference(np.array(values), np.array(theirs[source]))
        comparisons[source] = Comparison(
            len(values), float(np.mean(theirs[source])), float(np.mean(values)), difference, low, high
        )
    return Verdict(comparisons, _refusal(comparisons, must_gain))


def _refusal(comparisons: dict[str, Comparison], must_gain: Sequence[str]) -> str:
    for source, comparison in comparisons.items():
        if source in must_gain and comparison.low <= 0:
            return (
                f"On {source} the gain over the fusion is not above 0 ({comparison.low:+.4f} … {comparison.high:+.4f})."
            )
        if comparison.high < 0:
            return f"On {source} it loses to the fusion ({comparison.low:+.4f} … {comparison.high:+.4f})."
    missing = [source for source in must_gain if source not in comparisons]
    return f"There is nothing to measure it on: {', '.join(missing)}." if missing else ""


def quality(scores: np.ndarray, grades: np.ndarray) -> float:
    """Return nDCG@10 of the order of these scores; ties stay in the order given."""
    order = np.argsort(-scores, kind="stable")
    return ndcg_at(grades[order], grades)
