import datetime as dt
import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation

from config.celery import app
from config.errors import InputRefused
from marketplace.models import Block, Listing
from matching import runs, services
from matching.live_index import live_index, ranker
from matching.live_index.trained import SHIPPED
from matching.models import IndexEntry, Match, MatchRun
from matching.ranking import Ranker
from matching.services import health
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
SENTENCE = "采购 304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"


@pytest.fixture
def buyer():
    user = UserFactory()
    OrganisationFactory(members=[user], region="331000")
    return user


def found_for(**question) -> list[Listing]:
    return [one.listing for one in services.search(**question).answer.found]


def test_request_matches_makes_one_run_and_rings(now, worker, django_capture_on_commit_callbacks):
    demand, supply = ListingFactory(side="demand", quantity=10), ListingFactory()
    runs.index_listings()

    with django_capture_on_commit_callbacks(execute=True):
        first = services.request_matches(listing=demand, now=now)
        second = services.request_matches(listing=demand, now=now)

    assert first == second
    assert MatchRun.objects.get().status == "done"
    assert Match.objects.get().supply == supply


def test_request_matches_refuses_what_is_not_open(now):
    with pytest.raises(services.ListingNotOpen):
        services.request_matches(listing=ListingFactory(status="paused"), now=now)


@pytest.mark.django_db(transaction=True)
def test_request_matches_by_eight_at_once_makes_one_run(monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", "memory://")
    listing, gate, found = ListingFactory(), threading.Barrier(8), []

    def request():
        gate.wait()
        try:
            found.append(services.request_matches(listing=listing, now=timezone.now()).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=request) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [MatchRun.objects.get().pk] * 8


def test_hear_changes_makes_a_posted_listing_findable_and_asks_for_its_run(now):
    listing, untouched = ListingFactory.create_batch(2)

    assert services.hear_changes(listing_ids=[listing.pk], now=now) == 1

    assert [entry.listing for entry in IndexEntry.objects.all()] == [listing]
    assert [run.listing for run in MatchRun.objects.all()] == [listing]
    assert untouched not in {run.listing for run in MatchRun.objects.all()}


def test_hear_changes_of_a_closed_listing_only_takes_it_out(now):
    listing = ListingFactory()
    runs.index_listings()
    index = live_index()
    index.refresh(now)
    assert len(index) == 1

    Listing.objects.filter(pk=listing.pk).update(status="closed", revision=2)
    services.hear_changes(listing_ids=[listing.pk], now=now)
    index.refresh(now)

    assert (len(index), MatchRun.objects.count()) == (0, 0)


def test_index_waiting_takes_the_to_do_list_in_batches(now):
    ListingFactory.create_batch(3)

    assert [services.index_waiting(now=now), services.index_waiting(now=now)] == [3, 0]
    assert MatchRun.objects.count() == 3


def test_save_index_saves_what_is_committed(now):
    ListingFactory.create_batch(2)
    runs.index_listings()

    assert services.save_index(now=now) == 2
    assert (live_index().folder / "present").exists()


def test_search_reads_the_sentence_and_looks_on_the_other_side(now, buyer):
    supply = ListingFactory()
    ListingFactory(side="demand")
    runs.index_listings()

    answer = services.search(text=SENTENCE, user=buyer, now=now)

    assert answer.side == "supply"
    assert answer.draft.values["attributes"] == {"DN": 50, "PN": 16, "material": "ss304"}
    assert [one.listing for one in answer.answer.found] == [supply]
    (one,) = answer.answer.found
    assert sum(reason["points"] for reason in one.reasons) == pytest.approx(one.score, abs=1e-6)


def test_search_looks_on_the_side_that_is_said(now, buyer):
    ListingFactory()
    demand = ListingFactory(side="demand")
    runs.index_listings()

    assert found_for(text="球阀", side="demand", user=buyer, now=now) == [demand]


def test_search_puts_what_breaks_a_rule_behind_with_the_rule(now, buyer):
    smaller = ListingFactory(attributes={"DN": 40, "PN": 16, "material": "ss304"})
    fits = ListingFactory()
    runs.index_listings()

    answer = services.search(text=SENTENCE, user=buyer, now=now).answer

    assert [one.listing for one in answer.found] == [fits, smaller]
    assert [refusal["rule"] for refusal in answer.found[1].refusals] == ["attribute.DN"]


def test_search_of_a_draft_leaves_out_what_breaks_a_rule(now, buyer):
    ListingFactory(attributes={"DN": 40})
    fits = ListingFactory()
    runs.index_listings()

    fields = {"side": "demand", "category": "valve.ball", "attributes": {"DN": 50}}
    assert found_for(text="球阀", fields=fields, user=buyer, now=now) == [fits]


def test_search_shows_what_the_user_may_see(now, buyer):
    public = ListingFactory()
    verified = ListingFactory(visibility="verified")
    named, other = ListingFactory(visibility="named"), ListingFactory(visibility="named")
    own = buyer.memberships.get().organisation
    named.audiences.create(organisation=own)
    blocked = ListingFactory()
    Block.objects.create(organisation=blocked.organisation, blocked=own, by=buyer, created_at=now)
    mine = ListingFactory(organisation=own)
    runs.index_listings()

    assert set(found_for(text="球阀", side="supply", user=buyer, now=now)) == {public, verified, named}
    assert set(found_for(text="球阀", side="supply", user=AnonymousUser(), now=now)) == {public, blocked, mine}
    assert other not in found_for(text="球阀", side="supply", user=buyer, now=now)


def test_search_sees_what_was_posted_a_moment_ago(now, buyer):
    assert found_for(text="球阀", user=buyer, now=now) == []

    supply = ListingFactory()
    services.hear_changes(listing_ids=[supply.pk], now=now)

    assert found_for(text="球阀", user=buyer, now=now) == [supply]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"text": "  "}, "q"),
        ({"text": "阀" * 2001}, "q"),
        ({"text": "球阀", "side": "both"}, "side"),
        ({"text": "球阀", "fields": {"quantity": "many"}}, "quantity"),
        ({"text": "球阀", "fields": {"colour": "red"}}, "colour"),
    ],
)
def test_search_names_the_field_it_cannot_take(now, buyer, question, field):
    with pytest.raises(InputRefused) as refusal, translation.override("en"):
        services.search(user=buyer, now=now, **question)

    assert list(refusal.value.errors) == [field]


