"""A loan under a line: drawn with four eyes, paid straight to the supplier, repaid in instalments."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from finance.models.application import Actor
from finance.models.line import CreditLine, Reservation
from marketplace.models import Organisation, User

ZERO = Decimal(0)


class RiskClass(models.TextChoices):
    """The five classes of a loan (金融资产风险分类办法, 2023)."""

    NORMAL = "normal", _("Normal")
    SPECIAL_MENTION = "special_mention", _("Special mention")
    SUBSTANDARD = "substandard", _("Substandard")
    DOUBTFUL = "doubtful", _("Doubtful")
    LOSS = "loss", _("Loss")


class DrawdownQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        mine = Organisation.objects.of(user)
        return self.filter(Q(borrower__in=mine) | Q(line__bank__in=mine))

    def of_bank(self, user: User, *roles: str) -> Self:
        """Return the drawdowns at banks where the user has one of these roles."""
        return self.filter(line__bank__in=Organisation.objects.of(user, *roles))

    def of_firm(self, user: User, *roles: str) -> Self:
        """Return the drawdowns of firms for which the user acts in one of these roles."""
        return self.filter(borrower__in=Organisation.objects.of(user, *roles))

    def pending(self) -> Self:
        """Return what was asked for and is not paid out yet."""
        waiting = (Drawdown.Status.REQUESTED, Drawdown.Status.PROPOSED, Drawdown.Status.APPROVED)
        return self.filter(status__in=waiting)

    def open(self) -> Self:
        """Return the loans on which something is still owed."""
        return self.filter(status=Drawdown.Status.PAID_OUT)

    def with_names(self) -> Self:
        people = ("requested_by", "maker", "checker")
        return self.select_related("line__bank", "borrower", "payee", "reservation__order", *people)

    def become(self, status: str, **changes) -> int:
        """Move these drawdowns to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Drawdown.TRANSITIONS[status]).update(status=status, **changes)


class Drawdown(models.Model):
    """Money drawn under a line. The bank pays the supplier; here stands only what it says it did."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        PROPOSED = "proposed", _("Waiting for the checker")
        APPROVED = "approved", _("To be paid out")
        PAID_OUT = "paid_out", _("Paid out")
        REPAID = "repaid", _("Repaid")
        CANCELLED = "cancelled", _("Cancelled")
        WRITTEN_OFF = "written_off", _("Written off")

    TRANSITIONS = {
        Status.REQUESTED: (Status.PROPOSED,),
        Status.PROPOSED: (Status.REQUESTED,),
        Status.APPROVED: (Status.PROPOSED,),
        Status.PAID_OUT: (Status.APPROVED,),
        Status.REPAID: (Status.PAID_OUT,),
        Status.CANCELLED: (Status.REQUESTED, Status.PROPOSED, Status.APPROVED),
        Status.WRITTEN_OFF: (Status.PAID_OUT,),
    }

    number = models.CharField(_("number"), max_length=30, unique=True)
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="drawdowns")
    borrower = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="drawdowns")
    reservation = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="drawdown"
    )
    # The supplier that is paid directly.
    payee = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    use = models.CharField(_("what it is for"), max_length=300, blank=True)
    # Sent again with the same key, a request draws nothing twice, however late it comes.
    key = models.CharField(max_length=100, blank=True)
    rate_bp = models.PositiveIntegerField(_("rate (basis points)"))
    penalty_bp = models.PositiveIntegerField(_("added when overdue (% of the rate)"), default=50)
    days = models.PositiveSmallIntegerField(_("term (days)"))
    repayment = models.CharField(_("repayment"), max_length=20)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.REQUESTED)
    waits_for = models.CharField(_("who acts next"), max_length=10, choices=Actor, default=Actor.MAKER)
    act_by = models.DateTimeField(_("by when"), null=True, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    principal_left = models.DecimalField(_("principal left"), max_digits=18, decimal_places=2, default=ZERO)
    risk_class = models.CharField(_("risk class"), max_length=16, choices=RiskClass, default=RiskClass.NORMAL)
    overdue_since = models.DateField(_("overdue since"), null=True, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    maker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(null=True, blank=True)
    checker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    # What the bank says of itself: why it sent the proposal back, or will not lend; the firm reads the latter.
    note = models.CharField(_("note"), max_length=500, blank=True)
    paid_out_reference = models.CharField(_("bank's reference"), max_length=100, blank=True)
    paid_out_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DrawdownQuerySet.as_manager()

    class Meta:
        verbose_name = _("drawdown")
        verbose_name_plural = _("drawdowns")
        indexes = [models.Index(name="drawdown_open", fields=["due_on"], condition=Q(status="paid_out"))]
        constraints = [
            models.CheckConstraint(name="drawdown_amount_is_positive", condition=Q(amount__gt=0, days__gte=1)),
            models.CheckConstraint(
                name="drawdown_maker_is_not_its_checker", condition=Q(checker=None) | ~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="drawdown_owes_at_most_what_was_drawn",
                condition=Q(principal_left__gte=0, principal_left__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="drawdown_requester_decides_nothing",
                condition=(Q(maker=None) | ~Q(maker=F("requested_by")))
                & (Q(checker=None) | ~Q(checker=F("requested_by"))),
            ),
            models.CheckConstraint(
                name="drawdown_paid_out_has_its_days",
                condition=Q(status__in=["requested", "proposed", "approved", "cancelled"])
                | Q(starts_on__isnull=False, due_on__isnull=False, paid_out_at__isnull=False),
            ),
            models.CheckConstraint(
                name="drawdown_ended_owes_nothing",
                condition=~Q(status__in=["repaid", "written_off"]) | Q(principal_left=0, ended_at__isnull=False),
            ),
            models.UniqueConstraint(name="drawdown_key_once_per_line", fields=["line", "key"], condition=~Q(key="")),
            models.CheckConstraint(
                name="drawdown_paid_out_was_checked",
                condition=Q(status__in=["requested", "proposed", "cancelled"])
                | Q(maker__isnull=False, checker__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number

    def days_overdue(self, on: date) -> int:
        """Return for how many days the oldest of what is due is not paid."""
        return (on - self.overdue_since).days if self.overdue_since else 0


class ClassChange(models.Model):
    """A loan went from one risk class to another; rows are only ever added."""

    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, related_name="class_changes")
    before = models.CharField(_("before"), max_length=16, choices=RiskClass)
    after = models.CharField(_("after"), max_length=16, choices=RiskClass)
    days_overdue = models.PositiveIntegerField(_("days overdue"))
    on = models.DateField(_("day"))
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("change of risk class")
        verbose_name_plural = _("changes of risk class")
        indexes = [models.Index(name="class_change_by_day", fields=["drawdown", "on"])]
        constraints = [
            models.CheckConstraint(name="class_change_changes_something", condition=~Q(before=F("after"))),
        ]

    def __str__(self):
        return f"{self.drawdown_id}: {self.before} → {self.after}"
