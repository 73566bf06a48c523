"""What banks lend, to whom and at what price."""

from datetime import date
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from finance.models.consent import DataGroup
from marketplace.models import Organisation, User


def least_groups() -> list[str]:
    """Return what a bank reads of a firm before it lends, unless the product says otherwise."""
    return [DataGroup.SCORE, DataGroup.SALES, DataGroup.PURCHASES, DataGroup.FINDINGS, DataGroup.DOCUMENTS]


class CreditProductQuerySet(models.QuerySet):
    def offered(self, on: date) -> Self:
        """Return what may be applied for on that day."""
        until = Q(offered_until=None) | Q(offered_until__gte=on)
        return self.filter(until, is_open=True, offered_from__lte=on, bank__state=Organisation.State.APPROVED)

    def of_bank(self, user: User) -> Self:
        """Return the products of the user's banks, open or not."""
        return self.filter(bank__in=Organisation.objects.of(user), bank__kind=Organisation.Kind.BANK)

    def editable_by(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, "owner"), bank__kind=Organisation.Kind.BANK)

    def with_names(self) -> Self:
        return self.select_related("bank")


class CreditProduct(models.Model):
    """A bank's product: amounts, terms, the rate over the loan prime rate, and who is eligible.

    ``eligibility`` holds the hard rules: {min_score, min_grade, min_months_of_records, min_sales_per_year,
    max_percent_of_sales, regions, industries, needs_guarantee, needs_core_enterprise}; what is absent asks nothing.
    """

    class Kind(models.TextChoices):
        TRADE_CREDIT = "trade_credit", _("Credit on trade records, without collateral")
        RECEIVABLES = "receivables", _("Financing of receivables")
        ORDER_FINANCE = "order_finance", _("Financing of an order")
        CORE_LINE = "core_line", _("Line of a core enterprise for its members")

    class Repayment(models.TextChoices):
        BULLET = "bullet", _("Interest monthly, principal at the end")
        EQUAL_PRINCIPAL = "equal_principal", _("Equal parts of principal")
        ANNUITY = "annuity", _("Equal instalments")
        AT_MATURITY = "at_maturity", _("All at the end")

    class Signing(models.TextChoices):
        ELECTRONIC = "electronic", _("Both sign here")
        BRANCH = "branch", _("Signed on paper at the branch")

    # What a bank says of it: forms, services and the API take these fields.
    PROFILE_FIELDS = (
        "code",
        "name_zh",
        "name_en",
        "about_zh",
        "about_en",
        "kind",
        "currency",
        "min_amount",
        "max_amount",
        "min_days",
        "max_days",
        "is_revolving",
        "repayment_methods",
        "base_rate_bp",
        "spread_bp",
        "guarantee_discount_bp",
        "penalty_bp",
        "eligibility",
        "consent_groups",
        "signing",
        "offered_from",
        "offered_until",
    )

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="credit_products")
    code = models.CharField(_("code"), max_length=40)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100)
    name_en = models.CharField(_("name (English)"), max_length=100, blank=True)
    about_zh = models.TextField(_("about (Chinese)"), blank=True)
    about_en = models.TextField(_("about (English)"), blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.TRADE_CREDIT)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    min_amount = models.DecimalField(_("least amount"), max_digits=18, decimal_places=2)
    max_amount = models.DecimalField(_("largest amount"), max_digits=18, decimal_places=2)
    min_days = models.PositiveSmallIntegerField(_("shortest term (days)"), default=30)
    max_days = models.PositiveSmallIntegerField(_("longest term (days)"), default=360)
    is_revolving = models.BooleanField(_("revolving"), default=True)
    repayment_methods = ArrayField(models.CharField(max_length=20, choices=Repayment), verbose_name=_("repayment"))
    # Basis points: the loan prime rate it stands on, what is added for every grade {"A": 60, …}, what a guarantee takes off.
    base_rate_bp = models.PositiveIntegerField(_("loan prime rate (basis points)"), default=300)
    spread_bp = models.JSONField(_("spread by grade (basis points)"), default=dict)
    guarantee_discount_bp = models.PositiveIntegerField(_("discount for a guarantee (basis points)"), default=0)
    penalty_bp = models.PositiveIntegerField(_("added when overdue (% of the rate)"), default=50)
    eligibility = models.JSONField(_("who is eligible"), default=dict, blank=True)
    # What the firm must let the bank read to apply.
    consent_groups = ArrayField(
        models.CharField(max_length=20, choices=DataGroup), verbose_name=_("data asked for"), default=least_groups
    )
    signing = models.CharField(_("contract"), max_length=10, choices=Signing, default=Signing.ELECTRONIC)
    is_open = models.BooleanField(_("open"), default=True)
    offered_from = models.DateField(_("offered from"))
    offered_until = models.DateField(_("offered until"), null=True, blank=True)
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField()

    objects = CreditProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit product")
        verbose_name_plural = _("credit products")
        constraints = [
            models.UniqueConstraint(name="credit_product_code_once_per_bank", fields=["bank", "code"]),
            models.CheckConstraint(
                name="credit_product_amounts_are_in_order",
                condition=Q(min_amount__gt=0, max_amount__gte=F("min_amount")),
            ),
            models.CheckConstraint(
                name="credit_product_terms_are_in_order", condition=Q(min_days__gte=1, max_days__gte=F("min_days"))
            ),
            models.CheckConstraint(name="credit_product_is_repaid_somehow", condition=Q(repayment_methods__len__gte=1)),
            models.CheckConstraint(
                name="credit_product_ends_after_it_begins",
                condition=Q(offered_until=None) | Q(offered_until__gte=F("offered_from")),
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        first, second = (self.name_en, self.name_zh) if get_language() == "en" else (self.name_zh, self.name_en)
        return first or second

    @property
    def about(self) -> str:
        first, second = (self.about_en, self.about_zh) if get_language() == "en" else (self.about_zh, self.about_en)
        return first or second

    @property
    def rates(self) -> list[tuple[str, int]]:
        """Return each grade with its yearly rate in basis points, the cheapest first."""
        return sorted(
            ((grade, self.base_rate_bp + added) for grade, added in self.spread_bp.items()), key=lambda one: one[1]
        )
