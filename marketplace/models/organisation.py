from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.models.user import User


class OrganisationQuerySet(models.QuerySet):
    def approved(self) -> Self:
        return self.filter(state=Organisation.State.APPROVED)

    def of(self, user: User, *roles: str) -> Self:
        """Return the organisations this user is a member of, in one of these roles if any are named."""
        if not user.is_authenticated:
            return self.none()
        memberships = user.memberships.filter(organisation=OuterRef("pk"))
        return self.filter(Exists(memberships.filter(role__in=roles) if roles else memberships))

    def visible_to(self, user: User) -> Self:
        """Return approved organisations and the user's own; the platform operator sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.approved() | self.of(user)

    def named_like(self, words: str) -> Self:
        """Return those whose name in either language has these words, or whose identifier is this."""
        return self.filter(Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(uscc=words.upper()))

    def add_deliveries(self, *, deliveries: int, on_time: int) -> int:
        """Add to the record of these suppliers; two orders may close at once: the database adds, so neither is lost."""
        return self.update(
            deliveries=models.F("deliveries") + deliveries, deliveries_on_time=models.F("deliveries_on_time") + on_time
        )

    def with_numbers(self, now: datetime) -> Self:
        """Add how many open listings everybody can see: ``open_listing_count``."""
        is_open = Q(listings__status="open", listings__visibility="public")
        lasting = Q(listings__expires_at=None) | Q(listings__expires_at__gt=now)
        return self.annotate(open_listing_count=models.Count("listings", filter=is_open & lasting))


class Organisation(models.Model):
    """A firm, bank, park operator, insurer, guarantor or studio, known by its validated identifier."""

    class Kind(models.TextChoices):
        ENTERPRISE = "enterprise", _("Enterprise")
        PARK_OPERATOR = "park_operator", _("Park operator")
        BANK = "bank", _("Bank")
        INSURER = "insurer", _("Insurer")
        GUARANTOR = "guarantor", _("Guarantor")
        STUDIO = "studio", _("Design studio")

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        SUSPENDED = "suspended", _("Suspended")

    class IdentifierType(models.TextChoices):
        USCC = "uscc", _("Unified social credit code")
        LEI = "lei", _("Legal entity identifier (LEI)")
        VAT = "vat", _("VAT number")
        REGISTRATION = "registration", _("Company registration number")

    # What an organisation says of itself: forms, services and the API take these fields.
    PROFILE_FIELDS = (
        "name_zh",
        "name_en",
        "identifier_type",
        "uscc",
        "foreign_identifier",
        "country",
        "region",
        "industry",
        "address",
        "contact_name",
        "contact_phone",
        "contact_email",
        "website",
        "about_zh",
        "about_en",
    )

    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.ENTERPRISE)
    name_zh = models.CharField(_("name (Chinese)"), max_length=200, blank=True)
    name_en = models.CharField(_("name (English)"), max_length=200, blank=True)
    identifier_type = models.CharField(
        _("identifier type"), max_length=20, choices=IdentifierType, default=IdentifierType.USCC
    )
    uscc = models.CharField(_("unified social credit code"), max_length=18, null=True, blank=True, unique=True)
    foreign_identifier = models.CharField(_("foreign identifier"), max_length=40, blank=True)
    country = models.CharField(_("country"), max_length=2, default="CN")
    region = models.CharField(_("region (GB/T 2260)"), max_length=6, blank=True)
    industry = models.CharField(_("industry (GB/T 4754)"), max_length=4, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    contact_name = models.CharField(_("contact"), max_length=100, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=30, blank=True)
    contact_email = models.EmailField(_("e-mail"), blank=True)
    website = models.URLField(_("website"), blank=True)
    about_zh = models.TextField(_("about (Chinese)"), blank=True)
    about_en = models.TextField(_("about (English)"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    review_note = models.TextField(_("review note"), blank=True)
    # Its record as a supplier: how many deliveries came, and how many of them on time.
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0)
    deliveries_on_time = models.PositiveIntegerField(_("deliveries on time"), default=0)
    is_demo = models.BooleanField(_("demo data"), default=False)
    created_at = models.DateTimeField(_("created at"))

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        constraints = [
            models.CheckConstraint(name="organisation_has_a_name", condition=~Q(name_zh="") | ~Q(name_en="")),
            models.CheckConstraint(
                name="organisation_has_the_identifier_of_its_type",
                condition=Q(identifier_type="uscc", uscc__isnull=False, foreign_identifier="")
                | Q(~Q(identifier_type="uscc"), ~Q(foreign_identifier=""), uscc=None),
            ),
            models.CheckConstraint(
                name="organisation_uscc_has_18_characters",
                condition=Q(uscc=None) | Q(uscc__regex=r"^[0-9A-HJ-NPQRTUWXY]{18}$"),
            ),
            models.UniqueConstraint(
                name="organisation_foreign_identifier_belongs_to_one",
                fields=["identifier_type", "country", "foreign_identifier"],
                condition=~Q(foreign_identifier=""),
            ),
            models.CheckConstraint(
                name="organisation_delivers_on_time_at_most_what_it_delivers",
                condition=Q(deliveries_on_time__lte=models.F("deliveries")),
            ),
            models.CheckConstraint(
                name="organisation_decided_at_goes_with_decided",
                condition=Q(state="pending", reviewed_at=None) | Q(~Q(state="pending"), reviewed_at__isnull=False),
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        """Return the name in the reader's language, or in the one there is."""
        first, second = (self.name_en, self.name_zh) if get_language() == "en" else (self.name_zh, self.name_en)
        return first or second

    @property
    def about(self) -> str:
        first, second = (self.about_en, self.about_zh) if get_language() == "en" else (self.about_zh, self.about_en)
        return first or second

    @property
    def on_time_rate(self) -> float | None:
        """Return the share of deliveries that came on time, None without a record."""
        return self.deliveries_on_time / self.deliveries if self.deliveries else None

    @property
    def is_approved(self) -> bool:
        return self.state == self.State.APPROVED


