import uuid

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Channel, Membership, Notification, WebhookEndpoint
from tests.factories import (
    MembershipFactory,
    NotificationFactory,
    OrganisationFactory,
    UserFactory,
    WebhookEndpointFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def organisation(user):
    return OrganisationFactory(members=[user])


@pytest.fixture
def client(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def address(name, *arguments):
    return reverse(f"marketplace:{name}", args=arguments)


def told(user, **changes):
    return NotificationFactory(**{"user": user, "channel": Channel.IN_APP, "status": "done"} | changes)


# Notifications


def test_notification_list_is_the_users_own_newest_first(client, user, now):
    old = told(user)
    new = told(user, requested_at=now.replace(year=2027), data={"score": 0.5})
    told(UserFactory())
    NotificationFactory(user=user)

    answer = client.get(address("api_notification_list")).json()

    assert [row["id"] for row in answer["results"]] == [str(new.pk), str(old.pk)]
    assert answer["results"][0] == {
        "id": str(new.pk),
        "event": "match.created",
        "organisation": None,
        "title_zh": "有新的匹配",
        "title_en": "A new match",
        "body_zh": "",
        "body_en": "",
        "url": "/listings/1/",
        "data": {"score": 0.5},
        "created_at": "2027-03-02T12:00:00+08:00",
        "read_at": None,
    }


def test_notification_list_filters_the_unread(client, user, now):
    unread = told(user)
    told(user, read_at=now)

    answer = client.get(address("api_notification_list"), {"unread": "true"}).json()

    assert [row["id"] for row in answer["results"]] == [str(unread.pk)]


def test_notification_list_takes_the_same_queries_for_1_and_for_3(client, user, django_assert_num_queries):
    for count in (1, 2):
        for _ in range(count):
            told(user, organisation=OrganisationFactory())
        with django_assert_num_queries(2):
            client.get(address("api_notification_list"))


def test_notification_list_wants_to_know_who_asks():
    assert APIClient().get(address("api_notification_list")).status_code == 401


def test_unread_count_counts(client, user):
    told(user)

    assert client.get(address("api_unread_count")).json() == {"unread": 1}


def test_notification_read_marks_it(client, user):
    notification = told(user)

    answer = client.post(address("api_notification_read", notification.pk))

    assert answer.status_code == 200
    assert answer.json()["read_at"]
    assert client.get(address("api_unread_count")).json() == {"unread": 0}


def test_notification_read_of_a_stranger_is_not_found(client):
    notification = told(UserFactory())

    assert client.post(address("api_notification_read", notification.pk)).status_code == 404


def test_notification_read_all_marks_all(client, user):
    told(user)
    told(user)

    assert client.post(address("api_notification_read_all")).json() == {"read": 2}


def test_subscription_list_changes_one(client):
    choice = {"event": "match.created", "channel": "email", "frequency": "daily"}

    answer = client.put(address("api_subscription_list"), choice)

    assert answer.json() == choice
    assert choice in client.get(address("api_subscription_list")).json()


def test_subscription_list_refuses_what_is_no_choice(client):
    answer = client.put(
        address("api_subscription_list"), {"event": "match.created", "channel": "in_app", "frequency": "daily"}
    )

    assert answer.status_code == 400
    assert answer["content-type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == ["frequency"]


# Webhook endpoints


def test_endpoint_list_adds_one_and_shows_its_secret_this_once(client, organisation):
    body = {"organisation": organisation.pk, "url": "https://erp.example.com/hook", "events": ["match.created"]}

    answer = client.post(address("api_endpoint_list"), body)

    endpoint = WebhookEndpoint.objects.get()
    shown = client.get(address("api_endpoint_list")).json()["results"]
    assert (answer.status_code, answer.json()["secret"]) == (201, endpoint.secret)
    assert [(row["id"], row["events"], "secret" in row) for row in shown] == [(endpoint.pk, ["match.created"], False)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"url": "nonsense"}, "url"), ({"events": ["unheard.of"]}, "events.0"), ({"kind": "fax"}, "kind")],
)
def test_endpoint_list_refuses_bad_input_by_field(client, organisation, changes, field):
    body = {"organisation": organisation.pk, "url": "https://erp.example.com/hook"} | changes

    answer = client.post(address("api_endpoint_list"), body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_endpoint_list_refuses_to_add_for_who_is_no_owner(client, user):
    organisation = OrganisationFactory()
    MembershipFactory(organisation=organisation, user=user, role=Membership.Role.TRADER)

    answer = client.post(
        address("api_endpoint_list"), {"organisation": organisation.pk, "url": "https://a.example.com"}
    )

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["organisation"]


def test_endpoint_detail_shows_changes_and_removes(client, organisation):
    endpoint = WebhookEndpointFactory(organisation=organisation)
    one = address("api_endpoint_detail", endpoint.pk)

    changed = client.patch(one, {"events": ["match.created"]})
    shown = client.get(one)
    removed = client.delete(one)

    assert (changed.status_code, shown.json()["events"], removed.status_code) == (200, ["match.created"], 204)
    assert client.get(one).status_code == 404


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("get", "api_endpoint_detail"),
        ("patch", "api_endpoint_detail"),
        ("delete", "api_endpoint_detail"),
        ("post", "api_endpoint_rotate_secret"),
        ("post", "api_endpoint_enable"),
        ("post", "api_endpoint_test"),
        ("get", "api_delivery_list"),
    ],
)
def test_endpoint_of_a_stranger_is_not_found(client, user, method, name):
    endpoint = WebhookEndpointFactory()
    MembershipFactory(organisation=endpoint.organisation, user=user, role=Membership.Role.TRADER)

    assert getattr(client, method)(address(name, endpoint.pk)).status_code == 404


