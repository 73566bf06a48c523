import pytest
from django.urls import reverse

from marketplace.models import Invitation, Membership
from marketplace.services import memberships
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def owner(client):
    owner = UserFactory()
    client.force_login(owner)
    return owner


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner])


def invited(organisation, owner, now, email="new@example.com"):
    return memberships.invite(organisation=organisation, email=email, role=Role.TRADER, by=owner, now=now)


def test_membership_list_invites(client, organisation):
    path = reverse("marketplace:membership_list", args=[organisation.pk])

    response = client.post(path, {"email": "new@example.com", "role": "trader"})

    assert response.url == path
    assert [(one.email, one.role) for one in organisation.invitations.all()] == [("new@example.com", "trader")]


def test_membership_list_shows_why_an_invitation_is_refused(client, organisation, owner):
    path = reverse("marketplace:membership_list", args=[organisation.pk])

    assert client.post(path, {"email": owner.email, "role": "trader"}).status_code == 409
    assert client.post(path, {"email": "nonsense", "role": "trader"}).status_code == 422


def test_membership_list_is_for_members_and_invites_only_for_owners(client, organisation):
    path = reverse("marketplace:membership_list", args=[organisation.pk])
    viewer, stranger = UserFactory(), UserFactory()
    MembershipFactory(organisation=organisation, user=viewer, role=Role.VIEWER)

    client.force_login(viewer)
    assert client.get(path).status_code == 200
    assert client.post(path, {"email": "new@example.com", "role": "owner"}).status_code == 409
    client.force_login(stranger)
    assert client.get(path).status_code == 404
    assert not Invitation.objects.exists()


def test_membership_list_asks_as_much_for_three_members_as_for_one(client, organisation, count_queries):
    path = reverse("marketplace:membership_list", args=[organisation.pk])
    for_one = count_queries(path)
    MembershipFactory.create_batch(2, organisation=organisation, role=Role.VIEWER)

    assert count_queries(path) == for_one


def test_membership_change_role(client, organisation):
    member = MembershipFactory(organisation=organisation, role=Role.VIEWER)

    client.post(reverse("marketplace:membership_change_role", args=[member.pk]), {"role": "trader"})

    member.refresh_from_db()
    assert member.role == Role.TRADER


def test_membership_remove_keeps_the_last_owner(client, organisation, owner):
    own = organisation.memberships.get(user=owner)

    response = client.post(reverse("marketplace:membership_remove", args=[own.pk]))

    assert response.status_code == 409
    assert organisation.memberships.count() == 1


def test_membership_remove_by_an_owner_and_by_oneself(client, organisation):
    member, leaver = MembershipFactory.create_batch(2, organisation=organisation, role=Role.VIEWER)

    client.post(reverse("marketplace:membership_remove", args=[member.pk]))
    client.force_login(leaver.user)
    response = client.post(reverse("marketplace:membership_remove", args=[leaver.pk]))

    assert response.url == reverse("marketplace:workspace")
    assert organisation.memberships.count() == 1


def test_membership_hand_over(client, organisation, owner):
    member = MembershipFactory(organisation=organisation, role=Role.TRADER)

    client.post(reverse("marketplace:membership_hand_over", args=[member.pk]))

    assert dict(organisation.memberships.values_list("user", "role")) == {
        member.user_id: Role.OWNER,
        owner.pk: Role.TRADER,
    }


@pytest.mark.parametrize("name", ["membership_change_role", "membership_remove", "membership_hand_over"])
def test_membership_pages_are_not_for_strangers(client, name):
    member = MembershipFactory(role=Role.VIEWER)
    client.force_login(UserFactory())

    assert client.post(reverse(f"marketplace:{name}", args=[member.pk]), {"role": "owner"}).status_code == 404


def test_invitation_accept_makes_a_member_once(client, organisation, owner, real_now):
    _invitation, token = invited(organisation, owner, real_now)
    guest = UserFactory()
    client.force_login(guest)

    shown = client.get(reverse("marketplace:invitation_detail", args=[token]))
    response = client.post(reverse("marketplace:invitation_accept", args=[token]))
    again = client.post(reverse("marketplace:invitation_accept", args=[token]))

    assert shown.status_code == 200
    assert response.url == reverse("marketplace:organisation_detail", args=[organisation.pk])
    assert organisation.memberships.get(user=guest).role == Role.TRADER
    assert again.status_code == 409


def test_invitation_detail_brings_a_person_without_account_back(client, organisation, owner, real_now):
    _invitation, token = invited(organisation, owner, real_now)
    client.logout()
    path = reverse("marketplace:invitation_detail", args=[token])

    assert f"{reverse('marketplace:sign_up')}?next={path}" in client.get(path).text


def test_invitation_detail_of_an_unknown_link_is_not_found(client):
    assert client.get(reverse("marketplace:invitation_detail", args=["nonsense"])).status_code == 404


def test_invitation_withdraw(client, organisation, owner, real_now):
    invitation, token = invited(organisation, owner, real_now)

    client.post(reverse("marketplace:invitation_withdraw", args=[invitation.pk]))

    assert client.get(reverse("marketplace:invitation_detail", args=[token])).status_code == 404
