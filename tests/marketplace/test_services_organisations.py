import pytest
from django.utils import translation

from config.errors import InputRefused
from marketplace.models import (
    Block,
    Invitation,
    Listing,
    Membership,
    Organisation,
    Report,
    UsccContest,
    WebhookEndpoint,
)
from marketplace.services import organisations
from tests.factories import ListingFactory, MembershipFactory, OrganisationFactory, UserFactory, uscc
from tests.races import race

pytestmark = pytest.mark.django_db
State = Organisation.State


def register(by, now, **changes):
    profile = {"name_zh": "玉环阀门厂", "uscc": uscc(4242), "region": "331083", "industry": "3443"}
    return organisations.register_organisation(by=by, now=now, **(profile | changes))


def operator():
    return UserFactory(is_staff=True)


def test_register_organisation_makes_a_pending_firm_with_its_owner(now):
    user = UserFactory()

    organisation = register(user, now)

    assert organisation.state == State.PENDING
    assert [(m.user, m.role) for m in organisation.memberships.all()] == [(user, Membership.Role.OWNER)]


def test_register_organisation_reads_a_uscc_written_with_blanks_and_small_letters(now):
    written = uscc(7).lower()

    organisation = register(UserFactory(), now, uscc=f" {written[:9]} {written[9:]} ")

    assert organisation.uscc == uscc(7)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "Enter the unified"),
        ("9133102", "this one has 7"),
        (uscc(1)[:-1] + "!", "digits and capital letters"),
        (uscc(1)[:-2] + ("1" if uscc(1)[-2] != "1" else "2") + uscc(1)[-1], "check digit"),
    ],
)
def test_register_organisation_says_what_is_wrong_with_the_uscc(now, code, words):
    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        register(UserFactory(), now, uscc=code)

    assert list(refusal.value.errors) == ["uscc"]
    assert words in refusal.value.errors["uscc"][0]


def test_register_organisation_names_every_field_it_refuses(now):
    with pytest.raises(InputRefused) as refusal:
        register(
            UserFactory(), now, name_zh="", industry="9999", contact_email="nowhere", kind="circus", region="999999"
        )

    assert sorted(refusal.value.errors) == ["contact_email", "industry", "kind", "name_zh", "region"]


def test_register_organisation_takes_the_name_of_a_region(now):
    assert register(UserFactory(), now, region="玉环市").region == "331083"


def test_register_organisation_takes_a_firm_from_abroad(now):
    organisation = register(
        UserFactory(), now, uscc="", identifier_type="lei", foreign_identifier="213800kud8lajwsq9d15", country="gb"
    )

    assert (organisation.uscc, organisation.foreign_identifier) == (None, "213800KUD8LAJWSQ9D15")
    assert organisation.country == "GB"


def test_register_organisation_refuses_a_uscc_taken_by_another(now):
    first = register(UserFactory(), now)

    with pytest.raises(organisations.UsccAlreadyTaken) as refusal:
        register(UserFactory(), now, name_zh="冒名厂")

    assert refusal.value.organisation == first


@pytest.mark.django_db(transaction=True)
def test_register_organisation_lets_one_of_four_have_the_uscc(now):
    users = UserFactory.create_batch(4)

    outcomes = race(*(lambda user=user: register(user, now) for user in users))

    assert Organisation.objects.count() == 1
    assert sum(isinstance(outcome, organisations.UsccAlreadyTaken) for outcome in outcomes) == 3


def test_update_profile_keeps_the_approval_when_only_the_contact_changes(now):
    owner = UserFactory()
    organisation = OrganisationFactory(members=[owner])

    organisations.update_profile(organisation=organisation, by=owner, now=now, contact_name="王工")

    organisation.refresh_from_db()
    assert (organisation.contact_name, organisation.state) == ("王工", State.APPROVED)


