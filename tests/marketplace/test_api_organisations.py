import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Membership, Organisation
from marketplace.services import memberships
from tests.factories import CategoryFactory, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory, uscc

pytestmark = pytest.mark.django_db
ORGANISATIONS = "/api/v1/organisations/"


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner], contact_phone="0576")


def client(user=None) -> APIClient:
    cache.clear()
    made = APIClient(headers={"Accept-Language": "en"})
    if user:
        made.force_authenticate(user)
    return made


@pytest.fixture
def api(owner, organisation):
    return client(owner)


def test_register_and_change_an_organisation(api, owner):
    made = api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": uscc(77), "region": "玉环市"})
    changed = api.patch(f"{ORGANISATIONS}{made.json()['id']}/", {"address": "港北路 1 号"})

    assert (made.status_code, made.json()["state"], made.json()["region"]) == (201, "pending", "331083")
    assert changed.json()["address"] == "港北路 1 号"


def test_register_says_what_is_wrong_and_who_was_first(api, organisation):
    wrong = api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": "123", "region": "Atlantis"})
    taken = api.post(ORGANISATIONS, {"name_zh": "冒名厂", "uscc": organisation.uscc})

    assert sorted(wrong.json()["errors"]) == ["region", "uscc"]
    assert (taken.status_code, taken.json()["code"]) == (409, "uscc_already_taken")


def test_contacts_are_for_members(api, organisation):
    mine = api.get(f"{ORGANISATIONS}{organisation.pk}/").json()
    others = client().get(f"{ORGANISATIONS}{organisation.pk}/").json()

    assert mine["contact_phone"] == "0576"
    assert "contact_phone" not in others


def test_waiting_organisations_are_not_found_by_strangers(organisation):
    Organisation.objects.update(state="pending", reviewed_at=None)

    assert client(UserFactory()).get(f"{ORGANISATIONS}{organisation.pk}/").status_code == 404


def test_review_is_the_platform_operators(api, organisation):
    Organisation.objects.update(state="pending", reviewed_at=None)
    url, operator = f"{ORGANISATIONS}{organisation.pk}/review/", client(UserFactory(is_staff=True))

    by_owner = api.post(url, {"decision": "approve"})
    approved = operator.post(url, {"decision": "approve"})
    again = operator.post(url, {"decision": "approve"})
    wrong = operator.post(url, {"decision": "praise"})

    assert (by_owner.status_code, approved.json()["state"]) == (404, "approved")
    assert (again.status_code, again.json()["code"]) == (409, "organisation_not_in_state_for_this")
    assert list(wrong.json()["errors"]) == ["decision"]


def test_list_is_filtered_and_asks_the_same_for_one_and_three(api, organisation, django_assert_num_queries):
    with django_assert_num_queries(3):
        api.get(ORGANISATIONS)
    OrganisationFactory.create_batch(2, region="330100", name_en="Pump Works")

    with django_assert_num_queries(3):
        assert len(api.get(ORGANISATIONS).json()["results"]) == 3
    assert [one["id"] for one in api.get(f"{ORGANISATIONS}?mine=true").json()["results"]] == [organisation.pk]
    assert api.get(f"{ORGANISATIONS}?q=pump").json()["count"] == 2
    assert api.get(f"{ORGANISATIONS}?region=台州").json()["count"] == 1


def test_members_are_invited_changed_and_removed(api, organisation, now):
    invited = api.post(f"{ORGANISATIONS}{organisation.pk}/invitations/", {"email": "new@example.com", "role": "trader"})
    listed = api.get(f"{ORGANISATIONS}{organisation.pk}/invitations/").json()
    member = MembershipFactory(organisation=organisation, role=Membership.Role.VIEWER)
    changed = api.patch(f"/api/v1/members/{member.pk}/", {"role": "approver"})
    removed = api.delete(f"/api/v1/members/{member.pk}/")

    assert invited.status_code == 201
    assert "token" not in str(invited.json())
    assert [row["email"] for row in listed] == ["new@example.com"]
    assert changed.json()["role"] == "approver"
    assert removed.status_code == 204
    assert api.delete(f"/api/v1/invitations/{listed[0]['id']}/").status_code == 204


