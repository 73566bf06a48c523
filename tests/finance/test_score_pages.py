"""The firm's pages of its score and their API."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from finance import tasks
from finance.models import CreditAssessment, RecordRead
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_application import ApplicationFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory, trade
from tests.factories_consent import ConsentFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def owner(client):
    user = UserFactory(language="en")
    client.force_login(user)
    return user


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def serving():
    return ScorecardFactory()


def page(client, name, *args, **query):
    return client.get(reverse(f"finance:{name}", args=args), query, headers=ENGLISH)


def test_score_of_a_firm_without_records_says_what_to_bring(client, firm):
    said = page(client, "score").content.decode()

    assert "Too little is known for an honest score" in said
    assert "Months with sales: 0, needed are 3." in said


def test_score_is_reckoned_and_explained(client, firm, serving):
    trade(firm, until=timezone.localdate(), known_at=NOON)
    asked = client.post(reverse("finance:score_request", args=[firm.pk]))
    working = page(client, "score").content.decode()
    tasks.assess(CreditAssessment.objects.get().pk)

    said = page(client, "score").content.decode()

    one = CreditAssessment.objects.get()
    assert asked.status_code == 302
    assert "Your score is being reckoned." in working
    assert f"<dd>{one.score}</dd>" in said
    assert "Start: a firm that is usual in everything." in said
    assert "What would raise it" in said
    assert 'id="score-waterfall"' in said


def test_score_request_with_too_few_records_is_refused(client, firm, serving):
    answer = client.post(reverse("finance:score_request", args=[firm.pk]), headers=ENGLISH)

    assert (answer.status_code, CreditAssessment.objects.count()) == (409, 0)
    assert "Too little is known" in answer.content.decode()


def test_score_shows_who_looked(client, firm, owner, serving):
    AssessmentFactory(organisation=firm, scorecard=serving)
    consent = ConsentFactory(firm=firm, reader__name_en="First Bank")
    RecordRead.objects.create(
        consent=consent,
        firm=firm,
        reader=consent.reader,
        by=owner,
        purpose="review",
        group="score",
        subject="A-7",
        at=NOON,
    )

    said = page(client, "score").content.decode()

    assert "First Bank" in said
    assert "A-7" in said


def test_score_of_a_strangers_firm_is_not_found(client, owner, firm):
    other = OrganisationFactory()
    one = AssessmentFactory(organisation=other)

    answers = [
        page(client, "score", firm=other.pk),
        page(client, "assessment_detail", one.pk),
        client.post(reverse("finance:score_request", args=[other.pk])),
        client.get(f"/api/v1/finance/assessments/{one.pk}/"),
        client.get(f"/api/v1/finance/assessments/{one.pk}/recheck/"),
        client.post("/api/v1/finance/assessments/", {"organisation": other.pk}, content_type="application/json"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6


def test_score_of_a_bank_is_not_found(client):
    user = UserFactory()
    OrganisationFactory(kind="bank", members__maker=user)
    client.force_login(user)

    assert page(client, "score").status_code == 404


def test_score_of_a_viewer_has_no_button(client, serving):
    user = UserFactory(language="en")
    client.force_login(user)
    firm = MembershipFactory(user=user, role="viewer").organisation
    trade(firm, until=timezone.localdate(), known_at=NOON)

    said = page(client, "score").content.decode()

    assert "Reckon my score" not in said


def test_score_asks_as_often_for_three_as_for_one(client, firm, owner, serving, django_assert_max_num_queries):
    counts = []
    consent = ConsentFactory(firm=firm)
    for rows in (1, 2):
        for place in range(rows):
            AssessmentFactory(organisation=firm, scorecard=serving, as_of=NOON - dt.timedelta(days=10 * rows + place))
            RecordRead.objects.create(
                consent=consent, firm=firm, reader=consent.reader, by=owner, purpose="review", group="score", at=NOON
            )
        page(client, "score")
        with django_assert_max_num_queries(60) as asked:
            page(client, "score")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_assessment_detail_reckons_it_again(client, firm, serving):
    trade(firm, until=timezone.localdate(), known_at=NOON)
    client.post(reverse("finance:score_request", args=[firm.pk]))
    one = CreditAssessment.objects.get()
    tasks.assess(one.pk)

    said = page(client, "assessment_detail", one.pk, recheck=1).content.decode()

    assert "bit for bit" in said


def test_api_gives_the_score_and_its_reasons(client, firm, serving):
    trade(firm, until=timezone.localdate(), known_at=NOON)
    asked = client.post("/api/v1/finance/assessments/", {"organisation": firm.pk}, content_type="application/json")
    tasks.assess(asked.json()["id"])

    found = client.get("/api/v1/finance/assessments/", {"organisation": firm.pk}).json()["results"]
    recheck = client.get(f"/api/v1/finance/assessments/{asked.json()['id']}/recheck/").json()

    assert asked.status_code == 201
    assert sum(reason["points"] for reason in found[0]["reasons"]) == found[0]["score"]
    assert recheck == {"is_reproduced": True, "has_same_records": True, "differences": []}


def test_api_asked_twice_with_a_key_asks_once(client, firm, serving):
    trade(firm, until=timezone.localdate(), known_at=NOON)
    said = {"data": {"organisation": firm.pk}, "content_type": "application/json", "headers": {"Idempotency-Key": "k1"}}
    first = client.post("/api/v1/finance/assessments/", **said)
    CreditAssessment.objects.update(status="failed")
    second = client.post("/api/v1/finance/assessments/", **said)

    assert (first.json()["id"], CreditAssessment.objects.count()) == (second.json()["id"], 1)


def test_api_lets_a_bank_read_with_consent_only(client, serving):
    maker = UserFactory()
    bank = OrganisationFactory(kind="bank", members__maker=maker)
    firm = OrganisationFactory()
    one = AssessmentFactory(organisation=firm, scorecard=serving)
    client.force_login(maker)
    said = {"firm": firm.pk, "reader": bank.pk, "purpose": "review", "subject": "A-1"}

    refused = client.post("/api/v1/finance/score-reads/", said, content_type="application/json")
    ConsentFactory(firm=firm, reader=bank, valid_until=timezone.now() + dt.timedelta(days=3))
    given = client.post("/api/v1/finance/score-reads/", said, content_type="application/json")

    assert (refused.status_code, refused.json()["code"]) == (409, "not_consented")
    assert (given.status_code, given.json()["id"]) == (201, one.pk)
    assert RecordRead.objects.get().subject == "A-1"


def test_bank_asks_for_a_score_from_an_application(client, serving):
    maker = UserFactory(language="en")
    bank = OrganisationFactory(kind="bank", members__maker=maker)
    firm = OrganisationFactory()
    trade(firm, until=timezone.localdate(), known_at=NOON)
    application = ApplicationFactory(firm=firm, bank=bank, status="submitted", submitted_at=NOON)
    client.force_login(maker)
    address = reverse("finance:bank_score_request", args=[application.pk])

    refused = client.post(address, headers=ENGLISH)
    ConsentFactory(firm=firm, reader=bank, valid_until=timezone.now() + dt.timedelta(days=3))
    asked = client.post(address)

    one = CreditAssessment.objects.get()
    assert (refused.status_code, asked.status_code) == (409, 302)
    assert (one.bank, set(RecordRead.objects.values_list("subject", flat=True))) == (bank, {application.number})


def test_bank_score_request_of_another_bank_is_not_found(client, serving):
    application = ApplicationFactory(status="submitted", submitted_at=NOON)
    client.force_login(UserFactory())

    assert client.post(reverse("finance:bank_score_request", args=[application.pk])).status_code == 404
