"""Early signs that a firm to which a bank lends may not pay, and what the bank's people made of them."""

from datetime import date, datetime
from typing import Self

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from finance.models.consent import Consent, DataGroup, Purpose
from finance.models.line import CreditLine
from finance.models.line_change import LineChange
from marketplace.models import Membership, Organisation, User


class WarningRunQuerySet(RunQuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user))

    def request(self, *, bank_id: int, day: date, now: datetime) -> "WarningRun | None":
        """Return tonight's look at the firms of a bank; None if there was one already that has not failed."""
        run = WarningRun(bank_id=bank_id, day=day, requested_at=now)
        try:
            with transaction.atomic():
                run.save(force_insert=True)
        except IntegrityError:
            # The constraint decides which of two who ask at once gets it.
            return None
        return run


class WarningRun(Run):
    """One night's look at all firms that hold a line of a bank."""

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(_("day"))
    firms = models.PositiveIntegerField(_("firms"), default=0)
    # Firms that let the bank watch nothing: of them nothing can be said.
    unseen = models.PositiveIntegerField(_("without consent"), default=0)
    opened = models.PositiveIntegerField(_("warnings opened"), default=0)
    passed = models.PositiveIntegerField(_("warnings passed"), default=0)

    objects = WarningRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("search for early signs")
        verbose_name_plural = _("searches for early signs")
        constraints = [
            models.UniqueConstraint(
                name="warning_run_once_per_bank_and_day", fields=["bank", "day"], condition=~Q(status="failed")
            ),
        ]

    def __str__(self):
        return f"{self.bank_id} {self.day}"


