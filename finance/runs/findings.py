"""Look at the genuineness of one firm's trade, and keep what was found."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse
from django.utils import timezone

from finance.authenticity.examine import examine
from finance.authenticity.facts import NAMES, SALES, Facts
from finance.authenticity.findings import NOTE, Found, counted
from finance.authenticity.rings import Edges
from finance.models import Finding, FindingExplanation, FindingRecord, FindingRun, RecordKind, TransactionRecord
from finance.scoring.trades import day_number
from marketplace.models import Announcement, Membership, Notification, Organisation

CURRENCY = "CNY"
# Records shown in the evidence of a finding; the others are counted.
SHOWN = 20
BATCH = 5000
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Look:
    """What one look at a firm saw: the facts it was made on and what it found."""

    facts: Facts
    found: list[Found]

    def sums(self) -> dict[str, Any]:
        sales = self.facts.of_kind(SALES)
        net = self.facts.net[sales]
        return {
            "records": len(self.facts),
            "found": len(self.found),
            "sales_amount": _money(float(net.sum())),
            "counted_amount": _money(float((net * counted(self.facts, self.found)[sales]).sum())),
        }


def look_at_trade(run: FindingRun, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Look at all that is known of the firm now, and keep what is found, what stands as it stood, and what is gone."""
    try:
        as_of = clock()
        look = look_at(run.organisation, as_of=as_of)
        _finish(run, look, as_of=as_of, now=clock())
    except Exception as error:
        FindingRun.objects.fail(run, now=clock(), failure=repr(error))
        raise


def look_at(firm: Organisation, *, as_of: datetime) -> Look:
    """Return what the records of a firm known at that moment look like; writes nothing."""
    known = TransactionRecord.objects.of(firm).known_at(as_of).filter(restates=None, currency=CURRENCY)
    # Uploads and the platform's records name a firm that is here by one code.
    code = Coalesce("counterparty__uscc", NullIf("counterparty_code", Value("")), "counterparty_name")
    columns = {name: [] for name in NAMES}
    rows = known.annotate(partner=code).order_by("occurred_on", "id")
    fields = ["partner" if name == "counterparty_code" else name for name in NAMES]
    for row in rows.values_list(*fields).iterator(chunk_size=20_000):
        for name, value in zip(NAMES, row, strict=True):
            columns[name].append(value)
    facts = Facts.of_columns(columns)
    partners = Organisation.objects.filter(uscc__in=facts.partners).exclude(pk=firm.pk)
    found = examine(
        facts,
        as_of=timezone.localdate(as_of),
        edges=_edges(firm, partners, as_of),
        related=_related(firm, partners),
    )
    return Look(facts, found)


def _edges(firm: Organisation, partners: Iterable[Organisation], as_of: datetime) -> Edges:
    """Return what the firm's counterparties sold to others here, and those again.

    Only the platform's own records: what somebody uploads must not throw a doubt on others.
    """
    edges, ids, seen = [], {one.pk for one in partners}, {firm.pk}
    for _step in range(2):
        ids -= seen
        sales = TransactionRecord.objects.filter(
            organisation__in=ids, kind=RecordKind.SALES, is_verified=True, currency=CURRENCY
        )
        further = set()
        rows = sales.counted().known_at(as_of).exclude(counterparty=None).exclude(counterparty=firm)
        names = ("organisation__uscc", "counterparty__uscc", "occurred_on", "net_amount", "pk", "counterparty_id")
        for seller, buyer, on, amount, number, buyer_id in rows.values_list(*names):
            edges.append((seller, buyer, day_number(on), float(amount), number))
            further.add(buyer_id)
        seen |= ids
        ids = further
    return Edges.of_sales(edges)


def _related(firm: Organisation, partners: Iterable[Organisation]) -> dict[str, tuple[str, ...]]:
    """Return of each counterparty what it has in common with the firm."""
    said = {"phone": "contact_phone", "email": "contact_email", "address": "address"}
    people = set(firm.memberships.values_list("user", flat=True))
    both = set(
        Membership.objects.filter(organisation__in=partners, user__in=people).values_list("organisation", flat=True)
    )
    shared: dict[str, tuple[str, ...]] = {}
    for partner in partners:
        words = [
            word
            for word, name in said.items()
            if _plain(getattr(firm, name)) and _plain(getattr(firm, name)) == _plain(getattr(partner, name))
        ]
        if partner.pk in both:
            words.append("person")
        if words:
            shared[partner.uscc] = tuple(words)
    return shared


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


def _money(amount: float) -> Decimal:
    return Decimal(str(amount)).quantize(CENT)


