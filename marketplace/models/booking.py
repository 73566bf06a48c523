import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models.facility import Facility
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User

# Without what is read wrongly from a paper in the rain: 0 and O, 1 and I, 5 and S, 2 and Z.
NUMBER_ALPHABET = "346789ABCDEFGHJKLMNPQRTUVWXY"


def new_number(now: datetime) -> str:
    """Return a number for a booking made now: its day, and five signs that nobody can guess."""
    return f"BK{now:%y%m%d}-{''.join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))}"


class BookingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the bookings of the user's organisations and of the parks where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(facility__park__in=Park.objects.run_by(user))
        )

    def of(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        """Return the bookings that the user may change as the firm that booked."""
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def run_by(self, user: User) -> Self:
        """Return the bookings in the parks where the user works."""
        return self.filter(facility__park__in=Park.objects.run_by(user))

    def managed_by(self, user: User) -> Self:
        """Return the bookings that the user decides on as the park's operator."""
        return self.filter(facility__park__in=Park.objects.managed_by(user))

    def active(self) -> Self:
        """Return those that keep their slot or their capacity from others."""
        return self.filter(status__in=Booking.ACTIVE)

    def between(self, start: datetime, end: datetime) -> Self:
        return self.filter(slot__overlap=(start, end))

    def counted_in_quota(self) -> Self:
        return self.filter(status__in=Booking.COUNTED)

    def overdue_holds(self, now: datetime) -> Self:
        return self.filter(status=Booking.Status.HELD, held_until__lte=now)

    def with_names(self) -> Self:
        return self.select_related("facility__park__organisation", "organisation", "order")

    def become(self, status: str, *, from_statuses: Iterable[str] = (), **changes) -> int:
        """Move these bookings to the status where their present one allows it; one UPDATE decides."""
        allowed = Booking.TRANSITIONS[status]
        reachable = self.filter(status__in=[one for one in allowed if not from_statuses or one in from_statuses])
        return reachable.update(status=status, **changes)


class Booking(models.Model):
    """A slot of a facility, or a part of its capacity over a range of time, for one organisation.

    ``quantity`` is in the facility's unit. A HELD booking was offered to a firm from the waiting list and is its own
    until ``held_until``. ``mode`` repeats the facility's, so that the constraint can read it.
    """

    class Status(models.TextChoices):
        HELD = "held", _("Held for you")
        REQUESTED = "requested", _("Waits for approval")
        CONFIRMED = "confirmed", _("Confirmed")
        IN_USE = "in_use", _("In use")
        COMPLETED = "completed", _("Completed")
        REFUSED = "refused", _("Refused")
        CANCELLED = "cancelled", _("Cancelled")
        NO_SHOW = "no_show", _("Nobody came")
        LAPSED = "lapsed", _("Lapsed")

    # From which status each status may be reached.
    TRANSITIONS = {
        Status.REQUESTED: (Status.HELD, Status.CONFIRMED),
        Status.CONFIRMED: (Status.HELD, Status.REQUESTED),
        Status.IN_USE: (Status.CONFIRMED,),
        Status.COMPLETED: (Status.IN_USE, Status.CONFIRMED),
        Status.REFUSED: (Status.REQUESTED,),
        Status.CANCELLED: (Status.REQUESTED, Status.CONFIRMED),
        Status.NO_SHOW: (Status.CONFIRMED,),
        Status.LAPSED: (Status.HELD, Status.REQUESTED),
    }
    ACTIVE = (Status.HELD, Status.REQUESTED, Status.CONFIRMED, Status.IN_USE)
    COUNTED = (*ACTIVE, Status.COMPLETED, Status.NO_SHOW)

    number = models.CharField(_("number"), max_length=20, unique=True)
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="bookings")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="bookings")
    mode = models.CharField(max_length=10, choices=Facility.Mode)
    slot = DateTimeRangeField(_("time"))
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    order = models.ForeignKey("Order", on_delete=models.PROTECT, null=True, blank=True, related_name="bookings")
    purpose = models.CharField(_("purpose"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    waiting = models.ForeignKey("WaitingEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="offers")
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    booked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("began"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # Grows with every move to another time.
    revision = models.PositiveIntegerField(default=1)

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        indexes = [
            models.Index(name="booking_of_organisation", fields=["organisation", "-booked_at"]),
            models.Index(name="booking_of_facility", fields=["facility", "status"]),
            models.Index(name="booking_hold_to_lapse", fields=["held_until"], condition=Q(status="held")),
        ]
        constraints = [
            # A facility's id as a range of one number: GiST compares it without an extension.
            ExclusionConstraint(
                name="booking_slot_belongs_to_one",
                expressions=[
                    (
                        Func(F("facility_id"), F("facility_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    ("slot", RangeOperators.OVERLAPS),
                ],
                condition=Q(mode="slot", status__in=["held", "requested", "confirmed", "in_use"]),
            ),
            models.CheckConstraint(
                name="booking_takes_time",
                condition=Q(slot__isempty=False, slot__startswith__isnull=False, slot__endswith__isnull=False),
            ),
            models.CheckConstraint(
                name="booking_of_capacity_says_how_much",
                condition=~Q(mode="capacity") | (Q(quantity__isnull=False, quantity__gt=0) & ~Q(unit="")),
            ),
            models.CheckConstraint(name="booking_quantity_is_positive", condition=Q(quantity=None) | Q(quantity__gt=0)),
            models.CheckConstraint(
                name="booking_held_has_a_deadline", condition=~Q(status="held") | Q(held_until__isnull=False)
            ),
            models.CheckConstraint(
                name="booking_made_by_somebody_unless_offered",
                condition=Q(booked_by__isnull=False) | Q(status__in=["held", "lapsed"]),
            ),
            models.CheckConstraint(
                name="booking_in_use_has_begun",
                condition=~Q(status__in=["in_use", "completed"]) | Q(started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="booking_ended_after_it_began",
                condition=Q(ended_at=None) | Q(started_at=None) | Q(ended_at__gte=F("started_at")),
            ),
            models.UniqueConstraint(
                name="booking_one_hold_per_waiting_entry", fields=["waiting"], condition=Q(status="held")
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def start(self) -> datetime:
        return self.slot.lower

    @property
    def end(self) -> datetime:
        return self.slot.upper

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class BookingEvent(models.Model):
    """What happened to a booking; rows are only ever added."""

    class Kind(models.TextChoices):
        HELD = "held", _("Offered from the waiting list")
        REQUESTED = "requested", _("Requested")
        CONFIRMED = "confirmed", _("Confirmed")
        REFUSED = "refused", _("Refused")
        MOVED = "moved", _("Moved")
        CANCELLED = "cancelled", _("Cancelled")
        STARTED = "started", _("Began")
        COMPLETED = "completed", _("Completed")
        MISSED = "missed", _("Nobody came")
        LAPSED = "lapsed", _("Lapsed")
        OFFERED = "offered", _("Offered to another firm")
        HANDED_OVER = "handed_over", pgettext_lazy("booking", "Handed over")

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("booking event")
        verbose_name_plural = _("booking events")
        indexes = [models.Index(name="booking_event_in_order", fields=["booking", "at", "id"])]

    def __str__(self):
        return f"{self.booking_id} {self.kind}"


class HandOverQuerySet(models.QuerySet):
    def open(self, now: datetime) -> Self:
        return self.filter(status=HandOver.Status.OFFERED, expires_at__gt=now)

    def offered_to(self, user: User) -> Self:
        return self.filter(to_organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def become(self, status: str, *, at: datetime, by: User | None = None) -> int:
        """Answer those that are still offered; one UPDATE decides."""
        return self.filter(status=HandOver.Status.OFFERED).update(status=status, answered_at=at, answered_by=by)


class HandOver(models.Model):
    """A firm offers its booking to another, which takes it as it is."""

    class Status(models.TextChoices):
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="hand_overs")
    from_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    to_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OFFERED)
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = HandOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("hand-over of a booking")
        verbose_name_plural = _("hand-overs of bookings")
        constraints = [
            models.UniqueConstraint(
                name="hand_over_one_open_per_booking", fields=["booking"], condition=Q(status="offered")
            ),
            models.CheckConstraint(
                name="hand_over_is_to_another", condition=~Q(from_organisation=F("to_organisation"))
            ),
            models.CheckConstraint(
                name="hand_over_answered_at_goes_with_status",
                condition=Q(status="offered", answered_at=None) | (~Q(status="offered") & Q(answered_at__isnull=False)),
            ),
        ]

    def __str__(self):
        return f"{self.booking_id} → {self.to_organisation_id}"


class WaitingEntryQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(facility__park__in=Park.objects.run_by(user))
        )

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def waiting(self) -> Self:
        return self.filter(status=WaitingEntry.Status.WAITING)

    def over(self, now: datetime) -> Self:
        """Return those whose time passed before a slot was free."""
        return self.waiting().filter(window__endswith__lte=now)

    def in_turn(self) -> Self:
        return self.order_by("created_at", "pk")

    def become(self, status: str) -> int:
        """Move these entries on where their present status allows it; one UPDATE decides."""
        return self.filter(status__in=WaitingEntry.TRANSITIONS[status]).update(status=status)


class WaitingEntry(models.Model):
    """An organisation waits for a facility: so many minutes of it at any time within the window."""

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("waiting list", "Waiting")
        OFFERED = "offered", _("A slot is held for you")
        FULFILLED = "fulfilled", _("Booked")
        LEFT = "left", _("Left the list")
        LAPSED = "lapsed", _("Lapsed")

    TRANSITIONS = {
        Status.WAITING: (Status.OFFERED,),
        Status.OFFERED: (Status.WAITING,),
        Status.FULFILLED: (Status.OFFERED,),
        Status.LEFT: (Status.WAITING, Status.OFFERED),
        Status.LAPSED: (Status.WAITING, Status.OFFERED),
    }

    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="waiting_entries")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="waiting_entries")
    window = DateTimeRangeField(_("within"))
    minutes = models.PositiveIntegerField(_("minutes"))
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    order = models.ForeignKey("Order", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    purpose = models.CharField(_("purpose"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = WaitingEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("waiting list entry")
        verbose_name_plural = _("waiting list")
        indexes = [
            models.Index(name="waiting_entry_in_turn", fields=["facility", "created_at"], condition=Q(status="waiting"))
        ]
        constraints = [
            models.CheckConstraint(
                name="waiting_entry_window_has_both_ends",
                condition=Q(window__isempty=False, window__startswith__isnull=False, window__endswith__isnull=False),
            ),
            models.CheckConstraint(name="waiting_entry_takes_time", condition=Q(minutes__gt=0)),
            models.UniqueConstraint(
                name="waiting_entry_once_per_window",
                fields=["facility", "organisation", "window"],
                condition=Q(status__in=["waiting", "offered"]),
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id} waits for {self.facility_id}"
