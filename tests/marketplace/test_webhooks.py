"""Webhooks from the owner's side and on the wire."""

import datetime as dt
import ipaddress
import socket
import ssl
import time

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from config.errors import InputRefused
from marketplace.models import Membership, Notification, WebhookAttempt, WebhookEndpoint
from marketplace.runs.channels import outgoing
from marketplace.runs.notifications import send_notification
from marketplace.services import webhooks
from marketplace.services.organisations import OnlyOwnersMay
from tests.factories import (
    MembershipFactory,
    NotificationFactory,
    OrganisationFactory,
    UserFactory,
    WebhookEndpointFactory,
)
from tests.fakes import CERTIFICATE, HttpReceiver, Says
from tests.races import race

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def receiver():
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def endpoint(organisation, receiver):
    return WebhookEndpointFactory(organisation=organisation, url=receiver.url)


def message(endpoint, **changes):
    return NotificationFactory(
        **{"user": None, "endpoint": endpoint, "channel": endpoint.kind, "organisation": endpoint.organisation}
        | changes
    )


def send(notification, now):
    send_notification(Notification.objects.claim(notification.pk, now=now), now)
    notification.refresh_from_db()
    return notification


def add(organisation, owner, now, **changes):
    call = {"organisation": organisation, "url": "https://erp.example.com/hook", "by": owner, "now": now} | changes
    return webhooks.add_endpoint(**call)


# What owners ask for


def test_add_endpoint_makes_a_secret_as_the_standard_writes_it(organisation, owner, now):
    endpoint = add(organisation, owner, now, events=["match.created", "match.created"])

    assert endpoint.secret.startswith("whsec_")
    assert len(Webhook(endpoint.secret)._whsecret) == 32
    assert endpoint.events == ["match.created"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://erp.example.com/hook"}, "url"),
        ({"url": "ftp://erp.example.com/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": "https://user:password@erp.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data/"}, "url"),
        ({"url": "https://[::ffff:127.0.0.1]/"}, "url"),
        ({"url": f"https://example.com/{'x' * 500}"}, "url"),
        ({"events": ["unheard.of"]}, "events"),
        ({"events": ["uscc.contested"]}, "events"),
        ({"kind": "carrier_pigeon"}, "kind"),
        ({"kind": "wecom", "secret": "x"}, "secret"),
        ({"kind": "dingtalk", "secret": "x" * 101}, "secret"),
        ({"kind": "dingtalk", "keyword": "x" * 41}, "keyword"),
    ],
)
def test_add_endpoint_refuses_bad_input_by_field(organisation, owner, now, settings, changes, field):
    settings.LOCAL_PROFILE = False

    with pytest.raises(InputRefused) as refused:
        add(organisation, owner, now, **changes)

    assert list(refused.value.errors) == [field]


def test_add_endpoint_takes_loopback_on_a_developers_machine(organisation, owner, now):
    assert add(organisation, owner, now, url="http://127.0.0.1:9000/hook").pk


def test_add_endpoint_refuses_the_same_address_twice(organisation, owner, now):
    add(organisation, owner, now)

    with pytest.raises(InputRefused) as refused:
        add(organisation, owner, now)

    assert list(refused.value.errors) == ["url"]


def test_add_endpoint_is_for_owners(organisation, now):
    trader = UserFactory()
    MembershipFactory(organisation=organisation, user=trader, role=Membership.Role.TRADER)

    with pytest.raises(OnlyOwnersMay):
        add(organisation, trader, now)


