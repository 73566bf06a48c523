import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Booking, Facility, PriceItem
from marketplace.services import availability, facilities, facility_weeks, parks
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_park import (
    DAY,
    HOUR,
    TEN,
    BookingFactory,
    FacilityClosureFactory,
    FacilityFactory,
    ParkFactory,
    ParkOperatorFactory,
    PriceItemFactory,
    WaitingEntryFactory,
)

pytestmark = pytest.mark.django_db
EIGHT, NOON_CLOCK, SIX = dt.time(8), dt.time(12), dt.time(18)


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
def make(park, operator, now):
    def make(**said):
        call = {"park": park, "by": operator, "now": now, "code": "d1", "kind": "dock", "name_zh": "月台"}
        return facilities.create_facility(**call | said)

    return make


def refused(action, *args, **said) -> list[str]:
    with pytest.raises(InputRefused) as refusal:
        action(*args, **said)
    return sorted(refusal.value.errors)


# Parks


def test_create_park_opens_a_park_of_an_operator(operator, now):
    firm = ParkOperatorFactory(members__operator=operator)
    call = {"organisation": firm, "by": operator, "now": now, "name_zh": "泵阀园", "region": "331083"}

    park = parks.create_park(code=" yh-1 ", **call)

    assert (park.code, park.organisation, park.is_active) == ("YH-1", firm, True)
    assert refused(parks.create_park, code="YH-1", **call) == ["code"]
    assert refused(parks.create_park, code="园区", **call) == ["code"]
    assert refused(parks.create_park, code="B2", **{**call, "name_zh": " ", "region": "999999"}) == [
        "name_zh",
        "region",
    ]
    assert refused(parks.create_park, code="B2", colour="red", **call) == ["colour"]


def test_create_park_is_for_park_operators(now):
    owner = UserFactory()
    call = {"code": "A1", "now": now, "name_zh": "园", "region": "331083"}

    with pytest.raises(parks.OnlyParkOperatorsRunParks):
        parks.create_park(organisation=OrganisationFactory(members=[owner]), by=owner, **call)
    with pytest.raises(OnlyMembersMay):
        parks.create_park(organisation=ParkOperatorFactory(), by=owner, **call)


def test_edit_park_changes_it_for_its_managers(park, operator):
    keeper = UserFactory()
    park.organisation.memberships.create(user=keeper, role="gatekeeper", created_at=park.created_at)

    changed = parks.edit_park(park=park, by=operator, address="新址", is_active=False)

    assert (changed.address, changed.is_active) == ("新址", False)
    with pytest.raises(OnlyMembersMay):
        parks.edit_park(park=park, by=keeper, address="x")


# Facilities


def test_create_facility_keeps_its_rules(make):
    facility = make(
        mode="capacity",
        capacity=Decimal(800),
        unit="吨",
        services=[{"code": "forklift", "zh": "叉车", "en": "Forklift"}],
        required_certificates=["iso9001"],
    )

    assert (facility.code, facility.unit, facility.shares_capacity) == ("D1", "t", True)
    assert refused(make) == ["code"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name_zh": " "}, "name_zh"),
        ({"kind": "castle"}, "kind"),
        ({"mode": "magic"}, "mode"),
        ({"slot_minutes": 2}, "slot_minutes"),
        ({"late_fee_percent": 101}, "late_fee_percent"),
        ({"maximum_days_ahead": 0}, "maximum_days_ahead"),
        ({"weekly_quota": Decimal(0)}, "weekly_quota"),
        ({"mode": "capacity", "unit": "t"}, "capacity"),
        ({"mode": "capacity", "capacity": Decimal(-1), "unit": "t"}, "capacity"),
        ({"mode": "capacity", "capacity": Decimal(1), "unit": "furlong"}, "unit"),
        ({"required_certificates": ["magic"]}, "required_certificates"),
        ({"services": "forklift"}, "services"),
        ({"services": [{"code": "x"}]}, "services"),
        ({"services": [{"code": "x", "zh": "y"}] * 2}, "services"),
        ({"colour": "red"}, "colour"),
        ({"code": "a b"}, "code"),
    ],
)
def test_create_facility_names_what_is_wrong(make, said, field):
    assert refused(make, **said) == [field]
    assert Facility.objects.count() == 0


def test_edit_facility_keeps_how_it_is_booked_under_bookings(dock, operator, now):
    BookingFactory(facility=dock)

    changed = facilities.edit_facility(facility=dock, by=operator, now=now, requires_approval=True)

    assert (changed.requires_approval, changed.revision) == (True, 2)
    with pytest.raises(facilities.FacilityIsBooked):
        facilities.edit_facility(facility=dock, by=operator, now=now, mode="capacity", capacity=Decimal(1), unit="t")
    with pytest.raises(OnlyMembersMay):
        facilities.edit_facility(facility=dock, by=UserFactory(), now=now, requires_approval=True)


