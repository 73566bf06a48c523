"""A firm with records in the log, a bank that may read its score, and a voucher for it."""

import datetime as dt

from finance.models import CreditAssessment, CreditVoucher, RecordImport, Scorecard
from finance.reading.batches import batch_root
from finance.services import evidence
from finance.services.vouchers import issue_voucher
from marketplace.models import Organisation
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory, trade
from tests.factories_consent import ConsentFactory


def bank(**fields) -> Organisation:
    return OrganisationFactory(kind=Organisation.Kind.BANK, name_zh="椒江银行", name_en="Jiaojiang Bank", **fields)


def import_batch(firm, *, months=3, a_month=3, now=NOON, **fields) -> RecordImport:
    """Write a batch of a firm's records, and its leaf, as an import does."""
    run = RecordImport.objects.create(
        organisation=firm, kind="sales", name="records.csv", sha256="0" * 64, status="done", requested_at=now
    )
    rows = trade(firm, months=months, a_month=a_month, imported_by=run, **fields)
    for line, row in enumerate(rows, 2):
        row.line = line
    type(rows[0]).objects.bulk_update(rows, ["line"])
    content = {
        "import": run.pk,
        "organisation": evidence.pseudonym(firm),
        "record_kind": run.kind,
        "file": run.sha256,
        "count": len(rows),
        "root": batch_root(row.sha256 for row in rows),
    }
    evidence.append(kind="records.imported", content=content, at=now)
    return run


def assessment_of(firm, **fields) -> CreditAssessment:
    """Score a firm by the platform's model, of which one serves."""
    card = Scorecard.objects.serving().filter(bank=None).first() or ScorecardFactory()
    return AssessmentFactory(organisation=firm, scorecard=card, **fields)


def voucher_of(firm=None, *, for_bank=None, owner=None, now=NOON, batches=2, **options) -> CreditVoucher:
    """Issue a voucher of a firm with two batches of records, among the leaves of others."""
    owner = owner or UserFactory()
    firm = firm or OrganisationFactory(members=[owner])
    for_bank = for_bank or bank()
    for turn in range(batches):
        import_batch(firm, until=dt.date(2025, 6 + 4 * turn, 27))
        evidence.append(kind="thing.done", content={"n": turn}, at=now)
    consent = ConsentFactory(firm=firm, reader=for_bank)
    assessment = assessment_of(firm)
    voucher = issue_voucher(assessment=assessment, bank=for_bank, by=owner, now=now, **options)
    assert voucher.consent_id == consent.pk
    return voucher
