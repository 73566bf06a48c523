import re

import pytest

from marketplace.models import Mail, Membership, Notification
from marketplace.services import memberships, organisations
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory, uscc

pytestmark = pytest.mark.django_db


def told(user) -> list[tuple[str, str]]:
    """Return what a user was told in the app."""
    rows = Notification.objects.in_app_of(user).order_by("requested_at")
    return [(row.event, row.title_en) for row in rows]


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner], name_en="Ball {Works}", state="pending", reviewed_at=None)


@pytest.fixture
def operator():
    return UserFactory(is_staff=True)


def test_a_registration_is_told_to_the_platform_operator(operator, owner, now):
    organisations.register_organisation(by=owner, now=now, name_en="New Works", uscc=uscc(9001))
    organisations.register_organisation(by=owner, now=now, name_en="Demo Works", uscc=uscc(9002), is_demo=True)

    assert told(operator) == [("organisation.registered", "“New Works” waits for approval")]


def test_an_approval_is_told_to_the_members(organisation, owner, operator, now):
    organisations.approve_organisation(organisation=organisation, by=operator, now=now, note="welcome")

    assert told(owner) == [("organisation.approved", "“Ball {Works}” was approved: its listings are public now")]


def test_a_contest_is_told_to_the_owner_and_its_outcome_to_the_claimant(organisation, owner, operator, now):
    claimant = UserFactory()
    contest = organisations.contest_uscc(organisation=organisation, by=claimant, evidence="licence", now=now)
    organisations.decide_contest(contest=contest, is_upheld=False, by=operator, now=now, note="no proof")

    assert [event for event, _title in told(owner)] == ["uscc.contested"]
    assert told(claimant) == [("uscc_contest.decided", "Your claim of “Ball {Works}” was rejected")]


def test_an_answer_is_told_to_who_reported(organisation, operator, now):
    reporter = UserFactory()
    report = organisations.report_organisation(organisation=organisation, reason="spam", text="x", by=reporter, now=now)
    organisations.answer_report(report=report, by=operator, answer="looked at", now=now)

    assert told(reporter) == [("report.answered", "Your report on “Ball {Works}” was answered")]


def test_an_invitation_goes_out_with_a_link_that_works(organisation, owner, now):
    newcomer = UserFactory(email="new@example.com", language="en")

    memberships.invite(organisation=organisation, email="new@example.com", role="trader", by=owner, now=now)

    mail = Mail.objects.get()
    assert (mail.to, mail.language) == ("new@example.com", "en")
    assert mail.subject == f"{owner.username} invites you to “Ball {{Works}}”"
    token = re.search(r"/invitations/([^/]+)/", mail.body)[1]
    assert memberships.accept_invitation(token=token, by=newcomer, now=now).role == Membership.Role.TRADER
    assert told(owner) == [("member.joined", f"{newcomer.username} joined “Ball {{Works}}”")]


def test_a_member_is_told_of_being_removed_but_not_of_leaving(organisation, owner, now):
    removed, leaving = MembershipFactory.create_batch(2, organisation=organisation, role="trader")

    memberships.remove_member(membership=removed, by=owner, now=now)
    memberships.remove_member(membership=leaving, by=leaving.user, now=now)

    assert told(removed.user) == [("member.removed", "You are no longer a member of “Ball {Works}”")]
    assert told(leaving.user) == []
