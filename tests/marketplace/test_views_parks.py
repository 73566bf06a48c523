import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Facility, FacilityClosure, Fee, Park, PriceItem, Statement
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
)

pytestmark = pytest.mark.django_db


def url(name, *args) -> str:
    return reverse(f"marketplace:{name}", args=args)


@pytest.fixture
def operator(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def park(operator):
    return ParkFactory(staff__operator=operator)


@pytest.fixture
def facility(park):
    return FacilityFactory(park=park)


@pytest.fixture
def tomorrow(real_now):
    """Return ten o'clock of tomorrow in Shanghai."""
    return timezone.localtime(real_now).replace(hour=10, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)


def test_park_list_asks_the_same_number_of_queries(client, count_queries):
    ParkFactory()
    one = count_queries(url("park_list"))
    for park in ParkFactory.create_batch(2):
        FacilityFactory(park=park)

    assert count_queries(url("park_list")) == one


def test_park_detail_shows_its_facilities_to_everybody(client):
    facility = FacilityFactory()
    hidden = FacilityFactory(park=facility.park, is_active=False)

    page = client.get(url("park_detail", facility.park_id)).text

    assert facility.name in page
    assert hidden.name not in page
    assert client.get(url("park_detail", ParkFactory(is_active=False).pk)).status_code == 404


def test_park_create_opens_one_for_its_operators(client, operator):
    firm = ParkOperatorFactory(members__operator=operator)
    said = {"organisation": firm.pk, "code": "yh-1", "name_zh": "泵阀园", "region": "玉环市"}

    refused = client.post(url("park_create"), {**said, "region": "Atlantis"})
    response = client.post(url("park_create"), said)

    park = Park.objects.get()
    assert response.url == url("park_detail", park.pk)
    assert (park.code, park.region) == ("YH-1", "331083")
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["region"])


def test_park_edit_is_for_its_managers(client, park):
    said = {"name_zh": "新名", "region": "331083", "is_active": "on"}

    assert client.post(url("park_edit", park.pk), said).url == url("park_detail", park.pk)
    assert Park.objects.get().name_zh == "新名"
    assert client.get(url("park_edit", ParkFactory().pk)).status_code == 404


def test_facility_create_then_hours(client, park):
    said = {
        "code": "w1",
        "name_zh": "仓库",
        "kind": "warehouse",
        "mode": "capacity",
        "capacity": "800",
        "unit": "吨",
        "slot_minutes": "60",
        "services": "forklift, 叉车, Forklift\nweighing，过磅",
        "minimum_notice_hours": "0",
        "maximum_days_ahead": "90",
        "free_until_hours": "24",
        "late_fee_percent": "0",
        "is_active": "on",
        "required_certificates": ["iso9001"],
    }

    refused = client.post(url("facility_create", park.pk), {**said, "capacity": ""})
    response = client.post(url("facility_create", park.pk), said)

    facility = Facility.objects.get()
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["capacity"])
    assert response.url == url("facility_hours", facility.pk)
    assert facility.services[1] == {"code": "weighing", "zh": "过磅", "en": "过磅"}
    assert client.get(response.url).status_code == 200
    assert client.get(url("facility_create", ParkFactory().pk)).status_code == 404


def test_facility_edit_keeps_what_it_showed(client, facility):
    facility.services = [{"code": "crane", "zh": "行车", "en": "Crane"}]
    facility.save()
    form = client.get(url("facility_edit", facility.pk)).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    said = {name: value for name, value in shown.items() if value is not None and value is not False}

    response = client.post(url("facility_edit", facility.pk), said | {"requires_approval": "on"})

    changed = Facility.objects.get()
    assert response.status_code == 302
    assert (changed.requires_approval, changed.services) == (True, facility.services)
    assert client.get(url("facility_edit", FacilityFactory().pk)).status_code == 404


def test_facility_hours_reads_spans_and_says_what_it_cannot(client, facility):
    response = client.post(
        url("facility_hours", facility.pk), {"day_1": "8:00-12:00, 13:00–24:00", "day_2": "8:00 至 9:00"}
    )

    assert response.status_code == 302
    assert [(one.weekday, f"{one.closes:%H}") for one in facility.hours.order_by("weekday", "opens")] == [
        (1, "12"),
        (1, "00"),
        (2, "09"),
    ]
    for text in ("always", "25:00-26:00", "08:00"):
        refused = client.post(url("facility_hours", facility.pk), {"day_1": text})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["day_1"])
    assert facility.hours.count() == 3
    assert client.get(url("facility_hours", FacilityFactory().pk)).status_code == 404


def test_facility_close_and_reopen(client, facility, tomorrow):
    said = {"start": f"{tomorrow:%Y-%m-%dT%H:%M}", "end": f"{tomorrow:%Y-%m-%dT18:00}", "reason": "检修"}
    BookingFactory(facility=facility, start=tomorrow)

    refused = client.post(url("facility_close", facility.pk), said)
    facility.bookings.update(status="cancelled")
    client.post(url("facility_close", facility.pk), said)
    closure = FacilityClosure.objects.get()
    client.post(url("facility_reopen", closure.pk))

    assert refused.status_code == 409
    assert closure.period.lower == tomorrow
    assert FacilityClosure.objects.count() == 0
    assert client.post(url("facility_close", FacilityFactory().pk), said).status_code == 404
    assert client.post(url("facility_reopen", FacilityClosureFactory().pk)).status_code == 404


