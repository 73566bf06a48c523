import datetime as dt
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from rest_framework.test import APIClient

from matching import runs, services, tasks
from matching.models import LearningRun, Match, MatchEvent, MatchRun
from matching.models.match_event import Happening
from matching.ranking.outcomes import read_outcomes
from matching.services.nightly import AlreadyAtWork
from tests.factories import ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.matching.test_events import closed_order, matches_of

pytestmark = pytest.mark.django_db
KIND = MatchEvent.Kind


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def operator():
    return UserFactory(is_staff=True, language="en")


@pytest.fixture
def demand():
    return ListingFactory(organisation=OrganisationFactory(), side="demand", quantity=10)


def history(demand, now, *, supplies=4) -> list[Match]:
    """Show a buyer the same matches on two days; it opens the first and contacts the second."""
    found = matches_of(demand, *ListingFactory.create_batch(supplies), at=now - dt.timedelta(days=9), buyer_chance=0.3)
    for day, order in ((8, found), (5, found[::-1])):
        MatchEvent.objects.record_shown(order, "demand", 1, now - dt.timedelta(days=day))
    acts = [(found[0], KIND.OPENED, 8), (found[0], KIND.OPENED, 5), (found[1], KIND.CONTACTED, 8)]
    MatchEvent.objects.record(
        Happening(match.pk, "demand", kind, now - dt.timedelta(days=day)) for match, kind, day in acts
    )
    return found


def reckoned(now) -> LearningRun:
    run_id = LearningRun.objects.request(day=now.date(), now=now)
    runs.reckon(LearningRun.objects.claim(run_id, now=now), clock=lambda: now)
    return LearningRun.objects.get(pk=run_id)


def test_gathered_outcomes_carry_places_and_what_became_of_each(demand, now):
    found = history(demand, now)

    first, second = runs.gathered_outcomes((now - dt.timedelta(days=10)).date(), now.date())

    places = {match.supply_id: match for match in found}
    labels = dict(zip([one.id for one in first.candidates], first.labels, strict=True))
    assert [labels[pk].position for pk in places] == [1, 2, 3, 4]
    assert [labels[pk].grade for pk in places] == [1, 2, 0, 0]
    assert labels[found[1].supply_id].weight > labels[found[0].supply_id].weight == 1.0
    assert [label.settled for label in second.labels].count(True) == 1


def test_export_outcomes_writes_what_train_ranker_reads_and_hides_who_it_is(demand, now, tmp_path, capsys):
    history(demand, now)
    closed_order(demand, ListingFactory(), now)

    call_command("export_outcomes", tmp_path / "out.jsonl.gz")

    model, outcomes = read_outcomes(tmp_path / "out.jsonl.gz")
    assert model["name"] == "observed on this platform"
    assert len(outcomes) == 2
    assert {outcome.query.id for outcome in outcomes} != {demand.pk}
    assert len({outcome.query.organisation for outcome in outcomes}) == 1
    assert "2 lists with 8 counterparts" in capsys.readouterr().out


def test_reckon_holds_chances_against_what_came(demand, now):
    history(demand, now)

    run = reckoned(now)

    assert (run.status, run.shown) == ("done", 4)
    buyers = run.document["demand"]["calibration"]
    assert (buyers["rows"], buyers["came"]) == (4, 1)
    assert run.document["supply"]["pairs"] == 0
    assert json.dumps(run.document)


def test_reckon_of_orders_takes_late_and_disputed_as_not_fulfilled(demand, now):
    first, second = ListingFactory.create_batch(2)
    matches_of(demand, first, second, at=now, fulfilment_chance=0.8)
    closed_order(demand, first, now)
    closed_order(demand, second, now, on_time="0.5")
    runs.gather_events()

    run = reckoned(now)

    assert run.orders == 2
    assert run.document["fulfilled"]["came"] == 1


def test_reckon_that_breaks_leaves_failed_with_the_reason(now):
    run_id = LearningRun.objects.request(day=now.date(), now=now)
    run = LearningRun.objects.claim(run_id, now=now)
    run.day = None

    with pytest.raises(TypeError):
        runs.reckon(run, clock=lambda: now)

    assert LearningRun.objects.get().status == "failed"


