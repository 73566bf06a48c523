from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models.attachment import Attachment
from marketplace.models.order import Order, OrderLine
from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class DisputeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        """Return the disputes in which the user speaks for one side."""
        return self.filter(order__in=Order.objects.editable_by(user))

    def open(self) -> Self:
        return self.filter(status=Dispute.Status.OPEN)

    def with_details(self) -> Self:
        evidence = DisputeEvidence.objects.order_by("at", "pk").select_related("organisation", "by")
        return self.select_related("order__buyer", "order__seller", "line", "opened_for", "opened_by").prefetch_related(
            models.Prefetch("evidence", evidence.prefetch_related("attachments"))
        )

    def close(self, status: str, *, by: User, now, outcome: dict) -> int:
        """Close these disputes if they are still open; one UPDATE decides."""
        return self.open().update(status=status, closed_by=by, closed_at=now, outcome=outcome)


class Dispute(models.Model):
    """A part of a line about which the two sides disagree; only this part freezes.

    ``source`` is where the quantity was when the dispute was opened, ``references`` what the records say of it: events
    and inspections, taken by themselves. ``outcome`` says how much was accepted, returned, short or replaced, and what
    the price was reduced by.
    """

    class Kind(models.TextChoices):
        QUALITY = "quality", _("Quality")
        QUANTITY = "quantity", _("Quantity")
        LATE = "late", _("Too late")
        OTHER = "other", _("Something else")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("dispute", "Open")
        SETTLED = "settled", _("Settled")
        DECIDED = "decided", _("Decided by the platform")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="disputes")
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    source = models.CharField(max_length=12, choices=[("in_delivery", _("in delivery")), ("accepted", _("accepted"))])
    kind = models.CharField(_("about"), max_length=10, choices=Kind)
    text = models.TextField(_("what happened"), max_length=4000)
    opened_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    references = models.JSONField(default=list, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.JSONField(default=dict, blank=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        indexes = [models.Index(name="dispute_open_oldest", fields=["opened_at"], condition=Q(status="open"))]
        constraints = [
            models.CheckConstraint(name="dispute_is_about_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="dispute_freezes_what_was_sent", condition=Q(source__in=["in_delivery", "accepted"])
            ),
            models.CheckConstraint(
                name="dispute_closed_at_goes_with_status",
                condition=Q(status="open", closed_at=None) | Q(~Q(status="open"), closed_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.order_id}: {self.kind}"


class DisputeEvidence(models.Model):
    """What one side, or the platform operator, says and shows in a dispute; rows are only added."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="evidence")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("text"), max_length=4000)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")

    def __str__(self):
        return self.text[:80]
