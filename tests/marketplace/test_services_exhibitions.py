import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import Block, Booking, Booth, Exhibition, Fee, Lead, Meeting, Notification, Visit
from marketplace.services import bookings, booths, exhibitions, leads, meetings, visits
from marketplace.services.organisations import OnlyMembersMay
from marketplace.tasks.exhibitions import advance_exhibitions
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_exhibition import (
    CLOSING,
    OPENING,
    BoothBookingFactory,
    BoothFactory,
    ExhibitionFactory,
    HallFactory,
    VisitFactory,
)
from tests.factories_park import FacilityFactory, ParkFactory
from tests.factories_pool import DemandFactory
from tests.races import race

pytestmark = pytest.mark.django_db
TEN = OPENING + dt.timedelta(hours=1)


@pytest.fixture
def operator():
    return UserFactory()


@pytest.fixture
def park(operator):
    return ParkFactory(staff__operator=operator)


@pytest.fixture
def hall(park):
    return HallFactory(park=park, late_fee_percent=50, free_until_hours=24)


@pytest.fixture
def exhibition(hall):
    return ExhibitionFactory(hall=hall)


@pytest.fixture
def seller():
    return UserFactory()


@pytest.fixture
def exhibitor(seller):
    return OrganisationFactory(members=[seller])


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def visitor(buyer):
    return OrganisationFactory(members=[buyer])


@pytest.fixture
def booked(exhibition, exhibitor):
    return BoothBookingFactory(
        booth=BoothFactory(exhibition=exhibition),
        organisation=exhibitor,
        listings=[ListingFactory(organisation=exhibitor)],
    )


def fields(**changes):
    CategoryFactory()
    return {
        "title_zh": "春季泵阀展",
        "starts_at": OPENING,
        "ends_at": CLOSING,
        "categories": ["valve.ball"],
    } | changes


def plan(park, hall, operator, now, **changes):
    return exhibitions.plan_exhibition(park=park, hall=hall, by=operator, fields=fields(**changes), now=now)


def told(user):
    return list(Notification.objects.in_app_of(user).order_by("requested_at", "pk").values_list("event", flat=True))


def test_exhibition_is_planned_with_its_hall_booked_for_each_day(park, hall, operator, now):
    planned = plan(park, hall, operator, now)

    assert (planned.status, [one.code for one in planned.categories.all()]) == ("planned", ["valve.ball"])
    assert [(one.slot.lower, one.slot.upper) for one in planned.bookings.order_by("slot")] == [
        (OPENING, OPENING + dt.timedelta(hours=8)),
        (CLOSING - dt.timedelta(hours=8), CLOSING),
    ]
    assert [start.hour for start in planned.meeting_starts(OPENING.date())][:3] == [9, 9, 10]
    with pytest.raises(bookings.SlotTaken):
        plan(park, hall, operator, now)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title_zh": ""}, "title_zh"),
        ({"starts_at": "soon"}, "starts_at"),
        ({"starts_at": "2026-03-01T09:00:00+08:00", "ends_at": "2026-03-01T17:00:00+08:00"}, "starts_at"),
        ({"ends_at": OPENING}, "ends_at"),
        ({"ends_at": OPENING + dt.timedelta(days=40)}, "ends_at"),
        ({"opens": "nine"}, "opens"),
        ({"closes": "08:00"}, "closes"),
        ({"opens": "06:00"}, "starts_at"),
        ({"meeting_minutes": 3}, "meeting_minutes"),
        ({"categories": ["valve.unheard"]}, "categories"),
    ],
)
def test_exhibition_names_the_field_that_is_wrong_and_writes_nothing(park, hall, operator, now, changes, field):
    if changes.get("opens") == "06:00":
        changes = changes | {"starts_at": OPENING - dt.timedelta(hours=3)}
    with pytest.raises(InputRefused) as refused:
        plan(park, hall, operator, now, **changes)

    assert list(refused.value.errors) == [field]
    assert not Exhibition.objects.exists()
    assert not Booking.objects.exists()


def test_exhibition_is_planned_by_the_park_in_a_hall_of_its_own(park, hall, operator, seller, now):
    with pytest.raises(OnlyMembersMay):
        plan(park, hall, seller, now)
    for other in (FacilityFactory(park=park), HallFactory()):
        with pytest.raises(exhibitions.HallNotInThisPark):
            plan(park, other, operator, now)


