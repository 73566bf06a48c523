"""What bank and partner see of quotes, covers and claims; the firm's data only as far as it consented, and with a trace."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Least, Round
from django.utils import timezone

from finance.models import (
    Claim,
    Consent,
    CoverQuote,
    CreditAssessment,
    DataGroup,
    Drawdown,
    EarlyWarning,
    Finding,
    Guarantee,
    Purpose,
)
from finance.services import reads
from finance.services.claims import claim_window, claimable
from finance.services.records import RecordsShown, records_for
from marketplace.models import Organisation, User

MONEY = DecimalField(max_digits=18, decimal_places=2)


@dataclass(frozen=True)
class FirmShown:
    """What a partner sees of the firm that it is to cover."""

    assessment: CreditAssessment | None
    findings: list[Finding]
    records: RecordsShown
    groups: frozenset[str]


def firm_for_partner(*, quote: CoverQuote, by: User, now: datetime) -> FirmShown:
    """Show the partner's people what the firm lets them see for covering, and leave a row for each read."""
    partner, firm = quote.partner, quote.firm
    said = {"reader": partner, "firm": firm, "purpose": Purpose.COVER, "subject": quote.number, "by": by, "now": now}
    scores = CreditAssessment.objects.readable_by(partner, purpose=Purpose.COVER, now=now)
    latest = scores.done().filter(organisation=firm, bank=None).select_related("scorecard").newest().first()
    found = Finding.objects.readable_by(partner, purpose=Purpose.COVER, now=now).standing()
    findings = list(found.filter(organisation=firm).order_by("pk")[:50])
    asked = {DataGroup.SCORE, DataGroup.FINDINGS} if latest else {DataGroup.FINDINGS}
    reads.allow(groups=asked, rows={DataGroup.FINDINGS: len(findings)}, **said)
    allowed = reads.readable_groups(firm=firm, reader=partner, purpose=Purpose.COVER, now=now)
    return FirmShown(latest, findings, records_for(**said), allowed)


def with_exposure(guarantees: QuerySet[Guarantee]) -> QuerySet[Guarantee]:
    """Add what is owed under each guarantee's line, ``owed``, and what of it the partner carries, ``exposure``."""
    loans = Drawdown.objects.open().filter(line=OuterRef("line")).values("line")
    owed = Subquery(loans.annotate(total=Sum("principal_left")).values("total"), output_field=MONEY)
    guarantees = guarantees.annotate(owed=Coalesce(owed, Value(Decimal(0)), output_field=MONEY))
    carried = Round(F("owed") * F("share_percent") / 100, precision=2, output_field=MONEY)
    return guarantees.annotate(exposure=Least(carried, F("amount") - F("paid_amount"), output_field=MONEY))


def warning_counts(*, guarantees: Iterable[Guarantee], now: datetime) -> dict[int, int]:
    """Return how many standing warnings of each covered line its partner may know of, in two queries.

    A partner knows of an overdue instalment as the bank does; of what was seen in a firm's data only with its consent.
    """
    in_force = [one for one in guarantees if one.line_id and one.is_in_force]
    consents = Consent.objects.standing(now).filter(
        purpose=Purpose.COVER,
        firm__in={one.firm_id for one in in_force},
        reader__in={one.partner_id for one in in_force},
    )
    allowed: dict[tuple[int, int], set[str]] = {}
    for firm, reader, groups in consents.values_list("firm", "reader", "groups"):
        allowed.setdefault((firm, reader), {""}).update(groups)
    found = EarlyWarning.objects.standing().filter(line__in={one.line_id for one in in_force})
    of_line: dict[int, list[str]] = {}
    for line, group in found.values_list("line", "group"):
        of_line.setdefault(line, []).append(group)
    return {
        one.pk: sum(group in allowed.get((one.firm_id, one.partner_id), {""}) for group in of_line.get(one.line_id, []))
        for one in in_force
    }


def warnings_for(*, guarantee: Guarantee, by: User, now: datetime) -> list[EarlyWarning]:
    """Show the partner's people the standing warnings of a covered line, and leave a row for each group of data."""
    if not (guarantee.line_id and guarantee.is_in_force):
        return []
    found = list(
        EarlyWarning.objects.standing().filter(line=guarantee.line_id).order_by("-severity", "opened_at", "pk")
    )
    groups = {warning.group for warning in found} - {""}
    said = {"firm": guarantee.firm, "reader": guarantee.partner, "purpose": Purpose.COVER, "subject": guarantee.number}
    allowed = reads.allow(by=by, groups=groups, now=now, **said) if groups else frozenset()
    return [warning for warning in found if not warning.group or warning.group in allowed]


@dataclass
class LoanRow:
    """A loan under a covered line, and what of it may be claimed now."""

    drawdown: Drawdown
    window: tuple | None = None
    is_claimable: bool = False
    most: Decimal = Decimal(0)
    claims: list[Claim] = field(default_factory=list)


def loans_of(guarantee: Guarantee, *, now: datetime) -> list[LoanRow]:
    """Return the loans under the guarantee's line with what may be claimed for each, the overdue ones first."""
    if guarantee.line_id is None:
        return []
    today = timezone.localdate(now)
    loans = guarantee.line.drawdowns.exclude(starts_on=None).order_by("overdue_since", "starts_on", "pk")
    claims: dict[int, list[Claim]] = {}
    for claim in guarantee.claims.order_by("pk"):
        claims.setdefault(claim.drawdown_id, []).append(claim)
    rows = []
    for loan in loans:
        row = LoanRow(loan, claims=claims.get(loan.pk, []))
        if loan.overdue_since:
            row.window = claim_window(guarantee, loan.overdue_since)
            row.most = claimable(guarantee, loan)
            running = any(claim.status not in Claim.ENDED for claim in row.claims)
            is_open = guarantee.is_in_force and row.window[0] <= today <= row.window[1]
            row.is_claimable = is_open and not running and row.most > 0
        rows.append(row)
    return rows


def works_for(user: User, organisation: Organisation, *roles: str) -> bool:
    """Return whether the user has one of these roles there."""
    return organisation.memberships.filter(user=user, role__in=roles).exists()
