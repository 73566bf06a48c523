"""What of a loan is due when, and what of it was paid."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.drawdown import Drawdown

ZERO = Decimal(0)


def _money(label: object) -> models.DecimalField:
    return models.DecimalField(label, max_digits=18, decimal_places=2, default=ZERO)


class InstalmentQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """Return the schedule as it holds now, paid or not."""
        return self.exclude(status=Instalment.Status.REPLACED).order_by("drawdown", "number")

    def open(self) -> Self:
        return self.filter(status=Instalment.Status.OPEN).order_by("drawdown", "number")

    def fallen_due(self, on: date) -> Self:
        return self.open().filter(due_on__lte=on)


class Instalment(models.Model):
    """One period of a loan: its principal and interest, and the penalty interest that came on top when it was late."""

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("instalment", "To be paid")
        PAID = "paid", pgettext_lazy("instalment", "Paid")
        REPLACED = "replaced", _("Replaced after an early repayment")

    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField(_("number"))
    starts_on = models.DateField(_("from"))
    due_on = models.DateField(_("due on"))
    principal = _money(_("principal"))
    interest = _money(pgettext_lazy("credit", "interest"))
    principal_paid = _money(_("principal paid"))
    interest_paid = _money(_("interest paid"))
    # Reckoned when something is paid, up to that day; pages reckon on to today without writing.
    penalty = _money(_("penalty interest"))
    penalty_paid = _money(_("penalty interest paid"))
    penalty_until = models.DateField(null=True, blank=True)
    # Its interest stands in the ledger.
    is_booked = models.BooleanField(default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    paid_on = models.DateField(_("paid on"), null=True, blank=True)

    objects = InstalmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        indexes = [models.Index(name="instalment_to_pay", fields=["due_on"], condition=Q(status="open"))]
        constraints = [
            models.UniqueConstraint(
                name="instalment_number_once_per_loan",
                fields=["drawdown", "number"],
                condition=~Q(status="replaced"),
            ),
            models.CheckConstraint(name="instalment_ends_after_it_starts", condition=Q(due_on__gte=F("starts_on"))),
            models.CheckConstraint(
                name="instalment_is_paid_at_most_once",
                condition=Q(
                    principal_paid__gte=0,
                    principal_paid__lte=F("principal"),
                    interest_paid__gte=0,
                    interest_paid__lte=F("interest"),
                    penalty_paid__gte=0,
                    penalty_paid__lte=F("penalty"),
                ),
            ),
            models.CheckConstraint(
                name="instalment_paid_owes_nothing",
                condition=~Q(status="paid")
                | Q(
                    principal_paid=F("principal"),
                    interest_paid=F("interest"),
                    penalty_paid=F("penalty"),
                    paid_on__isnull=False,
                ),
            ),
        ]

    def __str__(self):
        return f"{self.drawdown_id}.{self.number}"

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.penalty

    @property
    def paid(self) -> Decimal:
        return self.principal_paid + self.interest_paid + self.penalty_paid

    @property
    def left(self) -> Decimal:
        """Return what is still to be paid of it, without the penalty interest that is not written yet."""
        return self.total - self.paid
