import csv
import datetime as dt
import io

import openpyxl
import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import Block, Disclosure, Listing, Negotiation, Notification, Order
from marketplace.models.disclosure import Reader
from matching import runs
from matching.leads.filtering import LeadFilter
from matching.live_index.lead_book import bought_by_industry, lead_book
from matching.models import BuildingProject, FirmProfile, LeadContact
from matching.services import lead_exports, leads
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_lead import BuildingProjectFactory, past_demand, pump_makers, read_all
from tests.factories_order import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    return UserFactory(language="en")


@pytest.fixture
def supply(seller):
    return ListingFactory(organisation=OrganisationFactory(members=[seller], industry="3443"))


def found(supply, seller, now, **wanted) -> list[leads.Lead]:
    read_all(now)
    return leads.find_leads(supply=supply, user=seller, now=now, wanted=LeadFilter(**wanted))


def names(rows) -> set[str]:
    return {lead.subject.name for lead in rows}


def lead_of(subject, supply, seller, now) -> leads.Lead:
    read_all(now)
    key = f"{'p' if isinstance(subject, BuildingProject) else 'f'}{subject.pk}"
    return leads.lead_about(supply=supply, user=seller, key=key, now=now)


def hide(firm, **changes) -> Disclosure:
    facts = {
        "name_from": 0,
        "contact_from": 2,
        "documents_from": 2,
        "updated_at": firm.created_at,
        "updated_by": UserFactory(),
    }
    return Disclosure.objects.create(organisation=firm, **(facts | changes))


def test_find_leads_puts_firms_of_the_trade_before_others_with_reasons_that_sum(supply, seller, now):
    pumps = pump_makers(3)
    tea = OrganisationFactory(industry="1530", region="371103")

    rows = found(supply, seller, now)

    assert [lead.rank for lead in rows] == [1, 2, 3, 4]
    assert {lead.firm.pk for lead in rows[:3]} == {pump.pk for pump in pumps}
    assert rows[3].firm == tea
    for lead in rows:
        assert abs(sum(reason["points"] for reason in lead.reasons) - lead.score) < 1e-6
        assert all(reason["zh"] and reason["en"] for reason in lead.reasons)


def test_find_leads_mixes_in_the_projects_that_name_the_goods(supply, seller, now):
    pump_makers(2)
    fitting = BuildingProjectFactory()
    BuildingProjectFactory(equipment="围墙、绿化", stage="announced", industry="1530")

    rows = found(supply, seller, now)

    assert rows[0].project == fitting
    assert rows[0].key == f"p{fitting.pk}"


def test_find_leads_needs_a_category(supply, seller, now):
    Listing.objects.filter(pk=supply.pk).update(category=None)
    supply.refresh_from_db()

    with pytest.raises(InputRefused):
        leads.find_leads(supply=supply, user=seller, now=now)


def test_find_leads_leaves_out_who_may_not_be_proposed(supply, seller, now):
    stays, optout, blocking, blocked, asking, suspended = pump_makers(6)
    bank = OrganisationFactory(kind="bank", industry="6621")
    hide(optout, is_lead=False)
    by = UserFactory()
    Block.objects.create(organisation=blocking, blocked=supply.organisation, by=by, created_at=now)
    Block.objects.create(organisation=supply.organisation, blocked=blocked, by=by, created_at=now)
    read_all(now)
    ListingFactory(organisation=asking, side="demand")
    type(suspended).objects.filter(pk=suspended.pk).update(state="suspended")

    rows = leads.find_leads(supply=supply, user=seller, now=now)

    assert [lead.firm for lead in rows] == [stays]
    assert bank not in [lead.firm for lead in rows]


