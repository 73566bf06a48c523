"""Whatever creates takes an Idempotency-Key: the same key twice gives one result, with another body 409."""

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from marketplace.models import Attachment, Invitation, Organisation
from tests.factories import OrganisationFactory, UserFactory, uscc

pytestmark = pytest.mark.django_db
ORGANISATIONS = "/api/v1/organisations/"
ATTACHMENTS = "/api/v1/attachments/"
# What answers 201 or 202 without being a CreatingView, and why it may.
EXCEPTIONS = {
    "/api/v1/tokens/": "nobody is logged in yet, and an answer kept would keep the token readable",
    "/api/v1/listings/": "listings keep the key in a column of their own, for as long as they live",
    "/api/v1/listings/{listing_id}/matches/": "a listing has one unfinished search, however often it is asked for",
    "/api/v1/webhook-deliveries/{id}/again/": "is sent under its old id, which receivers know twice",
    "/api/v1/receipts/{id}/code/": "a second code so soon is refused, and a later one ends the first",
}


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def api(owner):
    cache.clear()
    client = APIClient(headers={"Accept-Language": "en"})
    client.force_authenticate(owner)
    return client


def keyed(key: str) -> dict:
    return {"headers": {"Idempotency-Key": key, "Accept-Language": "en"}}


def test_every_post_that_creates_takes_the_key():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    creating = {
        path: operations["post"]
        for path, operations in paths.items()
        if "post" in operations and {"201", "202"} & set(operations["post"]["responses"])
    }

    without = {
        path
        for path, operation in creating.items()
        if "the same key and body again" not in str(operation.get("parameters", ""))
    }

    assert len(creating) > len(EXCEPTIONS)
    assert without == set(EXCEPTIONS)


def test_the_same_key_creates_once_and_says_so(api):
    said = {"name_zh": "新厂", "uscc": uscc(77)}

    first = api.post(ORGANISATIONS, said, **keyed("k-1"))
    again = api.post(ORGANISATIONS, said, **keyed("k-1"))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ("Idempotent-Replay" in first.headers, again.headers["Idempotent-Replay"]) == (False, "true")
    assert Organisation.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(api):
    api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": uscc(77)}, **keyed("k-1"))

    other = api.post(ORGANISATIONS, {"name_zh": "别厂", "uscc": uscc(78)}, **keyed("k-1"))

    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert Organisation.objects.count() == 1


def test_a_refused_request_may_be_mended_under_its_key(api):
    wrong = api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": "1"}, **keyed("k-1"))
    right = api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": uscc(77)}, **keyed("k-1"))

    assert (wrong.status_code, right.status_code) == (400, 201)


def test_a_key_that_is_too_long_is_named(api):
    answer = api.post(ORGANISATIONS, {"name_zh": "新厂", "uscc": uscc(77)}, **keyed("k" * 101))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])


def test_without_a_key_everything_is_new(api, owner):
    organisation = OrganisationFactory(members=[owner])
    url = f"{ORGANISATIONS}{organisation.pk}/invitations/"

    first = api.post(url, {"email": "a@example.com", "role": "trader"})
    second = api.post(url, {"email": "b@example.com", "role": "trader"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert Invitation.objects.count() == 2


def test_an_upload_with_a_key_is_kept_once(api, owner):
    organisation = OrganisationFactory(members=[owner])

    def send(content, key="k-1"):
        file = SimpleUploadedFile("合格证.txt", content)
        data = {"file": file, "organisation": organisation.uscc}
        return api.post(ATTACHMENTS, data, format="multipart", **keyed(key))

    first, again, other = send(b"passed"), send(b"passed"), send(b"failed")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json() == first.json()
    assert Attachment.objects.count() == 1


def test_an_upload_is_shown_to_its_organisation_alone(api, owner):
    organisation = OrganisationFactory(members=[owner])
    file = SimpleUploadedFile("合格证.txt", b"passed")
    kept = api.post(ATTACHMENTS, {"file": file, "organisation": organisation.pk}, format="multipart").json()
    detail, content = f"{ATTACHMENTS}{kept['id']}/", f"{ATTACHMENTS}{kept['id']}/content/"

    mine = [api.get(detail).json(), b"".join(api.get(content).streaming_content)]
    api.force_authenticate(UserFactory())

    assert mine == [kept, b"passed"]
    assert [api.get(url).status_code for url in (detail, content)] == [404, 404]


def test_an_upload_says_what_is_wrong(api, owner):
    organisation = OrganisationFactory(members=[owner])

    def errors(name, content, whose):
        data = {"file": SimpleUploadedFile(name, content), "organisation": whose.pk}
        answer = api.post(ATTACHMENTS, data, format="multipart")
        return answer.status_code, list(answer.json()["errors"])

    assert errors("a.exe", b"MZ", organisation) == (400, ["file"])
    assert errors("a.txt", b"", organisation) == (400, ["file"])
    assert errors("a.txt", b"a", OrganisationFactory()) == (400, ["organisation"])
    assert Attachment.objects.count() == 0
