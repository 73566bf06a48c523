"""A firm asks a bank for credit; the bank reviews and decides with four eyes."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.assessment import CreditAssessment
from finance.models.product import CreditProduct
from marketplace.models import Organisation, User


class Actor(models.TextChoices):
    """Who must act next."""

    FIRM = "firm", _("The firm")
    MAKER = "maker", _("The bank's maker")
    CHECKER = "checker", _("The bank's checker")
    PARTNER = "partner", _("The insurer or guarantor")
    NOBODY = "nobody", _("Nobody")


class ApplicationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the applications of the user's firms, and what was handed in to the user's banks."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(firm__in=mine) | Q(bank__in=mine) & ~Q(status=Application.Status.DRAFT))

    def editable_by(self, user: User) -> Self:
        return self.filter(firm__in=Organisation.objects.of(user, "owner", "trader"))

    def of_bank(self, user: User, *roles: str) -> Self:
        """Return what was handed in to banks where the user has one of these roles."""
        return self.filter(bank__in=Organisation.objects.of(user, *roles)).exclude(status=Application.Status.DRAFT)

    def running(self) -> Self:
        return self.exclude(status__in=Application.ENDED)

    def with_names(self) -> Self:
        return self.select_related("firm", "bank", "product", "assessment")

    def become(self, status: str, **changes) -> int:
        """Move these applications to the status where their present one allows it; one UPDATE decides."""
        reachable = self.filter(status__in=Application.TRANSITIONS[status])
        return reachable.update(status=status, version=F("version") + 1, **changes)


class Application(models.Model):
    """A firm's request for a line of credit, from draft to the opened line or the end."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        IN_REVIEW = "in_review", _("In review")
        MORE_ASKED = "more_asked", _("More was asked for")
        PROPOSED = "proposed", _("Waiting for the checker")
        APPROVED = "approved", pgettext_lazy("credit", "Approved")
        AGREED = "agreed", _("Agreement signed")
        ACTIVE = "active", _("Line open")
        CLOSED = "closed", _("Closed")
        REFUSED = "refused", pgettext_lazy("credit", "Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")

    TRANSITIONS = {
        Status.SUBMITTED: (Status.DRAFT,),
        Status.IN_REVIEW: (Status.SUBMITTED, Status.MORE_ASKED, Status.PROPOSED),
        Status.MORE_ASKED: (Status.IN_REVIEW, Status.SUBMITTED),
        Status.PROPOSED: (Status.IN_REVIEW,),
        Status.APPROVED: (Status.PROPOSED,),
        Status.REFUSED: (Status.PROPOSED,),
        Status.AGREED: (Status.APPROVED,),
        Status.ACTIVE: (Status.AGREED,),
        Status.CLOSED: (Status.ACTIVE,),
        Status.WITHDRAWN: (
            Status.DRAFT,
            Status.SUBMITTED,
            Status.IN_REVIEW,
            Status.MORE_ASKED,
            Status.PROPOSED,
            Status.APPROVED,
        ),
        Status.LAPSED: (Status.DRAFT, Status.MORE_ASKED, Status.APPROVED, Status.AGREED),
    }
    ENDED = (Status.CLOSED, Status.REFUSED, Status.WITHDRAWN, Status.LAPSED)

    number = models.CharField(_("number"), max_length=30, unique=True)
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="credit_applications")
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(CreditProduct, on_delete=models.PROTECT, related_name="applications")
    # Of a member: the core enterprise's programme under whose line it wants to draw.
    programme = models.ForeignKey(
        "finance.CreditLine", on_delete=models.PROTECT, null=True, blank=True, related_name="member_applications"
    )
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    days = models.PositiveSmallIntegerField(_("term (days)"))
    repayment = models.CharField(_("repayment"), max_length=20, choices=CreditProduct.Repayment)
    use = models.CharField(_("what it is for"), max_length=500)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DRAFT)
    # The platform's score as it was handed in, and the bank's own as it was decided on.
    assessment = models.ForeignKey(
        CreditAssessment, on_delete=models.PROTECT, null=True, blank=True, related_name="applications"
    )
    waits_for = models.CharField(_("who acts next"), max_length=10, choices=Actor, default=Actor.FIRM)
    act_by = models.DateTimeField(_("by when"), null=True, blank=True)
    # Grows with every step; who decides says which version was read.
    version = models.PositiveIntegerField(default=1)
    maker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit application")
        verbose_name_plural = _("credit applications")
        indexes = [models.Index(name="application_of_bank", fields=["bank", "status", "act_by"])]
        constraints = [
            models.CheckConstraint(name="application_is_between_two", condition=~Q(firm=F("bank"))),
            models.CheckConstraint(name="application_amount_is_positive", condition=Q(amount__gt=0, days__gte=1)),
            models.CheckConstraint(
                name="application_submitted_at_goes_with_status",
                condition=Q(status__in=["draft", "withdrawn", "lapsed"]) | Q(submitted_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="application_one_running_per_firm_and_product",
                fields=["firm", "product"],
                condition=~Q(status__in=["closed", "refused", "withdrawn", "lapsed", "active"]),
            ),
        ]

    def __str__(self):
        return self.number


class ApplicationEvent(models.Model):
    """One step of an application, as firm and bank both see it, or the bank alone; rows are only ever added."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by_side = models.CharField(max_length=10, choices=Actor)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    is_internal = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("step of an application")
        verbose_name_plural = _("steps of applications")
        indexes = [models.Index(name="application_event_in_order", fields=["application", "at"])]

    def __str__(self):
        return f"{self.application_id}: {self.kind}"


class Decision(models.Model):
    """What a bank's maker proposed of an application and what its checker made of it.

    An override is a decision against what the model and the product's rules say; it carries a coded reason and words.
    """

    class Outcome(models.TextChoices):
        APPROVE = "approve", _("Approve")
        REFUSE = "refuse", _("Refuse")

    class Verdict(models.TextChoices):
        WAITING = "waiting", _("Waiting for the checker")
        CONFIRMED = "confirmed", _("Confirmed by the checker")
        RETURNED = "returned", _("Sent back by the checker")

    class OverrideReason(models.TextChoices):
        KNOWN_CUSTOMER = "known_customer", _("Long known to the bank")
        COLLATERAL = "collateral", _("Collateral or guarantee not in the model")
        OUTDATED_DATA = "outdated_data", _("The records do not show the present state")
        SECTOR_OUTLOOK = "sector_outlook", _("Outlook of the trade")
        CONCENTRATION = "concentration", _("Too much depends on one customer")
        DOUBTFUL_TRADE = "doubtful_trade", _("Doubts whether the trade is genuine")
        POLICY = "policy", _("A policy of the bank")
        OTHER = "other", _("Something else")

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("term (days)"), null=True, blank=True)
    rate_bp = models.PositiveIntegerField(_("rate (basis points)"), null=True, blank=True)
    # How the rate came about: [{zh, en, bp}].
    pricing = models.JSONField(default=list, blank=True)
    # Why it was refused: [{code, zh, en}], the same that the firm reads.
    refusal_reasons = models.JSONField(default=list, blank=True)
    conditions = models.TextField(_("conditions"), blank=True)
    assessment = models.ForeignKey(
        CreditAssessment, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    # What the model and the rules recommended: approve or refuse.
    recommended = models.CharField(_("recommended"), max_length=10, choices=Outcome)
    is_override = models.BooleanField(_("override"), default=False)
    override_reason = models.CharField(max_length=20, choices=OverrideReason, blank=True)
    override_text = models.TextField(blank=True)
    # On which version of the application it was made.
    version = models.PositiveIntegerField()
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    note = models.TextField(_("note"), blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.WAITING)
    checker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    checker_note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("credit decision")
        verbose_name_plural = _("credit decisions")
        constraints = [
            models.UniqueConstraint(
                name="decision_one_waits_per_application", fields=["application"], condition=Q(verdict="waiting")
            ),
            models.CheckConstraint(
                name="decision_maker_is_not_its_checker", condition=Q(checker=None) | ~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="decision_checked_at_goes_with_verdict",
                condition=Q(verdict="waiting", checker=None, checked_at=None)
                | Q(~Q(verdict="waiting"), checker__isnull=False, checked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_approval_says_amount_term_and_rate",
                condition=Q(outcome="refuse")
                | Q(amount__gt=0, amount__isnull=False, days__isnull=False, rate_bp__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_override_says_why",
                condition=Q(is_override=False, override_reason="", override_text="")
                | Q(is_override=True) & ~Q(override_reason="") & ~Q(override_text=""),
            ),
            models.CheckConstraint(
                name="decision_against_the_recommendation_is_an_override",
                condition=Q(outcome=F("recommended")) | Q(is_override=True),
            ),
        ]

    def __str__(self):
        return f"{self.application_id}: {self.outcome}"
