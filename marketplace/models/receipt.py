from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.membership import Membership
from marketplace.models.order import Order
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.shipment import Lot, Shipment, new_token
from marketplace.models.user import User


class ReceiptQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the receipts of the user's orders and of the parks where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        return self.filter(
            Q(order__buyer__in=mine)
            | Q(order__seller__in=mine)
            | Q(shipment__park__in=Park.objects.run_by(user))
            | Q(receiver__isnull=False, receiver=user.pk)
        )

    def signable_by(self, user: User) -> Self:
        """Return what waits for a signature and whose side the user trades for, or that names the user as receiver."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.waiting().filter(Q(order__buyer__in=mine) | Q(order__seller__in=mine) | Q(receiver=user))

    def editable_by(self, user: User) -> Self:
        """Return the receipts that the user may withdraw or send a code for: a side's traders and the park's staff."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.filter(
            Q(order__buyer__in=mine) | Q(order__seller__in=mine) | Q(shipment__park__in=Park.objects.run_by(user))
        )

    def waiting(self) -> Self:
        return self.filter(status=Receipt.Status.TO_SIGN)

    def with_details(self) -> Self:
        lines = models.Prefetch("lines", ReceiptLine.objects.order_by("pk").select_related("lot__order_line"))
        signatures = models.Prefetch("signatures", ReceiptSignature.objects.order_by("at").select_related("signed_by"))
        return self.select_related("order__buyer", "order__seller", "shipment__park").prefetch_related(
            lines, signatures
        )

    def become(self, status: str, **changes) -> int:
        """Move those that still wait for a signature; one UPDATE decides."""
        return self.waiting().update(status=status, **changes)


class Receipt(models.Model):
    """What came of a shipment for one order, signed by both parties; only then does the order know of it.

    ``content`` is the receipt itself, written once; ``sha256`` is the hash of it that its papers and QR code carry.
    """

    class Status(models.TextChoices):
        TO_SIGN = "to_sign", _("To be signed")
        SIGNED = "signed", _("Signed by both")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    number = models.CharField(_("number"), max_length=30, unique=True)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="receipts")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="receipts")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.TO_SIGN)
    receiver = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    receiver_name = models.CharField(_("receiver"), max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    content = models.JSONField(default=dict)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(_("issued"))
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(
                name="receipt_one_to_sign_per_shipment_and_order",
                fields=["shipment", "order"],
                condition=Q(status="to_sign"),
            ),
            models.CheckConstraint(
                name="receipt_signed_at_goes_with_status",
                condition=Q(status="signed", signed_at__isnull=False) | (~Q(status="signed") & Q(signed_at=None)),
            ),
            models.CheckConstraint(
                name="receipt_withdrawn_at_goes_with_status",
                condition=Q(status="withdrawn", withdrawn_at__isnull=False, withdrawn_by__isnull=False)
                | (~Q(status="withdrawn") & Q(withdrawn_at=None, withdrawn_by=None)),
            ),
            models.CheckConstraint(name="receipt_is_known_by_its_hash", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self):
        return self.number


class ReceiptLine(models.Model):
    """What came of one lot: accepted, missing, or rejected and sent back (replaced, where the seller sends anew)."""

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="lines")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="receipt_lines")
    accepted_quantity = models.DecimalField(_("accepted"), max_digits=18, decimal_places=3)
    short_quantity = models.DecimalField(_("short"), max_digits=18, decimal_places=3, default=0)
    rejected_quantity = models.DecimalField(_("rejected"), max_digits=18, decimal_places=3, default=0)
    is_replaced = models.BooleanField(_("the seller replaces what is rejected"), default=False)

    class Meta:
        verbose_name = _("receipt line")
        verbose_name_plural = _("receipt lines")
        constraints = [
            models.UniqueConstraint(name="receipt_line_once_per_lot", fields=["receipt", "lot"]),
            models.CheckConstraint(
                name="receipt_line_is_of_something",
                condition=Q(accepted_quantity__gte=0, short_quantity__gte=0, rejected_quantity__gte=0)
                & ~Q(accepted_quantity=0, short_quantity=0, rejected_quantity=0),
            ),
        ]

    def __str__(self):
        return f"{self.receipt_id}: {self.lot_id}"

    @property
    def received_quantity(self):
        """Return what physically came."""
        return self.accepted_quantity + self.rejected_quantity


class ReceiptSignature(models.Model):
    """One side signed: by an account, or with a code that was sent to the receiver's own phone or mailbox."""

    class Side(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        SELLER = "seller", _("Seller")

    class Method(models.TextChoices):
        ACCOUNT = "account", _("Account")
        CODE = "code", _("One-time code")

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="signatures")
    side = models.CharField(max_length=6, choices=Side)
    method = models.CharField(max_length=7, choices=Method)
    name = models.CharField(_("name"), max_length=150)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Where the code went: enough to recognise it, not enough to write to it.
    contact = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = [
            models.UniqueConstraint(name="receipt_signature_once_per_side", fields=["receipt", "side"]),
            models.CheckConstraint(
                name="receipt_signature_is_somebodys",
                condition=Q(method="account", signed_by__isnull=False) | (Q(method="code") & ~Q(contact="")),
            ),
        ]

    def __str__(self):
        return f"{self.receipt_id}: {self.side}"


class SigningCodeQuerySet(models.QuerySet):
    def usable(self, now: datetime) -> Self:
        return self.filter(used_at=None, replaced_at=None, expires_at__gt=now, attempts__lt=SigningCode.MOST_ATTEMPTS)

    def try_once(self, now: datetime) -> int:
        """Count an attempt where one is left; one UPDATE decides, so that guesses side by side count, too."""
        return self.usable(now).update(attempts=F("attempts") + 1)

    def use(self, now: datetime) -> int:
        return self.filter(used_at=None).update(used_at=now)


class SigningCode(models.Model):
    """A code of six digits that lets the receiver sign without an account; only its hash is kept."""

    MOST_ATTEMPTS = 5

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="codes")
    side = models.CharField(max_length=6, choices=ReceiptSignature.Side)
    name = models.CharField(_("name"), max_length=100)
    contact = models.CharField(_("phone or e-mail"), max_length=254)
    code_hash = models.CharField(max_length=128)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = SigningCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("signing code")
        verbose_name_plural = _("signing codes")
        constraints = [
            models.UniqueConstraint(
                name="signing_code_one_live_per_side",
                fields=["receipt", "side"],
                condition=Q(used_at=None, replaced_at=None),
            ),
            models.CheckConstraint(name="signing_code_is_guessed_five_times", condition=Q(attempts__lte=5)),
        ]

    def __str__(self):
        return f"{self.receipt_id}: {self.side}"