def test_update_profile_with_another_name_waits_for_approval_again(now):
    owner = UserFactory()
    organisation = OrganisationFactory(members=[owner])
    listing = ListingFactory(organisation=organisation)

    organisations.update_profile(organisation=organisation, by=owner, now=now, name_zh="另一家厂")

    organisation.refresh_from_db()
    listing.refresh_from_db()
    assert (organisation.state, organisation.reviewed_at) == (State.PENDING, None)
    assert listing.revision == 2
    assert not Listing.objects.open(now).exists()


def test_update_profile_is_for_owners(now):
    trader = UserFactory()
    organisation = OrganisationFactory(members__trader=trader)

    with pytest.raises(organisations.OnlyOwnersMay):
        organisations.update_profile(organisation=organisation, by=trader, now=now, contact_name="王工")


def test_approve_organisation_makes_its_listings_public_and_looks_again(now):
    organisation = OrganisationFactory(state=State.PENDING, reviewed_at=None)
    listing = ListingFactory(organisation=organisation)

    organisations.approve_organisation(organisation=organisation, by=operator(), now=now)

    listing.refresh_from_db()
    assert list(Listing.objects.open(now)) == [listing]
    assert listing.revision == 2


def test_approve_organisation_refuses_an_approved_one(now):
    with pytest.raises(organisations.OrganisationNotInStateForThis):
        organisations.approve_organisation(organisation=OrganisationFactory(), by=operator(), now=now)


def test_approve_organisation_is_for_the_platform_operator(now):
    owner = UserFactory()
    organisation = OrganisationFactory(state=State.PENDING, reviewed_at=None, members=[owner])

    with pytest.raises(organisations.OnlyPlatformOperatorMay):
        organisations.approve_organisation(organisation=organisation, by=owner, now=now)


def test_refuse_and_suspend_keep_the_note(now):
    waiting, approved = OrganisationFactory(state=State.PENDING, reviewed_at=None), OrganisationFactory()

    organisations.refuse_organisation(organisation=waiting, by=operator(), now=now, note="no licence")
    organisations.suspend_organisation(organisation=approved, by=operator(), now=now, note="fraud")

    assert (waiting.state, waiting.review_note) == (State.REFUSED, "no licence")
    assert (approved.state, approved.review_note) == (State.SUSPENDED, "fraud")


@pytest.mark.django_db(transaction=True)
def test_review_lets_one_of_two_operators_decide(now):
    organisation = OrganisationFactory(state=State.PENDING, reviewed_at=None)
    first, second = operator(), operator()

    outcomes = race(
        lambda: organisations.refuse_organisation(organisation=organisation, by=first, now=now, note="no"),
        lambda: organisations.refuse_organisation(organisation=organisation, by=second, now=now, note="no"),
    )

    assert sum(isinstance(o, organisations.OrganisationNotInStateForThis) for o in outcomes) == 1


def test_contest_uscc_upheld_hands_the_firm_over(now):
    impostor, claimant = UserFactory(), UserFactory()
    organisation = OrganisationFactory(members=[impostor])
    listing = ListingFactory(organisation=organisation)
    endpoint = WebhookEndpoint.objects.create(
        organisation=organisation, url="https://evil.example/", secret="whsec_x", created_at=now
    )
    Invitation.objects.create(
        organisation=organisation, email="x@example.com", role="owner", token_hash="0", invited_by=impostor,
        created_at=now, expires_at=now.replace(year=2027),
    )  # fmt: skip
    contest = organisations.contest_uscc(organisation=organisation, by=claimant, evidence="licence", now=now)

    organisations.decide_contest(contest=contest, is_upheld=True, by=operator(), now=now)

    endpoint.refresh_from_db()
    listing.refresh_from_db()
    assert [(m.user, m.role) for m in organisation.memberships.all()] == [(claimant, Membership.Role.OWNER)]
    assert not Invitation.objects.open(now).exists()
    assert endpoint.disabled_at == now
    assert listing.status == Listing.Status.PAUSED


