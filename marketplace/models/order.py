from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.offer import Offer
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.terms import TermLine, Terms
from marketplace.models.user import User

ZERO = Decimal(0)


def _quantity(label: str) -> models.DecimalField:
    return models.DecimalField(label, max_digits=18, decimal_places=3, default=ZERO)


class OrderQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return orders of the user's organisations, and those that are fulfilled in a park of theirs."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def in_parks_of(self, user: User) -> Self:
        """Return the orders handed over in a park whose staff the user belongs to: they see goods, not prices."""
        return self.filter(park__in=Park.objects.run_by(user))

    def editable_by(self, user: User) -> Self:
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def running(self) -> Self:
        return self.exclude(status__in=[Order.Status.CLOSED, Order.Status.CANCELLED])

    def with_details(self) -> Self:
        lines = models.Prefetch("lines", OrderLine.objects.order_by("position"))
        return self.select_related("buyer", "seller", "park", "offer__negotiation").prefetch_related(lines)

    def become(self, status: str, *, now, **changes) -> int:
        """Move these orders to the status where their present one allows it; one UPDATE decides."""
        reachable = self.filter(status__in=Order.TRANSITIONS[status])
        return reachable.update(status=status, updated_at=now, **changes)


class Order(Terms):
    """An accepted offer, and how far it has come. A framework order is called off in parts, each an order of its own."""

    class Kind(models.TextChoices):
        SPOT = "spot", _("Order")
        FRAMEWORK = "framework", _("Framework order")
        CALL_OFF = "call_off", _("Call-off")

    class Status(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        IN_FULFILMENT = "in_fulfilment", _("In fulfilment")
        DELIVERED = "delivered", _("Delivered")
        ACCEPTED = "accepted", _("Accepted")
        CLOSED = "closed", _("Closed")
        CANCELLED = "cancelled", _("Cancelled")

    # From which status each status may be reached. What was rejected or comes later takes an order back.
    TRANSITIONS = {
        Status.IN_FULFILMENT: (Status.CONFIRMED, Status.DELIVERED, Status.ACCEPTED),
        Status.DELIVERED: (Status.IN_FULFILMENT,),
        Status.ACCEPTED: (Status.DELIVERED, Status.IN_FULFILMENT),
        Status.CLOSED: (Status.ACCEPTED, Status.CONFIRMED),
        Status.CANCELLED: (Status.CONFIRMED, Status.IN_FULFILMENT),
    }

    number = models.CharField(_("number"), max_length=30, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.SPOT)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, null=True, blank=True, related_name="orders")
    framework = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="call_offs")
    repeats = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="repeated_by")
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="orders_as_buyer")
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="orders_as_seller")
    supply = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    demand = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    net_amount = models.DecimalField(_("amount without tax"), max_digits=20, decimal_places=2)
    tax_amount = models.DecimalField(_("tax"), max_digits=20, decimal_places=2)
    total_amount = models.DecimalField(_("total"), max_digits=20, decimal_places=2)
    status = models.CharField(_("status"), max_length=15, choices=Status, default=Status.CONFIRMED)
    # Grows with every amendment that both sides confirmed.
    revision = models.PositiveIntegerField(default=1)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(name="order_of_buyer", fields=["buyer", "-confirmed_at"]),
            models.Index(name="order_of_seller", fields=["seller", "-confirmed_at"]),
            models.Index(name="order_in_park", fields=["park", "status"]),
        ]
        constraints = [
            *Terms.Meta.constraints,
            models.CheckConstraint(name="order_is_between_two", condition=~Q(buyer=F("seller"))),
            # However often an offer is accepted, each buyer gets one order of it.
            models.UniqueConstraint(name="order_one_per_offer_and_buyer", fields=["offer", "buyer"]),
            models.CheckConstraint(
                name="order_call_off_has_a_framework",
                condition=Q(kind="call_off", framework__isnull=False, offer=None)
                | (~Q(kind="call_off") & Q(framework=None, offer__isnull=False)),
            ),
            models.CheckConstraint(
                name="order_total_adds_up", condition=Q(total_amount=F("net_amount") + F("tax_amount"))
            ),
            models.CheckConstraint(
                name="order_ended_at_goes_with_status",
                condition=Q(status__in=["closed", "cancelled"], closed_at__isnull=False)
                | Q(~Q(status__in=["closed", "cancelled"]), closed_at=None),
            ),
        ]

    def __str__(self):
        return self.number

    def side_of(self, organisation: Organisation) -> str:
        return "buyer" if organisation.pk == self.buyer_id else "seller"

    def other(self, organisation: Organisation) -> Organisation:
        return self.seller if organisation.pk == self.buyer_id else self.buyer


class OrderLine(TermLine):
    """One line of an order, and where its quantity is: every unit of it is in exactly one place.

    ``outstanding`` is not yet sent, ``in_delivery`` is on its way or in the park; at the end both are 0, and what was
    ordered is what was accepted, short, returned (rejected or sent back), cancelled or is disputed; of a framework
    order, what was called off.
    """

    # Where a quantity may be; the columns of this name sum to ``quantity``.
    PLACES = (
        "outstanding",
        "in_delivery",
        "accepted",
        "short",
        "returned",
        "cancelled",
        "disputed",
        "called_off",
    )

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    framework_line = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="call_off_lines"
    )
    # How much of one line's quantity is one unit of the listings it was taken from; 0: it was taken from none.
    listing_factor = models.DecimalField(max_digits=24, decimal_places=12, default=ZERO)
    outstanding = _quantity(_("outstanding"))
    in_delivery = _quantity(_("in delivery"))
    accepted = _quantity(_("accepted"))
    short = _quantity(_("short"))
    returned = _quantity(_("returned"))
    cancelled = _quantity(_("cancelled"))
    disputed = _quantity(_("disputed"))
    called_off = _quantity(_("called off"))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            *TermLine.Meta.constraints,
            models.UniqueConstraint(name="order_line_position_once", fields=["order", "position"]),
            models.CheckConstraint(
                name="order_line_quantity_is_always_somewhere",
                condition=Q(
                    quantity=F("outstanding")
                    + F("in_delivery")
                    + F("accepted")
                    + F("short")
                    + F("returned")
                    + F("cancelled")
                    + F("disputed")
                    + F("called_off")
                ),
            ),
            models.CheckConstraint(
                name="order_line_has_nowhere_less_than_nothing",
                condition=Q(
                    outstanding__gte=0,
                    in_delivery__gte=0,
                    accepted__gte=0,
                    short__gte=0,
                    returned__gte=0,
                    cancelled__gte=0,
                    disputed__gte=0,
                    called_off__gte=0,
                ),
            ),
        ]

    def __str__(self):
        return f"{self.order_id}.{self.position}: {self.description}"


class OrderMove(models.Model):
    """A quantity of a line went from one place to another; rows are only added, a trigger sees to it."""

    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="moves")
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    source = models.CharField(max_length=12)
    target = models.CharField(max_length=12)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    shipment = models.ForeignKey("Shipment", on_delete=models.PROTECT, null=True, blank=True, related_name="moves")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("move")
        verbose_name_plural = _("moves")
        constraints = [
            models.CheckConstraint(name="order_move_is_of_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="order_move_goes_from_place_to_place",
                condition=Q(source__in=OrderLine.PLACES, target__in=OrderLine.PLACES) & ~Q(source=F("target")),
            ),
        ]

    def __str__(self):
        return f"{self.line_id}: {self.quantity} {self.source} → {self.target}"
