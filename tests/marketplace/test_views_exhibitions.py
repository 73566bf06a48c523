import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Booth, BoothBooking, Exhibition, Lead, Meeting, Visit
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_exhibition import (
    BoothBookingFactory,
    BoothFactory,
    ExhibitionFactory,
    HallFactory,
    VisitFactory,
)
from tests.factories_park import ParkFactory
from tests.factories_pool import DemandFactory

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"marketplace:{name}", args=args)


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def firm(user):
    return OrganisationFactory(members=[user])


@pytest.fixture
def opening():
    """Return nine o'clock of a day in three weeks."""
    return timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0) + dt.timedelta(days=21)


@pytest.fixture
def exhibition(opening):
    return ExhibitionFactory(starts_at=opening, ends_at=opening + dt.timedelta(days=1, hours=8))


@pytest.fixture
def rival(exhibition):
    """Return the booking of another firm."""
    return BoothBookingFactory(booth=BoothFactory(exhibition=exhibition))


@pytest.fixture
def ours(exhibition, firm):
    supply = ListingFactory(organisation=firm)
    return BoothBookingFactory(booth=BoothFactory(exhibition=exhibition), organisation=firm, listings=[supply])


def filled_in(opening, **changes):
    CategoryFactory()
    closing = opening + dt.timedelta(hours=8)
    return {
        "title_zh": "春季泵阀展",
        "starts_at": f"{opening:%Y-%m-%dT%H:%M}",
        "ends_at": f"{closing:%Y-%m-%dT%H:%M}",
        "opens": "09:00",
        "closes": "17:00",
        "meeting_minutes": "30",
        "currency": "CNY",
        "categories": ["valve.ball"],
    } | changes


def test_exhibition_list_asks_as_often_for_three_as_for_one(client, exhibition, count_queries):
    few = count_queries(page("exhibition_list"))
    for _ in range(2):
        ExhibitionFactory(hall=exhibition.hall)

    assert count_queries(page("exhibition_list")) == few
    assert client.get(page("exhibition_list"), {"show": "over"}).context["page"].paginator.count == 0


def test_operator_plans_lays_out_announces_and_cancels(client, user, opening):
    park = ParkFactory(staff__operator=user)
    hall = HallFactory(park=park)

    assert client.get(page("exhibition_create", park.pk)).status_code == 200
    wrong = client.post(
        page("exhibition_create", park.pk), filled_in(opening, hall=hall.pk, opens="05:00", closes="04:00")
    )
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["closes"])
    client.post(page("exhibition_create", park.pk), filled_in(opening, hall=hall.pk))
    planned = Exhibition.objects.get()
    assert client.post(page("exhibition_announce", planned.pk)).status_code == 409
    rows = {"row_count": "2", "per_row": "3", "width": "3", "depth": "3", "price": "500"}
    assert client.post(page("exhibition_add_booths", planned.pk), rows | {"price": "x"}).status_code == 422
    assert client.post(page("exhibition_add_booths", planned.pk), rows).status_code == 302
    assert client.post(page("exhibition_add_booths", planned.pk), rows).status_code == 422  # the numbers are there
    booth = Booth.objects.get(number="B3")
    client.post(page("booth_remove", booth.pk))
    assert planned.booths.count() == 5
    assert client.get(page("exhibition_edit", planned.pk)).status_code == 200
    assert client.post(page("exhibition_edit", planned.pk), filled_in(opening, title_en="Fair")).status_code == 302
    client.post(page("exhibition_announce", planned.pk))
    assert "<svg viewBox" in client.get(page("exhibition_detail", planned.pk)).content.decode()
    assert client.get(page("exhibition_cancel", planned.pk)).status_code == 200
    client.post(page("exhibition_cancel", planned.pk), {"reason": "台风"})
    planned.refresh_from_db()
    assert (planned.status, planned.title_en) == ("cancelled", "Fair")