def test_contest_uscc_rejected_changes_no_member(now):
    owner = UserFactory()
    organisation = OrganisationFactory(members=[owner])
    contest = organisations.contest_uscc(organisation=organisation, by=UserFactory(), evidence="mine", now=now)

    organisations.decide_contest(contest=contest, is_upheld=False, by=operator(), now=now, note="no proof")

    assert [m.user for m in organisation.memberships.all()] == [owner]
    assert contest.outcome == UsccContest.Outcome.REJECTED


def test_contest_uscc_is_open_once_per_claimant_and_not_for_members(now):
    owner, claimant = UserFactory(), UserFactory()
    organisation = OrganisationFactory(members=[owner])
    contest = organisations.contest_uscc(organisation=organisation, by=claimant, evidence="mine", now=now)

    with pytest.raises(organisations.UsccContestAlreadyOpen):
        organisations.contest_uscc(organisation=organisation, by=claimant, evidence="mine", now=now)
    with pytest.raises(organisations.OwnOrganisationNotContestable):
        organisations.contest_uscc(organisation=organisation, by=owner, evidence="mine", now=now)
    organisations.decide_contest(contest=contest, is_upheld=False, by=operator(), now=now)
    with pytest.raises(organisations.UsccContestAlreadyDecided):
        organisations.decide_contest(contest=contest, is_upheld=True, by=operator(), now=now)


def test_block_organisation_parts_both(now):
    ours, theirs = UserFactory(), UserFactory()
    us, them = OrganisationFactory(members=[ours]), OrganisationFactory(members=[theirs])
    listing = ListingFactory(organisation=us)

    block = organisations.block_organisation(organisation=us, blocked=them, by=ours, now=now)

    assert not Listing.objects.visible_to(theirs, now).filter(pk=listing.pk).exists()
    with pytest.raises(organisations.OrganisationAlreadyBlocked):
        organisations.block_organisation(organisation=us, blocked=them, by=ours, now=now)
    organisations.unblock_organisation(block=block, by=ours, now=now)
    assert not Block.objects.exists()


def test_block_organisation_refuses_itself_and_strangers(now):
    ours = UserFactory()
    us = OrganisationFactory(members=[ours])

    with pytest.raises(organisations.OwnOrganisationNotBlockable):
        organisations.block_organisation(organisation=us, blocked=us, by=ours, now=now)
    with pytest.raises(organisations.OnlyMembersMay):
        organisations.block_organisation(organisation=us, blocked=OrganisationFactory(), by=UserFactory(), now=now)


def test_report_organisation_is_open_once_and_answered_once(now):
    reporter, organisation = UserFactory(), OrganisationFactory()
    report = organisations.report_organisation(
        organisation=organisation, reason=Report.Reason.FRAUD, text="fake", by=reporter, now=now
    )

    with pytest.raises(organisations.ReportAlreadyOpen):
        organisations.report_organisation(organisation=organisation, reason="spam", text="x", by=reporter, now=now)
    organisations.answer_report(report=report, by=operator(), answer="looked at", now=now)
    with pytest.raises(organisations.ReportAlreadyAnswered):
        organisations.answer_report(report=report, by=operator(), answer="again", now=now)

    assert report.answer == "looked at"


def test_report_organisation_names_every_field_it_refuses(now):
    with pytest.raises(InputRefused) as refusal:
        organisations.report_organisation(
            organisation=OrganisationFactory(),
            reason="?",
            text=" ",
            by=UserFactory(),
            now=now,
            listing=ListingFactory(),
        )

    assert sorted(refusal.value.errors) == ["listing", "reason", "text"]


def test_organisations_visible_to_a_stranger_are_the_approved_ones():
    member = UserFactory()
    waiting = OrganisationFactory(state=State.PENDING, reviewed_at=None, members=[member])
    approved = OrganisationFactory()

    assert set(Organisation.objects.visible_to(member)) == {waiting, approved}
    assert list(Organisation.objects.visible_to(UserFactory())) == [approved]
    assert MembershipFactory(organisation=waiting).organisation == waiting
