"""What firm and bank see of an application; the bank sees of the firm what it consented to, and each look leaves a row."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models import (
    Agreement,
    Application,
    ApplicationDocument,
    ApplicationEvent,
    Authority,
    CreditAssessment,
    CreditLine,
    DataGroup,
    Decision,
    Finding,
    OfflineAct,
    Purpose,
)
from finance.services import reads
from finance.services.credit_actions import Allowed, allowed
from finance.services.products import yearly_cost
from finance.services.recommendations import Recommendation, recommend
from finance.services.records import RecordsShown, records_for
from marketplace.models import User

Status = Application.Status
# While it is decided on, the bank reads the firm's data for its review; afterwards only what the decision kept.
REVIEWED = (Status.SUBMITTED, Status.IN_REVIEW, Status.MORE_ASKED, Status.PROPOSED)
SOON = timedelta(days=1)
STEPS = {
    "begun": _("Begun"),
    "submitted": pgettext_lazy("step of an application", "Handed in"),
    "taken": _("Taken into review"),
    "taken_over": _("Taken over by another maker"),
    "more_asked": _("More was asked for"),
    "answered": pgettext_lazy("step of an application", "Answered"),
    "documents_added": _("Documents added"),
    "noted": _("Note"),
    "proposed": _("Decision proposed"),
    "checked_first": _("Confirmed by the first of two checkers"),
    "sent_back": _("Sent back by the checker"),
    "approved": pgettext_lazy("credit", "Approved"),
    "refused": pgettext_lazy("credit", "Refused"),
    "overridden": _("Override of the recommendation"),
    "accepted": _("Accepted and signed by the firm"),
    "signed": _("Signed by the bank"),
    "line_opened": _("Line opened"),
    "withdrawn": _("Withdrawn by the firm"),
    "lapsed": _("Lapsed: the time was over"),
    "closed": _("Closed"),
}
# The way of an application that goes well, for the line of stages.
STAGES = (Status.SUBMITTED, Status.IN_REVIEW, Status.PROPOSED, Status.APPROVED, Status.AGREED, Status.ACTIVE)


@dataclass(frozen=True)
class Stage:
    label: Any
    is_here: bool
    is_past: bool


@dataclass
class FirmPage:
    """An application as its firm sees it."""

    allowed: Allowed
    events: list[ApplicationEvent]
    stages: list[Stage]
    decision: Decision | None
    agreement: Agreement | None
    line: CreditLine | None
    documents: list[ApplicationDocument]
    cost: float | None
    paper: OfflineAct | None


@dataclass
class BankPage:
    """An application as the bank sees it; what the firm does not let it read is not there."""

    allowed: Allowed
    events: list[ApplicationEvent]
    stages: list[Stage]
    decisions: list[Decision]
    agreement: Agreement | None
    line: CreditLine | None
    groups: frozenset[str] = frozenset()
    hidden: list[str] = field(default_factory=list)
    is_reviewed: bool = False
    advice: Recommendation | None = None
    assessment: CreditAssessment | None = None
    records: RecordsShown | None = None
    findings: list[Finding] = field(default_factory=list)
    documents: list[ApplicationDocument] = field(default_factory=list)
    authority: Authority | None = None
    paper: OfflineAct | None = None

    @property
    def waiting(self) -> Decision | None:
        return next((one for one in self.decisions if one.verdict == Decision.Verdict.WAITING), None)


def read_firm_page(*, application: Application, user: User) -> FirmPage:
    """Return what the firm sees: no internal notes, and a decision only once it is confirmed."""
    decision = application.decisions.confirmed().first()
    agreement = Agreement.objects.filter(application=application).first()
    cost = None
    if decision and decision.outcome == Decision.Outcome.APPROVE:
        today = timezone.localdate(decision.checked_at)
        cost = yearly_cost(
            decision.amount, decision.rate_bp, days=decision.days, repayment=application.repayment, today=today
        )
    return FirmPage(
        allowed=allowed(user, application),
        events=list(application.events.shared().select_related("by").order_by("at", "pk")),
        stages=stages_of(application),
        decision=decision,
        agreement=agreement,
        line=application.lines.first(),
        documents=list(application.documents.select_related("attachment").order_by("pk")),
        cost=cost,
        paper=_paper(application),
    )


def read_bank_page(*, application: Application, user: User, now: datetime) -> BankPage:
    """Return what the bank sees; while it reviews, what the firm lets it read, each group leaving a row for the firm."""
    decisions = application.decisions.with_names().order_by("-made_at", "-pk")
    page = BankPage(
        allowed=allowed(user, application),
        events=list(application.events.select_related("by").order_by("at", "pk")),
        stages=stages_of(application),
        decisions=list(decisions),
        agreement=Agreement.objects.filter(application=application).first(),
        line=application.lines.first(),
        paper=_paper(application),
    )
    page.authority = Authority.objects.filter(bank=application.bank, user=user).standing(now).first()
    if application.status not in REVIEWED:
        return page
    page.is_reviewed = True
    page.groups = reads.readable_groups(firm=application.firm, reader=application.bank, purpose=Purpose.REVIEW, now=now)
    page.hidden = [
        str(DataGroup(group).label) for group in application.product.consent_groups if group not in page.groups
    ]
    page.records = records_for(
        reader=application.bank,
        firm=application.firm,
        purpose=Purpose.REVIEW,
        subject=application.number,
        by=user,
        now=now,
    )
    page.advice = recommend(application=application, by=user, now=now, has_read_records=True)
    page.assessment = page.advice.assessment
    if DataGroup.FINDINGS in page.groups:
        readable = Finding.objects.readable_by(application.bank, purpose=Purpose.REVIEW, now=now).standing()
        page.findings = list(readable.filter(organisation=application.firm).with_names().order_by("-severity", "pk"))
    page.documents = documents_for_bank(application=application, by=user, now=now)
    return page


def documents_for_bank(*, application: Application, by: User, now: datetime) -> list[ApplicationDocument]:
    """Return the firm's files if it lets the bank read documents, and leave a row of the look."""
    found = list(application.documents.select_related("attachment").order_by("pk"))
    if not found:
        return []
    groups = reads.allow(
        firm=application.firm,
        reader=application.bank,
        by=by,
        purpose=Purpose.REVIEW,
        groups=[DataGroup.DOCUMENTS],
        now=now,
        subject=application.number,
        rows={DataGroup.DOCUMENTS: len(found)},
    )
    return found if groups else []


