"""A firm asks a bank for credit; the bank reviews and decides with four eyes."""

import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.assessment import CreditAssessment
from finance.models.consent import Consent
from finance.models.product import CreditProduct
from marketplace.models import Attachment, Organisation, User
from marketplace.models.booking import NUMBER_ALPHABET


def new_application_number(now: datetime) -> str:
    """Return a number for an application begun now: its day, and signs that nobody can guess."""
    return f"SQ{now:%y%m%d}-{''.join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))}"


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

    def to_lapse(self, now: datetime) -> Self:
        """Return what waits for the firm, or for a signature, though its time has passed."""
        return self.filter(status__in=Application.TRANSITIONS[Application.Status.LAPSED], act_by__lte=now)

    def left_waiting(self, now: datetime) -> Self:
        """Return what the bank should have acted on by now."""
        banks = (Application.Status.SUBMITTED, Application.Status.IN_REVIEW, Application.Status.PROPOSED)
        return self.filter(status__in=banks, act_by__lte=now)

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
        AGREED = "agreed", _("Accepted, to be signed")
        ACTIVE = "active", _("Line open")
        CLOSED = "closed", _("Closed")
        REFUSED = "refused", pgettext_lazy("credit", "Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")

    TRANSITIONS = {
        Status.SUBMITTED: (Status.DRAFT,),
        Status.IN_REVIEW: (Status.SUBMITTED, Status.MORE_ASKED, Status.PROPOSED),
        Status.MORE_ASKED: (Status.IN_REVIEW,),
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
    # Under which the bank reads what it reviews, and what the product's rules said of the firm that day:
    # [{code, is_met, zh, en}].
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, blank=True, related_name="applications")
    eligibility = models.JSONField(default=list, blank=True)
    # The product's conditions as they were when it was handed in.
    terms = models.JSONField(default=dict, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=300, blank=True)
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
            models.CheckConstraint(
                name="application_in_review_has_a_maker",
                condition=~Q(status__in=["in_review", "more_asked", "proposed", "approved", "agreed", "active"])
                | Q(maker__isnull=False),
            ),
            models.CheckConstraint(
                name="application_ended_at_goes_with_status",
                condition=Q(status__in=["closed", "refused", "withdrawn", "lapsed"], ended_at__isnull=False)
                | Q(~Q(status__in=["closed", "refused", "withdrawn", "lapsed"]), ended_at=None),
            ),
            models.UniqueConstraint(
                name="application_one_running_per_firm_and_product",
                fields=["firm", "product"],
                condition=~Q(status__in=["closed", "refused", "withdrawn", "lapsed", "active"]),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_running(self) -> bool:
        return self.status not in self.ENDED


class ApplicationEventQuerySet(models.QuerySet):
    def shared(self) -> Self:
        """Return what firm and bank both see."""
        return self.filter(is_internal=False)


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

    objects = ApplicationEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("step of an application")
        verbose_name_plural = _("steps of applications")
        indexes = [models.Index(name="application_event_in_order", fields=["application", "at"])]

    def __str__(self):
        return f"{self.application_id}: {self.kind}"


class ApplicationDocument(models.Model):
    """A file that the firm handed in with an application; the bank reads it while the firm's consent stands."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="documents")
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        verbose_name = _("document of an application")
        verbose_name_plural = _("documents of applications")
        constraints = [
            models.UniqueConstraint(name="application_document_once", fields=["application", "attachment"]),
        ]

    def __str__(self):
        return f"{self.application_id}: {self.attachment_id}"
