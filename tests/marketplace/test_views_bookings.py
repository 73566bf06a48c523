import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Booking, HandOver, WaitingEntry
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_park import BookingFactory, FacilityFactory, ParkFactory, PriceItemFactory, WaitingEntryFactory

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def url(name, *args) -> str:
    return reverse(f"marketplace:{name}", args=args)


@pytest.fixture
def trader(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def firm(trader):
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def operator():
    return UserFactory()


@pytest.fixture
def dock(operator):
    return FacilityFactory(park=ParkFactory(staff__operator=operator))


@pytest.fixture
def tomorrow(real_now):
    return timezone.localtime(real_now).replace(hour=10, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)


@pytest.fixture
def own(dock, firm, tomorrow):
    return BookingFactory(facility=dock, organisation=firm, start=tomorrow)


def times(start, hours=1) -> dict:
    return {"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{start + hours * HOUR:%Y-%m-%dT%H:%M}"}


def test_booking_create_books_once_per_form(client, dock, firm, tomorrow):
    said = {"organisation": firm.pk, **times(tomorrow), "purpose": "卸货", "form_key": "k1"}

    answers = [client.post(url("booking_create", dock.pk), said) for _ in range(2)]

    booking = Booking.objects.get()
    assert [answer.url for answer in answers] == [url("booking_detail", booking.pk)] * 2
    assert (booking.start, booking.organisation, booking.purpose) == (tomorrow, firm, "卸货")


def test_booking_create_shows_what_was_refused_beside_the_form(client, dock, firm, tomorrow):
    BookingFactory(facility=dock, start=tomorrow)
    said = {"organisation": firm.pk, **times(tomorrow)}

    taken = client.post(url("booking_create", dock.pk), said)
    past = client.post(url("booking_create", dock.pk), {**said, **times(tomorrow - 9 * dt.timedelta(days=1))})
    crooked = client.post(url("booking_create", dock.pk), {**said, "start": "soon"})

    assert (taken.status_code, past.status_code, crooked.status_code) == (409, 422, 422)
    assert url("waiting_join", dock.pk) in taken.text
    assert list(past.context["form"].errors) == ["start"]
    assert Booking.objects.count() == 1


def test_booking_create_takes_nobody_elses_firm(client, dock, firm, tomorrow):
    said = {"organisation": OrganisationFactory().pk, **times(tomorrow)}

    assert client.post(url("booking_create", dock.pk), said).status_code == 422
    assert client.get(url("booking_create", FacilityFactory(is_active=False).pk)).status_code == 404
    assert times(tomorrow)["start"] in client.get(url("booking_create", dock.pk), times(tomorrow)).text


def test_booking_create_for_capacity_asks_how_much(client, operator, firm, tomorrow):
    warehouse = FacilityFactory(warehouse=True)
    said = {"organisation": firm.pk, **times(tomorrow, 24)}

    refused = client.post(url("booking_create", warehouse.pk), said)
    client.post(url("booking_create", warehouse.pk), {**said, "quantity": "60000", "unit": "公斤"})

    assert list(refused.context["form"].errors) == ["quantity"]
    assert Booking.objects.get().quantity == 60


def test_booking_list_asks_the_same_number_of_queries(client, firm, dock, tomorrow, count_queries):
    for hour in range(3):
        BookingFactory(facility=dock, organisation=firm, start=tomorrow + hour * HOUR)
        if not hour:
            WaitingEntryFactory(organisation=firm)
            one = count_queries(url("booking_list"))

    assert count_queries(url("booking_list")) == one
    assert Booking.objects.first().number in client.get(url("booking_list")).text


def test_booking_list_tells_who_has_no_firm(client, trader):
    assert url("organisation_create") in client.get(url("booking_list")).text


def test_booking_detail_is_for_the_firm_and_the_park(client, own, operator):
    PriceItemFactory(facility=own.facility)

    assert own.number in client.get(url("booking_detail", own.pk)).text
    client.force_login(operator)
    assert url("booking_start", own.pk) in client.get(url("booking_detail", own.pk)).text
    client.force_login(UserFactory())
    assert client.get(url("booking_detail", own.pk)).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "booking_move",
        "booking_cancel",
        "booking_take",
        "booking_approve",
        "booking_refuse",
        "booking_start",
        "booking_complete",
        "booking_miss",
        "booking_offer",
    ],
)
def test_booking_acts_are_not_a_strangers(client, own, name):
    client.force_login(UserFactory())

    assert client.post(url(name, own.pk), {}).status_code == 404


