from typing import Self

from django.db import models
from django.db.models import Count, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class ParkQuerySet(models.QuerySet):
    def open(self) -> Self:
        """Return the parks that take bookings: in service, of an approved operator."""
        return self.filter(is_active=True, organisation__state=Organisation.State.APPROVED)

    def visible_to(self, user: User) -> Self:
        """Return the parks in service and those the user works for; the platform operator sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(is_active=True, organisation__state=Organisation.State.APPROVED)
            | Q(organisation__in=Organisation.objects.of(user, *Park.STAFF_ROLES))
        )

    def run_by(self, user: User) -> Self:
        """Return the parks on whose grounds the user works: at the gate or in the office."""
        return self.filter(organisation__in=Organisation.objects.of(user, *Park.STAFF_ROLES))

    def managed_by(self, user: User) -> Self:
        """Return the parks whose rules, prices and bookings the user decides on."""
        return self.filter(organisation__in=Organisation.objects.of(user, *Park.MANAGING_ROLES))

    def with_names(self) -> Self:
        return self.select_related("organisation")

    def with_facility_count(self) -> Self:
        """Add how many facilities in service there are: ``facility_count``."""
        return self.annotate(facility_count=Count("facilities", filter=Q(facilities__is_active=True)))


class Park(models.Model):
    """An industrial park where goods are brought, weighed, inspected, stored and handed over."""

    MANAGING_ROLES = (Membership.Role.OWNER, Membership.Role.OPERATOR)
    STAFF_ROLES = (*MANAGING_ROLES, Membership.Role.GATEKEEPER)
    # What its operator says of it: forms, services and the API take these fields.
    PROFILE_FIELDS = (
        "name_zh",
        "name_en",
        "region",
        "address",
        "contact_name",
        "contact_phone",
        "about_zh",
        "about_en",
    )

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="parks", verbose_name=_("operator")
    )
    code = models.CharField(_("code"), max_length=20, unique=True)
    name_zh = models.CharField(_("name (Chinese)"), max_length=200, blank=True)
    name_en = models.CharField(_("name (English)"), max_length=200, blank=True)
    region = models.CharField(_("region (GB/T 2260)"), max_length=6)
    address = models.CharField(_("address"), max_length=300, blank=True)
    contact_name = models.CharField(_("contact"), max_length=100, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=30, blank=True)
    about_zh = models.TextField(_("about (Chinese)"), blank=True)
    about_en = models.TextField(_("about (English)"), blank=True)
    is_active = models.BooleanField(_("in service"), default=True)
    created_at = models.DateTimeField()

    objects = ParkQuerySet.as_manager()

    class Meta:
        verbose_name = _("park")
        verbose_name_plural = _("parks")
        constraints = [
            models.CheckConstraint(name="park_has_a_name", condition=~Q(name_zh="") | ~Q(name_en="")),
            models.CheckConstraint(
                name="park_code_is_of_capital_letters_and_digits", condition=Q(code__regex="^[A-Z0-9-]{2,20}$")
            ),
            models.CheckConstraint(name="park_region_has_six_digits", condition=Q(region__regex="^[0-9]{6}$")),
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