@transaction.atomic
def _finish(run: FindingRun, look: Look, *, as_of: datetime, now: datetime) -> None:
    if not FindingRun.objects.finish(run, now=now, as_of=as_of, **look.sums()):
        return
    # Two looks at one firm keep what they found one after the other.
    Organisation.objects.select_for_update(no_key=True).get(pk=run.organisation_id)
    if FindingRun.objects.filter(
        organisation=run.organisation, as_of__gt=as_of, status=FindingRun.Status.DONE
    ).exists():
        return
    standing = {one.key: one for one in Finding.objects.filter(organisation=run.organisation).standing()}
    fresh, same = [], []
    for one in look.found:
        key, content = _key(one), _content(look.facts, one)
        before = standing.pop(key, None)
        if before is not None and before.evidence.get("content") == content:
            same.append(before.pk)
        else:
            fresh.append((one, key, content, before))
    Finding.objects.filter(pk__in=same).update(seen_at=as_of)
    gone = [*(one.pk for one in standing.values()), *(before.pk for *_found, before in fresh if before is not None)]
    Finding.objects.filter(pk__in=gone).update(gone_at=as_of)
    _write(run, look.facts, fresh, as_of)
    _tell(run, [one for one, _key, _content, before in fresh if before is None and one.severity != NOTE], now)


def _key(found: Found) -> str:
    return hashlib.sha256(f"{found.kind} {found.subject}".encode()).hexdigest()


def _content(facts: Facts, found: Found) -> str:
    """Return the hash of what a finding rests on: found again just so, it is the same row."""
    said = [found.severity, [int(facts.ids[row]) for row in found.rows], [round(weight, 9) for weight in found.weights]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _write(run: FindingRun, facts: Facts, fresh: list[tuple[Found, str, str, Finding | None]], as_of: datetime) -> None:
    rows = [
        Finding(
            organisation=run.organisation,
            run=run,
            kind=one.kind,
            severity=one.severity,
            key=key,
            evidence=_evidence(facts, one) | {"content": content},
            discount=_money(one.discount(facts)),
            currency=CURRENCY,
            first_on=facts.on(min(one.rows)),
            last_on=facts.on(max(one.rows)),
            found_at=as_of,
            seen_at=as_of,
        )
        for one, key, content, _before in fresh
    ]
    Finding.objects.bulk_create(rows)
    FindingRecord.objects.bulk_create(
        (
            FindingRecord(finding=row, record_id=int(facts.ids[place]), weight=weight)
            for row, (one, *_rest) in zip(rows, fresh, strict=True)
            for place, weight in zip(one.rows, one.weights, strict=True)
        ),
        batch_size=BATCH,
    )
    # What the firm said to a finding is said to it when its rows change, too.
    after = {before.pk: row for row, (*_rest, before) in zip(rows, fresh, strict=True) if before is not None}
    said = FindingExplanation.objects.filter(finding__in=after).order_by("pk")
    FindingExplanation.objects.bulk_create(
        FindingExplanation(
            finding=after[one.finding_id], text=one.text, attachment=one.attachment, by=one.by, at=one.at
        )
        for one in said.select_related("attachment", "by")
    )


def _evidence(facts: Facts, found: Found) -> dict[str, Any]:
    weighed = sorted(zip(found.rows, found.weights, strict=True))
    records = [
        {
            "id": int(facts.ids[row]),
            "number": str(facts.number[row]),
            "on": facts.on(row).isoformat(),
            "amount": f"{facts.net[row]:.2f}",
            "weight": round(weight, 4),
        }
        for row, weight in weighed[:SHOWN]
    ]
    more = max(0, len(weighed) - SHOWN)
    return {"zh": found.zh, "en": found.en, "figures": found.figures, "records": records, "more": more}


def _tell(run: FindingRun, doubts: list[Found], now: datetime) -> None:
    if not doubts:
        return
    counts: dict[str, int] = defaultdict(int)
    for one in doubts:
        counts[one.kind] += 1
    announcement = Announcement(
        event="finding.found",
        deduplication_key=f"finding.found:{run.pk}",
        organisation=run.organisation,
        title_zh=f"贵公司的交易记录有 {len(doubts)} 处疑点",
        title_en=f"{len(doubts)} doubts about your firm's trade",
        body_zh="请查看依据；可以附文件说明。说明会随疑点一起给银行看。",
        body_en="See what they rest on; you may explain, with a file. A bank sees what you say beside them.",
        url=reverse("finance:finding_list"),
        data={"run": run.pk, "kinds": dict(counts)},
    )
    Notification.objects.announce([announcement], now=now)


def request_missing_looks(*, now: datetime) -> list[int]:
    """Ask for a look at each firm of which something is known since the last one; return the runs to ring for."""
    last = FindingRun.objects.filter(status__in=[FindingRun.Status.DONE, FindingRun.Status.FAILED])
    looked = dict(last.values_list("organisation").annotate(at=Max("as_of")))
    known = TransactionRecord.objects.order_by().values_list("organisation").annotate(at=Max("known_at"))
    due = [firm for firm, at in known if firm not in looked or at > looked[firm]]
    return FindingRun.objects.request(due, now=now)
