import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Booking, HandOver, Notification, WaitingEntry
from marketplace.runs.waiting import lapse_holds
from marketplace.services import booking_desk, bookings, hand_overs, waiting
from marketplace.services.organisations import OnlyMembersMay
from marketplace.tasks import lapse_bookings
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_park import DAY, HOUR, TEN, BookingFactory, FacilityFactory, ParkFactory, WaitingEntryFactory

pytestmark = pytest.mark.django_db
Status = Booking.Status


@pytest.fixture
def operator():
    return UserFactory()


@pytest.fixture
def dock(operator):
    return FacilityFactory(park=ParkFactory(staff__operator=operator))


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def firm(trader):
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def taken(dock):
    """Return the booking of another firm that keeps tomorrow from ten to eleven."""
    return BookingFactory(facility=dock, organisation=OrganisationFactory(members__trader=UserFactory()))


@pytest.fixture
def wait(dock, firm, trader, now):
    def wait(**said):
        call = {"facility": dock, "organisation": firm, "by": trader, "now": now, "minutes": 60}
        return waiting.join_waiting_list(**{**call, "start": TEN, "end": TEN + HOUR, **said})

    return wait


def free(booking, operator, now):
    bookings.cancel_booking(booking=booking, by=operator, now=now)


def test_join_waiting_list_waits_for_what_is_taken(wait, taken):
    entry = wait()

    assert (entry.status, Booking.objects.count()) == (WaitingEntry.Status.WAITING, 1)


def test_join_waiting_list_holds_what_is_free_at_once(wait, firm):
    entry = wait()

    held = Booking.objects.get()
    assert (entry.status, held.status, held.organisation, held.waiting) == ("offered", Status.HELD, firm, entry)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"end": TEN}, "end"),
        ({"start": TEN - 3 * DAY, "end": TEN - 2 * DAY}, "end"),
        ({"end": TEN + 400 * DAY}, "end"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 61}, "minutes"),
    ],
)
def test_join_waiting_list_names_what_is_wrong(wait, said, field):
    with pytest.raises(InputRefused) as refusal:
        wait(**said)

    assert list(refusal.value.errors) == [field]


def test_join_waiting_list_refuses_the_second_time_strangers_and_the_unqualified(wait, taken, dock, firm):
    wait()
    with pytest.raises(waiting.AlreadyWaiting):
        wait()
    with pytest.raises(OnlyMembersMay):
        wait(by=UserFactory())
    dock.required_certificates = ["iso9001"]
    dock.save()

    with pytest.raises(bookings.OrganisationNotQualified):
        wait(end=TEN + 2 * HOUR)


def test_cancelled_slot_is_held_for_the_first_who_waits(wait, taken, operator, now):
    first = wait()
    second = WaitingEntryFactory(facility=taken.facility, created_at=now + HOUR, window=first.window)

    free(taken, operator, now)

    held = Booking.objects.get(status=Status.HELD)
    assert (held.waiting, held.start, held.held_until) == (first, TEN, now + 2 * HOUR)
    second.refresh_from_db()
    assert second.status == WaitingEntry.Status.WAITING
    assert Notification.objects.filter(event="waiting.offered", organisation=first.organisation).exists()


def test_held_slot_belongs_to_nobody_else(wait, taken, operator, now):
    wait()
    free(taken, operator, now)
    other = UserFactory()

    with pytest.raises(bookings.SlotTaken):
        bookings.request_booking(
            facility=taken.facility,
            organisation=OrganisationFactory(members__trader=other),
            start=TEN,
            end=TEN + HOUR,
            by=other,
            now=now,
        )


def test_cancelled_slot_passes_over_who_is_no_longer_qualified(wait, taken, operator, dock, firm, now):
    wait()
    dock.required_certificates = ["iso9001"]
    dock.save()
    able = OrganisationFactory()
    ListingFactory(organisation=able).certificates.create(code="iso9001")
    second = WaitingEntryFactory(facility=dock, organisation=able, created_at=now + HOUR)

    free(taken, operator, now)

    assert second in {held.waiting for held in Booking.objects.filter(status=Status.HELD)}
    assert not Booking.objects.filter(organisation=firm).exists()