def test_find_leads_hides_the_name_of_who_hides_it(supply, seller, now):
    (firm,) = pump_makers(1)
    hide(firm, name_from=1)

    (lead,) = found(supply, seller, now)
    profile = FirmProfile.objects.get(pk=firm.pk)

    assert lead.key.startswith("h")
    assert str(firm.pk) not in lead.key or len(lead.key) > 15
    assert leads.lead_of_key(supply=supply, user=seller, key=lead.key, now=now) == firm
    assert leads.lead_of_key(supply=supply, user=seller, key=f"f{firm.pk}", now=now) is None
    assert (profile.industry, profile.region) == ("34", "331000")


def test_find_leads_shows_a_private_project_to_its_own_firm_alone(supply, seller, now):
    own = BuildingProjectFactory(brought_by=supply.organisation)
    BuildingProjectFactory(brought_by=OrganisationFactory())

    rows = found(supply, seller, now, kind="project")

    assert [lead.project for lead in rows] == [own]


def test_find_leads_leaves_out_projects_that_are_over(supply, seller, now):
    BuildingProjectFactory(stage="given_up")
    BuildingProjectFactory(finishes_on=now.date() - dt.timedelta(days=1))

    assert found(supply, seller, now) == []


def test_find_leads_reads_no_private_demand(supply, seller, now):
    asked, silent, *_others = pump_makers(12)
    past_demand(asked, now - dt.timedelta(days=30))
    past_demand(silent, now - dt.timedelta(days=30), visibility="verified")

    first, *others = found(supply, seller, now)

    assert first.firm == asked
    # The firm whose demand was private stands among those that posted nothing.
    assert max(lead.score for lead in others) - min(lead.score for lead in others) < 1
    assert FirmProfile.objects.get(pk=silent.pk).demands == {}
    assert "demands" in {reason["feature"] for reason in first.reasons}


def test_find_leads_narrows_down(supply, seller, now):
    near = pump_makers(1, region="331083")[0]
    pump_makers(1, region="371103")
    project = BuildingProjectFactory(region="371100", stage="construction")

    assert names(found(supply, seller, now, region="33")) == {near.name}
    assert names(found(supply, seller, now, kind="project")) == {project.name}
    assert names(found(supply, seller, now, stage="construction")) == {project.name}
    assert names(found(supply, seller, now, stage="design")) == set()
    assert names(found(supply, seller, now, industry="15")) == set()
    assert names(found(supply, seller, now, least_score=20.0)) == {project.name}


def test_find_leads_asks_the_same_number_of_questions_for_one_and_for_three(
    supply, seller, now, django_assert_num_queries, django_assert_max_num_queries
):
    pump_makers(1)
    BuildingProjectFactory()
    # Once before: what a process reads of the categories it keeps.
    found(supply, seller, now)
    with django_assert_max_num_queries(25) as first:
        leads.find_leads(supply=supply, user=seller, now=now)
    pump_makers(2)
    BuildingProjectFactory.create_batch(2)
    read_all(now)

    with django_assert_num_queries(len(first)):
        assert len(leads.find_leads(supply=supply, user=seller, now=now)) == 6


def test_record_contact_takes_a_won_lead_off_the_list_and_pushes_a_lost_one_down(supply, seller, now):
    won, lost, other = pump_makers(3)
    before = {lead.firm: lead.score for lead in found(supply, seller, now)}
    for firm, outcome in ((won, "won"), (lost, "lost")):
        leads.record_contact(
            supply=supply, lead=lead_of(firm, supply, seller, now), by=seller, outcome=outcome, now=now
        )

    rows = leads.find_leads(supply=supply, user=seller, now=now)

    assert {lead.firm for lead in rows} == {lost, other}
    scores = {lead.firm: lead.score for lead in rows}
    assert scores[lost] < scores[other]
    assert scores[lost] < before[lost]
    assert "lost" in {reason["feature"] for lead in rows if lead.firm == lost for reason in lead.reasons}
    assert [lead.firm for lead in found(supply, seller, now, state="lost")] == [lost]
    assert [lead.firm for lead in found(supply, seller, now, state="new")] == [other]


