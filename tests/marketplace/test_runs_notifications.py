import datetime as dt
import json
import urllib.parse
from email.utils import parsedate_to_datetime

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, transaction

from marketplace.models import Channel, Digest, Mail, Notification
from marketplace.models.sending import LONGEST_SENDING
from marketplace.models.subscription import DAILY_MAILS, read_unsubscribe_token
from marketplace.runs.channels import dingtalk
from marketplace.runs.digests import gather_digests, last_morning, send_digest
from marketplace.runs.mails import send_mail
from marketplace.runs.notifications import send_notification
from marketplace.runs.sending import ROUND, send_round
from marketplace.services.mails import request_mail
from tests.factories import NotificationFactory, UserFactory, WebhookEndpointFactory
from tests.fakes import HttpReceiver, MailServer, Says
from tests.races import race

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
OK = Says(body=b'{"errcode": 0, "errmsg": "ok"}')


@pytest.fixture
def mail_server(settings):
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def receiver():
    with HttpReceiver() as receiver:
        yield receiver


def text_of(letter):
    return letter.get_body(("plain",)).get_content().replace("\r\n", "\n")


def html_of(letter):
    return letter.get_body(("html",)).get_content()


def unsubscribe_link_of(letter):
    return letter["List-Unsubscribe"].strip(" <>")


def token_of(letter):
    return urllib.parse.unquote(unsubscribe_link_of(letter).rstrip("/").rsplit("/", 1)[1])


def send(notification, now):
    send_notification(Notification.objects.claim(notification.pk, now=now), now)
    notification.refresh_from_db()
    return notification


def robot(kind, url, **changes):
    endpoint = WebhookEndpointFactory(**{"kind": kind, "url": url, "secret": ""} | changes)
    return NotificationFactory(user=None, endpoint=endpoint, channel=kind, body_zh="球阀 DN50", url="/listings/1/")


# Claims


@pytest.mark.django_db(transaction=True)
def test_claim_next_gives_each_sending_to_one_of_eight_workers(now):
    NotificationFactory.create_batch(5)

    claimed = race(*[lambda: Notification.objects.claim_next(now=now)] * 8)

    taken = [notification.pk for notification in claimed if notification]
    assert sorted(taken) == sorted(Notification.objects.values_list("pk", flat=True))


def test_claim_next_leaves_what_is_not_yet_due_or_for_a_digest(now):
    NotificationFactory(due_at=now + MINUTE)
    NotificationFactory(is_for_digest=True)

    assert Notification.objects.claim_next(now=now) is None


def test_claim_next_takes_what_has_been_due_the_longest(now):
    NotificationFactory(due_at=now)
    first = NotificationFactory(due_at=now - MINUTE)

    assert Notification.objects.claim_next(now=now) == first


def test_notification_of_a_worker_killed_after_sending_is_sent_again_with_the_same_id(mail_server, receiver, now):
    endpoint = WebhookEndpointFactory(url=receiver.url)
    told = [NotificationFactory(), NotificationFactory(user=None, endpoint=endpoint, channel="webhook")]
    for notification in told:
        killed = Notification.objects.claim(notification.pk, now=now)
        with transaction.atomic():
            send_notification(killed, now)
            transaction.set_rollback(True)  # sent, and not written down

    much_later = now + LONGEST_SENDING + MINUTE
    Notification.objects.release_abandoned(much_later)
    for notification in told:
        send(notification, much_later)

    assert [notification.status for notification in told] == ["done", "done"]
    assert [letter["Message-ID"] for letter in mail_server.received] == [f"<notification-{told[0].pk}@localhost>"] * 2
    assert [request.headers["webhook-id"] for request in receiver.received] == [f"msg_{told[1].pk}"] * 2


def test_notification_of_a_worker_at_work_is_not_taken_from_it(now):
    Notification.objects.claim(NotificationFactory().pk, now=now)

    assert Notification.objects.release_abandoned(now + MINUTE) == 0


