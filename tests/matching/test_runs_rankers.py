import datetime as dt
import importlib.util

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketplace.models import Notification
from matching import runs, tasks
from matching.live_index import live_index, proof, ranker
from matching.models import (
    IndexEntry,
    Match,
    MatchEvent,
    MatchRun,
    ProofRun,
    RankerModel,
    RecallProof,
    Replay,
    TrainingRun,
)
from matching.models.match_event import Happening
from matching.ranking.outcomes import Outcome, _facts
from matching.runs import training
from seeds.outcomes import draw_outcomes
from tests.factories import ListingFactory, UserFactory
from tests.factories_ranker import RankerModelFactory, ReplayFactory, TrainingRunFactory, document

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def deals():
    """Return outcomes of the demo's choice model, spread over ten days."""
    drawn = draw_outcomes(1_800, today=dt.date(2026, 3, 2))
    return [
        Outcome(
            day=dt.date(2026, 2, 20) + dt.timedelta(days=place % 10),
            query=_facts(one["query"]),
            candidates=[_facts(candidate) for candidate in one["candidates"]],
            grades=np.array([candidate["grade"] for candidate in one["candidates"]]),
        )
        for place, one in enumerate(drawn)
    ]


def texts_alone():
    """Return a ranker that says what the fusion says: one that is easy to beat."""
    told = document()
    return {**told, "edges": {name: [] for name in told["edges"]}, "points": {name: [0.0] for name in told["points"]}}


def claimed(model, run, now):
    return model.objects.claim(run.pk, now=now)


def train(now, outcomes, *, trees=15):
    run = claimed(TrainingRun, TrainingRunFactory(), now)
    return training.train_ranker(run, clock=lambda: now, gather=lambda _since, _until: outcomes, trees=trees)


def test_train_ranker_promotes_what_beats_the_fusion_and_tells_the_operator(now, deals):
    operator = UserFactory(is_staff=True)
    in_use = RankerModelFactory(status="promoted", document=texts_alone())

    run = train(now, deals)

    model = RankerModel.objects.exclude(pk=in_use.pk).get()
    assert (run.status, run.outcome, model.status, model.promoted_by) == ("done", "promoted", "promoted", None)
    assert ranker().version == model.version
    assert model.verdict["comparisons"]["outcomes"]["difference"] >= 0.03
    assert {"industry", "language", "firm"} <= set(model.verdict["slices"])
    assert (run.lists, model.training_run) == (len(deals), run)
    assert Notification.objects.filter(user=operator, event="ranker.promoted").exists()


def test_train_ranker_lets_what_passed_wait_where_the_setting_says_so(now, deals, settings):
    settings.RANKER_PROMOTES_ITSELF = False
    in_use = RankerModelFactory(status="promoted", document=texts_alone())

    run = train(now, deals)

    assert (run.outcome, RankerModel.objects.latest("pk").status) == ("candidate", "candidate")
    assert ranker().version == in_use.version


def test_train_ranker_keeps_what_the_gate_refuses(now, deals, settings):
    settings.RANKER_MARGIN = 0.9

    run = train(now, deals)

    model = RankerModel.objects.get()
    assert (run.outcome, model.status) == ("refused", "refused")
    assert "does not reach +0.90" in model.refusal_en
    assert run.refusal_en == model.refusal_en


def test_train_ranker_refuses_too_few_results_without_a_model(now, deals):
    run = train(now, deals[:50])

    assert (run.status, run.outcome, run.lists) == ("done", "refused", 50)
    assert "at least 200" in run.refusal_en
    assert "至少需要 200" in run.refusal_zh
    assert not RankerModel.objects.exists()


