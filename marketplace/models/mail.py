from datetime import datetime

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from marketplace.models.sending import Sending, SendingQuerySet
from marketplace.models.user import User


class MailQuerySet(SendingQuerySet):
    def finish(self, run: "Mail", *, now: datetime, **results) -> bool:
        return super().finish(run, now=now, body="", **results)

    def fail(self, run: "Mail", *, now: datetime, failure: str) -> bool:
        with transaction.atomic():
            # The row stays ours between the two: the first update holds it.
            self.held_by(run).update(body="")
            return super().fail(run, now=now, failure=failure)


class Mail(Sending):
    """A mail to an address that may belong to no user, such as an invitation's.

    The body is wiped once it was sent or given up: it may carry a link that lets its reader in.
    """

    to = models.EmailField()
    language = models.CharField(max_length=10, choices=settings.LANGUAGES, default="zh-hans")
    subject = models.CharField(max_length=300)
    body = models.TextField(blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="mail_waiting", fields=["due_at", "id"], condition=Q(status="waiting")),
        ]
        constraints = [
            models.CheckConstraint(
                name="mail_body_is_wiped_when_finished",
                condition=~Q(status__in=["done", "failed"]) | Q(body=""),
            ),
        ]

    def __str__(self):
        return f"{self.to}: {self.subject}"


class Digest(Sending):
    """One mail that gathers a user's notifications of a day."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="digests")
    on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="digest_one_per_user_and_day", fields=["user", "on"]),
        ]

    def __str__(self):
        return f"{self.user_id} {self.on}"
