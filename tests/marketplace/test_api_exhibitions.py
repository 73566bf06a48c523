import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.models import Exhibition, Meeting
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_exhibition import (
    BoothBookingFactory,
    BoothFactory,
    ExhibitionFactory,
    HallFactory,
    VisitFactory,
)
from tests.factories_park import ParkFactory

pytestmark = pytest.mark.django_db
EXHIBITIONS = "/api/v1/exhibitions/"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def firm(user):
    return OrganisationFactory(members=[user])


@pytest.fixture
def api(user):
    cache.clear()
    client = APIClient(headers={"Accept-Language": "en"})
    client.force_authenticate(user)
    return client


@pytest.fixture
def opening():
    return timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0) + dt.timedelta(days=21)


@pytest.fixture
def exhibition(opening):
    return ExhibitionFactory(starts_at=opening, ends_at=opening + dt.timedelta(hours=8))


def said(opening, **changes):
    CategoryFactory()
    closing = opening + dt.timedelta(hours=8)
    return {
        "title_zh": "春季泵阀展",
        "starts_at": opening.isoformat(),
        "ends_at": closing.isoformat(),
        "categories": ["valve.ball"],
    } | changes


def test_operator_plans_an_exhibition_lays_out_booths_and_announces_it(api, user, opening):
    park = ParkFactory(staff__operator=user)
    hall = HallFactory(park=park)
    body = said(opening, park=park.pk, hall=hall.pk)
    wrong = api.post(EXHIBITIONS, body | {"categories": ["valve.unheard"]})
    made = api.post(EXHIBITIONS, body, headers={"Idempotency-Key": "k"})
    again = api.post(EXHIBITIONS, body, headers={"Idempotency-Key": "k"})
    own = f"{EXHIBITIONS}{made.json()['id']}/"

    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["categories"])
    assert (made.status_code, again.json(), Exhibition.objects.count()) == (201, made.json(), 1)
    assert api.post(f"{own}announce/").json()["code"] == "exhibition_has_no_booths"
    booths = {"booths": [{"number": "A1", "price": "500"}, {"number": "A2", "price": "400"}]}
    added = api.post(f"{own}booths/", booths)
    assert [one["price"] for one in added.json()] == [500, 400]
    assert api.post(f"{own}booths/", booths).json()["errors"].keys() == {"booths.0.number", "booths.1.number"}
    assert api.delete(f"/api/v1/booths/{added.json()[1]['id']}/").status_code == 204
    assert api.put(own, said(opening, title_en="Fair")).json()["title_en"] == "Fair"
    assert api.post(f"{own}announce/").json()["status"] == "announced"
    assert api.post(f"{own}cancel/", {}).json()["errors"].keys() == {"reason"}
    assert api.post(f"{own}cancel/", {"reason": "x"}).json()["status"] == "cancelled"


def test_exhibition_and_its_booths_can_be_read_by_all_and_changed_by_the_park(api, firm, exhibition):
    BoothBookingFactory(booth=BoothFactory(exhibition=exhibition))
    hidden = ExhibitionFactory(hall=exhibition.hall, status="planned", announced_at=None)
    own = f"{EXHIBITIONS}{exhibition.pk}/"

    assert APIClient().get(EXHIBITIONS).json()["count"] == 1
    assert APIClient().get(f"{own}booths/").json()[0]["booking"]["organisation"]["name_en"].startswith("Valve")
    assert api.get(f"{EXHIBITIONS}{hidden.pk}/").status_code == 404
    for act in ("announce/", "cancel/", "booths/"):
        assert api.post(f"{own}{act}", {}).status_code == 404
    assert api.delete(f"/api/v1/booths/{exhibition.booths.get().pk}/").status_code == 404


