"""What a bank's maker does with an application before proposing: take it, ask for more, write a note."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused
from finance.models import Actor, Application, ApplicationEvent
from finance.runs import application_news
from finance.services.application_steps import move, refuse_stale, write_step
from finance.services.credit_actions import require
from marketplace.models import User
from marketplace.services.notifications import notify_many

Status = Application.Status
LONGEST_TEXT = 4000


@transaction.atomic
def take_application(*, application: Application, by: User, now: datetime, version: int | None = None) -> Application:
    """Take an application into review; from now on it is this maker's.

    :raises ApplicationNotInStateForThis: if another took it first
    """
    require("take", application, by)
    application = move(application, Status.IN_REVIEW, version=version, at=now, maker=by)
    write_step(application, "taken", by=by, side=Actor.MAKER, at=now)
    return application


@transaction.atomic
def take_over(*, application: Application, by: User, now: datetime, version: int | None = None) -> Application:
    """Take an application out of another maker's hands; its clock goes on.

    :raises AnotherHasThis: if it is in this maker's hands already
    """
    require("take_over", application, by)
    rows = Application.objects.filter(pk=application.pk, status=application.status)
    if version is not None:
        rows = rows.filter(version=version)
    before = application.maker
    changed = rows.update(maker=by, version=application.version + 1)
    application.refresh_from_db()
    if not changed:
        refuse_stale(application, version)
    details = {"before": before.username if before else ""}
    write_step(application, "taken_over", by=by, side=Actor.MAKER, at=now, details=details, is_internal=True)
    return application


@transaction.atomic
def ask_more(
    *, application: Application, text: str, by: User, now: datetime, version: int | None = None
) -> Application:
    """Ask the firm for what is missing; it has ten days.

    :raises InputRefused: if it is not said what
    :raises AnotherHasThis: if another maker has it
    """
    require("ask_more", application, by)
    text = _said(text)
    application = move(application, Status.MORE_ASKED, version=version, at=now)
    write_step(application, "more_asked", by=by, side=Actor.MAKER, at=now, note=text)
    notify_many(application_news.more_asked(application, text, at=now), now=now)
    return application


@transaction.atomic
def write_note(*, application: Application, text: str, by: User, now: datetime) -> ApplicationEvent:
    """Write a note that only the bank reads.

    :raises InputRefused: if it is empty
    """
    require("note", application, by)
    return write_step(application, "noted", by=by, side=Actor.MAKER, at=now, note=_said(text), is_internal=True)


def _said(text: str) -> str:
    text = text.strip()
    if not text:
        raise InputRefused({"text": [_("Say what.")]})
    if len(text) > LONGEST_TEXT:
        raise InputRefused({"text": [_("At most %(count)d characters.") % {"count": LONGEST_TEXT}]})
    return text
