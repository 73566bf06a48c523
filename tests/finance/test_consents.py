import datetime as dt
import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from config.errors import InputRefused
from finance.models import Consent, DataGroup, Purpose, RecordRead, TransactionRecord
from finance.services import consents, reads
from marketplace.models import Membership, Notification, Organisation
from marketplace.verify_dealfile import canonical
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_consent import ConsentFactory, TransactionRecordFactory

pytestmark = pytest.mark.django_db
YEAR = dt.timedelta(days=365)


@pytest.fixture
def owner():
    return UserFactory(language="en")


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def maker():
    return UserFactory(language="en")


@pytest.fixture
def bank(maker):
    return OrganisationFactory(kind=Organisation.Kind.BANK, members__maker=maker)


def give(firm, bank, owner, now, **said):
    fields = {"purpose": Purpose.REVIEW, "groups": [DataGroup.SALES, DataGroup.SCORE], "valid_until": now + YEAR}
    return consents.give_consent(firm=firm, reader=bank, by=owner, now=now, **(fields | said))


def test_consent_is_given_with_a_receipt_in_both_languages(firm, bank, owner, now):
    consent = give(firm, bank, owner, now)

    assert consent.groups == [DataGroup.SCORE, DataGroup.SALES]
    assert consent.sha256 == hashlib.sha256(canonical(consent.receipt).encode()).hexdigest()
    assert consent.receipt["texts"]["en"]["purpose"] == "Review of an application"
    assert set(consent.receipt["texts"]) == {"zh", "en"}


def test_consent_given_is_told_to_the_readers_makers(firm, bank, owner, maker, now):
    give(firm, bank, owner, now)

    assert Notification.objects.filter(user=maker, event="consent.given").exists()


@pytest.mark.parametrize("role", [Membership.Role.TRADER, Membership.Role.VIEWER])
def test_consent_is_an_owners_to_give(firm, bank, now, role):
    member = UserFactory()
    firm.memberships.create(user=member, role=role, created_at=now)

    with pytest.raises(consents.OnlyAnOwnerConsents):
        give(firm, bank, member, now)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"groups": []}, "groups"),
        ({"groups": ["everything"]}, "groups"),
        ({"purpose": "advertising"}, "purpose"),
        ({"valid_until": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}, "valid_until"),
        ({"valid_until": dt.datetime(2036, 3, 1, tzinfo=dt.UTC)}, "valid_until"),
    ],
)
def test_consent_to_what_cannot_be_consented_to_is_refused(firm, bank, owner, now, said, field):
    with pytest.raises(InputRefused) as refused:
        give(firm, bank, owner, now, **said)

    assert list(refused.value.errors) == [field]
    assert not Consent.objects.exists()


def test_consent_lets_in_no_other_firm(firm, owner, now):
    with pytest.raises(InputRefused) as refused:
        give(firm, OrganisationFactory(), owner, now)

    assert list(refused.value.errors) == ["reader"]


def test_consent_withdrawn_lets_nobody_read_any_more(firm, bank, owner, maker, now):
    consent = give(firm, bank, owner, now)

    consents.withdraw_consent(consent=consent, by=owner, now=now)

    assert not reads.readable_groups(firm=firm, reader=bank, purpose=Purpose.REVIEW, now=now)
    with pytest.raises(consents.ConsentNoLongerStands):
        consents.withdraw_consent(consent=consent, by=owner, now=now)


def test_consent_is_an_owners_to_withdraw(firm, bank, owner, maker, now):
    consent = give(firm, bank, owner, now)

    with pytest.raises(consents.OnlyAnOwnerConsents):
        consents.withdraw_consent(consent=consent, by=maker, now=now)


def test_records_are_readable_only_as_consented(firm, bank, owner, now):
    sale = TransactionRecordFactory(organisation=firm, kind="sales")
    TransactionRecordFactory(organisation=firm, kind="purchases")
    TransactionRecordFactory(kind="sales")
    give(firm, bank, owner, now)

    def readable(reader=bank, purpose=Purpose.REVIEW, at=now):
        return list(TransactionRecord.objects.readable_by(reader, purpose=purpose, now=at))

    assert readable() == [sale]
    assert readable(purpose=Purpose.MONITORING) == []
    assert readable(at=now + YEAR) == []
    assert readable(reader=OrganisationFactory(kind=Organisation.Kind.BANK)) == []


def test_reads_are_rows_of_what_was_allowed(firm, bank, owner, maker, now):
    give(firm, bank, owner, now)

    allowed = reads.allow(
        firm=firm,
        reader=bank,
        by=maker,
        purpose=Purpose.REVIEW,
        groups=[DataGroup.SALES, DataGroup.PAYMENTS],
        now=now,
        subject="A-1",
        rows={DataGroup.SALES: 12},
    )

    assert allowed == {DataGroup.SALES}
    assert list(RecordRead.objects.values_list("group", "subject", "rows")) == [("sales", "A-1", 12)]


