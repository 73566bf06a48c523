"""Score a firm from what was known at one moment: read, reckon, write; and say whether a row still comes out so."""

import hashlib
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Value
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse
from django.utils import timezone

from finance.models import (
    Consent,
    CreditAssessment,
    CreditLine,
    CutOffs,
    DataGroup,
    Purpose,
    RecordKind,
    RecordRead,
    Scorecard,
    ShadowScore,
    TransactionRecord,
)
from finance.models.assessment import AFTER_NOTHING, firms_to_assess
from finance.models.finding import Finding, FindingRecord, FindingRun
from finance.runs import evidence, findings, scorecards
from finance.scoring.advice import advise
from finance.scoring.challengers import Judged, judge, model_of
from finance.scoring.features import features_of
from finance.scoring.scorecard import Scorecard as Card
from finance.scoring.scorecard import ScorecardUnreadable
from finance.scoring.scored import Scored, score
from finance.scoring.trades import Trades
from marketplace.models import Announcement, Notification, Organisation

logger = logging.getLogger(__name__)
# What a score is made of; deliveries, payments and production confirm it (finance.authenticity).
SCORED_KINDS = (RecordKind.SALES, RecordKind.PURCHASES)
CURRENCY = "CNY"
NAME = "counterparty_name"
COLUMNS = (
    "pk",
    "kind",
    "occurred_on",
    "partner",
    "net_amount",
    "tax_amount",
    "is_void",
    "sha256",
    "source",
)
# What a bank's own assessment reads of a firm.
READ_FOR_A_SCORE = (DataGroup.SCORE, DataGroup.SALES, DataGroup.PURCHASES)
# So many firms of the to-do list are taken up at once; the next round takes the next.
PER_ROUND = 1000
# Below this a score would say more of what is missing than of the firm.
LEAST_SALES, LEAST_MONTHS, LEAST_PURCHASES = 12, 3, 4


@dataclass(frozen=True)
class Missing:
    """What a firm must still bring before it can be scored: how many it has, and how many are needed."""

    what: str
    have: int
    need: int


@dataclass(frozen=True)
class Snapshot:
    """What was known of a firm at one moment: the features, and what they were made from."""

    features: dict[str, float | None]
    inputs: dict[str, Any]


class TooLittleIsKnown(Exception):  # noqa: N818 - a fact that the run reports
    pass


def missing_records(organisation: Organisation, *, as_of: datetime) -> list[Missing]:
    """Return what is missing to score a firm, nothing where there is enough."""
    known = TransactionRecord.objects.of(organisation).known_at(as_of).counted().filter(currency=CURRENCY)
    months = known.filter(kind=RecordKind.SALES).dates("occurred_on", "month")
    kinds = Counter(known.filter(kind__in=SCORED_KINDS).values_list("kind", flat=True))
    found = [
        Missing("sales", kinds[RecordKind.SALES], LEAST_SALES),
        Missing("months", len(months), LEAST_MONTHS),
        Missing("purchases", kinds[RecordKind.PURCHASES], LEAST_PURCHASES),
    ]
    return [one for one in found if one.have < one.need]


def assess(run: CreditAssessment, *, clock: Callable[[], datetime]) -> None:
    """Score the firm of a claimed run; whatever goes wrong is written down, and raised again."""
    try:
        scorecard = Scorecard.objects.select_related("bank").get(pk=run.scorecard_id)
        organisation = Organisation.objects.get(pk=run.organisation_id)
        _look_first(organisation, as_of=run.as_of)
        snapshot = snapshot_of(organisation, as_of=run.as_of)
        cut_offs = CutOffs.objects.of(run.bank, scorecard)
        results = results_of(snapshot, scorecard=scorecard, cut_offs=cut_offs)
        shadows = _shadows(run, snapshot, scorecard, cut_offs)
        now = clock()
        with transaction.atomic():
            if not CreditAssessment.objects.finish(run, now=now, **results):
                return
            ShadowScore.objects.bulk_create(shadows)
            _tell(run, organisation, results, now)
            content = {
                "assessment": run.pk,
                "organisation": evidence.pseudonym(organisation),
                "scorecard": scorecard.sha256,
                "sha256": results["sha256"],
                "result": scorecards.digest(results["reasons"]),
            }
            evidence.append(kind="assessment.made", content=content, at=now)
    except TooLittleIsKnown as fact:
        # Nothing broke: the firm has too few records, and its page says what it may bring.
        CreditAssessment.objects.fail(run, now=clock(), failure=str(fact))
    except Exception as error:
        CreditAssessment.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


def _look_first(organisation: Organisation, *, as_of: datetime) -> None:
    """See that somebody has looked at the genuineness of all that counts; where nobody has, look now, as of then."""
    newest = TransactionRecord.objects.of(organisation).known_at(as_of).aggregate(at=Max("known_at"))["at"]
    if newest is None:
        return
    if FindingRun.objects.filter(organisation=organisation, status=FindingRun.Status.DONE, as_of__gte=newest).exists():
        return
    for look_id in FindingRun.objects.request([organisation.pk], now=as_of):
        if look := FindingRun.objects.claim(look_id, now=timezone.now()):
            findings.look_at_trade(look, clock=lambda: as_of)


