"""The terms of a deal: what offers, quotes, orders and framework orders all say, in the same fields."""

from decimal import ROUND_HALF_UP, Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

CENT = Decimal("0.01")


def amount(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Return what a quantity costs, rounded to the cent as an invoice does it: halves up."""
    return (quantity * unit_price).quantize(CENT, rounding=ROUND_HALF_UP)


def totals(lines_amount: Decimal, *, tax_rate: Decimal, price_includes_tax: bool) -> tuple[Decimal, Decimal, Decimal]:
    """Return what lines of this sum cost without tax, the tax, and both, to the cent.

    >>> totals(Decimal("113.00"), tax_rate=Decimal(13), price_includes_tax=True)
    (Decimal('100.00'), Decimal('13.00'), Decimal('113.00'))
    >>> totals(Decimal("100.00"), tax_rate=Decimal(13), price_includes_tax=False)
    (Decimal('100.00'), Decimal('13.00'), Decimal('113.00'))
    """
    rate = 1 + tax_rate / 100
    if price_includes_tax:
        net = (lines_amount / rate).quantize(CENT, rounding=ROUND_HALF_UP)
        return net, lines_amount - net, lines_amount
    total = (lines_amount * rate).quantize(CENT, rounding=ROUND_HALF_UP)
    return lines_amount, total - lines_amount, total


class Incoterm(models.TextChoices):
    """Who brings the goods where: three domestic terms, and the Incoterms 2020 that our users trade under."""

    PICKUP = "pickup", _("Buyer collects")
    DELIVERED = "delivered", _("Seller delivers")
    PARK_HANDOVER = "park_handover", _("Handed over in a park")
    EXW = "EXW", "EXW"
    FCA = "FCA", "FCA"
    FOB = "FOB", "FOB"
    CFR = "CFR", "CFR"
    CIF = "CIF", "CIF"
    DAP = "DAP", "DAP"
    DDP = "DDP", "DDP"


class PaymentTerm(models.TextChoices):
    PREPAID = "prepaid", _("Paid in advance")
    DEPOSIT = "deposit", _("Deposit, the rest on delivery")
    ON_DELIVERY = "on_delivery", _("Paid on delivery")
    NET = "net", _("Paid some days after acceptance")


class Terms(models.Model):
    """What a whole deal says beside its lines. Prices are without tax unless ``price_includes_tax``."""

    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    tax_rate = models.DecimalField(_("tax rate, %"), max_digits=5, decimal_places=2, default=Decimal(13))
    price_includes_tax = models.BooleanField(_("prices include tax"), default=True)
    incoterm = models.CharField(_("delivery term"), max_length=15, choices=Incoterm, default=Incoterm.DELIVERED)
    park = models.ForeignKey(
        "Park", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("park")
    )
    region = models.CharField(_("region (GB/T 2260)"), max_length=6, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    window_start = models.DateField(_("delivered from"))
    window_end = models.DateField(_("delivered until"))
    payment_term = models.CharField(_("payment"), max_length=15, choices=PaymentTerm, default=PaymentTerm.NET)
    payment_days = models.PositiveSmallIntegerField(_("days"), default=30)
    deposit_percent = models.DecimalField(_("deposit, %"), max_digits=5, decimal_places=2, default=0)
    note = models.TextField(_("further terms"), max_length=4000, blank=True)

    # What a deal says as a whole, in the order in which people read it; the differences of two offers go by it.
    TERM_FIELDS = (
        "currency",
        "tax_rate",
        "price_includes_tax",
        "incoterm",
        "park",
        "region",
        "address",
        "window_start",
        "window_end",
        "payment_term",
        "payment_days",
        "deposit_percent",
        "note",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            ),
            models.CheckConstraint(
                name="%(class)s_tax_rate_is_a_percentage", condition=Q(tax_rate__gte=0, tax_rate__lte=100)
            ),
            models.CheckConstraint(
                name="%(class)s_deposit_is_a_percentage", condition=Q(deposit_percent__gte=0, deposit_percent__lte=100)
            ),
            models.CheckConstraint(
                name="%(class)s_window_is_ordered", condition=Q(window_end__gte=models.F("window_start"))
            ),
            models.CheckConstraint(
                name="%(class)s_handed_over_in_a_park_names_it",
                condition=~Q(incoterm="park_handover") | Q(park__isnull=False),
            ),
        ]

    def terms(self) -> dict:
        """Return the terms by field, the park as its row."""
        return {name: getattr(self, name) for name in self.TERM_FIELDS}


class TermLine(models.Model):
    """One line of a deal: goods, or a charge such as freight or tooling that no stock is behind."""

    class Kind(models.TextChoices):
        GOODS = "goods", _("Goods or service")
        CHARGE = "charge", _("Charge")

    LINE_FIELDS = ("kind", "description", "specification", "quantity", "unit", "unit_price")

    position = models.PositiveSmallIntegerField(_("line"))
    kind = models.CharField(_("kind"), max_length=6, choices=Kind, default=Kind.GOODS)
    description = models.CharField(_("description"), max_length=300)
    # {"attributes": {key: {"value", "unit", "tolerance" | "min" | "max"}}, "text": ""}: what inspection holds it to.
    specification = models.JSONField(_("specification"), default=dict, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(name="%(class)s_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="%(class)s_price_is_not_negative", condition=Q(unit_price__gte=0)),
        ]

    @property
    def amount(self) -> Decimal:
        return amount(self.quantity, self.unit_price)
