from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models import Category, Listing, Membership, Negotiation, Organisation, User
from matching.models.project import BuildingProject

# What a firm says of itself carries no date: so often it is read again.
READ_AGAIN_AFTER = timedelta(days=1)


class FirmProfileQuerySet(models.QuerySet):
    def after(self, moment: datetime | None) -> Self:
        """Return what was written since that moment, oldest first."""
        written = self.order_by("made_at", "pk")
        return written if moment is None else written.filter(made_at__gte=moment)


class FirmProfile(models.Model):
    """What everybody may know of a firm as a buyer: read out of its public words and its public listings, never more.

    ``vector`` is the embedding of those words as little-endian float16; ``sells`` are the categories of its public
    supplies, ``demands`` says of each category in which it posted public demands {code: [how many, first day, last
    day]}, days as ordinals. ``size`` counts its public listings.
    """

    organisation = models.OneToOneField(
        Organisation, on_delete=models.CASCADE, primary_key=True, related_name="firm_profile"
    )
    industry = models.CharField(max_length=4, blank=True)
    region = models.CharField(max_length=6, blank=True)
    sells = ArrayField(models.CharField(max_length=80), default=list)
    demands = models.JSONField(default=dict)
    size = models.PositiveIntegerField(default=0)
    vector = models.BinaryField()
    text_version = models.CharField(max_length=64)
    made_at = models.DateTimeField(db_index=True)

    objects = FirmProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("firm as a buyer")
        verbose_name_plural = _("firms as buyers")

    def __str__(self):
        return str(self.organisation_id)


def firms_to_profile(text_version: str, now: datetime) -> "models.QuerySet[Organisation]":
    """Return the to-do list of the profiles: firms whose profile is missing, of another model or out of date."""
    published = Listing.objects.filter(
        organisation=OuterRef("organisation"), published_at__isnull=False, updated_at__gt=OuterRef("made_at")
    )
    good = FirmProfile.objects.filter(
        ~Exists(published),
        organisation=OuterRef("pk"),
        text_version=text_version,
        made_at__gt=now - READ_AGAIN_AFTER,
    )
    return possible_buyers().filter(~Exists(good)).order_by("pk")


def possible_buyers() -> "models.QuerySet[Organisation]":
    """Return the approved organisations that buy goods and let suppliers find them."""
    kinds = (Organisation.Kind.BANK, Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)
    return Organisation.objects.approved().exclude(kind__in=kinds).exclude(disclosure__is_lead=False)


class LeadContactQuerySet(models.QuerySet):
    def of(self, user: User) -> Self:
        """Return what the user's firms wrote about their leads; nobody else sees it."""
        return self.filter(organisation__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def latest_about(self, supply: Listing) -> dict[tuple[str, int], "LeadContact"]:
        """Return what was last written about each lead of this supply's category, by ("firm" or "project", id)."""
        same = Q(supply=supply) | Q(organisation=supply.organisation_id, category=supply.category_id)
        rows = self.filter(same).select_related("by").order_by("at", "pk")
        return {row.target: row for row in rows}

    def closed(self) -> Self:
        """Return those that say how it ended."""
        return self.filter(outcome__in=LeadContact.CLOSED)


class LeadContact(models.Model):
    """A lead was called, won or lost: written down once each time, read as what to expect of others like it."""

    class Outcome(models.TextChoices):
        CONTACTED = "contacted", _("Contacted")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    CLOSED = (Outcome.WON, Outcome.LOST)

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="lead_contacts")
    supply = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="lead_contacts")
    # As the supply's was: what comes of it counts for all supplies of the category.
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    firm = models.ForeignKey(Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    project = models.ForeignKey(
        BuildingProject, on_delete=models.CASCADE, null=True, blank=True, related_name="contacts"
    )
    industry = models.CharField(max_length=4, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    score = models.FloatField(_("score"), null=True, blank=True)
    model_version = models.CharField(_("model version"), max_length=64, blank=True)
    negotiation = models.ForeignKey(Negotiation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = LeadContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact with a lead")
        verbose_name_plural = _("contacts with leads")
        indexes = [
            models.Index(name="lead_contact_of_supply", fields=["supply", "at"]),
            models.Index(name="lead_contact_of_category", fields=["organisation", "category", "at"]),
            models.Index(name="lead_contact_closed", fields=["outcome"], condition=Q(outcome__in=["won", "lost"])),
        ]
        constraints = [
            models.CheckConstraint(
                name="lead_contact_is_with_a_firm_or_a_project",
                condition=Q(firm=None, project__isnull=False) | Q(firm__isnull=False, project=None),
            ),
            models.CheckConstraint(
                name="lead_contact_is_with_another_firm", condition=Q(firm=None) | ~Q(firm=F("organisation"))
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id} {self.outcome} {self.target}"

    @property
    def target(self) -> tuple[str, int]:
        return ("firm", self.firm_id) if self.firm_id else ("project", self.project_id)