def test_edit_facility_gives_new_room_to_who_waits(park, operator, now):
    warehouse = FacilityFactory(park=park, warehouse=True)
    BookingFactory(facility=warehouse, quantity=100, end=TEN + 8 * HOUR, start=TEN - 2 * HOUR)
    WaitingEntryFactory(facility=warehouse, quantity=20, unit="t")

    facilities.edit_facility(facility=warehouse, by=operator, now=now, capacity=Decimal(120))

    assert Booking.objects.filter(status="held", quantity=20).count() == 1


def test_edit_facility_keeps_the_capacity_that_is_booked(park, operator, now):
    warehouse = FacilityFactory(park=park, warehouse=True)
    BookingFactory(facility=warehouse, quantity=60)

    with pytest.raises(facilities.FacilityIsBooked):
        facilities.edit_facility(facility=warehouse, by=operator, now=now, capacity=Decimal(50))
    changed = facilities.edit_facility(facility=warehouse, by=operator, now=now, capacity=Decimal(60))

    assert changed.capacity == 60


def test_set_hours_replaces_them(dock, operator, now):
    call = {"facility": dock, "by": operator, "now": now}
    facilities.set_hours(hours=[(1, EIGHT, NOON_CLOCK), (1, dt.time(13), dt.time(0))], **call)

    assert list(dock.hours.values_list("weekday", "closes")) == [(1, NOON_CLOCK), (1, dt.time(0))]
    for hours in (
        [(8, EIGHT, SIX)],
        [(1, SIX, EIGHT)],
        [(1, EIGHT, NOON_CLOCK), (1, dt.time(11), SIX)],
        [(1, EIGHT, dt.time(0)), (1, NOON_CLOCK, SIX)],
    ):
        assert refused(facilities.set_hours, hours=hours, **call) == ["hours"]
    assert dock.hours.count() == 2


def test_close_facility_refuses_bookings_and_past_times(dock, operator, now):
    call = {"facility": dock, "by": operator, "now": now, "reason": "检修"}
    BookingFactory(facility=dock)

    with pytest.raises(facilities.FacilityHasBookingsThen) as refusal:
        facilities.close_facility(start=TEN - HOUR, end=TEN + HOUR, **call)
    closure = facilities.close_facility(start=TEN + HOUR, end=TEN + 2 * HOUR, **call)

    assert len(refusal.value.bookings) == 1
    assert (closure.period.lower, closure.reason) == (TEN + HOUR, "检修")
    assert refused(facilities.close_facility, start=TEN, end=TEN, **call) == ["end"]
    assert refused(facilities.close_facility, start=now - DAY, end=now - HOUR, **call) == ["end"]
    assert refused(facilities.close_facility, start=TEN, end=TEN + HOUR, **{**call, "reason": ""}) == ["reason"]


def test_reopen_facility_offers_the_time_to_who_waits(dock, operator, now):
    closure = FacilityClosureFactory(facility=dock)
    WaitingEntryFactory(facility=dock, window=closure.period)

    facilities.reopen_facility(closure=closure, by=operator, now=now)

    assert Booking.objects.get().status == "held"


def test_set_price_ends_the_one_before(dock, operator, now):
    call = {"facility": dock, "by": operator, "now": now, "kind": "booking", "per": "slot"}
    PriceItemFactory(facility=dock, price=80)

    facilities.set_price(price=Decimal(90), valid_from=dt.date(2026, 4, 1), **call)
    facilities.set_price(price=Decimal(95), valid_from=dt.date(2026, 4, 1), **call)

    assert list(dock.prices.order_by("valid_from").values_list("price", "valid_until")) == [
        (Decimal(80), dt.date(2026, 4, 1)),
        (Decimal(95), None),
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "magic"}, "kind"),
        ({"per": "furlong"}, "per"),
        ({"kind": "storage", "per": "t"}, "per"),
        ({"kind": "handling", "per": "t·day"}, "per"),
        ({"kind": "booking", "per": "t"}, "per"),
        ({"price": Decimal(-1)}, "price"),
        ({"currency": "yuan"}, "currency"),
        ({"valid_from": dt.date(2026, 3, 1)}, "valid_from"),
    ],
)
def test_set_price_names_what_is_wrong(dock, operator, now, said, field):
    call = {"facility": dock, "by": operator, "now": now, "kind": "booking", "per": "slot", "price": Decimal(1)}

    assert refused(facilities.set_price, **call | said) == [field]


def test_end_price_ends_today_or_never_begins(dock, operator, now):
    running, planned = PriceItemFactory(facility=dock), PriceItemFactory(facility=dock, valid_from=dt.date(2026, 5, 1))

    for item in (running, planned):
        facilities.end_price(item=item, by=operator, now=now)

    assert [item.valid_until for item in PriceItem.objects.all()] == [now.date()]


