"""Limits as a tree: a bank, a core enterprise, its programme, a member; what an order reserves and a drawdown uses."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Application
from marketplace.models import Order, Organisation, PurchasePool, User

ZERO = Decimal(0)


class CreditLineQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the lines of the user's firms and banks, and those under a line of the user's core enterprise."""
        mine = Organisation.objects.of(user)
        return self.filter(
            Q(borrower__in=mine)
            | Q(bank__in=mine)
            | Q(parent__borrower__in=mine)
            | Q(parent__parent__borrower__in=mine)
        )

    def usable(self, on: date) -> Self:
        """Return those that may be reserved and drawn on that day."""
        return self.filter(status=CreditLine.Status.OPEN, starts_on__lte=on, ends_on__gte=on)

    def of_bank(self, user: User, *roles: str) -> Self:
        """Return the lines of banks where the user has one of these roles."""
        return self.filter(bank__in=Organisation.objects.of(user, *roles))

    def of_firm(self, user: User, *roles: str) -> Self:
        """Return the lines of firms for which the user acts in one of these roles."""
        return self.filter(borrower__in=Organisation.objects.of(user, *roles))

    def drawable(self) -> Self:
        """Return the leaves of the trees: the lines of firms that draw themselves."""
        return self.filter(kind__in=[CreditLine.Kind.MEMBER, CreditLine.Kind.SINGLE])

    def below(self, line: "CreditLine") -> Self:
        """Return a line and all under it."""
        return self.filter(path__contains=[line.pk])

    def lock_in_order(self) -> list["CreditLine"]:
        """Lock these rows from the root down, as everybody does: who wants the same nodes waits, and nobody in a circle."""
        # A node is made after the one above it, so ids grow along every path.
        return list(self.order_by("pk").select_for_update(no_key=True, of=("self",)))

    def with_names(self) -> Self:
        return self.select_related("bank", "borrower", "parent__borrower", "application__product")


class CreditLine(models.Model):
    """A node of a bank's tree of limits. ``limit`` = available + reserved + used, at every node, always.

    What is reserved or used below counts at every node above. A frozen line takes no new draws; open loans go on.
    """

    class Kind(models.TextChoices):
        BANK = "bank", _("All that the bank lends here")
        CORE = "core", _("Core enterprise")
        PROGRAMME = "programme", _("Programme")
        MEMBER = "member", pgettext_lazy("credit", "Member")
        SINGLE = "single", _("Firm")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        FROZEN = "frozen", _("Frozen: no new draws")
        CLOSED = "closed", _("Closed")

    # Basis points; no rate of a bank is near it; a slip of the keyboard is.
    HIGHEST_RATE = 3600

    number = models.CharField(_("number"), max_length=30, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    borrower = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="credit_lines"
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    # The ids from the root to this node: every service locks them in this order.
    path = models.JSONField(default=list)
    name = models.CharField(_("name"), max_length=120, blank=True)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, null=True, blank=True, related_name="lines")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    limit = models.DecimalField(_("limit"), max_digits=18, decimal_places=2)
    reserved = models.DecimalField(_("reserved"), max_digits=18, decimal_places=2, default=ZERO)
    used = models.DecimalField(_("used"), max_digits=18, decimal_places=2, default=ZERO)
    is_revolving = models.BooleanField(_("revolving"), default=True)
    rate_bp = models.PositiveIntegerField(_("rate (basis points)"), default=0)
    penalty_bp = models.PositiveIntegerField(_("added when overdue (% of the rate)"), default=50)
    repayment = models.CharField(max_length=20, blank=True)
    max_days = models.PositiveSmallIntegerField(_("longest term (days)"), default=360)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    # Below this score nothing new is drawn.
    least_score = models.SmallIntegerField(_("least score"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    frozen_reason = models.CharField(_("why frozen"), max_length=300, blank=True)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CreditLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit line")
        verbose_name_plural = _("credit lines")
        indexes = [models.Index(name="credit_line_of_borrower", fields=["borrower", "status"])]
        constraints = [
            models.CheckConstraint(
                name="credit_line_has_nothing_below_zero", condition=Q(limit__gte=0, reserved__gte=0, used__gte=0)
            ),
            models.CheckConstraint(
                name="credit_line_gives_no_more_than_its_limit", condition=Q(limit__gte=F("reserved") + F("used"))
            ),
            models.CheckConstraint(
                name="credit_line_root_is_the_banks",
                condition=Q(kind="bank", parent=None, borrower=None) | Q(~Q(kind="bank"), parent__isnull=False),
            ),
            models.CheckConstraint(
                name="credit_line_has_a_borrower",
                condition=Q(kind__in=["bank", "programme"]) | Q(borrower__isnull=False),
            ),
            models.UniqueConstraint(
                name="credit_line_one_root_per_bank_and_currency",
                fields=["bank", "currency"],
                condition=Q(kind="bank") & ~Q(status="closed"),
            ),
            models.UniqueConstraint(
                name="credit_line_one_per_application", fields=["application"], condition=Q(application__isnull=False)
            ),
            models.CheckConstraint(name="credit_line_ends_after_it_starts", condition=Q(ends_on__gte=F("starts_on"))),
        ]

    def __str__(self):
        return self.number

    @property
    def available(self) -> Decimal:
        return self.limit - self.reserved - self.used

    @property
    def title(self) -> str:
        """Return what it is called; fetch it ``with_names()`` to ask no query."""
        return self.name or (self.borrower.name if self.borrower else self.bank.name)


class ReservationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(line__in=CreditLine.objects.visible_to(user))

    def held(self) -> Self:
        return self.filter(status=Reservation.Status.HELD)

    def undrawn(self) -> Self:
        """Return what is held and asked for by no drawdown."""
        return self.held().filter(drawdown=None)

    def with_names(self) -> Self:
        return self.select_related("line__bank", "line__borrower", "order__seller", "order__buyer", "pool")


class Reservation(models.Model):
    """A part of a line kept for an order or a collective order until it is drawn, freed or lapses.

    A pledge is a member's word that its part of a collective order may be reserved; it takes nothing from the line yet.
    """

    class Status(models.TextChoices):
        PLEDGED = "pledged", _("Promised to a collective order")
        HELD = "held", _("Reserved")
        DRAWN = "drawn", _("Drawn")
        FREED = "freed", _("Freed")

    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="reservations")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pool = models.ForeignKey(PurchasePool, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.HELD)
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation of credit")
        verbose_name_plural = _("reservations of credit")
        indexes = [models.Index(name="reservation_to_lapse", fields=["expires_at"], condition=Q(status="held"))]
        constraints = [
            models.CheckConstraint(name="reservation_amount_is_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                name="reservation_one_held_per_order",
                fields=["order"],
                condition=Q(status__in=["held", "drawn"], order__isnull=False),
            ),
            models.UniqueConstraint(
                name="reservation_one_pledge_per_pool_and_line",
                fields=["pool", "line"],
                condition=Q(status="pledged"),
            ),
            models.CheckConstraint(
                name="reservation_pledge_is_to_a_pool",
                condition=~Q(status="pledged") | Q(pool__isnull=False, order=None),
            ),
            models.CheckConstraint(
                name="reservation_ended_at_goes_with_status",
                condition=Q(status__in=["pledged", "held"], ended_at=None)
                | Q(status__in=["drawn", "freed"], ended_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.line_id}: {self.amount}"
