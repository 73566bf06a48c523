from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.facility import Facility
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.shipment import Lot, Shipment
from marketplace.models.user import User


class FulfilmentEventQuerySet(models.QuerySet):
    def shown_to(self, user: User) -> Self:
        """Return the events of whole shipments and of the user's own lots: of a shared shipment, not of others' lots."""
        return self.filter(Q(lot=None) | Q(lot__in=Lot.objects.visible_to(user)))

    def with_names(self) -> Self:
        return self.select_related("by", "organisation", "facility", "lot")


class FulfilmentEvent(models.Model):
    """What happened to a shipment or one of its lots, when, where and by whom; rows are only added.

    ``key`` is given by the device that recorded it, so a scan that is sent twice is one event. ``recorded_at`` is the
    device's clock, ``received_at`` ours: they differ where a gate worked through a network cut.
    """

    class Kind(models.TextChoices):
        PLANNED = "planned", _("Planned")
        DISPATCHED = "dispatched", _("Dispatched")
        ARRIVED = "arrived", _("Arrived at the gate")
        WEIGHED = "weighed", _("Weighed")
        INSPECTED = "inspected", _("Inspected")
        STORED = "stored", _("Stored")
        COUNTED = "counted", _("Counted")
        RELEASED = "released", _("Released")
        HANDED_OVER = "handed_over", _("Handed over")
        RECEIVED = "received", _("Received")
        RETURNED = "returned", _("Sent back")
        CANCELLED = "cancelled", _("Cancelled")
        NOTED = "noted", _("Noted")

    key = models.UUIDField(unique=True)
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="events")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    kind = models.CharField(_("event"), max_length=12, choices=Kind)
    recorded_at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    place = models.CharField(_("place"), max_length=200, blank=True)
    device = models.CharField(_("device"), max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="+")

    objects = FulfilmentEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("fulfilment event")
        verbose_name_plural = _("fulfilment events")
        indexes = [models.Index(name="fulfilment_event_of_shipment", fields=["shipment", "recorded_at"])]

    def __str__(self):
        return f"{self.shipment_id}: {self.kind}"


class ScanConflictQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(outcome="")

    def handled_by(self, user: User) -> Self:
        """Return those of shipments that pass through a park where the user works."""
        return self.filter(shipment__park__in=Park.objects.run_by(user))

    def settle(self, outcome: str, *, at, by: User) -> int:
        """Note how these were settled, unless they are already."""
        return self.open().update(outcome=outcome, settled_at=at, settled_by=by)


class ScanConflict(models.Model):
    """A scan that came back from a network cut and does not fit what happened meanwhile; a person decides.

    Known by the scan's own key: the same scan sent again, with the person's choice, settles it.
    """

    class Outcome(models.TextChoices):
        APPLIED = "applied", _("Applied")
        DROPPED = "dropped", _("Dropped")

    key = models.UUIDField(unique=True)
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="conflicts")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(_("event"), max_length=12, choices=FulfilmentEvent.Kind)
    recorded_at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    device = models.CharField(_("device"), max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)
    message = models.CharField(max_length=500)
    choices = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = ScanConflictQuerySet.as_manager()

    class Meta:
        verbose_name = _("conflict of a scan")
        verbose_name_plural = _("conflicts of scans")
        constraints = [
            models.CheckConstraint(
                name="scan_conflict_settled_at_goes_with_outcome",
                condition=Q(outcome="", settled_at=None, settled_by=None)
                | Q(~Q(outcome=""), settled_at__isnull=False, settled_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.shipment_id}: {self.kind}"


class StockMove(models.Model):
    """A quantity of a lot came into a warehouse, left it, or was counted otherwise than the books had it; only added."""

    class Kind(models.TextChoices):
        IN = "in", _("Stored")
        OUT = "out", _("Released")
        COUNT = "count", _("Count adjusted")

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="stock_moves")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="stock_moves")
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    # What it added to the stock: less than nothing where it took away.
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    balance = models.DecimalField(_("then in stock"), max_digits=18, decimal_places=3)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    event = models.ForeignKey(
        FulfilmentEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="stock_moves"
    )

    class Meta:
        verbose_name = _("stock move")
        verbose_name_plural = _("stock moves")
        indexes = [models.Index(name="stock_move_of_lot", fields=["lot", "at"])]
        constraints = [
            models.CheckConstraint(name="stock_move_leaves_no_less_than_nothing", condition=Q(balance__gte=0)),
            models.CheckConstraint(
                name="stock_move_goes_the_way_of_its_kind",
                condition=Q(kind="in", quantity__gt=0) | Q(kind="out", quantity__lt=0) | Q(kind="count"),
            ),
            models.CheckConstraint(
                name="stock_move_of_a_count_says_why", condition=~Q(kind="count") | Q(quantity=0) | ~Q(reason="")
            ),
            models.CheckConstraint(name="stock_move_adds_up_to_its_balance", condition=Q(balance__gte=F("quantity"))),
        ]

    def __str__(self):
        return f"{self.lot_id}: {self.quantity}"
