"""An insurer or guarantor agrees with a bank to carry a share of its loans, up to a cap."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Organisation, User

ZERO = Decimal(0)


class PartnershipQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        mine = Organisation.objects.of(user)
        return self.filter(Q(bank__in=mine) | Q(partner__in=mine) | Q(core_enterprise__in=mine, status="active"))

    def of_bank(self, user: User, *roles: str) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, *roles))

    def of_partner(self, user: User, *roles: str) -> Self:
        return self.filter(partner__in=Organisation.objects.of(user, *roles))

    def in_force(self, on: date) -> Self:
        """Return those under which something may be covered on that day."""
        return self.filter(status=Partnership.Status.ACTIVE, valid_from__lte=on, valid_until__gte=on)

    def take(self, amount: Decimal) -> int:
        """Use up this much of the caps; 0 rows where a cap would be exceeded."""
        return self.filter(status=Partnership.Status.ACTIVE, used__lte=F("cap") - amount).update(
            used=F("used") + amount
        )

    def give_back(self, amount: Decimal) -> int:
        return self.update(used=F("used") - amount)

    def become(self, status: str, **changes) -> int:
        """Move these to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Partnership.TRANSITIONS[status]).update(status=status, **changes)

    def with_names(self) -> Self:
        return self.select_related("bank", "partner", "core_enterprise")


class Partnership(models.Model):
    """The terms on which a partner covers a bank's loans: its share, the cap of all it carries, and who pays for it.

    The premium is paid by the bank or by a core enterprise, never by the small firm whose loan is covered.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("partnership", "Proposed by the bank's maker")
        OFFERED = "offered", pgettext_lazy("partnership", "Signed by the bank")
        ACTIVE = "active", pgettext_lazy("partnership", "Signed by both")
        REFUSED = "refused", pgettext_lazy("partnership", "Refused")
        ENDED = "ended", pgettext_lazy("partnership", "Ended")

    class Payer(models.TextChoices):
        BANK = "bank", _("The bank")
        CORE = "core", _("The core enterprise")

    TRANSITIONS = {
        Status.OFFERED: (Status.PROPOSED,),
        Status.ACTIVE: (Status.OFFERED,),
        Status.REFUSED: (Status.PROPOSED, Status.OFFERED),
        Status.ENDED: (Status.ACTIVE,),
    }

    number = models.CharField(_("number"), max_length=30, unique=True)
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="partnerships_as_bank")
    partner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="partnerships_as_partner")
    share_percent = models.DecimalField(_("largest share (%)"), max_digits=5, decimal_places=2)
    cap = models.DecimalField(_("cap"), max_digits=18, decimal_places=2)
    used = models.DecimalField(_("used"), max_digits=18, decimal_places=2, default=ZERO)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    premium_payer = models.CharField(_("who pays the premium"), max_length=5, choices=Payer, default=Payer.BANK)
    core_enterprise = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("core enterprise"),
    )
    # A claim may be filed once a loan was overdue for so many days, and then within so many.
    waiting_days = models.PositiveSmallIntegerField(_("waiting time (days overdue)"), default=30)
    claim_days = models.PositiveSmallIntegerField(_("claim window (days)"), default=180)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"))
    terms = models.TextField(_("further terms"), max_length=4000, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    bank_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    bank_signed_at = models.DateTimeField(null=True, blank=True)
    partner_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    partner_signed_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = PartnershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("partnership")
        verbose_name_plural = _("partnerships")
        constraints = [
            models.CheckConstraint(name="partnership_is_between_two", condition=~Q(bank=F("partner"))),
            models.CheckConstraint(
                name="partnership_share_is_a_percentage", condition=Q(share_percent__gt=0, share_percent__lte=100)
            ),
            models.CheckConstraint(
                name="partnership_carries_no_more_than_its_cap", condition=Q(cap__gt=0, used__gte=0, used__lte=F("cap"))
            ),
            models.CheckConstraint(
                name="partnership_premium_is_paid_by_bank_or_core_enterprise",
                condition=Q(premium_payer="bank", core_enterprise=None)
                | Q(premium_payer="core", core_enterprise__isnull=False),
            ),
            models.CheckConstraint(
                name="partnership_ends_after_it_begins", condition=Q(valid_until__gte=F("valid_from"))
            ),
            models.CheckConstraint(
                name="partnership_maker_does_not_sign",
                condition=Q(bank_signed_by=None) | ~Q(bank_signed_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="partnership_active_is_signed_by_both",
                condition=Q(status__in=["proposed", "refused"])
                | Q(status="offered", bank_signed_by__isnull=False, bank_signed_at__isnull=False)
                | Q(bank_signed_by__isnull=False, partner_signed_by__isnull=False, partner_signed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="partnership_is_not_signed_by_one_for_both",
                condition=Q(partner_signed_by=None)
                | ~Q(partner_signed_by=F("bank_signed_by")) & ~Q(partner_signed_by=F("proposed_by")),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def available(self) -> Decimal:
        return self.cap - self.used
