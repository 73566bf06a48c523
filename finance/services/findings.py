"""What a firm does about the findings on its trade: look anew, and explain."""

from datetime import datetime

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Consent, DataGroup, Finding, FindingExplanation, FindingRun
from finance.models.finding import LONGEST_EXPLANATION
from finance.services import reads
from finance.tasks import look_at_trade
from marketplace.models import Attachment, Membership, Organisation, User
from marketplace.services.attachments import store_attachment
from marketplace.services.organisations import require_role


class FindingIsGone(RuleBroken):
    """The latest look no longer found it."""


@transaction.atomic
def request_look(*, organisation: Organisation, by: User, now: datetime) -> FindingRun:
    """Ask a worker to look at the firm's records anew; a look that waits already is the same.

    :raises OnlyMembersMay: if ``by`` does not trade for the firm
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    run_id = FindingRun.objects.request([organisation.pk], now=now)[0]
    look_at_trade.delay_on_commit(run_id)
    return FindingRun.objects.get(pk=run_id)


@transaction.atomic
def explain_finding(
    *, finding: Finding, text: str, by: User, now: datetime, upload: File | None = None
) -> FindingExplanation:
    """Write down what the firm says to a finding, with a file if it has one; whoever reads the finding reads it too.

    An explanation changes nothing of what counts: it is for the bank to weigh.

    :raises OnlyMembersMay: if ``by`` does not trade for the firm
    :raises InputRefused: if nothing is said, or the file is not taken
    :raises FindingIsGone: if there is nothing left to explain
    """
    require_role(by, finding.organisation, *Membership.TRADING_ROLES)
    said = text.strip()
    if not said:
        raise InputRefused({"text": [_("This field is required.")]})
    if len(said) > LONGEST_EXPLANATION:
        raise InputRefused({"text": [_("At most %(count)d characters.") % {"count": LONGEST_EXPLANATION}]})
    # A look that replaces the finding copies its explanations, and waits for this one.
    Organisation.objects.select_for_update(no_key=True).get(pk=finding.organisation_id)
    if not Finding.objects.standing().filter(pk=finding.pk).exists():
        raise FindingIsGone(_("The latest look no longer finds this, or finds it otherwise."))
    attachment = None
    if upload:
        attachment = store_attachment(upload=upload, by=by, readers=[finding.organisation], now=now)
    return FindingExplanation.objects.create(finding=finding, text=said, attachment=attachment, by=by, at=now)


@transaction.atomic
def allow_file(*, explanation: FindingExplanation, by: User, now: datetime) -> Attachment | None:
    """Return the file of an explanation if this user may read it; a read by another organisation leaves its row.

    The firm's own people may; so may people of an organisation that the firm lets read its findings, for whatever
    purpose it let them.
    """
    firm = explanation.finding.organisation
    mine = Organisation.objects.of(by)
    if mine.filter(pk=firm.pk).exists():
        return explanation.attachment
    consents = Consent.objects.standing(now).covering(DataGroup.FINDINGS).filter(firm=firm, reader__in=mine)
    consent = consents.select_related("reader").order_by("pk").first()
    if consent is None:
        return None
    reads.require(
        firm=firm,
        reader=consent.reader,
        by=by,
        purpose=consent.purpose,
        groups=[DataGroup.FINDINGS],
        now=now,
        subject=f"finding {explanation.finding_id}",
    )
    return explanation.attachment
