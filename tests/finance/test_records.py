import datetime as dt

import pytest
from django.urls import reverse

from finance.models import Consent, DataGroup, Purpose, RecordRead, TransactionRecord
from finance.services.records import kind_sums, monthly_sums, records_for
from marketplace.models import Organisation
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_consent import ConsentFactory, TransactionRecordFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def bank():
    return OrganisationFactory(kind=Organisation.Kind.BANK, members__maker=UserFactory())


def _read(bank, firm, now):
    by = bank.memberships.get().user
    return records_for(reader=bank, firm=firm, purpose=Purpose.REVIEW, subject="CA-1", by=by, now=now)


def test_sums_leave_out_void_and_restated_records(firm):
    first = TransactionRecordFactory(organisation=firm)
    TransactionRecordFactory(organisation=firm, is_void=True)
    TransactionRecordFactory(organisation=firm, restates=first)
    TransactionRecordFactory(organisation=firm, source="platform", is_verified=True)

    (sum_,) = kind_sums(TransactionRecord.objects.of(firm))

    assert (sum_["count"], sum_["total"], sum_["verified"]) == (2, 226, 113)


def test_months_leave_none_out(firm):
    TransactionRecordFactory(organisation=firm, occurred_on=dt.date(2025, 11, 5))
    TransactionRecordFactory(organisation=firm, occurred_on=dt.date(2026, 1, 5), kind="purchases")
    TransactionRecordFactory(organisation=firm, occurred_on=dt.date(2026, 1, 6), currency="EUR")

    months = monthly_sums(TransactionRecord.objects.of(firm))

    assert [(row["month"], row["sales"], row["purchases"]) for row in months] == [
        (dt.date(2025, 11, 1), 100, 0),
        (dt.date(2025, 12, 1), 0, 0),
        (dt.date(2026, 1, 1), 0, 100),
    ]
    assert monthly_sums(TransactionRecord.objects.none()) == []


def test_bank_reads_only_what_the_firm_consented_to_and_leaves_rows(firm, bank, now):
    TransactionRecordFactory(
        organisation=firm, counterparty_code="大客户", net_amount=300, tax_amount=0, total_amount=300
    )
    TransactionRecordFactory(organisation=firm, counterparty_code="小客户")
    TransactionRecordFactory(organisation=firm, kind="purchases")

    nothing = _read(bank, firm, now)
    ConsentFactory(firm=firm, reader=bank, groups=[DataGroup.SALES])
    masked = _read(bank, firm, now)
    Consent.objects.update(groups=[DataGroup.SALES, DataGroup.COUNTERPARTIES])
    named = _read(bank, firm, now)

    assert nothing.is_empty
    assert [sum_["kind"] for sum_ in masked.sums] == ["sales"]
    assert [(one["zh"], one["share"]) for one in masked.customers] == [("客户 1", 0.75), ("客户 2", 0.25)]
    assert masked.suppliers == []
    assert [one["zh"] for one in named.customers] == ["大客户", "小客户"]
    reads = RecordRead.objects.order_by("pk").values_list("group", "rows", "subject")
    assert list(reads) == [("sales", 2, "CA-1"), ("sales", 2, "CA-1"), ("counterparties", 1, "CA-1")]


def test_record_list_shows_only_own_records_by_filter(client, firm, owner):
    TransactionRecordFactory(organisation=firm, number="MINE-1")
    TransactionRecordFactory(organisation=firm, number="MINE-2", kind="purchases", occurred_on=dt.date(2025, 1, 1))
    TransactionRecordFactory(number="THEIRS")
    client.force_login(owner)

    every = client.get(reverse("finance:record_list")).content.decode()
    sales = client.get(reverse("finance:record_list"), {"kind": "sales", "occurred_from": "2026-01-01"})
    wrong = client.get(reverse("finance:record_list"), {"kind": "gossip"})

    assert ("MINE-1" in every, "MINE-2" in every, "THEIRS" in every) == (True, True, False)
    assert [one.number for one in sales.context["page"]] == ["MINE-1"]
    assert len(wrong.context["page"]) == 2


def test_record_list_asks_as_much_for_three_as_for_one(client, firm, owner, count_queries):
    client.force_login(owner)
    TransactionRecordFactory(organisation=firm, counterparty=OrganisationFactory())
    one = count_queries(reverse("finance:record_list"))
    TransactionRecordFactory.create_batch(2, organisation=firm, counterparty=OrganisationFactory())

    assert count_queries(reverse("finance:record_list")) == one


def test_api_lists_and_sums_own_records(client, firm, owner):
    TransactionRecordFactory(organisation=firm, counterparty_name="台州水泵厂")
    TransactionRecordFactory()
    client.force_login(owner)

    listed = client.get(reverse("finance:api_record_list"), {"counterparty": "水泵"}).json()
    summary = client.get(reverse("finance:api_record_summary")).json()

    assert [one["counterparty_name"] for one in listed["results"]] == ["台州水泵厂"]
    assert [(one["kind"], one["count"], one["total"]) for one in summary["sums"]] == [("sales", 1, "113.00")]
    assert len(summary["months"]) == 1
