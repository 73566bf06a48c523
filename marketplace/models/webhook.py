from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.organisation import Organisation


class WebhookEndpoint(models.Model):
    """Where an organisation's own system wants to be told, signed as Standard Webhooks say."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(_("secret"), max_length=100)
    # Empty: all events.
    events = models.JSONField(_("events"), default=list, blank=True)
    created_at = models.DateTimeField()
    failures_in_a_row = models.PositiveSmallIntegerField(default=0)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="webhook_endpoint_once_per_address", fields=["organisation", "url"]),
            models.CheckConstraint(
                name="webhook_endpoint_disabled_at_goes_with_reason",
                condition=Q(disabled_at=None, disabled_reason="")
                | Q(Q(disabled_at__isnull=False), ~Q(disabled_reason="")),
            ),
        ]

    def __str__(self):
        return self.url


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