class BlockQuerySet(models.QuerySet):
    def between(self, one: Organisation, other: Organisation) -> Self:
        """Return what keeps these two apart, whoever of them wanted it."""
        return self.filter(Q(organisation=one, blocked=other) | Q(organisation=other, blocked=one))


class Block(models.Model):
    """One organisation wants nothing to do with another: neither sees or is matched with the other's listings."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="blocked_by")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = BlockQuerySet.as_manager()

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [
            models.UniqueConstraint(name="block_once_per_pair", fields=["organisation", "blocked"]),
            models.CheckConstraint(name="block_is_of_another", condition=~Q(organisation=models.F("blocked"))),
        ]

    def __str__(self):
        return f"{self.organisation_id} blocks {self.blocked_id}"


class Report(models.Model):
    """Somebody tells the platform operator that an organisation or one of its listings is not what it says."""

    class Reason(models.TextChoices):
        FRAUD = "fraud", _("Fraud or impersonation")
        WRONG_DATA = "wrong_data", _("Wrong or misleading data")
        PROHIBITED = "prohibited", _("Prohibited goods")
        SPAM = "spam", _("Spam")
        OTHER = "other", _("Something else")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="reports")
    listing = models.ForeignKey("Listing", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    text = models.TextField(_("what happened"), max_length=4000)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reports")
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answer = models.TextField(_("answer"), blank=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.UniqueConstraint(
                name="report_one_open_per_user_and_organisation",
                fields=["by", "organisation"],
                condition=Q(answered_at=None),
            ),
            models.CheckConstraint(
                name="report_answered_at_goes_with_answered_by",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id}: {self.reason}"


class UsccContest(models.Model):
    """A user says that the USCC under which another registered is their firm's; the platform operator decides."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("Upheld: the firm was handed to the claimant")
        REJECTED = "rejected", pgettext_lazy("contest", "Rejected")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="contests")
    claimant = models.ForeignKey(User, on_delete=models.PROTECT, related_name="contests")
    evidence = models.TextField(_("evidence"), max_length=4000)
    created_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("contested credit code")
        verbose_name_plural = _("contested credit codes")
        constraints = [
            models.UniqueConstraint(
                name="uscc_contest_one_open_per_claimant",
                fields=["organisation", "claimant"],
                condition=Q(decided_at=None),
            ),
            models.CheckConstraint(
                name="uscc_contest_decided_at_goes_with_outcome",
                condition=Q(outcome="", decided_at=None, decided_by=None)
                | Q(~Q(outcome=""), decided_at__isnull=False, decided_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.claimant_id} contests {self.organisation_id}"