def test_notification_of_a_replaced_worker_keeps_what_the_other_wrote(mail_server, now):
    slow = Notification.objects.claim(NotificationFactory().pk, now=now)
    Notification.objects.release_abandoned(now + DAY)
    send(slow, now + DAY)

    send_notification(slow, now)

    slow.refresh_from_db()
    assert (slow.status, slow.finished_at) == ("done", now + DAY)


# Mail


def test_email_is_in_the_readers_language_with_text_and_html(mail_server, now):
    for language in ["zh-hans", "en"]:
        user = UserFactory(language=language)
        send(NotificationFactory(user=user, title_en="<A> & B", body_en="DN50", body_zh="球阀"), now)

    chinese, english = mail_server.received
    assert [letter["Subject"] for letter in (chinese, english)] == ["有新的匹配", "<A> & B"]
    assert text_of(english).startswith("<A> & B\n\nDN50\n\nhttp://localhost:8000/listings/1/")
    assert "&lt;A&gt; &amp; B</h1>" in html_of(english)
    assert '<html lang="zh-hans">' in html_of(chinese)
    assert parsedate_to_datetime(chinese["Date"])


def test_email_offers_to_unsubscribe_with_one_click(mail_server, now):
    notification = send(NotificationFactory(), now)

    letter = mail_server.received[0]
    assert read_unsubscribe_token(token_of(letter)) == (notification.user_id, "match.created")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert unsubscribe_link_of(letter) in text_of(letter)


@pytest.mark.parametrize(
    ("refusals", "status"),
    [
        ({"MAIL": "421 too busy"}, "waiting"),
        ({"MAIL": "530 who are you"}, "waiting"),
        ({"RCPT": "451 greylisted"}, "waiting"),
        ({"RCPT": "550 no such user"}, "failed"),
        ({"LETTER": "452 disk full"}, "waiting"),
        ({"LETTER": "554 spam"}, "failed"),
    ],
)
def test_email_refused_is_tried_again_only_if_that_can_help(mail_server, now, refusals, status):
    mail_server.refusals = refusals

    notification = send(NotificationFactory(), now)

    answer = next(iter(refusals.values()))
    assert (notification.status, mail_server.received) == (status, [])
    assert answer.split()[0] in notification.failure


def test_email_to_a_server_that_is_down_waits(settings, now):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    notification = send(NotificationFactory(), now)

    assert notification.status == "waiting"
    assert notification.failure.startswith("ConnectionRefusedError")


def test_email_is_given_up_after_eight_tries(mail_server, now):
    mail_server.refusals = {"RCPT": "451 greylisted"}

    notification = send(NotificationFactory(attempt=7), now)

    assert (notification.status, notification.failure) == ("failed", "451: greylisted (tried 8 times)")


def test_email_to_a_user_who_lost_his_address_is_given_up(now):
    notification = send(NotificationFactory(user=UserFactory(email="")), now)

    assert (notification.status, len(outbox.outbox)) == ("failed", 0)


def test_request_mail_reaches_an_address_that_is_no_users(mail_server, now):
    mail = request_mail(
        to="new@example.com", language="en", subject="Join\r\nus", body="Open http://localhost/i/secret/", now=now
    )

    send_mail(Mail.objects.claim(mail.pk, now=now), now)

    mail.refresh_from_db()
    letter = mail_server.received[0]
    assert (letter["To"], letter["Subject"], letter["Message-ID"]) == (
        "new@example.com",
        "Join us",
        f"<mail-{mail.pk}@localhost>",
    )
    assert text_of(letter).startswith("Open http://localhost/i/secret/")
    assert '<a href="http://localhost/i/secret/"' in html_of(letter)
    assert (mail.status, mail.body) == ("done", "")


