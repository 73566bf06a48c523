"""The clock of what has to happen outside the platform."""

from collections.abc import Callable
from datetime import datetime

from django.db import models, transaction

from finance.models import OfflineAct
from finance.runs import act_news
from marketplace.models import Announcement, Notification

CHUNK = 200


def watch_acts(*, now: datetime) -> int:
    """Tell of what is newly expected, mark what is overdue, give up what nobody did; return how many were moved on."""
    acts = OfflineAct.objects
    status = OfflineAct.Status
    return sum(
        (
            _each(acts.untold(), act_news.expected, now, told_at=now),
            _each(acts.past_due(now), act_news.overdue, now, to=status.OVERDUE),
            _each(acts.given_up(now), act_news.given_up, now, to=status.TIMED_OUT, ended_at=now),
            _each(acts.slow_to_confirm(now), act_news.reminded, now, reminded_at=now),
        )
    )


def _each(
    found: models.QuerySet, news: Callable[[OfflineAct], Announcement], now: datetime, *, to: str = "", **changes
) -> int:
    """Move these on, each in a transaction of its own, and tell of each once."""
    ids = list(found.order_by("due_by", "pk").values_list("pk", flat=True)[:CHUNK])
    return sum(_move(found, pk, news, now, to, changes) for pk in ids)


@transaction.atomic
def _move(
    found: models.QuerySet,
    pk: int,
    news: Callable[[OfflineAct], Announcement],
    now: datetime,
    to: str,
    changes: dict[str, object],
) -> int:
    # Asked again within the UPDATE: a person may have recorded it in the meantime.
    row = found.filter(pk=pk)
    if not (row.become(to, **changes) if to else row.update(**changes)):
        return 0
    act = OfflineAct.objects.with_names().get(pk=pk)
    Notification.objects.announce([news(act)], now=now)
    return 1
