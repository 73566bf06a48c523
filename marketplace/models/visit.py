from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from marketplace.models.exhibition import Exhibition
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.negotiation import Negotiation
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User


def _range_of(field: str) -> Func:
    """Return an id as a range of one number: GiST compares it without an extension."""
    return Func(F(field), F(field), Value("[]"), function="int8range")


class VisitQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the user's own visits, and those to exhibitions of parks where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(exhibition__park__in=Park.objects.run_by(user))
        )

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def answer(self, status: str, **changes) -> int:
        """Accept or decline, whatever was answered before; one UPDATE decides."""
        return self.exclude(status=status).update(status=status, **changes)


class Visit(models.Model):
    """A firm comes to an exhibition, invited by the matcher for the best pair it found, or of its own accord."""

    class Origin(models.TextChoices):
        INVITED = "invited", _("Invited by the matcher")
        OWN = "own", _("Registered by itself")

    class Status(models.TextChoices):
        INVITED = "invited", _("Invited")
        ACCEPTED = "accepted", _("Comes")
        DECLINED = "declined", _("Does not come")

    exhibition = models.ForeignKey(Exhibition, on_delete=models.PROTECT, related_name="visits")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="visits")
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    # The pair it was invited for, kept as the matcher saw it though the match itself moves on.
    demand = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    supply = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    score = models.FloatField(_("score"), null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    model_version = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = [
            models.UniqueConstraint(name="visit_once_per_exhibition_and_firm", fields=["exhibition", "organisation"]),
            models.CheckConstraint(
                name="visit_answered_at_goes_with_status",
                condition=Q(status="invited", answered_at=None) | (~Q(status="invited") & Q(answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="visit_invited_for_a_pair",
                condition=~Q(origin="invited") | Q(demand__isnull=False, supply__isnull=False, score__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id} at {self.exhibition_id}"


class MeetingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        mine = Organisation.objects.of(user)
        return self.filter(Q(exhibitor__in=mine) | Q(visitor__in=mine))

    def editable_by(self, user: User) -> Self:
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.filter(Q(exhibitor__in=mine) | Q(visitor__in=mine))

    def taken(self) -> Self:
        """Return those that keep their time from others."""
        return self.filter(status__in=Meeting.ACTIVE)

    def with_names(self) -> Self:
        return self.select_related("exhibition", "exhibitor", "visitor", "requested_for")

    def become(self, status: str, **changes) -> int:
        """Move these meetings to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Meeting.TRANSITIONS[status]).update(status=status, **changes)


class Meeting(models.Model):
    """An exhibitor and a visitor meet; neither can be in two meetings at once."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        CONFIRMED = "confirmed", _("Confirmed")
        DECLINED = "declined", _("Declined")
        CANCELLED = "cancelled", _("Cancelled")

    TRANSITIONS = {
        Status.CONFIRMED: (Status.REQUESTED,),
        Status.DECLINED: (Status.REQUESTED,),
        Status.CANCELLED: (Status.REQUESTED, Status.CONFIRMED),
    }
    ACTIVE = (Status.REQUESTED, Status.CONFIRMED)

    exhibition = models.ForeignKey(Exhibition, on_delete=models.PROTECT, related_name="meetings")
    exhibitor = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="meetings_as_exhibitor")
    visitor = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="meetings_as_visitor")
    slot = DateTimeRangeField(_("time"))
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    requested_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        constraints = [
            ExclusionConstraint(
                name="meeting_exhibitor_is_in_one_place",
                expressions=[(_range_of("exhibitor_id"), RangeOperators.OVERLAPS), ("slot", RangeOperators.OVERLAPS)],
                condition=Q(status__in=["requested", "confirmed"]),
            ),
            ExclusionConstraint(
                name="meeting_visitor_is_in_one_place",
                expressions=[(_range_of("visitor_id"), RangeOperators.OVERLAPS), ("slot", RangeOperators.OVERLAPS)],
                condition=Q(status__in=["requested", "confirmed"]),
            ),
            models.CheckConstraint(name="meeting_is_of_two_firms", condition=~Q(exhibitor=F("visitor"))),
            models.CheckConstraint(
                name="meeting_is_requested_by_a_side",
                condition=Q(requested_for=F("exhibitor")) | Q(requested_for=F("visitor")),
            ),
            models.CheckConstraint(
                name="meeting_takes_time",
                condition=Q(slot__isempty=False, slot__startswith__isnull=False, slot__endswith__isnull=False),
            ),
            models.CheckConstraint(
                name="meeting_answered_at_goes_with_status",
                condition=Q(status="requested", answered_at=None)
                | (~Q(status="requested") & Q(answered_at__isnull=False)),
            ),
        ]

    def __str__(self):
        return f"{self.exhibitor_id} meets {self.visitor_id}"

    def other(self, organisation: Organisation) -> Organisation:
        return self.visitor if organisation.pk == self.exhibitor_id else self.exhibitor

    @property
    def answered_for(self) -> Organisation:
        """Return the side that is to answer."""
        return self.other(self.requested_for)


class LeadQuerySet(models.QuerySet):
    def of(self, user: User) -> Self:
        """Return the leads of the user's organisations; nobody else sees them."""
        return self.filter(organisation__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def with_names(self) -> Self:
        return self.select_related("organisation", "firm", "exhibition", "supply", "recorded_by")


class Lead(models.Model):
    """A firm that a supply should be offered to: one of ours, or one whose name was typed from a card."""

    class Interest(models.TextChoices):
        HOT = "hot", _("Wants to buy")
        WARM = "warm", _("Interested")
        COLD = "cold", _("Perhaps later")

    class Status(models.TextChoices):
        OPEN = "open", _("To follow up")
        NEGOTIATING = "negotiating", _("In negotiation")
        DONE = "done", _("Done")

    # What an exhibitor notes: forms, services and the API take these fields.
    NOTE_FIELDS = (
        "firm_name",
        "contact_name",
        "contact_phone",
        "contact_email",
        "interest",
        "text",
        "next_step",
        "follow_up_on",
    )

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="leads")
    exhibition = models.ForeignKey(
        Exhibition, on_delete=models.PROTECT, null=True, blank=True, related_name="leads", verbose_name=_("exhibition")
    )
    firm = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("firm")
    )
    firm_name = models.CharField(_("name of the firm"), max_length=200, blank=True)
    contact_name = models.CharField(_("contact"), max_length=100, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=30, blank=True)
    contact_email = models.EmailField(_("e-mail"), blank=True)
    supply = models.ForeignKey(
        Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("supply")
    )
    interest = models.CharField(_("interest"), max_length=5, choices=Interest, default=Interest.WARM)
    text = models.TextField(_("what they want"), max_length=4000, blank=True)
    next_step = models.CharField(_("next step"), max_length=300, blank=True)
    follow_up_on = models.DateField(_("follow up on"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.OPEN)
    negotiation = models.ForeignKey(Negotiation, on_delete=models.PROTECT, null=True, blank=True, related_name="leads")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        indexes = [models.Index(name="lead_to_follow_up", fields=["organisation", "follow_up_on"])]
        constraints = [
            models.UniqueConstraint(
                name="lead_once_per_exhibition_and_firm",
                fields=["organisation", "exhibition", "firm"],
                condition=Q(firm__isnull=False),
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="lead_names_a_firm", condition=Q(firm__isnull=False) | ~Q(firm_name="")),
            models.CheckConstraint(name="lead_is_another_firm", condition=Q(firm=None) | ~Q(firm=F("organisation"))),
            models.CheckConstraint(
                name="lead_in_negotiation_has_one",
                condition=~Q(status="negotiating") | Q(negotiation__isnull=False),
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return self.firm.name if self.firm_id else self.firm_name
