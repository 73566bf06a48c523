"""A bank's own file of what it paid out and received, laid beside what stands here; where they differ is a break."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.runs import Run, RunQuerySet
from finance.models.drawdown import Drawdown
from finance.models.offline_act import OfflineAct
from finance.models.repayment import Repayment
from marketplace.models import Attachment, Organisation, User


class BankFileQuerySet(RunQuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the files of banks where the user works with them."""
        return self.filter(bank__in=Organisation.objects.of(user, *BankFile.READING_ROLES))

    def loadable_by(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, *BankFile.LOADING_ROLES))

    def checkable_by(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, *BankFile.CHECKING_ROLES))

    def with_names(self) -> Self:
        return self.select_related("bank", "loaded_by", "checked_by", "attachment")

    def unheard(self, now: datetime) -> Self:
        """Return those whose bell nobody heard."""
        return self.filter(status=Run.Status.WAITING, requested_at__lt=now - timedelta(minutes=2))

    def with_counts(self) -> Self:
        """Add how many of its breaks are open: ``open_breaks``."""
        return self.annotate(open_breaks=Count("breaks", filter=Q(breaks__resolution="")))


class BankFile(Run):
    """A file that a bank's maker loaded; a worker reads and compares it; a second person lets it post."""

    class Posting(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("bank file", "Waiting for the second person")
        POSTED = "posted", pgettext_lazy("bank file", "Posted")
        REFUSED = "refused", pgettext_lazy("bank file", "Refused")

    READING_ROLES = ("owner", "maker", "checker", "viewer")
    LOADING_ROLES = ("maker",)
    CHECKING_ROLES = ("checker",)

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="bank_files")
    name = models.CharField(_("file"), max_length=200)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    loaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    rows = models.PositiveIntegerField(_("rows"), default=0)
    matched = models.PositiveIntegerField(_("agree"), default=0)
    known = models.PositiveIntegerField(_("already known"), default=0)
    to_post = models.PositiveIntegerField(_("to post"), default=0)
    refused = models.PositiveIntegerField(_("refused rows"), default=0)
    # [{line, field, reason, zh, en}] of the rows that could not be read, the first of them.
    problems = models.JSONField(default=list, blank=True)
    first_on = models.DateField(_("from"), null=True, blank=True)
    last_on = models.DateField(_("until"), null=True, blank=True)
    posting = models.CharField(_("posting"), max_length=10, choices=Posting, default=Posting.WAITING)
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    check_note = models.CharField(_("note"), max_length=500, blank=True)

    objects = BankFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")
        constraints = [
            # What was refused may be loaded anew.
            models.UniqueConstraint(
                name="bank_file_is_loaded_once", fields=["bank", "sha256"], condition=~Q(posting="refused")
            ),
            models.CheckConstraint(
                name="bank_file_is_posted_by_a_second_person",
                condition=Q(posting="waiting", checked_by=None, checked_at=None)
                | Q(~Q(posting="waiting"), checked_by__isnull=False, checked_at__isnull=False)
                & ~Q(checked_by=F("loaded_by")),
            ),
            models.CheckConstraint(
                name="bank_file_is_read_before_it_is_posted", condition=~Q(posting="posted") | Q(status="done")
            ),
        ]

    def __str__(self):
        return self.name