def request_due(*, now: datetime) -> list[int]:
    """Ask for the scores on the to-do list; return the runs that wait for a worker."""
    due = list(firms_to_assess(now).values_list("pk", flat=True)[:PER_ROUND])
    if not due:
        return []
    return CreditAssessment.objects.request(due, scorecard=scorecards.platform_scorecard(now=now), now=now)


def request_watched(*, now: datetime) -> list[int]:
    """Ask for this month's scores of firms that hold a line, by their bank's model, where they let it watch them.

    Each leaves rows that the firm sees, in the name of whoever opened the line.
    """
    lines = CreditLine.objects.filter(borrower__isnull=False).exclude(status=CreditLine.Status.CLOSED)
    recent = CreditAssessment.objects.filter(bank=OuterRef("bank"), as_of__gt=now - AFTER_NOTHING)
    due = lines.exclude(Exists(recent.filter(organisation=OuterRef("borrower")))).select_related("bank", "opened_by")
    asked: dict[int, list[int]] = defaultdict(list)
    banks: dict[int, Organisation] = {}
    for line in due.order_by("pk")[:PER_ROUND]:
        if line.borrower_id in asked[line.bank_id] or not _note_reads(line, now):
            continue
        asked[line.bank_id].append(line.borrower_id)
        banks[line.bank_id] = line.bank
    found = []
    for bank_id, bank in banks.items():
        serving = scorecards.serving_for(bank, now=now)
        found += CreditAssessment.objects.request(
            asked[bank_id], scorecard=serving, bank=bank, purpose=Purpose.MONITORING, now=now
        )
    return found


def _note_reads(line: CreditLine, now: datetime) -> bool:
    """Write that the bank looks at what a score is made of; return False where the firm does not let it."""
    letting = Consent.objects.letting(line.bank, purpose=Purpose.MONITORING, now=now).filter(firm=line.borrower_id)
    consents = {group: letting.covering(group).order_by("-pk").first() for group in READ_FOR_A_SCORE}
    if not all(consents.values()):
        return False
    RecordRead.objects.bulk_create(
        RecordRead(
            consent=consent,
            firm_id=line.borrower_id,
            reader=line.bank,
            by=line.opened_by,
            purpose=Purpose.MONITORING,
            group=group,
            subject=line.number,
            at=now,
        )
        for group, consent in consents.items()
    )
    return True


def _tell(run: CreditAssessment, organisation: Organisation, results: Mapping[str, Any], now: datetime) -> None:
    """Tell the firm that its own grade changed; the same grade is no news, and a bank's score is the bank's."""
    former = CreditAssessment.objects.done().filter(organisation=organisation, bank=None).exclude(pk=run.pk)
    before = former.filter(as_of__lte=run.as_of).newest().first()
    if run.bank_id is not None or before is None or before.grade == results["grade"]:
        return
    announcement = Announcement(
        event="score.changed",
        deduplication_key=f"score.changed:{run.pk}",
        organisation=organisation,
        title_zh=f"信用评分由 {before.grade} 变为 {results['grade']}（{results['score']} 分）",
        title_en=f"Your grade changed from {before.grade} to {results['grade']} (score {results['score']})",
        url=f"{reverse('finance:score')}?firm={organisation.pk}",
        data={"assessment": run.pk, "grade": results["grade"], "score": results["score"]},
    )
    Notification.objects.announce([announcement], now=now)


def snapshot_of(organisation: Organisation, *, as_of: datetime) -> Snapshot:
    """Read the records of a firm that were known then and had happened, weigh them by the findings, and make features.

    :raises TooLittleIsKnown: if that is not enough to score it
    """
    missing = missing_records(organisation, as_of=as_of)
    if missing:
        said = ", ".join(f"{one.what} {one.have}/{one.need}" for one in missing)
        raise TooLittleIsKnown(f"too few records: {said}")
    known = TransactionRecord.objects.of(organisation).known_at(as_of)
    # What another record said already counts once; a firm that is here goes by one code, whoever names it.
    known = known.filter(kind__in=SCORED_KINDS, restates=None, currency=CURRENCY)
    known = known.annotate(partner=Coalesce("counterparty__uscc", NullIf("counterparty_code", Value("")), NAME))
    rows = list(known.order_by("sha256", "pk").values_list(*COLUMNS, named=True))
    weights = _weights(organisation, as_of=as_of)
    # What does not count at all is as if it had never been handed in; of the rest a part of the amount counts.
    counted = [row for row in rows if weights.get(row.pk, 1.0) > 0]
    trades = Trades.of_firm(
        str(organisation.pk),
        is_sale=[row.kind == RecordKind.SALES for row in counted],
        day=[row.occurred_on for row in counted],
        partner=[row.partner for row in counted],
        net=[float(row.net_amount) * weights.get(row.pk, 1.0) for row in counted],
        tax=[float(row.tax_amount) * weights.get(row.pk, 1.0) for row in counted],
        is_void=[row.is_void for row in counted],
    )
    table = features_of(trades, as_of=timezone.localdate(as_of))
    features = table.row(str(organisation.pk))
    inputs = {
        "as_of": as_of.isoformat(),
        "records": dict(sorted(Counter(str(row.kind) for row in rows if not row.is_void).items())),
        "void": sum(row.is_void for row in rows),
        "sources": dict(sorted(Counter(str(row.source) for row in rows).items())),
        "first": min(row.occurred_on for row in rows).isoformat(),
        "last": max(row.occurred_on for row in rows).isoformat(),
        "discounted": sum(row.pk in weights for row in rows),
        "left_out": len(rows) - len(counted),
        # Not void, and young enough to say something of today.
        "scored": int(table.records[0]),
        "months": int(table.months[0]),
        # Of the hashes of all records that were read, in their order, and of what each counts: who has them can check.
        "root": _root(rows, weights),
    }
    return Snapshot({name: None if math.isnan(value) else value for name, value in features.items()}, inputs)