def test_exhibition_is_edited_and_moved_until_it_is_announced(park, hall, operator, now):
    planned = plan(park, hall, operator, now)
    exhibitions.edit_exhibition(
        exhibition=planned, by=operator, fields=fields(ends_at=OPENING + dt.timedelta(hours=8)), now=now
    )
    assert planned.bookings.count() == 1
    with pytest.raises(exhibitions.ExhibitionHasNoBooths):
        exhibitions.announce_exhibition(exhibition=planned, by=operator, now=now)
    BoothFactory(exhibition=planned)
    shown = exhibitions.announce_exhibition(exhibition=planned, by=operator, now=now)

    assert (shown.status, shown.announced_at) == ("announced", now)
    with pytest.raises(InputRefused):
        exhibitions.edit_exhibition(exhibition=shown, by=operator, fields=fields(), now=now)
    with pytest.raises(exhibitions.ExhibitionNotInStateForThis):
        exhibitions.announce_exhibition(exhibition=shown, by=operator, now=now)
    Exhibition.objects.update(status="ended")
    with pytest.raises(exhibitions.ExhibitionNotInStateForThis):
        exhibitions.edit_exhibition(exhibition=shown, by=operator, fields=fields(), now=now)


def test_booths_are_laid_out_in_rows_each_number_once(exhibition, operator):
    rows = exhibitions.booth_rows(row_count=2, per_row=3, width=Decimal(3), depth=Decimal(3), price=Decimal(500))

    added = exhibitions.add_booths(exhibition=exhibition, by=operator, rows=rows)

    assert [booth.number for booth in added] == ["A1", "A2", "A3", "B1", "B2", "B3"]
    assert (added[5].left, added[5].top, added[5].size) == (6, 6, 9)
    with pytest.raises(InputRefused) as refused:
        exhibitions.add_booths(exhibition=exhibition, by=operator, rows=[{"number": "B3", "price": -1, "width": 0}])
    assert sorted(refused.value.errors) == ["booths.0.number", "booths.0.price", "booths.0.width"]
    with pytest.raises(InputRefused):
        exhibitions.add_booths(exhibition=exhibition, by=operator, rows=[])


def test_booth_is_removed_unless_it_was_booked(exhibition, operator, booked):
    exhibitions.remove_booth(booth=BoothFactory(exhibition=exhibition), by=operator)
    with pytest.raises(exhibitions.BoothIsBooked):
        exhibitions.remove_booth(booth=booked.booth, by=operator)

    assert Booth.objects.get() == booked.booth


def test_booth_is_booked_with_its_supplies_and_charged_by_the_park(exhibition, exhibitor, seller, operator, now):
    booth, supply = BoothFactory(exhibition=exhibition), ListingFactory(organisation=exhibitor)

    booking = booths.book_booth(booth=booth, organisation=exhibitor, by=seller, now=now, listings=[supply])

    fee = Fee.objects.get()
    assert (list(booking.listings.all()), fee.amount, fee.park, fee.organisation) == (
        [supply],
        3000,
        exhibition.park,
        exhibitor,
    )
    assert (told(operator), told(seller)) == (["booth.booked"], ["booth.booked"])
    with pytest.raises(booths.BoothTaken):
        booths.book_booth(booth=booth, organisation=OrganisationFactory(members=[seller]), by=seller, now=now)


def test_booth_refuses_what_cannot_be_shown_and_who_cannot_exhibit(exhibition, exhibitor, seller, now):
    booth = BoothFactory(exhibition=exhibition)
    for listing in (ListingFactory(), DemandFactory(organisation=exhibitor)):
        with pytest.raises(InputRefused):
            booths.book_booth(booth=booth, organisation=exhibitor, by=seller, now=now, listings=[listing])
    waiting = OrganisationFactory(members=[seller], state="pending", reviewed_at=None)
    with pytest.raises(booths.ExhibitorNotVerified):
        booths.book_booth(booth=booth, organisation=waiting, by=seller, now=now)
    with pytest.raises(booths.ExhibitionTakesNoBookings):
        booths.book_booth(booth=booth, organisation=exhibitor, by=seller, now=CLOSING)
    assert not Fee.objects.exists()


