import datetime as dt

import pytest
from django.utils import timezone

from marketplace.models import Booking, Facility, Fee, HandOver, Park, PriceItem, WaitingEntry
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_park import (
    BookingFactory,
    FacilityClosureFactory,
    FacilityFactory,
    FeeFactory,
    ParkFactory,
    ParkOperatorFactory,
    PriceItemFactory,
    StatementFactory,
    WaitingEntryFactory,
)

pytestmark = pytest.mark.django_db
API = "/api/v1"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def firm(trader):
    return OrganisationFactory(members__trader=trader)


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
def tomorrow(real_now):
    return timezone.localtime(real_now).replace(hour=10, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)


@pytest.fixture
def call(client):
    def call(user, method, path, body=None, **headers):
        client.logout()
        if user:
            client.force_login(user)
        said = {"content_type": "application/json", "headers": headers}
        if method == "get":
            return client.get(f"{API}{path}", body or {})
        return getattr(client, method)(f"{API}{path}", {} if body is None else body, **said)

    return call


def times(start, hours=1) -> dict:
    return {"start": start.isoformat(), "end": (start + hours * HOUR).isoformat()}


def test_booking_is_made_once_per_idempotency_key(call, dock, firm, trader, tomorrow):
    body = {"facility": dock.pk, "organisation": firm.pk, **times(tomorrow)}

    first, again = (call(trader, "post", "/bookings/", body, **{"Idempotency-Key": "k1"}) for _ in range(2))
    other = call(trader, "post", "/bookings/", {**body, "purpose": "x"}, **{"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    assert (first.json()["status"], first.json()["facility"]["park"]["code"]) == ("confirmed", dock.park.code)
    assert Booking.objects.count() == 1


def test_booking_names_what_is_wrong(call, dock, firm, trader, tomorrow):
    body = {"facility": dock.pk, "organisation": firm.pk, **times(tomorrow)}
    BookingFactory(facility=dock, start=tomorrow)

    taken = call(trader, "post", "/bookings/", body)
    past = call(trader, "post", "/bookings/", body | times(tomorrow - dt.timedelta(days=9)))
    strange = call(UserFactory(), "post", "/bookings/", body | times(tomorrow + HOUR))

    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert (past.status_code, list(past.json()["errors"])) == (400, ["start"])
    assert (strange.status_code, strange.json()["code"]) == (409, "only_members_may")
    assert call(None, "post", "/bookings/", body).status_code == 401


def test_booking_list_shows_own_and_filters(call, dock, firm, trader, operator, tomorrow):
    own = BookingFactory(facility=dock, organisation=firm, start=tomorrow)
    other = BookingFactory(facility=dock, start=tomorrow + HOUR, status="requested")

    def ids(user, **query):
        return {row["id"] for row in call(user, "get", "/bookings/", query).json()["results"]}

    assert ids(trader) == {own.pk}
    assert ids(operator) == {own.pk, other.pk}
    assert ids(operator, status="requested", facility=dock.pk) == {other.pk}
    assert call(trader, "get", f"/bookings/{other.pk}/").status_code == 404


def test_booking_acts_move_it_through_its_life(call, dock, firm, trader, operator, tomorrow, real_now):
    dock.requires_approval = True
    dock.save()
    made = call(trader, "post", "/bookings/", {"facility": dock.pk, "organisation": firm.pk, **times(tomorrow)}).json()
    path = f"/bookings/{made['id']}"

    steps = [
        (trader, "approve", {}, 404),
        (operator, "approve", {"note": "欢迎"}, "confirmed"),
        (trader, "move", times(tomorrow + HOUR), "requested"),
        (operator, "refuse", {"note": ""}, 400),
        (operator, "refuse", {"note": "检修"}, "refused"),
        (trader, "cancel", {}, 409),
        (operator, "start", {}, 409),
    ]

    for user, act, body, expected in steps:
        answer = call(user, "post", f"{path}/{act}/", body)
        assert (answer.json()["status"] if answer.status_code == 200 else answer.status_code) == expected, act


def test_booking_is_started_completed_missed_by_staff(call, dock, operator, real_now):
    start = real_now.replace(minute=0, second=0, microsecond=0)
    one, other = BookingFactory(facility=dock, start=start), BookingFactory(start=start)

    assert call(operator, "post", f"/bookings/{one.pk}/start/").json()["status"] == "in_use"
    assert call(operator, "post", f"/bookings/{one.pk}/complete/").json()["status"] == "completed"
    assert call(operator, "post", f"/bookings/{other.pk}/miss/").status_code == 404


def test_hand_over_by_api(call, dock, firm, trader, tomorrow):
    taker = UserFactory()
    other = OrganisationFactory(members__trader=taker)
    booking = BookingFactory(facility=dock, organisation=firm, start=tomorrow)

    for answer in ("decline", "withdraw", "accept"):
        offered = call(trader, "post", f"/bookings/{booking.pk}/offer/", {"organisation": other.pk})
        path = f"/hand-overs/{offered.json()['id']}"
        assert offered.status_code == 201
        assert call(taker, "get", "/hand-overs/").json()["count"] == 1
        assert call(UserFactory(), "post", f"{path}/{answer}/").status_code == 404
        assert call(trader if answer == "withdraw" else taker, "post", f"{path}/{answer}/").status_code == 200

    booking.refresh_from_db()
    assert booking.organisation == other
    assert HandOver.objects.count() == 3


def test_waiting_by_api(call, dock, firm, trader, tomorrow):
    body = {"facility": dock.pk, "organisation": firm.pk, **times(tomorrow, 2), "minutes": 60}

    made = call(trader, "post", "/waiting/", body)
    listed = call(trader, "get", "/waiting/").json()["results"]
    taken = call(trader, "post", f"/bookings/{listed[0]['held_booking']}/take/")

    assert (made.status_code, made.json()["status"]) == (201, "offered")
    assert taken.json()["status"] == "confirmed"
    entry = WaitingEntryFactory(organisation=firm)
    assert call(trader, "delete", f"/waiting/{entry.pk}/").status_code == 204
    assert call(trader, "delete", f"/waiting/{WaitingEntryFactory().pk}/").status_code == 404
    assert WaitingEntry.objects.get(pk=entry.pk).status == "left"


def test_facility_free_by_api(call, dock, tomorrow):
    PriceItemFactory(facility=dock)
    query = {**times(tomorrow, 8), "minutes": 120, "kind": "dock", "near": "玉环"}

    found = call(None, "get", "/facilities/free/", query)
    refused = call(None, "get", "/facilities/free/", {**query, "near": "Atlantis"})

    assert found.json()[0]["facility"]["id"] == dock.pk
    assert (found.json()[0]["distance_km"], found.json()[0]["charges"][0]["amount"]) == (0, 160)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["near"])


def test_park_by_api(call, operator, park):
    firm = ParkOperatorFactory(members__operator=operator)
    body = {"organisation": firm.pk, "code": "n1", "name_zh": "新园", "region": "331083"}

    made = call(operator, "post", "/parks/", body)
    refused = call(operator, "post", "/parks/", {**body, "region": "000000"})
    changed = call(operator, "patch", f"/parks/{park.pk}/", {"address": "新址"})

    assert (made.status_code, made.json()["code"]) == (201, "N1")
    assert list(refused.json()["errors"]) == ["region"]
    assert changed.json()["address"] == "新址"
    assert call(None, "get", "/parks/").json()["count"] == Park.objects.count()
    assert call(None, "get", f"/parks/{park.pk}/").json()["id"] == park.pk
    assert call(UserFactory(), "patch", f"/parks/{park.pk}/", {"address": "x"}).status_code == 404


def test_facility_by_api(call, operator, park, tomorrow):
    services = [{"code": "crane", "zh": "行车", "en": "Crane"}]
    body = {"code": "w9", "kind": "warehouse", "name_zh": "库", "mode": "capacity", "capacity": "800", "unit": "t"}

    made = call(operator, "post", f"/parks/{park.pk}/facilities/", {**body, "services": services})
    path = f"/facilities/{made.json()['id']}"
    hours = [{"weekday": 1, "opens": "08:00", "closes": "18:00"}]
    opened = call(operator, "put", f"{path}/hours/", hours)
    priced = call(operator, "post", f"{path}/prices/", {"kind": "storage", "per": "t·day", "price": "1.8"})
    closed = call(operator, "post", f"{path}/closures/", {**times(tomorrow), "reason": "检修"})
    changed = call(operator, "patch", f"{path}/", {"requires_approval": True})

    assert (made.status_code, made.json()["services"], made.json()["capacity"]) == (201, services, 800)
    assert opened.json()["hours"][0]["weekday"] == 1
    assert (priced.status_code, closed.status_code) == (201, 201)
    assert (changed.json()["requires_approval"], changed.json()["prices"][0]["price"]) == (True, 1.8)
    assert call(None, "get", f"/parks/{park.pk}/facilities/").json()["count"] == 1
    assert call(None, "get", f"{path}/").status_code == 200
    assert call(operator, "delete", f"/prices/{priced.json()['id']}/").status_code == 204
    assert call(operator, "delete", f"/closures/{closed.json()['id']}/").status_code == 204
    assert PriceItem.objects.count() == 0
    stranger = UserFactory()
    assert call(stranger, "patch", f"{path}/", {"requires_approval": False}).status_code == 404
    assert call(stranger, "put", f"{path}/hours/", hours).status_code == 404
    assert call(stranger, "delete", f"/closures/{FacilityClosureFactory().pk}/").status_code == 404
    assert Facility.objects.get(pk=made.json()["id"]).requires_approval


def test_statements_and_fees_by_api(call, operator, park, firm, trader):
    FeeFactory(park=park, organisation=firm)
    StatementFactory()

    issued = call(operator, "post", f"/parks/{park.pk}/statements/", {"month": "2026-02-10"})
    path = f"/statements/{issued.json()[0]['id']}/"
    body = {"organisation": firm.pk, "amount": "-5", "note": "补偿", "key": "a"}
    credited = [call(operator, "post", f"/parks/{park.pk}/fees/adjust/", body).json()["id"] for _ in range(2)]

    assert issued.status_code == 201
    assert call(trader, "get", path).json()["lines"][0]["amount"] == 50
    assert call(UserFactory(), "get", path).status_code == 404
    assert call(trader, "get", "/statements/").json()["count"] == 1
    assert call(trader, "get", "/fees/").json()["count"] == 2
    assert len(set(credited)) == 1
    assert call(trader, "post", f"/parks/{park.pk}/fees/adjust/", body).status_code == 404
    assert Fee.objects.filter(amount=-5).count() == 1
