import secrets
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.booking import Booking
from marketplace.models.facility import Facility
from marketplace.models.membership import Membership
from marketplace.models.order import OrderLine
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User


def new_token() -> str:
    """Return what a QR code carries: 22 letters that nobody guesses."""
    return secrets.token_urlsafe(16)


class ShipmentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return shipments that the user's organisations send, receive, or handle in their park."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        received = Lot.objects.filter(shipment=OuterRef("pk"), order_line__order__buyer__in=mine)
        return self.filter(Q(seller__in=mine) | Q(park__in=Park.objects.run_by(user)) | Exists(received))

    def sent_by(self, user: User) -> Self:
        return self.filter(seller__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def handled_by(self, user: User) -> Self:
        """Return the shipments that this user may weigh, inspect, store and hand over: those of their parks."""
        return self.filter(park__in=Park.objects.run_by(user))

    def with_details(self) -> Self:
        lots = models.Prefetch(
            "lots", Lot.objects.order_by("pk").select_related("order_line__order__buyer", "location")
        )
        return self.select_related("seller", "park").prefetch_related(lots)

    def become(self, status: str, *, now, **changes) -> int:
        """Move these shipments to the status where their present one allows it; one UPDATE decides."""
        reachable = self.filter(status__in=Shipment.TRANSITIONS[status])
        return reachable.update(status=status, updated_at=now, **changes)


class Shipment(models.Model):
    """Goods on their way from a seller, of one order or, for a collective purchase, of several.

    Who brings goods to a park passes the gate, the weighbridge and the inspection there; without a park a shipment goes
    from dispatched to received.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        DISPATCHED = "dispatched", _("Dispatched")
        ARRIVED = "arrived", _("Arrived")
        WEIGHED = "weighed", _("Weighed")
        INSPECTED = "inspected", _("Inspected")
        STORED = "stored", _("Stored")
        HANDED_OVER = "handed_over", _("Handed over")
        RECEIVED = "received", _("Received")
        CANCELLED = "cancelled", _("Cancelled")

    # From which status each status may be reached. Weighing and inspecting may be left out where nothing asks for them.
    TRANSITIONS = {
        Status.DISPATCHED: (Status.PLANNED,),
        Status.ARRIVED: (Status.DISPATCHED,),
        Status.WEIGHED: (Status.ARRIVED,),
        Status.INSPECTED: (Status.ARRIVED, Status.WEIGHED),
        Status.STORED: (Status.ARRIVED, Status.WEIGHED, Status.INSPECTED),
        Status.HANDED_OVER: (Status.ARRIVED, Status.WEIGHED, Status.INSPECTED, Status.STORED, Status.DISPATCHED),
        Status.RECEIVED: (Status.HANDED_OVER,),
        Status.CANCELLED: (Status.PLANNED,),
    }

    number = models.CharField(_("number"), max_length=30, unique=True)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="shipments")
    park = models.ForeignKey(Park, on_delete=models.PROTECT, null=True, blank=True, related_name="shipments")
    from_address = models.CharField(_("from"), max_length=300, blank=True)
    to_address = models.CharField(_("to"), max_length=300, blank=True)
    carrier = models.CharField(_("carrier"), max_length=200, blank=True)
    vehicle = models.CharField(_("vehicle"), max_length=20, blank=True)
    driver_name = models.CharField(_("driver"), max_length=100, blank=True)
    driver_phone = models.CharField(_("driver's phone"), max_length=30, blank=True)
    expected_at = models.DateTimeField(_("expected at"), null=True, blank=True)
    dock_booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="unloadings"
    )
    warehouse_booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="stays"
    )
    gross_weight_kg = models.DecimalField(_("gross weight, kg"), max_digits=12, decimal_places=1, null=True, blank=True)
    tare_weight_kg = models.DecimalField(_("tare weight, kg"), max_digits=12, decimal_places=1, null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PLANNED)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)

    objects = ShipmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        indexes = [
            models.Index(name="shipment_expected_in_park", fields=["park", "expected_at"]),
            models.Index(name="shipment_of_seller", fields=["seller", "-created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="shipment_weighs_no_less_than_its_vehicle",
                condition=Q(gross_weight_kg=None)
                | Q(tare_weight_kg=None)
                | Q(gross_weight_kg__gte=F("tare_weight_kg")),
            ),
            models.CheckConstraint(
                name="shipment_dispatched_at_goes_with_status",
                condition=Q(status__in=["planned", "cancelled"], dispatched_at=None)
                | Q(~Q(status__in=["planned", "cancelled"]), dispatched_at__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def net_weight_kg(self):
        if self.gross_weight_kg is None or self.tare_weight_kg is None:
            return None
        return self.gross_weight_kg - self.tare_weight_kg


class LotQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(shipment__in=Shipment.objects.visible_to(user))

    def stored_in_parks_of(self, user: User) -> Self:
        return self.filter(location__park__in=Park.objects.run_by(user), stored_quantity__gt=0)


class Lot(models.Model):
    """Goods of one order line that were made and travel together, known by a QR code.

    ``public`` is what its trace page shows to anybody: maker, origin, made on, certificates; all chosen by the seller.
    """

    class Status(models.TextChoices):
        PACKED = "packed", _("Packed")
        IN_TRANSIT = "in_transit", _("In transit")
        ARRIVED = "arrived", _("Arrived")
        PASSED = "passed", _("Passed inspection")
        CONCESSION = "concession", _("Accepted with a concession")
        REJECTED = "rejected", _("Rejected")
        STORED = "stored", _("Stored")
        RELEASED = "released", _("Released to the receiver")
        RECEIVED = "received", _("Received")
        RETURNED = "returned", _("Sent back")

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="lots")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="lots")
    number = models.CharField(_("lot"), max_length=40)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PACKED)
    location = models.ForeignKey(Facility, on_delete=models.PROTECT, null=True, blank=True, related_name="lots")
    stored_quantity = models.DecimalField(_("in stock"), max_digits=18, decimal_places=3, default=0)
    accepted_quantity = models.DecimalField(_("accepted"), max_digits=18, decimal_places=3, default=0)
    rejected_quantity = models.DecimalField(_("rejected"), max_digits=18, decimal_places=3, default=0)
    public = models.JSONField(default=dict, blank=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.UniqueConstraint(name="lot_number_once_per_shipment", fields=["shipment", "number"]),
            models.CheckConstraint(name="lot_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="lot_is_judged_at_most_whole",
                condition=Q(accepted_quantity__gte=0, rejected_quantity__gte=0)
                & Q(quantity__gte=F("accepted_quantity") + F("rejected_quantity")),
            ),
            models.CheckConstraint(
                name="lot_in_stock_is_somewhere",
                condition=Q(stored_quantity=0) | Q(stored_quantity__gt=0, location__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number


class Package(models.Model):
    """A pallet, drum, carton or bag of a lot, with a QR code of its own."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="packages")
    number = models.PositiveSmallIntegerField(_("package"))
    token = models.CharField(max_length=40, unique=True, default=new_token)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        constraints = [
            models.UniqueConstraint(name="package_number_once_per_lot", fields=["lot", "number"]),
            models.CheckConstraint(name="package_holds_something", condition=Q(quantity__gt=0)),
        ]

    def __str__(self):
        return f"{self.lot_id}#{self.number}"


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

    class Meta:
        verbose_name = _("fulfilment event")
        verbose_name_plural = _("fulfilment events")
        indexes = [models.Index(name="fulfilment_event_of_shipment", fields=["shipment", "recorded_at"])]

    def __str__(self):
        return f"{self.shipment_id}: {self.kind}"
