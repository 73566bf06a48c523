"""Ask for a look at a model, and answer the alarms that it raised."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Alarm, MonitoringRun
from finance.services import evidence
from finance.tasks import look_at_model
from marketplace.models import Organisation, User
from marketplace.services.organisations import require_role

ASKING_ROLES = ("owner", "maker", "checker")


class AlarmAlreadyAnswered(RuleBroken):
    """Another person answered it first, or it no longer holds."""


class OnlyTheOperatorMay(RuleBroken):
    """The platform's own model is looked after by its operator."""


@transaction.atomic
def request_look(*, bank: Organisation | None, by: User, now: datetime) -> MonitoringRun:
    """Ask for a look at the model of a bank, or with None at the platform's own; a worker does it.

    Who asks while one is waiting gets that one.

    :raises OnlyMembersMay: if ``by`` does not work with the bank's models
    :raises OnlyTheOperatorMay: if it is the platform's model and ``by`` does not operate the platform
    """
    _require(bank, by, *ASKING_ROLES)
    run = MonitoringRun.objects.request(bank=bank, today=timezone.localdate(now), by=by, now=now)
    look_at_model.delay_on_commit(run.pk)
    return run


@transaction.atomic
def answer_alarm(*, alarm: Alarm, answer: str, reason: str, by: User, now: datetime) -> Alarm:
    """Say what is done about an alarm, and why.

    :raises OnlyMembersMay: if ``by`` is neither owner nor checker of the bank
    :raises OnlyTheOperatorMay: if it is about the platform's model and ``by`` does not operate the platform
    :raises InputRefused: naming each field that cannot be taken
    :raises AlarmAlreadyAnswered: if another answered first, or it has passed
    """
    _require(alarm.bank, by, *Alarm.ANSWERING_ROLES)
    reason = reason.strip()
    errors = {}
    if answer not in Alarm.Answer.values:
        errors["answer"] = [_("Choose one of these.")]
    if not reason:
        errors["reason"] = [_("Say why.")]
    elif len(reason) > Alarm.LONGEST_REASON:
        errors["reason"] = [_("At most %(count)d characters.") % {"count": Alarm.LONGEST_REASON}]
    if errors:
        raise InputRefused(errors)
    said = {"answer": answer, "answer_text": reason, "answered_by": by, "answered_at": now}
    if not Alarm.objects.filter(pk=alarm.pk).become(Alarm.Status.ANSWERED, **said):
        raise AlarmAlreadyAnswered(_("This alarm was answered already, or no longer holds."))
    content = {"alarm": alarm.pk, "kind": alarm.kind, "subject": alarm.subject, "answer": answer}
    evidence.append(kind="alarm.answered", content=content, at=now)
    alarm.refresh_from_db()
    return alarm


def _require(bank: Organisation | None, by: User, *roles: str) -> None:
    if bank is not None:
        require_role(by, bank, *roles)
    elif not by.is_staff:
        raise OnlyTheOperatorMay(_("The platform's own model is looked after by its operator."))
