from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models.organisation import Organisation
from marketplace.models.user import User
from marketplace.models.webhook import WebhookEndpoint


class Channel(models.TextChoices):
    IN_APP = "in_app", _("In the app")
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")
    SMS = "sms", _("SMS")
    WECOM = "wecom", _("WeCom robot")
    DINGTALK = "dingtalk", _("DingTalk robot")


class Subscription(models.Model):
    """How often a user wants to be told of an event on a channel; without a row the default of the channel holds."""

    class Frequency(models.TextChoices):
        AT_ONCE = "at_once", _("At once")
        DAILY = "daily", _("Once a day")
        NEVER = "never", _("Never")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="subscriptions")
    event = models.CharField(_("event"), max_length=60)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="subscription_once_per_event_and_channel", fields=["user", "event", "channel"]
            ),
        ]

    def __str__(self):
        return f"{self.user_id} {self.event} {self.channel}: {self.frequency}"


class Digest(Run):
    """One mail that gathers a user's notifications of a day."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="digests")
    on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="digest_one_per_user_and_day", fields=["user", "on"]),
        ]

    def __str__(self):
        return f"{self.user_id} {self.on}"


class NotificationQuerySet(RunQuerySet):
    def in_app_of(self, user: User) -> Self:
        return self.filter(user=user, channel=Channel.IN_APP)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def due(self, now: datetime) -> Self:
        """Return what waits to be sent on its own, and whose time has come."""
        return self.filter(status=Run.Status.WAITING, due_at__lte=now, digest=None).exclude(is_for_digest=True)


class Notification(Run):
    """One thing told to one recipient on one channel.

    The texts stand in both languages; the reader's language decides which is shown or sent. An in-app notification is
    DONE when it is written: the row is its delivery. ``deduplication_key`` names the fact, so that the same fact is
    told once per recipient and channel however often it is announced.
    """

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
    data = models.JSONField(default=dict, blank=True)
    due_at = models.DateTimeField()
    is_for_digest = models.BooleanField(default=False)
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications")
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                name="notification_unread_in_app",
                fields=["user", "-requested_at"],
                condition=Q(channel="in_app", read_at=None),
            ),
            models.Index(name="notification_waiting", fields=["due_at"], condition=Q(status="waiting")),
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
                condition=Q(channel="webhook", endpoint__isnull=False, user=None)
                | Q(~Q(channel="webhook"), endpoint=None, user__isnull=False),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        return self.title_en if get_language() == "en" else self.title_zh

    @property
    def body(self) -> str:
        return self.body_en if get_language() == "en" else self.body_zh
