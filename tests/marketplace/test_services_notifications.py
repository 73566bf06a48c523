import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import Announcement, Channel, Membership, Notification, Subscription
from marketplace.models.event import EVENTS
from marketplace.models.sending import retry_delay
from marketplace.models.subscription import DAILY_MAILS, unsubscribe_token
from marketplace.services import notifications
from tests.factories import (
    MembershipFactory,
    NotificationFactory,
    OrganisationFactory,
    UserFactory,
    WebhookEndpointFactory,
)
from tests.races import race

pytestmark = pytest.mark.django_db
Role = Membership.Role
EVENT = "match.created"


@pytest.fixture
def owner():
    return UserFactory(username="owner")


@pytest.fixture
def organisation(owner):
    return OrganisationFactory(members=[owner])


def announcement(organisation, **changes):
    facts = {
        "event": EVENT,
        "deduplication_key": "match:1:2",
        "organisation": organisation,
        "title_zh": "有新的匹配",
        "title_en": "A new match",
        "url": "/listings/1/",
        "data": {"score": 0.9},
    }
    return Announcement(**facts | changes)


def notify(organisation, now, **changes):
    return notifications.notify_many([announcement(organisation, **changes)], now=now)


def told():
    rows = Notification.objects.order_by("channel", "user__username", "endpoint")
    return [(row.channel, row.user.username if row.user else row.endpoint_id) for row in rows]


def test_notify_tells_owners_and_traders_and_systems(organisation, now):
    MembershipFactory(organisation=organisation, user=UserFactory(username="trader"), role=Role.TRADER)
    MembershipFactory(organisation=organisation, user=UserFactory(username="viewer"), role=Role.VIEWER)
    MembershipFactory(organisation=organisation, user=UserFactory(username="gone", is_active=False))
    MembershipFactory(user=UserFactory(username="stranger"))
    endpoint = WebhookEndpointFactory(organisation=organisation)

    new = notify(organisation, now)

    assert new == 5
    assert told() == [
        ("email", "owner"),
        ("email", "trader"),
        ("in_app", "owner"),
        ("in_app", "trader"),
        ("webhook", endpoint.pk),
    ]


def test_notify_writes_what_is_told_in_the_app_as_done(organisation, now):
    notify(organisation, now)

    row = Notification.objects.get(channel="in_app")

    assert (row.status, row.finished_at, row.read_at, row.data) == ("done", now, None, {"score": 0.9})


def test_notify_tells_the_same_fact_once(organisation, now):
    WebhookEndpointFactory(organisation=organisation)

    new = [notify(organisation, now), notify(organisation, now), notify(organisation, now, deduplication_key="other")]

    assert new == [3, 0, 3]


def test_notify_tells_who_joins_two_organisations_once(organisation, owner, now):
    other = OrganisationFactory(members=[owner])

    notifications.notify_many([announcement(organisation), announcement(other)], now=now)

    assert told() == [("email", "owner"), ("in_app", "owner")]


def test_notify_skips_mail_for_a_user_without_address(organisation, owner, now):
    owner.email = ""
    owner.save()

    notify(organisation, now)

    assert told() == [("in_app", "owner")]


def test_notify_follows_subscriptions(organisation, owner, now):
    for channel, frequency in [("in_app", "never"), ("email", "daily"), ("sms", "at_once")]:
        Subscription.objects.create(user=owner, event=EVENT, channel=channel, frequency=frequency)
    owner.phone = "13800000000"
    owner.save()

    notify(organisation, now)

    rows = Notification.objects.order_by("channel").values_list("channel", "is_for_digest", "status")
    assert list(rows) == [("email", True, "waiting"), ("sms", False, "waiting")]


def test_notify_skips_endpoints_that_do_not_want_the_event_or_are_off(organisation, now):
    wants = WebhookEndpointFactory(organisation=organisation, events=[EVENT])
    WebhookEndpointFactory(organisation=organisation, events=["listing.expired"])
    WebhookEndpointFactory(organisation=organisation, disabled_at=now, disabled_reason="failing")

    notify(organisation, now)

    assert list(Notification.objects.filter(channel="webhook").values_list("endpoint", flat=True)) == [wants.pk]


def test_notify_lets_messages_wait_behind_a_failing_endpoint(organisation, now):
    later = now + dt.timedelta(minutes=5)
    WebhookEndpointFactory(organisation=organisation, failures_in_a_row=2, retry_at=later)

    notify(organisation, now)

    assert Notification.objects.get(channel="webhook").due_at == later


