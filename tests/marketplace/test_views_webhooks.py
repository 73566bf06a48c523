import pytest
from django.urls import reverse

from marketplace.models import Membership, Notification, WebhookEndpoint
from tests.factories import NOON, NotificationFactory, OrganisationFactory, UserFactory, WebhookEndpointFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def organisation(client):
    owner = UserFactory()
    client.force_login(owner)
    return OrganisationFactory(members=[owner])


@pytest.fixture
def endpoint(organisation):
    return WebhookEndpointFactory(organisation=organisation)


def test_webhook_list_adds_an_address_and_shows_its_secret_once(client, organisation):
    path = reverse("marketplace:webhook_list", args=[organisation.pk])

    response = client.post(path, {"kind": "webhook", "url": "http://127.0.0.1:9/erp", "events": ["match.created"]})

    endpoint = WebhookEndpoint.objects.get()
    assert response.url == reverse("marketplace:webhook_detail", args=[endpoint.pk])
    assert endpoint.events == ["match.created"]
    assert endpoint.secret in client.get(response.url).text
    assert endpoint.secret not in client.get(response.url).text


def test_webhook_list_says_what_is_wrong_with_an_address(client, organisation):
    path = reverse("marketplace:webhook_list", args=[organisation.pk])

    response = client.post(path, {"kind": "webhook", "url": "ftp://example.com/"})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["url"]


def test_webhook_list_is_for_owners(client, organisation):
    trader = UserFactory()
    organisation.memberships.create(user=trader, role=Membership.Role.TRADER, created_at=NOON)
    client.force_login(trader)

    assert client.get(reverse("marketplace:webhook_list", args=[organisation.pk])).status_code == 404


def test_webhook_list_asks_as_much_for_three_as_for_one(client, organisation, count_queries):
    path = reverse("marketplace:webhook_list", args=[organisation.pk])
    WebhookEndpointFactory(organisation=organisation)
    for_one = count_queries(path)
    WebhookEndpointFactory.create_batch(2, organisation=organisation)

    assert count_queries(path) == for_one


def test_webhook_detail_shows_the_log_and_asks_as_much_for_three_messages_as_for_one(client, endpoint, count_queries):
    path = reverse("marketplace:webhook_detail", args=[endpoint.pk])

    def message():
        notification = NotificationFactory(user=None, endpoint=endpoint, channel="webhook")
        notification.attempts.create(at=NOON, status_code=500, duration_ms=12)

    message()
    for_one = count_queries(path)
    message()
    message()

    assert count_queries(path) == for_one
    assert client.get(path).text.count("HTTP 500") == 3


def test_webhook_rotate_secret_shows_the_new_one_once(client, endpoint):
    old = endpoint.secret

    response = client.post(reverse("marketplace:webhook_rotate_secret", args=[endpoint.pk]))

    endpoint.refresh_from_db()
    assert endpoint.secret != old
    assert endpoint.secret in client.get(response.url).text


def test_webhook_send_test_and_send_again(client, endpoint):
    client.post(reverse("marketplace:webhook_send_test", args=[endpoint.pk]))
    notification = Notification.objects.get(endpoint=endpoint)
    Notification.objects.filter(pk=notification.pk).update(status="failed", finished_at=NOON)

    client.post(reverse("marketplace:webhook_send_again", args=[notification.pk]))

    notification.refresh_from_db()
    assert notification.status == "waiting"


def test_webhook_enable(client, endpoint):
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(disabled_at=NOON, disabled_reason="failing")

    client.post(reverse("marketplace:webhook_enable", args=[endpoint.pk]))

    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_webhook_remove(client, endpoint):
    client.post(reverse("marketplace:webhook_remove", args=[endpoint.pk]))

    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "name", ["webhook_detail", "webhook_rotate_secret", "webhook_send_test", "webhook_enable", "webhook_remove"]
)
def test_webhook_pages_are_not_for_strangers(client, endpoint, name):
    client.force_login(UserFactory())
    path = reverse(f"marketplace:{name}", args=[endpoint.pk])

    response = client.get(path) if name == "webhook_detail" else client.post(path)

    assert response.status_code == 404
    assert WebhookEndpoint.objects.count() == 1
