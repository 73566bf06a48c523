"""Celery's doorbells."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from matching import runs
from matching.models import BalanceRun, LearningRun, MarketProposal, MatchRun, PoolingRun, ProofRun, Replay, TrainingRun
from matching.models.listing_balance import families_to_balance
from matching.models.match_run import KEPT_FOR, listings_to_match

# Redis hands out smaller numbers first: what nobody waits for lets everything else pass.
UNHURRIED = 9
# Seconds. A run takes a fraction of one; the first in a process may have to build the index from rows.
LONGEST_RUN = 300
# Seconds. Nights are long, yet the broker must not think the worker dead and give the message to another.
LONGEST_TRAINING = 1500
# So many listings of the to-do list are taken up in one minute; the next minute takes the next.
PER_MINUTE = 3000


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def find_matches(run_id: int) -> None:
    if run := MatchRun.objects.claim(run_id, now=timezone.now()):
        runs.find_matches(run, clock=timezone.now)


@shared_task
def index_listings() -> None:
    """Write the missing entries of the index; the listener does so at once, this is for when there is none."""
    while runs.index_listings():
        pass


@shared_task
def ring_again() -> None:
    """Ring for the runs that were left behind; scheduled every minute."""
    now = timezone.now()
    MatchRun.objects.release(since=now - timedelta(seconds=LONGEST_RUN + 30))
    for run_id in MatchRun.objects.unheard(since=now - timedelta(minutes=2)):
        find_matches.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def request_missing_runs() -> None:
    """Request a run for each open listing that has none for what it says now; scheduled every minute."""
    now = timezone.now()
    waiting = list(listings_to_match(now).values_list("pk", flat=True)[:PER_MINUTE])
    for run_id in MatchRun.objects.request(waiting, now=now):
        find_matches.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def gather_events() -> None:
    """Write what matched firms did about each other; scheduled every three minutes."""
    runs.gather_events()


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def clear_market(run_id: int) -> None:
    if run := MarketProposal.objects.claim(run_id, now=timezone.now()):
        runs.clear_market(run, clock=timezone.now)


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def balance_family(run_id: int) -> None:
    if run := BalanceRun.objects.claim(run_id, now=timezone.now()):
        runs.balance_family(run, clock=timezone.now)


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def suggest_pools(run_id: int) -> None:
    if run := PoolingRun.objects.claim(run_id, now=timezone.now()):
        runs.suggest_pools(run, clock=timezone.now)


@shared_task
def weigh_markets() -> None:
    """Weigh each family of goods in which something changed, and look for pools; scheduled every five minutes."""
    now = timezone.now()
    for run_id in BalanceRun.objects.request(families_to_balance(now), now=now):
        balance_family.apply_async((run_id,), priority=UNHURRIED)
    for run_id in PoolingRun.objects.request(now=now):
        suggest_pools.apply_async((run_id,), priority=UNHURRIED)
    BalanceRun.objects.forget_before(now - KEPT_FOR)
    PoolingRun.objects.forget_before(now - KEPT_FOR)


@shared_task
def ring_markets_again() -> None:
    """Ring for the computations of markets that were left behind; scheduled every minute."""
    now = timezone.now()
    for model, task in ((MarketProposal, clear_market), (BalanceRun, balance_family), (PoolingRun, suggest_pools)):
        model.objects.release(since=now - timedelta(seconds=LONGEST_RUN + 30))
        for run_id in model.objects.unheard(since=now - timedelta(minutes=2)):
            task.apply_async((run_id,), priority=UNHURRIED)


@shared_task(time_limit=LONGEST_TRAINING, soft_time_limit=LONGEST_TRAINING - 30)
def train_ranker(run_id: int) -> None:
    if run := TrainingRun.objects.claim(run_id, now=timezone.now()):
        runs.train_ranker(run, clock=timezone.now, gather=runs.gathered_outcomes)


@shared_task(time_limit=LONGEST_TRAINING, soft_time_limit=LONGEST_TRAINING - 30)
def prove_recall(run_id: int) -> None:
    if run := ProofRun.objects.claim(run_id, now=timezone.now()):
        runs.prove_recall(run, clock=timezone.now)


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def replay_day(run_id: int) -> None:
    if run := Replay.objects.claim(run_id, now=timezone.now()):
        runs.replay_day(run, clock=timezone.now)


@shared_task(time_limit=LONGEST_RUN, soft_time_limit=LONGEST_RUN - 20)
def reckon(run_id: int) -> None:
    if run := LearningRun.objects.claim(run_id, now=timezone.now()):
        runs.reckon(run, clock=timezone.now)


@shared_task
def request_reckoning() -> None:
    """Ask for this night's reckoning of events; scheduled once a night."""
    now = timezone.now()
    if run_id := LearningRun.objects.request(day=timezone.localdate(now), now=now):
        reckon.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def request_training() -> None:
    """Ask for this night's training; scheduled once a night."""
    now = timezone.now()
    if run_id := TrainingRun.objects.request(day=timezone.localdate(now), now=now):
        train_ranker.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def request_proof() -> None:
    """Ask for this night's proof of the index; scheduled once a night."""
    now = timezone.now()
    if run_id := ProofRun.objects.request(day=timezone.localdate(now), now=now):
        prove_recall.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def ring_models_again() -> None:
    """Ring for the trainings, proofs, replays and reckonings that were left behind; scheduled every five minutes."""
    now = timezone.now()
    for model, task, longest in (
        (TrainingRun, train_ranker, LONGEST_TRAINING),
        (ProofRun, prove_recall, LONGEST_TRAINING),
        (Replay, replay_day, LONGEST_RUN),
        (LearningRun, reckon, LONGEST_RUN),
    ):
        model.objects.release(since=now - timedelta(seconds=longest + 30))
        unheard = model.objects.filter(status=model.Status.WAITING, requested_at__lt=now - timedelta(minutes=5))
        for run_id in unheard.order_by("pk").values_list("pk", flat=True):
            task.apply_async((run_id,), priority=UNHURRIED)


@shared_task
def invite_visitors() -> None:
    """Invite firms whose demands match what is on show at announced exhibitions; scheduled every five minutes."""
    runs.invite_visitors(now=timezone.now())


@shared_task
def read_leads() -> None:
    """Read firms and building projects that were not read as they are now; scheduled every five minutes."""
    while runs.read_projects(now=timezone.now()):
        pass
    while runs.read_firms(now=timezone.now()):
        pass


@shared_task
def tell_of_projects() -> None:
    """Tell sellers of new building projects that need what they offer; scheduled once a day."""
    runs.tell_of_projects(now=timezone.now())