def test_notify_tells_an_organisations_matter_to_no_system_where_it_is_the_owners(organisation, now):
    WebhookEndpointFactory(organisation=organisation)

    notify(organisation, now, event="uscc.contested")

    assert told() == [("email", "owner"), ("in_app", "owner")]


def test_notify_tells_named_users_alone(organisation, now):
    WebhookEndpointFactory(organisation=organisation)
    claimant = UserFactory(username="claimant")

    notifications.notify(
        event="uscc_contest.decided",
        deduplication_key="contest:1",
        users=[claimant, claimant],
        title_zh="异议已处理",
        title_en="Your contest was decided",
        now=now,
    )

    assert told() == [("email", "claimant"), ("in_app", "claimant")]


def test_notify_shortens_titles_to_one_line(organisation, now):
    notify(organisation, now, title_en=f"Bcc: all\r\n{'x' * 400}")

    title = Notification.objects.get(channel="email").title_en

    assert len(title) == 300
    assert title.startswith("Bcc: all xxx")


def test_notify_many_takes_the_same_queries_for_1_and_for_3(django_assert_num_queries, now):
    def announcements(count):
        found = []
        for _ in range(count):
            organisation = OrganisationFactory(members=[UserFactory(), UserFactory()])
            WebhookEndpointFactory(organisation=organisation)
            found.append(announcement(organisation))
        return found

    one, three = announcements(1), announcements(3)
    # Savepoint in and out; members, endpoints, subscriptions, insert, what is new.
    with django_assert_num_queries(5):
        assert notifications.notify_many(one, now=now) == 5
    with django_assert_num_queries(5):
        assert notifications.notify_many(three, now=now) == 15


def test_notify_rings_once_per_channel_and_endpoint(organisation, now, django_capture_on_commit_callbacks):
    MembershipFactory(organisation=organisation)
    WebhookEndpointFactory.create_batch(2, organisation=organisation)

    with django_capture_on_commit_callbacks() as bells:
        notifications.notify_many(
            [announcement(organisation), announcement(organisation, deduplication_key="other")], now=now
        )
    with django_capture_on_commit_callbacks() as no_bells:
        notify(organisation, now)

    assert (len(bells), len(no_bells)) == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_notify_from_eight_at_once_tells_each_once(now):
    owners = UserFactory.create_batch(3)
    organisations = [OrganisationFactory(members=owners) for _ in range(2)]
    for organisation in organisations:
        WebhookEndpointFactory(organisation=organisation)
    facts = [
        announcement(organisation, deduplication_key=key)
        for organisation in organisations
        for key in ("match:1:2", "match:1:3")
    ]

    def tell(number):
        # Each in an order of its own: whoever takes locks as they come would wait in a circle.
        return notifications.notify_many(facts[number % 4 :] + facts[: number % 4], now=now)

    new = race(*(lambda number=number: tell(number) for number in range(8)))

    # 3 owners, 2 channels, 2 facts (the same key tells a member of both once); 2 endpoints, 2 facts.
    assert sum(new) == Notification.objects.count() == 16


def test_unread_count_takes_one_query(owner, django_assert_num_queries, now):
    for read_at in [None, None, now]:
        NotificationFactory(user=owner, channel=Channel.IN_APP, status="done", read_at=read_at)
    NotificationFactory(user=owner)
    NotificationFactory(channel=Channel.IN_APP, status="done")

    with django_assert_num_queries(1):
        assert notifications.unread_count(user=owner) == 2


def test_mark_read_keeps_when_it_was_first_read(owner, now):
    notification = NotificationFactory(user=owner, channel=Channel.IN_APP, status="done")

    notifications.mark_read(notification=notification, now=now)
    notifications.mark_read(notification=notification, now=now + dt.timedelta(hours=1))

    notification.refresh_from_db()
    assert notification.read_at == now


def test_mark_all_read_leaves_what_came_later_and_other_users(owner, now):
    seen = NotificationFactory(user=owner, channel=Channel.IN_APP, status="done", requested_at=now)
    later = now + dt.timedelta(seconds=1)
    NotificationFactory(user=owner, channel=Channel.IN_APP, status="done", requested_at=later)
    NotificationFactory(channel=Channel.IN_APP, status="done", requested_at=now)

    count = notifications.mark_all_read(user=owner, now=now)

    assert count == 1
    assert list(Notification.objects.exclude(read_at=None)) == [seen]


