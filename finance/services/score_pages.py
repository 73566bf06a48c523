"""What a firm sees of its own score: how it came about, what would raise it, what counted, and whom it was shown to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from finance.models import CreditAssessment, DataGroup, Finding, RecordKind, RecordRead, TransactionRecord
from finance.services import charts_score
from finance.services.assessments import missing_records, words_of
from marketplace.models import Membership, Organisation, User

# As many of the past as a line can carry, and of readers as fit beside it.
HISTORY, READS = 36, 8


@dataclass(frozen=True)
class Part:
    """One line of how a score adds up: so many points, and where they lead."""

    reason: Mapping[str, Any]
    points: int
    total: int


@dataclass
class ScorePage:
    organisation: Organisation
    may_ask: bool
    assessment: CreditAssessment | None = None
    run: CreditAssessment | None = None
    missing: list[str] = field(default_factory=list)
    odds: str = ""
    gauge: dict[str, Any] | None = None
    waterfall: dict[str, Any] | None = None
    history_chart: dict[str, Any] | None = None
    parts: list[Part] = field(default_factory=list)
    history: list[CreditAssessment] = field(default_factory=list)
    counts: list[tuple[str, int]] = field(default_factory=list)
    findings: int = 0
    reads: list[RecordRead] = field(default_factory=list)
    # Records that came after the score: reckoned anew, it would know them.
    newer_records: int = 0

    @property
    def is_working(self) -> bool:
        return self.run is not None and not self.run.is_finished


def firms_of(user: User) -> list[Organisation]:
    """Return the firms whose score this user may see."""
    return list(Organisation.objects.of(user).filter(kind=Organisation.Kind.ENTERPRISE).order_by("pk"))


def read_page(*, organisation: Organisation, user: User, now: datetime) -> ScorePage:
    """Return what the page of a firm's score shows to one of its people."""
    trading = organisation.memberships.filter(user=user, role__in=Membership.TRADING_ROLES)
    page = ScorePage(organisation=organisation, may_ask=trading.exists())
    own = CreditAssessment.objects.filter(organisation=organisation, bank=None)
    page.run = own.order_by("-pk").first()
    page.history = list(own.done().select_related("scorecard", "cut_offs").newest()[:HISTORY])
    page.missing = [words_of(one) for one in missing_records(organisation, as_of=now)]
    page.reads = list(
        RecordRead.objects.filter(firm=organisation, group=DataGroup.SCORE).with_names().order_by("-at", "-pk")[:READS]
    )
    page.findings = Finding.objects.filter(organisation=organisation).standing().count()
    if page.history:
        page.assessment = page.history[0]
        describe(page)
        fresh = TransactionRecord.objects.of(organisation).filter(known_at__gt=page.assessment.as_of)
        page.newer_records = fresh.filter(kind__in=(RecordKind.SALES, RecordKind.PURCHASES)).count()
    return page


def describe(page: ScorePage) -> ScorePage:
    """Fill in what explains the page's assessment."""
    one = page.assessment
    page.odds = odds_in_words(one.probability)
    page.gauge, page.waterfall = charts_score.gauge(one), charts_score.waterfall(one)
    page.parts = parts_of(one)
    page.counts = counts_of(one)
    if len(page.history) > 1:
        page.history_chart = charts_score.history(page.history)
    return page


def parts_of(assessment: CreditAssessment) -> list[Part]:
    """Return the lines of the sum: the start, then the reasons, strongest first; the last leads to the score."""
    base = [reason for reason in assessment.reasons if reason["feature"] == charts_score.BASE]
    total, parts = 0, []
    for reason in [*base, *charts_score.ordered_reasons(assessment.reasons)]:
        total += reason["points"]
        parts.append(Part(reason, reason["points"], total))
    return parts


def odds_in_words(probability: float) -> str:
    """Say a probability so that nobody needs to know what a probability is.

    Of so many firms like this one, one does not repay: told to two digits, never more surely than it was measured.
    """
    if probability >= 0.5:
        return _("More firms like this one have failed to repay than have repaid.")
    firms = 1 / max(probability, 1e-4)
    rounded = round(firms) if firms < 20 else 10 * round(firms / 10)
    return ngettext(
        "Of %(count)d firm like this one, about one failed to repay.",
        "Of %(count)d firms like this one, about one failed to repay.",
        rounded,
    ) % {"count": rounded}


def counts_of(assessment: CreditAssessment) -> list[tuple[str, int]]:
    """Say how many records counted, and how many did not."""
    inputs = assessment.inputs
    records = inputs.get("records", {})
    return [
        (_("Sales"), records.get("sales", 0)),
        (_("Purchases"), records.get("purchases", 0)),
        (_("Void"), inputs.get("void", 0)),
        (_("Counted less because of findings"), inputs.get("discounted", 0)),
        (_("Not counted at all"), inputs.get("left_out", 0)),
    ]
