from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.shipment import Lot, Shipment
from marketplace.models.user import User


class InspectionQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(lot__shipment__in=Shipment.objects.visible_to(user))

    def current(self) -> Self:
        """Return the last inspection of each lot: a later one takes the place of those before."""
        return self.filter(superseded_at=None)

    def answerable_by(self, user: User) -> Self:
        """Return the current inspections of goods that an organisation of the user's bought and the user trades for."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.current().filter(lot__order_line__order__buyer__in=mine)

    def undecided(self) -> Self:
        """Return those whose concession or rejected goods wait for the buyer's word."""
        untaken = Q(rejected_quantity__gt=0) | Q(concession_status=Inspection.Concession.REFUSED)
        return self.current().filter(Q(concession_status=Inspection.Concession.ASKED) | (untaken & Q(remedy="")))

    def with_details(self) -> Self:
        results = models.Prefetch("results", InspectionResult.objects.order_by("pk"))
        order = "lot__order_line__order"
        listings = (f"{order}__supply__category", f"{order}__demand__category")
        return self.select_related("organisation", "by", order, *listings).prefetch_related(results, "attachments")

    def remedy(self, remedy: str, *, by: User, at) -> int:
        """Say what becomes of rejected goods, once; one UPDATE decides."""
        return self.current().filter(remedy="").update(remedy=remedy, remedied_by=by, remedied_at=at)

    def answer_concession(self, answer: str, *, by: User, at) -> int:
        """Agree to a concession or refuse it where it still waits; one UPDATE decides."""
        waiting = self.current().filter(concession_status=Inspection.Concession.ASKED)
        return waiting.update(concession_status=answer, concession_by=by, concession_at=at)


class Inspection(models.Model):
    """A lot was held to the specification of its order line: what passed, what passes at a concession, what is rejected.

    A concession needs the buyer's consent; what to do with rejected goods is the buyer's to say.
    """

    class Verdict(models.TextChoices):
        PASS = "pass", _("Passed")
        CONCESSION = "concession", _("Concession")
        REJECT = "reject", _("Rejected")

    class Concession(models.TextChoices):
        NONE = "none", _("None")
        ASKED = "asked", _("Waits for the buyer")
        AGREED = "agreed", _("Agreed by the buyer")
        REFUSED = "refused", _("Refused by the buyer")

    class Remedy(models.TextChoices):
        RETURN = "return", _("Send back")
        REPLACE = "replace", _("Send back and have it replaced")

    number = models.CharField(_("number"), max_length=30, unique=True)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="inspections")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))
    method = models.CharField(_("method or standard"), max_length=200, blank=True)
    sample_size = models.PositiveIntegerField(_("sample size"), null=True, blank=True)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict)
    inspected_quantity = models.DecimalField(_("inspected"), max_digits=18, decimal_places=3)
    accepted_quantity = models.DecimalField(_("passed"), max_digits=18, decimal_places=3)
    concession_quantity = models.DecimalField(_("at a concession"), max_digits=18, decimal_places=3, default=0)
    rejected_quantity = models.DecimalField(_("rejected"), max_digits=18, decimal_places=3, default=0)
    price_reduction_percent = models.DecimalField(
        _("price reduction, %"), max_digits=5, decimal_places=2, default=Decimal(0)
    )
    concession_status = models.CharField(_("concession"), max_length=8, choices=Concession, default=Concession.NONE)
    concession_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    concession_at = models.DateTimeField(null=True, blank=True)
    remedy = models.CharField(_("rejected goods"), max_length=8, choices=Remedy, blank=True)
    remedied_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    remedied_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="+")
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = InspectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("inspection")
        verbose_name_plural = _("inspections")
        constraints = [
            models.UniqueConstraint(
                name="inspection_one_current_per_lot", fields=["lot"], condition=Q(superseded_at=None)
            ),
            models.CheckConstraint(
                name="inspection_judges_all_it_inspected",
                condition=Q(
                    inspected_quantity=F("accepted_quantity") + F("concession_quantity") + F("rejected_quantity")
                ),
            ),
            models.CheckConstraint(
                name="inspection_quantities_are_not_negative",
                condition=Q(
                    inspected_quantity__gt=0,
                    accepted_quantity__gte=0,
                    concession_quantity__gte=0,
                    rejected_quantity__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="inspection_verdict_goes_with_quantities",
                condition=Q(verdict="pass", concession_quantity=0, rejected_quantity=0)
                | Q(verdict="concession", concession_quantity__gt=0)
                | Q(verdict="reject", rejected_quantity__gt=0, concession_quantity=0),
            ),
            models.CheckConstraint(
                name="inspection_price_reduction_is_a_percentage",
                condition=Q(price_reduction_percent__gte=0, price_reduction_percent__lte=100),
            ),
            models.CheckConstraint(
                name="inspection_concession_waits_for_its_answer",
                condition=Q(concession_status="none", concession_quantity=0, concession_at=None)
                | Q(concession_status="asked", concession_quantity__gt=0, concession_at=None)
                | Q(
                    concession_status__in=["agreed", "refused"],
                    concession_at__isnull=False,
                    concession_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="inspection_remedy_is_somebodys",
                condition=Q(remedy="", remedied_at=None, remedied_by=None)
                | (
                    ~Q(remedy="")
                    & Q(remedied_at__isnull=False, remedied_by__isnull=False)
                    & (Q(rejected_quantity__gt=0) | Q(concession_status="refused"))
                ),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def to_remedy(self) -> Decimal:
        """Return what is not taken: what was rejected, and what was offered at a concession that the buyer refused.

        What a receipt or a settled dispute has sent back meanwhile waits for nothing.
        """
        refused = self.concession_status == self.Concession.REFUSED
        rejected = self.rejected_quantity + (self.concession_quantity if refused else Decimal(0))
        return min(rejected, self.lot.undecided_quantity, self.lot.open_quantity)

    @property
    def waits_for_consent(self) -> bool:
        return self.superseded_at is None and self.concession_status == self.Concession.ASKED

    @property
    def waits_for_remedy(self) -> bool:
        return self.superseded_at is None and self.to_remedy > 0 and not self.remedy


class InspectionResult(models.Model):
    """One attribute of a lot as it was measured, beside what the order line asks for."""

    inspection = models.ForeignKey(Inspection, on_delete=models.CASCADE, related_name="results")
    attribute = models.CharField(_("attribute"), max_length=60)
    expected = models.CharField(_("specified"), max_length=200, blank=True)
    tolerance = models.CharField(_("tolerance"), max_length=60, blank=True)
    measured = models.CharField(_("measured"), max_length=200)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    passed = models.BooleanField(_("within specification"))

    class Meta:
        verbose_name = _("inspection result")
        verbose_name_plural = _("inspection results")
        constraints = [
            models.UniqueConstraint(name="inspection_result_once_per_attribute", fields=["inspection", "attribute"]),
        ]

    def __str__(self):
        return f"{self.attribute}: {self.measured}"
