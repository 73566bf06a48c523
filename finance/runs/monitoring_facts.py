"""What a tenant's model is looked at with: assessments, decisions, loans, and what became of them."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from finance.models import BadLoan, CreditAssessment, CutOffs, Decision, Drawdown, Scorecard
from finance.scoring.model_watch import MONTHS_OF_OUTCOME, Assessed, Outcome
from finance.scoring.overrides import Decided
from finance.scoring.vintages import Loan, months_between
from marketplace.models import Organisation

# The period that is compared with what came before it.
PERIOD = timedelta(days=92)
YEAR = timedelta(days=365)
MONTHS = 12
# Of an application whose line nobody drew on.
NOT_DRAWN = object()


def assessments_of(bank: Organisation | None, scorecard: Scorecard) -> QuerySet[CreditAssessment]:
    """Return what this model said for this tenant: a bank without a model of its own counts what it was handed in."""
    done = CreditAssessment.objects.done().filter(scorecard=scorecard)
    if bank is None:
        return done.filter(bank=None)
    handed_in = Q(applications__bank=bank) | Q(decisions__application__bank=bank)
    return done.filter(Q(bank=bank) | handed_in).distinct()


def latest_by_firm(
    assessments: QuerySet[CreditAssessment], *, after: datetime | None, until: datetime
) -> list[Assessed]:
    """Return the latest assessment of each firm in a period, in the order of the firms."""
    period = assessments.filter(as_of__lte=until)
    if after:
        period = period.filter(as_of__gt=after)
    latest = {}
    columns = ("organisation", "score", "probability", "grade", "features")
    for firm, *said in period.order_by("as_of", "pk").values_list(*columns).iterator(chunk_size=2000):
        latest[firm] = said
    return [_assessed(firm, *latest[firm]) for firm in sorted(latest)]


def _assessed(firm: int, score: int, probability: float, grade: str, features: dict) -> Assessed:
    numbers = {name: float(value) for name, value in features.items() if isinstance(value, int | float)}
    return Assessed(firm, float(score), probability, grade, numbers)


def _loans(bank: Organisation | None) -> QuerySet[Drawdown]:
    paid = Drawdown.objects.exclude(paid_out_at=None)
    return paid.filter(line__bank=bank) if bank else paid


def loans_of(bank: Organisation | None) -> list[Loan]:
    """Return every loan that was ever paid out, and when it went bad."""
    rows = _loans(bank).order_by("pk").values_list("starts_on", "paid_out_at", "amount", "bad__since")
    return [
        Loan(starts_on or timezone.localdate(paid_out_at), float(amount), since)
        for starts_on, paid_out_at, amount, since in rows
    ]


def outcomes_of(bank: Organisation | None, assessments: QuerySet[CreditAssessment], *, today: date) -> list[Outcome]:
    """Return what became, within a year, of the first loan of each firm paid out between two years and one year ago.

    It counts with the latest assessment made before it was paid out; a loan without one says nothing of the model.
    """
    opens, closes = today - 2 * YEAR, today - YEAR
    rows = _loans(bank).filter(paid_out_at__date__gt=opens, paid_out_at__date__lte=closes)
    first = {}
    for firm, paid, since in rows.order_by("paid_out_at", "pk").values_list("borrower", "paid_out_at", "bad__since"):
        first.setdefault(firm, (paid, since))
    known = assessments.filter(organisation__in=first).order_by("as_of", "pk")
    said: dict[int, tuple[str, float]] = {}
    for firm, as_of, grade, probability in known.values_list("organisation", "as_of", "grade", "probability"):
        if as_of <= first[firm][0]:
            said[firm] = (grade, probability)
    return [
        Outcome(grade, probability, _within(first[firm][0], first[firm][1], MONTHS))
        for firm, (grade, probability) in sorted(said.items())
    ]


def _within(paid: datetime, since: date | None, months: int) -> bool:
    return since is not None and months_between(timezone.localdate(paid), since) < months


def decisions_of(bank: Organisation | None, *, today: date) -> list[Decided]:
    """Return the confirmed decisions of two years: against the model or with it, why, by whom, and what came of them."""
    decisions = Decision.objects.confirmed().filter(checked_at__date__gt=today - 2 * YEAR, checked_at__date__lte=today)
    if bank:
        decisions = decisions.filter(application__bank=bank)
    columns = (
        "application",
        "outcome",
        "recommended",
        "is_override",
        "override_reason",
        "maker__username",
        "checked_at",
    )
    rows = list(decisions.order_by("checked_at", "pk").values_list(*columns))
    bad = _bad_by_application({row[0] for row in rows})
    return [
        Decided(
            _side(outcome, recommended, is_override=is_override),
            reason,
            maker,
            tuple(
                _came(bad.get(application, NOT_DRAWN), timezone.localdate(at), today, months)
                for months in MONTHS_OF_OUTCOME
            ),
        )
        for application, outcome, recommended, is_override, reason, maker, at in rows
    ]


def _side(outcome: str, recommended: str, *, is_override: bool) -> str:
    """Return "low" for credit against the model, "high" for refusing what it would give, "terms" for more or cheaper."""
    if outcome != recommended:
        return "low" if outcome == Decision.Outcome.APPROVE else "high"
    return "terms" if is_override else ""


def _bad_by_application(applications: Iterable[int]) -> dict[int, date | None]:
    """Return, of each application whose line was drawn on, the day on which the first of its loans went bad, if one did."""
    found: dict[int, date | None] = {}
    rows = Drawdown.objects.filter(line__application__in=applications).exclude(paid_out_at=None)
    for application, since in rows.order_by("pk").values_list("line__application", "bad__since"):
        known = found.get(application)
        found[application] = min(known, since) if known and since else known or since
    return found


def _came(since: date | object | None, decided: date, today: date, months: int) -> bool | None:
    """Return whether a loan was bad so many months after the decision; None where there is none or it is too young."""
    if since is NOT_DRAWN or months_between(decided, today) < months:
        return None
    return since is not None and months_between(decided, since) < months


def grades_of(bank: Organisation | None, scorecard: Scorecard, assessed: Iterable[Assessed]) -> list[str]:
    """Return all grades, best first: the bank's own scale, the model's, or what the firms were given by their risk."""
    cut_offs = CutOffs.objects.of(bank, scorecard)
    scale = (cut_offs.grades if cut_offs else None) or scorecard.content.get("grades") or []
    names = [one["grade"] if isinstance(one, dict) else str(one) for one in scale]
    by_risk: dict[str, list[float]] = {}
    for one in assessed:
        by_risk.setdefault(one.grade, []).append(one.probability)
    others = sorted(set(by_risk) - set(names), key=lambda name: (sum(by_risk[name]) / len(by_risk[name]), name))
    return names + others


def note_bad_loans(*, today: date, now: datetime) -> int:
    """Write down which loans have gone bad since the last look."""
    return BadLoan.objects.find(today=today, now=now)


def expected_auc(scorecard: Scorecard) -> float | None:
    """Return the AUC that the card of a model promises, None where it says none."""
    said: object = scorecard.content
    for name in ("card", "figures", "auc", "value"):
        said = said.get(name) if isinstance(said, dict) else None
    return float(said) if isinstance(said, int | float) else None
