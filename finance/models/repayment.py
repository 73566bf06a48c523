"""Money that came back to the bank: recorded by one person, confirmed by another, then booked."""

from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.drawdown import Drawdown
from marketplace.models import Attachment, Organisation, User

ZERO = Decimal(0)


def _part(label: object) -> models.DecimalField:
    return models.DecimalField(label, max_digits=18, decimal_places=2, default=ZERO)


class RepaymentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(drawdown__in=Drawdown.objects.visible_to(user))

    def of_bank(self, user: User, *roles: str) -> Self:
        return self.filter(drawdown__line__bank__in=Organisation.objects.of(user, *roles))

    def booked(self) -> Self:
        return self.filter(status=Repayment.Status.BOOKED)

    def with_names(self) -> Self:
        return self.select_related("drawdown__borrower", "drawdown__line__bank", "recorded_by", "checked_by")

    def become(self, status: str, **changes) -> int:
        """Answer these where nobody has; one UPDATE decides."""
        return self.filter(status=Repayment.Status.RECORDED).update(status=status, **changes)


class Repayment(models.Model):
    """An amount that the bank says it received, and what of the loan it paid."""

    class Status(models.TextChoices):
        RECORDED = "recorded", _("Waiting for the second person")
        BOOKED = "booked", pgettext_lazy("credit", "Booked")
        REFUSED = "refused", pgettext_lazy("credit", "Refused")

    number = models.CharField(_("number"), max_length=30, unique=True)
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, related_name="repayments")
    # Names the fact within the loan (the bank's reference): the same again books nothing twice, and never expires.
    key = models.CharField(max_length=120)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    paid_on = models.DateField(_("received on"))
    reference = models.CharField(_("bank's reference"), max_length=100, blank=True)
    # Before its time: interest to that day, the rest off the principal, and the schedule is made anew.
    is_early = models.BooleanField(_("early repayment"), default=False)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RECORDED)
    penalty_part = _part(_("penalty interest"))
    interest_part = _part(pgettext_lazy("credit", "interest"))
    principal_part = _part(_("principal"))
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = RepaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("repayment")
        verbose_name_plural = _("repayments")
        constraints = [
            models.UniqueConstraint(name="repayment_key_once_per_loan", fields=["drawdown", "key"]),
            models.CheckConstraint(name="repayment_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="repayment_recorder_is_not_its_checker",
                condition=Q(checked_by=None) | ~Q(recorded_by=F("checked_by")),
            ),
            models.CheckConstraint(
                name="repayment_checked_at_goes_with_status",
                condition=Q(status="recorded", checked_by=None, checked_at=None)
                | Q(~Q(status="recorded"), checked_by__isnull=False, checked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="repayment_booked_is_divided_wholly",
                condition=Q(penalty_part__gte=0, interest_part__gte=0, principal_part__gte=0)
                & (~Q(status="booked") | Q(amount=F("penalty_part") + F("interest_part") + F("principal_part"))),
            ),
        ]

    def __str__(self):
        return self.number
