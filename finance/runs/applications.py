"""What the clock does to applications: it lapses what nobody answered, and says what a bank left waiting."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from finance.models import Actor, Application, ApplicationEvent, CreditLine, OfflineAct
from finance.runs import application_news
from marketplace.models import Notification

CHUNK = 200
Status = Application.Status


def lapse_due(*, now: datetime) -> int:
    """Lapse the applications whose time has passed, each in a transaction of its own; return how many."""
    due = list(Application.objects.to_lapse(now).order_by("act_by", "pk").values_list("pk", flat=True)[:CHUNK])
    return sum(_lapse(pk, now=now) for pk in due)


@transaction.atomic
def _lapse(pk: int, *, now: datetime) -> int:
    # What others hold they are changing just now; the clock rings again.
    rows = Application.objects.to_lapse(now).select_for_update(of=("self",), skip_locked=True, no_key=True)
    application = rows.select_related("firm", "bank").filter(pk=pk).first()
    if application is None:
        return 0
    # The paper was signed in time: only the second person is still to confirm it.
    if OfflineAct.objects.filter(application=application).recorded().exists():
        return 0
    was_draft = application.status == Status.DRAFT
    changes = {"ended_at": now, "waits_for": Actor.NOBODY, "act_by": None}
    if not Application.objects.filter(pk=pk).become(Status.LAPSED, **changes):
        return 0
    application.refresh_from_db()
    ApplicationEvent.objects.create(application=application, kind="lapsed", by_side=Actor.NOBODY, at=now)
    OfflineAct.objects.filter(application=application).drop(at=now, reason="The application lapsed.")
    Notification.objects.announce(application_news.lapsed(application, was_draft=was_draft, at=now), now=now)
    return 1


def tell_left_waiting(*, now: datetime) -> int:
    """Tell the banks of what has waited longer than it should, once a day each; return how many are waiting."""
    waiting = list(Application.objects.left_waiting(now).with_names().order_by("act_by", "pk")[:CHUNK])
    Notification.objects.announce(
        [one for application in waiting for one in application_news.left_waiting(application, at=now)], now=now
    )
    return len(waiting)


def close_finished(*, now: datetime) -> int:
    """Close the applications whose line was closed; return how many."""
    closed = CreditLine.objects.filter(application=OuterRef("pk"), status=CreditLine.Status.CLOSED)
    active = Application.objects.filter(Exists(closed), status=Status.ACTIVE)
    return sum(_close(pk, now=now) for pk in list(active.order_by("pk").values_list("pk", flat=True)[:CHUNK]))


@transaction.atomic
def _close(pk: int, *, now: datetime) -> int:
    changes = {"ended_at": now, "waits_for": Actor.NOBODY, "act_by": None}
    if not Application.objects.filter(pk=pk).become(Status.CLOSED, **changes):
        return 0
    ApplicationEvent.objects.create(application_id=pk, kind="closed", by_side=Actor.NOBODY, at=now)
    return 1
