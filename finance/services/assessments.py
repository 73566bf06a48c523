"""Ask for a firm's score; read it, for the firm or with its consent for a bank; and reckon it again to see that it holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.errors import RuleBroken
from finance import tasks
from finance.models import CreditAssessment, DataGroup, Purpose, Scorecard
from finance.runs import assessments as runs
from finance.runs import scorecards as registry
from finance.runs.assessments import Missing, missing_records
from finance.services import reads
from marketplace.models import Membership, Organisation, User
from marketplace.services.organisations import require_role

__all__ = [
    "Missing",
    "Recheck",
    "TooFewRecords",
    "assess_at_once",
    "missing_records",
    "read_assessment",
    "recheck",
    "request_assessment",
]

# Who of a bank asks for an assessment.
BANK_ROLES = (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER)


class TooFewRecords(RuleBroken):
    """A firm cannot be scored yet; ``missing`` says what it must bring."""

    def __init__(self, missing: Iterable[Missing]) -> None:
        self.missing = list(missing)
        said = " ".join(words_of(one) for one in self.missing)
        super().__init__(_("Too little is known of this firm for an honest score.") + " " + said)


def words_of(missing: Missing) -> str:
    """Say what a firm must still bring, in the reader's language."""
    return {
        "sales": ngettext(
            "Sales invoices that count: %(have)d, needed is %(need)d.",
            "Sales invoices that count: %(have)d, needed are %(need)d.",
            missing.need,
        ),
        "months": ngettext(
            "Months with sales: %(have)d, needed is %(need)d.",
            "Months with sales: %(have)d, needed are %(need)d.",
            missing.need,
        ),
        "purchases": ngettext(
            "Purchase invoices that count: %(have)d, needed is %(need)d.",
            "Purchase invoices that count: %(have)d, needed are %(need)d.",
            missing.need,
        ),
    }[missing.what] % {"have": missing.have, "need": missing.need}


@transaction.atomic
def request_assessment(
    *,
    organisation: Organisation,
    by: User,
    now: datetime,
    bank: Organisation | None = None,
    purpose: str = Purpose.REVIEW,
    subject: str = "",
) -> CreditAssessment:
    """Ask for the score of a firm as of now; a worker computes it. Asked for twice, the unfinished one is returned.

    Without ``bank`` it is the firm's own, by the platform's model. For a bank it is by the bank's model (or the
    platform's, where it has none), needs the firm's consent for the purpose, and leaves a row that the firm sees;
    ``subject`` is what it is read for, such as the number of an application.

    :raises OnlyMembersMay: if ``by`` trades neither for the firm nor, with ``bank``, reviews for the bank
    :raises NotConsented: if the firm does not let the bank read its score, sales and purchases
    :raises TooFewRecords: if too little is known of the firm
    """
    if bank is None:
        require_role(by, organisation, *Membership.TRADING_ROLES)
    else:
        require_role(by, bank, *BANK_ROLES)
        reads.require(
            firm=organisation,
            reader=bank,
            by=by,
            purpose=purpose,
            groups=runs.READ_FOR_A_SCORE,
            now=now,
            subject=subject,
        )
    if missing := missing_records(organisation, as_of=now):
        raise TooFewRecords(missing)
    scorecard = registry.serving_for(bank, now=now)
    registry.load(scorecard)
    CreditAssessment.objects.request(
        [organisation.pk], scorecard=scorecard, bank=bank, purpose=purpose if bank else "", by=by, now=now
    )
    asked = CreditAssessment.objects.filter(organisation=organisation, bank=bank, scorecard=scorecard)
    # The one just written, or that of whoever asked a moment before.
    found = asked.order_by("-pk").first()
    tasks.assess.delay_on_commit(found.pk)
    return found


def assess_at_once(
    *, organisation: Organisation, by: User, now: datetime, bank: Organisation | None = None, subject: str = ""
) -> CreditAssessment:
    """Score a firm in this process, for commands that wait; refuses what ``request_assessment`` refuses."""
    run = request_assessment(organisation=organisation, by=by, now=now, bank=bank, subject=subject)
    if claimed := CreditAssessment.objects.claim(run.pk, now=now):
        runs.assess(claimed, clock=lambda: now)
    run.refresh_from_db()
    return run


def read_assessment(
    *, firm: Organisation, reader: Organisation, by: User, purpose: str, now: datetime, subject: str = ""
) -> CreditAssessment | None:
    """Return the newest score of a firm that it lets this reader see, by the reader's own model where it has one.

    It leaves a row that the firm sees. None where there is no score yet.

    :raises NotConsented: if the firm lets the reader see no score for this purpose
    """
    reads.require(firm=firm, reader=reader, by=by, purpose=purpose, groups=[DataGroup.SCORE], now=now, subject=subject)
    readable = CreditAssessment.objects.done().readable_by(reader, purpose=purpose, now=now).filter(organisation=firm)
    found = readable.with_names().newest()
    return found.filter(bank=reader).first() or found.filter(bank=None).first()


@dataclass(frozen=True)
class Recheck:
    """Whether an assessment comes out again, bit for bit.

    ``is_reproduced``: the features that it stands on give the same score, reasons and hash by the same model.
    ``has_same_records``: the records known then still give the same features; None where they can no longer be read.
    """

    is_reproduced: bool
    has_same_records: bool | None
    differences: list[str] = field(default_factory=list)


def recheck(*, assessment: CreditAssessment) -> Recheck:
    """Reckon a finished assessment again from what it stands on, and its features again from the records.

    :raises ScorecardTampered: if its model is not what was taken in
    """
    scorecard = Scorecard.objects.select_related("bank").get(pk=assessment.scorecard_id)
    kept = runs.Snapshot(assessment.features, assessment.inputs)
    again = runs.results_of(kept, scorecard=scorecard, cut_offs=assessment.cut_offs)
    differences = [
        name for name, value in again.items() if name != "cut_offs" and not _same(getattr(assessment, name), value)
    ]
    try:
        anew = runs.snapshot_of(assessment.organisation, as_of=assessment.as_of)
    except runs.TooLittleIsKnown:
        return Recheck(not differences, None, differences)
    has_same_records = _same(anew.features, kept.features) and _same(anew.inputs, kept.inputs)
    return Recheck(not differences, has_same_records, differences)


def _same(one: Any, other: Any) -> bool:
    return registry.canonical(one) == registry.canonical(other)
