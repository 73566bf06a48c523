import datetime as dt

import pytest

from config.errors import InputRefused
from marketplace.models import Invitation, Membership
from marketplace.services import memberships, organisations
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner])


def invite(organisation, owner, now, **changes):
    call = {"email": "new@example.com", "role": Role.TRADER} | changes
    return memberships.invite(organisation=organisation, by=owner, now=now, **call)


def test_invite_keeps_only_the_hash_of_the_token(organisation, owner, now):
    invitation, token = invite(organisation, owner, now, email=" New@Example.com")

    assert invitation.email == "new@example.com"
    assert token not in invitation.token_hash
    assert memberships.find_invitation(token=token, now=now) == invitation


def test_invite_again_replaces_the_first_link(organisation, owner, now):
    _, first = invite(organisation, owner, now)

    _, second = invite(organisation, owner, now)

    assert memberships.find_invitation(token=first, now=now) is None
    assert memberships.find_invitation(token=second, now=now) is not None


def test_invite_refuses_members_bad_addresses_and_roles_of_other_kinds(organisation, owner, now):
    with pytest.raises(memberships.AlreadyMember):
        invite(organisation, owner, now, email=owner.email.upper())
    with pytest.raises(InputRefused):
        invite(organisation, owner, now, email="nowhere")
    with pytest.raises(InputRefused):
        invite(organisation, owner, now, role=Role.CHECKER)
    with pytest.raises(organisations.OnlyOwnersMay):
        invite(organisation, UserFactory(), now)


def test_accept_invitation_makes_a_member(organisation, owner, now):
    user = UserFactory()
    _, token = invite(organisation, owner, now)

    membership = memberships.accept_invitation(token=token, by=user, now=now)

    assert (membership.organisation, membership.user, membership.role) == (organisation, user, Role.TRADER)


def test_accept_invitation_refuses_expired_withdrawn_unknown_and_used_links(organisation, owner, now):
    invitation, token = invite(organisation, owner, now)

    with pytest.raises(memberships.InvitationNoLongerOpen):
        memberships.accept_invitation(token=token, by=UserFactory(), now=now + dt.timedelta(days=15))
    with pytest.raises(memberships.InvitationNoLongerOpen):
        memberships.accept_invitation(token="guess", by=UserFactory(), now=now)
    memberships.withdraw_invitation(invitation=invitation, by=owner, now=now)
    with pytest.raises(memberships.InvitationNoLongerOpen):
        memberships.accept_invitation(token=token, by=UserFactory(), now=now)
    with pytest.raises(memberships.InvitationNoLongerOpen):
        memberships.withdraw_invitation(invitation=invitation, by=owner, now=now)


def test_accept_invitation_by_a_member_leaves_the_link_open(organisation, owner, now):
    _, token = invite(organisation, owner, now)

    with pytest.raises(memberships.AlreadyMember):
        memberships.accept_invitation(token=token, by=owner, now=now)

    assert Invitation.objects.open(now).count() == 1


@pytest.mark.django_db(transaction=True)
def test_accept_invitation_makes_one_member_of_four_at_once(organisation, owner, now):
    _, token = invite(organisation, owner, now)
    users = UserFactory.create_batch(4)

    outcomes = race(*(lambda user=user: memberships.accept_invitation(token=token, by=user, now=now) for user in users))

    assert organisation.memberships.count() == 2
    assert sum(isinstance(outcome, memberships.InvitationNoLongerOpen) for outcome in outcomes) == 3


def test_remove_member_takes_a_member_out_and_lets_members_leave(organisation, owner, now):
    removed, leaving = MembershipFactory.create_batch(2, organisation=organisation, role=Role.TRADER)

    memberships.remove_member(membership=removed, by=owner, now=now)
    memberships.remove_member(membership=leaving, by=leaving.user, now=now)

    assert [m.user for m in organisation.memberships.all()] == [owner]
    with pytest.raises(memberships.NoLongerMember):
        memberships.remove_member(membership=removed, by=owner, now=now)


def test_remove_member_is_for_owners(organisation, now):
    trader, viewer = MembershipFactory.create_batch(2, organisation=organisation, role=Role.TRADER)

    with pytest.raises(organisations.OnlyOwnersMay):
        memberships.remove_member(membership=viewer, by=trader.user, now=now)


def test_last_owner_cannot_leave_or_step_down(organisation, owner, now):
    membership = organisation.memberships.get()

    with pytest.raises(memberships.LastOwnerCannotLeave):
        memberships.remove_member(membership=membership, by=owner, now=now)
    with pytest.raises(memberships.LastOwnerCannotLeave):
        memberships.change_role(membership=membership, role=Role.TRADER, by=owner)


@pytest.mark.django_db(transaction=True)
def test_two_last_owners_cannot_both_leave(now):
    first, second = UserFactory(), UserFactory()
    organisation = OrganisationFactory(members=[first, second])
    rows = list(organisation.memberships.order_by("pk"))

    outcomes = race(*(lambda row=row: memberships.remove_member(membership=row, by=row.user, now=now) for row in rows))

    assert organisation.memberships.owners().count() == 1
    assert sum(isinstance(outcome, memberships.LastOwnerCannotLeave) for outcome in outcomes) == 1


def test_change_role_keeps_to_the_roles_of_the_kind(organisation, owner):
    membership = MembershipFactory(organisation=organisation, role=Role.VIEWER)

    memberships.change_role(membership=membership, role=Role.APPROVER, by=owner)

    membership.refresh_from_db()
    assert membership.role == Role.APPROVER
    with pytest.raises(InputRefused):
        memberships.change_role(membership=membership, role=Role.GATEKEEPER, by=owner)


def test_hand_over_swaps_the_roles(organisation, owner):
    heir = MembershipFactory(organisation=organisation, role=Role.TRADER)

    memberships.hand_over(membership=heir, by=owner)

    roles = {m.user: m.role for m in organisation.memberships.all()}
    assert roles == {owner: Role.TRADER, heir.user: Role.OWNER}
    with pytest.raises(organisations.OnlyOwnersMay):
        memberships.hand_over(membership=heir, by=owner)
