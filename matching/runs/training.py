"""The nightly attempt to learn a better ranker, and the gate that it must pass."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from marketplace.models import User
from marketplace.services.notifications import notify
from matching.live_index import encoder, fusion, ranker
from matching.models import RankerChange, RankerModel, TrainingRun
from matching.ranking.card import card_of
from matching.ranking.outcomes import Outcome, outcome_groups
from matching.ranking.promotion import OUTCOMES, JudgedGroup, judge, learn
from matching.ranking.ranker import Ranker
from matching.ranking.verdict import Refusal, Verdict

# Results of so many days are learned from: what firms wanted a year ago says little of today.
LEARNED_DAYS = 180
# With fewer lists of which something came, or of fewer firms, nothing can be proven, and nothing is tried.
FEWEST_GRADED, FEWEST_FIRMS = 200, 20


@dataclass(frozen=True)
class Learned:
    """A ranker with the gate's verdict on it."""

    ranker: Ranker
    verdict: Verdict


def train_ranker(
    run: TrainingRun,
    *,
    clock: Callable[[], datetime],
    gather: Callable[[date, date], Sequence[Outcome]],
    trees: int | None = None,
) -> TrainingRun:
    """Learn from what came of lists that were shown, put the result to the gate, and keep it whatever the gate says.

    What passes serves from the next question on, or waits for the operator where the setting says so.

    :param gather: returns the outcomes of lists shown from a day to a day, the latter included
    :param trees: fewer than usual, for a quick trial
    """
    try:
        until, since = run.day, run.day - timedelta(days=LEARNED_DAYS)
        outcomes = gather(since, until)
        graded = sum(bool(outcome.grades.any()) for outcome in outcomes)
        facts = {"since": since, "until": until, "lists": len(outcomes), "graded": graded}
        refusal = _refused_beforehand(outcomes, graded)
        settings_ = {} if trees is None else {"trees": trees}
        learned = None if refusal else _learned(outcomes, day=run.day, facts=facts, **settings_)
        with transaction.atomic():
            _keep(run, learned, refusal, facts, now=clock())
    except Exception as error:
        TrainingRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise
    run.refresh_from_db()
    return run


def _refused_beforehand(outcomes: Sequence[Outcome], graded: int) -> Refusal | None:
    """Return why nothing can be learned, or None."""
    firms = len({outcome.query.organisation for outcome in outcomes})
    if graded < FEWEST_GRADED or firms < FEWEST_FIRMS:
        return Refusal(
            f"有结果的列表只有 {graded} 个，来自 {firms} 家企业；至少需要 {FEWEST_GRADED} 个列表、{FEWEST_FIRMS} 家企业。",
            f"Only {graded} lists of {firms} firms led to anything; at least {FEWEST_GRADED} of {FEWEST_FIRMS} are needed.",
        )
    if importlib.util.find_spec("lightgbm") is None:
        return Refusal(
            "此服务器未安装 lightgbm，无法训练。",
            "This server cannot learn: lightgbm is not installed.",
        )
    return None


def _learned(outcomes: Sequence[Outcome], *, day: date, facts: Mapping, **settings_) -> Learned:
    groups: list[JudgedGroup] = list(outcome_groups(outcomes, encoder(), fusion()))
    # Judged texts are not at hand here: the gate refuses what would bring them out of the order of the fusion.
    verdict = judge(groups, must_gain=[OUTCOMES], margin=settings.RANKER_MARGIN, serving=ranker(), **settings_)
    found = learn(groups, **settings_)
    said = {"name": "deals of this market", **{name: str(value) for name, value in facts.items()}}
    found.card = card_of(
        found,
        verdict,
        groups,
        trained_on=day,
        embedding=encoder().version,
        fusion=fusion().version,
        outcomes=said,
    )
    return Learned(found, verdict)


def _keep(run: TrainingRun, learned: Learned | None, refusal: Refusal | None, facts: Mapping, *, now: datetime) -> None:
    if learned is None:
        told = {"refusal_zh": refusal.zh, "refusal_en": refusal.en}
        TrainingRun.objects.finish(run, now=now, outcome=TrainingRun.Outcome.REFUSED, **told, **facts)
        return
    # The claim is looked at first: a slow worker may have been replaced, and would write a second model.
    if not TrainingRun.objects.held_by(run).select_for_update().exists():
        return
    document, version = learned.ranker.to_dict(), learned.ranker.version
    model = RankerModel.objects.record(document, version=version, now=now, run=run)
    outcome = TrainingRun.Outcome.REFUSED
    if model.status == RankerModel.Status.CANDIDATE:
        outcome = TrainingRun.Outcome.CANDIDATE
        if settings.RANKER_PROMOTES_ITSELF:
            RankerModel.objects.take_over(
                model, kind=RankerChange.Kind.PROMOTED, by=None, now=now, why="It passed the gate."
            )
            outcome = TrainingRun.Outcome.PROMOTED
    elif model.status == RankerModel.Status.PROMOTED:
        outcome = TrainingRun.Outcome.PROMOTED
    told = {"refusal_zh": model.refusal_zh, "refusal_en": model.refusal_en}
    TrainingRun.objects.finish(run, now=now, outcome=outcome, **told, **facts)
    _tell_operator(run, model, outcome, now=now)


def _tell_operator(run: TrainingRun, model: RankerModel, outcome: str, *, now: datetime) -> None:
    """Tell the platform operator of a new ranker; that one was refused is for the page to say."""
    if outcome == TrainingRun.Outcome.REFUSED:
        return
    serves = outcome == TrainingRun.Outcome.PROMOTED
    gain = model.verdict["comparisons"][OUTCOMES]["difference"]
    notify(
        event="ranker.promoted" if serves else "ranker.learned",
        deduplication_key=f"ranker:{run.pk}",
        users=User.objects.filter(is_staff=True, is_active=True),
        title_zh=f"新的排序模型{'已启用' if serves else '等待启用'}：nDCG@10 提升 {gain:+.3f}",
        title_en=f"A new ranker {'serves' if serves else 'waits for you'}: nDCG@10 {gain:+.3f}",
        url=reverse("matching:model_detail", args=[model.version]),
        data={"ranker": model.version, "gain": gain},
        now=now,
    )
