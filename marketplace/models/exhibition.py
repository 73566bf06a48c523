import datetime as dt
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.booking import Booking
from marketplace.models.category import Category
from marketplace.models.facility import Facility
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.park import Park
from marketplace.models.user import User


class ExhibitionQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what is announced, and all of the parks where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(Q(announced_at__isnull=False) | Q(park__in=Park.objects.run_by(user)))

    def managed_by(self, user: User) -> Self:
        return self.filter(park__in=Park.objects.managed_by(user))

    def coming(self, now: datetime) -> Self:
        """Return what is announced or runs, and is not over."""
        return self.filter(status__in=Exhibition.PUBLIC, ends_at__gt=now)

    def become(self, status: str, **changes) -> int:
        """Move these exhibitions to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Exhibition.TRANSITIONS[status]).update(status=status, **changes)

    def advance(self, now: datetime) -> int:
        """Open what has begun and end what is over."""
        begun = self.filter(starts_at__lte=now, ends_at__gt=now, status=Exhibition.Status.ANNOUNCED)
        over = self.filter(ends_at__lte=now, status__in=Exhibition.PUBLIC)
        return begun.become(Exhibition.Status.RUNNING) + over.become(Exhibition.Status.ENDED)

    def with_details(self) -> Self:
        return self.select_related("park", "hall").prefetch_related("categories")

    def with_counts(self) -> Self:
        """Add how many booths there are and how many of them are taken: ``booth_count``, ``taken_count``."""
        live = Q(booths__bookings__cancelled_at=None, booths__bookings__isnull=False)
        return self.annotate(
            booth_count=models.Count("booths", distinct=True),
            taken_count=models.Count("booths__bookings", filter=live, distinct=True),
        )


class Exhibition(models.Model):
    """A park shows what firms offer: suppliers book booths, visitors with matching demands are invited.

    On each of its days it is open from ``opens`` to ``closes``, by the clock of its place; meetings take
    ``meeting_minutes`` each. The hall is kept for it by bookings.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        ANNOUNCED = "announced", _("Announced")
        RUNNING = "running", _("Running")
        ENDED = "ended", _("Ended")
        CANCELLED = "cancelled", _("Cancelled")

    TRANSITIONS = {
        Status.ANNOUNCED: (Status.PLANNED,),
        Status.RUNNING: (Status.ANNOUNCED,),
        Status.ENDED: (Status.ANNOUNCED, Status.RUNNING),
        Status.CANCELLED: (Status.PLANNED, Status.ANNOUNCED),
    }
    PUBLIC = (Status.ANNOUNCED, Status.RUNNING)
    # What its park says of it: forms, services and the API take these fields.
    PROFILE_FIELDS = (
        "title_zh",
        "title_en",
        "text_zh",
        "text_en",
        "starts_at",
        "ends_at",
        "opens",
        "closes",
        "meeting_minutes",
        "currency",
    )

    park = models.ForeignKey(Park, on_delete=models.PROTECT, related_name="exhibitions", verbose_name=_("park"))
    hall = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="exhibitions", verbose_name=_("hall"))
    # One for each day on which it is open.
    bookings = models.ManyToManyField(Booking, blank=True, related_name="exhibitions")
    title_zh = models.CharField(_("title (Chinese)"), max_length=200, blank=True)
    title_en = models.CharField(_("title (English)"), max_length=200, blank=True)
    text_zh = models.TextField(_("text (Chinese)"), max_length=4000, blank=True)
    text_en = models.TextField(_("text (English)"), max_length=4000, blank=True)
    categories = models.ManyToManyField(Category, blank=True, related_name="+", verbose_name=_("categories"))
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    opens = models.TimeField(_("opens"), default=dt.time(9))
    closes = models.TimeField(_("closes"), default=dt.time(17))
    meeting_minutes = models.PositiveSmallIntegerField(_("minutes of a meeting"), default=30)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PLANNED)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True, blank=True)

    objects = ExhibitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("exhibition")
        verbose_name_plural = _("exhibitions")
        indexes = [models.Index(name="exhibition_by_time", fields=["status", "starts_at"])]
        constraints = [
            models.CheckConstraint(name="exhibition_has_a_title", condition=~Q(title_zh="") | ~Q(title_en="")),
            models.CheckConstraint(name="exhibition_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="exhibition_closes_after_it_opens", condition=Q(closes__gt=F("opens"))),
            models.CheckConstraint(
                name="exhibition_meeting_takes_five_minutes_to_four_hours",
                condition=Q(meeting_minutes__gte=5, meeting_minutes__lte=240),
            ),
            models.CheckConstraint(
                name="exhibition_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            ),
            models.CheckConstraint(
                name="exhibition_shown_was_announced",
                condition=~Q(status__in=["announced", "running", "ended"]) | Q(announced_at__isnull=False),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        first, second = (self.title_en, self.title_zh) if get_language() == "en" else (self.title_zh, self.title_en)
        return first or second

    @property
    def text(self) -> str:
        first, second = (self.text_en, self.text_zh) if get_language() == "en" else (self.text_zh, self.text_en)
        return first or second

    @property
    def takes_bookings(self) -> bool:
        return self.status in self.PUBLIC

    def days(self) -> list[dt.date]:
        """Return the days on which it is open."""
        first, last = timezone.localdate(self.starts_at), timezone.localdate(self.ends_at)
        return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]

    def meeting_starts(self, day: dt.date) -> list[datetime]:
        """Return when a meeting may begin on that day."""
        zone, length = timezone.get_current_timezone(), dt.timedelta(minutes=self.meeting_minutes)
        start = max(datetime.combine(day, self.opens, zone), self.starts_at)
        end = min(datetime.combine(day, self.closes, zone), self.ends_at)
        starts = []
        while start + length <= end:
            starts.append(start)
            start += length
        return starts


class BoothQuerySet(models.QuerySet):
    def with_bookings(self) -> Self:
        """Fetch each booth's live booking with its firm as ``live_bookings``, a list of one or none."""
        live = BoothBooking.objects.live().select_related("organisation").prefetch_related("listings")
        return self.prefetch_related(models.Prefetch("bookings", live, to_attr="live_bookings"))

    def free(self) -> Self:
        return self.filter(~Exists(BoothBooking.objects.live().filter(booth=OuterRef("pk"))))


class Booth(models.Model):
    """A place in the hall, in metres from its corner; ``price`` is for the whole exhibition."""

    exhibition = models.ForeignKey(Exhibition, on_delete=models.CASCADE, related_name="booths")
    number = models.CharField(_("number"), max_length=10)
    left = models.DecimalField(_("from the left, m"), max_digits=6, decimal_places=1, default=Decimal(0))
    top = models.DecimalField(_("from the top, m"), max_digits=6, decimal_places=1, default=Decimal(0))
    width = models.DecimalField(_("width, m"), max_digits=5, decimal_places=1, default=Decimal(3))
    depth = models.DecimalField(_("depth, m"), max_digits=5, decimal_places=1, default=Decimal(3))
    price = models.DecimalField(_("price"), max_digits=18, decimal_places=2)

    objects = BoothQuerySet.as_manager()

    class Meta:
        verbose_name = _("booth")
        verbose_name_plural = _("booths")
        constraints = [
            models.UniqueConstraint(name="booth_number_is_unique_in_its_exhibition", fields=["exhibition", "number"]),
            models.CheckConstraint(name="booth_has_a_number", condition=~Q(number="")),
            models.CheckConstraint(
                name="booth_has_a_size", condition=Q(width__gt=0, depth__gt=0, left__gte=0, top__gte=0)
            ),
            models.CheckConstraint(name="booth_price_is_not_negative", condition=Q(price__gte=0)),
        ]

    def __str__(self):
        return self.number

    @property
    def size(self) -> Decimal:
        """Return its area in square metres."""
        return self.width * self.depth


class BoothBookingQuerySet(models.QuerySet):
    def live(self) -> Self:
        return self.filter(cancelled_at=None)

    def visible_to(self, user: User) -> Self:
        """Return the user's own and those in the parks where the user works."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user)) | Q(booth__exhibition__park__in=Park.objects.run_by(user))
        )

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))


class BoothBooking(models.Model):
    """A firm shows its supplies at a booth; a booth is booked once."""

    booth = models.ForeignKey(Booth, on_delete=models.PROTECT, related_name="bookings")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="booth_bookings")
    listings = models.ManyToManyField(Listing, blank=True, related_name="shown_at", verbose_name=_("supplies shown"))
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    booked_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = BoothBookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booth booking")
        verbose_name_plural = _("booth bookings")
        constraints = [
            models.UniqueConstraint(name="booth_booked_once", fields=["booth"], condition=Q(cancelled_at=None)),
        ]

    def __str__(self):
        return f"{self.booth_id}: {self.organisation_id}"
