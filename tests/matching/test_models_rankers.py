import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from matching.live_index import fusion, ranker, ranker_of
from matching.live_index.trained import encoder
from matching.models import ProofRun, RankerChange, RankerModel, RecallProof, Replay, TrainingRun
from matching.ranking.text import shipped_ranker
from tests.factories import UserFactory
from tests.factories_ranker import (
    ProofRunFactory,
    RankerModelFactory,
    RecallProofFactory,
    ReplayFactory,
    TrainingRunFactory,
    document,
)

pytestmark = pytest.mark.django_db


def refused_by_the_database(factory, **values) -> bool:
    try:
        with transaction.atomic():
            factory(**values)
    except IntegrityError:
        return True
    return False


def test_ranker_of_which_one_is_promoted_at_a_time():
    RankerModelFactory(status="promoted")

    assert refused_by_the_database(RankerModelFactory, status="promoted")
    assert not refused_by_the_database(RankerModelFactory, status="retired")


@pytest.mark.parametrize(
    "values",
    [
        {"status": "promoted", "promoted_at": None},
        {"status": "candidate", "promoted_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)},
        {"status": "retired", "retired_at": None},
        {"status": "refused", "refusal_en": ""},
        {"status": "refused", "refusal_zh": ""},
    ],
)
def test_ranker_says_when_and_why(values):
    assert refused_by_the_database(RankerModelFactory, **values)


def test_ranker_change_back_says_who_and_why(now):
    change = {"kind": "rolled_back", "at": now}

    assert refused_by_the_database(RankerChange.objects.create, **change, why="slow")
    assert refused_by_the_database(RankerChange.objects.create, **change, by=UserFactory())
    assert not refused_by_the_database(RankerChange.objects.create, **change, by=UserFactory(), why="slow")


def test_nightly_runs_are_made_once_a_night_and_again_after_a_failure(now):
    for model in (TrainingRun, ProofRun):
        first = model.objects.request(day=now.date(), now=now)

        assert first
        assert model.objects.request(day=now.date(), now=now + dt.timedelta(minutes=1)) is None

        model.objects.filter(pk=first).update(status="failed")
        assert model.objects.request(day=now.date(), now=now + dt.timedelta(minutes=2))


def test_nightly_run_of_a_person_waits_for_no_other_of_the_day(now):
    by = UserFactory()
    TrainingRunFactory(status="done", outcome="refused")

    assert TrainingRun.objects.request(day=now.date(), by=by, now=now)
    assert TrainingRun.objects.request(day=now.date(), by=by, now=now + dt.timedelta(minutes=1)) is None


def test_training_that_is_done_says_its_result():
    assert refused_by_the_database(TrainingRunFactory, status="done", outcome="")


@pytest.mark.parametrize("values", [{"recall": 1.1}, {"worst": -0.1}, {"queries": 0}, {"promised": 2}, {"allowed": 3}])
def test_recall_proof_keeps_to_shares(values):
    assert refused_by_the_database(RecallProofFactory, **values)


def test_recall_proof_once_per_shape():
    proof = RecallProofFactory()

    assert refused_by_the_database(RecallProofFactory, run=proof.run)


def test_recall_proof_of_the_latest_run_tells_what_is_broken(now):
    old = ProofRunFactory(requested_at=now - dt.timedelta(days=1), day=now.date() - dt.timedelta(days=1))
    RecallProofFactory(run=old, recall=0.5)
    latest = ProofRunFactory()
    kept = RecallProofFactory(run=latest, recall=0.995, promised=0.99)

    assert list(RecallProof.objects.of_latest_run()) == [kept]
    assert not RecallProof.objects.of_latest_run().broken().exists()
    assert kept.is_kept


@pytest.mark.parametrize("values", [{"against": Replay.SHIPPED}, {"demands": 0}, {"demands": 201}])
def test_replay_is_of_two_models_and_some_lists(values):
    assert refused_by_the_database(ReplayFactory, **values)


def test_ranker_in_use_is_the_promoted_one_on_the_same_texts():
    promoted = RankerModelFactory(
        status="promoted", embedding_version=encoder().version, fusion_version=fusion().version
    )
    assert ranker().version == promoted.version

    RankerModel.objects.update(embedding_version="another")
    assert ranker().version == shipped_ranker().version
    assert ranker_of(promoted.version).base == promoted.document["base"]


def test_ranker_recorded_again_keeps_its_status(now):
    told = document(refusals=[{"zh": "不足", "en": "Too little."}])
    first = RankerModel.objects.record(told, version="v", now=now)
    again = RankerModel.objects.record(document(), version="v", now=now)

    assert (first.status, first.refusal_en, first.refusal_zh) == ("refused", "Too little.", "不足")
    assert (again.pk, again.status) == (first.pk, "refused")