def test_booth_given_back_early_costs_nothing_and_late_what_the_hall_keeps(exhibition, exhibitor, seller, now):
    early, late = BoothFactory(exhibition=exhibition), BoothFactory(exhibition=exhibition)
    first = booths.book_booth(booth=early, organisation=exhibitor, by=seller, now=now)
    second = booths.book_booth(booth=late, organisation=exhibitor, by=seller, now=now)
    eve = OPENING - dt.timedelta(hours=2)

    booths.cancel_booth(booking=first, by=seller, now=now)
    booths.cancel_booth(booking=second, by=seller, now=eve)

    assert [sum(fee.amount for fee in Fee.objects.filter(note__endswith=one.number)) for one in (early, late)] == [
        0,
        1500,
    ]
    assert Booth.objects.free().count() == 2
    with pytest.raises(booths.BoothBookingHasEnded):
        booths.cancel_booth(booking=first, by=seller, now=now)
    third = booths.book_booth(booth=early, organisation=exhibitor, by=seller, now=now)
    with pytest.raises(booths.ExhibitionTakesNoBookings):
        booths.cancel_booth(booking=third, by=seller, now=OPENING)
    with pytest.raises(OnlyMembersMay):
        booths.cancel_booth(booking=third, by=UserFactory(), now=now)


def test_shown_supplies_are_chosen_anew(booked, seller, exhibitor, now):
    other = ListingFactory(organisation=exhibitor)

    booths.show_listings(booking=booked, listings=[other], by=seller, now=now)

    assert list(booked.listings.all()) == [other]
    booths.cancel_booth(booking=booked, by=seller, now=now)
    with pytest.raises(booths.BoothBookingHasEnded):
        booths.show_listings(booking=booked, listings=[], by=seller, now=now)


def invite(booked, demand, now, score=80.0):
    return visits.invite_visitor(
        exhibition=booked.booth.exhibition,
        demand=demand,
        supply=booked.listings.get(),
        score=score,
        reasons=[{"feature": "DN", "points": 5, "zh": "口径相同", "en": "DN equals"}],
        model_version="r1",
        now=now,
    )


def test_visitor_is_invited_once_and_for_the_best_pair(booked, visitor, buyer, now):
    demand = DemandFactory(organisation=visitor)

    visit = invite(booked, demand, now)

    assert (visit.status, visit.origin, visit.score, visit.reasons[0]["feature"]) == ("invited", "invited", 80, "DN")
    assert told(buyer) == ["exhibition.invited"]
    assert invite(booked, demand, now, 70.0) is None
    assert invite(booked, DemandFactory(organisation=visitor), now, 90.0) == visit
    visit.refresh_from_db()
    assert (visit.score, told(buyer)) == (90, ["exhibition.invited"])
    visits.answer_visit(visit=visit, comes=False, by=buyer, now=now)
    assert invite(booked, demand, now, 99.0) is None


def test_visitor_is_not_invited_where_that_makes_no_sense(booked, exhibitor, visitor, seller, now):
    exhibition, demand = booked.booth.exhibition, DemandFactory(organisation=visitor)
    assert invite(booked, DemandFactory(organisation=exhibitor), now) is None
    assert invite(booked, demand, CLOSING) is None
    Block.objects.create(organisation=visitor, blocked=exhibitor, by=seller, created_at=now)
    assert invite(booked, demand, now) is None
    Block.objects.all().delete()
    hidden = ListingFactory(organisation=exhibitor)
    said = {"score": 1.0, "reasons": [], "model_version": "", "now": now}
    assert visits.invite_visitor(exhibition=exhibition, demand=demand, supply=hidden, **said) is None
    assert not Visit.objects.exists()


def test_visit_is_registered_and_answered(exhibition, visitor, buyer, operator, now):
    visit = visits.register_visit(exhibition=exhibition, organisation=visitor, by=buyer, now=now)
    assert (visit.origin, visit.status, told(operator)) == ("own", "accepted", ["visit.answered"])
    assert visits.answer_visit(visit=visit, comes=False, by=buyer, now=now).status == "declined"
    assert visits.register_visit(exhibition=exhibition, organisation=visitor, by=buyer, now=now).status == "accepted"
    with pytest.raises(visits.ExhibitionIsOver):
        visits.answer_visit(visit=visit, comes=True, by=buyer, now=CLOSING)
    with pytest.raises(OnlyMembersMay):
        visits.register_visit(exhibition=exhibition, organisation=OrganisationFactory(), by=buyer, now=now)


def meet(booked, visitor, by, now, start=TEN, organisation=None):
    return meetings.request_meeting(
        exhibition=booked.booth.exhibition,
        exhibitor=booked.organisation,
        visitor=visitor,
        organisation=organisation or visitor,
        by=by,
        start=start,
        subject="DN50 球阀",
        now=now,
    )


