import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from marketplace.models import Booking, Facility, FacilityHours, Fee, Park
from marketplace.runs.bookings import span
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_park import (
    HOUR,
    TEN,
    BookingFactory,
    FacilityFactory,
    FeeFactory,
    ParkFactory,
    PriceItemFactory,
    StatementFactory,
    WaitingEntryFactory,
)

pytestmark = pytest.mark.django_db


def refused(name):
    return pytest.raises(IntegrityError, match=name)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("park_has_a_name", lambda: ParkFactory(name_zh="", name_en="")),
        ("park_code_is_of_capital_letters_and_digits", lambda: ParkFactory(code="yh 1")),
        ("park_region_has_six_digits", lambda: ParkFactory(region="33")),
        ("facility_has_a_name", lambda: FacilityFactory(name_zh="", name_en="")),
        ("facility_code_is_of_capital", lambda: FacilityFactory(code="a b")),
        ("facility_with_shared_capacity_says", lambda: FacilityFactory(warehouse=True, capacity=None)),
        ("facility_with_shared_capacity_says", lambda: FacilityFactory(warehouse=True, unit="")),
        ("facility_slot_is_between", lambda: FacilityFactory(slot_minutes=4)),
        ("facility_late_fee_is_at_most", lambda: FacilityFactory(late_fee_percent=101)),
        ("facility_can_be_booked", lambda: FacilityFactory(maximum_days_ahead=0)),
        ("facility_quota_is_positive", lambda: FacilityFactory(weekly_quota=0)),
        ("facility_hours_end_after", lambda: FacilityFactory(hours=[(1, dt.time(9), dt.time(8))])),
        ("facility_hours_are_of_a_weekday", lambda: FacilityFactory(hours=[(8, dt.time(8), dt.time(9))])),
        ("price_item_is_not_negative", lambda: PriceItemFactory(price=-1)),
        ("price_item_says_per_what", lambda: PriceItemFactory(per="")),
        ("price_item_runs_out_after", lambda: PriceItemFactory(valid_until=dt.date(2025, 1, 1))),
        ("price_item_currency", lambda: PriceItemFactory(currency="yuan"[:3])),
        ("booking_takes_time", lambda: BookingFactory(end=TEN)),
        ("booking_of_capacity_says", lambda: BookingFactory(facility__warehouse=True, quantity=None)),
        ("booking_quantity_is_positive", lambda: BookingFactory(quantity=0)),
        ("booking_held_has_a_deadline", lambda: BookingFactory(status="held")),
        ("booking_made_by_somebody", lambda: BookingFactory(booked_by=None)),
        ("booking_in_use_has_begun", lambda: BookingFactory(status="in_use")),
        ("booking_ended_after_it_began", lambda: BookingFactory(started_at=TEN, ended_at=TEN - HOUR)),
        ("waiting_entry_takes_time", lambda: WaitingEntryFactory(minutes=0)),
        ("waiting_entry_window_has", lambda: WaitingEntryFactory(window=span(TEN, None))),
        ("fee_is_negative_only", lambda: FeeFactory(unit_price=-25, amount=-50)),
        ("fee_adjustment_says_why", lambda: FeeFactory(kind="adjustment")),
        ("fee_amount_is_quantity", lambda: FeeFactory(amount=Decimal("50.01"))),
        ("fee_currency", lambda: FeeFactory(currency="cny")),
        ("statement_month_is_its_first", lambda: StatementFactory(month=dt.date(2026, 2, 2))),
        ("statement_currency", lambda: StatementFactory(currency="cny")),
    ],
)
def test_constraint_refuses(name, make):
    with refused(name):
        make()


