"""A bank asks a partner to pay its share of a loan that went bad."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Actor
from finance.models.cover import Guarantee
from finance.models.drawdown import Drawdown
from marketplace.models import Attachment, Organisation, User

ZERO = Decimal(0)


class ClaimQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the claims of the user's banks, and those filed with the user's insurers and guarantors."""
        mine = Organisation.objects.of(user)
        return self.filter(
            Q(guarantee__bank__in=mine) | Q(guarantee__partner__in=mine) & ~Q(status=Claim.Status.PREPARED)
        )

    def of_bank(self, user: User, *roles: str) -> Self:
        return self.filter(guarantee__bank__in=Organisation.objects.of(user, *roles))

    def of_partner(self, user: User, *roles: str) -> Self:
        own = self.filter(guarantee__partner__in=Organisation.objects.of(user, *roles))
        return own.exclude(status=Claim.Status.PREPARED)

    def running(self) -> Self:
        return self.exclude(status__in=Claim.ENDED)

    def late(self, now: datetime) -> Self:
        """Return those on which somebody should have acted."""
        return self.running().filter(act_by__lte=now)

    def with_names(self) -> Self:
        return self.select_related(
            "guarantee__bank", "guarantee__partner", "guarantee__firm", "guarantee__partnership", "drawdown"
        )

    def become(self, status: str, **changes) -> int:
        """Move these claims to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Claim.TRANSITIONS[status]).update(status=status, **changes)


class Claim(models.Model):
    """A bank's claim on a guarantee for one overdue loan, from its preparation to the last recovery."""

    class Status(models.TextChoices):
        PREPARED = "prepared", pgettext_lazy("claim", "Prepared by the bank's maker")
        NOTIFIED = "notified", pgettext_lazy("claim", "Notified")
        DOCUMENTS_ASKED = "documents_asked", pgettext_lazy("claim", "Documents were asked for")
        PROPOSED = "proposed", pgettext_lazy("claim", "Waiting for the partner's second person")
        ACCEPTED = "accepted", pgettext_lazy("claim", "Accepted")
        REFUSED = "refused", pgettext_lazy("claim", "Refused")
        PAID = "paid", pgettext_lazy("claim", "Paid")
        RECOVERED = "recovered", pgettext_lazy("claim", "Recovered in full")
        CLOSED = "closed", pgettext_lazy("claim", "Closed")
        WITHDRAWN = "withdrawn", pgettext_lazy("claim", "Withdrawn")

    TRANSITIONS = {
        Status.NOTIFIED: (Status.PREPARED, Status.DOCUMENTS_ASKED, Status.PROPOSED),
        Status.DOCUMENTS_ASKED: (Status.NOTIFIED,),
        Status.PROPOSED: (Status.NOTIFIED,),
        Status.ACCEPTED: (Status.PROPOSED,),
        Status.REFUSED: (Status.PROPOSED,),
        Status.PAID: (Status.ACCEPTED,),
        Status.RECOVERED: (Status.PAID,),
        Status.CLOSED: (Status.PAID,),
        Status.WITHDRAWN: (Status.PREPARED, Status.NOTIFIED, Status.DOCUMENTS_ASKED, Status.PROPOSED),
    }
    ENDED = (Status.REFUSED, Status.RECOVERED, Status.CLOSED, Status.WITHDRAWN)

    class RefusalReason(models.TextChoices):
        NOT_COVERED = "not_covered", _("The loan is not covered")
        LATE = "late", _("Outside the claim window")
        CONDITIONS = "conditions", _("A condition of the cover was not kept")
        EVIDENCE = "evidence", _("The evidence is missing or does not hold")
        NOT_GENUINE = "not_genuine", _("The trade was not genuine")
        ALREADY_PAID = "already_paid", _("The loan was repaid")

    number = models.CharField(_("number"), max_length=30, unique=True)
    guarantee = models.ForeignKey(Guarantee, on_delete=models.PROTECT, related_name="claims")
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, related_name="claims")
    # As the claim was prepared: what was owed, and the share of it that may be claimed.
    outstanding = models.DecimalField(_("principal outstanding"), max_digits=18, decimal_places=2)
    share_percent = models.DecimalField(_("share (%)"), max_digits=5, decimal_places=2)
    overdue_since = models.DateField(_("overdue since"))
    amount = models.DecimalField(_("amount claimed"), max_digits=18, decimal_places=2)
    accepted_amount = models.DecimalField(_("amount accepted"), max_digits=18, decimal_places=2, null=True, blank=True)
    recovered = models.DecimalField(_("recovered for the partner"), max_digits=18, decimal_places=2, default=ZERO)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PREPARED)
    waits_for = models.CharField(_("who acts next"), max_length=10, choices=Actor, default=Actor.CHECKER)
    act_by = models.DateTimeField(_("by when"), null=True, blank=True)
    prepared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    notified_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    notified_at = models.DateTimeField(null=True, blank=True)
    # The partner's maker proposes to accept an amount, or to refuse with a reason; its second person decides.
    proposes_refusal = models.BooleanField(default=False)
    refusal_reason = models.CharField(_("reason"), max_length=12, choices=RefusalReason, blank=True)
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    is_signed_alone = models.BooleanField(_("signed by one person alone"), default=False)
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        indexes = [models.Index(name="claim_of_guarantee", fields=["guarantee", "status"])]
        constraints = [
            models.CheckConstraint(
                name="claim_is_at_most_the_share_of_what_is_owed",
                condition=Q(
                    amount__gt=0,
                    share_percent__lte=100,
                    amount__lte=F("outstanding") * F("share_percent") / 100 + Decimal("0.01"),
                ),
            ),
            models.CheckConstraint(
                name="claim_accepts_at_most_what_was_claimed",
                condition=Q(accepted_amount=None) | Q(accepted_amount__gt=0, accepted_amount__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="claim_recovers_at_most_what_was_paid",
                condition=Q(recovered=0) | Q(recovered__gt=0, recovered__lte=F("accepted_amount")),
            ),
            models.CheckConstraint(
                name="claim_is_notified_by_a_second_person",
                condition=Q(notified_by=None) | ~Q(notified_by=F("prepared_by")),
            ),
            models.CheckConstraint(
                name="claim_is_decided_by_a_second_person",
                condition=Q(decided_by=None) | Q(is_signed_alone=True) | ~Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="claim_accepted_says_how_much",
                condition=~Q(status__in=["accepted", "paid", "recovered", "closed"])
                | Q(accepted_amount__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="claim_refused_says_why", condition=~Q(status="refused") | ~Q(refusal_reason="")
            ),
            models.UniqueConstraint(
                name="claim_one_running_per_guarantee_and_loan",
                fields=["guarantee", "drawdown"],
                condition=~Q(status__in=["refused", "recovered", "closed", "withdrawn"]),
            ),
        ]

    def __str__(self):
        return self.number


class ClaimEvent(models.Model):
    """One step of a claim, as bank and partner both see it; rows are only ever added."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    attachments = models.ManyToManyField(Attachment, related_name="+", blank=True)

    class Meta:
        verbose_name = _("step of a claim")
        verbose_name_plural = _("steps of claims")
        indexes = [models.Index(name="claim_event_in_order", fields=["claim", "at"])]

    def __str__(self):
        return f"{self.claim_id}: {self.kind}"


class RecoveryQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(claim__in=Claim.objects.visible_to(user))


class Recovery(models.Model):
    """What came in of a loan after the partner had paid, shared in the proportion in which the loss was carried."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="recoveries")
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    partner_part = models.DecimalField(_("the partner's part"), max_digits=18, decimal_places=2)
    bank_part = models.DecimalField(_("the bank's part"), max_digits=18, decimal_places=2)
    reference = models.CharField(_("reference"), max_length=100)
    received_on = models.DateField(_("received on"))
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = RecoveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        constraints = [
            models.UniqueConstraint(name="recovery_once_per_reference", fields=["claim", "reference"]),
            models.CheckConstraint(
                name="recovery_is_shared_whole",
                condition=Q(
                    amount__gt=0,
                    partner_part__gte=0,
                    bank_part__gte=0,
                    amount=F("partner_part") + F("bank_part"),
                ),
            ),
            models.CheckConstraint(
                name="recovery_is_confirmed_by_a_second_person",
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmed_by=F("recorded_by")),
            ),
        ]

    def __str__(self):
        return f"{self.claim_id}: {self.amount}"
