"""Celery's doorbells."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from matching import runs
from matching.models import MatchRun
from matching.models.match_run import listings_to_match

# Redis hands out smaller numbers first: what nobody waits for lets everything else pass.
UNHURRIED = 9
# Seconds. A run takes a fraction of one; the first in a process may have to build the index from rows.
LONGEST_RUN = 300
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


@shared_task
def invite_visitors() -> None:
    """Invite firms whose demands match what is on show at announced exhibitions; scheduled every five minutes."""
    runs.invite_visitors(now=timezone.now())
