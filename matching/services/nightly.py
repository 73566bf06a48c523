"""What the operator may ask for between two nights: a training, a proof, a replay."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import User
from matching import runs, tasks
from matching.models import ProofRun, RankerModel, Replay, TrainingRun


class AlreadyAtWork(RuleBroken):
    pass


class NothingToReplay(RuleBroken):
    pass


@transaction.atomic
def request_training(*, by: User | None, now: datetime) -> TrainingRun:
    """Ask a worker to learn a ranker from what is known now.

    :raises AlreadyAtWork: if one is being learned today
    """
    run_id = TrainingRun.objects.request(day=timezone.localdate(now), by=by, now=now)
    if run_id is None:
        raise AlreadyAtWork(_("A ranker is being learned already. Look again in a few minutes."))
    tasks.train_ranker.apply_async_on_commit((run_id,), priority=tasks.UNHURRIED)
    return TrainingRun.objects.get(pk=run_id)


@transaction.atomic
def request_proof(*, by: User | None, now: datetime) -> ProofRun:
    """Ask a worker to compare what its index serves with brute force.

    :raises AlreadyAtWork: if that is being done
    """
    run_id = ProofRun.objects.request(day=timezone.localdate(now), by=by, now=now)
    if run_id is None:
        raise AlreadyAtWork(_("The index is being put to the proof already. Look again in a minute."))
    tasks.prove_recall.apply_async_on_commit((run_id,), priority=tasks.UNHURRIED)
    return ProofRun.objects.get(pk=run_id)


@transaction.atomic
def request_replay(*, day: date, model: str, against: str, demands: int, by: User | None, now: datetime) -> Replay:
    """Ask a worker to put a past day's lists in order by two rankers.

    :raises InputRefused: naming the field that cannot be taken
    :raises NothingToReplay: if no demand was matched on that day
    """
    replay = record_replay(day=day, model=model, against=against, demands=demands, by=by, now=now)
    tasks.replay_day.apply_async_on_commit((replay.pk,), priority=tasks.UNHURRIED)
    return replay


def record_replay(*, day: date, model: str, against: str, demands: int, by: User | None, now: datetime) -> Replay:
    """Write down what is to be replayed, without ringing for a worker; whoever calls it does the work.

    :raises InputRefused: naming the field that cannot be taken
    :raises NothingToReplay: if no demand was matched on that day
    """
    errors: dict[str, list[str]] = {}
    for field, version in (("model", model), ("against", against)):
        if version not in {Replay.FUSION, Replay.SHIPPED} and not RankerModel.objects.filter(version=version).exists():
            errors[field] = [_("There is no such model.")]
    if not errors and model == against:
        errors["against"] = [_("Choose another model to compare with.")]
    if day > timezone.localdate(now):
        errors["day"] = [_("This day is still to come.")]
    if not 1 <= demands <= Replay.MOST_DEMANDS:
        errors["demands"] = [_("Between 1 and %(count)d lists.") % {"count": Replay.MOST_DEMANDS}]
    if errors:
        raise InputRefused(errors)
    if not runs.demands_of(day).exists():
        raise NothingToReplay(_("No demand was matched on %(day)s: choose another day.") % {"day": day.isoformat()})
    return Replay.objects.create(
        day=day, model=model, against=against, demands=demands, requested_by=by, requested_at=now
    )
