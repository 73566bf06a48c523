"""What a buyer owes a seller on an invoice, and who lent on it: the same invoice is never lent on twice."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Actor
from finance.models.drawdown import Drawdown
from finance.models.record import TransactionRecord
from marketplace.models import Invoice, Organisation, User

ZERO = Decimal(0)


class ReceivableQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's firms are owed and owe, and what was offered to the user's banks."""
        mine = Organisation.objects.of(user)
        offered = Assignment.objects.filter(bank__in=mine).values("receivable")
        return self.filter(Q(seller__in=mine) | Q(buyer__in=mine) | Q(pk__in=offered))

    def sold_by(self, user: User) -> Self:
        """Return those that the user may offer: what is owed to the user's own firms."""
        return self.filter(seller__in=Organisation.objects.of(user, "owner", "trader"))

    def owed_by(self, user: User) -> Self:
        """Return those that the user may accept: what the user's own firms owe."""
        return self.filter(buyer__in=Organisation.objects.of(user, "owner", "approver"))

    def financeable(self) -> Self:
        """Return what its buyer accepted and of which something is free."""
        return self.filter(status=Receivable.Status.ACCEPTED, assigned__lt=F("face"))

    def with_names(self) -> Self:
        return self.select_related("seller", "buyer", "invoice__order", "record")

    def become(self, status: str, **changes) -> int:
        """Move these receivables to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Receivable.TRANSITIONS[status]).update(status=status, **changes)


class Receivable(models.Model):
    """An invoice as something to lend on, known by a fingerprint that is unique across all banks.

    ``invoice_key`` is the seller and the invoice's own number; ``fingerprint`` adds buyer, face and day. The first is
    unique too, so the same invoice with another amount is no other receivable.
    """

    class Status(models.TextChoices):
        REGISTERED = "registered", _("Waiting for the buyer")
        ACCEPTED = "accepted", _("Accepted by the buyer")
        REFUSED = "refused", _("Refused by the buyer")
        CANCELLED = "cancelled", pgettext_lazy("receivable", "Cancelled")
        SETTLED = "settled", _("Paid by the buyer")

    class Known(models.TextChoices):
        """What any bank may learn of an invoice."""

        UNKNOWN = "unknown", _("Never registered here")
        FREE = "free", _("Registered and free")
        PARTLY_ASSIGNED = "partly_assigned", _("Somebody lends on a part of it")
        ASSIGNED = "assigned", _("Somebody lends on all of it")
        DIFFERS = "differs", _("Registered with another amount, day or buyer")

    TRANSITIONS = {
        Status.ACCEPTED: (Status.REGISTERED,),
        Status.REFUSED: (Status.REGISTERED,),
        Status.CANCELLED: (Status.REGISTERED, Status.ACCEPTED),
        Status.SETTLED: (Status.ACCEPTED,),
    }

    number = models.CharField(_("number"), max_length=30, unique=True)
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="receivables")
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payables")
    invoice_code = models.CharField(_("invoice code"), max_length=40, blank=True)
    invoice_number = models.CharField(_("invoice number"), max_length=60)
    issued_on = models.DateField(_("issued on"))
    due_on = models.DateField(_("due on"))
    face = models.DecimalField(_("face amount"), max_digits=20, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    # How much of it is offered to or lent on by banks; what is left is free.
    assigned = models.DecimalField(_("assigned"), max_digits=20, decimal_places=2, default=ZERO)
    invoice_key = models.CharField(max_length=64, unique=True)
    fingerprint = models.CharField(_("fingerprint"), max_length=64, unique=True)
    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="receivable")
    record = models.OneToOneField(
        TransactionRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="receivable"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REGISTERED)
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField(_("registered"))
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answer_note = models.CharField(_("note"), max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ReceivableQuerySet.as_manager()

    class Meta:
        verbose_name = _("receivable")
        verbose_name_plural = _("receivables")
        indexes = [
            models.Index(name="receivable_of_seller", fields=["seller", "-registered_at"]),
            models.Index(name="receivable_of_buyer", fields=["buyer", "status"]),
        ]
        constraints = [
            models.CheckConstraint(name="receivable_face_is_positive", condition=Q(face__gt=0)),
            models.CheckConstraint(
                name="receivable_is_assigned_up_to_its_face", condition=Q(assigned__gte=0, assigned__lte=F("face"))
            ),
            models.CheckConstraint(name="receivable_is_between_two", condition=~Q(seller=F("buyer"))),
            models.CheckConstraint(name="receivable_due_after_issue", condition=Q(due_on__gte=F("issued_on"))),
            models.CheckConstraint(
                name="receivable_is_assigned_only_once_accepted",
                condition=Q(assigned=0) | Q(status__in=["accepted", "settled"]),
            ),
            models.CheckConstraint(
                name="receivable_comes_from_one_source",
                condition=Q(invoice__isnull=False, record=None) | Q(invoice=None, record__isnull=False),
            ),
            models.CheckConstraint(
                name="receivable_answered_at_goes_with_answered_by",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
            models.CheckConstraint(
                name="receivable_accepted_was_answered",
                condition=~Q(status__in=["accepted", "refused", "settled"]) | Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def free(self) -> Decimal:
        return self.face - self.assigned


class AssignmentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the parts of the user's own receivables, and those offered to the user's banks."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(receivable__seller__in=mine) | Q(bank__in=mine))

    def standing(self) -> Self:
        """Return what takes a part of the face: offered, proposed or lent on."""
        return self.filter(status__in=Assignment.STANDING)

    def lapsing(self, now: datetime) -> Self:
        """Return what waited for the bank longer than its clock allows."""
        return self.filter(status__in=[Assignment.Status.OFFERED, Assignment.Status.PROPOSED], act_by__lte=now)

    def of_repaid_loans(self) -> Self:
        """Return what still stands for a loan of which nothing is owed any more."""
        return self.filter(status=Assignment.Status.STANDING, drawdown__status=Drawdown.Status.REPAID)

    def with_names(self) -> Self:
        return self.select_related("receivable__seller", "receivable__buyer", "bank", "drawdown")

    def become(self, status: str, **changes) -> int:
        """Move these parts to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Assignment.TRANSITIONS[status]).update(status=status, **changes)


