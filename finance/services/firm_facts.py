"""What the rules of products look at: a firm's grade, how long and how much it has sold, where and what it is."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from finance.lending.eligibility import FirmFacts
from finance.models import CreditAssessment, CutOffs, RecordKind, Scorecard, TransactionRecord
from marketplace.models import Organisation

# A month of sales older than this says nothing of how the firm does now.
LOOKED_BACK = timedelta(days=3 * 366)
YEAR = timedelta(days=365)


def firm_facts(
    firm: Organisation,
    *,
    assessment: CreditAssessment | None,
    now: datetime,
    has_guarantee: bool = False,
    has_programme: bool = False,
) -> FirmFacts:
    """Return what is known of a firm at this moment; the caller has asked whether the reader may know it."""
    records = TransactionRecord.objects.of(firm).known_at(now).counted().filter(kind=RecordKind.SALES)
    today = timezone.localdate(now)
    months = Count(TruncMonth("occurred_on"), filter=Q(occurred_on__gt=today - LOOKED_BACK), distinct=True)
    sales = Sum("total_amount", filter=Q(occurred_on__gt=today - YEAR, currency="CNY"))
    found = records.aggregate(months=months, sales=sales)
    return FirmFacts(
        score=assessment.score if assessment else None,
        grade=assessment.grade if assessment else "",
        months=found["months"],
        sales=max(found["sales"] or Decimal(0), Decimal(0)),
        region=firm.region,
        industry=firm.industry,
        has_guarantee=has_guarantee,
        has_programme=has_programme,
    )


def grades_of(scorecard: Scorecard | None, cut_offs: CutOffs | None = None) -> list[str]:
    """Return the grades of a model's scale, the best first; a bank may have its own."""
    scale = cut_offs.grades if cut_offs and cut_offs.grades else []
    if not scale and scorecard is not None:
        scale = scorecard.content.get("grades", [])
    return [one["grade"] for one in scale]
