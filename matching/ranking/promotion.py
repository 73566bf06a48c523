"""Whether a learned ranker may take over: only if it beats the tuned fusion on queries it never saw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import NormalDist

import numpy as np

from matching.ranking.features import FEATURES, TEXT_FEATURES
from matching.ranking.learning import AdditiveRankerLearner, scaled
from matching.ranking.ranker import FUSED, Ranker
from matching.ranking.slices import FIRM, grades_by_firm
from matching.ranking.verdict import ENOUGH_LISTS, Comparison, Verdict, refusals_of
from matching.retrieval.metrics import ndcg_at, paired_difference

COMMERCIAL_FEATURES = tuple(name for name in FEATURES if name not in TEXT_FEATURES)
OUTCOMES = "outcomes"
FOLDS = 5
# What a fused score of 1 may weigh, in raw points, and on how many outcomes it is tried.
SLOPES = (1.0, 2.0, 4.0, 8.0, 16.0)
SAMPLE, FEW_TREES = 800, 60
# Where lists are of several days, the ranker is asked about the last of them and learns from those before.
ASKED_SHARE = 0.3


@dataclass(frozen=True)
class JudgedGroup:
    """The candidates of one query with their features, shape (n, len(FEATURES)), and grades 0 to 4, shape (n,).

    Groups of one ``owner`` (a firm, a similar group of goods) know of each other, so they are held out together.
    ``weights``, shape (n,), undo what the place in the list did to who was looked at. ``slices`` names the part of
    each kind the list belongs to, ``day`` when it was shown.
    """

    source: str
    owner: str
    features: np.ndarray
    grades: np.ndarray
    weights: np.ndarray | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None

    @property
    def gains(self) -> np.ndarray:
        return self.grades if self.weights is None else self.grades * self.weights


def learn(
    groups: Sequence[JudgedGroup], *, random_state: int = 0, names: Sequence[str] = COMMERCIAL_FEATURES, **settings
) -> Ranker:
    """Learn a ranker from outcomes, on top of the fused text score.

    Texts are left to the fusion: on judged texts it is tuned already, and step functions of its parts, learned there
    under the same cross-validation, lost 0.005 to 0.02 nDCG@10 to it.

    :param names: the features that get points
    """
    outcomes = [group for group in groups if group.source == OUTCOMES]
    settings |= {"random_state": random_state}
    # How much the text is to weigh beside the rest is asked of a part of the outcomes, with few trees.
    sample = outcomes[:: max(1, len(outcomes) // SAMPLE)]
    few = settings | {"trees": min(FEW_TREES, settings.get("trees", FEW_TREES))}
    slope = max(SLOPES, key=lambda slope: _mean_quality(_on_top(slope, sample, names, few), sample))
    return _on_top(slope, outcomes, names, settings)


def _on_top(slope: float, outcomes: Sequence[JudgedGroup], names: Sequence[str], settings: dict) -> Ranker:
    features = np.concatenate([group.features for group in outcomes])
    weighted = any(group.weights is not None for group in outcomes)
    weights = [np.ones(len(group.grades)) if group.weights is None else group.weights for group in outcomes]
    learner = AdditiveRankerLearner(**settings).fit(
        features,
        np.concatenate([group.grades for group in outcomes]),
        [len(group.grades) for group in outcomes],
        weights=np.concatenate(weights) if weighted else None,
        names=names,
        start=slope * features[:, FUSED],
    )
    return scaled(learner.ranker_, slope=slope)


def _mean_quality(ranker: Ranker, groups: Sequence[JudgedGroup]) -> float:
    return float(np.mean([quality(ranker.scores(group.features), group.gains) for group in groups]))


def leaves_texts_in_order(ranker: Ranker) -> bool:
    """Return whether pairs of which only the texts are known come in the order of the fusion, whatever they say."""
    return ranker.slope > 0 and all(
        not np.ptp(ranker.points[name]) and ranker.unknown[name] == ranker.points[name][0] for name in TEXT_FEATURES
    )


@dataclass
class _Paired:
    """nDCG@10 of two methods on the same lists."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def add(self, ours: np.ndarray, theirs: np.ndarray, gains: np.ndarray) -> None:
        self.ours.append(quality(ours, gains))
        self.theirs.append(quality(theirs, gains))

    def compared(self, *, together: int = 1) -> Comparison:
        """Return the comparison; ``together`` is how many such are looked at side by side."""
        ours, theirs = np.array(self.ours), np.array(self.theirs)
        difference, low, high = paired_difference(ours, theirs)
        ceiling = None
        if together > 1:
            # By the normal approximation: a bootstrap would need very many draws for an end so far out.
            reach = NormalDist().inv_cdf(1 - 0.025 / together)
            ceiling = difference + reach * float(np.std(ours - theirs)) / len(ours) ** 0.5
        return Comparison(len(ours), float(theirs.mean()), float(ours.mean()), difference, low, high, ceiling)