def test_reads_that_are_required_are_refused_as_a_whole(firm, bank, owner, maker, now):
    give(firm, bank, owner, now)
    wanted = {"firm": firm, "reader": bank, "by": maker, "purpose": Purpose.REVIEW, "now": now}

    reads.require(**wanted, groups=[DataGroup.SALES])
    with pytest.raises(reads.NotConsented, match="付款"):
        reads.require(**wanted, groups=[DataGroup.SALES, DataGroup.PAYMENTS])

    assert RecordRead.objects.count() == 1


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"groups": []}, "consent_names_some_data"),
        ({"valid_until": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "consent_ends_after_it_begins"),
        ({"withdrawn_at": dt.datetime(2026, 3, 3, tzinfo=dt.UTC)}, "consent_withdrawn_at_goes_with_withdrawn_by"),
    ],
)
def test_consent_that_must_not_be_is_refused_by_the_database(broken, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ConsentFactory(**broken)


def test_consent_is_between_two(firm):
    with pytest.raises(IntegrityError, match="consent_is_between_two"), transaction.atomic():
        ConsentFactory(firm=firm, reader=firm)


def page(client, name, *args, **query):
    return client.get(reverse(f"finance:{name}", args=args), query, headers={"accept-language": "en"})


@pytest.mark.usefixtures("clock")
def test_consent_pages_show_both_sides_what_stands(client, firm, bank, owner, maker, now):
    consent = give(firm, bank, owner, now)

    for user in (owner, maker):
        client.force_login(user)
        assert consent.number in page(client, "consent_list").content.decode()
        assert "Review of an application" in page(client, "consent_detail", consent.pk).content.decode()
        assert page(client, "consent_receipt", consent.pk).json()["sha256"] == consent.sha256


@pytest.mark.usefixtures("clock")
def test_consent_pages_are_nobody_elses(client, firm, bank, owner, now):
    consent = give(firm, bank, owner, now)
    client.force_login(UserFactory())

    assert page(client, "consent_detail", consent.pk).status_code == 404
    assert page(client, "consent_receipt", consent.pk).status_code == 404
    assert page(client, "consent_create").status_code == 404
    assert consent.number not in page(client, "consent_list").content.decode()
    assert client.post(reverse("finance:consent_withdraw", args=[consent.pk])).status_code == 404


@pytest.mark.usefixtures("clock")
def test_consent_create_gives_it(client, firm, bank, owner):
    client.force_login(owner)
    said = {"firm": firm.pk, "reader": bank.pk, "purpose": "review", "groups": ["sales"], "days": 90}

    answer = client.post(reverse("finance:consent_create"), said)

    consent = Consent.objects.get()
    assert answer.url == reverse("finance:consent_detail", args=[consent.pk])
    assert (consent.groups, (consent.valid_until - consent.valid_from).days) == (["sales"], 90)


@pytest.mark.usefixtures("clock")
def test_consent_withdraw_ends_it(client, firm, bank, owner, now):
    consent = give(firm, bank, owner, now)
    client.force_login(owner)

    client.post(reverse("finance:consent_withdraw", args=[consent.pk]))

    assert not Consent.objects.standing(now).exists()


@pytest.mark.usefixtures("clock")
def test_read_list_shows_the_firm_who_looked(client, firm, bank, owner, maker, now):
    give(firm, bank, owner, now)
    reads.allow(firm=firm, reader=bank, by=maker, purpose="review", groups=["sales"], now=now, subject="A-77")
    client.force_login(owner)

    assert "A-77" in page(client, "read_list").content.decode()
    client.force_login(maker)
    assert "A-77" not in page(client, "read_list").content.decode()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ["consent_list", "read_list"])
def test_consent_lists_ask_as_often_for_three_as_for_one(client, firm, owner, maker, now, name, count_queries):
    def add():
        bank = OrganisationFactory(kind=Organisation.Kind.BANK)
        give(firm, bank, owner, now)
        reads.allow(firm=firm, reader=bank, by=maker, purpose="review", groups=["sales"], now=now)

    client.force_login(owner)
    add()
    address = reverse(f"finance:{name}")
    once = count_queries(address)
    add()
    add()

    assert count_queries(address) == once


@pytest.mark.usefixtures("clock")
def test_api_gives_and_withdraws_consents(client, firm, bank, owner, now):
    client.force_login(owner)
    said = {"firm": firm.pk, "reader": bank.pk, "purpose": "review", "groups": ["sales"]}
    said["valid_until"] = (now + YEAR).isoformat()

    given = client.post(reverse("finance:api_consent_list"), said, content_type="application/json")
    withdrawn = client.post(reverse("finance:api_consent_withdraw", args=[given.json()["id"]]))

    assert (given.status_code, withdrawn.status_code) == (201, 200)
    assert withdrawn.json()["withdrawn_at"]
    assert client.get(reverse("finance:api_consent_list")).json()["count"] == 1


@pytest.mark.usefixtures("clock")
def test_api_lets_nobody_consent_for_another_firm(client, firm, bank, maker, now):
    client.force_login(maker)
    said = {"firm": firm.pk, "reader": bank.pk, "purpose": "review", "groups": ["sales"]}
    said["valid_until"] = (now + YEAR).isoformat()

    answer = client.post(reverse("finance:api_consent_list"), said, content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["firm"])