def test_take_held_booking_confirms_once(wait, trader, now):
    entry = wait()
    held = Booking.objects.get()

    taken = waiting.take_held_booking(booking=held, by=trader, now=now)

    entry.refresh_from_db()
    assert (taken.status, taken.booked_by, entry.status) == (Status.CONFIRMED, trader, "fulfilled")
    with pytest.raises(bookings.BookingNotInStateForThis):
        waiting.take_held_booking(booking=held, by=trader, now=now)


def test_take_held_booking_still_asks_for_approval(wait, dock, trader, now):
    dock.requires_approval = True
    dock.save()
    wait()

    taken = waiting.take_held_booking(booking=Booking.objects.get(), by=trader, now=now)

    assert taken.status == Status.REQUESTED


def test_take_held_booking_is_refused_after_its_deadline_and_to_strangers(wait, trader, now):
    wait()
    held = Booking.objects.get()

    with pytest.raises(waiting.HoldHasLapsed):
        waiting.take_held_booking(booking=held, by=trader, now=held.held_until)
    with pytest.raises(OnlyMembersMay):
        waiting.take_held_booking(booking=held, by=UserFactory(), now=now)


def test_lapsed_hold_passes_to_the_next(wait, dock, now):
    first = wait()
    second = WaitingEntryFactory(facility=dock, created_at=now + HOUR, window=first.window)

    lapse_holds(now=now + 2 * HOUR)
    lapse_holds(now=now + 2 * HOUR)

    states = dict(Booking.objects.values_list("waiting", "status"))
    assert states == {first.pk: Status.LAPSED, second.pk: Status.HELD}
    first.refresh_from_db()
    assert first.status == WaitingEntry.Status.LAPSED
    assert Notification.objects.filter(event="waiting.lapsed", organisation=first.organisation).count() >= 1


def test_lapse_holds_ends_requests_waits_and_offers_whose_time_has_passed(dock, trader, firm, now):
    request = BookingFactory(facility=dock, status=Status.REQUESTED)
    entry = WaitingEntryFactory(facility=dock)
    booking = BookingFactory(facility=dock, organisation=firm, start=TEN + 3 * DAY)
    hand_over = hand_overs.offer_booking(booking=booking, to=OrganisationFactory(), by=trader, now=now)

    lapse_holds(now=TEN + 9 * HOUR)

    for row, status in ((request, "lapsed"), (entry, "lapsed"), (booking, "confirmed")):
        row.refresh_from_db()
        assert row.status == status
    hand_over.refresh_from_db()
    assert hand_over.status == HandOver.Status.LAPSED


def test_lapse_bookings_rings(wait, now):
    wait()

    lapse_bookings()  # months later than the test's clock
    lapse_bookings()

    assert Booking.objects.get().status == Status.LAPSED


def test_leave_waiting_list_gives_the_hold_to_the_next(wait, dock, trader, now):
    first = wait()
    second = WaitingEntryFactory(facility=dock, created_at=now + HOUR, window=first.window)

    waiting.leave_waiting_list(entry=first, by=trader, now=now)

    assert Booking.objects.get(status=Status.HELD).waiting == second
    with pytest.raises(waiting.WaitingIsOver):
        waiting.leave_waiting_list(entry=first, by=trader, now=now)
    with pytest.raises(OnlyMembersMay):
        waiting.leave_waiting_list(entry=second, by=trader, now=now)


def test_freed_capacity_is_held_for_who_needs_that_much(operator, trader, firm, now):
    warehouse = FacilityFactory(warehouse=True, park=ParkFactory(staff__operator=operator))
    full = BookingFactory(facility=warehouse, quantity=100, end=TEN + DAY)
    said = {"facility": warehouse, "organisation": firm, "by": trader, "now": now, "start": TEN, "end": TEN + DAY}
    entry = waiting.join_waiting_list(minutes=1440, quantity=Decimal(30), unit="t", **said)

    free(full, operator, now)

    held = Booking.objects.get(status=Status.HELD)
    assert (held.waiting, held.quantity, held.end - held.start) == (entry, Decimal(30), DAY)