class Assignment(models.Model):
    """A part of a receivable, sold or pledged to one bank. From the offer on nobody else can lend on that part."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned (sold)")
        PLEDGED = "pledged", _("Pledged")

    class Status(models.TextChoices):
        OFFERED = "offered", _("Offered to the bank")
        PROPOSED = "proposed", _("Waiting for the checker")
        STANDING = "standing", _("Standing")
        DECLINED = "declined", pgettext_lazy("assignment", "Declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("assignment", "Withdrawn")
        LAPSED = "lapsed", pgettext_lazy("assignment", "Lapsed")
        RELEASED = "released", pgettext_lazy("assignment", "Released")

    TRANSITIONS = {
        Status.PROPOSED: (Status.OFFERED,),
        Status.STANDING: (Status.PROPOSED,),
        Status.DECLINED: (Status.OFFERED, Status.PROPOSED),
        Status.WITHDRAWN: (Status.OFFERED,),
        Status.LAPSED: (Status.OFFERED, Status.PROPOSED),
        Status.RELEASED: (Status.STANDING,),
    }
    STANDING = (Status.OFFERED, Status.PROPOSED, Status.STANDING)

    receivable = models.ForeignKey(Receivable, on_delete=models.PROTECT, related_name="assignments")
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.ASSIGNED)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OFFERED)
    waits_for = models.CharField(_("who acts next"), max_length=10, choices=Actor, default=Actor.MAKER)
    act_by = models.DateTimeField(_("until"), null=True, blank=True)
    # The loan that it secures, where the bank says which.
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, null=True, blank=True, related_name="assignments")
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    offered_at = models.DateTimeField(_("offered"))
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(null=True, blank=True)
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment of a receivable")
        verbose_name_plural = _("assignments of receivables")
        indexes = [models.Index(name="assignment_of_bank", fields=["bank", "status"])]
        constraints = [
            models.CheckConstraint(name="assignment_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="assignment_has_two_pairs_of_eyes",
                condition=Q(checked_by=None) | ~Q(checked_by=F("made_by")),
            ),
            models.CheckConstraint(
                name="assignment_standing_was_made_and_checked",
                condition=~Q(status__in=["standing", "released"]) | Q(made_by__isnull=False, checked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="assignment_waiting_has_a_clock",
                condition=Q(status__in=["offered", "proposed"], act_by__isnull=False) & ~Q(waits_for="nobody")
                | ~Q(status__in=["offered", "proposed"]) & Q(act_by=None, waits_for="nobody"),
            ),
            models.CheckConstraint(
                name="assignment_ended_at_goes_with_status",
                condition=Q(status__in=["offered", "proposed", "standing"], ended_at=None)
                | ~Q(status__in=["offered", "proposed", "standing"]) & Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.receivable_id}: {self.amount} for {self.bank_id}"