def read_document(*, document: ApplicationDocument, by: User, now: datetime) -> ApplicationDocument:
    """Return a file of the firm to somebody of the bank.

    :raises NotConsented: if the firm does not let the bank read documents any more
    """
    application = document.application
    reads.require(
        firm=application.firm,
        reader=application.bank,
        by=by,
        purpose=Purpose.REVIEW,
        groups=[DataGroup.DOCUMENTS],
        now=now,
        subject=application.number,
    )
    return document


def stages_of(application: Application) -> list[Stage]:
    """Return how far it is on the way to an open line; what ended is nowhere on it."""
    here = Status.IN_REVIEW if application.status == Status.MORE_ASKED else application.status
    if here not in STAGES:
        return []
    place = STAGES.index(here)
    return [
        Stage(Status(stage).label, is_here=number == place, is_past=number < place)
        for number, stage in enumerate(STAGES)
    ]


def clock(application: Application, now: datetime) -> str:
    """Return how the time stands for whoever acts next: ``late``, ``soon``, ``fine``, or '' without a clock."""
    if application.act_by is None:
        return ""
    if application.act_by <= now:
        return "late"
    return "soon" if application.act_by - now <= SOON else "fine"


def _paper(application: Application) -> OfflineAct | None:
    kinds = application.offline_acts.filter(kind=OfflineAct.Kind.CONTRACT_SIGNED)
    return kinds.exclude(status=OfflineAct.Status.CANCELLED).order_by("-pk").first()
