from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.user import User

# Failures in a row that end an endpoint. Its pauses grow with them, so these take two days, not two seconds.
FAILURES_TOO_MANY = 10


class WebhookEndpointQuerySet(models.QuerySet):
    def editable_by(self, user: User) -> Self:
        """Return the endpoints of the organisations that this user owns."""
        return self.filter(organisation__in=Organisation.objects.of(user, Membership.Role.OWNER))

    def active(self) -> Self:
        return self.filter(disabled_at=None)

    def record_success(self, pk: int) -> bool:
        """Forget the failures; return whether there were any, that is, whether others were held back."""
        return bool(self.filter(pk=pk).exclude(failures_in_a_row=0).update(failures_in_a_row=0, retry_at=None))

    def record_failure(self, pk: int, *, retry_at: datetime) -> None:
        self.filter(pk=pk).update(failures_in_a_row=F("failures_in_a_row") + 1, retry_at=retry_at)

    def disable(self, pk: int, *, now: datetime, reason: str) -> bool:
        """Send nothing more there; return whether this call did it, so that one tells the owners."""
        return bool(self.active().filter(pk=pk).update(disabled_at=now, disabled_reason=reason, retry_at=None))

    def enable(self, pk: int) -> bool:
        """Start afresh; return whether it was switched off."""
        off = self.filter(pk=pk, disabled_at__isnull=False)
        return bool(off.update(disabled_at=None, disabled_reason="", failures_in_a_row=0, retry_at=None))


class WebhookEndpoint(models.Model):
    """Where an organisation's own system, or the robot of one of its chat groups, wants to be told.

    A webhook is signed as Standard Webhooks say. After a rotation the old secret signs as well for a day, so that the
    receiver may change over at leisure. A WeCom robot is known by its address alone; a DingTalk robot may ask for a
    signature (``secret``), and either for a ``keyword`` in every text.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        WECOM = "wecom", _("WeCom robot")
        DINGTALK = "dingtalk", _("DingTalk robot")

    class DisabledReason(models.TextChoices):
        FAILING = "failing", _("It failed too many times in a row")
        GONE = "gone", _("The receiver answered 410: it wants nothing more")
        HANDED_OVER = "handed_over", _("The organisation has other owners now")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="webhook_endpoints")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WEBHOOK)
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(_("secret"), max_length=100, blank=True)
    previous_secret = models.CharField(max_length=100, blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    keyword = models.CharField(_("keyword of the robot"), max_length=40, blank=True)
    # Empty: all events.
    events = models.JSONField(_("events"), default=list, blank=True)
    created_at = models.DateTimeField()
    failures_in_a_row = models.PositiveSmallIntegerField(default=0)
    # While it fails, nothing else is tried there before this moment.
    retry_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=12, choices=DisabledReason, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="webhook_endpoint_once_per_address", fields=["organisation", "url"]),
            models.CheckConstraint(
                name="webhook_endpoint_disabled_at_goes_with_reason",
                condition=Q(disabled_at=None, disabled_reason="")
                | Q(Q(disabled_at__isnull=False), ~Q(disabled_reason="")),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_has_the_secret_of_its_kind",
                condition=Q(kind="webhook", secret__startswith="whsec_", keyword="")  # noqa: S106 - a prefix
                | Q(kind="wecom", secret="")
                | Q(kind="dingtalk"),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_previous_secret_has_an_end",
                condition=Q(previous_secret="", previous_secret_until=None)
                | Q(~Q(previous_secret=""), previous_secret_until__isnull=False),
            ),
        ]

    def __str__(self):
        return self.host

    @property
    def host(self) -> str:
        """Return what may be shown of the address: that of a robot is a secret as a whole."""
        return urlsplit(self.url).hostname or self.url

    def admits(self, event: str) -> bool:
        return not self.events or event in self.events


class WebhookAttempt(models.Model):
    """The delivery log: one try to hand a notification to an endpoint."""

    notification = models.ForeignKey("Notification", on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    # None: no answer came.
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    duration_ms = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.notification_id}: {self.status_code or self.error}"