def test_meeting_is_asked_for_and_confirmed(booked, visitor, buyer, seller, now):
    meeting = meet(booked, visitor, buyer, now)

    assert (meeting.status, Visit.objects.get().organisation, told(seller)) == (
        "requested",
        visitor,
        ["visit.answered", "meeting.requested"][1:],
    )
    day = TEN.date()
    said = {"exhibition": meeting.exhibition, "exhibitor": booked.organisation, "visitor": None, "day": day, "now": now}
    assert TEN not in meetings.free_times(**said)
    assert meetings.confirm_meeting(meeting=meeting, by=seller, now=now).status == "confirmed"
    assert told(buyer) == ["meeting.confirmed"]
    with pytest.raises(meetings.MeetingNotInStateForThis):
        meetings.decline_meeting(meeting=meeting, by=seller, now=now)
    meetings.cancel_meeting(meeting=meeting, organisation=visitor, by=buyer, now=now)
    assert TEN in meetings.free_times(**said)
    with pytest.raises(meetings.FirmsDoNotMeet):
        meetings.cancel_meeting(meeting=meeting, organisation=OrganisationFactory(), by=buyer, now=now)


def test_meeting_takes_the_time_of_both_sides(booked, exhibition, visitor, buyer, seller, now):
    rival = BoothBookingFactory(booth=BoothFactory(exhibition=exhibition))
    other = OrganisationFactory(members=[buyer])
    meet(booked, visitor, buyer, now)

    with pytest.raises(meetings.MeetingTimeTaken, match=booked.organisation.name):
        meet(booked, other, buyer, now)
    with pytest.raises(meetings.MeetingTimeTaken, match=visitor.name):
        meet(rival, visitor, buyer, now)
    assert meet(rival, other, buyer, now).status == "requested"
    first = Meeting.objects.order_by("pk")[0]
    meetings.decline_meeting(meeting=first, by=seller, now=now)
    assert meet(booked, visitor, buyer, now).pk != first.pk


@pytest.mark.parametrize("side", ["exhibitor", "visitor"])
def test_database_refuses_two_meetings_at_once(booked, visitor, buyer, now, side):
    first = meet(booked, visitor, buyer, now)
    again = {"exhibitor": OrganisationFactory(), "visitor": OrganisationFactory(), side: getattr(first, side)}

    with pytest.raises(IntegrityError, match=f"meeting_{side}_is_in_one_place"), transaction.atomic():
        Meeting.objects.create(
            exhibition=first.exhibition,
            slot=(TEN + dt.timedelta(minutes=10), TEN + dt.timedelta(minutes=20)),
            requested_for=again["visitor"],
            requested_by=buyer,
            requested_at=now,
            **again,
        )


def test_meeting_refuses_times_and_firms_that_cannot_be(booked, exhibition, visitor, buyer, seller, exhibitor, now):
    for start in (TEN + dt.timedelta(minutes=7), OPENING - dt.timedelta(hours=1), now - dt.timedelta(days=1)):
        with pytest.raises(InputRefused) as refused:
            meet(booked, visitor, buyer, now, start)
        assert list(refused.value.errors) == ["start"]
    with pytest.raises(meetings.VisitorDoesNotCome):
        meet(booked, visitor, seller, now, organisation=exhibitor)
    VisitFactory(exhibition=exhibition, organisation=visitor)
    assert meet(booked, visitor, seller, now, organisation=exhibitor).requested_for == exhibitor
    booked.booth = BoothFactory()
    with pytest.raises(meetings.NoBoothAtThisExhibition):
        meet(booked, visitor, buyer, now)
    with pytest.raises(meetings.FirmsDoNotMeet):
        meet(booked, visitor, buyer, now, organisation=OrganisationFactory(members=[buyer]))


def test_lead_is_noted_once_and_becomes_a_negotiation(booked, exhibition, exhibitor, seller, visitor, now):
    supply = booked.listings.get()
    note = {"interest": "hot", "next_step": "寄样", "follow_up_on": "2026-04-20"}
    said = {"organisation": exhibitor, "by": seller, "exhibition": exhibition, "firm": visitor, "now": now}

    lead = leads.record_lead(fields=note, supply=supply, **said)

    assert (lead.name, lead.follow_up_on, lead.status) == (visitor.name, dt.date(2026, 4, 20), "open")
    with pytest.raises(leads.LeadAlreadyRecorded):
        leads.record_lead(fields=note, **said)
    negotiation = leads.negotiate_with_lead(lead=lead, by=seller, now=now)
    again = leads.negotiate_with_lead(lead=lead, by=seller, now=now)
    lead.refresh_from_db()
    assert (negotiation.buyer, negotiation.supply, again, lead.status) == (visitor, supply, negotiation, "negotiating")
    done = leads.update_lead(lead=lead, by=seller, fields={"text": "签约"}, is_done=True, now=now)
    assert (done.status, done.next_step, done.text) == ("done", "寄样", "签约")


