from datetime import date
from typing import Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.park import Park
from marketplace.models.user import User


class FacilityQuerySet(models.QuerySet):
    def open(self) -> Self:
        """Return what can be booked now: in service, in a park that is."""
        return self.filter(is_active=True, park__in=Park.objects.open())

    def visible_to(self, user: User) -> Self:
        """Return the facilities in service of the parks the user sees, and all of those where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(is_active=True, park__in=Park.objects.visible_to(user)) | Q(park__in=Park.objects.run_by(user))
        )

    def run_by(self, user: User) -> Self:
        return self.filter(park__in=Park.objects.run_by(user))

    def managed_by(self, user: User) -> Self:
        return self.filter(park__in=Park.objects.managed_by(user))

    def with_park(self) -> Self:
        return self.select_related("park__organisation")

    def offering(self, service: str) -> Self:
        """Return those that offer the service of this code."""
        return self.filter(services__contains=[{"code": service}])


class Facility(models.Model):
    """A place in a park that can be booked: whole slots of it, or a part of its capacity over a range of time.

    ``services`` are what is done there: ``[{"code": "forklift", "zh": "叉车", "en": "Forklift"}]``. ``weekly_quota`` is
    how much one organisation may book per calendar week: hours of a facility booked by slots, else unit · days.
    """

    class Kind(models.TextChoices):
        WAREHOUSE = "warehouse", _("Warehouse")
        DOCK = "dock", _("Dock")
        WEIGHBRIDGE = "weighbridge", _("Weighbridge")
        LABORATORY = "laboratory", _("Laboratory")
        PILOT_PLANT = "pilot_plant", _("Pilot plant")
        EXHIBITION_HALL = "exhibition_hall", _("Exhibition hall")

    class Mode(models.TextChoices):
        SLOT = "slot", _("By slots: one firm at a time")
        CAPACITY = "capacity", _("By capacity: several firms share it")

    # What the park's operator sets: forms, services and the API take these fields.
    RULE_FIELDS = (
        "name_zh",
        "name_en",
        "kind",
        "mode",
        "capacity",
        "unit",
        "slot_minutes",
        "services",
        "requires_approval",
        "verified_only",
        "required_certificates",
        "minimum_notice_hours",
        "maximum_days_ahead",
        "weekly_quota",
        "free_until_hours",
        "late_fee_percent",
        "is_active",
    )

    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="facilities", verbose_name=_("park"))
    code = models.CharField(_("code"), max_length=20)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    name_zh = models.CharField(_("name (Chinese)"), max_length=200, blank=True)
    name_en = models.CharField(_("name (English)"), max_length=200, blank=True)
    mode = models.CharField(_("booked"), max_length=10, choices=Mode, default=Mode.SLOT)
    capacity = models.DecimalField(_("capacity"), max_digits=18, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit of the capacity"), max_length=20, blank=True)
    slot_minutes = models.PositiveSmallIntegerField(_("minutes of a slot"), default=60)
    services = models.JSONField(_("services"), default=list, blank=True)
    requires_approval = models.BooleanField(_("bookings wait for approval"), default=False)
    verified_only = models.BooleanField(_("for verified organisations only"), default=False)
    required_certificates = ArrayField(
        models.CharField(max_length=40), verbose_name=_("required certificates"), default=list, blank=True
    )
    minimum_notice_hours = models.PositiveSmallIntegerField(_("hours of notice"), default=0)
    maximum_days_ahead = models.PositiveSmallIntegerField(_("days ahead"), default=90)
    weekly_quota = models.DecimalField(
        _("quota per firm and week"), max_digits=18, decimal_places=3, null=True, blank=True
    )
    free_until_hours = models.PositiveSmallIntegerField(_("cancelled free of charge until hours before"), default=24)
    late_fee_percent = models.PositiveSmallIntegerField(
        _("fee of a late cancellation in percent"), default=0, validators=[MaxValueValidator(100)]
    )
    is_active = models.BooleanField(_("in service"), default=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = FacilityQuerySet.as_manager()

    class Meta:
        verbose_name = _("facility")
        verbose_name_plural = _("facilities")
        constraints = [
            models.UniqueConstraint(name="facility_code_is_unique_in_its_park", fields=["park", "code"]),
            models.CheckConstraint(
                name="facility_code_is_of_capital_letters_and_digits", condition=Q(code__regex="^[A-Z0-9-]{1,20}$")
            ),
            models.CheckConstraint(name="facility_has_a_name", condition=~Q(name_zh="") | ~Q(name_en="")),
            models.CheckConstraint(
                name="facility_with_shared_capacity_says_how_much",
                condition=~Q(mode="capacity") | (Q(capacity__isnull=False, capacity__gt=0) & ~Q(unit="")),
            ),
            models.CheckConstraint(
                name="facility_slot_is_between_five_minutes_and_a_day",
                condition=Q(slot_minutes__gte=5, slot_minutes__lte=1440),
            ),
            models.CheckConstraint(
                name="facility_late_fee_is_at_most_the_whole", condition=Q(late_fee_percent__lte=100)
            ),
            models.CheckConstraint(
                name="facility_can_be_booked_at_least_a_day_ahead", condition=Q(maximum_days_ahead__gte=1)
            ),
            models.CheckConstraint(
                name="facility_quota_is_positive", condition=Q(weekly_quota=None) | Q(weekly_quota__gt=0)
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        first, second = (self.name_en, self.name_zh) if get_language() == "en" else (self.name_zh, self.name_en)
        return first or second

    @property
    def takes_bookings(self) -> bool:
        """Say what ``open()`` asks of the rows; read with its park."""
        return self.is_active and self.park.is_active and self.park.organisation.is_approved

    @property
    def shares_capacity(self) -> bool:
        return self.mode == self.Mode.CAPACITY


class FacilityHours(models.Model):
    """When a facility is open on a day of the week (1: Monday), by the clock of its place; closing at 00:00 is midnight."""

    class Weekday(models.IntegerChoices):
        MONDAY = 1, _("Monday")
        TUESDAY = 2, _("Tuesday")
        WEDNESDAY = 3, _("Wednesday")
        THURSDAY = 4, _("Thursday")
        FRIDAY = 5, _("Friday")
        SATURDAY = 6, _("Saturday")
        SUNDAY = 7, _("Sunday")

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(_("day of the week"), choices=Weekday)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        constraints = [
            models.UniqueConstraint(name="facility_hours_once_per_opening", fields=["facility", "weekday", "opens"]),
            models.CheckConstraint(
                name="facility_hours_end_after_they_begin", condition=Q(closes__gt=F("opens")) | Q(closes="00:00")
            ),
            models.CheckConstraint(name="facility_hours_are_of_a_weekday", condition=Q(weekday__gte=1, weekday__lte=7)),
        ]

    def __str__(self):
        return f"{self.weekday} {self.opens:%H:%M}–{self.closes:%H:%M}"


class FacilityClosure(models.Model):
    """A time in which a facility is closed though its hours say otherwise: a holiday, a repair."""

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="closures")
    period = DateTimeRangeField(_("period"))
    reason = models.CharField(_("reason"), max_length=200)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        constraints = [
            models.CheckConstraint(name="facility_closure_takes_time", condition=Q(period__isempty=False)),
        ]

    def __str__(self):
        return f"{self.facility_id}: {self.reason}"


class PriceItemQuerySet(models.QuerySet):
    def on(self, day: date) -> Self:
        """Return the prices in force on that day."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=day), valid_from__lte=day)

    def end(self, day: date) -> int:
        """Let the prices run out on that day; one UPDATE decides."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=day), valid_from__lt=day).update(valid_until=day)


class PriceItem(models.Model):
    """What one thing costs at a facility, from a day until another (which is the first without it).

    ``per`` is ``slot``, ``hour``, ``day``, a unit of goods, or a unit of goods per day such as ``t·day``.
    """

    class Kind(models.TextChoices):
        BOOKING = "booking", _("Booking")
        STORAGE = "storage", _("Storage")
        HANDLING = "handling", _("Handling")

    SLOT, HOUR, DAY, PER_DAY = "slot", "hour", "day", "·day"

    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="prices")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    per = models.CharField(_("per"), max_length=20)
    price = models.DecimalField(_("price"), max_digits=18, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = PriceItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(
                name="price_item_once_per_first_day", fields=["facility", "kind", "per", "valid_from"]
            ),
            models.CheckConstraint(name="price_item_is_not_negative", condition=Q(price__gte=0)),
            models.CheckConstraint(name="price_item_says_per_what", condition=~Q(per="")),
            models.CheckConstraint(
                name="price_item_runs_out_after_it_begins",
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="price_item_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.price} {self.currency} / {self.per}"