def test_train_ranker_refuses_without_its_library(now, deals, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    run = train(now, deals)

    assert (run.outcome, run.refusal_en) == ("refused", "This server cannot learn: lightgbm is not installed.")


def test_train_ranker_that_breaks_leaves_the_reason(now):
    run = claimed(TrainingRun, TrainingRunFactory(), now)

    def gather(_since, _until):
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        training.train_ranker(run, clock=lambda: now, gather=gather)

    run.refresh_from_db()
    assert (run.status, run.failure) == ("failed", "OSError: no disk")


def test_train_ranker_that_was_replaced_writes_nothing(now, deals):
    run = claimed(TrainingRun, TrainingRunFactory(), now)
    TrainingRun.objects.filter(pk=run.pk).update(attempt=7)

    training.train_ranker(run, clock=lambda: now, gather=lambda *_days: deals[:50])

    run.refresh_from_db()
    assert (run.status, run.outcome) == ("running", "")


@pytest.fixture
def market():
    """Return forty supplies and ten demands, all in the index."""
    supplies = [
        ListingFactory(title_zh=f"{name} 球阀 DN{size}", title_en=f"{name} ball valve DN{size}")
        for name in ("304", "316L", "WCB", "铜")
        for size in (15, 20, 25, 32, 40, 50, 65, 80, 100, 125)
    ]
    demands = [ListingFactory(side="demand", quantity=10, title_zh=f"采购球阀 DN{size}") for size in range(10)]
    runs.index_listings()
    return supplies, demands


def proven(now, queries=6):
    return runs.prove_recall(
        claimed(ProofRun, ProofRun.objects.create(day=now.date(), requested_at=now), now),
        clock=lambda: now,
        queries=queries,
    )


def test_prove_recall_finds_the_exact_index_complete(now, market):
    found = proven(now)

    run = ProofRun.objects.get()
    assert (run.status, run.entries, run.missing, run.engine) == ("done", 50, 0, "VectorIndex")
    assert [one.shape for one in found.shapes] == list(RecallProof.Shape)
    assert set(RecallProof.objects.values_list("recall", "worst", "short", "queries")) == {(1.0, 1.0, 0, 6)}
    assert not Notification.objects.exists()


def test_prove_recall_sounds_the_alarm_where_the_index_lost_listings(now, market):
    operator, _trader = UserFactory(is_staff=True), UserFactory()
    index = live_index()
    index.refresh(now)
    lost = [one.pk for one in market[0][:8]]
    index.vectors.remove(lost)
    for pk in lost:
        index.table.remove(pk)

    found = proven(now)

    assert (found.missing, found.is_kept) == (8, False)
    assert RecallProof.objects.get(shape="none").recall < 1
    told = Notification.objects.get(channel="in_app", event="recall.broken")
    assert told.user == operator
    assert "8" in told.body_en


def test_prove_recall_notices_a_filter_that_loses_listings(now, market, monkeypatch):
    index = live_index()
    index.refresh(now)
    rules = type(index.table).allowed

    def allowed(table, query, today, *, rules_of=rules, rules=None):
        answer = rules_of(table, query, today, rules=rules)
        return answer & (table.ids % 2 == 0) if rules is None else answer

    monkeypatch.setattr(type(index.table), "allowed", allowed)

    found = {one.shape: one.recall for one in proven(now).shapes}

    assert found["all"] < 1
    assert found["none"] == 1


def test_prove_recall_leaves_out_what_has_no_vector_of_the_model_yet(now, market):
    waiting = [one.pk for one in market[0][:20]]
    IndexEntry.objects.filter(pk__in=waiting).update(model_version="another-model")

    found = proven(now)

    assert (found.entries, found.missing, found.is_kept) == (30, 0, True)


def test_prove_recall_of_an_empty_market_is_kept(now):
    assert proven(now).shapes == []
    assert ProofRun.objects.get().status == "done"


def test_prove_leaves_out_what_is_written_while_it_looks(now, market, monkeypatch):
    fetch = proof._rows

    def rows(steady):
        IndexEntry.objects.filter(pk=market[0][0].pk).update(sequence=10_000)
        yield from fetch(steady)

    monkeypatch.setattr(proof, "_rows", rows)

    assert proven(now).is_kept


@pytest.fixture
def matched(now, market):
    """Return a demand with twelve matches of today, of which one became an order."""
    demand = market[1][0]
    run = MatchRun.objects.create(listing=demand, requested_at=now, status="done", revision=1, finished_at=now)
    for place, supply in enumerate(market[0][:12], start=1):
        Match.objects.create(
            supply=supply, demand=demand, supply_organisation=supply.organisation,
            demand_organisation=demand.organisation, supply_revision=1, demand_revision=1, score=90 - place,
            rank=place, model_version="v", run=run, first_seen_at=now, updated_at=now,
        )  # fmt: skip
    ordered = Match.objects.order_by("pk")[4]
    MatchEvent.objects.record([Happening(ordered.pk, "demand", "accepted", now + dt.timedelta(days=2))])
    return demand


def test_replay_day_compares_two_models_on_what_followed(now, matched):
    run = claimed(Replay, ReplayFactory(), now)

    done = runs.replay_day(run, clock=lambda: now)

    assert (done.status, done.summary["lists"], done.summary["judged"]) == ("done", 1, 1)
    (one,) = done.lists
    assert one["demand"] == matched.pk
    assert 10 <= len(one["places"]) <= 12
    assert max(place["grade"] for place in one["places"]) == 3


def test_replay_day_that_breaks_leaves_the_reason(now, matched):
    run = claimed(Replay, ReplayFactory(model="nobody"), now)

    with pytest.raises(RankerModel.DoesNotExist):
        runs.replay_day(run, clock=lambda: now)

    run.refresh_from_db()
    assert run.status == "failed"


def test_tasks_heard_twice_work_once(now, matched, worker):
    replay = ReplayFactory()
    run = ProofRun.objects.create(day=now.date(), requested_at=now)

    for _ in range(2):
        tasks.replay_day(replay.pk)
        tasks.prove_recall(run.pk)

    replay.refresh_from_db()
    run.refresh_from_db()
    assert (replay.status, replay.attempt, run.status, run.attempt) == ("done", 1, "done", 1)


def test_request_training_and_proof_of_the_night_run_once(worker):
    for _ in range(2):
        tasks.request_training()
        tasks.request_proof()

    assert [run.outcome for run in TrainingRun.objects.all()] == ["refused"]
    assert [run.status for run in ProofRun.objects.all()] == ["done"]


def test_ring_models_again_wakes_the_dead_and_leaves_the_fresh(worker):
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    fresh = dt.datetime.now(dt.UTC)
    dead = TrainingRunFactory(requested_at=long_ago, started_at=long_ago, status="running")
    unheard = ProofRun.objects.create(day=long_ago.date(), requested_at=long_ago)
    young = ReplayFactory(requested_at=fresh, started_at=fresh, status="running")

    tasks.ring_models_again()

    for run in (dead, unheard, young):
        run.refresh_from_db()
    assert (dead.status, unheard.status, young.status) == ("done", "done", "running")


def test_prove_recall_command_prints_and_writes(market, tmp_path, capsys):
    call_command("prove_recall", queries=3, json=tmp_path / "proof.json")

    assert "VectorIndex, 50 listings, 0 missing" in capsys.readouterr().out
    assert '"recall": 1.0' in (tmp_path / "proof.json").read_text()


def test_replay_day_command_prints_and_writes(now, matched, tmp_path, capsys):
    call_command("replay_day", "2026-03-02", json=tmp_path / "replay.json")

    assert "1 lists, 1 of which led to something" in capsys.readouterr().out
    assert '"demand"' in (tmp_path / "replay.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["2026-03-02", "--model", "nobody"], "model: "), (["2025-01-01"], "2025-01-01")],
)
def test_replay_day_command_says_what_is_wrong(matched, arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("replay_day", *arguments)
