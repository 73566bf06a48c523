import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.db.models import ProtectedError

from marketplace.models import (
    Block,
    Category,
    Invitation,
    Listing,
    ListingImport,
    Membership,
    Organisation,
    Report,
    UsccContest,
)
from tests.factories import NOON, CategoryFactory, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name_zh": "", "name_en": ""},
        {"uscc": None},
        {"uscc": "9133102100000000"},
        {"uscc": "91331021000000000I"},
        {"identifier_type": "lei"},
        {"identifier_type": "lei", "uscc": None},
        {"state": "pending"},
        {"reviewed_at": None},
    ],
)
def test_the_database_refuses_impossible_organisations(wrong):
    with pytest.raises(IntegrityError):
        OrganisationFactory(**wrong)


def test_an_identifier_belongs_to_one_organisation():
    first = OrganisationFactory()
    foreign = {"uscc": None, "identifier_type": "vat", "foreign_identifier": "DE1", "country": "DE"}
    OrganisationFactory(**foreign)
    OrganisationFactory(**(foreign | {"country": "AT"}))

    with pytest.raises(IntegrityError):
        OrganisationFactory(uscc=first.uscc)


def test_a_foreign_identifier_belongs_to_one_organisation():
    foreign = {"uscc": None, "identifier_type": "vat", "foreign_identifier": "DE1", "country": "DE"}
    OrganisationFactory(**foreign)

    with pytest.raises(IntegrityError):
        OrganisationFactory(**foreign)


def test_a_user_is_a_member_once():
    membership = MembershipFactory()

    with pytest.raises(IntegrityError):
        MembershipFactory(user=membership.user, organisation=membership.organisation)


def test_an_address_belongs_to_one_user_whatever_its_case():
    UserFactory(email="liu@example.com")

    with pytest.raises(IntegrityError):
        UserFactory(email="LIU@example.com")


def invitation(**changes):
    values = {
        "email": "a@example.com", "role": "trader", "token_hash": "a", "created_at": NOON, "expires_at": NOON + HOUR,
    } | changes  # fmt: skip
    organisation = values.pop("organisation", None) or OrganisationFactory()
    return Invitation.objects.create(organisation=organisation, invited_by=UserFactory(), **values)


def test_an_address_is_invited_once_at_a_time():
    first = invitation()

    with pytest.raises(IntegrityError):
        invitation(organisation=first.organisation, token_hash="b")


def test_an_invitation_is_accepted_by_somebody():
    with pytest.raises(IntegrityError):
        invitation(accepted_at=NOON)


def test_an_invitation_is_open_until_it_expires():
    row = invitation()

    assert list(Invitation.objects.open(NOON)) == [row]
    assert not Invitation.objects.open(NOON + HOUR).exists()


def test_an_organisation_does_not_block_itself():
    organisation = OrganisationFactory()

    with pytest.raises(IntegrityError):
        Block.objects.create(organisation=organisation, blocked=organisation, by=UserFactory(), created_at=NOON)


def test_a_contest_is_decided_with_an_outcome_by_somebody():
    with pytest.raises(IntegrityError):
        UsccContest.objects.create(
            organisation=OrganisationFactory(), claimant=UserFactory(), evidence="x", created_at=NOON, outcome="upheld"
        )


def test_a_report_is_answered_by_somebody():
    with pytest.raises(IntegrityError):
        Report.objects.create(
            organisation=OrganisationFactory(), by=UserFactory(), reason="spam", text="x", created_at=NOON,
            answered_at=NOON,
        )  # fmt: skip


def test_a_category_is_not_its_own_parent():
    category = CategoryFactory()

    with pytest.raises(IntegrityError):
        Category.objects.filter(pk=category.pk).update(parent=category)


def test_a_category_in_use_cannot_be_deleted():
    listing = ListingFactory()

    with pytest.raises(ProtectedError):
        listing.category.delete()


def test_an_organisation_imports_one_file_at_a_time():
    organisation, user = OrganisationFactory(), UserFactory()
    values = {"organisation": organisation, "by": user, "file": "a.csv", "file_name": "a.csv", "requested_at": NOON}
    ListingImport.objects.create(**values, status="done")
    ListingImport.objects.create(**values)

    with pytest.raises(IntegrityError):
        ListingImport.objects.create(**values)


