import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from config.errors import InputRefused
from finance.models import DataGroup, Finding, FindingExplanation, FindingRun, RecordRead, TransactionRecord
from finance.runs.findings import look_at_trade, request_missing_looks
from finance.services.findings import FindingIsGone, explain_finding, request_look
from marketplace.models import Notification, Organisation
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_consent import ConsentFactory, TransactionRecordFactory
from tests.factories_record import FindingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


def _look(firm, now):
    FindingRun.objects.request([firm.pk], now=now)
    run = FindingRun.objects.claim(FindingRun.objects.get(organisation=firm, status="waiting").pk, now=now)
    look_at_trade(run, clock=lambda: now)
    run.refresh_from_db()
    return run


@pytest.fixture
def round_trip(firm):
    said = {"organisation": firm, "counterparty_code": "B1"}
    sale = TransactionRecordFactory(**said, occurred_on=dt.date(2026, 2, 1))
    purchase = TransactionRecordFactory(**said, kind="purchases", occurred_on=dt.date(2026, 2, 20))
    return sale, purchase


def test_look_keeps_what_it_finds_with_its_records(firm, round_trip, now):
    run = _look(firm, now)

    finding = Finding.objects.get()
    assert (finding.kind, finding.severity, finding.discount) == ("round_trip", "grave", 200)
    assert set(finding.records.values_list("record", "weight")) == {(one.pk, 0.0) for one in round_trip}
    assert (run.status, run.records, run.sales_amount, run.counted_amount) == ("done", 2, 100, 0)
    assert Notification.objects.filter(event="finding.found").exists()


def test_what_is_found_again_is_the_same_and_what_is_not_is_gone(firm, round_trip, now):
    _look(firm, now)
    later = now + dt.timedelta(hours=1)
    _look(firm, later)
    same = Finding.objects.get()
    TransactionRecord.objects.filter(kind="purchases").update(net_amount=10, total_amount=23)
    _look(firm, later + dt.timedelta(hours=1))

    assert (same.found_at, same.seen_at) == (now, later)
    gone = Finding.objects.get()
    assert gone.gone_at == later + dt.timedelta(hours=1)
    assert list(Finding.objects.known_at(later)) == [gone]
    assert list(Finding.objects.known_at(gone.gone_at)) == []


def test_changed_finding_is_a_new_row_that_keeps_what_the_firm_said(firm, owner, round_trip, now):
    _look(firm, now)
    explain_finding(finding=Finding.objects.get(), text="退货", by=owner, now=now)
    for kind in ("sales", "purchases"):
        TransactionRecordFactory(organisation=firm, counterparty_code="B1", kind=kind, net_amount=500, total_amount=513)
    later = now + dt.timedelta(hours=1)

    _look(firm, later)

    old, new = Finding.objects.order_by("pk")
    assert (old.gone_at, new.gone_at, old.key == new.key) == (later, None, True)
    assert new.explanations.get().text == "退货"


def test_look_knows_nothing_of_the_future(firm, round_trip, now):
    _look(firm, now - dt.timedelta(days=1))

    assert not Finding.objects.exists()