def _weights(organisation: Organisation, *, as_of: datetime) -> dict[int, float]:
    """Return how much each doubted record counts by the findings known then; by several, the least."""
    known = Finding.objects.filter(organisation=organisation).known_at(as_of)
    doubted = FindingRecord.objects.filter(finding__in=known).values_list("record_id", "weight")
    weights: dict[int, float] = {}
    for record_id, weight in doubted:
        weights[record_id] = min(weight, weights.get(record_id, 1.0))
    return weights


def _root(rows: Iterable[Any], weights: Mapping[int, float]) -> str:
    root = hashlib.sha256()
    for row in rows:
        root.update(f"{row.sha256} {weights.get(row.pk, 1.0)!r}\n".encode())
    return root.hexdigest()


def results_of(snapshot: Snapshot, *, scorecard: Scorecard, cut_offs: CutOffs | None) -> dict[str, Any]:
    """Return what an assessment says: score, probability, grade, reasons, advice, and the hash of what it stands on.

    :raises ScorecardTampered: if the model is not what was taken in
    """
    card = Card.from_dict(scorecards.load(scorecard))
    scored = _score(card, snapshot)
    return {
        "score": scored.score,
        "probability": scored.pd,
        "grade": _grade(scored, cut_offs),
        "cut_offs": cut_offs,
        "recommended": cut_offs.verdict(scored.score) if cut_offs else "",
        "reasons": _reasons(scored),
        "advice": _advice(card, scored, months=snapshot.inputs["months"]),
        "features": snapshot.features,
        "inputs": snapshot.inputs,
        "sha256": scorecards.digest(
            {"features": snapshot.features, "inputs": snapshot.inputs, "scorecard": scorecard.sha256}
        ),
    }


def _advice(card: Card, scored: Scored, *, months: int) -> list[dict[str, Any]]:
    """Return what would raise the score; nothing where it is at the top of its scale, for nothing shows there."""
    if scored.score >= card.scale.highest:
        return []
    return [
        {"change": one.lever, "points": round(one.points), "pd": one.pd, "zh": one.zh, "en": one.en}
        for one in advise(card, scored.features, months=months)
    ]


def _score(card: Card, snapshot: Snapshot) -> Scored:
    return score(card, "", _values(snapshot), records=snapshot.inputs["scored"])


def _values(snapshot: Snapshot) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in snapshot.features.items()}


def _reasons(scored: Scored) -> list[dict[str, Any]]:
    """Return parts in whole points that add up to the score: where every firm starts, the reasons, the end of the scale."""
    start = {
        "feature": "base",
        "points": scored.base,
        "exact": scored.exact_base,
        "zh": "起点：各方面均为常值的企业。",
        "en": "Start: a firm that is usual in everything.",
    }
    parts = [start, *(reason.to_dict() for reason in scored.reasons)]
    if scored.edge:
        cut = {
            "feature": "edge",
            "points": scored.edge,
            "exact": float(scored.edge),
            "zh": "分数已到量表端点。",
            "en": "End of the scale: the score goes no further.",
        }
        parts.append(cut)
    return parts


def _grade(scored: Scored | Judged, cut_offs: CutOffs | None) -> str:
    """Return the grade of the bank's own scale of probabilities, where it has one, else the model's."""
    scale = cut_offs.grades if cut_offs else []
    last = scale[-1]["grade"] if scale else scored.grade
    return next((one["grade"] for one in scale if scored.pd < one["below"]), last)


def _shadows(
    run: CreditAssessment, snapshot: Snapshot, scorecard: Scorecard, cut_offs: CutOffs | None
) -> list[ShadowScore]:
    """Return what the challengers say of the same features; one that cannot be trusted or read says nothing."""
    found = []
    for challenger in Scorecard.objects.riding_with(scorecard, run.bank):
        try:
            scored = judge(model_of(scorecards.load(challenger)), _values(snapshot))
        except (scorecards.ScorecardTampered, ScorecardUnreadable, KeyError):
            logger.exception("The challenger %s says nothing of assessment %s", challenger.pk, run.pk)
            continue
        found.append(
            ShadowScore(
                assessment=run,
                scorecard=challenger,
                score=scored.score,
                probability=scored.pd,
                grade=_grade(scored, cut_offs),
            )
        )
    return found
