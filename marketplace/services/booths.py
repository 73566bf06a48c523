"""What an exhibitor may ask for: book a booth, choose what it shows, give it back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Booth, BoothBooking, Exhibition, Fee, Listing, Membership, Organisation, User
from marketplace.models.terms import amount
from marketplace.runs import exhibition_news, fees
from marketplace.runs.prices import Charge
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.parks import manages

ONE = Decimal(1)
BOOTH = "booth"


class ExhibitionTakesNoBookings(RuleBroken):
    pass


class BoothTaken(RuleBroken):
    pass


class ExhibitorNotVerified(RuleBroken):
    pass


class BoothBookingHasEnded(RuleBroken):
    pass


def _require_bookable(exhibition: Exhibition, now: datetime) -> None:
    if not exhibition.takes_bookings or exhibition.ends_at <= now:
        raise ExhibitionTakesNoBookings(
            _("“%(title)s” takes no bookings: %(status)s.")
            % {"title": exhibition.title, "status": exhibition.get_status_display()}
        )


def _shown(listings: Iterable[Listing], organisation: Organisation) -> list[Listing]:
    """Return the supplies to be shown.

    :raises InputRefused: if one is not an open supply of the exhibitor
    """
    listings = list(listings)
    own = organisation.listings.filter(side=Listing.Side.SUPPLY, status=Listing.Status.OPEN)
    if len(set(own.filter(pk__in=[one.pk for one in listings]).values_list("pk", flat=True))) != len(set(listings)):
        raise InputRefused({"listings": [_("Only open supplies of your own firm can be shown.")]})
    return listings


@transaction.atomic
def book_booth(
    *, booth: Booth, organisation: Organisation, by: User, now: datetime, listings: Iterable[Listing] = ()
) -> BoothBooking:
    """Book a booth; its price is charged at once by the park's statement. Of two who ask at once, one gets it.

    :raises ExhibitionTakesNoBookings: if it is not announced, or over
    :raises ExhibitorNotVerified: if the firm is not approved
    :raises InputRefused: if a listing cannot be shown
    :raises BoothTaken: if another was first
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if not organisation.is_approved:
        raise ExhibitorNotVerified(_("Only an approved organisation can exhibit."))
    exhibition = booth.exhibition
    _require_bookable(exhibition, now)
    shown = _shown(listings, organisation)
    booking = BoothBooking(booth=booth, organisation=organisation, booked_by=by, booked_at=now)
    try:
        with transaction.atomic():
            booking.save(force_insert=True)
    except IntegrityError as error:
        if "booth_booked_once" not in str(error):
            raise
        raise BoothTaken(_("Booth %(number)s is taken.") % {"number": booth.number}) from error
    booking.listings.set(shown)
    if booth.price:
        _write_fee(booking, booth.price, Fee.Kind.BOOKING, f"booth:{booking.pk}", by=by, now=now)
    notify_many(exhibition_news.booth_booked(booking), now=now)
    return booking


def _write_fee(booking: BoothBooking, price: Decimal, kind: str, key: str, *, by: User, now: datetime) -> None:
    exhibition = booking.booth.exhibition
    fees.write_fee(
        Charge(ONE, BOOTH, price, exhibition.currency),
        park=exhibition.park,
        key=key,
        now=now,
        facility=exhibition.hall,
        organisation=booking.organisation,
        kind=kind,
        accrued_on=timezone.localdate(now),
        note=f"{exhibition.title_zh or exhibition.title_en} {booking.booth.number}"[:200],
        created_by=by,
    )


@transaction.atomic
def show_listings(*, booking: BoothBooking, listings: Iterable[Listing], by: User, now: datetime) -> BoothBooking:
    """Choose anew what a booth shows; the matcher invites visitors for it.

    :raises BoothBookingHasEnded: if it was given back
    :raises InputRefused: if a listing cannot be shown
    """
    require_role(by, booking.organisation, *Membership.TRADING_ROLES)
    if booking.cancelled_at is not None:
        raise BoothBookingHasEnded(_("This booth was given back."))
    _require_bookable(booking.booth.exhibition, now)
    booking.listings.set(_shown(listings, booking.organisation))
    return booking


def kept_percent(booking: BoothBooking, *, now: datetime) -> int:
    """Return what of the price is owed if a firm gives its booth back now, by the hall's rule for cancellations."""
    exhibition = booking.booth.exhibition
    is_late = now > exhibition.starts_at - timedelta(hours=exhibition.hall.free_until_hours)
    return exhibition.hall.late_fee_percent if is_late else 0


@transaction.atomic
def cancel_booth(*, booking: BoothBooking, by: User, now: datetime) -> BoothBooking:
    """Give a booth back before the exhibition begins; late, the hall's fee for cancellations stays owed.

    :raises BoothBookingHasEnded: if it was given back before
    :raises ExhibitionTakesNoBookings: if the exhibition has begun
    """
    exhibition = booking.booth.exhibition
    is_park = manages(by, exhibition.park)
    if not is_park:
        require_role(by, booking.organisation, *Membership.TRADING_ROLES)
    if now >= exhibition.starts_at:
        raise ExhibitionTakesNoBookings(_("The exhibition has begun: the booth stays yours."))
    if not give_back(booking, by=by, now=now, keeps_percent=0 if is_park else kept_percent(booking, now=now)):
        raise BoothBookingHasEnded(_("This booth was given back."))
    notify_many(exhibition_news.booth_cancelled(booking), now=now)
    return booking


def give_back(booking: BoothBooking, *, by: User, now: datetime, keeps_percent: int) -> bool:
    """End a booth's booking and credit its price but for a percentage; False if it had ended before."""
    if not BoothBooking.objects.live().filter(pk=booking.pk).update(cancelled_at=now, cancelled_by=by):
        return False
    booking.cancelled_at, booking.cancelled_by = now, by
    charged = Fee.objects.filter(park=booking.booth.exhibition.park, key=f"booth:{booking.pk}").first()
    if charged is not None:
        credit = charged.amount - amount(charged.amount, Decimal(keeps_percent) / 100)
        if credit:
            _write_fee(booking, -credit, Fee.Kind.ADJUSTMENT, f"booth:{booking.pk}:back", by=by, now=now)
    return True