def test_record_contact_twice_writes_once(supply, seller, now):
    (firm,) = pump_makers(1)
    lead = lead_of(firm, supply, seller, now)
    said = {"supply": supply, "lead": lead, "by": seller, "outcome": "contacted", "note": "called"}

    first = leads.record_contact(now=now, **said)
    again = leads.record_contact(now=now + dt.timedelta(minutes=1), **said)

    assert first == again
    assert first.score == lead.score


def test_record_contact_refuses_what_cannot_be(supply, seller, now):
    (firm,) = pump_makers(1)
    lead = lead_of(firm, supply, seller, now)

    with pytest.raises(InputRefused):
        leads.record_contact(supply=supply, lead=lead, by=seller, outcome="maybe", now=now)
    with pytest.raises(InputRefused):
        leads.record_contact(supply=supply, lead=lead, by=seller, outcome="won", note="x" * 2001, now=now)
    leads.record_contact(supply=supply, lead=lead, by=seller, outcome="won", now=now)
    with pytest.raises(leads.LeadAlreadyWon):
        leads.record_contact(supply=supply, lead=lead, by=seller, outcome="contacted", now=now)


def test_won_calls_of_many_firms_speak_for_their_industry(supply, seller, now):
    pump, tea = pump_makers(1)[0], OrganisationFactory(industry="1530")
    before = {lead.firm: lead.score for lead in found(supply, seller, now)}
    for _number in range(5):
        other = ListingFactory(organisation=OrganisationFactory())
        for target, outcome in (
            (OrganisationFactory(industry="3441"), "won"),
            (OrganisationFactory(industry="1530"), "lost"),
        ):
            LeadContact.objects.create(
                organisation=other.organisation, supply=other, category=supply.category, firm=target,
                industry=target.industry, outcome=outcome, by=UserFactory(), at=now,
            )  # fmt: skip

    after = {lead.firm: lead for lead in leads.find_leads(supply=supply, user=seller, now=now)}

    assert after[pump].score > before[pump]
    assert after[tea].score < before[tea]
    assert "experience" in {reason["feature"] for reason in after[pump].reasons}


def test_won_calls_of_four_firms_stay_their_own(supply, seller, now):
    (pump,) = pump_makers(1)
    before = found(supply, seller, now)[0].score
    for _number in range(4):
        other = ListingFactory(organisation=OrganisationFactory())
        LeadContact.objects.create(
            organisation=other.organisation, supply=other, category=supply.category, firm=pump,
            industry="3441", outcome="lost", by=UserFactory(), at=now,
        )  # fmt: skip

    assert leads.find_leads(supply=supply, user=seller, now=now)[0].score == before


def test_invite_lead_opens_one_negotiation_and_notes_it(supply, seller, now):
    (firm,) = pump_makers(1)
    lead = lead_of(firm, supply, seller, now)

    first = leads.invite_lead(supply=supply, lead=lead, by=seller, now=now)
    again = leads.invite_lead(supply=supply, lead=lead, by=seller, now=now)

    assert first == again
    assert (first.buyer, first.seller, first.supply) == (firm, supply.organisation, supply)
    assert first.origin == Negotiation.Origin.INVITATION
    assert first.match_score == lead.score
    assert LeadContact.objects.get().negotiation == first


def test_invite_lead_of_a_project_needs_its_owner_here(supply, seller, now):
    owner = OrganisationFactory()
    known, unknown = BuildingProjectFactory(owner=owner), BuildingProjectFactory()

    assert leads.invite_lead(supply=supply, lead=lead_of(known, supply, seller, now), by=seller, now=now).buyer == owner
    with pytest.raises(leads.LeadNotOnThePlatform):
        leads.invite_lead(supply=supply, lead=lead_of(unknown, supply, seller, now), by=seller, now=now)


