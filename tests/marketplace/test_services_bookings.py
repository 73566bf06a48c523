import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Booking, DealRecord, Fee, Notification
from marketplace.services import booking_desk, bookings
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_order import order_of
from tests.factories_park import (
    DAY,
    HOUR,
    TEN,
    BookingFactory,
    FacilityClosureFactory,
    FacilityFactory,
    ParkFactory,
    PriceItemFactory,
)
from tests.races import race

pytestmark = pytest.mark.django_db
Status = Booking.Status


@pytest.fixture
def operator():
    return UserFactory()


@pytest.fixture
def park(operator):
    return ParkFactory(staff__operator=operator)


@pytest.fixture
def dock(park):
    return FacilityFactory(park=park)


@pytest.fixture
def warehouse(park):
    return FacilityFactory(park=park, warehouse=True)


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def firm(trader):
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def book(dock, firm, trader, now):
    def book(**said):
        call = {"facility": dock, "organisation": firm, "by": trader, "now": now, "start": TEN} | said
        return bookings.request_booking(**{"end": call["start"] + HOUR, **call})

    return book


def told(booking) -> list[tuple[str, int]]:
    rows = Notification.objects.filter(channel="in_app", data__booking=booking.pk)
    return [(row.event, row.organisation_id) for row in rows.order_by("requested_at", "event")]


def refused(action, **said) -> dict:
    with pytest.raises(InputRefused) as refusal:
        action(**said)
    return refusal.value.errors


def test_request_booking_confirms_at_once(book, firm, trader, now):
    booking = book(purpose="卸货")

    assert (booking.status, booking.organisation, booking.booked_by) == (Status.CONFIRMED, firm, trader)
    assert (booking.start, booking.end, booking.decided_at) == (TEN, TEN + HOUR, now)
    assert booking.number.startswith("BK260302-")
    assert [event.kind for event in booking.events.all()] == ["confirmed"]
    assert told(booking) == [("booking.confirmed", firm.pk)]


def test_request_booking_waits_where_the_facility_asks_for_approval(book, dock, park):
    dock.requires_approval = True
    dock.save()

    booking = book()

    assert booking.status == Status.REQUESTED
    assert told(booking) == [("booking.requested", park.organisation_id)]


def test_request_booking_by_the_park_needs_no_approval(book, dock, operator):
    dock.requires_approval, dock.minimum_notice_hours = True, 48
    dock.save()

    assert book(by=operator).status == Status.CONFIRMED


def test_request_booking_refuses_strangers(book):
    with pytest.raises(OnlyMembersMay):
        book(by=UserFactory())


@pytest.mark.parametrize(
    ("start", "hours", "field"),
    [
        (TEN - 2 * DAY, 1, "start"),  # past
        (TEN + 400 * DAY, 1, "start"),  # too far ahead
        (dt.datetime(1, 1, 2, tzinfo=dt.UTC), 1, "start"),
        (dt.datetime(9998, 1, 2, tzinfo=dt.UTC), 1, "start"),
        (TEN - 3 * HOUR, 1, "start"),  # before it opens
        (TEN + 7 * HOUR, 2, "start"),  # past its closing
        (TEN + HOUR / 2, 1, "start"),  # between two slots
        (TEN, 0, "end"),
        (TEN, -1, "end"),
    ],
)
def test_request_booking_names_what_is_wrong_with_a_time(book, start, hours, field):
    errors = refused(book, start=start, end=start + hours * HOUR)

    assert list(errors) == [field]
    assert Booking.objects.count() == 0


def test_request_booking_asks_for_notice(book, dock):
    dock.minimum_notice_hours = 24
    dock.save()

    assert list(refused(book)) == ["start"]


def test_request_booking_says_why_it_is_closed(book, dock):
    FacilityClosureFactory(facility=dock, reason="春节")

    assert "春节" in refused(book)["start"][0]


def test_request_booking_refuses_a_taken_slot(book):
    book()

    with pytest.raises(bookings.SlotTaken):
        book(organisation=(other := OrganisationFactory(members__trader=(user := UserFactory()))), by=user)

    assert Booking.objects.filter(organisation=other).count() == 0


def test_request_booking_takes_neighbouring_slots(book):
    book()
    book(start=TEN + HOUR)
    book(start=TEN - HOUR)

    assert Booking.objects.count() == 3


def test_request_booking_shares_capacity(book, warehouse):
    book(facility=warehouse, quantity=Decimal(60), end=TEN + 2 * DAY)
    book(facility=warehouse, quantity=Decimal(40000), unit="kg", end=TEN + DAY)

    with pytest.raises(bookings.NotEnoughCapacity) as refusal:
        book(facility=warehouse, quantity=Decimal("0.001"), end=TEN + DAY)
    later = book(facility=warehouse, quantity=Decimal(40), start=TEN + DAY, end=TEN + 2 * DAY)

    assert refusal.value.left == 0
    assert (later.quantity, later.unit) == (Decimal(40), "t")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "quantity"),
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal(101)}, "quantity"),
        ({"quantity": Decimal(3), "unit": "m2"}, "unit"),
        ({"quantity": Decimal(3), "unit": "furlong"}, "unit"),
    ],
)
def test_request_booking_names_what_is_wrong_with_a_quantity(book, warehouse, said, field):
    assert list(refused(book, facility=warehouse, end=TEN + DAY, **said)) == [field]