def test_mail_given_up_is_wiped_too(mail_server, now):
    mail_server.refusals = {"RCPT": "550 no such user"}
    mail = request_mail(to="nobody@example.com", language="en", subject="Join us", body="secret", now=now)

    send_mail(Mail.objects.claim(mail.pk, now=now), now)

    mail.refresh_from_db()
    assert (mail.status, mail.body, mail.failure) == ("failed", "", "550: no such user")


def test_mail_finished_with_its_text_is_refused_by_the_database(now):
    with pytest.raises(IntegrityError), transaction.atomic():
        Mail.objects.create(to="a@example.com", subject="x", body="y", requested_at=now, due_at=now, status="done")


# Digests: noon in Shanghai is three hours after the day's mails


def daily(user, **changes):
    return NotificationFactory(**{"user": user, "is_for_digest": True} | changes)


@pytest.mark.parametrize(
    ("hour", "morning"), [(0, "2026-03-01T09:00"), (1, "2026-03-02T09:00"), (15, "2026-03-02T09:00")]
)
def test_last_morning_is_nine_in_shanghai(now, hour, morning):
    found = last_morning(now.replace(hour=hour))

    assert found.isoformat() == f"{morning}:00+08:00"


def test_digest_gathers_what_came_before_the_morning_into_one_mail(mail_server, now):
    users = [UserFactory(language="zh-hans"), UserFactory(language="en")]
    for user in users:
        daily(user, requested_at=now - DAY, title_zh="一", title_en="One")
        daily(user, requested_at=now - DAY + MINUTE, title_zh="二", title_en="Two")
    late = daily(users[0], requested_at=now)

    waiting = gather_digests(now)
    for digest in Digest.objects.order_by("user"):
        send_digest(Digest.objects.claim(digest.pk, now=now), now)

    late.refresh_from_db()
    assert (waiting, late.digest, late.status) == (2, None, "waiting")
    chinese, english = mail_server.received
    text = text_of(english)
    assert english["Subject"] == "2 new messages"
    assert text.index("* Two") < text.index("* One")
    assert "* 二" in text_of(chinese)
    assert read_unsubscribe_token(token_of(english)) == (users[1].pk, DAILY_MAILS)
    sent = Notification.objects.exclude(pk=late.pk).values_list("status", "finished_at")
    assert list(sent) == [("done", now)] * 4


@pytest.mark.django_db(transaction=True)
def test_digest_gathered_by_four_at_once_is_one(mail_server, now):
    user = UserFactory()
    daily(user, requested_at=now - DAY)

    outcomes = race(*[lambda: gather_digests(now)] * 4)

    assert outcomes == [1] * 4
    assert [digest.notifications.count() for digest in Digest.objects.all()] == [1]


def test_digest_that_was_sent_takes_nothing_more_and_the_next_day_does(mail_server, now):
    user = UserFactory()
    daily(user, requested_at=now - DAY)
    gather_digests(now)
    send_digest(Digest.objects.claim_next(now=now), now)
    late = daily(user, requested_at=now - DAY)

    again = gather_digests(now)
    next_day = gather_digests(now + DAY)

    late.refresh_from_db()
    assert (again, next_day, late.digest.on) == (0, 1, dt.date(2026, 3, 3))


def test_digest_repeats_the_same_mail_when_the_server_was_down(mail_server, now):
    daily(UserFactory(), requested_at=now - DAY)
    gather_digests(now)
    mail_server.refusals = {"MAIL": "421 too busy"}
    send_digest(Digest.objects.claim_next(now=now), now)
    waiting = Digest.objects.get()
    mail_server.refusals = {}

    send_digest(Digest.objects.claim_next(now=waiting.due_at), waiting.due_at)

    digest = Digest.objects.get()
    assert (waiting.status, digest.status, digest.attempt) == ("waiting", "done", 2)
    assert [letter["Message-ID"] for letter in mail_server.received] == [f"<digest-{digest.pk}@localhost>"]


# Robots and short messages