def judge(
    groups: Sequence[JudgedGroup],
    *,
    must_gain: Sequence[str],
    margin: float = 0.0,
    serving: Ranker | None = None,
    random_state: int = 0,
    **settings,
) -> Verdict:
    """Compare ranker and fusion on held-out queries, by cross-validation over the owners of the groups.

    In each fold the whole procedure runs on the other owners alone and, where outcomes are of several days, on the
    days before those asked about. ``verdict.refusals_of`` says what the ranker is refused for.

    :param must_gain: the sources on which it must gain
    :param margin: the least mean gain in nDCG@10 on each of them
    :param serving: the ranker in use, to which it must not lose
    """
    by_source: dict[str, _Paired] = {}
    by_slice: dict[str, dict[str, _Paired]] = {}
    beside = _Paired()
    keeps_texts = True
    for ranker, asked in _folds(groups, random_state=random_state, **settings):
        keeps_texts = keeps_texts and leaves_texts_in_order(ranker)
        for group in asked:
            ours, theirs = ranker.scores(group.features), group.features[:, FUSED]
            by_source.setdefault(group.source, _Paired()).add(ours, theirs, group.gains)
            if group.source != OUTCOMES:
                continue
            if serving is not None:
                beside.add(ours, serving.scores(group.features), group.gains)
            for kind, part, gains in _parts(group):
                by_slice.setdefault(kind, {}).setdefault(part, _Paired()).add(ours, theirs, gains)
    count = sum(len(paired.ours) >= ENOUGH_LISTS for parts in by_slice.values() for paired in parts.values())
    verdict = Verdict(
        comparisons={source: by_source[source].compared() for source in sorted(by_source)},
        slices={
            kind: {part: parts[part].compared(together=count) for part in sorted(parts)}
            for kind, parts in sorted(by_slice.items())
        },
        serving=beside.compared() if beside.ours else None,
        margin=margin,
    )
    has_texts = any(group.source != OUTCOMES for group in groups)
    return verdict.refused_for(refusals_of(verdict, must_gain=must_gain, texts_are_safe=keeps_texts or has_texts))


def _folds(
    groups: Sequence[JudgedGroup], *, random_state: int, **settings
) -> Iterator[tuple[Ranker, list[JudgedGroup]]]:
    """Yield rankers, each with the groups to ask it about, of whose owners and days it knows nothing."""
    owners = sorted({(group.source, group.owner) for group in groups})
    shuffled = np.random.default_rng(random_state).permutation(len(owners))
    fold_of = {owner: int(place) % FOLDS for owner, place in zip(owners, shuffled, strict=True)}
    last_learned = _last_day_learned(groups)
    for fold in range(FOLDS):
        learned = [
            group
            for group in groups
            if fold_of[group.source, group.owner] != fold and not _is_later(group, last_learned)
        ]
        asked = [
            group
            for group in groups
            if fold_of[group.source, group.owner] == fold
            and group.gains.any()
            and (group.day is None or last_learned is None or _is_later(group, last_learned))
        ]
        if asked and any(group.source == OUTCOMES for group in learned):
            yield learn(learned, random_state=random_state, **settings), asked


def _is_later(group: JudgedGroup, last: date | None) -> bool:
    return last is not None and group.day is not None and group.day > last


def _last_day_learned(groups: Sequence[JudgedGroup]) -> date | None:
    """Return the day up to which is learned, or None where all lists are of one day."""
    days = sorted(group.day for group in groups if group.day is not None)
    if not days or days[0] == days[-1]:
        return None
    last = days[int(len(days) * (1 - ASKED_SHARE))]
    # Something must remain to be asked about.
    return last if last < days[-1] else max(day for day in days if day < days[-1])


def _parts(group: JudgedGroup) -> Iterator[tuple[str, str, np.ndarray]]:
    for kind, part in group.slices.items():
        yield kind, part, group.gains
    if group.slices:
        for part, gains in grades_by_firm(group.features, group.gains):
            yield FIRM, part, gains


def quality(scores: np.ndarray, grades: np.ndarray) -> float:
    """Return nDCG@10 of the order of these scores; ties stay in the order given."""
    order = np.argsort(-scores, kind="stable")
    return ndcg_at(grades[order], grades)
