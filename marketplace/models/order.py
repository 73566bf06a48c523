from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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

    def of(self, user: User) -> Self:
        """Return the orders of the user's own organisations, also for the platform operator."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def with_names(self) -> Self:
        return self.select_related("buyer", "seller", "park").annotate(line_count=models.Count("lines"))

    def sums(self, mine: "models.QuerySet[Organisation]") -> list[dict]:
        """Return by currency what is still to be paid and to be received by these organisations."""
        open_amount = F("payable_amount") - F("paid_amount")
        rows = self.filter(payable_amount__gt=F("paid_amount")).values("currency").order_by("currency")
        return list(
            rows.annotate(
                to_pay=models.Sum(open_amount, filter=Q(buyer__in=mine), default=ZERO),
                to_receive=models.Sum(open_amount, filter=Q(seller__in=mine), default=ZERO),
            )
        )

    def running(self) -> Self:
        return self.exclude(status__in=Order.ENDED)

    def locked(self) -> Self:
        """Lock the rows against everybody else's acts on them; what refers to them may still be written."""
        return self.select_for_update(no_key=True, of=("self",))

    def overdue(self, on: date) -> Self:
        """Return the orders of which something was to be paid before that day and is not."""
        return self.filter(next_due_on__lt=on, next_due_amount__gt=0)

    def to_close(self, now: datetime, on: date) -> Self:
        """Return what was accepted so long ago that nobody will object any more, and of which nothing is about to be paid.

        A buyer who pays that much later than agreed keeps no order open.
        """
        wait = timedelta(days=Order.DAYS_TO_OBJECT)
        settled = Q(next_due_on=None) | Q(next_due_on__lt=on - wait)
        return self.filter(settled, status=Order.Status.ACCEPTED, accepted_at__lte=now - wait)

    def frameworks_past(self, on: date) -> Self:
        """Return framework orders whose window has ended."""
        return self.filter(kind=Order.Kind.FRAMEWORK, status=Order.Status.CONFIRMED, window_end__lt=on)

    def with_details(self) -> Self:
        lines = models.Prefetch("lines", OrderLine.objects.order_by("position"))
        listings = ("supply__category", "demand__category")
        return self.select_related("buyer", "seller", "park", "offer__negotiation", *listings).prefetch_related(lines)

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
        ACCEPTED = "accepted", pgettext_lazy("goods", "Accepted")
        CLOSED = "closed", _("Closed")
        CANCELLED = "cancelled", _("Cancelled")

    # From which status each status may be reached. What was rejected, disputed or comes later takes an order back; a
    # framework order is only confirmed until it is closed.
    TRANSITIONS = {
        Status.IN_FULFILMENT: (Status.CONFIRMED, Status.DELIVERED, Status.ACCEPTED),
        Status.DELIVERED: (Status.CONFIRMED, Status.IN_FULFILMENT, Status.ACCEPTED),
        Status.ACCEPTED: (Status.CONFIRMED, Status.IN_FULFILMENT, Status.DELIVERED),
        Status.CLOSED: (Status.ACCEPTED, Status.CONFIRMED),
        Status.CANCELLED: (Status.CONFIRMED, Status.IN_FULFILMENT, Status.DELIVERED),
    }
    ENDED = (Status.CLOSED, Status.CANCELLED)
    # After this time an accepted and paid order closes by itself.
    DAYS_TO_OBJECT = 30

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
    # What is to be paid of it after what was cancelled, short, returned or reduced; what was recorded as paid; and what
    # is due first. Kept here, written by one service, so that lists can be asked for what is overdue.
    payable_amount = models.DecimalField(_("to be paid"), max_digits=20, decimal_places=2, default=ZERO)
    paid_amount = models.DecimalField(_("paid"), max_digits=20, decimal_places=2, default=ZERO)
    next_due_on = models.DateField(_("due on"), null=True, blank=True)
    next_due_amount = models.DecimalField(_("due"), max_digits=20, decimal_places=2, default=ZERO)
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
            models.Index(name="order_next_due", fields=["next_due_on"], condition=Q(next_due_amount__gt=0)),
            models.Index(name="order_to_close", fields=["accepted_at"], condition=Q(status="accepted")),
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
                name="order_amounts_are_not_negative",
                condition=Q(payable_amount__gte=0, paid_amount__gte=0, next_due_amount__gte=0),
            ),
            models.CheckConstraint(
                name="order_accepted_at_goes_with_status",
                condition=~Q(status__in=["accepted"]) | Q(accepted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="order_ended_at_goes_with_status",
                condition=Q(status__in=["closed", "cancelled"], closed_at__isnull=False)
                | Q(~Q(status__in=["closed", "cancelled"]), closed_at=None),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_framework(self) -> bool:
        return self.kind == self.Kind.FRAMEWORK

    @property
    def category(self):
        """Return the category of the goods, None where the order came from no listing."""
        listing = self.supply or self.demand
        return listing and listing.category

    @property
    def is_running(self) -> bool:
        return self.status not in self.ENDED

    @property
    def open_amount(self) -> Decimal:
        """Return what is still to be paid, or, below 0, to be paid back."""
        return self.payable_amount - self.paid_amount

    def side_of(self, organisation: Organisation) -> str:
        return "buyer" if organisation.pk == self.buyer_id else "seller"

    def other(self, organisation: Organisation) -> Organisation:
        return self.seller if organisation.pk == self.buyer_id else self.buyer


class OrderLineQuerySet(models.QuerySet):
    def shift(self, quantity: Decimal, *, source: str, target: str) -> int:
        """Take a quantity of these lines from one place to another where there is as much; one UPDATE decides.

        Whoever calls it writes the ``OrderMove``.
        """
        enough = self.filter(**{f"{source}__gte": quantity})
        return enough.update(**{source: F(source) - quantity, target: F(target) + quantity})

    def annotate_lots(self) -> Self:
        """Add how many lots of a shipment that is not cancelled are of each line: ``lot_count``."""
        standing = Q(lots__isnull=False) & ~Q(lots__shipment__status="cancelled")
        return self.annotate(lot_count=models.Count("lots", filter=standing))


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
    # How much of the listing's unit one unit of the line is (0.001 where kilograms are taken from a supply in tonnes);
    # 0: the line was taken from no listing.
    listing_factor = models.DecimalField(max_digits=24, decimal_places=12, default=ZERO)
    # Of a framework order: the smallest part that is called off, unless less is left.
    minimum_call = models.DecimalField(_("smallest call-off"), max_digits=18, decimal_places=3, null=True, blank=True)
    outstanding = _quantity(_("outstanding"))
    in_delivery = _quantity(_("in delivery"))
    accepted = _quantity(_("accepted"))
    short = _quantity(_("short"))
    returned = _quantity(_("returned"))
    cancelled = _quantity(_("cancelled"))
    disputed = _quantity(_("disputed"))
    called_off = _quantity(_("called off"))

    objects = OrderLineQuerySet.as_manager()

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
                name="order_line_minimum_call_is_positive", condition=Q(minimum_call=None) | Q(minimum_call__gt=0)
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

    @property
    def billable(self) -> Decimal:
        """Return the quantity that is paid for: what was not cancelled, short, returned or called off."""
        return self.quantity - self.cancelled - self.short - self.returned - self.called_off

    @property
    def places(self) -> list[tuple[str, Decimal]]:
        """Return where something of the line is, and how much, in the order in which goods pass the places."""
        return [(place, getattr(self, place)) for place in self.PLACES if getattr(self, place)]


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
