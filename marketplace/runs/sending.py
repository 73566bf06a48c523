"""What all sendings have in common: they are taken one after another, and a failed try waits for the next."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from marketplace.models.sending import Sending, SendingQuerySet, retry_delay
from marketplace.runs.channels.outcome import Outcome, Result

# What one bell may do before it rings again: work of other kinds waits in the same queue.
ROUND = 20
ROUND_SECONDS = 10


def send_round(
    sendings: SendingQuerySet, send: Callable[[Sending, datetime], None], clock: Callable[[], datetime]
) -> bool:
    """Send what is due until nothing is left or the round is over; return whether there may be more."""
    begun = time.monotonic()
    for _ in range(ROUND):
        sending = sendings.claim_next(now=clock())
        if sending is None:
            return False
        try:
            send(sending, clock())
        except Exception as error:
            type(sending).objects.fail(sending, now=clock(), failure=f"{type(error).__name__}: {error}")
            raise
        if time.monotonic() - begun > ROUND_SECONDS:
            break
    return True


def settle(sending: Sending, outcome: Outcome, now: datetime) -> bool:
    """Write what came of a try, if its claim still stands; return whether the sending is finished by it."""
    rows = type(sending).objects
    if outcome.is_delivered:
        return rows.finish(sending, now=now)
    if outcome.result is not Result.TEMPORARY:
        return rows.fail(sending, now=now, failure=outcome.detail)
    if sending.tries_are_used_up:
        return rows.fail(sending, now=now, failure=f"{outcome.detail} (tried {sending.attempt} times)")
    rows.postpone(sending, until=now + pause(sending.attempt, outcome), failure=outcome.detail)
    return False


def pause(failures: int, outcome: Outcome) -> timedelta:
    """Return how long to wait: what our own pauses say, or longer if the receiver asked for it."""
    own = retry_delay(failures, spread=random.random())  # noqa: S311 - spreads retries, keeps no secret
    return max(own, outcome.retry_after) if outcome.retry_after else own