def test_request_booking_refuses_who_lacks_a_certificate(book, dock, firm, now):
    dock.required_certificates = ["iso9001"]
    dock.save()
    with pytest.raises(bookings.OrganisationNotQualified) as refusal:
        book()
    listing = ListingFactory(organisation=firm)
    listing.certificates.create(code="iso9001", expires_on=now.date() - DAY)
    with pytest.raises(bookings.OrganisationNotQualified):
        book()

    listing.certificates.update(expires_on=now.date() + DAY)

    assert len(refusal.value.missing) == 1
    assert book().status == Status.CONFIRMED


def test_request_booking_refuses_the_unverified_where_asked(book, dock, firm):
    dock.verified_only = True
    dock.save()
    firm.state, firm.reviewed_at = "pending", None
    firm.save()

    with pytest.raises(bookings.OrganisationNotQualified):
        book()


def test_request_booking_keeps_to_the_weekly_quota(book, dock):
    dock.weekly_quota = 2
    dock.save()
    book(end=TEN + 2 * HOUR)

    with pytest.raises(bookings.QuotaUsedUp):
        book(start=TEN + 3 * HOUR)

    # Monday of the next week.
    assert book(start=TEN + 6 * DAY).status == Status.CONFIRMED


def test_request_booking_refuses_what_is_out_of_service(book, park):
    park.is_active = False
    park.save()

    with pytest.raises(bookings.FacilityNotInService):
        book()


def test_request_booking_for_an_order_is_in_its_deal_file(book, trader, firm, now):
    order = order_of(buyer=firm, seller=OrganisationFactory())
    booking = book(order=order)
    bookings.cancel_booking(booking=booking, by=trader, now=now)

    kinds = list(DealRecord.objects.filter(order=order).order_by("sequence").values_list("kind", flat=True))
    assert kinds[-2:] == ["booking.confirmed", "booking.cancelled"]
    assert list(refused(book, order=order_of(buyer=OrganisationFactory(), seller=OrganisationFactory()))) == ["order"]


def test_reschedule_booking_moves_or_keeps(book, firm, trader, park, now):
    booking, other = book(), book(start=TEN + HOUR)

    with pytest.raises(bookings.SlotTaken):
        bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 2 * HOUR, by=trader, now=now)
    moved = bookings.reschedule_booking(booking=booking, start=TEN + 2 * HOUR, end=TEN + 4 * HOUR, by=trader, now=now)

    assert (moved.start, moved.end, moved.revision) == (TEN + 2 * HOUR, TEN + 4 * HOUR, 2)
    assert [event.kind for event in booking.events.order_by("pk")] == ["confirmed", "moved"]
    assert ("booking.moved", park.organisation_id) in told(booking)
    assert other.status == Status.CONFIRMED


def test_reschedule_booking_may_overlap_itself(book, trader, now):
    booking = book(end=TEN + 2 * HOUR)

    moved = bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 3 * HOUR, by=trader, now=now)

    assert moved.start == TEN + HOUR


def test_reschedule_booking_waits_for_approval_again(book, dock, operator, trader, now):
    dock.requires_approval = True
    dock.save()
    booking = bookings.approve_booking(booking=book(), by=operator, now=now)

    moved = bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 2 * HOUR, by=trader, now=now)

    assert moved.status == Status.REQUESTED


def test_reschedule_booking_is_refused_late_to_the_firm_only(book, operator, trader):
    booking, late = book(), TEN - 3 * HOUR

    with pytest.raises(bookings.TooLateToMove):
        bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 2 * HOUR, by=trader, now=late)
    moved = bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 2 * HOUR, by=operator, now=late)

    assert moved.start == TEN + HOUR


def test_cancel_booking_in_time_is_free(book, dock, trader, park, now):
    PriceItemFactory(facility=dock)
    booking = bookings.cancel_booking(booking=book(), by=trader, now=now, note="改走水路")

    assert (booking.status, Fee.objects.count()) == (Status.CANCELLED, 0)
    assert ("booking.cancelled", park.organisation_id) in told(booking)
    assert Booking.objects.active().count() == 0


def test_cancel_booking_late_costs_what_the_rule_says(book, dock, trader):
    dock.late_fee_percent = 50
    dock.save()
    PriceItemFactory(facility=dock, price="80.25")

    booking = bookings.cancel_booking(booking=book(end=TEN + 2 * HOUR), by=trader, now=TEN - HOUR)

    fee = Fee.objects.get()
    assert (fee.kind, fee.amount, fee.booking) == ("late_cancellation", Decimal("80.25"), booking)


