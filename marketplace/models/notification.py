import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Prefetch, Q
from django.utils.translation import get_language

from config.runs import Run
from marketplace.models.event import EVENTS
from marketplace.models.mail import Digest
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.sending import Sending, SendingQuerySet
from marketplace.models.subscription import Channel, Subscription
from marketplace.models.user import User
from marketplace.models.webhook import WebhookAttempt, WebhookEndpoint


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A fact to be told: to the members of an organisation whose work it is and to its systems, or to ``users`` alone.

    ``deduplication_key`` names the fact. ``url`` is a path of this site.
    """

    event: str
    deduplication_key: str
    title_zh: str
    title_en: str
    body_zh: str = ""
    body_en: str = ""
    url: str = ""
    data: dict = field(default_factory=dict)
    organisation: Organisation | None = None
    users: Iterable[User] | None = None


class NotificationQuerySet(SendingQuerySet):
    def in_app_of(self, user: User) -> Self:
        return self.filter(user=user, channel=Channel.IN_APP)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def to_endpoints_of(self, user: User) -> Self:
        """Return what was told to the endpoints of the organisations that this user owns."""
        return self.filter(endpoint__in=WebhookEndpoint.objects.editable_by(user))

    def delivery_log(self, endpoint: WebhookEndpoint) -> Self:
        """Return what was told there, newest first, with every try."""
        tries = WebhookAttempt.objects.order_by("at", "pk")
        log = self.filter(endpoint=endpoint).select_related("endpoint").prefetch_related(Prefetch("attempts", tries))
        return log.order_by("-requested_at", "pk")

    def due(self, now: datetime) -> Self:
        """Return what waits to be sent on its own, and whose time has come."""
        return super().due(now).filter(is_for_digest=False)

    def waiting_for_digest(self, *, before: datetime) -> Self:
        return self.filter(status=Run.Status.WAITING, is_for_digest=True, digest=None, requested_at__lt=before)

    def waiting_at(self, endpoint: WebhookEndpoint) -> Self:
        return self.filter(status=Run.Status.WAITING, endpoint=endpoint)

    def held_back_at(self, endpoint: WebhookEndpoint) -> Self:
        """Return what was never tried because another message failed there."""
        return self.waiting_at(endpoint).filter(attempt=0)

    def lane(self, channel: str, endpoint_id: int | None) -> Self:
        """Return what must not wait for the slowness of other receivers: a channel's, or one endpoint's."""
        return self.filter(channel=channel, endpoint=endpoint_id)

    def lanes(self) -> list[tuple[str, int | None]]:
        return list(self.order_by("channel", "endpoint").values_list("channel", "endpoint").distinct())

    def drop_waiting(self, *, now: datetime) -> int:
        """Give up what is not yet being sent, because its reader wants it no more."""
        return self.filter(status=Run.Status.WAITING).update(
            status=Run.Status.FAILED, finished_at=now, failure="Its reader unsubscribed."
        )

    def reopen(self, pk: uuid.UUID, *, now: datetime) -> bool:
        """Let a finished sending begin again; return whether it was finished."""
        finished = self.filter(pk=pk, status__in=[Run.Status.DONE, Run.Status.FAILED])
        return bool(finished.update(status=Run.Status.WAITING, attempt=0, due_at=now, finished_at=None, failure=""))

    def announce(self, announcements: Iterable[Announcement], *, now: datetime) -> list["Notification"]:
        """Write a row for each recipient and channel that was not told of the fact before; return the new rows."""
        # Sorted, so that two transactions that tell overlapping facts wait for one another and never in a circle.
        rows = sorted(_rows(list(announcements), now), key=Notification.recipient_and_fact)
        self.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        written = set(self.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
        return [row for row in rows if row.pk in written]


class Notification(Sending):
    """One thing told to one recipient on one channel.

    The texts stand in both languages; the reader's language decides which is shown or sent. An in-app notification is
    DONE when it is written: the row is its delivery. ``deduplication_key`` names the fact, so that the same fact is
    told once per recipient and channel however often it is announced.
    """

    # Made here and not by the database, so that after an insert that skips what was told before we know what is new;
    # as a message id it tells receivers nothing about how many others there are.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.CharField(max_length=60)
    deduplication_key = models.CharField(max_length=200)
    channel = models.CharField(max_length=10, choices=Channel)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications")
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    body_zh = models.TextField(blank=True)
    body_en = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    is_for_digest = models.BooleanField(default=False)
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications")
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                name="notification_in_app_newest", fields=["user", "-requested_at"], condition=Q(channel="in_app")
            ),
            models.Index(name="notification_unread", fields=["user"], condition=Q(channel="in_app", read_at=None)),
            models.Index(
                name="notification_waiting_for_user",
                fields=["channel", "due_at", "id"],
                condition=Q(status="waiting", is_for_digest=False, endpoint=None),
            ),
            models.Index(
                name="notification_waiting_at",
                fields=["endpoint", "due_at", "id"],
                condition=Q(status="waiting", is_for_digest=False, endpoint__isnull=False),
            ),
            models.Index(
                name="notification_for_digest",
                fields=["requested_at"],
                condition=Q(status="waiting", is_for_digest=True, digest=None),
            ),
            models.Index(name="notification_running", fields=["started_at"], condition=Q(status="running")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="notification_told_once_per_user_and_channel",
                fields=["user", "channel", "deduplication_key"],
                condition=Q(endpoint=None),
            ),
            models.UniqueConstraint(
                name="notification_told_once_per_endpoint",
                fields=["endpoint", "deduplication_key"],
                condition=Q(endpoint__isnull=False),
            ),
            models.CheckConstraint(
                name="notification_has_one_recipient",
                condition=Q(channel__in=["webhook", "wecom", "dingtalk"], endpoint__isnull=False, user=None)
                | Q(channel__in=["in_app", "email", "sms"], endpoint=None, user__isnull=False),
            ),
            models.CheckConstraint(
                name="notification_in_app_is_done_when_written",
                condition=~Q(channel="in_app") | Q(status="done"),
            ),
            models.CheckConstraint(
                name="notification_digest_is_of_mails",
                condition=Q(is_for_digest=False, digest=None) | Q(is_for_digest=True, channel="email"),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        """Return the title in the reader's language, or in the one there is."""
        first, second = (self.title_en, self.title_zh) if get_language() == "en" else (self.title_zh, self.title_en)
        return first or second

    @property
    def body(self) -> str:
        first, second = (self.body_en, self.body_zh) if get_language() == "en" else (self.body_zh, self.body_en)
        return first or second

    @property
    def message_id(self) -> str:
        """Return the id under which receivers know it, the same however often it is sent."""
        return f"msg_{self.pk}"

    def recipient_and_fact(self) -> tuple:
        return (self.user_id or 0, self.endpoint_id or 0, self.channel, self.deduplication_key)