def test_price_list_sets_and_ends_prices(client, facility):
    said = {"kind": "handling", "per": "吨", "price": "18", "currency": "CNY"}

    response = client.post(url("price_list", facility.pk), said)
    refused = client.post(url("price_list", facility.pk), {**said, "per": "t·day"})

    item = PriceItem.objects.get()
    assert (response.status_code, item.per) == (302, "t")
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["per"])
    assert client.post(url("price_end", item.pk)).status_code == 302
    assert client.get(url("price_list", FacilityFactory().pk)).status_code == 404
    assert client.post(url("price_end", PriceItemFactory().pk)).status_code == 404


def test_facility_detail_shows_the_week(client, facility, tomorrow, count_queries):
    path = f"{url('facility_detail', facility.pk)}?day={tomorrow:%Y-%m-%d}"
    BookingFactory(facility=facility, start=tomorrow)
    one = count_queries(path)
    for hour in (1, 2):
        BookingFactory(facility=facility, start=tomorrow + hour * dt.timedelta(hours=1))

    response = client.get(path)

    states = [cell.state for day in response.context["days"] for cell in day.cells]
    assert states.count("own") == 3
    assert "is-own" in response.text
    assert count_queries(path) == one
    client.force_login(UserFactory())
    assert client.get(path).text.count("is-taken") == 3
    assert client.get(url("facility_detail", FacilityFactory(is_active=False).pk)).status_code == 404
    for day in ("2026-13-45", "9999-12-31", "0001-01-01", "soon"):
        assert client.get(f"{url('facility_detail', facility.pk)}?day={day}").status_code == 200


def test_facility_free_lists_the_earliest_windows(client, operator, tomorrow):
    OrganisationFactory(members__trader=operator)
    facility = FacilityFactory()
    FacilityFactory(warehouse=True)
    said = {"start": f"{tomorrow:%Y-%m-%dT%H:%M}", "end": f"{tomorrow:%Y-%m-%dT18:00}", "hours": "2", "kind": "dock"}

    empty = client.get(url("facility_free"))
    found = client.get(url("facility_free"), said)
    refused = client.get(url("facility_free"), {**said, "near": "Atlantis"})

    assert (empty.status_code, empty.context["windows"]) == (200, None)
    assert next((one.facility, one.start) for one in found.context["windows"]) == (facility, tomorrow)
    assert url("booking_create", facility.pk) in found.text
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["near"])


def test_park_bookings_shows_day_week_and_requests(client, park, facility, tomorrow, count_queries):
    booking = BookingFactory(facility=facility, start=tomorrow, status="requested")
    path = url("park_bookings", park.pk)
    day = f"{path}?day={tomorrow:%Y-%m-%d}"
    one = count_queries(day)
    BookingFactory(facility=facility, start=tomorrow + dt.timedelta(hours=1), status="requested")
    BookingFactory(facility=FacilityFactory(park=park), start=tomorrow)

    page = client.get(f"{day}&span=week")

    assert page.context["span"] == "week"
    assert booking.number in page.text
    assert next(iter(page.context["requests"])) == booking
    assert count_queries(day) == one
    assert client.get(url("park_bookings", ParkFactory().pk)).status_code == 404


def test_statement_pages_are_for_the_firm_and_the_park(client, park, operator):
    trader, stranger = UserFactory(), UserFactory()
    firm = OrganisationFactory(members__trader=trader)
    statement = StatementFactory(park=park, organisation=firm, total=50)
    Fee.objects.filter(pk=FeeFactory(park=park, organisation=firm).pk).update(statement=statement)
    pages = [url(name, statement.pk) for name in ("statement_detail", "statement_pdf", "statement_csv")]

    for user, status in ((operator, 200), (trader, 200), (stranger, 404)):
        client.force_login(user)
        assert [client.get(page).status_code for page in pages] == [status] * 3
    client.force_login(trader)
    assert statement.number in client.get(url("statement_list")).text
    assert client.get(pages[1])["Content-Type"] == "application/pdf"
    assert client.get(url("park_statements", park.pk)).status_code == 404


def test_statement_list_asks_the_same_number_of_queries(client, operator, count_queries):
    firm = OrganisationFactory(members__trader=operator)
    for _ in range(2):
        StatementFactory(organisation=firm)
        FeeFactory(organisation=firm)
        one = count_queries(url("statement_list"))
    StatementFactory(organisation=firm)
    FeeFactory(organisation=firm)

    assert count_queries(url("statement_list")) == one


def test_park_statements_bills_a_month(client, park):
    FeeFactory(park=park)

    response = client.post(url("park_statements", park.pk), {"month": "2026-02"})
    refused = client.post(url("park_statements", park.pk), {"month": "2099-12"})
    wrong = client.post(url("park_statements", park.pk), {"month": "soon"})

    assert response.url == url("park_statements", park.pk)
    assert Statement.objects.count() == 1
    assert (refused.status_code, wrong.status_code) == (422, 422)
    assert client.get(url("park_statements", park.pk)).status_code == 200


def test_fee_adjust_credits_a_firm_once_per_form(client, park):
    said = {"organisation": OrganisationFactory().pk, "amount": "-12.5", "note": "补偿", "form_key": "k1"}

    for _ in range(2):
        assert client.post(url("fee_adjust", park.pk), said).status_code == 302
    refused = client.post(url("fee_adjust", park.pk), {**said, "note": "", "form_key": "k2"})

    assert Fee.objects.count() == 1
    assert refused.status_code == 422
    assert client.post(url("fee_adjust", ParkFactory().pk), said).status_code == 404
