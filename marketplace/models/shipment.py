import secrets
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.booking import NUMBER_ALPHABET, Booking
from marketplace.models.facility import Facility
from marketplace.models.membership import Membership
from marketplace.models.order import OrderLine
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User


def new_token() -> str:
    """Return what a QR code carries: 22 letters that nobody guesses."""
    return secrets.token_urlsafe(16)


def new_number(prefix: str, now: datetime) -> str:
    """Return a number for something made now: its day, and signs that nobody can guess or misread."""
    return f"{prefix}{now:%y%m%d}-{''.join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))}"


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

    def plannable_by(self, user: User) -> Self:
        """Return the planned shipments that the user may still change as their sender."""
        return self.sent_by(user).filter(status=Shipment.Status.PLANNED)

    def handled_by(self, user: User) -> Self:
        """Return the shipments that this user may weigh, inspect, store and hand over: those of their parks."""
        return self.filter(park__in=Park.objects.run_by(user))

    def on_the_grounds(self) -> Self:
        return self.filter(status__in=Shipment.ON_THE_GROUNDS)

    def expected_by(self, moment: datetime) -> Self:
        """Return what should have come to a gate by then, and what is on its way without saying when it comes."""
        due = Q(status__in=Shipment.TO_COME, expected_at__lt=moment)
        return self.filter(due | Q(status=Shipment.Status.DISPATCHED, expected_at=None))

    def with_details(self) -> Self:
        lots = models.Prefetch(
            "lots", Lot.objects.order_by("pk").select_related("order_line__order__buyer", "location")
        )
        return self.select_related("seller", "park").prefetch_related(lots)

    def with_names(self) -> Self:
        return self.select_related("seller", "park")

    def with_lots_of(self, user: User) -> Self:
        """Fetch the lots that the user may see with them: ``shown_lots``."""
        lots = Lot.objects.visible_to(user).select_related("order_line__order").prefetch_related("packages")
        return self.prefetch_related(models.Prefetch("lots", lots.order_by("pk"), to_attr="shown_lots"))

    def with_bookings(self) -> Self:
        return self.with_names().select_related(
            "park__organisation", "dock_booking__facility", "warehouse_booking__facility"
        )

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

    TO_COME = (Status.PLANNED, Status.DISPATCHED)
    ON_THE_GROUNDS = (Status.ARRIVED, Status.WEIGHED, Status.INSPECTED, Status.STORED)

    # What may be said of a journey; the rest is its lots and bookings.
    JOURNEY_FIELDS = ("from_address", "to_address", "carrier", "vehicle", "driver_name", "driver_phone")

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
    # What was weighed lies further from what was declared than the tolerance allows.
    is_weight_off = models.BooleanField(_("weight out of tolerance"), default=False)
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

    @property
    def is_under_way(self) -> bool:
        return self.status not in (self.Status.PLANNED, self.Status.CANCELLED, self.Status.RECEIVED)

    @property
    def is_here(self) -> bool:
        """Say whether goods of it can be inspected and received: in the park, or, without one, on their way."""
        came = (self.Status.ARRIVED, self.Status.WEIGHED, self.Status.INSPECTED, self.Status.STORED)
        if self.status in (*came, self.Status.HANDED_OVER):
            return True
        return self.park_id is None and self.status == self.Status.DISPATCHED


class LotQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the lots that the user's organisations send, bought, or handle: of a shared shipment only their own."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        return self.filter(
            Q(shipment__seller__in=mine)
            | Q(shipment__park__in=Park.objects.run_by(user))
            | Q(order_line__order__buyer__in=mine)
        )

    def handled_by(self, user: User) -> Self:
        """Return the lots of shipments that pass through a park where the user works."""
        return self.filter(shipment__in=Shipment.objects.handled_by(user))

    def in_stock(self) -> Self:
        return self.filter(stored_quantity__gt=0)

    def stored_in_parks_of(self, user: User) -> Self:
        return self.in_stock().filter(location__park__in=Park.objects.run_by(user))

    def in_stock_of(self, user: User) -> Self:
        """Return what lies in parks for the user's organisations: the seller's until it is received, then the buyer's."""
        mine = Organisation.objects.of(user)
        return self.in_stock().filter(
            Q(shipment__seller__in=mine, received_quantity=0)
            | Q(order_line__order__buyer__in=mine, received_quantity__gt=0)
        )

    def inspectable_by(self, user: User) -> Self:
        """Return what the user may inspect: lots in a park where they work, and those bought that came without a park."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        here = Q(shipment__park__in=Park.objects.run_by(user))
        bought = Q(shipment__park=None, order_line__order__buyer__in=mine)
        return self.filter(here | bought)

    def with_names(self) -> Self:
        return self.select_related("shipment__seller", "shipment__park", "order_line__order__buyer", "location__park")

    def with_categories(self) -> Self:
        order = "order_line__order"
        return self.select_related(f"{order}__supply__category", f"{order}__demand__category")


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

    # What a seller may show to everybody on a lot's trace page, in the order in which it is read there.
    PUBLIC_FIELDS = (
        "product",
        "maker",
        "origin",
        "garden",
        "variety",
        "grade",
        "picked_on",
        "made_on",
        "processing",
        "batch",
        "certificates",
        "best_before",
        "story",
    )

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
    # Where the lot's quantity went at last, by signed receipts and by what the buyer decided on rejected goods.
    received_quantity = models.DecimalField(_("received"), max_digits=18, decimal_places=3, default=0)
    short_quantity = models.DecimalField(_("short"), max_digits=18, decimal_places=3, default=0)
    sent_back_quantity = models.DecimalField(_("sent back"), max_digits=18, decimal_places=3, default=0)
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
                name="lot_goes_nowhere_more_than_once",
                condition=Q(received_quantity__gte=0, short_quantity__gte=0, sent_back_quantity__gte=0)
                & Q(quantity__gte=F("received_quantity") + F("short_quantity") + F("sent_back_quantity")),
            ),
            models.CheckConstraint(
                name="lot_in_stock_is_somewhere",
                condition=Q(stored_quantity=0) | Q(stored_quantity__gt=0, location__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def payer(self) -> Organisation:
        """Return whose room it takes: who booked it, else the owner of the goods, the seller until they are received."""
        if self.shipment.warehouse_booking_id:
            return self.shipment.warehouse_booking.organisation
        return self.order_line.order.buyer if self.received_quantity else self.shipment.seller

    @property
    def open_quantity(self) -> Decimal:
        """Return what is still under way: neither received nor short nor sent back."""
        return self.quantity - self.received_quantity - self.short_quantity - self.sent_back_quantity

    @property
    def undecided_quantity(self) -> Decimal:
        """Return what was rejected and the buyer has not yet sent back or had replaced."""
        return max(self.rejected_quantity - self.sent_back_quantity, Decimal(0))


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