class BankFileRow(models.Model):
    """One payment as the bank's file has it; the bank's reference names it for good."""

    class Kind(models.TextChoices):
        DISBURSEMENT = "disbursement", _("Loan paid out")
        REPAYMENT = "repayment", _("Repayment received")

    class State(models.TextChoices):
        MATCHED = "matched", pgettext_lazy("bank file", "Agrees")
        TO_POST = "to_post", pgettext_lazy("bank file", "To be posted")
        POSTED = "posted", pgettext_lazy("bank file", "Posted")
        BREAK = "break", pgettext_lazy("bank file", "Differs")
        DROPPED = "dropped", pgettext_lazy("bank file", "Not posted")

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="payments")
    line = models.PositiveIntegerField(_("line"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    reference = models.CharField(_("bank reference"), max_length=100)
    loan_number = models.CharField(_("loan"), max_length=40)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    paid_on = models.DateField(_("day"))
    party = models.CharField(_("other side"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    is_early = models.BooleanField(_("early repayment"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=State)
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    act = models.ForeignKey(OfflineAct, on_delete=models.PROTECT, null=True, blank=True, related_name="bank_rows")
    repayment = models.ForeignKey(Repayment, on_delete=models.PROTECT, null=True, blank=True, related_name="bank_rows")

    class Meta:
        verbose_name = _("row of a bank file")
        verbose_name_plural = _("rows of bank files")
        constraints = [
            models.UniqueConstraint(
                name="bank_file_row_once_per_reference",
                fields=["bank", "kind", "reference"],
                condition=~Q(state="dropped"),
            ),
            models.CheckConstraint(name="bank_file_row_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="bank_file_row_posted_has_what_it_posted",
                condition=~Q(state="posted") | Q(act__isnull=False) | Q(repayment__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.reference}: {self.amount}"


class BreakQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(file__in=BankFile.objects.visible_to(user))

    def open(self) -> Self:
        return self.filter(resolution="")

    def with_names(self) -> Self:
        return self.select_related("file__bank", "row", "act__drawdown", "repayment__drawdown", "resolved_by")


class ReconciliationBreak(models.Model):
    """Where a bank's file and this platform differ, until somebody says how it was settled."""

    class Kind(models.TextChoices):
        MISSING_HERE = "missing_here", _("Not recorded here")
        MISSING_THERE = "missing_there", _("Not in the bank's file")
        AMOUNT_DIFFERS = "amount_differs", _("The amount differs")
        DATE_DIFFERS = "date_differs", _("The day differs")

    class Resolution(models.TextChoices):
        CORRECTED_HERE = "corrected_here", _("Corrected here")
        CORRECTED_AT_BANK = "corrected_at_bank", _("Corrected in the bank's books")
        ACCEPTED = "accepted", _("Accepted as it is")
        FOUND_LATER = "found_later", _("Came with a later file")
        NOT_OURS = "not_ours", _("Does not belong to this platform")

    # What a person may choose; what came with a later file settles itself.
    CHOOSABLE = (
        Resolution.CORRECTED_HERE,
        Resolution.CORRECTED_AT_BANK,
        Resolution.ACCEPTED,
        Resolution.NOT_OURS,
    )

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="breaks")
    kind = models.CharField(_("kind"), max_length=15, choices=Kind)
    row = models.ForeignKey(BankFileRow, on_delete=models.PROTECT, null=True, blank=True, related_name="breaks")
    act = models.ForeignKey(OfflineAct, on_delete=models.PROTECT, null=True, blank=True, related_name="breaks")
    repayment = models.ForeignKey(Repayment, on_delete=models.PROTECT, null=True, blank=True, related_name="breaks")
    # What each side says: {here: {amount, day}, there: {amount, day}, why: {zh, en}}.
    details = models.JSONField(default=dict, blank=True)
    resolution = models.CharField(_("how it was settled"), max_length=20, choices=Resolution, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = BreakQuerySet.as_manager()

    class Meta:
        verbose_name = _("break")
        verbose_name_plural = _("breaks")
        constraints = [
            models.CheckConstraint(
                name="break_is_about_something",
                condition=Q(row__isnull=False) | Q(act__isnull=False) | Q(repayment__isnull=False),
            ),
            models.UniqueConstraint(
                name="break_once_per_row_and_kind", fields=["row", "kind"], condition=Q(row__isnull=False)
            ),
            # An act that the bank's files still lack is one break, however many files lack it.
            models.UniqueConstraint(
                name="break_missing_there_is_open_once_per_act",
                fields=["act"],
                condition=Q(kind="missing_there", resolution=""),
            ),
            models.UniqueConstraint(
                name="break_missing_there_is_open_once_per_repayment",
                fields=["repayment"],
                condition=Q(kind="missing_there", resolution=""),
            ),
            models.CheckConstraint(
                name="break_resolved_says_by_whom_and_when",
                condition=Q(resolution="", resolved_by=None, resolved_at=None)
                | Q(~Q(resolution=""), resolved_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.file_id}: {self.kind}"

    @property
    def reference(self) -> str:
        return self.row.reference if self.row else self.act.reference if self.act else self.repayment.reference

    @property
    def loan_number(self) -> str:
        if self.row:
            return self.row.loan_number
        return (self.act or self.repayment).drawdown.number