def test_external_ids_are_unique_per_organisation():
    first = ListingFactory(external_id="A")
    ListingFactory(external_id="A")

    with pytest.raises(IntegrityError):
        ListingFactory(external_id="A", organisation=first.organisation)


def test_open_listings_need_a_side():
    with pytest.raises(IntegrityError):
        ListingFactory(side="")


def test_open_leaves_out_the_expired_and_those_of_organisations_not_approved():
    lasting = ListingFactory(expires_at=NOON + HOUR)
    endless = ListingFactory()
    ListingFactory(expires_at=NOON)
    ListingFactory(status=Listing.Status.PAUSED)
    ListingFactory(organisation__state=Organisation.State.SUSPENDED)

    assert set(Listing.objects.open(NOON)) == {lasting, endless}


def test_visible_to_follows_visibility():
    friend, firm, newcomer = UserFactory(), UserFactory(), UserFactory()
    named_firm = OrganisationFactory(members=[friend])
    OrganisationFactory(members=[firm])
    OrganisationFactory(members=[newcomer], state="pending", reviewed_at=None)
    public, verified, named = (ListingFactory(visibility=value) for value in ("public", "verified", "named"))
    named.audiences.create(organisation=named_firm)

    def seen(user):
        return set(Listing.objects.visible_to(user, NOON))

    assert seen(AnonymousUser()) == {public}
    assert seen(newcomer) == {public}
    assert seen(firm) == {public, verified}
    assert seen(friend) == {public, verified, named}
    assert seen(UserFactory(is_staff=True)) == {public, verified, named}


def test_visible_to_shows_members_their_own_in_every_status():
    viewer = UserFactory()
    organisation = OrganisationFactory(members__viewer=viewer, state="pending", reviewed_at=None)
    own = [ListingFactory(organisation=organisation, status=status) for status in ("draft", "paused", "closed")]

    assert set(Listing.objects.visible_to(viewer, NOON)) == set(own)
    assert not Listing.objects.editable_by(viewer).exists()


@pytest.mark.parametrize("who_blocks", ["reader", "seller"])
def test_visible_to_parts_those_who_blocked_each_other(who_blocks):
    reader = UserFactory()
    ours, theirs = OrganisationFactory(members=[reader]), OrganisationFactory()
    ListingFactory(organisation=theirs)
    pair = (ours, theirs) if who_blocks == "reader" else (theirs, ours)
    Block.objects.create(organisation=pair[0], blocked=pair[1], by=reader, created_at=NOON)

    assert not Listing.objects.visible_to(reader, NOON).exists()


def test_become_follows_the_transitions():
    listings = {status: ListingFactory(status=status) for status in Listing.Status}

    for wanted, reachable_from in Listing.TRANSITIONS.items():
        for status, listing in listings.items():
            Listing.objects.filter(pk=listing.pk).update(status=status, revision=1)

            moved = Listing.objects.filter(pk=listing.pk).become(wanted, now=NOON)

            listing.refresh_from_db()
            assert bool(moved) == (status in reachable_from), (status, wanted)
            assert listing.revision == (2 if moved else 1)


def test_roles_of_every_kind_have_owners_and_fit_the_kind():
    assert set(Membership.ROLES) == set(Organisation.Kind)
    assert all(Membership.Role.OWNER in roles for roles in Membership.ROLES.values())
    assert [kind for kind, roles in Membership.ROLES.items() if Membership.Role.GATEKEEPER in roles] == [
        "park_operator"
    ]


def test_with_numbers_counts_what_everybody_can_see():
    organisation = OrganisationFactory()
    ListingFactory(organisation=organisation)
    ListingFactory(organisation=organisation, visibility="named")
    ListingFactory(organisation=organisation, expires_at=NOON)

    assert Organisation.objects.with_numbers(NOON).get().open_listing_count == 1


def test_names_and_titles_follow_the_language():
    listing = ListingFactory(title_zh="球阀", title_en="")

    assert (listing.title, listing.category.name, listing.organisation.name[:1]) == ("球阀", "球阀", "第")