def test_exhibitor_books_shows_and_gives_back(api, firm, exhibition):
    booth, supply = BoothFactory(exhibition=exhibition), ListingFactory(organisation=firm)
    body = {"organisation": firm.pk, "listings": [supply.pk]}
    booked = api.post(f"/api/v1/booths/{booth.pk}/book/", body)
    taken = api.post(f"/api/v1/booths/{booth.pk}/book/", body)
    own = f"/api/v1/booth-bookings/{booked.json()['id']}/"

    assert (booked.json()["listings"], taken.json()["code"]) == ([supply.pk], "booth_taken")
    others = ListingFactory()
    assert api.put(own, {"listings": [others.pk]}).json()["errors"].keys() == {"listings"}
    assert api.put(own, {"listings": []}).json()["listings"] == []
    assert api.post(f"{own}cancel/").json()["cancelled_at"] is not None
    assert api.post(f"{own}cancel/").json()["code"] == "booth_booking_has_ended"
    other = BoothBookingFactory(booth=booth)
    assert api.put(f"/api/v1/booth-bookings/{other.pk}/", {"listings": []}).status_code == 404
    assert api.post(f"/api/v1/booth-bookings/{other.pk}/cancel/").status_code == 404


def test_visitor_comes_and_meets(api, firm, exhibition, opening):
    exhibitor = BoothBookingFactory(booth=BoothFactory(exhibition=exhibition)).organisation
    visit = api.post(f"{EXHIBITIONS}{exhibition.pk}/visits/", {"organisation": firm.pk})
    assert (visit.status_code, visit.json()["status"]) == (201, "accepted")
    assert [one["id"] for one in api.get(f"{EXHIBITIONS}{exhibition.pk}/visits/").json()] == [visit.json()["id"]]
    assert api.put(f"/api/v1/visits/{visit.json()['id']}/", {"comes": False}).json()["status"] == "declined"
    stranger = VisitFactory(exhibition=exhibition)
    assert api.put(f"/api/v1/visits/{stranger.pk}/", {"comes": True}).status_code == 404

    meetings = f"{EXHIBITIONS}{exhibition.pk}/meetings/"
    body = {"organisation": firm.pk, "counterpart": exhibitor.pk, "start": opening.isoformat()}
    made = api.post(meetings, body)
    assert (made.status_code, made.json()["exhibitor"]["id"]) == (201, exhibitor.pk)
    assert api.post(meetings, body).json()["code"] == "meeting_time_taken"
    odd = body | {"start": (opening + dt.timedelta(minutes=7)).isoformat()}
    assert api.post(meetings, odd).json()["errors"].keys() == {"start"}
    assert api.get(meetings).json()["count"] == 1
    own = f"/api/v1/meetings/{made.json()['id']}/"
    seller = UserFactory()
    exhibitor.memberships.create(user=seller, role="owner", created_at=timezone.now())
    api.force_authenticate(seller)
    assert api.post(f"{own}confirm/").json()["status"] == "confirmed"
    assert api.post(f"{own}decline/").json()["code"] == "meeting_not_in_state_for_this"
    assert api.post(f"{own}cancel/", {"organisation": exhibitor.pk}).json()["status"] == "cancelled"
    api.force_authenticate(UserFactory())
    assert api.post(f"{own}confirm/").status_code == 404
    assert Meeting.objects.count() == 1


def test_leads_are_noted_changed_and_negotiated(api, firm, exhibition):
    visitor, supply = OrganisationFactory(), ListingFactory(organisation=firm)
    body = {"organisation": firm.pk, "exhibition": exhibition.pk, "firm": visitor.pk, "supply": supply.pk}
    made = api.post("/api/v1/leads/", body | {"interest": "hot"})
    own = f"/api/v1/leads/{made.json()['id']}/"

    assert (made.status_code, made.json()["interest"]) == (201, "hot")
    assert api.post("/api/v1/leads/", body).json()["code"] == "lead_already_recorded"
    assert api.post("/api/v1/leads/", {"organisation": firm.pk}).json()["errors"].keys() == {"firm_name"}
    assert api.get("/api/v1/leads/", {"status": "open"}).json()["count"] == 1
    assert api.put(own, {"next_step": "寄样"}).json()["next_step"] == "寄样"
    assert api.post(f"{own}negotiate/").json()["negotiation"] == api.get(own).json()["negotiation"]
    assert api.put(own, {"is_done": True}).json()["status"] == "done"
    api.force_authenticate(UserFactory())
    assert (api.get(own).status_code, api.put(own, {}).status_code) == (404, 404)
    assert api.post(f"{own}negotiate/").status_code == 404