class EarlyWarningQuerySet(models.QuerySet):
    def visible_to(self, user: User, *, now: datetime) -> Self:
        """Return the warnings of the user's banks about firms that let them watch what each was seen in."""
        return self.filter(bank__in=Organisation.objects.of(user, *EarlyWarning.READING_ROLES)).watched(now)

    def editable_by(self, user: User, *, now: datetime) -> Self:
        """Return those that the user may answer for a bank."""
        return self.filter(bank__in=Organisation.objects.of(user, Membership.Role.MAKER)).watched(now)

    def watched(self, now: datetime) -> Self:
        """Return those whose firm lets the bank watch, at this moment, the data that the warning was seen in.

        What concerns the bank's own loans (an instalment not paid) needs no consent: the bank knows it anyway.
        """
        standing = Consent.objects.standing(now).filter(
            firm=OuterRef("firm"), reader=OuterRef("bank"), purpose=Purpose.MONITORING
        )
        allowed = Q(group="")
        for group in EarlyWarning.GROUPS:
            allowed |= Q(Exists(standing.filter(groups__contains=[group])), group=group)
        return self.filter(allowed)

    def standing(self) -> Self:
        """Return those whose sign is still seen, answered or not."""
        return self.exclude(status=EarlyWarning.Status.PASSED)

    def become(self, status: str, **changes) -> int:
        """Move these warnings to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=EarlyWarning.TRANSITIONS[status]).update(status=status, **changes)

    def with_names(self) -> Self:
        return self.select_related("bank", "firm", "line", "answered_by", "change__checked_by")


class EarlyWarning(models.Model):
    """One sign of trouble of a firm that a bank lends to; a maker answers it, and may propose to freeze the line."""

    class Kind(models.TextChoices):
        SALES_DROP = "sales_drop", _("Sales fell")
        COUNTERPARTY_LOST = "counterparty_lost", _("An important customer left")
        PAYMENT_DELAY = "payment_delay", _("Suppliers are paid later")
        RETURNS_RISE = "returns_rise", _("More sales are voided or taken back")
        RECORDS_STOPPED = "records_stopped", _("No new records come in")
        DISPUTES = "disputes", _("Disputes multiply")
        FINDINGS = "findings", _("New findings on the genuineness of trade")
        SCORE_FALL = "score_fall", _("The score fell")
        LATE_RECEIVABLES = "late_receivables", _("Its customers are likely to pay late")
        OVERDUE = "overdue", _("An instalment is overdue")

    class Severity(models.TextChoices):
        NOTICE = "notice", _("Worth a look")
        SERIOUS = "serious", _("Serious")

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for an answer")
        ANSWERED = "answered", _("Answered")
        PASSED = "passed", _("No longer seen")

    class Answer(models.TextChoices):
        WATCH = "watch", _("Watch more closely")
        CONTACT = "contact", _("Speak with the firm")
        FREEZE = "freeze", _("Propose to freeze the line")
        DISMISS = "dismiss", _("Explained, nothing to do")

    TRANSITIONS = {
        Status.ANSWERED: (Status.OPEN,),
        Status.PASSED: (Status.OPEN, Status.ANSWERED),
    }
    LONGEST_REASON = 2000
    READING_ROLES = (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER)
    # Which data each kind is seen in; nothing where the bank sees it in its own books.
    GROUP_OF = {
        Kind.SALES_DROP: DataGroup.SALES,
        Kind.COUNTERPARTY_LOST: DataGroup.SALES,
        Kind.PAYMENT_DELAY: DataGroup.PAYMENTS,
        Kind.RETURNS_RISE: DataGroup.SALES,
        Kind.RECORDS_STOPPED: DataGroup.SALES,
        Kind.DISPUTES: DataGroup.DELIVERIES,
        Kind.FINDINGS: DataGroup.FINDINGS,
        Kind.SCORE_FALL: DataGroup.SCORE,
        Kind.LATE_RECEIVABLES: DataGroup.SALES,
        Kind.OVERDUE: "",
    }
    GROUPS = (DataGroup.SALES, DataGroup.PAYMENTS, DataGroup.DELIVERIES, DataGroup.FINDINGS, DataGroup.SCORE)

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="warnings")
    run = models.ForeignKey(WarningRun, on_delete=models.PROTECT, related_name="warnings")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    # Several important customers may leave: each is one warning.
    subject = models.CharField(max_length=80, blank=True)
    group = models.CharField(_("data"), max_length=20, choices=DataGroup, blank=True)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    # {zh, en, and the figures}.
    evidence = models.JSONField(default=dict)
    opened_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last seen"))
    act_by = models.DateTimeField(_("answer by"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    answer = models.CharField(_("answer"), max_length=10, choices=Answer, blank=True)
    answer_text = models.TextField(_("reason"), blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    # The freeze that was proposed: a second person confirms it.
    change = models.OneToOneField(
        LineChange, on_delete=models.PROTECT, null=True, blank=True, related_name="early_warning"
    )
    passed_at = models.DateTimeField(null=True, blank=True)

    objects = EarlyWarningQuerySet.as_manager()

    class Meta:
        verbose_name = _("early warning")
        verbose_name_plural = _("early warnings")
        indexes = [
            models.Index(name="early_warning_to_answer", fields=["bank", "act_by"], condition=Q(status="open")),
            models.Index(name="early_warning_of_line", fields=["line", "-opened_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="early_warning_stands_once", fields=["line", "kind", "subject"], condition=~Q(status="passed")
            ),
            models.CheckConstraint(
                name="early_warning_answer_says_who_and_why",
                condition=Q(answered_at=None, answered_by=None, answer="", answer_text="")
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="") & ~Q(answer_text=""),
            ),
            models.CheckConstraint(
                name="early_warning_open_was_not_answered", condition=~Q(status="open") | Q(answered_at=None)
            ),
            models.CheckConstraint(
                name="early_warning_answered_was_answered",
                condition=Q(status__in=["open", "passed"]) | Q(answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="early_warning_freeze_is_proposed_with_its_answer",
                condition=Q(answer="freeze", change__isnull=False) | (~Q(answer="freeze") & Q(change=None)),
            ),
            models.CheckConstraint(
                name="early_warning_passed_at_goes_with_status",
                condition=Q(status="passed", passed_at__isnull=False) | (~Q(status="passed") & Q(passed_at=None)),
            ),
        ]

    def __str__(self):
        return f"{self.firm_id}: {self.kind}"

    @property
    def text(self) -> str:
        return self.evidence.get("en" if get_language() == "en" else "zh", "")