@pytest.mark.django_db(transaction=True)
def test_add_endpoint_keeps_to_the_limit_when_two_owners_add_at_once(organisation, owner, now):
    WebhookEndpointFactory.create_batch(webhooks.ENDPOINTS_AT_MOST - 1, organisation=organisation)

    outcomes = race(
        lambda: add(organisation, owner, now, url="https://one.example.com/"),
        lambda: add(organisation, owner, now, url="https://two.example.com/"),
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TooManyEndpoints", "WebhookEndpoint"]
    assert organisation.webhook_endpoints.count() == webhooks.ENDPOINTS_AT_MOST


def test_change_endpoint_changes_what_is_said_and_nothing_else(endpoint, owner):
    changed = webhooks.change_endpoint(endpoint=endpoint, by=owner, events=["match.created"])

    assert (changed.url, changed.events) == (endpoint.url, ["match.created"])


def test_change_endpoint_refuses_a_bad_address(endpoint, owner):
    with pytest.raises(InputRefused):
        webhooks.change_endpoint(endpoint=endpoint, by=owner, url="nonsense")


def test_rotate_secret_signs_with_both_for_a_day(endpoint, owner, receiver):
    old, at = endpoint.secret, timezone.now()

    new = webhooks.rotate_secret(endpoint=endpoint, by=owner, now=at)
    send(message(endpoint), at)

    assert receiver.received[0].verified_with(old) == receiver.received[0].verified_with(new)


def test_rotate_secret_ends_the_old_one_after_a_day(endpoint, owner, receiver):
    old, at = endpoint.secret, timezone.now()
    new = webhooks.rotate_secret(endpoint=endpoint, by=owner, now=at - webhooks.OLD_SECRET_LASTS)

    send(message(endpoint), at)

    assert receiver.received[0].verified_with(new)
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified_with(old)


def test_rotate_secret_refuses_a_robots(organisation, owner, now):
    robot = WebhookEndpointFactory(organisation=organisation, kind="wecom", secret="")

    with pytest.raises(webhooks.EndpointHasNoSecretOfOurs):
        webhooks.rotate_secret(endpoint=robot, by=owner, now=now)


def test_remove_endpoint_takes_its_log_along(endpoint, owner, now):
    send(message(endpoint), now)

    webhooks.remove_endpoint(endpoint=endpoint, by=owner)

    assert (WebhookEndpoint.objects.count(), Notification.objects.count(), WebhookAttempt.objects.count()) == (0, 0, 0)


def test_enable_endpoint_starts_afresh(endpoint, owner, now):
    WebhookEndpoint.objects.update(disabled_at=now, disabled_reason="failing", failures_in_a_row=10)

    webhooks.enable_endpoint(endpoint=endpoint, by=owner)

    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.disabled_reason, endpoint.failures_in_a_row) == (None, "", 0)
    with pytest.raises(webhooks.EndpointIsOn):
        webhooks.enable_endpoint(endpoint=endpoint, by=owner)


def test_send_test_goes_out_even_behind_failures(endpoint, owner, receiver, now):
    WebhookEndpoint.objects.update(failures_in_a_row=3, retry_at=now + HOUR)
    endpoint.refresh_from_db()

    sent = webhooks.send_test(endpoint=endpoint, by=owner, now=now)
    send(sent, now)

    assert receiver.received[0].json["type"] == "webhook.tested"
    assert sent.status == "done"


def test_send_test_refuses_where_it_is_switched_off(endpoint, owner, now):
    endpoint.disabled_at, endpoint.disabled_reason = now, "failing"
    endpoint.save()

    with pytest.raises(webhooks.EndpointIsSwitchedOff):
        webhooks.send_test(endpoint=endpoint, by=owner, now=now)


def test_send_again_repeats_under_the_old_id(endpoint, owner, receiver, now):
    sent = send(message(endpoint), now)

    webhooks.send_again(notification=sent, by=owner, now=now + HOUR)
    send(sent, now + HOUR)

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{sent.pk}"
    assert first.body == second.body