def test_early_completion_frees_the_rest(operator, dock, now):
    booking = BookingFactory(facility=dock, end=TEN + 3 * HOUR)
    entry = WaitingEntryFactory(facility=dock, window=type(booking.slot)(TEN + 2 * HOUR, TEN + 3 * HOUR))

    booking_desk.complete_booking(booking=booking, by=operator, now=TEN + HOUR)

    assert Booking.objects.get(status=Status.HELD).waiting == entry


# Hand-over


@pytest.fixture
def taker():
    user = UserFactory()
    return OrganisationFactory(members__trader=user), user


@pytest.fixture
def own(dock, firm):
    return BookingFactory(facility=dock, organisation=firm)


@pytest.fixture
def offered(own, taker, trader, now):
    return hand_overs.offer_booking(booking=own, to=taker[0], by=trader, now=now)


def test_hand_over_changes_whose_the_booking_is(offered, own, taker, firm, now):
    hand_overs.accept_hand_over(hand_over=offered, by=taker[1], now=now)

    own.refresh_from_db()
    offered.refresh_from_db()
    assert (own.organisation, own.status, offered.status) == (taker[0], Status.CONFIRMED, "accepted")
    told = set(Notification.objects.values_list("event", "organisation"))
    assert {("booking.offered", taker[0].pk), ("booking.handed_over", firm.pk)} <= told


def test_hand_over_is_answered_once(offered, taker, trader, now):
    hand_overs.decline_hand_over(hand_over=offered, by=taker[1], now=now)

    for act, by in (
        (hand_overs.accept_hand_over, taker[1]),
        (hand_overs.decline_hand_over, taker[1]),
        (hand_overs.withdraw_hand_over, trader),
    ):
        with pytest.raises(hand_overs.HandOverNoLongerOpen):
            act(hand_over=offered, by=by, now=now)


def test_hand_over_is_withdrawn_by_the_giver_alone(offered, taker, trader, now):
    with pytest.raises(OnlyMembersMay):
        hand_overs.withdraw_hand_over(hand_over=offered, by=taker[1], now=now)
    hand_overs.withdraw_hand_over(hand_over=offered, by=trader, now=now)

    with pytest.raises(OnlyMembersMay):
        hand_overs.accept_hand_over(hand_over=offered, by=trader, now=now)


def test_hand_over_checks_qualification_and_quota_again(offered, own, dock, taker, now):
    dock.weekly_quota = Decimal("0.5")
    dock.save()
    with pytest.raises(bookings.QuotaUsedUp):
        hand_overs.accept_hand_over(hand_over=offered, by=taker[1], now=now)
    dock.required_certificates = ["iso9001"]
    dock.save()

    with pytest.raises(bookings.OrganisationNotQualified):
        hand_overs.accept_hand_over(hand_over=offered, by=taker[1], now=now)


def test_hand_over_lapses_and_ends_with_its_booking(offered, own, taker, trader, now):
    with pytest.raises(hand_overs.HandOverNoLongerOpen):
        hand_overs.accept_hand_over(hand_over=offered, by=taker[1], now=now + DAY)
    bookings.cancel_booking(booking=own, by=trader, now=now)

    with pytest.raises(hand_overs.HandOverNoLongerOpen):
        hand_overs.accept_hand_over(hand_over=offered, by=taker[1], now=now)


def test_offer_booking_refuses_what_cannot_be_offered(offered, own, firm, trader, taker, now):
    call = {"booking": own, "by": trader, "now": now}

    with pytest.raises(hand_overs.HandOverAlreadyOffered):
        hand_overs.offer_booking(to=taker[0], **call)
    with pytest.raises(InputRefused):
        hand_overs.offer_booking(to=firm, **call)
    with pytest.raises(InputRefused):
        hand_overs.offer_booking(to=OrganisationFactory(state="pending", reviewed_at=None), **call)
    with pytest.raises(bookings.BookingNotInStateForThis):
        hand_overs.offer_booking(to=taker[0], **{**call, "now": TEN + dt.timedelta(minutes=1)})