def test_own_orders_speak_for_a_buyer(supply, seller, now):
    ours, other = pump_makers(2)
    before = {lead.firm: lead.score for lead in found(supply, seller, now)}
    OrderFactory(buyer=ours, seller=supply.organisation, supply=supply, confirmed_at=now - dt.timedelta(days=9))

    after = {lead.firm: lead for lead in leads.find_leads(supply=supply, user=seller, now=now)}

    assert after[ours].score > before[ours]
    assert after[other].score == pytest.approx(before[other])
    assert "ours" in {reason["feature"] for reason in after[ours].reasons}


def test_bought_by_industry_counts_over_five_firms_at_least(supply, now):
    for firm in pump_makers(4):
        OrderFactory(buyer=firm, seller=supply.organisation, supply=supply)
    assert bought_by_industry() == {}

    OrderFactory(buyer=pump_makers(1)[0], seller=supply.organisation, supply=supply)

    assert Order.objects.count() == 5
    assert bought_by_industry() == {"valve.ball": {"3441": 5}}


def test_exports_hold_what_is_shown_and_no_formula(supply, seller, now):
    (firm,) = pump_makers(1, contact_phone="+86 10 1234")
    BuildingProjectFactory(name="=HYPERLINK(1)")
    rows = found(supply, seller, now)

    text, _type = lead_exports.write_leads(rows, reader=Reader(seller), suffix="csv")
    sheet, _type = lead_exports.write_leads(rows, reader=Reader(seller), suffix="xlsx")

    table = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row[3] for row in table[1:]] == ["'=HYPERLINK(1)", firm.name]
    # Whom to call is shown from the first answer of a negotiation on.
    assert table[2][9] == ""
    cells = openpyxl.load_workbook(io.BytesIO(sheet)).active
    assert (cells["D2"].value, cells["D2"].data_type) == ("=HYPERLINK(1)", "s")


def test_read_firms_reads_again_what_was_published_since(supply, seller, now):
    (firm,) = pump_makers(1)
    read_all(now)
    later = now + dt.timedelta(minutes=5)
    ListingFactory(organisation=firm, side="supply", published_at=later, updated_at=later)

    assert runs.read_firms(now=later + dt.timedelta(seconds=1)) == 1
    assert FirmProfile.objects.get(pk=firm.pk).sells == ["valve.ball"]
    assert runs.read_firms(now=later + dt.timedelta(seconds=2)) == 0


def test_lead_book_takes_over_what_changed(supply, seller, now):
    project = BuildingProjectFactory(equipment="围墙")
    (before,) = found(supply, seller, now)
    later = now + dt.timedelta(minutes=1)
    BuildingProject.objects.filter(pk=project.pk).update(equipment="球阀", text_version="", updated_at=later)
    runs.read_projects(now=later)

    (after,) = leads.find_leads(supply=supply, user=seller, now=now)

    assert after.score > before.score
    assert len(lead_book().projects) == 1


def test_tell_of_projects_tells_sellers_once(supply, seller, now):
    BuildingProjectFactory()
    BuildingProjectFactory(equipment="茶叶包装")
    BuildingProjectFactory(brought_by=OrganisationFactory())
    runs.read_projects(now=now)

    first = runs.tell_of_projects(now=now)
    again = runs.tell_of_projects(now=now)

    assert (first, again) == (1, 0)
    told = Notification.objects.filter(event="project.found", user=seller, channel="in_app").get()
    assert "1 new building project may need" in told.title_en
    assert BuildingProject.objects.filter(told_at=None).count() == 0


def test_lead_contact_is_with_one_other(supply, seller, now):
    facts = {"organisation": supply.organisation, "supply": supply, "outcome": "won", "by": seller, "at": now}
    for wrong in (
        {},
        {"firm": supply.organisation},
        {"firm": OrganisationFactory(), "project": BuildingProjectFactory()},
    ):
        with pytest.raises(IntegrityError, match="lead_contact_is_with"), transaction.atomic():
            LeadContact.objects.create(**facts, **wrong)