def test_request_reckoning_twice_is_refused(operator, now):
    services.request_reckoning(by=operator, now=now)

    with pytest.raises(AlreadyAtWork):
        services.request_reckoning(by=operator, now=now + dt.timedelta(minutes=1))


def test_request_reckoning_by_the_clock_is_done_once_a_night(worker, demand, now):
    tasks.request_reckoning()
    tasks.request_reckoning()

    assert LearningRun.objects.get().status == "done"


def test_learning_shows_events_curves_and_calibration(client, operator, demand, now):
    history(demand, now)
    reckoned(now)
    client.force_login(operator)

    html = client.get(reverse("matching:learning"), headers={"accept-language": "en"}).content.decode()

    assert "Matches shown since" in html
    assert html.count("<svg") >= 5
    assert "running mean" in html


def test_learning_before_the_first_reckoning_shows_the_shipped_model(client, operator):
    client.force_login(operator)

    html = client.get(reverse("matching:learning"), headers={"accept-language": "en"}).content.decode()

    assert "The first reckoning comes tonight" in html


def test_learning_needs_as_many_queries_for_many_events(
    client, operator, demand, now, django_assert_num_queries, django_assert_max_num_queries
):
    history(demand, now, supplies=2)
    client.force_login(operator)
    url = reverse("matching:learning")
    client.get(url)
    with django_assert_max_num_queries(20) as first:
        client.get(url)
    history(ListingFactory(side="demand", quantity=10), now)

    with django_assert_num_queries(len(first)):
        client.get(url)


def test_learning_of_a_stranger_is_not_shown(client):
    client.force_login(UserFactory())

    assert client.get(reverse("matching:learning")).status_code == 302
    assert client.post(reverse("matching:learning_request")).status_code == 302


def test_learning_request_asks_a_worker(client, operator):
    client.force_login(operator)

    answer = client.post(reverse("matching:learning_request"))

    assert answer.status_code == 302
    assert LearningRun.objects.get().requested_by == operator


def test_api_of_learning_is_the_operators_alone(operator, demand, now):
    history(demand, now)
    reckoned(now)
    api = APIClient()
    api.force_authenticate(operator)

    days = api.get("/api/v1/match-events/").json()
    (run,) = api.get("/api/v1/reckonings/").json()["results"]

    assert sum(day["counts"]["shown"] for day in days) == 8
    assert run["document"]["demand"]["pairs"] == 4
    api.force_authenticate(UserFactory())
    assert api.get("/api/v1/match-events/").status_code == 404
    assert api.post("/api/v1/reckonings/").status_code == 404


def test_match_detail_says_the_chances_in_words(client, demand, now):
    buyer = MembershipFactory(organisation=demand.organisation, user__language="en").user
    (found,) = matches_of(
        demand, ListingFactory(), at=now, buyer_chance=0.31, seller_chance=0.02, fulfilment_chance=0.97
    )
    client.force_login(buyer)

    html = client.get(
        reverse("matching:match_detail", args=[found.pk]), headers={"accept-language": "en"}
    ).content.decode()

    assert "about 3 in 10" in html
    assert "fewer than 1 in 20" in html
    assert "nearly always" in html


def test_find_matches_says_three_chances_and_what_the_record_forecasts(demand, now):
    supply = ListingFactory()
    for hours in (30, 20, 10):
        closed_order(ListingFactory(side="demand"), supply, now - dt.timedelta(hours=hours))
    runs.index_listings()
    (run_id,) = MatchRun.objects.request([demand.pk], now=now)

    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=lambda: now)

    found = Match.objects.get(demand=demand, supply=supply)
    assert all(0 < chance < 1 for chance in found.chances.values())
    (said,) = [reason for reason in found.reasons if reason["feature"] == "in_full"]
    assert (said["points"], "3 orders" in said["en"]) == (0.0, True)
    assert sum(reason["points"] for reason in found.reasons) == pytest.approx(found.score, abs=1e-6)