def test_set_subscription_replaces_the_earlier_choice(owner, now):
    for frequency in ["daily", "never", "at_once"]:
        notifications.set_subscription(user=owner, event=EVENT, channel="email", frequency=frequency, now=now)

    assert [row.frequency for row in owner.subscriptions.all()] == ["at_once"]


def test_set_subscription_to_never_drops_what_waits(owner, now):
    waiting = NotificationFactory(user=owner)
    other = NotificationFactory(user=owner, event="listing.expired")

    notifications.set_subscription(user=owner, event=EVENT, channel="email", frequency="never", now=now)

    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.status, other.status) == ("failed", "waiting")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event": "unheard.of"}, "event"),
        ({"channel": "webhook"}, "channel"),
        ({"channel": "sms"}, "channel"),
        ({"channel": "in_app", "frequency": "daily"}, "frequency"),
        ({"frequency": "hourly"}, "frequency"),
    ],
)
def test_set_subscription_refuses_what_is_no_choice(owner, change, field, now):
    choice = {"event": EVENT, "channel": "email", "frequency": "never"} | change

    with pytest.raises(InputRefused) as refused:
        notifications.set_subscription(user=owner, now=now, **choice)

    assert list(refused.value.errors) == [field]


def test_set_subscriptions_keeps_all_or_none(owner, now):
    frequencies = {(EVENT, "email"): "daily", (EVENT, "in_app"): "daily"}

    with pytest.raises(InputRefused):
        notifications.set_subscriptions(user=owner, frequencies=frequencies, now=now)

    assert owner.subscriptions.count() == 0


def test_subscription_choices_show_choice_or_default(owner, settings, now):
    settings.SMS_GATEWAY_URL = "http://127.0.0.1:9/"
    notifications.set_subscription(user=owner, event=EVENT, channel="email", frequency="daily", now=now)

    choices = notifications.subscription_choices(user=owner)

    assert [(choice.channel, choice.frequency) for choice in choices if choice.event == EVENT] == [
        ("in_app", "at_once"),
        ("email", "daily"),
        ("sms", "never"),
    ]
    assert len(choices) == 3 * len(EVENTS)


def test_subscription_choices_hide_sms_without_a_gateway(owner):
    channels = {choice.channel for choice in notifications.subscription_choices(user=owner)}

    assert channels == {"in_app", "email"}


def test_unsubscribe_stops_the_mails_of_the_link(owner, now):
    notifications.unsubscribe(token=unsubscribe_token(owner, EVENT), now=now)

    rows = owner.subscriptions.values_list("event", "channel", "frequency")
    assert list(rows) == [(EVENT, "email", "never")]


def test_unsubscribe_from_a_digest_stops_all_that_came_daily(owner, now):
    for event, frequency in [(EVENT, "daily"), ("listing.expired", "daily"), ("member.joined", "at_once")]:
        notifications.set_subscription(user=owner, event=event, channel="email", frequency=frequency, now=now)

    notifications.unsubscribe(token=unsubscribe_token(owner, DAILY_MAILS), now=now)

    rows = owner.subscriptions.order_by("event").values_list("event", "frequency")
    assert list(rows) == [("listing.expired", "never"), (EVENT, "never"), ("member.joined", "at_once")]


def test_unsubscribe_refuses_a_link_that_is_not_ours(owner, now):
    with pytest.raises(notifications.LinkNotOurs):
        notifications.unsubscribe(token=unsubscribe_token(owner, EVENT)[:-1], now=now)


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": Channel.IN_APP},
        {"user": None},
        {"channel": Channel.WEBHOOK},
        {"channel": Channel.SMS, "is_for_digest": True},
    ],
)
def test_notification_that_makes_no_sense_is_refused_by_the_database(changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        NotificationFactory(**changes)


@pytest.mark.parametrize("changes", [{"channel": "webhook"}, {"channel": "in_app", "frequency": "daily"}])
def test_subscription_that_makes_no_sense_is_refused_by_the_database(owner, changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(
            **{"user": owner, "event": EVENT, "channel": "email", "frequency": "daily"} | changes
        )


def test_notification_title_falls_back_to_the_language_there_is():
    assert Notification(title_zh="只有中文", title_en="").title == "只有中文"


def test_retry_delay_grows_fourfold_up_to_half_a_day():
    delays = [str(retry_delay(failures, spread=0.5)) for failures in (1, 2, 3, 9)]

    assert delays == ["0:00:30", "0:02:00", "0:08:00", "12:00:00"]
    assert str(retry_delay(1, spread=1.0)) == "0:00:36"
