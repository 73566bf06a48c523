"""What a firm bought, sold, paid, delivered and made: the rows that a score is reckoned from."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.runs import Run, RunQuerySet
from finance.models.consent import DataGroup, consented
from marketplace.models import Attachment, Membership, Order, Organisation, User


class RecordKind(models.TextChoices):
    SALES = "sales", _("Sale")
    PURCHASES = "purchases", _("Purchase")
    PAYMENT = "payment", _("Payment")
    DELIVERY = "delivery", _("Delivery")
    PRODUCTION = "production", _("Production")


# Under which group of a consent each kind is read.
GROUPS = {
    RecordKind.SALES: DataGroup.SALES,
    RecordKind.PURCHASES: DataGroup.PURCHASES,
    RecordKind.PAYMENT: DataGroup.PAYMENTS,
    RecordKind.DELIVERY: DataGroup.DELIVERIES,
    RecordKind.PRODUCTION: DataGroup.PRODUCTION,
}


# A bell not answered for so long was lost; a busy worker hears the second one in vain.
BELL_UNHEARD = timedelta(seconds=50)


class RecordImportQuerySet(RunQuerySet):
    def unheard(self, now: datetime) -> Self:
        return self.filter(status=Run.Status.WAITING, requested_at__lt=now - BELL_UNHEARD)

    def visible_to(self, user: User) -> Self:
        """Return the imports of the firms the user trades for."""
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def with_names(self) -> Self:
        return self.select_related("organisation", "requested_by")


class RecordImport(Run):
    """A file of records that a firm handed in; a worker reads it, and reports bad rows by number and reason."""

    # A report longer than this helps nobody; the counts stay exact.
    PROBLEMS_KEPT = 10_000

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="record_imports")
    kind = models.CharField(_("kind"), max_length=12, choices=RecordKind)
    name = models.CharField(_("file"), max_length=200)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    # Of a file of several firms: the code under which it calls this one.
    firm_code = models.CharField(_("firm's code in the file"), max_length=60, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    rows = models.PositiveIntegerField(_("rows"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    known = models.PositiveIntegerField(_("already known"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    # [{line, field, reason, zh, en}], the first of them.
    problems = models.JSONField(default=list, blank=True)
    # Root of the Merkle tree of the records that it added, in the order of their lines.
    root = models.CharField(max_length=64, blank=True)

    objects = RecordImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of records")
        verbose_name_plural = _("imports of records")
        constraints = [
            models.UniqueConstraint(
                name="record_import_one_unfinished_per_firm_and_kind",
                fields=["organisation", "kind"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]

    def __str__(self):
        return self.name


class TransactionRecordQuerySet(models.QuerySet):
    def of(self, organisation: Organisation) -> Self:
        return self.filter(organisation=organisation)

    def visible_to(self, user: User) -> Self:
        """Return the records of the user's own firms; others read through ``readable_by``."""
        return self.filter(organisation__in=Organisation.objects.of(user))

    def readable_by(self, reader: Organisation, *, purpose: str, now: datetime) -> Self:
        """Return the records that their firms let this reader see for this purpose now, each kind by its group."""
        allowed = Q()
        for kind, group in GROUPS.items():
            allowed |= Q(consented(group, reader=reader, purpose=purpose, now=now), kind=kind)
        return self.filter(allowed)

    def with_names(self) -> Self:
        return self.select_related("organisation", "counterparty", "order")

    def known_at(self, moment: datetime) -> Self:
        """Return what was known and had happened then: nothing later may move a score."""
        return self.filter(known_at__lte=moment, occurred_on__lte=moment)

    def counted(self) -> Self:
        """Return what is not void and says nothing that another record said already."""
        return self.filter(is_void=False, restates=None)


class TransactionRecord(models.Model):
    """One fact of a firm's trade, with where it came from and the hash of what was said; written once.

    Amounts are in the record's currency; a refund or red invoice is negative. ``key`` names the fact within the firm and
    kind, so that handing it in again changes nothing: of an upload it is the hash of all that was said, of the platform's
    own facts the row they come from. An invoice number may come again with other content: both rows are kept, and a
    finding says so. A payment is of money that came ``in`` or went ``out``, a delivery of goods.
    """

    class Source(models.TextChoices):
        PLATFORM = "platform", _("This marketplace")
        INVOICE = "invoice", _("Uploaded VAT invoice")
        BANK = "bank", _("Bank statement")
        LOGISTICS = "logistics", _("Carrier or warehouse")
        WORKSHOP = "workshop", _("Production system")

    class Direction(models.TextChoices):
        IN = "in", pgettext_lazy("direction", "In")
        OUT = "out", pgettext_lazy("direction", "Out")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="transaction_records")
    kind = models.CharField(_("kind"), max_length=12, choices=RecordKind)
    source = models.CharField(_("source"), max_length=12, choices=Source)
    # Both sides signed it here; what a firm uploads is its own word until something confirms it.
    is_verified = models.BooleanField(_("verified"), default=False)
    key = models.CharField(max_length=120)
    invoice_code = models.CharField(_("invoice code"), max_length=20, blank=True)
    number = models.CharField(_("number"), max_length=60, blank=True)
    occurred_on = models.DateField(_("day"))
    known_at = models.DateTimeField(_("known since"))
    # The other side as the record names it; the organisation where it is known here.
    counterparty_code = models.CharField(_("counterparty"), max_length=200, blank=True)
    counterparty_name = models.CharField(_("name of the counterparty"), max_length=200, blank=True)
    counterparty = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    direction = models.CharField(_("direction"), max_length=3, choices=Direction, blank=True)
    net_amount = models.DecimalField(_("amount without tax"), max_digits=20, decimal_places=2, default=0)
    tax_amount = models.DecimalField(_("tax"), max_digits=20, decimal_places=2, default=0)
    total_amount = models.DecimalField(_("total"), max_digits=20, decimal_places=2, default=0)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    goods = models.CharField(_("goods"), max_length=200, blank=True)
    # The order or contract that it belongs to, as the record names it.
    reference = models.CharField(_("order or contract"), max_length=60, blank=True)
    is_void = models.BooleanField(_("void"), default=False)
    # The record that said this already: an invoice of an order whose sale was written down at its acceptance.
    restates = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="restated_by")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    imported_by = models.ForeignKey(
        RecordImport, on_delete=models.PROTECT, null=True, blank=True, related_name="records"
    )
    line = models.PositiveIntegerField(_("line"), null=True, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64)

    objects = TransactionRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("transaction record")
        verbose_name_plural = _("transaction records")
        indexes = [models.Index(name="transaction_record_of_firm", fields=["organisation", "kind", "occurred_on"])]
        constraints = [
            models.UniqueConstraint(name="transaction_record_once", fields=["organisation", "kind", "key"]),
            models.CheckConstraint(
                name="transaction_record_total_is_net_and_tax",
                condition=Q(
                    total_amount__gte=F("net_amount") + F("tax_amount") - models.Value("0.05", models.DecimalField()),
                    total_amount__lte=F("net_amount") + F("tax_amount") + models.Value("0.05", models.DecimalField()),
                ),
            ),
            models.CheckConstraint(
                name="transaction_record_is_verified_only_by_the_platform",
                condition=Q(is_verified=False) | Q(source="platform"),
            ),
            models.CheckConstraint(
                name="transaction_record_of_payment_or_delivery_has_a_direction",
                condition=~Q(kind__in=["payment", "delivery"]) | ~Q(direction=""),
            ),
            models.CheckConstraint(
                name="transaction_record_is_known_by_its_hash", condition=Q(sha256__regex="^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.number}"
