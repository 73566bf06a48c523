"""How an application takes a step: one conditional UPDATE, a line in its timeline, and the clock of the next."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from finance.models import Actor, Application, ApplicationEvent
from finance.services.credit_actions import ApplicationChanged, ApplicationNotInStateForThis, not_in_state
from marketplace.models import User

Status = Application.Status
# Who acts next in each state, and how long they have.
NEXT = {
    Status.DRAFT: (Actor.FIRM, timedelta(days=30)),
    Status.SUBMITTED: (Actor.MAKER, timedelta(days=2)),
    Status.IN_REVIEW: (Actor.MAKER, timedelta(days=5)),
    Status.MORE_ASKED: (Actor.FIRM, timedelta(days=10)),
    Status.PROPOSED: (Actor.CHECKER, timedelta(days=3)),
    Status.APPROVED: (Actor.FIRM, timedelta(days=30)),
    Status.AGREED: (Actor.CHECKER, timedelta(days=15)),
}


def move(application: Application, to: str, *, version: int | None, at: datetime, **changes: Any) -> Application:
    """Take an application to a state, if it is still as the reader saw it; return it as it stands now.

    :raises ApplicationChanged: if somebody took another step since ``version`` was read
    :raises ApplicationNotInStateForThis: if its state does not lead there
    """
    rows = Application.objects.filter(pk=application.pk)
    if version is not None:
        rows = rows.filter(version=version)
    waits_for, time = NEXT.get(to, (Actor.NOBODY, None))
    clock = {"waits_for": waits_for, "act_by": at + time if time else None}
    moved = rows.become(to, **(clock | changes))
    application.refresh_from_db()
    if not moved:
        refuse_stale(application, version)
    return application


def refuse_stale(application: Application, version: int | None) -> None:
    """Say why a conditional UPDATE found nothing."""
    if version is not None and application.version != version:
        raise ApplicationChanged(
            _("Application %(number)s has changed since you read it: look again, then decide.")
            % {"number": application.number}
        )
    raise ApplicationNotInStateForThis(not_in_state(application))


def write_step(
    application: Application,
    kind: str,
    *,
    by: User | None,
    side: str,
    at: datetime,
    note: str = "",
    details: dict[str, Any] | None = None,
    is_internal: bool = False,
) -> ApplicationEvent:
    """Add a line to the timeline; an internal one is the bank's alone."""
    return ApplicationEvent.objects.create(
        application=application,
        kind=kind,
        by=by,
        by_side=side,
        at=at,
        note=note,
        details=details or {},
        is_internal=is_internal,
    )