def _rows(announcements: list[Announcement], now: datetime) -> Iterator[Notification]:
    """Yield every row that the announcements ask for, told before or not, in a constant number of queries."""
    organisations = {announcement.organisation.pk for announcement in announcements if announcement.users is None}
    memberships: dict[int, list[Membership]] = {}
    for membership in Membership.objects.filter(organisation__in=organisations, user__is_active=True).select_related(
        "user"
    ):
        memberships.setdefault(membership.organisation_id, []).append(membership)
    endpoints: dict[int, list[WebhookEndpoint]] = {}
    for endpoint in WebhookEndpoint.objects.active().filter(organisation__in=organisations):
        endpoints.setdefault(endpoint.organisation_id, []).append(endpoint)

    told = [(announcement, _users_told(announcement, memberships)) for announcement in announcements]
    chosen = Subscription.objects.chosen(
        users={user.pk for _announcement, users in told for user in users},
        events={announcement.event for announcement in announcements},
    )
    for announcement, users in told:
        for user in users:
            yield from _rows_of_user(announcement, user, chosen, now)
        if announcement.users is None and EVENTS[announcement.event].is_for_endpoints:
            for endpoint in endpoints.get(announcement.organisation.pk, []):
                if endpoint.admits(announcement.event):
                    yield row_of_endpoint(announcement, endpoint, now)


def _users_told(announcement: Announcement, memberships: dict[int, list[Membership]]) -> list[User]:
    if announcement.users is not None:
        return [user for user in dict.fromkeys(announcement.users) if user.is_active]
    roles = EVENTS[announcement.event].roles
    return [
        membership.user for membership in memberships.get(announcement.organisation.pk, []) if membership.role in roles
    ]


def _rows_of_user(announcement: Announcement, user: User, chosen: dict, now: datetime) -> Iterator[Notification]:
    addresses = {Channel.IN_APP: user.username, Channel.EMAIL: user.email, Channel.SMS: user.phone}
    for channel, default in Subscription.DEFAULTS.items():
        frequency = chosen.get((user.pk, announcement.event, channel), default)
        if frequency == Subscription.Frequency.NEVER or not addresses[channel]:
            continue
        row = _row(announcement, channel, now)
        row.user = user
        row.is_for_digest = frequency == Subscription.Frequency.DAILY
        if channel == Channel.IN_APP:
            row.status, row.finished_at = Run.Status.DONE, now
        yield row


def row_of_endpoint(announcement: Announcement, endpoint: WebhookEndpoint, now: datetime) -> Notification:
    """Return what tells an endpoint, not yet saved."""
    row = _row(announcement, Channel(endpoint.kind), now)
    row.endpoint = endpoint
    # Behind an endpoint that fails, all wait for the one that tries whether it is back.
    row.due_at = max(now, endpoint.retry_at or now)
    return row


def _row(announcement: Announcement, channel: Channel, now: datetime) -> Notification:
    return Notification(
        event=announcement.event,
        deduplication_key=announcement.deduplication_key,
        channel=channel,
        organisation=announcement.organisation,
        # Titles carry names and titles that people wrote: one line, and no longer than a subject may be.
        title_zh=" ".join(announcement.title_zh.split())[:300],
        title_en=" ".join(announcement.title_en.split())[:300],
        body_zh=announcement.body_zh,
        body_en=announcement.body_en,
        url=announcement.url,
        data=announcement.data,
        requested_at=now,
        due_at=now,
    )