def test_planned_exhibition_and_its_desk_are_not_found_by_strangers(client, user, firm, exhibition, ours):
    hidden = ExhibitionFactory(hall=exhibition.hall, status="planned", announced_at=None)

    assert client.get(page("exhibition_detail", hidden.pk)).status_code == 404
    assert client.get(page("exhibition_create", exhibition.park.pk)).status_code == 404
    for name in ("exhibition_edit", "exhibition_cancel"):
        assert client.get(page(name, exhibition.pk)).status_code == 404
    for name in ("exhibition_announce", "exhibition_add_booths"):
        assert client.post(page(name, exhibition.pk)).status_code == 404
    assert client.post(page("booth_remove", ours.booth_id)).status_code == 404


def test_booth_is_booked_once_shown_and_given_back(client, user, firm, exhibition):
    booth, supply = BoothFactory(exhibition=exhibition), ListingFactory(organisation=firm)
    sent = {"organisation": firm.pk, "listings": [supply.pk], "form_key": "k"}
    assert client.get(page("booth_book", booth.pk)).status_code == 200

    first = client.post(page("booth_book", booth.pk), sent)
    again = client.post(page("booth_book", booth.pk), sent)
    taken = client.post(page("booth_book", booth.pk), sent | {"form_key": "l"})

    booking = BoothBooking.objects.get()
    assert first.url == again.url == page("exhibition_detail", exhibition.pk)
    assert (taken.status_code, list(booking.listings.all())) == (409, [supply])
    assert client.get(page("booth_edit", booking.pk)).context["kept"] == 0
    client.post(page("booth_edit", booking.pk), {"csrfmiddlewaretoken": "x"})
    assert not booking.listings.exists()
    client.post(page("booth_cancel", booking.pk))
    booking.refresh_from_db()
    assert booking.cancelled_at is not None


def test_booths_of_others_are_not_found(client, user, firm, rival):
    assert client.get(page("booth_edit", rival.pk)).status_code == 404
    assert client.post(page("booth_cancel", rival.pk)).status_code == 404
    hidden = BoothFactory(exhibition=ExhibitionFactory(status="planned", announced_at=None))
    assert client.get(page("booth_book", hidden.pk)).status_code == 404


def test_visitor_registers_answers_and_meets(client, user, firm, exhibition, rival, opening):
    client.post(page("visit_register", exhibition.pk), {"organisation": firm.pk})
    visit = Visit.objects.get()
    client.post(page("visit_answer", visit.pk), {"answer": "decline"})
    visit.refresh_from_db()
    assert visit.status == "declined"
    ask = page("meeting_request", exhibition.pk, rival.organisation_id)
    start = opening + dt.timedelta(hours=1)
    choices = dict(client.get(ask).context["form"].fields["start"].choices)
    assert choices[start.astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat()] == "10:00"
    sent = {"organisation": firm.pk, "start": start.isoformat(), "subject": "球阀", "day": f"{start:%Y-%m-%d}"}
    assert client.post(ask, sent | {"start": "2020-01-01T00:00:00+08:00"}).status_code == 422
    assert client.post(ask, sent).url == page("meeting_list", exhibition.pk)
    rows = client.get(page("meeting_list", exhibition.pk), {"day": f"{start:%Y-%m-%d}"}).context["calendar"].rows
    assert [row.start.hour for row in rows if row.meetings] == [10]
    client.post(page("meeting_answer", Meeting.objects.get().pk), {"answer": "cancel"})
    assert Meeting.objects.get().status == "cancelled"


