from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.dispute import Dispute
from marketplace.models.order import Order, OrderLine
from marketplace.models.organisation import Organisation
from marketplace.models.proposal import Proposal
from marketplace.models.user import User


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.editable_by(user))

    def valid(self) -> Self:
        """Return what was issued and stands."""
        return self.filter(status__in=[Invoice.Status.ISSUED, Invoice.Status.RECEIVED])

    def with_details(self) -> Self:
        return self.select_related("order__buyer", "order__seller", "attachment")

    def become(self, status: str, **changes) -> int:
        """Move these invoices to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Invoice.TRANSITIONS[status]).update(status=status, **changes)


class Invoice(models.Model):
    """A fapiao: asked for by the buyer, issued by the seller, received or refused by the buyer."""

    class Kind(models.TextChoices):
        SPECIAL = "special", _("VAT special invoice")
        ORDINARY = "ordinary", _("VAT ordinary invoice")
        DIGITAL_SPECIAL = "digital_special", _("Fully digital invoice (VAT special)")
        DIGITAL_ORDINARY = "digital_ordinary", _("Fully digital invoice (ordinary)")
        COMMERCIAL = "commercial", _("Commercial invoice")

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ISSUED = "issued", _("Issued")
        RECEIVED = "received", _("Received")
        REFUSED = "refused", _("Refused")
        VOID = "void", _("Void")

    # From which status each status may be reached; what was refused may be issued anew.
    TRANSITIONS = {
        Status.ISSUED: (Status.REQUESTED, Status.REFUSED),
        Status.RECEIVED: (Status.ISSUED,),
        Status.REFUSED: (Status.ISSUED,),
        Status.VOID: (Status.REQUESTED, Status.ISSUED, Status.RECEIVED, Status.REFUSED),
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="invoices")
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    number = models.CharField(_("number"), max_length=40, blank=True)
    title = models.CharField(_("invoice title"), max_length=200)
    tax_identifier = models.CharField(_("buyer's tax number"), max_length=40, blank=True)
    amount = models.DecimalField(_("amount with tax"), max_digits=20, decimal_places=2)
    tax_amount = models.DecimalField(_("tax"), max_digits=20, decimal_places=2, default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    requested_at = models.DateTimeField(null=True, blank=True)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    issued_at = models.DateTimeField(null=True, blank=True)
    issued_on = models.DateField(_("issued on"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(
                name="invoice_number_once_per_seller",
                fields=["seller", "number"],
                condition=~Q(number="") & ~Q(status="void"),
            ),
            models.CheckConstraint(name="invoice_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="invoice_tax_is_within_its_amount", condition=Q(tax_amount__gte=0, tax_amount__lt=F("amount"))
            ),
            models.CheckConstraint(
                name="invoice_issued_has_number_and_day",
                condition=Q(status__in=["requested", "void"])
                | Q(~Q(number=""), issued_at__isnull=False, issued_on__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number or f"{self.order_id}: {self.status}"


class PaymentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.editable_by(user))

    def counted(self) -> Self:
        """Return what counts as paid: what the payer recorded, unless it was withdrawn or the receiver saw nothing."""
        return self.filter(status__in=[Payment.Status.RECORDED, Payment.Status.CONFIRMED])

    def with_details(self) -> Self:
        return self.select_related("order__buyer", "order__seller", "invoice", "attachment", "recorded_by")

    def become(self, status: str, **changes) -> int:
        """Move these payments to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Payment.TRANSITIONS[status]).update(status=status, **changes)


class Payment(models.Model):
    """Money that one side says it paid the other; recorded here, moved elsewhere. A refund goes from seller to buyer."""

    class Method(models.TextChoices):
        TRANSFER = "transfer", _("Bank transfer")
        ACCEPTANCE = "acceptance", _("Bank acceptance bill")
        COMMERCIAL_BILL = "commercial_bill", _("Commercial acceptance bill")
        LETTER_OF_CREDIT = "letter_of_credit", _("Letter of credit")
        CASH = "cash", _("Cash")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        RECORDED = "recorded", _("Recorded")
        CONFIRMED = "confirmed", _("Confirmed by the receiver")
        DISPUTED = "disputed", _("Not received")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    TRANSITIONS = {
        Status.CONFIRMED: (Status.RECORDED, Status.DISPUTED),
        Status.DISPUTED: (Status.RECORDED,),
        Status.WITHDRAWN: (Status.RECORDED, Status.DISPUTED),
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="payments")
    is_refund = models.BooleanField(_("refund"), default=False)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    paid_on = models.DateField(_("paid on"))
    method = models.CharField(_("method"), max_length=20, choices=Method, default=Method.TRANSFER)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    recorded_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RECORDED)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.CheckConstraint(name="payment_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="payment_answered_at_goes_with_status",
                condition=Q(status="recorded", answered_at=None) | Q(~Q(status="recorded"), answered_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.order_id}: {self.amount}"


class PriceReduction(models.Model):
    """An amount, tax included, by which an order became cheaper: by settlement, decision or concession."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="reductions")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=300)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, null=True, blank=True, related_name="reductions")
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, blank=True, related_name="reductions")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("price reduction")
        verbose_name_plural = _("price reductions")
        constraints = [models.CheckConstraint(name="price_reduction_is_positive", condition=Q(amount__gt=0))]

    def __str__(self):
        return f"{self.order_id}: −{self.amount}"