def test_booking_move_moves_or_shows_why_not(client, own, dock, tomorrow):
    BookingFactory(facility=dock, start=tomorrow + HOUR)

    taken = client.post(url("booking_move", own.pk), times(tomorrow + HOUR))
    moved = client.post(url("booking_move", own.pk), times(tomorrow + 2 * HOUR))

    own.refresh_from_db()
    assert (taken.status_code, moved.status_code, own.start) == (409, 302, tomorrow + 2 * HOUR)


def test_booking_cancel_goes_back_to_where_it_stood(client, own):
    response = client.post(url("booking_cancel", own.pk), {"note": "改期"})

    own.refresh_from_db()
    assert (response.url, own.status, own.note) == (url("booking_detail", own.pk), "cancelled", "改期")
    assert client.post(url("booking_cancel", own.pk)).status_code == 409


def test_park_decides_and_runs_bookings(client, own, operator, tomorrow, real_now):
    own.status = "requested"
    own.save()
    soon = BookingFactory(facility=own.facility, start=real_now.replace(minute=0, second=0, microsecond=0))
    missed = BookingFactory(start=soon.start, facility=FacilityFactory(park=own.facility.park))
    client.force_login(operator)

    approved = client.post(url("booking_approve", own.pk), {"next": "park"})
    client.post(url("booking_start", soon.pk))
    client.post(url("booking_complete", soon.pk))
    client.post(url("booking_miss", missed.pk))

    for row, status in ((own, "confirmed"), (soon, "completed"), (missed, "no_show")):
        row.refresh_from_db()
        assert row.status == status
    assert approved.url == url("park_bookings", own.facility.park_id)


def test_booking_refuse_asks_why(client, own, operator):
    own.status = "requested"
    own.save()
    client.force_login(operator)

    assert client.get(url("booking_refuse", own.pk)).status_code == 200
    assert client.post(url("booking_refuse", own.pk), {"note": ""}).status_code == 422
    assert client.post(url("booking_refuse", own.pk), {"note": "检修"}).status_code == 302
    own.refresh_from_db()
    assert (own.status, own.note) == ("refused", "检修")


def test_waiting_join_take_and_leave(client, dock, firm, trader, tomorrow):
    said = {"organisation": firm.pk, **times(tomorrow, 2), "minutes": "60"}

    assert client.post(url("waiting_join", dock.pk), said).url == url("booking_list")
    held = Booking.objects.get()
    assert url("booking_take", held.pk) in client.get(url("booking_detail", held.pk)).text
    assert client.post(url("booking_take", held.pk)).status_code == 302
    held.refresh_from_db()
    entry = WaitingEntryFactory(organisation=firm)
    client.post(url("waiting_leave", entry.pk))

    entry.refresh_from_db()
    assert (held.status, entry.status) == ("confirmed", "left")
    assert client.post(url("waiting_leave", WaitingEntryFactory().pk)).status_code == 404
    assert WaitingEntry.objects.count() == 3
    assert client.post(url("waiting_join", dock.pk), {**said, "minutes": "999"}).status_code == 422


def test_hand_over_goes_from_firm_to_firm(client, own, trader):
    taker = UserFactory()
    other = OrganisationFactory(members__trader=taker)

    unknown = client.post(url("booking_offer", own.pk), {"organisation": "无此公司"})
    client.post(url("booking_offer", own.pk), {"organisation": other.uscc})
    hand_over = HandOver.objects.get()
    assert url("hand_over_withdraw", hand_over.pk) in client.get(url("booking_detail", own.pk)).text
    client.force_login(UserFactory())
    assert client.post(url("hand_over_accept", hand_over.pk)).status_code == 404
    client.force_login(taker)
    assert url("hand_over_accept", hand_over.pk) in client.get(url("booking_list")).text
    client.post(url("hand_over_accept", hand_over.pk))

    own.refresh_from_db()
    assert unknown.status_code == 422
    assert own.organisation == other


def test_hand_over_is_declined_or_withdrawn(client, own, trader):
    taker = UserFactory()
    other = OrganisationFactory(members__trader=taker)
    client.post(url("booking_offer", own.pk), {"organisation": other.name_zh})
    client.post(url("hand_over_withdraw", HandOver.objects.get().pk))
    client.post(url("booking_offer", own.pk), {"organisation": other.name_zh})
    client.force_login(taker)
    client.post(url("hand_over_decline", HandOver.objects.get(status="offered").pk))

    assert sorted(HandOver.objects.values_list("status", flat=True)) == ["declined", "withdrawn"]


def test_pages_exist_in_english(client, own, firm, trader):
    trader.language = "en"
    trader.save()
    client.cookies["django_language"] = "en"

    for name, pk in (
        ("booking_detail", own.pk),
        ("facility_detail", own.facility_id),
        ("waiting_join", own.facility_id),
    ):
        assert client.get(url(name, pk)).status_code == 200
    assert own.facility.name_en in client.get(url("facility_detail", own.facility_id)).text