def test_look_that_breaks_says_so(firm, now, monkeypatch):
    FindingRun.objects.request([firm.pk], now=now)
    run = FindingRun.objects.claim(FindingRun.objects.get().pk, now=now)
    TransactionRecordFactory(organisation=firm)
    monkeypatch.setattr("finance.runs.findings.examine", lambda *_facts, **_more: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        look_at_trade(run, clock=lambda: now)

    run.refresh_from_db()
    assert run.status == "failed"


def test_firms_that_share_a_member_are_related(firm, owner, now):
    friend = OrganisationFactory()
    MembershipFactory(organisation=friend, user=owner)
    TransactionRecordFactory(organisation=firm, counterparty=friend, counterparty_code=friend.uscc)

    _look(firm, now)

    assert Finding.objects.get().kind == "related"


def test_only_verified_trade_of_others_makes_a_ring(firm, now):
    one, other = OrganisationFactory(), OrganisationFactory()
    TransactionRecordFactory(organisation=firm, counterparty=one, occurred_on=dt.date(2026, 2, 1))
    TransactionRecordFactory(organisation=firm, counterparty=other, kind="purchases", occurred_on=dt.date(2026, 2, 20))
    said = TransactionRecordFactory(organisation=one, counterparty=other, occurred_on=dt.date(2026, 2, 10))

    _look(firm, now)
    assert not Finding.objects.filter(kind="ring").exists()

    TransactionRecord.objects.filter(pk=said.pk).update(source="platform", is_verified=True)
    _look(firm, now + dt.timedelta(hours=1))
    assert Finding.objects.filter(kind="ring").count() == 1


def test_missing_looks_are_asked_for_once(firm, round_trip, now):
    assert len(request_missing_looks(now=now)) == 1
    _look(firm, now)

    assert request_missing_looks(now=now) == []


def test_dead_look_is_replaced(firm, now):
    FindingRun.objects.request([firm.pk], now=now)
    FindingRun.objects.update(status="running", started_at=now)

    assert FindingRun.objects.give_up(since=now + dt.timedelta(seconds=1), now=now) == 1
    assert sorted(FindingRun.objects.values_list("status", flat=True)) == ["failed", "waiting"]


def test_explanation_says_something_for_the_firm_about_what_stands(firm, owner, now):
    finding = FindingFactory(organisation=firm)

    with pytest.raises(InputRefused):
        explain_finding(finding=finding, text=" ", by=owner, now=now)
    with pytest.raises(OnlyMembersMay):
        explain_finding(finding=finding, text="退货", by=UserFactory(), now=now)
    with pytest.raises(OnlyMembersMay):
        request_look(organisation=firm, by=UserFactory(), now=now)
    Finding.objects.update(gone_at=now)
    with pytest.raises(FindingIsGone):
        explain_finding(finding=finding, text="退货", by=owner, now=now)


def test_database_refuses_what_a_finding_never_is(firm):
    finding = FindingFactory(organisation=firm)

    for change in ({"discount": -1}, {"gone_at": finding.found_at - dt.timedelta(1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Finding.objects.filter(pk=finding.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        FindingFactory(organisation=firm, key=finding.key)


# --- Pages and API ---


def test_finding_detail_takes_an_explanation_with_a_file(client, firm, owner):
    finding = FindingFactory(organisation=firm)
    client.force_login(owner)
    file = ContentFile(b"a,b\n1,2\n", name="contract.csv")

    response = client.post(reverse("finance:finding_detail", args=[finding.pk]), {"text": "退货", "upload": file})

    assert response.status_code == 302
    said = FindingExplanation.objects.get()
    assert (said.text, said.by, said.attachment.name) == ("退货", owner, "contract.csv")
    assert "退货" in client.get(reverse("finance:finding_list")).content.decode()
    assert client.post(reverse("finance:finding_detail", args=[finding.pk]), {"text": ""}).status_code == 422


def test_file_of_an_explanation_is_read_by_the_firm_and_with_consent_by_a_bank(client, firm, owner, now, clock):
    finding = FindingFactory(organisation=firm)
    file = ContentFile(b"a,b\n1,2\n", name="contract.csv")
    said = explain_finding(finding=finding, text="退货", by=owner, now=now, upload=file)
    banker = UserFactory()
    bank = OrganisationFactory(kind=Organisation.Kind.BANK, members__maker=banker)
    path = reverse("finance:finding_file", args=[said.pk])

    def read():
        response = client.get(path)
        return b"".join(response.streaming_content) if response.streaming else response.status_code

    client.force_login(owner)
    assert read() == b"a,b\n1,2\n"
    client.force_login(banker)
    assert read() == 404
    ConsentFactory(firm=firm, reader=bank, groups=[DataGroup.FINDINGS])
    assert read() == b"a,b\n1,2\n"
    assert RecordRead.objects.get().subject == f"finding {finding.pk}"


def test_stranger_sees_no_finding(client, firm):
    finding = FindingFactory(organisation=firm)
    client.force_login(UserFactory())

    assert client.get(reverse("finance:finding_detail", args=[finding.pk])).status_code == 404
    assert client.get(reverse("finance:api_finding_detail", args=[finding.pk])).status_code == 404
    assert client.post(reverse("finance:finding_look", args=[firm.pk])).status_code == 404
    assert client.get(reverse("finance:finding_list")).context["page"].object_list.count() == 0


def test_finding_list_asks_as_much_for_three_as_for_one(client, firm, owner, count_queries):
    client.force_login(owner)
    FindingFactory(organisation=firm)
    one = count_queries(reverse("finance:finding_list"))
    FindingFactory.create_batch(2, organisation=firm)

    assert count_queries(reverse("finance:finding_list")) == one


def test_api_shows_explains_and_looks_anew(client, firm, owner):
    finding = FindingFactory(organisation=firm)
    client.force_login(owner)

    explained = client.post(reverse("finance:api_finding_explanation_list", args=[finding.pk]), {"text": "退货"})
    asked = client.post(reverse("finance:api_finding_run_list"), {"organisation": firm.pk})

    assert (explained.status_code, asked.status_code, asked.json()["status"]) == (201, 202, "waiting")
    (listed,) = client.get(reverse("finance:api_finding_list"), {"is_gone": "false"}).json()["results"]
    assert [one["text"] for one in listed["explanations"]] == ["退货"]
    assert client.get(reverse("finance:api_finding_list"), {"is_gone": "true"}).json()["count"] == 0
