import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from config.errors import InputRefused
from matching import services
from matching.live_index import ranker
from matching.models import Match, MatchRun, ProofRun, RankerChange, RankerModel, Replay, TrainingRun
from matching.ranking.text import shipped_ranker
from tests.factories import ListingFactory, UserFactory
from tests.factories_ranker import ProofRunFactory, RankerModelFactory, RecallProofFactory, document

pytestmark = pytest.mark.django_db


def test_promote_lets_one_serve_in_place_of_another_and_notes_who(now):
    by = UserFactory()
    first, second = RankerModelFactory.create_batch(2)

    services.promote(ranker=first, by=by, now=now)
    services.promote(ranker=second, by=by, now=now, why="newer")

    assert ranker().version == second.version
    assert RankerModel.objects.get(pk=first.pk).status == "retired"
    change = RankerChange.objects.latest("pk")
    assert (change.ranker, change.replaced, change.by, change.why) == (second, first, by, "newer")


def test_promote_twice_is_once(now):
    model = RankerModelFactory()

    for _ in range(2):
        services.promote(ranker=model, by=None, now=now)

    assert RankerChange.objects.count() == 1


def test_promote_refuses_what_the_gate_refused_and_leaves_the_present_one(now):
    present = RankerModelFactory(status="promoted")

    with pytest.raises(services.RankerNotPromotable):
        services.promote(ranker=RankerModelFactory(status="refused"), by=None, now=now)

    assert RankerModel.objects.in_use().get() == present


@pytest.mark.django_db(transaction=True)
def test_promote_by_four_at_once_leaves_one():
    models, gate, stood = RankerModelFactory.create_batch(4), threading.Barrier(4), []

    def go(model):
        gate.wait()
        try:
            services.promote(ranker=model, by=None, now=timezone.now())
            stood.append(model)
        except services.RankerNotPromotable:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[model]) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert RankerModel.objects.in_use().count() == 1
    assert len(stood) == RankerChange.objects.count() >= 1


def test_roll_back_goes_step_by_step_to_the_shipped_one(now):
    by = UserFactory()
    first, second = RankerModelFactory.create_batch(2)
    services.promote(ranker=first, by=None, now=now)
    services.promote(ranker=second, by=None, now=now)

    assert services.roll_back(by=by, now=now, why=" prices weigh too much ") == first
    assert ranker().version == first.version
    assert services.roll_back(by=by, now=now, why="still") is None
    assert ranker().version == shipped_ranker().version

    change = RankerChange.objects.order_by("pk")[2]
    assert (change.kind, change.by, change.why) == ("rolled_back", by, "prices weigh too much")
    with pytest.raises(services.NothingToRollBack):
        services.roll_back(by=by, now=now, why="more")


def test_roll_back_wants_a_reason(now):
    RankerModelFactory(status="promoted")

    with pytest.raises(InputRefused) as refused:
        services.roll_back(by=UserFactory(), now=now, why="  ")

    assert list(refused.value.errors) == ["why"]


def test_record_ranker_keeps_a_refused_one_with_its_reasons(now):
    told = document(refusals=[{"zh": "在行业上不如", "en": "It loses on an industry."}])

    model = services.record_ranker(document=told, now=now)

    assert (model.status, model.refusal_en) == ("refused", "It loses on an industry.")
    assert model.verdict["comparisons"]["outcomes"]["difference"] == 0.06
    with pytest.raises(services.RankerNotPromotable):
        services.promote_ranker(document=told, now=now)


def test_request_training_and_proof_say_when_one_is_at_work(now):
    by = UserFactory()
    for request, model in ((services.request_training, TrainingRun), (services.request_proof, ProofRun)):
        run = request(by=by, now=now)

        assert (run.requested_by, run.status, run.day) == (by, "waiting", dt.date(2026, 3, 2))
        with pytest.raises(services.AlreadyAtWork):
            request(by=by, now=now + dt.timedelta(seconds=1))
        assert model.objects.count() == 1


@pytest.fixture
def matched(now):
    """Return a demand that was matched today with three supplies."""
    demand = ListingFactory(side="demand", quantity=10)
    run = MatchRun.objects.create(listing=demand, requested_at=now, status="done", revision=1, finished_at=now)
    for place, supply in enumerate(ListingFactory.create_batch(3), start=1):
        Match.objects.create(
            supply=supply, demand=demand, supply_organisation=supply.organisation,
            demand_organisation=demand.organisation, supply_revision=1, demand_revision=1, score=90 - place,
            rank=place, model_version="v", run=run, first_seen_at=now, updated_at=now,
        )  # fmt: skip
    return demand


def test_request_replay_makes_a_run(now, matched):
    asked = {"day": now.date(), "model": "shipped", "against": "fusion", "demands": 5}

    replay = services.request_replay(**asked, by=UserFactory(), now=now)

    assert (replay.status, replay.demands) == ("waiting", 5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": "nobody"}, "model"),
        ({"against": "nobody"}, "against"),
        ({"against": "shipped"}, "against"),
        ({"day": dt.date(2026, 3, 9)}, "day"),
        ({"demands": 0}, "demands"),
    ],
)
def test_request_replay_names_the_field_that_is_wrong(now, matched, changes, field):
    asked = {"day": now.date(), "model": "shipped", "against": "fusion", "demands": 5, **changes}

    with pytest.raises(InputRefused) as refused:
        services.request_replay(**asked, by=None, now=now)

    assert list(refused.value.errors) == [field]


def test_request_replay_refuses_a_day_without_lists(now, matched):
    asked = {"day": dt.date(2026, 1, 1), "model": "shipped", "against": "fusion", "demands": 5}

    with pytest.raises(services.NothingToReplay):
        services.request_replay(**asked, by=None, now=now)

    assert not Replay.objects.exists()


def test_readiness_warns_of_a_broken_proof_and_stays_ready(now):
    run = ProofRunFactory(missing=2)
    RecallProofFactory(run=run, recall=0.98)

    state = services.Readiness()
    services.health._look_at_index(state, now)

    assert state.is_ready
    assert state.warnings["recall"].endswith("none 0.9800, 2 listings missing.")


def test_record_candidates_keeps_what_came_with_the_program_and_lets_nothing_serve(now):
    kept = [services.record_candidates(now=now) for _ in range(2)]

    assert kept[0] == kept[1]
    assert {model.status for model in kept[0]} == {"refused"}
    assert all(model.refusal_zh and model.verdict["comparisons"]["outcomes"]["queries"] for model in kept[0])
    assert ranker().version == shipped_ranker().version
