from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.user import User

# Whoever sends a request again after a week means a new one.
KEPT_FOR = timedelta(days=7)


class IdempotentRequestQuerySet(models.QuerySet):
    def outdated(self, now: datetime) -> Self:
        return self.filter(created_at__lt=now - KEPT_FOR)


class IdempotentRequest(models.Model):
    """A request that a caller named by a key, and what it was answered: sent again, it does nothing twice."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    scope = models.CharField(_("address"), max_length=200)
    key = models.CharField(_("key"), max_length=100)
    # Of what was sent: another body under the same key is a mistake of the caller's.
    fingerprint = models.CharField(max_length=64)
    # 0 only within the transaction that is still at work on the answer: nobody else ever sees it.
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    body = models.JSONField(_("answer"), null=True, blank=True)
    created_at = models.DateTimeField()

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("idempotent request")
        verbose_name_plural = _("idempotent requests")
        indexes = [models.Index(name="idempotent_request_by_age", fields=["created_at"])]
        constraints = [
            models.UniqueConstraint(name="idempotent_request_is_answered_once", fields=["user", "scope", "key"]),
            models.CheckConstraint(name="idempotent_request_has_a_key", condition=~Q(key="")),
        ]

    def __str__(self):
        return f"{self.scope} {self.key}"