def test_endpoint_rotate_secret_answers_the_new_one(client, organisation):
    endpoint = WebhookEndpointFactory(organisation=organisation)

    answer = client.post(address("api_endpoint_rotate_secret", endpoint.pk))

    endpoint.refresh_from_db()
    assert answer.json() == {"secret": endpoint.secret}


def test_endpoint_enable_of_one_that_is_on_is_a_conflict(client, organisation):
    endpoint = WebhookEndpointFactory(organisation=organisation)

    answer = client.post(address("api_endpoint_enable", endpoint.pk))

    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_is_on")


def test_endpoint_enable_switches_on(client, organisation, now):
    endpoint = WebhookEndpointFactory(organisation=organisation, disabled_at=now, disabled_reason="gone")

    answer = client.post(address("api_endpoint_enable", endpoint.pk))

    assert (answer.status_code, answer.json()["disabled_at"]) == (200, None)


def test_endpoint_test_is_accepted_and_logged(client, organisation):
    endpoint = WebhookEndpointFactory(organisation=organisation)

    answer = client.post(address("api_endpoint_test", endpoint.pk))

    log = client.get(address("api_delivery_list", endpoint.pk)).json()["results"]
    assert answer.status_code == 202
    assert [(row["event"], row["status"], row["attempts"]) for row in log] == [("webhook.tested", "waiting", [])]


def test_delivery_list_shows_every_try_in_the_same_queries_for_1_and_for_3(
    client, organisation, now, django_assert_num_queries
):
    endpoint = WebhookEndpointFactory(organisation=organisation)
    for count in (1, 2):
        for _ in range(count):
            sent = NotificationFactory(user=None, endpoint=endpoint, channel="webhook", status="done")
            sent.attempts.create(at=now, status_code=503, error="503: later", duration_ms=12)
        with django_assert_num_queries(4):
            log = client.get(address("api_delivery_list", endpoint.pk)).json()["results"]

    assert [len(row["attempts"]) for row in log] == [1, 1, 1]
    assert log[0]["webhook_id"] == f"msg_{log[0]['id']}"
    assert log[0]["attempts"][0] == {
        "at": "2026-03-02T12:00:00+08:00",
        "status_code": 503,
        "error": "503: later",
        "duration_ms": 12,
    }


def test_delivery_send_again_reopens_it(client, organisation):
    endpoint = WebhookEndpointFactory(organisation=organisation)
    sent = NotificationFactory(user=None, endpoint=endpoint, channel="webhook", status="failed")

    answer = client.post(address("api_delivery_send_again", sent.pk))

    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert client.post(address("api_delivery_send_again", sent.pk)).status_code == 409


def test_delivery_send_again_of_a_stranger_is_not_found(client, user):
    sent = NotificationFactory(user=None, endpoint=WebhookEndpointFactory(), channel="webhook", status="failed")

    assert client.post(address("api_delivery_send_again", sent.pk)).status_code == 404
    assert client.post(address("api_delivery_send_again", uuid.uuid4())).status_code == 404
    assert Notification.objects.get().status == "failed"
