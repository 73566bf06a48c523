"""What the model's cut-offs, the product's rules and the findings say of an application, before a person decides."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from finance.lending.eligibility import FirmFacts, judge, most_allowed
from finance.lending.pricing import Price, price
from finance.models import (
    Application,
    CreditAssessment,
    CutOffs,
    DataGroup,
    Decision,
    Finding,
    Guarantee,
    Purpose,
)
from finance.services import reads
from finance.services.assessments import read_assessment
from finance.services.firm_facts import firm_facts, grades_of
from marketplace.models import User

Recommended = Decision.Recommended
Why = Decision.RefusalReason
# Which reason of refusal a rule that is not met leads to.
REFUSES = {
    "min_score": Why.SCORE,
    "min_grade": Why.SCORE,
    "priced": Why.SCORE,
    "cut_offs": Why.SCORE,
    "no_score": Why.RECORDS,
    "min_months_of_records": Why.RECORDS,
    "min_sales_per_year": Why.SALES,
    "max_percent_of_sales": Why.SALES,
    "regions": Why.OUTSIDE,
    "industries": Why.OUTSIDE,
    "needs_guarantee": Why.GUARANTEE,
    "needs_core_enterprise": Why.GUARANTEE,
    "findings": Why.DOUBTFUL_TRADE,
}
# What a bank reads of a firm to be told what to do.
READ = (DataGroup.SCORE, DataGroup.SALES, DataGroup.FINDINGS)


@dataclass(frozen=True)
class Recommendation:
    """What the rules say: approve, refuse or a person decides; up to which amount, at which rate, and why.

    ``known`` is what it was said upon, kept with the decision.
    """

    recommended: str
    amount: Decimal
    price: Price | None
    grounds: list[dict[str, Any]]
    assessment: CreditAssessment | None
    known: dict[str, Any]

    @property
    def refusal_codes(self) -> list[str]:
        """Return the coded reasons that a refusal would give, in their usual order."""
        found = {REFUSES[ground["code"]] for ground in self.grounds if not ground["is_met"]}
        return [code for code in Why.values if code in found]

    @property
    def unmet(self) -> list[dict[str, Any]]:
        return [ground for ground in self.grounds if not ground["is_met"]]


def recommend(*, application: Application, by: User, now: datetime, has_read_records: bool = False) -> Recommendation:
    """Return what is recommended of an application from what the bank may read of the firm now.

    Each group of data that it reads leaves a row that the firm sees (not those of records where ``has_read_records``
    says that the caller has left it). What the firm does not let the bank read is taken
    as not known: a rule about it is not met.
    """
    consented = reads.readable_groups(firm=application.firm, reader=application.bank, purpose=Purpose.REVIEW, now=now)
    groups = consented & set(READ)
    assessment = None
    if DataGroup.SCORE in groups:
        assessment = read_assessment(
            firm=application.firm,
            reader=application.bank,
            by=by,
            purpose=Purpose.REVIEW,
            now=now,
            subject=application.number,
        )
    others = groups - {DataGroup.SCORE} - ({DataGroup.SALES} if has_read_records else set())
    reads.allow(
        firm=application.firm,
        reader=application.bank,
        by=by,
        purpose=Purpose.REVIEW,
        groups=others,
        now=now,
        subject=application.number,
    )
    findings = []
    if DataGroup.FINDINGS in groups:
        readable = Finding.objects.readable_by(application.bank, purpose=Purpose.REVIEW, now=now)
        findings = list(readable.filter(organisation=application.firm).standing().with_answers().order_by("-found_at"))
    return weigh(application, assessment, findings, knows_sales=DataGroup.SALES in groups, groups=consented, now=now)


def weigh(
    application: Application,
    assessment: CreditAssessment | None,
    findings: list[Finding],
    *,
    knows_sales: bool,
    groups: frozenset[str],
    now: datetime,
) -> Recommendation:
    """Return what the rules say of these facts; reads no data of the firm but what it is given, and its sales."""
    product = application.product
    is_guaranteed = Guarantee.objects.covering(application).exists()
    facts = FirmFacts(
        score=assessment.score if assessment else None,
        grade=assessment.grade if assessment else "",
        region=application.firm.region,
        industry=application.firm.industry,
        has_guarantee=is_guaranteed,
        has_programme=application.programme_id is not None,
    )
    if knows_sales:
        facts = firm_facts(
            application.firm,
            assessment=assessment,
            now=now,
            has_guarantee=is_guaranteed,
            has_programme=application.programme_id is not None,
        )
    cut_offs = CutOffs.objects.of(application.bank, assessment.scorecard) if assessment else None
    lines = judge(
        product.eligibility,
        facts,
        grades=grades_of(assessment.scorecard if assessment else None, cut_offs),
        priced=list(product.spread_bp),
        amount=application.amount,
    )
    grounds = [line.as_dict() for line in lines]
    verdict = _cut_off_ground(grounds, assessment, cut_offs)
    _finding_ground(grounds, findings)
    found = price(
        product.base_rate_bp,
        product.spread_bp,
        grade=facts.grade,
        discount_bp=product.guarantee_discount_bp,
        is_guaranteed=is_guaranteed,
    )
    if any(not ground["is_met"] for ground in grounds) or verdict == CutOffs.Verdict.REFUSE:
        recommended = Recommended.REFUSE
    elif verdict == CutOffs.Verdict.REVIEW or assessment is None:
        recommended = Recommended.REVIEW
    else:
        recommended = Recommended.APPROVE
    most = min(application.amount, most_allowed(product.eligibility, facts, product.max_amount))
    known = {
        "at": now.isoformat(),
        "consented": sorted(groups),
        "score": _score_known(assessment, cut_offs),
        "findings": [_finding_known(finding) for finding in findings],
        "sales": str(facts.sales) if knows_sales else None,
        "months": facts.months if knows_sales else None,
        "terms": application.terms,
    }
    return Recommendation(recommended, most, found, grounds, assessment, known)


def as_proposal(application: Application, advice: Recommendation) -> dict[str, Any]:
    """Return the recommendation as a proposal that the maker may change; ``rate`` is in percent a year."""
    refuses = advice.recommended == Recommended.REFUSE
    return {
        "version": application.version,
        "outcome": Decision.Outcome.REFUSE if refuses else Decision.Outcome.APPROVE,
        "amount": advice.amount or application.amount,
        "days": application.days,
        "rate": Decimal(advice.price.rate_bp) / 100 if advice.price else None,
        "reasons": advice.refusal_codes,
    }


def _cut_off_ground(
    grounds: list[dict[str, Any]], assessment: CreditAssessment | None, cut_offs: CutOffs | None
) -> str | None:
    if assessment is None:
        zh, en = "尚无可查阅的信用评分", "There is no score that the bank may read"
        grounds.append({"code": "no_score", "is_met": False, "zh": zh, "en": en})
        return None
    if cut_offs is None:
        return None
    verdict = cut_offs.verdict(assessment.score)
    facts = {"score": assessment.score, "low": cut_offs.refuse_below, "high": cut_offs.approve_from}
    zh = "信用分 {score}；本行 {high} 分起通过，{low} 分以下拒绝".format(**facts)
    en = "Score {score}; the bank approves from {high} and refuses below {low}".format(**facts)
    grounds.append({"code": "cut_offs", "is_met": verdict != CutOffs.Verdict.REFUSE, "zh": zh, "en": en})
    return verdict


def _finding_ground(grounds: list[dict[str, Any]], findings: list[Finding]) -> None:
    grave = [finding for finding in findings if finding.severity == Finding.Severity.GRAVE]
    if not findings:
        return
    zh = f"贸易真实性疑点 {len(findings)} 项，其中严重 {len(grave)} 项"
    en = f"Findings on the genuineness of trade: {len(findings)}, of them grave: {len(grave)}"
    grounds.append({"code": "findings", "is_met": not grave, "zh": zh, "en": en})


def _score_known(assessment: CreditAssessment | None, cut_offs: CutOffs | None) -> dict[str, Any] | None:
    if assessment is None:
        return None
    return {
        "assessment": assessment.pk,
        "score": assessment.score,
        "grade": assessment.grade,
        "probability": assessment.probability,
        "as_of": assessment.as_of.isoformat(),
        "sha256": assessment.sha256,
        "inputs": assessment.inputs,
        "model": str(assessment.scorecard),
        "model_sha256": assessment.scorecard.sha256,
        "is_banks_own": assessment.bank_id is not None,
        "cut_offs": [cut_offs.refuse_below, cut_offs.approve_from] if cut_offs else None,
    }


def _finding_known(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.pk,
        "kind": finding.kind,
        "severity": finding.severity,
        "zh": finding.evidence.get("zh", ""),
        "en": finding.evidence.get("en", ""),
        "discount": str(finding.discount),
        "is_explained": finding.is_explained,
    }
