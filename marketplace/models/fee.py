from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.booking import Booking
from marketplace.models.facility import Facility
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User


class StatementQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's organisations owe, and what the parks the user manages have billed."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(park__in=Park.objects.managed_by(user))
        )

    def of(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user))

    def managed_by(self, user: User) -> Self:
        return self.filter(park__in=Park.objects.managed_by(user))

    def with_names(self) -> Self:
        return self.select_related("park__organisation", "organisation")


class Statement(models.Model):
    """What a firm owes a park for a month in one currency; it never changes once it is issued."""

    number = models.CharField(_("number"), max_length=60, unique=True)
    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="statements")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="statements")
    month = models.DateField(_("month"))
    currency = models.CharField(_("currency"), max_length=3)
    total = models.DecimalField(_("total"), max_digits=18, decimal_places=2)
    issued_at = models.DateTimeField(_("issued"))
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = StatementQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        indexes = [models.Index(name="statement_of_organisation", fields=["organisation", "-month"])]
        constraints = [
            models.UniqueConstraint(
                name="statement_once_per_firm_month_and_currency", fields=["park", "organisation", "month", "currency"]
            ),
            models.CheckConstraint(name="statement_month_is_its_first_day", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="statement_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            ),
        ]

    def __str__(self):
        return self.number


class FeeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's organisations owe, and what the parks the user manages have charged."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(park__in=Park.objects.managed_by(user))
        )

    def unbilled(self, *, before: date) -> Self:
        """Return what stands on no statement yet and accrued before that day."""
        return self.filter(statement=None, accrued_on__lt=before)

    def with_names(self) -> Self:
        return self.select_related("park", "facility", "organisation", "booking")


class Fee(models.Model):
    """What something cost an organisation in a park; rows are only ever added, and billed once.

    ``key`` names what it is for, so that accruing it twice is harmless.
    """

    class Kind(models.TextChoices):
        BOOKING = "booking", _("Booking")
        STORAGE = "storage", _("Storage")
        HANDLING = "handling", _("Handling")
        LATE_CANCELLATION = "late_cancellation", _("Late cancellation")
        NO_SHOW = "no_show", _("Nobody came")
        ADJUSTMENT = "adjustment", _("Adjustment")

    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="fees")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="fees")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, null=True, blank=True, related_name="fees")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="fees")
    key = models.CharField(max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    note = models.CharField(_("note"), max_length=200, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    accrued_on = models.DateField(_("day"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, null=True, blank=True, related_name="fees")

    objects = FeeQuerySet.as_manager()

    class Meta:
        verbose_name = _("fee")
        verbose_name_plural = _("fees")
        indexes = [
            models.Index(name="fee_to_be_billed", fields=["park", "accrued_on"], condition=Q(statement=None)),
            models.Index(name="fee_of_organisation", fields=["organisation", "-accrued_on"]),
        ]
        constraints = [
            models.UniqueConstraint(name="fee_accrues_once", fields=["park", "key"]),
            models.CheckConstraint(
                name="fee_is_negative_only_as_an_adjustment", condition=Q(kind="adjustment") | Q(amount__gte=0)
            ),
            models.CheckConstraint(name="fee_adjustment_says_why", condition=~Q(kind="adjustment") | ~Q(note="")),
            # Rounded to cents, so a cent's half may lie between.
            models.CheckConstraint(
                name="fee_amount_is_quantity_times_price",
                condition=Q(
                    amount__gte=F("quantity") * F("unit_price") - models.Value("0.005", models.DecimalField()),
                    amount__lte=F("quantity") * F("unit_price") + models.Value("0.005", models.DecimalField()),
                ),
            ),
            models.CheckConstraint(name="fee_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")),
        ]

    def __str__(self):
        return f"{self.kind} {self.amount} {self.currency}"