def test_cancel_booking_by_the_park_is_free(book, dock, operator, firm):
    dock.late_fee_percent = 100
    dock.save()
    PriceItemFactory(facility=dock)

    booking = bookings.cancel_booking(booking=book(), by=operator, now=TEN - HOUR, note="停电")

    assert Fee.objects.count() == 0
    assert ("booking.cancelled", firm.pk) in told(booking)


def test_cancel_booking_is_refused_twice_and_once_begun(book, trader, now):
    booking = bookings.cancel_booking(booking=book(), by=trader, now=now)

    with pytest.raises(bookings.BookingNotInStateForThis):
        bookings.cancel_booking(booking=booking, by=trader, now=now)
    with pytest.raises(bookings.BookingHasBegun):
        bookings.cancel_booking(booking=book(), by=trader, now=TEN)


def test_refuse_booking_says_why_and_decides_once(book, dock, operator, trader, firm, now):
    dock.requires_approval = True
    dock.save()
    booking = book()

    assert list(refused(bookings.refuse_booking, booking=booking, by=operator, now=now, note=" ")) == ["note"]
    bookings.refuse_booking(booking=booking, by=operator, now=now, note="当日检修")

    assert ("booking.refused", firm.pk) in told(booking)
    with pytest.raises(bookings.BookingNotInStateForThis):
        bookings.approve_booking(booking=booking, by=operator, now=now)
    with pytest.raises(OnlyMembersMay):
        bookings.approve_booking(booking=booking, by=trader, now=now)


def test_booking_desk_starts_and_completes_and_charges_once(book, dock, operator, trader):
    PriceItemFactory(facility=dock, price="80")
    booking = book(end=TEN + 2 * HOUR)

    booking_desk.start_booking(booking=booking, by=operator, now=TEN + dt.timedelta(minutes=5))
    done = booking_desk.complete_booking(booking=booking, by=operator, now=TEN + HOUR)

    assert (done.status, done.ended_at) == (Status.COMPLETED, TEN + HOUR)
    assert [(fee.kind, fee.quantity, fee.amount) for fee in Fee.objects.all()] == [("booking", 2, Decimal(160))]
    with pytest.raises(bookings.BookingNotInStateForThis):
        booking_desk.complete_booking(booking=booking, by=operator, now=TEN + HOUR)
    with pytest.raises(OnlyMembersMay):
        booking_desk.start_booking(booking=book(start=TEN + 3 * HOUR), by=trader, now=TEN + 3 * HOUR)


def test_booking_desk_refuses_hours_too_early(book, operator, now):
    booking = book()

    for act in (booking_desk.start_booking, booking_desk.complete_booking, booking_desk.miss_booking):
        with pytest.raises(booking_desk.NotYetTime):
            act(booking=booking, by=operator, now=now)


def test_miss_booking_charges_as_if_they_had_come(book, dock, operator):
    PriceItemFactory(facility=dock)

    booking = booking_desk.miss_booking(booking=book(), by=operator, now=TEN + HOUR)

    assert (booking.status, Fee.objects.get().kind) == (Status.NO_SHOW, "no_show")


@pytest.mark.django_db(transaction=True)
def test_request_booking_by_two_hundred_lets_exactly_one_win(dock, now):
    firms = [(OrganisationFactory(members__trader=user), user) for user in UserFactory.create_batch(200)]

    def attempt(firm, user):
        said = {"facility": dock, "start": TEN, "end": TEN + HOUR, "now": now}
        return lambda: bookings.request_booking(organisation=firm, by=user, **said)

    outcomes = []
    for place in range(0, 200, 50):
        outcomes += race(*(attempt(*pair) for pair in firms[place : place + 50]))

    winners = [outcome for outcome in outcomes if isinstance(outcome, Booking)]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes if outcome not in winners} == {bookings.SlotTaken}
    assert Booking.objects.active().count() == 1


@pytest.mark.django_db(transaction=True)
def test_request_booking_of_capacity_by_many_never_exceeds_it(warehouse, firm, trader, now):
    def attempt():
        said = {"facility": warehouse, "organisation": firm, "by": trader, "now": now, "quantity": Decimal(7)}
        return bookings.request_booking(start=TEN, end=TEN + DAY, **said)

    outcomes = race(*[attempt] * 30)

    assert sum(isinstance(outcome, Booking) for outcome in outcomes) == 14
    assert sum(isinstance(outcome, bookings.NotEnoughCapacity) for outcome in outcomes) == 16


@pytest.mark.django_db(transaction=True)
def test_reschedule_and_cancel_at_once_end_in_one_truth(dock, firm, trader, now):
    booking = BookingFactory(facility=dock, organisation=firm)

    race(
        lambda: bookings.reschedule_booking(booking=booking, start=TEN + HOUR, end=TEN + 2 * HOUR, by=trader, now=now),
        lambda: bookings.cancel_booking(booking=booking, by=trader, now=now),
    )

    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED
