"""Up to which amount a person at a bank may confirm what another proposed."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models import Organisation, User


class AuthorityQuerySet(models.QuerySet):
    def of_bank(self, user: User) -> Self:
        """Return the authorities at the banks where the user works."""
        return self.filter(bank__in=Organisation.objects.of(user), bank__kind=Organisation.Kind.BANK)

    def editable_by(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, "owner"), bank__kind=Organisation.Kind.BANK)

    def standing(self, at: datetime) -> Self:
        """Return those that hold at this moment."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=at), given_at__lte=at)

    def enough_for(self, amount: Decimal) -> Self:
        """Return those under which one person may confirm this amount alone."""
        return self.filter(up_to_amount__gte=amount)

    def jointly_enough_for(self, amount: Decimal) -> Self:
        """Return those under which two people may confirm this amount together."""
        return self.filter(jointly_up_to__gte=amount)

    def with_names(self) -> Self:
        return self.select_related("bank", "user", "given_by", "ended_by")


class Authority(models.Model):
    """An amount up to which a checker may confirm alone, and one up to which together with a second checker.

    A bank's owner gives and ends it, never his own. It is never changed: a new one ends the old one.
    """

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="authorities")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    up_to_amount = models.DecimalField(_("alone up to"), max_digits=18, decimal_places=2)
    jointly_up_to = models.DecimalField(_("with a second checker up to"), max_digits=18, decimal_places=2)
    may_override = models.BooleanField(_("may confirm overrides"), default=False)
    # Minutes or order of the bank under which it was given.
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField(_("given"))
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = AuthorityQuerySet.as_manager()

    class Meta:
        verbose_name = _("authority to decide")
        verbose_name_plural = _("authorities to decide")
        constraints = [
            models.UniqueConstraint(
                name="authority_one_stands_per_person_and_currency",
                fields=["bank", "user", "currency"],
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(name="authority_is_not_given_to_oneself", condition=~Q(user=F("given_by"))),
            models.CheckConstraint(
                name="authority_amounts_are_in_order",
                condition=Q(up_to_amount__gt=0, jointly_up_to__gte=F("up_to_amount")),
            ),
            models.CheckConstraint(
                name="authority_ended_at_goes_with_ended_by",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.user_id}: {self.up_to_amount}"
