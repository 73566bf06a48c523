import pytest
from django.urls import reverse

from marketplace.models import Channel, Notification, Subscription
from marketplace.models.subscription import unsubscribe_token
from tests.factories import NOON, NotificationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


def told(user, **facts):
    return NotificationFactory(user=user, channel=Channel.IN_APP, status="done", **facts)


def test_bell_says_nothing_while_the_number_is_the_same(client, user):
    told(user)
    told(UserFactory())

    assert client.get(reverse("marketplace:bell"), {"unread": "1"}).status_code == 204


def test_bell_draws_itself_anew_and_tells_the_page(client, user):
    told(user)

    response = client.get(reverse("marketplace:bell"), {"unread": "0"})

    assert response.status_code == 200
    assert response.headers["HX-Trigger"] == "bell"
    assert 'class="bell-count">1<' in response.text


def test_bell_is_silent_for_who_logged_out(client):
    assert client.get(reverse("marketplace:bell"), {"unread": "0"}).status_code == 204


def test_bell_asks_one_query_for_the_number(client, user, count_queries):
    told(user)
    # Session, user, number.
    assert count_queries(reverse("marketplace:bell") + "?unread=0") == 3


def test_notification_list_shows_the_readers_own_and_asks_as_much_for_three_as_for_one(client, user, count_queries):
    path = reverse("marketplace:notification_list")
    mine = told(user)
    told(UserFactory())
    for_one = count_queries(path)
    told(user, read_at=NOON)
    told(user)

    assert count_queries(path) == for_one
    assert mine in client.get(path).context["page"]
    assert len(client.get(path).context["page"]) == 3
    assert len(client.get(path, {"unread": 1}).context["page"]) == 2


def test_notification_open_marks_it_read_and_leads_on(client, user):
    notification = told(user, url="/listings/7/")

    response = client.post(reverse("marketplace:notification_open", args=[notification.pk]))

    notification.refresh_from_db()
    assert response.url == "/listings/7/"
    assert notification.read_at is not None


def test_notification_open_of_another_is_not_found(client, user):
    notification = told(UserFactory())

    assert client.post(reverse("marketplace:notification_open", args=[notification.pk])).status_code == 404


def test_notification_read_all_reads_only_the_readers_own(client, user):
    told(user)
    theirs = told(UserFactory())

    client.post(reverse("marketplace:notification_read_all"))

    assert list(Notification.objects.unread()) == [theirs]


def test_subscription_list_keeps_what_was_changed(client, user):
    path = reverse("marketplace:subscription_list")
    form = client.get(path).context["form"]
    chosen = {name: form[name].initial for name in form.fields} | {"match.created:email": "daily"}

    response = client.post(path, chosen)

    assert response.url == path
    assert list(Subscription.objects.values_list("user", "event", "channel", "frequency")) == [
        (user.pk, "match.created", "email", "daily")
    ]


def test_unsubscribe_works_from_a_mail_program_without_log_in(client):
    reader = UserFactory()
    path = reverse("marketplace:unsubscribe", args=[unsubscribe_token(reader, "match.created")])

    shown = client.get(path)
    response = client.post(path, {"List-Unsubscribe": "One-Click"})

    assert (shown.status_code, response.status_code) == (200, 200)
    assert Subscription.objects.get(user=reader).frequency == Subscription.Frequency.NEVER


def test_unsubscribe_refuses_a_link_that_is_not_ours(client):
    path = reverse("marketplace:unsubscribe", args=["nonsense"])

    assert client.post(path).status_code == 409
