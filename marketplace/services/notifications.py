from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Announcement, Channel, Notification, Subscription, User
from marketplace.models.event import EVENTS
from marketplace.models.subscription import DAILY_MAILS, read_unsubscribe_token
from marketplace.tasks.notifications import send_notifications


class LinkNotOurs(RuleBroken):
    pass


def notify(*, now: datetime, **facts: Any) -> int:
    """Tell one fact, given as the fields of an ``Announcement``; return how many rows are new."""
    return notify_many([Announcement(**facts)], now=now)


# Without a savepoint: nobody goes on after this has failed, and nearly every act passes here.
@transaction.atomic(savepoint=False)
def notify_many(announcements: Iterable[Announcement], *, now: datetime) -> int:
    """Tell many facts in a constant number of queries, each once however often it is told; return how many rows are new."""
    rows = Notification.objects.announce(announcements, now=now)
    ring_for(rows, now=now)
    return len(rows)


def ring_for(rows: Iterable[Notification], *, now: datetime) -> None:
    """Ring once per channel and endpoint for what can be sent now; what waits for later is beat's."""
    lanes = {
        (str(row.channel), row.endpoint_id)
        for row in rows
        if row.status == Notification.Status.WAITING and not row.is_for_digest and row.due_at <= now
    }
    for channel, endpoint_id in sorted(lanes, key=str):
        send_notifications.delay_on_commit(channel, endpoint_id)


def unread_count(*, user: User) -> int:
    """Count what the bell shows: one query that an index of unread rows answers."""
    return Notification.objects.in_app_of(user).unread().count()


def mark_read(*, notification: Notification, now: datetime) -> None:
    """Write when it was first read."""
    Notification.objects.filter(pk=notification.pk, channel=Channel.IN_APP).unread().update(read_at=now)


def mark_all_read(*, user: User, now: datetime) -> int:
    """Mark what the user was told until now as read; return how many there were."""
    return Notification.objects.in_app_of(user).unread().filter(requested_at__lte=now).update(read_at=now)


@dataclass(frozen=True)
class SubscriptionChoice:
    """What a user is told of an event on a channel, and what he may choose instead."""

    event: str
    event_label: str | Promise
    channel: str
    channel_label: str | Promise
    frequency: str
    frequencies: tuple[tuple[str, str | Promise], ...]


def subscription_choices(*, user: User) -> list[SubscriptionChoice]:
    """List every event and channel with the frequency that holds for the user, chosen or by default."""
    chosen = Subscription.objects.chosen(users=[user.pk], events=list(EVENTS))
    return [
        SubscriptionChoice(
            event=name,
            event_label=event.label,
            channel=channel.value,
            channel_label=channel.label,
            frequency=chosen.get((user.pk, name, channel), default),
            frequencies=tuple((frequency.value, frequency.label) for frequency in _frequencies(channel)),
        )
        for name, event in EVENTS.items()
        for channel, default in Subscription.DEFAULTS.items()
        if _is_offered(channel)
    ]


@transaction.atomic
def set_subscription(*, user: User, event: str, channel: str, frequency: str, now: datetime) -> Subscription:
    """Keep how often a user wants to be told of an event on a channel; "never" also drops what still waits to be sent.

    :raises InputRefused: naming the field that is not among the choices
    """
    errors: dict[str, list[str]] = {}
    if event not in EVENTS:
        errors["event"] = [_("There is no such event.")]
    if channel not in Subscription.DEFAULTS or not _is_offered(channel):
        errors["channel"] = [_("This channel cannot be chosen here.")]
    elif frequency not in _frequencies(channel):
        errors["frequency"] = [_("This frequency cannot be chosen for this channel.")]
    if errors:
        raise InputRefused(errors)
    subscription, _is_new = Subscription.objects.update_or_create(
        user=user, event=event, channel=channel, defaults={"frequency": frequency}
    )
    if frequency == Subscription.Frequency.NEVER:
        Notification.objects.filter(user=user, event=event, channel=channel).drop_waiting(now=now)
    return subscription


@transaction.atomic
def set_subscriptions(*, user: User, frequencies: Mapping[tuple[str, str], str], now: datetime) -> None:
    """Keep several choices, by event and channel, together or not at all.

    :raises InputRefused: naming the field that is not among the choices
    """
    for (event, channel), frequency in frequencies.items():
        set_subscription(user=user, event=event, channel=channel, frequency=frequency, now=now)


@transaction.atomic
def unsubscribe(*, token: str, now: datetime) -> None:
    """Stop the mails that a link in a mail stands for; whoever holds the link may.

    :raises LinkNotOurs: if the link was not made here, or was cut short
    """
    try:
        user_id, event = read_unsubscribe_token(token)
    except BadSignature as error:
        raise LinkNotOurs(
            _("This link is incomplete. Copy it whole, or log in and change your subscriptions.")
        ) from error
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return
    if event == DAILY_MAILS:
        daily = Subscription.objects.filter(user=user, frequency=Subscription.Frequency.DAILY)
        events = list(daily.values_list("event", flat=True))
    else:
        events = [event]
    for name in events:
        Subscription.objects.update_or_create(
            user=user, event=name, channel=Channel.EMAIL, defaults={"frequency": Subscription.Frequency.NEVER}
        )
    Notification.objects.filter(user=user, event__in=events, channel=Channel.EMAIL).drop_waiting(now=now)


def _is_offered(channel: str) -> bool:
    return channel != Channel.SMS or bool(settings.SMS_GATEWAY_URL)


def _frequencies(channel: str) -> tuple[Subscription.Frequency, ...]:
    if channel == Channel.EMAIL:
        return tuple(Subscription.Frequency)
    return (Subscription.Frequency.AT_ONCE, Subscription.Frequency.NEVER)