def test_unique_constraints_refuse_the_second():
    facility, fee, statement = FacilityFactory(), FeeFactory(), StatementFactory()
    price, entry = PriceItemFactory(), WaitingEntryFactory()
    again = [
        ("facility_code_is_unique", lambda: FacilityFactory(park=facility.park, code=facility.code)),
        ("facility_hours_once", lambda: FacilityHours.objects.create(
            facility=facility, weekday=1, opens=dt.time(8), closes=dt.time(9))),
        ("price_item_once", lambda: PriceItemFactory(facility=price.facility)),
        ("fee_accrues_once", lambda: FeeFactory(park=fee.park, key=fee.key)),
        ("statement_once", lambda: StatementFactory(park=statement.park, organisation=statement.organisation)),
        ("waiting_entry_once", lambda: WaitingEntryFactory(facility=entry.facility, organisation=entry.organisation)),
    ]  # fmt: skip
    for name, make in again:
        with refused(name), transaction.atomic():
            make()


def test_booking_slot_belongs_to_one():
    booking = BookingFactory()

    with refused("booking_slot_belongs_to_one"), transaction.atomic():
        BookingFactory(facility=booking.facility, start=TEN + HOUR / 2)
    BookingFactory(facility=booking.facility, start=TEN + HOUR)
    BookingFactory(start=TEN)
    BookingFactory(facility=booking.facility, status="cancelled")

    assert Booking.objects.count() == 4


def test_booking_of_shared_capacity_may_overlap():
    warehouse = FacilityFactory(warehouse=True)

    BookingFactory.create_batch(2, facility=warehouse)

    assert Booking.objects.count() == 2


def test_fee_is_only_added_and_billed_once():
    fee = FeeFactory()
    statement = StatementFactory(park=fee.park)

    for change in ({"amount": 1}, {"note": "x"}, {"statement": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Fee.objects.filter(pk=fee.pk).update(**change)
    Fee.objects.filter(pk=fee.pk).update(statement=statement)
    with pytest.raises(IntegrityError), transaction.atomic():
        Fee.objects.filter(pk=fee.pk).update(statement=StatementFactory(park=fee.park))
    with pytest.raises(IntegrityError), transaction.atomic():
        fee.delete()


def test_statement_and_booking_event_are_only_added():
    statement, booking = StatementFactory(), BookingFactory()
    event = booking.events.create(kind="confirmed", at=TEN)

    for change in (statement.save, statement.delete, event.save, event.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_park_is_visible_in_service_and_to_its_staff():
    operator, keeper, stranger, admin = UserFactory.create_batch(4)
    admin.is_staff = True
    park = ParkFactory(staff__operator=operator, staff__gatekeeper=keeper)
    closed = ParkFactory(organisation=park.organisation, is_active=False)

    assert list(Park.objects.visible_to(stranger)) == [park]
    assert list(Park.objects.visible_to(AnonymousUser())) == [park]
    assert set(Park.objects.visible_to(operator)) == set(Park.objects.visible_to(admin)) == {park, closed}
    assert set(Park.objects.run_by(keeper)) == {park, closed}
    assert list(Park.objects.managed_by(keeper)) == list(Park.objects.run_by(stranger)) == []


def test_booking_is_visible_to_its_firm_and_its_park():
    operator, trader, stranger = UserFactory.create_batch(3)
    firm = OrganisationFactory(members__trader=trader)
    booking = BookingFactory(facility__park__staff__operator=operator, organisation=firm)

    assert list(Booking.objects.visible_to(operator)) == list(Booking.objects.visible_to(trader)) == [booking]
    assert list(Booking.objects.visible_to(stranger)) == []
    assert list(Booking.objects.editable_by(operator)) == []


def test_fee_is_hidden_from_the_gate():
    keeper, operator = UserFactory(), UserFactory()
    fee = FeeFactory(park=ParkFactory(staff__gatekeeper=keeper, staff__operator=operator))

    assert list(Fee.objects.visible_to(operator)) == [fee]
    assert list(Fee.objects.visible_to(keeper)) == []


def test_facility_out_of_service_is_visible_to_its_staff_only():
    operator = UserFactory()
    facility = FacilityFactory(is_active=False, park__staff__operator=operator)

    assert list(Facility.objects.visible_to(operator)) == [facility]
    assert list(Facility.objects.visible_to(UserFactory())) == []
    assert list(Facility.objects.open()) == []