# When and where it is free


@pytest.fixture
def search(now):
    def search(user=None, **said):
        wanted = {"start": TEN - 2 * HOUR, "end": TEN + 8 * HOUR, "minutes": 60}
        return availability.search_free(
            availability.FreeSearch(**{**wanted, **said}), user=user or UserFactory(), now=now
        )

    return search


def test_search_free_sorts_by_time_then_by_distance(search):
    far = FacilityFactory(park__region="330921")
    near = FacilityFactory(park__region="331083")
    BookingFactory(facility=near, start=TEN - 2 * HOUR)

    found = search(near="玉环", each=2)

    assert [(one.facility, one.start - TEN) for one in found] == [
        (far, -2 * HOUR),
        (near, -HOUR),
        (far, -HOUR),
        (near, 0 * HOUR),
    ]
    assert found[1].distance_km == 0
    assert [one.facility for one in search(near="玉环", within_km=50, each=1)] == [near]


def test_search_free_finds_by_kind_service_quantity_and_who(search):
    dock = FacilityFactory(services=[{"code": "crane", "zh": "行车"}])
    warehouse = FacilityFactory(warehouse=True)
    picky = FacilityFactory(required_certificates=["iso9001"])
    firm = OrganisationFactory()

    def facilities_of(**said):
        return {one.facility for one in search(**said)}

    assert facilities_of(kind="dock") == {dock, picky}
    assert facilities_of(service="crane") == {dock}
    assert facilities_of(kind="warehouse", quantity=Decimal(100000), unit="kg") == {warehouse}
    assert facilities_of(kind="warehouse", quantity=Decimal(101), unit="t") == set()
    assert facilities_of(kind="warehouse", quantity=Decimal(1), unit="m2") == set()
    assert facilities_of(organisation=firm, kind="dock") == {dock}
    ListingFactory(organisation=firm).certificates.create(code="iso9001")
    assert facilities_of(organisation=firm, kind="dock") == {dock, picky}


def test_search_free_leaves_out_closed_taken_short_and_hidden(search):
    facility = FacilityFactory(weekly_quota=None)
    FacilityClosureFactory(facility=facility)  # ten to twelve
    BookingFactory(facility=facility, start=TEN + 2 * HOUR, end=TEN + 6 * HOUR)
    FacilityFactory(is_active=False)
    FacilityFactory(park__is_active=False)

    assert [one.start - TEN for one in search(minutes=90)] == [-2 * HOUR, 6 * HOUR]
    assert search(minutes=180) == []


def test_search_free_says_what_it_costs(search):
    facility = FacilityFactory()
    PriceItemFactory(facility=facility, price=80)

    assert [one.price for one in search(minutes=120, each=1)] == [Decimal(160)]


def test_search_free_keeps_to_notice_and_days_ahead(search, now):
    FacilityFactory(minimum_notice_hours=24)
    FacilityFactory(maximum_days_ahead=1, minimum_notice_hours=30)

    assert [one.start - TEN for one in search(each=1)] == [2 * HOUR]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"end": TEN - 2 * HOUR}, "end"),
        ({"end": TEN + 100 * DAY}, "end"),
        ({"start": TEN - 9 * DAY, "end": TEN - 8 * DAY}, "end"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 9999}, "minutes"),
        ({"kind": "castle"}, "kind"),
        ({"quantity": Decimal(0)}, "quantity"),
        ({"unit": "furlong"}, "unit"),
        ({"near": "Atlantis"}, "near"),
    ],
)
def test_search_free_names_what_is_wrong(search, said, field):
    assert field in refused(search, **said)


def test_search_free_asks_the_same_number_of_queries(search, django_assert_num_queries):
    user = UserFactory()

    def count():
        from django.db import connection  # noqa: PLC0415
        from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

        with CaptureQueriesContext(connection) as asked:
            search(user=user)
        return len(asked)

    FacilityFactory()
    one = count()
    FacilityFactory.create_batch(2)

    assert count() == one


def test_week_shows_whose_it_is_only_to_the_firm_and_the_park(dock, operator, now):
    trader = UserFactory()
    BookingFactory(facility=dock, organisation=OrganisationFactory(members__trader=trader))

    def state(user):
        days = facility_weeks.week(dock, moment=now, user=user, now=now)
        return next(cell for cell in days[1].cells if cell.start == TEN)

    assert (state(trader).state, state(operator).state) == ("own", "own")
    assert (state(UserFactory()).state, state(UserFactory()).booking) == ("taken", None)
    assert len(facility_weeks.week(dock, moment=now, user=trader, now=now)) == 7
