import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.factories import CategoryFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "ball-valve-50-16"


@pytest.fixture
def api():
    cache.clear()
    return APIClient()


@pytest.fixture
def user():
    user = UserFactory(username="buyer")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_token_is_made_used_and_revoked(api, user):
    made = api.post("/api/v1/tokens/", {"username": "buyer", "password": PASSWORD})
    api.credentials(HTTP_AUTHORIZATION=f"Token {made.json()['token']}")

    assert made.status_code == 201
    assert api.get("/api/v1/me/").json()["username"] == "buyer"
    assert api.delete("/api/v1/tokens/current/").status_code == 204
    assert api.get("/api/v1/me/").status_code == 401


def test_token_needs_the_right_password_and_guessing_is_slowed_down(api, user):
    answers = [api.post("/api/v1/tokens/", {"username": "buyer", "password": "wrong"}) for _ in range(11)]

    assert {answer.status_code for answer in answers[:10]} == {401}
    assert answers[10].status_code == 429
    assert int(answers[10]["Retry-After"]) > 0


def test_me_lists_memberships_and_changes_the_language(api, user):
    organisation = OrganisationFactory(members=[user])
    api.force_authenticate(user)

    shown = api.get("/api/v1/me/").json()
    changed = api.patch("/api/v1/me/", {"language": "en"}).json()

    assert [(m["organisation"]["id"], m["role"]) for m in shown["memberships"]] == [(organisation.pk, "owner")]
    assert (shown["language"], changed["language"]) == ("zh-hans", "en")


def test_categories_are_public_with_their_schema(api):
    valve = CategoryFactory(code="valve")
    CategoryFactory(code="valve.ball", parent=valve)

    tree = api.get("/api/v1/categories/").json()
    ball = api.get("/api/v1/categories/valve.ball/").json()

    assert [(category["code"], category["parent"]) for category in tree] == [("valve", None), ("valve.ball", "valve")]
    assert ball["schema"]["properties"]["DN"]["unit"] == "mm"
    assert api.get("/api/v1/categories/nothing/").status_code == 404