def test_last_owner_gets_409(api, organisation):
    answer = api.delete(f"/api/v1/members/{organisation.memberships.get().pk}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner_cannot_leave")


def test_invitation_is_accepted_with_its_token(api, owner, organisation):
    user = UserFactory()
    _row, token = memberships.invite(
        organisation=organisation, email="x@example.com", role="viewer", by=owner, now=timezone.now()
    )

    answer = client(user).post("/api/v1/invitations/accept/", {"token": token})

    assert (answer.status_code, answer.json()["role"]) == (201, "viewer")


def test_strangers_find_no_members_invitations_or_blocks(organisation):
    stranger, member = client(UserFactory()), organisation.memberships.get()

    for url in ("members/", "invitations/", "blocks/"):
        assert stranger.get(f"{ORGANISATIONS}{organisation.pk}/{url}").status_code == 404
    assert stranger.patch(f"{ORGANISATIONS}{organisation.pk}/", {"address": "x"}).status_code == 404
    assert stranger.patch(f"/api/v1/members/{member.pk}/", {"role": "viewer"}).status_code == 404
    assert stranger.delete(f"/api/v1/members/{member.pk}/").status_code == 404
    assert stranger.post(f"/api/v1/members/{member.pk}/hand-over/").status_code == 404


def test_hand_over_by_api(api, owner, organisation):
    heir = MembershipFactory(organisation=organisation, role="trader")

    answer = api.post(f"/api/v1/members/{heir.pk}/hand-over/")

    assert answer.json()["role"] == "owner"
    assert organisation.memberships.get(user=owner).role == "trader"


def test_block_report_and_contest(api, organisation):
    other = OrganisationFactory()
    listing = ListingFactory(organisation=other)
    blocks = f"{ORGANISATIONS}{organisation.pk}/blocks/"

    reported = api.post(f"{ORGANISATIONS}{other.pk}/reports/", {"reason": "spam", "text": "x", "listing": listing.pk})
    contested = api.post("/api/v1/contests/", {"uscc": other.uscc, "evidence": "licence"})
    blocked = api.post(blocks, {"blocked": other.uscc})
    unknown = api.post(blocks, {"blocked": "nobody"})

    assert (reported.status_code, contested.status_code, blocked.status_code) == (201, 201, 201)
    assert list(unknown.json()["errors"]) == ["blocked"]
    assert [block["blocked"]["id"] for block in api.get(blocks).json()] == [other.pk]
    assert api.delete(f"/api/v1/blocks/{blocked.json()['id']}/").status_code == 204


def test_import_is_taken_and_shown_to_traders_only(api, owner, organisation):
    CategoryFactory()
    file = SimpleUploadedFile("a.csv", b"side,title\nsupply,ball valve")

    taken = api.post("/api/v1/imports/", {"file": file}, format="multipart")
    url = f"/api/v1/imports/{taken.json()['id']}/"

    assert (taken.status_code, taken.json()["status"]) == (202, "waiting")
    assert api.get(url).json()["file_name"] == "a.csv"
    assert client(UserFactory()).get(url).status_code == 404
    assert list(api.post("/api/v1/imports/", {}, format="multipart").json()["errors"]) == ["file"]
    assert api.get("/api/v1/imports/").json()["count"] == 1


def test_import_template_is_downloaded(api):
    assert api.get("/api/v1/imports/template.csv").content.startswith(b"\xef\xbb\xbf")
    assert api.get("/api/v1/imports/template.xlsx").content.startswith(b"PK")
    assert api.get("/api/v1/imports/template.pdf").status_code == 400
