"""A signed statement of a firm's record that a bank can check offline."""

import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from finance.models.assessment import CreditAssessment
from finance.models.consent import Consent
from finance.models.log import LogLeaf
from marketplace.models import Organisation, User


def new_nonce() -> str:
    """Return a code that nobody can guess, by which one presentation differs from every other."""
    return secrets.token_urlsafe(16)


class CreditVoucherQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the vouchers of the user's own firms; a bank sees what it was handed, not what was issued."""
        return self.filter(subject__in=Organisation.objects.of(user))

    def owned_by(self, user: User) -> Self:
        """Return those of the firms that this user may sign for."""
        return self.filter(subject__in=Organisation.objects.of(user, "owner"))

    def standing(self, now: datetime) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=now)

    def revoked(self) -> Self:
        return self.filter(revoked_at__isnull=False)

    def with_names(self) -> Self:
        return self.select_related("subject", "bank", "assessment", "consent", "issued_by")


class CreditVoucher(models.Model):
    """What a firm's owner had the platform state about it, for one bank: an SD-JWT, and what the firm may disclose.

    The token is written once. It can only be revoked, by its bit in the status list.
    """

    VALID_DAYS = 90
    LONGEST_DAYS = 180

    number = models.CharField(_("number"), max_length=30, unique=True)
    subject = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="credit_vouchers")
    # For whom: no other bank can take it.
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    assessment = models.ForeignKey(CreditAssessment, on_delete=models.PROTECT, related_name="vouchers")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="vouchers")
    token = models.TextField()
    # Kept for the firm alone: it decides which of them it shows.
    disclosures = models.JSONField()
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    leaf = models.OneToOneField(LogLeaf, on_delete=models.PROTECT, related_name="+")
    status_index = models.PositiveIntegerField(unique=True)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("valid until"))
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoke_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = CreditVoucherQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit voucher")
        verbose_name_plural = _("credit vouchers")
        indexes = [models.Index(name="credit_voucher_of_firm", fields=["subject", "-issued_at"])]
        constraints = [
            models.CheckConstraint(name="credit_voucher_is_for_another", condition=~Q(subject=F("bank"))),
            models.CheckConstraint(
                name="credit_voucher_ends_after_it_begins", condition=Q(expires_at__gt=F("issued_at"))
            ),
            models.CheckConstraint(
                name="credit_voucher_revoked_at_goes_with_revoked_by",
                condition=Q(revoked_at=None, revoked_by=None, revoke_reason="")
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number


class VoucherPresentation(models.Model):
    """The firm showed some of a voucher: which disclosures, under which code. Rows are only ever added."""

    LONGEST_NONCE = 100
    MOST_RECORDS = 200

    voucher = models.ForeignKey(CreditVoucher, on_delete=models.PROTECT, related_name="presentations")
    nonce = models.CharField(_("code"), max_length=100, default=new_nonce)
    shown = models.JSONField(_("shown"), default=list)
    records = models.PositiveIntegerField(_("records attached"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("presented"))

    class Meta:
        verbose_name = _("presentation of a voucher")
        verbose_name_plural = _("presentations of vouchers")
        constraints = [
            models.UniqueConstraint(name="voucher_presentation_code_once", fields=["voucher", "nonce"]),
            models.CheckConstraint(name="voucher_presentation_has_a_code", condition=~Q(nonce="")),
        ]

    def __str__(self):
        return f"{self.voucher_id}: {self.nonce}"


class VoucherCheckQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user))


class VoucherCheck(models.Model):
    """A bank had a voucher checked: what came out. A presentation is taken once; the next time it was played again."""

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("checked"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    is_good = models.BooleanField(_("holds"))
    number = models.CharField(_("number"), max_length=30, blank=True)
    nonce = models.CharField(_("code"), max_length=100, blank=True)
    # What was shown, as the file said it, and what was found: [{code, zh, en}].
    claims = models.JSONField(default=dict)
    findings = models.JSONField(default=list)

    objects = VoucherCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("check of a voucher")
        verbose_name_plural = _("checks of vouchers")
        indexes = [models.Index(name="voucher_check_of_bank", fields=["bank", "-at"])]
        constraints = [
            models.UniqueConstraint(
                name="voucher_check_takes_a_presentation_once",
                fields=["bank", "number", "nonce"],
                condition=Q(is_good=True),
            ),
            models.CheckConstraint(
                name="voucher_check_good_one_names_its_presentation",
                condition=Q(is_good=False) | (~Q(number="") & ~Q(nonce="")),
            ),
        ]

    def __str__(self):
        return f"{self.number}: {self.is_good}"