def test_look_from_answers_at_once_and_keeps_nothing(now, buyer):
    demand = ListingFactory(side="demand", organisation=buyer.memberships.get().organisation)
    supply = ListingFactory()
    runs.index_listings()

    answer = services.look_from(listing=demand, user=buyer, now=now)

    assert [one.listing for one in answer.found] == [supply]
    assert Match.objects.count() == 0


def test_nearly_fitting_names_what_keeps_them_apart_the_fewest_first(now, buyer):
    own = buyer.memberships.get().organisation
    demand = ListingFactory(side="demand", organisation=own, quantity=10, price_max=100)
    twice = ListingFactory(attributes={"DN": 40, "PN": 10})
    once = ListingFactory(price_min=101)
    ListingFactory()
    ListingFactory(category=CategoryFactory(code="pump", name_zh="泵", name_en="Pump", family="pump", schema={}))
    runs.index_listings()

    near = services.nearly_fitting(listing=demand, user=buyer, now=now)

    assert [(one.listing, [refusal["rule"] for refusal in one.refusals]) for one in near] == [
        (once, ["price"]),
        (twice, ["attribute.DN", "attribute.PN"]),
    ]


def test_nearly_fitting_matches_once_what_it_names_is_changed(now, buyer):
    own = buyer.memberships.get().organisation
    demand = ListingFactory(side="demand", organisation=own, quantity=10)
    supply = ListingFactory(attributes={"DN": 40}, minimum_order=11, delivery_regions=["500000"])
    runs.index_listings()
    (near,) = services.nearly_fitting(listing=demand, user=buyer, now=now)
    assert {refusal["rule"] for refusal in near.refusals} == {"attribute.DN", "minimum_order", "region"}

    Listing.objects.filter(pk=supply.pk).update(
        attributes={"DN": 50}, minimum_order=10, delivery_regions=[], revision=2
    )
    runs.index_listings()

    assert services.nearly_fitting(listing=demand, user=buyer, now=now) == []
    assert [one.listing for one in services.look_from(listing=demand, user=buyer, now=now).found] == [supply]


def proven(**changes) -> dict:
    document = Ranker.load(SHIPPED / "ranker.json").to_dict()
    return {**document, "base": 12.5, "card": {"held_out": {"outcomes": {"low": 0.1}}}, **changes}


def test_promote_ranker_serves_from_the_next_question_on(now):
    shipped = ranker().version

    model = services.promote_ranker(document=proven(), now=now)

    assert ranker().version == model.version != shipped
    assert ranker().base == 12.5


def test_promote_ranker_refuses_one_without_figures(now):
    with pytest.raises(services.RankerUnproven):
        services.promote_ranker(document=proven(card={}), now=now)


def test_promote_ranker_refuses_one_of_other_features(now, tmp_path):
    with pytest.raises(ValueError, match="other features"):
        services.promote_ranker(document=proven(features=["age"]), now=now)

    file = tmp_path / "ranker.json"
    file.write_text("{}")
    with pytest.raises(CommandError, match=r"ranker\.json"):
        call_command("promote_ranker", file)


@pytest.fixture
def answering_worker(monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", "memory://")
    monkeypatch.setattr(health, "_seen", {})
    monkeypatch.setattr(
        health,
        "current_app",
        SimpleNamespace(
            control=SimpleNamespace(ping=lambda **_options: [{"worker": "pong"}]),
            connection_for_read=lambda: app.connection("memory://"),
        ),
    )


def test_readiness_is_ready_where_everything_works(now, answering_worker):
    ListingFactory()
    runs.index_listings()

    state = services.readiness(now=now)

    assert (state.is_ready, state.reasons, state.entries, state.lag_seconds) == (True, {}, 1, 0.0)


def test_readiness_says_how_far_the_index_is_behind(now, answering_worker):
    ListingFactory(updated_at=now - dt.timedelta(seconds=61))

    state = services.readiness(now=now)

    assert state.lag_seconds == 61.0
    assert state.reasons == {"index": "The index is 61 seconds behind."}


def test_readiness_names_a_broker_and_a_worker_that_are_away(now, answering_worker, monkeypatch):
    monkeypatch.setattr(health.current_app.control, "ping", lambda **_options: [])
    assert services.readiness(now=now).reasons == {"worker": "No Celery worker answers."}

    nowhere = "redis+socket:///nowhere/valkey.sock"
    monkeypatch.setattr(health.current_app, "connection_for_read", lambda: app.connection(nowhere))
    assert list(services.readiness(now=now).reasons) == ["broker"]