def test_exhibitor_confirms_and_declines_what_is_asked(client, user, firm, exhibition, ours, opening):
    visitor, start = OrganisationFactory(), opening + dt.timedelta(hours=1)
    meetings = [
        Meeting.objects.create(
            exhibition=exhibition,
            exhibitor=firm,
            visitor=visitor,
            slot=(start + dt.timedelta(hours=hour), start + dt.timedelta(hours=hour, minutes=30)),
            requested_for=visitor,
            requested_by=user,
            requested_at=timezone.now(),
        )
        for hour in range(2)
    ]
    VisitFactory(exhibition=exhibition, organisation=visitor)

    client.post(page("meeting_answer", meetings[0].pk), {"answer": "confirm"})
    client.post(page("meeting_answer", meetings[1].pk), {"answer": "decline"})

    assert [one.status for one in Meeting.objects.order_by("pk")] == ["confirmed", "declined"]
    shown = client.get(page("exhibition_detail", exhibition.pk))
    assert [visit.organisation for visit in shown.context["page"].visitors] == [visitor]
    client.force_login(UserFactory())
    assert client.post(page("meeting_answer", meetings[0].pk), {"answer": "cancel"}).status_code == 404


def test_visitors_are_not_shown_to_those_without_a_booth(client, user, firm, exhibition, rival):
    VisitFactory(exhibition=exhibition)

    assert client.get(page("exhibition_detail", exhibition.pk)).context["page"].visitors == []
    stranger = OrganisationFactory()
    assert client.get(page("meeting_request", exhibition.pk, stranger.pk)).status_code == 404


def test_invited_visitor_sees_why(client, user, firm, exhibition, rival):
    supply = ListingFactory(organisation=rival.organisation)
    reason = {"feature": "DN", "points": 9, "zh": "口径相同", "en": "DN equals"}
    VisitFactory(
        exhibition=exhibition,
        organisation=firm,
        origin="invited",
        status="invited",
        answered_at=None,
        supply=supply,
        demand=DemandFactory(organisation=firm),
        score=88,
        reasons=[reason],
    )

    assert "口径相同" in client.get(page("exhibition_detail", exhibition.pk)).content.decode()


def test_lead_is_noted_followed_up_and_negotiated(client, user, firm, exhibition, ours):
    visitor = OrganisationFactory()
    VisitFactory(exhibition=exhibition, organisation=visitor)
    supply = ours.listings.get()
    assert client.get(page("lead_create"), {"exhibition": exhibition.pk, "firm": visitor.pk}).status_code == 200
    sent = {
        "organisation": firm.pk,
        "exhibition": exhibition.pk,
        "firm": visitor.pk,
        "supply": supply.pk,
        "interest": "hot",
    }
    assert client.post(page("lead_create"), sent | {"firm": ""}).status_code == 422
    assert client.post(page("lead_create"), sent).url == page("lead_list")
    assert client.post(page("lead_create"), sent).status_code == 409

    lead = Lead.objects.get()
    assert client.get(page("lead_edit", lead.pk)).status_code == 200
    client.post(page("lead_edit", lead.pk), {"interest": "warm", "next_step": "寄样", "supply": supply.pk})
    negotiation = client.post(page("lead_negotiate", lead.pk))
    lead.refresh_from_db()
    assert (lead.next_step, lead.interest, lead.status) == ("寄样", "warm", "negotiating")
    assert negotiation.url == page("negotiation_detail", lead.negotiation_id)
    client.post(page("lead_edit", lead.pk), {"interest": "warm", "supply": supply.pk, "done": "yes"})
    assert list(client.get(page("lead_list")).context["page"]) == []
    assert list(client.get(page("lead_list"), {"show": "done"}).context["page"]) == [lead]


def test_leads_are_of_ones_own_firm_alone_and_cost_no_more_when_many(client, user, firm, count_queries):
    def note(organisation):
        return Lead.objects.create(
            organisation=organisation,
            firm=OrganisationFactory(),
            recorded_by=user,
            created_at=timezone.now(),
            updated_at=timezone.now(),
        )

    note(firm)
    few = count_queries(page("lead_list"))
    note(firm)
    note(firm)
    others = note(OrganisationFactory())

    assert count_queries(page("lead_list")) == few
    assert client.get(page("lead_list")).context["page"].paginator.count == 3
    assert client.get(page("lead_edit", others.pk)).status_code == 404
    assert client.post(page("lead_negotiate", others.pk)).status_code == 404
