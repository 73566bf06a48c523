import pytest
from django.urls import reverse

from marketplace.models import Organisation
from marketplace.services import organisations
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
State = Organisation.State


@pytest.fixture
def operator(client):
    operator = UserFactory(is_staff=True)
    client.force_login(operator)
    return operator


def pending():
    return OrganisationFactory(state=State.PENDING, reviewed_at=None)


def test_review_queue_shows_what_waits_and_asks_as_much_for_three_as_for_one(client, operator, count_queries, now):
    def claim_and_report():
        organisation = pending()
        organisations.contest_uscc(organisation=organisation, by=UserFactory(), evidence="执照", now=now)
        organisations.report_organisation(organisation=organisation, reason="spam", text="x", by=UserFactory(), now=now)

    path = reverse("marketplace:review_queue")
    OrganisationFactory()
    claim_and_report()
    for_one = count_queries(path)
    claim_and_report()
    claim_and_report()

    assert count_queries(path) == for_one
    context = client.get(path).context
    assert [len(context[name]) for name in ("organisations", "contests", "reports")] == [3, 3, 3]


@pytest.mark.parametrize("user", [None, "a member"])
def test_review_queue_is_for_the_platform_operator(client, user):
    if user:
        client.force_login(UserFactory())

    assert reverse("marketplace:log_in") in client.get(reverse("marketplace:review_queue")).url


@pytest.mark.parametrize(("decision", "state"), [("approve", State.APPROVED), ("refuse", State.REFUSED)])
def test_organisation_review(client, operator, decision, state):
    organisation = pending()
    path = reverse("marketplace:organisation_review", args=[organisation.pk])

    client.post(path, {"decision": decision, "note": "Licence seen"})

    organisation.refresh_from_db()
    assert (organisation.state, organisation.reviewed_by, organisation.review_note) == (state, operator, "Licence seen")


def test_organisation_review_twice_says_that_it_was_decided(client, operator):
    organisation = pending()
    path = reverse("marketplace:organisation_review", args=[organisation.pk])
    client.post(path, {"decision": "approve"})

    assert client.post(path, {"decision": "approve"}).status_code == 409


def test_contest_decide_hands_the_firm_over(client, operator, now):
    claimant, organisation = UserFactory(), pending()
    contest = organisations.contest_uscc(organisation=organisation, by=claimant, evidence="执照", now=now)

    client.post(reverse("marketplace:contest_decide", args=[contest.pk]), {"decision": "uphold"})

    assert [membership.user for membership in organisation.memberships.all()] == [claimant]


def test_report_answer(client, operator, now):
    report = organisations.report_organisation(
        organisation=OrganisationFactory(), reason="spam", text="x", by=UserFactory(), now=now
    )

    client.post(reverse("marketplace:report_answer", args=[report.pk]), {"note": "Warned"})

    report.refresh_from_db()
    assert (report.answer, report.answered_by) == ("Warned", operator)


@pytest.mark.parametrize("name", ["organisation_review", "contest_decide", "report_answer"])
def test_review_actions_are_for_the_platform_operator(client, name):
    client.force_login(UserFactory())

    assert reverse("marketplace:log_in") in client.post(reverse(f"marketplace:{name}", args=[1])).url
