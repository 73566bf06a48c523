from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from marketplace.models.sending import Sending, SendingQuerySet


class ShortMessageQuerySet(SendingQuerySet):
    def finish(self, run: "ShortMessage", *, now, **results) -> bool:
        return super().finish(run, now=now, text="", **results)

    def fail(self, run: "ShortMessage", *, now, failure: str) -> bool:
        with transaction.atomic():
            # The row stays ours between the two: the first update holds it.
            self.held_by(run).update(text="")
            return super().fail(run, now=now, failure=failure)


class ShortMessage(Sending):
    """A short message to a phone that may belong to no user, such as a receiver's at the gate.

    The text is wiped once it was sent or given up: it may carry a code that lets its reader sign.
    """

    to = models.CharField(max_length=30)
    language = models.CharField(max_length=10, choices=settings.LANGUAGES, default="zh-hans")
    text = models.CharField(max_length=500, blank=True)

    objects = ShortMessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="short_message_waiting", fields=["due_at", "id"], condition=Q(status="waiting")),
        ]
        constraints = [
            models.CheckConstraint(
                name="short_message_text_is_wiped_when_finished",
                condition=~Q(status__in=["done", "failed"]) | Q(text=""),
            ),
        ]

    def __str__(self):
        return self.to
