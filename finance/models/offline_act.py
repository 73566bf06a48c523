"""What happens outside the platform (a contract signed at the branch, money paid), confirmed by evidence and two people."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Application
from finance.models.claim import Claim
from finance.models.cover import Guarantee
from finance.models.drawdown import Drawdown
from marketplace.models import Attachment, Organisation, User

# How long the second person has, and how long an overdue act may still be recorded before it is given up.
TIME_TO_CONFIRM = timedelta(days=2)
TIME_AFTER_DUE = timedelta(days=14)


class OfflineActQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's organisations are to record or to confirm."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(recorder__in=mine) | Q(confirmer__in=mine))

    def recordable_by(self, user: User) -> Self:
        return self.filter(recorder__in=Organisation.objects.of(user, *OfflineAct.RECORDING_ROLES))

    def confirmable_by(self, user: User) -> Self:
        return self.filter(confirmer__in=Organisation.objects.of(user, *OfflineAct.CONFIRMING_ROLES))

    def awaited(self) -> Self:
        """Return what still has to be recorded."""
        return self.filter(status__in=OfflineAct.AWAITED)

    def recorded(self) -> Self:
        """Return what waits for the second person."""
        return self.filter(status=OfflineAct.Status.RECORDED)

    def untold(self) -> Self:
        """Return what is expected and nobody was told of yet."""
        return self.awaited().filter(told_at=None)

    def past_due(self, now: datetime) -> Self:
        """Return what should have been recorded by now."""
        waiting = [OfflineAct.Status.EXPECTED, OfflineAct.Status.REFUSED]
        return self.filter(status__in=waiting, due_by__lte=now)

    def given_up(self, now: datetime) -> Self:
        """Return what was overdue for too long to be waited for."""
        return self.filter(status=OfflineAct.Status.OVERDUE, due_by__lte=now - TIME_AFTER_DUE)

    def slow_to_confirm(self, now: datetime) -> Self:
        """Return what was recorded long enough ago that its second person is to be reminded, once."""
        return self.recorded().filter(recorded_at__lte=now - TIME_TO_CONFIRM, reminded_at=None)

    def with_names(self) -> Self:
        return self.select_related(
            "recorder",
            "confirmer",
            "application__firm",
            "drawdown__borrower",
            "guarantee__firm",
            "claim__guarantee__firm",
            "recorded_by",
            "confirmed_by",
            "attachment",
        )

    def become(self, status: str, **changes) -> int:
        """Move these acts to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=OfflineAct.TRANSITIONS[status]).update(status=status, **changes)

    def expect(
        self,
        *,
        kind: str,
        due_by: datetime,
        at: datetime,
        application: Application | None = None,
        drawdown: Drawdown | None = None,
        guarantee: Guarantee | None = None,
        claim: Claim | None = None,
        amount: Decimal | None = None,
        due_on: date | None = None,
        about: str = "",
    ) -> "OfflineAct":
        """Return the act that somebody now has to do and record, made anew unless it is awaited already.

        Exactly one of application, drawdown, guarantee and claim says what it belongs to. ``amount`` is what has to
        be paid, where that is known. Whoever must act is told by beat.
        """
        target = {"application": application, "drawdown": drawdown, "guarantee": guarantee, "claim": claim}
        if kind != OfflineAct.Kind.REPAYMENT_RECEIVED and (
            running := self.filter(kind=kind, status__in=OfflineAct.RUNNING, **target).first()
        ):
            return running
        if application is not None:
            recorder = confirmer = application.bank
        elif drawdown is not None:
            recorder = confirmer = drawdown.line.bank
        else:
            cover = guarantee or claim.guarantee
            # Who gives the letter or the money records it; the bank that received it confirms.
            recorder, confirmer = cover.partner, cover.bank
        return self.create(
            kind=kind,
            recorder=recorder,
            confirmer=confirmer,
            expected_amount=amount,
            expected_on=due_on,
            about=about,
            due_by=due_by,
            expected_at=at,
            **target,
        )

    def drop(self, *, at: datetime, reason: str) -> int:
        """Expect these no longer: what they belong to came to an end."""
        return self.become(OfflineAct.Status.CANCELLED, ended_at=at, refusal=reason[:500])