def test_send_again_refuses_what_is_still_being_sent(endpoint, owner, now):
    with pytest.raises(webhooks.NotificationIsNotFinished):
        webhooks.send_again(notification=message(endpoint), by=owner, now=now)


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": ""},
        {"secret": "plain"},
        {"kind": "wecom"},
        {"disabled_reason": "gone"},
        {"previous_secret": "whsec_x"},
    ],
)
def test_endpoint_that_makes_no_sense_is_refused_by_the_database(changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookEndpointFactory(**changes)


# What goes over the wire


def test_webhook_is_what_the_standards_own_library_accepts(endpoint, receiver):
    at = timezone.now()
    notification = message(endpoint, requested_at=at, due_at=at, data={"score": 0.9}, url="/listings/7/")

    send(notification, at)

    received = receiver.received[0].verified_with(endpoint.secret)
    assert received == {
        "type": "match.created",
        "timestamp": at.isoformat(),
        "data": {
            "score": 0.9,
            "organisation": endpoint.organisation_id,
            "title_zh": "有新的匹配",
            "title_en": "A new match",
            "url": "http://localhost:8000/listings/7/",
        },
    }
    assert receiver.received[0].headers["webhook-id"] == f"msg_{notification.pk}"
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified_with(webhooks.make_secret())


def test_webhook_delivered_is_done_and_logged(endpoint, now):
    notification = send(message(endpoint), now)

    attempt = notification.attempts.get()
    assert (notification.status, notification.finished_at) == ("done", now)
    assert (attempt.status_code, attempt.error, attempt.at) == (200, "", now)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_webhook_answered_with_a_temporary_status_waits_for_the_next_try(endpoint, receiver, now, status):
    receiver.then(Says(status=status, body=b"later"))

    notification = send(message(endpoint), now)

    assert (notification.status, notification.failure) == ("waiting", f"{status}: later")
    assert dt.timedelta(seconds=24) <= notification.due_at - now <= dt.timedelta(seconds=36)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_webhook_answered_with_a_refusal_is_not_tried_again(endpoint, receiver, now, status):
    receiver.then(Says(status=status, headers={"location": receiver.url}))

    notification = send(message(endpoint), now)

    assert (notification.status, len(receiver.received)) == ("failed", 1)


def test_webhook_waits_as_long_as_the_receiver_asks(endpoint, receiver, now):
    receiver.then(Says(status=429, headers={"retry-after": "3600"}))

    notification = send(message(endpoint), now)

    assert notification.due_at == now + HOUR


def test_webhook_to_nobody_waits_for_the_next_try(organisation, now):
    notification = send(message(WebhookEndpointFactory(organisation=organisation)), now)

    attempt = notification.attempts.get()
    assert (notification.status, attempt.status_code) == ("waiting", None)
    assert attempt.error.startswith("ConnectError")


def test_webhook_is_given_up_after_eight_tries(endpoint, receiver, now):
    receiver.then(Says(status=500))
    notification = message(endpoint, attempt=7)

    send(notification, now)

    assert (notification.status, notification.failure) == ("failed", "500: (tried 8 times)")


@pytest.mark.parametrize(
    "says", [Says(seconds=1.5), Says(seconds=0.1, drops=100)], ids=["silent receiver", "drop by drop"]
)
def test_webhook_ends_at_its_deadline(endpoint, receiver, now, monkeypatch, says):
    monkeypatch.setattr(outgoing, "TOTAL_SECONDS", 0.5)
    receiver.then(says)
    begun = time.monotonic()

    notification = send(message(endpoint), now)

    assert notification.status == "waiting"
    assert time.monotonic() - begun < 1.2


def test_webhook_reads_no_endless_answer(endpoint, receiver, now):
    receiver.then(Says(status=400, body=b"x" * 5_000_000))

    notification = send(message(endpoint), now)

    assert notification.failure == "400: " + "x" * 200


# What may be reached


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_check_address_refuses_what_is_not_the_open_internet(settings, address):
    settings.LOCAL_PROFILE = False

    with pytest.raises(outgoing.AddressRefusedError):
        outgoing.check_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_check_address_lets_the_open_internet_pass(settings, address):
    settings.LOCAL_PROFILE = False

    outgoing.check_address(ipaddress.ip_address(address))


def test_check_address_lets_no_neighbour_pass_on_a_developers_machine(settings):
    outgoing.check_address(ipaddress.ip_address("127.0.0.1"))

    with pytest.raises(outgoing.AddressRefusedError):
        outgoing.check_address(ipaddress.ip_address("192.168.1.1"))


def test_webhook_to_a_name_that_leads_inside_is_refused_and_logged(endpoint, receiver, now, settings, monkeypatch):
    settings.LOCAL_PROFILE = False
    # What a hostile name server would say of a name that looked harmless when it was added.
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: inside)
    WebhookEndpoint.objects.update(url="https://harmless.example.com/hook")

    notification = send(message(endpoint), now)

    assert (notification.status, receiver.received) == ("failed", [])
    assert "127.0.0.1" in notification.attempts.get().error


def test_webhook_goes_to_the_address_that_was_checked(endpoint, receiver, now, monkeypatch):
    asked = []

    def resolve(host, port, *arguments, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    WebhookEndpoint.objects.update(url=f"http://erp.example.com:{receiver.port}/hook?key=1")

    send(message(endpoint), now)

    # Resolved once by us; the second question, for the numeric address, cannot change where it goes.
    assert asked.count("erp.example.com") == 1
    assert receiver.received[0].headers["host"] == f"erp.example.com:{receiver.port}"
    assert receiver.received[0].path == "/hook?key=1"


@pytest.mark.parametrize(
    ("host", "is_trusted", "status"),
    [("erp.example.com", True, "done"), ("erp.example.com", False, "waiting"), ("other.example.com", True, "waiting")],
)
def test_webhook_by_tls_wants_the_certificate_of_the_name(organisation, now, monkeypatch, host, is_trusted, status):
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    connect = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **more: here if name == host else connect(name, *rest, **more)
    )
    if is_trusted:
        context = ssl.create_default_context(cafile=CERTIFICATE)
        monkeypatch.setattr(outgoing, "_tls", lambda: context)
    with HttpReceiver(is_tls=True) as receiver:
        endpoint = WebhookEndpointFactory(organisation=organisation, url=f"https://{host}:{receiver.port}/hook")

        notification = send(message(endpoint), now)

    assert notification.status == status
    assert len(receiver.received) == (status == "done")
    assert ("CERTIFICATE_VERIFY_FAILED" in notification.failure) == (status == "waiting")