def test_wecom_robot_gets_a_plain_text(receiver, now):
    receiver.then(OK)

    notification = send(robot("wecom", f"{receiver.url}?key=1", keyword="撮合"), now)

    assert notification.status == "done"
    assert receiver.received[0].path == "/hook?key=1"
    assert receiver.received[0].json == {
        "msgtype": "text",
        "text": {"content": "撮合\n有新的匹配\n球阀 DN50\nhttp://localhost:8000/listings/1/"},
    }


def test_dingtalk_robot_gets_a_signature(receiver, now):
    receiver.then(OK)

    send(robot("dingtalk", f"{receiver.url}?access_token=1", secret="SEC123"), now)

    query = dict(urllib.parse.parse_qsl(receiver.received[0].path.partition("?")[2]))
    assert query == {
        "access_token": "1",
        "timestamp": "1772424000000",
        # printf '%s\n%s' 1772424000000 SEC123 | openssl dgst -sha256 -hmac SEC123 -binary | base64
        "sign": "s9+A/YlOpEjPOItiSYhl4fYnX+xXv2cZ9GIGUQTgq08=",
    }


def test_dingtalk_robot_without_a_secret_keeps_its_address(now):
    assert dingtalk.signed("https://oapi.dingtalk.com/robot/send?access_token=1", "", now).endswith("access_token=1")


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("wecom", 45009, "waiting"),
        ("wecom", 93000, "failed"),
        ("dingtalk", 410100, "waiting"),
        ("dingtalk", 310000, "failed"),
    ],
)
def test_robot_that_refuses_with_status_200_is_understood(receiver, now, kind, code, status):
    receiver.then(Says(body=json.dumps({"errcode": code, "errmsg": "no"}).encode()))

    notification = send(robot(kind, receiver.url), now)

    assert (notification.status, notification.failure) == (status, f"errcode {code}: no")


def test_robot_that_is_none_is_understood(receiver, now):
    receiver.then(Says(body=b"<html>"))

    notification = send(robot("wecom", receiver.url), now)

    assert (notification.status, notification.failure) == ("failed", "This is no robot's answer: <html>")


def test_robot_gets_no_more_than_it_takes(receiver, now):
    receiver.then(OK)
    notification = robot("wecom", receiver.url)
    Notification.objects.update(body_zh="阀" * 5000)

    send(notification, now)

    text = receiver.received[0].json["text"]["content"]
    assert len(text.encode()) <= 2048
    assert text.endswith("阀\nhttp://localhost:8000/listings/1/")


def test_sms_goes_through_the_operators_gateway(receiver, now, settings):
    settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN = receiver.url, "token"
    settings.LOCAL_PROFILE = False  # the operator's own address may lie inside
    user = UserFactory(phone="13800000000")

    notification = send(NotificationFactory(user=user, channel=Channel.SMS), now)

    request = receiver.received[0]
    assert notification.status == "done"
    assert request.headers["authorization"] == "Bearer token"
    assert request.json == {
        "to": "13800000000",
        "text": "有新的匹配 http://localhost:8000/listings/1/",
        "id": f"msg_{notification.pk}",
    }


def test_sms_without_a_gateway_says_what_to_set(now):
    notification = send(NotificationFactory(user=UserFactory(phone="1"), channel=Channel.SMS), now)

    assert (notification.status, notification.failure) == ("failed", "No SMS gateway is set (SMS_GATEWAY_URL).")


# Rounds


def test_send_round_stops_after_its_share(now):
    NotificationFactory.create_batch(ROUND + 1)

    more = [send_round(Notification.objects.all(), send_notification, lambda: now) for _ in range(2)]

    assert more == [True, False]
    assert len(outbox.outbox) == ROUND + 1


def test_send_round_writes_down_an_exception_and_raises_it(now):
    notification = NotificationFactory()

    with pytest.raises(ZeroDivisionError):
        send_round(Notification.objects.all(), lambda sending, now: 1 / 0, lambda: now)

    notification.refresh_from_db()
    assert (notification.status, notification.failure) == ("failed", "ZeroDivisionError: division by zero")