class OfflineAct(models.Model):
    """Something that must be done outside: expected, recorded with evidence by one person, confirmed by a second one."""

    class Kind(models.TextChoices):
        CONTRACT_SIGNED = "contract_signed", _("Contract signed")
        PLEDGE_REGISTERED = "pledge_registered", _("Pledge registered")
        FUNDS_PAID = "funds_paid", _("Loan paid out")
        REPAYMENT_RECEIVED = "repayment_received", _("Repayment received")
        GUARANTEE_ISSUED = "guarantee_issued", _("Letter of guarantee issued")
        CLAIM_PAID = "claim_paid", _("Claim paid")

    class Status(models.TextChoices):
        EXPECTED = "expected", pgettext_lazy("offline act", "Expected")
        OVERDUE = "overdue", pgettext_lazy("offline act", "Overdue")
        RECORDED = "recorded", pgettext_lazy("offline act", "Waiting for the second person")
        CONFIRMED = "confirmed", pgettext_lazy("offline act", "Confirmed")
        REFUSED = "refused", pgettext_lazy("offline act", "Sent back")
        TIMED_OUT = "timed_out", pgettext_lazy("offline act", "Given up")
        CANCELLED = "cancelled", pgettext_lazy("offline act", "No longer expected")

    TRANSITIONS = {
        # Expected anew.
        Status.EXPECTED: (Status.TIMED_OUT,),
        Status.RECORDED: (Status.EXPECTED, Status.REFUSED, Status.OVERDUE),
        Status.CONFIRMED: (Status.RECORDED,),
        Status.REFUSED: (Status.RECORDED,),
        Status.OVERDUE: (Status.EXPECTED, Status.REFUSED),
        Status.TIMED_OUT: (Status.OVERDUE,),
        Status.CANCELLED: (Status.EXPECTED, Status.REFUSED, Status.OVERDUE, Status.RECORDED),
    }
    AWAITED = (Status.EXPECTED, Status.REFUSED, Status.OVERDUE)
    RUNNING = (*AWAITED, Status.RECORDED)
    # Who has such acts to do.
    ACTING = (Organisation.Kind.BANK, Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)
    RECORDING_ROLES = ("maker", "owner")
    REOPENING_ROLES = ("maker", "checker", "owner")
    CONFIRMING_ROLES = ("checker",)
    OF_MONEY = (Kind.FUNDS_PAID, Kind.REPAYMENT_RECEIVED, Kind.CLAIM_PAID)
    LONGEST_REFERENCE = 100
    LONGEST_NOTE = 500
    # Those that are shown by a paper; the others by the reference of a payment.
    ON_PAPER = (Kind.CONTRACT_SIGNED, Kind.PLEDGE_REGISTERED, Kind.GUARANTEE_ISSUED)

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, blank=True, related_name="offline_acts"
    )
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, null=True, blank=True, related_name="offline_acts")
    guarantee = models.ForeignKey(
        Guarantee, on_delete=models.PROTECT, null=True, blank=True, related_name="offline_acts"
    )
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, null=True, blank=True, related_name="offline_acts")
    recorder = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    confirmer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    about = models.CharField(_("about"), max_length=300, blank=True)
    expected_amount = models.DecimalField(_("expected amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    due_by = models.DateTimeField(_("due by"))
    expected_at = models.DateTimeField(_("expected since"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.EXPECTED)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    occurred_on = models.DateField(_("done on"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # Why it was sent back, or is no longer expected.
    refusal = models.CharField(_("reason"), max_length=500, blank=True)
    refused_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OfflineActQuerySet.as_manager()

    class Meta:
        verbose_name = _("offline act")
        verbose_name_plural = _("offline acts")
        indexes = [
            models.Index(name="offline_act_of_recorder", fields=["recorder", "status", "due_by"]),
            models.Index(name="offline_act_of_confirmer", fields=["confirmer", "status", "due_by"]),
            models.Index(name="offline_act_by_reference", fields=["reference"], condition=~Q(reference="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="offline_act_is_about_one_thing_of_its_kind",
                condition=Q(
                    kind__in=["contract_signed", "pledge_registered"],
                    application__isnull=False,
                    drawdown=None,
                    guarantee=None,
                    claim=None,
                )
                | Q(
                    kind__in=["funds_paid", "repayment_received"],
                    application=None,
                    drawdown__isnull=False,
                    guarantee=None,
                    claim=None,
                )
                | Q(kind="guarantee_issued", application=None, drawdown=None, guarantee__isnull=False, claim=None)
                | Q(kind="claim_paid", application=None, drawdown=None, guarantee=None, claim__isnull=False),
            ),
            models.CheckConstraint(
                name="offline_act_recorded_has_evidence",
                condition=~Q(status__in=["recorded", "confirmed"])
                | Q(~Q(reference=""), occurred_on__isnull=False, recorded_by__isnull=False, recorded_at__isnull=False),
            ),
            models.CheckConstraint(
                name="offline_act_of_money_says_how_much",
                condition=~Q(
                    status__in=["recorded", "confirmed"], kind__in=["funds_paid", "repayment_received", "claim_paid"]
                )
                | Q(amount__gt=0, amount__isnull=False),
            ),
            models.CheckConstraint(
                name="offline_act_on_paper_has_the_paper",
                condition=~Q(
                    status__in=["recorded", "confirmed"],
                    kind__in=["contract_signed", "pledge_registered", "guarantee_issued"],
                )
                | Q(attachment__isnull=False),
            ),
            models.CheckConstraint(
                name="offline_act_is_confirmed_by_a_second_person",
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, recorded_by__isnull=False)
                & ~Q(confirmed_by=F("recorded_by")),
            ),
            models.CheckConstraint(
                name="offline_act_confirmed_says_by_whom",
                condition=~Q(status="confirmed") | Q(confirmed_by__isnull=False),
            ),
            *(
                models.UniqueConstraint(
                    name=f"offline_act_one_runs_per_{target}",
                    fields=["kind", target],
                    condition=Q(
                        status__in=["expected", "refused", "overdue", "recorded"], **{f"{target}__isnull": False}
                    )
                    & ~Q(kind="repayment_received"),
                )
                for target in ("application", "drawdown", "guarantee", "claim")
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.target}"

    @property
    def target(self) -> Application | Drawdown | Guarantee | Claim:
        return self.application or self.drawdown or self.guarantee or self.claim

    @property
    def firm(self) -> Organisation:
        """Return whose credit it is about; fetch it ``with_names()`` to ask no query."""
        if self.application:
            return self.application.firm
        if self.drawdown:
            return self.drawdown.borrower
        return self.guarantee.firm if self.guarantee else self.claim.guarantee.firm

    @property
    def is_on_paper(self) -> bool:
        return self.kind in self.ON_PAPER

    @property
    def is_awaited(self) -> bool:
        return self.status in self.AWAITED