# An endpoint that fails


def test_endpoint_that_fails_holds_its_other_messages_back(endpoint, receiver, now):
    receiver.then(Says(status=503))
    waiting = message(endpoint)

    send(message(endpoint), now)

    endpoint.refresh_from_db()
    waiting.refresh_from_db()
    assert endpoint.failures_in_a_row == 1
    assert waiting.due_at == endpoint.retry_at > now


def test_endpoint_that_is_back_lets_its_messages_go_at_once(endpoint, receiver, now):
    receiver.then(Says(status=503), Says())
    waiting = message(endpoint)
    first = send(message(endpoint), now)

    send(first, first.due_at)

    endpoint.refresh_from_db()
    waiting.refresh_from_db()
    assert (endpoint.failures_in_a_row, endpoint.retry_at) == (0, None)
    assert waiting.due_at == first.due_at


def test_endpoint_is_switched_off_after_ten_failures_and_its_owners_are_told_once(endpoint, owner, receiver, now):
    receiver.then(Says(status=404, body=b"nobody here"))
    MembershipFactory(organisation=endpoint.organisation, role=Membership.Role.TRADER)
    waiting = message(endpoint, due_at=now + 100 * HOUR)
    at = now
    for _ in range(10):
        at += 12 * HOUR
        send(message(endpoint, due_at=at), at)

    endpoint.refresh_from_db()
    waiting.refresh_from_db()
    notices = Notification.objects.filter(event="webhook_endpoint.disabled").order_by("channel")
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (at, "failing")
    assert (waiting.status, waiting.failure) == ("failed", "The endpoint was switched off.")
    assert [(notice.channel, notice.user) for notice in notices] == [("email", owner), ("in_app", owner)]
    assert notices[0].url == f"/organisations/{endpoint.organisation_id}/webhooks/"
    assert "404: nobody here" in notices[0].body_en


def test_endpoint_with_nine_failures_and_a_success_starts_afresh(endpoint, receiver, now):
    WebhookEndpoint.objects.update(failures_in_a_row=9)

    send(message(endpoint), now)

    endpoint.refresh_from_db()
    assert (endpoint.failures_in_a_row, endpoint.disabled_at) == (0, None)


def test_endpoint_that_answers_gone_is_switched_off_at_once(endpoint, receiver, now):
    receiver.then(Says(status=410))

    notification = send(message(endpoint), now)

    endpoint.refresh_from_db()
    assert (endpoint.disabled_reason, notification.status) == ("gone", "failed")
    assert Notification.objects.filter(event="webhook_endpoint.disabled", channel="in_app").count() == 1


def test_endpoint_switched_off_in_the_meantime_gets_nothing(endpoint, receiver, now):
    notification = message(endpoint)
    WebhookEndpoint.objects.update(disabled_at=now, disabled_reason="failing")

    send(notification, now)

    assert (notification.status, receiver.received) == ("failed", [])


def test_endpoint_removed_while_a_message_is_under_way_leaves_nothing(endpoint, owner, now):
    claimed = Notification.objects.claim(message(endpoint).pk, now=now)
    claimed.endpoint  # noqa: B018 - read before it goes
    webhooks.remove_endpoint(endpoint=endpoint, by=owner)

    send_notification(claimed, now)

    assert (Notification.objects.count(), WebhookAttempt.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_endpoint_that_fails_in_eight_hands_at_once_is_switched_off_once(endpoint, receiver, now):
    receiver.then(Says(status=500))
    WebhookEndpoint.objects.update(failures_in_a_row=5)
    messages = [message(endpoint) for _ in range(8)]
    claimed = [Notification.objects.claim(one.pk, now=now) for one in messages]

    outcomes = race(*(lambda one=one: send_notification(one, now) for one in claimed))

    endpoint.refresh_from_db()
    assert outcomes == [None] * 8
    assert (endpoint.failures_in_a_row, endpoint.disabled_reason) == (13, "failing")
    assert Notification.objects.filter(event="webhook_endpoint.disabled", channel="in_app").count() == 1
    assert WebhookAttempt.objects.count() == 8