def test_lead_from_a_card_names_its_firm_and_what_is_wrong(exhibitor, seller, visitor, now):
    card = {"firm_name": "台州泵业", "contact_email": "wang@example.com"}
    lead = leads.record_lead(organisation=exhibitor, by=seller, fields=card, now=now)
    with pytest.raises(leads.LeadIsNotOnThePlatform):
        leads.negotiate_with_lead(lead=lead, by=seller, now=now)
    Lead.objects.update(firm=visitor)
    lead.refresh_from_db()
    with pytest.raises(leads.LeadNamesNoSupply):
        leads.negotiate_with_lead(lead=lead, by=seller, now=now)
    for said, field in [
        ({}, "firm_name"),
        ({"firm_name": "甲", "contact_email": "wang"}, "contact_email"),
        ({"firm_name": "甲", "interest": "burning"}, "interest"),
        ({"firm_name": "甲", "follow_up_on": "2026-01-01"}, "follow_up_on"),
    ]:
        with pytest.raises(InputRefused) as refused:
            leads.record_lead(organisation=exhibitor, by=seller, fields=said, now=now)
        assert list(refused.value.errors) == [field]
    with pytest.raises(InputRefused):
        leads.record_lead(organisation=exhibitor, by=seller, fields=card, supply=ListingFactory(), now=now)


def test_cancelled_exhibition_frees_hall_booths_and_meetings_and_tells(
    park, hall, operator, booked, visitor, buyer, seller, now
):
    planned = plan(park, HallFactory(park=park), operator, now)
    Booth.objects.create(exhibition=planned, number="A1", price=3000)
    shown = exhibitions.announce_exhibition(exhibition=planned, by=operator, now=now)
    booth = shown.booths.get()
    booking = booths.book_booth(booth=booth, organisation=booked.organisation, by=seller, now=now)
    meeting = meet(booking, visitor, buyer, now)
    with pytest.raises(InputRefused):
        exhibitions.cancel_exhibition(exhibition=shown, by=operator, reason="", now=now)

    exhibitions.cancel_exhibition(exhibition=shown, by=operator, reason="台风", now=now)

    meeting.refresh_from_db()
    assert (meeting.status, sum(fee.amount for fee in Fee.objects.all())) == ("cancelled", 0)
    assert set(Booking.objects.values_list("status", flat=True)) == {"cancelled"}
    assert "exhibition.changed" in told(buyer)
    assert "exhibition.changed" in told(seller)
    with pytest.raises(exhibitions.ExhibitionNotInStateForThis):
        exhibitions.cancel_exhibition(exhibition=shown, by=operator, reason="台风", now=now)


def test_exhibitions_begin_and_end_by_the_clock(exhibition):
    assert Exhibition.objects.advance(TEN) == 1
    assert Exhibition.objects.advance(TEN) == 0
    assert Exhibition.objects.get().status == "running"
    advance_exhibitions()
    assert Exhibition.objects.get().status == "ended"


def test_planned_exhibitions_are_the_parks_alone(exhibition, operator, seller):
    hidden = ExhibitionFactory(hall=exhibition.hall, status="planned", announced_at=None)

    assert set(Exhibition.objects.visible_to(seller)) == {exhibition}
    assert set(Exhibition.objects.visible_to(operator)) == {exhibition, hidden}


@pytest.mark.django_db(transaction=True)
def test_booth_that_many_want_is_booked_once(now):
    sellers = [UserFactory() for _ in range(8)]
    firms = [OrganisationFactory(members=[seller]) for seller in sellers]
    booth = BoothFactory()

    outcomes = race(
        *[
            lambda firm=firm, seller=seller: booths.book_booth(booth=booth, organisation=firm, by=seller, now=now)
            for firm, seller in zip(firms, sellers, strict=True)
        ]
    )

    assert sum(isinstance(one, booths.BoothTaken) for one in outcomes) == 7
    assert Fee.objects.count() == 1
