import datetime as dt

import pytest
from django.core import mail as outbox
from django.utils import timezone

from config.celery import app
from marketplace import tasks
from marketplace.models import Digest, Listing, Mail, Notification, Subscription
from marketplace.services import notifications
from marketplace.services.mails import request_mail
from tests.factories import (
    ListingFactory,
    NotificationFactory,
    OrganisationFactory,
    UserFactory,
    WebhookEndpointFactory,
)
from tests.fakes import HttpReceiver, Says

pytestmark = pytest.mark.django_db
LONG_AGO = dt.timedelta(hours=1)


@pytest.fixture
def _bells_are_heard():
    """Do what is rung for at once, in this process."""
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


@pytest.fixture
def receiver():
    with HttpReceiver() as receiver:
        yield receiver


def statuses():
    return set(Notification.objects.values_list("status", flat=True))


def test_send_notifications_heard_twice_sends_once():
    NotificationFactory()

    tasks.send_notifications("email")
    tasks.send_notifications("email")

    assert len(outbox.outbox) == 1
    assert Notification.objects.get().status == "done"


@pytest.mark.usefixtures("_bells_are_heard")
def test_send_notifications_rings_again_until_all_is_sent():
    NotificationFactory.create_batch(45)

    tasks.send_notifications("email")

    assert len(outbox.outbox) == 45


def test_send_notifications_keeps_to_its_channel_and_endpoint(receiver):
    first, second = WebhookEndpointFactory(url=receiver.url), WebhookEndpointFactory(url=receiver.url)
    for endpoint in (first, second):
        NotificationFactory(user=None, endpoint=endpoint, channel="webhook")
    NotificationFactory()

    tasks.send_notifications("webhook", first.pk)

    assert len(receiver.received) == 1
    assert list(Notification.objects.filter(status="done").values_list("endpoint", flat=True)) == [first.pk]
    assert outbox.outbox == []


def test_send_notifications_that_breaks_leaves_failed(settings):
    settings.EMAIL_BACKEND = "no.such.backend"
    NotificationFactory()

    with pytest.raises(ModuleNotFoundError):
        tasks.send_notifications("email")

    notification = Notification.objects.get()
    assert (notification.status, notification.failure) == ("failed", "ModuleNotFoundError: No module named 'no'")


def test_send_mails_that_breaks_leaves_failed_and_wiped(settings, now):
    settings.EMAIL_BACKEND = "no.such.backend"
    request_mail(to="new@example.com", language="en", subject="Join us", body="secret", now=now)

    with pytest.raises(ModuleNotFoundError):
        tasks.send_mails()

    mail = Mail.objects.get()
    assert (mail.status, mail.body) == ("failed", "")


def test_send_mails_heard_twice_sends_once(now):
    request_mail(to="new@example.com", language="en", subject="Join us", body="Open this", now=now)

    tasks.send_mails()
    tasks.send_mails()

    assert [letter.to for letter in outbox.outbox] == [["new@example.com"]]


def test_send_digests_heard_twice_sends_once(now):
    NotificationFactory(is_for_digest=True, requested_at=now)

    tasks.send_digests()
    tasks.send_digests()

    assert len(outbox.outbox) == 1
    assert [digest.status for digest in Digest.objects.all()] == ["done"]


@pytest.mark.usefixtures("_bells_are_heard")
def test_ring_again_wakes_the_dead_and_leaves_the_fresh(receiver):
    now = timezone.now()
    ago = now - LONG_AGO
    endpoint = WebhookEndpointFactory(url=receiver.url)
    unheard = NotificationFactory(requested_at=ago, due_at=ago)
    retry = NotificationFactory(requested_at=ago, due_at=now - dt.timedelta(minutes=1), attempt=1)
    killed = NotificationFactory(
        user=None, endpoint=endpoint, channel="webhook", due_at=ago, status="running", started_at=ago, attempt=1
    )
    fresh = NotificationFactory(requested_at=now, due_at=now, channel="sms", user=UserFactory(phone="1"))
    later = NotificationFactory(requested_at=ago, due_at=now + LONG_AGO)
    at_work = NotificationFactory(due_at=ago, status="running", started_at=now, attempt=1)
    mail = Mail.objects.create(to="a@example.com", subject="x", body="y", requested_at=ago, due_at=ago)
    digest = Digest.objects.create(user=UserFactory(), on=ago.date(), requested_at=ago, due_at=ago)
    NotificationFactory(user=digest.user, is_for_digest=True, digest=digest)

    tasks.ring_again()

    rows = (unheard, retry, killed, fresh, later, at_work, mail, digest)
    for row in rows:
        row.refresh_from_db()
    assert [row.status for row in rows] == ["done", "done", "done", "waiting", "waiting", "running", "done", "done"]
    assert [request.headers["webhook-id"] for request in receiver.received] == [killed.message_id]


@pytest.mark.usefixtures("_bells_are_heard")
def test_ring_again_tells_owners_of_an_endpoint_switched_off(receiver):
    receiver.then(Says(status=410))
    owner = UserFactory()
    endpoint = WebhookEndpointFactory(organisation=OrganisationFactory(members=[owner]), url=receiver.url)
    at = timezone.now() - dt.timedelta(minutes=1)
    NotificationFactory(user=None, endpoint=endpoint, channel="webhook", due_at=at)
    tasks.send_notifications("webhook", endpoint.pk)
    Notification.objects.filter(status="waiting").update(due_at=at)  # the minute until beat has passed

    tasks.ring_again()

    assert [letter.to for letter in outbox.outbox] == [[owner.email]]


def test_expire_listings_tells_who_posted_them_once():
    now = timezone.now()
    owner = UserFactory()
    organisation = OrganisationFactory(members=[owner])
    over = ListingFactory(organisation=organisation, expires_at=now - LONG_AGO)
    ListingFactory(organisation=organisation, expires_at=now + LONG_AGO)

    tasks.expire_listings()
    tasks.expire_listings()

    told = Notification.objects.filter(event="listing.expired", channel="in_app")
    assert [(one.user, one.data, one.url) for one in told] == [(owner, {"listing": over.pk}, f"/listings/{over.pk}/")]
    assert list(Listing.objects.filter(status="expired")) == [over]


@pytest.mark.usefixtures("_bells_are_heard")
@pytest.mark.django_db(transaction=True)
def test_a_fact_told_reaches_app_mail_and_webhook(receiver):
    now = timezone.now()
    trader, reader = UserFactory(), UserFactory()
    organisation = OrganisationFactory(members=[trader, reader])
    endpoint = WebhookEndpointFactory(organisation=organisation, url=receiver.url)
    Subscription.objects.create(user=reader, event="match.created", channel="email", frequency="never")

    notifications.notify(
        event="match.created",
        deduplication_key="match:1:2",
        organisation=organisation,
        title_zh="有新的匹配",
        title_en="A new match",
        now=now,
    )

    assert [notifications.unread_count(user=user) for user in (trader, reader)] == [1, 1]
    assert [letter.to for letter in outbox.outbox] == [[trader.email]]
    assert receiver.received[0].verified_with(endpoint.secret)["type"] == "match.created"
    assert statuses() == {"done"}
