"""A bank's makers answer early warnings; whoever reads what one was seen in leaves a row with the firm."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import EarlyWarning, LineChange, Purpose
from finance.services import line_changes, reads
from finance.services.reads import NotConsented
from marketplace.models import Membership, User
from marketplace.services.organisations import require_role


class WarningAlreadyAnswered(RuleBroken):
    """Another maker answered first, or the sign is no longer seen."""


@transaction.atomic
def answer_warning(*, warning: EarlyWarning, answer: str, reason: str, by: User, now: datetime) -> EarlyWarning:
    """Say what is done about a warning, and why; a freeze is proposed, and a second person confirms it.

    :raises OnlyMembersMay: if ``by`` is no maker of the bank
    :raises InputRefused: naming each field that cannot be taken
    :raises WarningAlreadyAnswered: if another answered first, or it has passed
    :raises ChangeAlreadyWaiting: if another change of the line waits to be answered
    """
    require_role(by, warning.bank, Membership.Role.MAKER)
    reason = reason.strip()
    errors = {}
    if answer not in EarlyWarning.Answer.values:
        errors["answer"] = [_("Choose one of these.")]
    longest = line_changes.LONGEST_REASON if answer == EarlyWarning.Answer.FREEZE else EarlyWarning.LONGEST_REASON
    if not reason:
        errors["reason"] = [_("Say why.")]
    elif len(reason) > longest:
        errors["reason"] = [_("At most %(count)d characters.") % {"count": longest}]
    if errors:
        raise InputRefused(errors)
    change = None
    if answer == EarlyWarning.Answer.FREEZE:
        change = line_changes.propose_change(
            line=warning.line, kind=LineChange.Kind.FREEZE, reason=reason, by=by, at=now
        )
    said = {"answer": answer, "answer_text": reason, "answered_by": by, "answered_at": now, "change": change}
    if not EarlyWarning.objects.filter(pk=warning.pk).become(EarlyWarning.Status.ANSWERED, **said):
        raise WarningAlreadyAnswered(_("This warning was answered already, or is no longer seen."))
    warning.refresh_from_db()
    return warning


def read_warning(*, warning: EarlyWarning, by: User, now: datetime) -> EarlyWarning:
    """Return a warning to be shown with its evidence, and leave a row that the firm sees.

    :raises NotConsented: if the firm let the bank watch it when the page was asked for, and no longer does
    """
    if not warning.group:
        return warning
    asked = {"firm": warning.firm, "reader": warning.bank, "by": by, "purpose": Purpose.MONITORING, "now": now}
    if not reads.allow(groups=[warning.group], subject=warning.line.number, **asked):
        raise NotConsented(_("The firm does not let you read this any more."))
    return warning
