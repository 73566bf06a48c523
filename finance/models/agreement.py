"""The contract between firm and bank, with the hash of what both signed."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from finance.models.application import Application
from finance.models.decision import Decision
from finance.models.product import CreditProduct
from marketplace.models import Organisation, User


class AgreementQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        mine = Organisation.objects.of(user)
        return self.filter(Q(application__firm__in=mine) | Q(application__bank__in=mine))


class Agreement(models.Model):
    """What firm and bank agreed on. The firm's owner signs first; the bank signs here, or on paper at the branch."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="agreement")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="agreement")
    signing = models.CharField(_("contract"), max_length=10, choices=CreditProduct.Signing)
    # What was signed, written once, and its hash.
    content = models.JSONField()
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    firm_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    firm_signed_at = models.DateTimeField()
    bank_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    bank_signed_at = models.DateTimeField(null=True, blank=True)
    # Of a contract on paper: its number, as it was confirmed.
    paper_reference = models.CharField(_("contract number"), max_length=100, blank=True)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit agreement")
        verbose_name_plural = _("credit agreements")
        constraints = [
            models.CheckConstraint(
                name="agreement_bank_signed_at_goes_with_bank_signed_by",
                condition=Q(bank_signed_at=None, bank_signed_by=None)
                | Q(bank_signed_at__isnull=False, bank_signed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="agreement_is_signed_by_two_people",
                condition=Q(bank_signed_by=None) | ~Q(firm_signed_by=F("bank_signed_by")),
            ),
            models.CheckConstraint(name="agreement_is_known_by_its_hash", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self):
        return f"{self.application_id}: {self.signing}"
