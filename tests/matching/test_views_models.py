import datetime as dt

import pytest
from django.urls import reverse

from matching.models import ProofRun, RankerModel, Replay, TrainingRun
from tests.factories import ListingFactory, UserFactory
from tests.factories_ranker import (
    LOSS,
    ProofRunFactory,
    RankerModelFactory,
    RecallProofFactory,
    ReplayFactory,
    TrainingRunFactory,
    document,
)

pytestmark = pytest.mark.django_db
PAGES = ("model_list", "replay_create", "recall_list")
ACTS = ("model_roll_back", "training_request", "proof_request")


@pytest.fixture
def operator(client):
    user = UserFactory(is_staff=True, language="en")
    client.force_login(user)
    return user


def page(client, name, *args, **query):
    return client.get(reverse(f"matching:{name}", args=args), query, headers={"accept-language": "en"})


def act(client, name, *args, **said):
    return client.post(reverse(f"matching:{name}", args=args), said, headers={"accept-language": "en"})


@pytest.mark.parametrize("name", PAGES)
def test_desk_pages_are_the_operators(client, name):
    client.force_login(UserFactory())

    answer = page(client, name)

    assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("marketplace:log_in"))


@pytest.mark.parametrize("name", ACTS)
def test_desk_acts_are_the_operators(client, name):
    client.force_login(UserFactory())

    answer = act(client, name, why="because")

    assert answer.url.split("?")[0] == reverse("marketplace:log_in")
    assert not TrainingRun.objects.exists()
    assert not ProofRun.objects.exists()


def test_model_list_shows_promoted_refused_and_shipped(client, operator):
    promoted = RankerModelFactory(status="promoted")
    refused = RankerModelFactory(status="refused", document=document(77.0, held_out={"outcomes": LOSS}))
    TrainingRunFactory(status="done", outcome="refused", refusal_en="Only 3 lists")

    said = page(client, "model_list").content.decode()

    assert promoted.version in said
    assert "Serves now" in said
    assert refused.version in said
    assert "It gains too little." in said
    assert "+0.060" in said
    assert "-0.020 … -0.001" in said
    assert "Only 3 lists" in said


def test_model_list_asks_as_often_for_three_as_for_one(client, operator, django_assert_max_num_queries):
    RankerModelFactory(status="refused")
    page(client, "model_list")
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(40) as asked:
            page(client, "model_list")
        counts.append(len(asked))
        RankerModelFactory.create_batch(2, status="retired")

    assert counts[0] == counts[1]


def test_model_detail_shows_each_part_of_the_market_with_its_interval(client, operator):
    model = RankerModelFactory(status="refused")

    said = page(client, "model_detail", model.version).content.decode()

    assert "Chinese" in said
    assert "+0.040 … +0.080" in said
    assert "1 part of the market has too few lists" in said
    assert "Refused:" in said


def test_model_detail_of_the_shipped_one_is_there_and_of_nobody_is_not(client, operator):
    assert page(client, "model_detail", "shipped").status_code == 200
    assert page(client, "model_detail", "nobody").status_code == 404


def test_model_promote_and_roll_back_change_who_serves(client, operator):
    model = RankerModelFactory()

    act(client, "model_promote", model.version)
    assert RankerModel.objects.in_use().get() == model

    act(client, "model_roll_back", why="worse on yarn")
    assert not RankerModel.objects.in_use().exists()
    assert "worse on yarn" in page(client, "model_list").content.decode()


def test_model_promote_of_a_refused_one_is_a_conflict(client, operator):
    refused = RankerModelFactory(status="refused")

    assert act(client, "model_promote", refused.version).status_code == 409


def test_model_roll_back_without_a_reason_says_so(client, operator):
    model = RankerModelFactory(status="promoted")

    answer = client.post(
        reverse("matching:model_roll_back"), {"why": ""}, follow=True, headers={"accept-language": "en"}
    )

    assert "Say why" in answer.content.decode()
    assert RankerModel.objects.in_use().get() == model


def test_training_and_proof_are_asked_for_once(client, operator):
    for name, model in (("training_request", TrainingRun), ("proof_request", ProofRun)):
        answers = [act(client, name).status_code for _ in range(2)]

        assert answers == [302, 409]
        assert model.objects.get().requested_by == operator


def test_replay_create_says_which_field_is_wrong(client, operator):
    answer = act(client, "replay_create", day="2026-03-02", model="shipped", against="shipped", demands=5)

    assert answer.status_code == 422
    assert "Choose another model" in answer.content.decode()
    assert not Replay.objects.exists()


def test_replay_create_refuses_a_day_without_lists(client, operator):
    answer = act(client, "replay_create", day="2026-03-02", model="shipped", against="fusion", demands=5)

    assert answer.status_code == 409


def replayed(now, **changes):
    demand, first, second = ListingFactory(side="demand"), ListingFactory(), ListingFactory()
    places = [
        {"id": first.pk, "model": 1, "against": 2, "grade": 3},
        {"id": second.pk, "model": 2, "against": 1, "grade": 0},
    ]
    lists = [{"demand": demand.pk, "overlap": 1.0, "moved": 1.0, "model": 1.0, "against": 0.63, "places": places}]
    summary = {
        "lists": 1, "overlap": 1.0, "moved": 1.0, "other_first": 1, "judged": 1, "model": 1.0, "against": 0.63,
        "difference": 0.37, "low": 0.37, "high": 0.37,
    }  # fmt: skip
    return ReplayFactory(status="done", finished_at=now, summary=summary, lists=lists, **changes)


def test_replay_detail_shows_both_orders_and_what_followed(client, operator, now):
    replay = replayed(now)

    said = page(client, "replay_detail", replay.pk).content.decode()

    assert "Texts alone (fusion)" in said
    assert "ordered" in said
    assert "1.000 ⇄ 0.630" in said
    assert "every 2s" not in said


def test_replay_detail_that_waits_asks_again(client, operator):
    assert "every 2s" in page(client, "replay_detail", ReplayFactory().pk).content.decode()


def test_replay_detail_outlives_its_listings(client, operator, now):
    replay = replayed(now)
    replay.lists[0]["demand"] = 10**9
    replay.save()

    assert "A listing that is gone" in page(client, "replay_detail", replay.pk).content.decode()


def test_recall_list_draws_each_filter_and_what_is_broken(client, operator, now):
    night_before = ProofRunFactory(requested_at=now - dt.timedelta(days=1), day=dt.date(2026, 3, 1))
    RecallProofFactory(run=night_before)
    RecallProofFactory(run=ProofRunFactory(missing=4), recall=0.75, worst=0.5)

    said = page(client, "recall_list").content.decode()

    assert "0.7500" in said
    assert said.count("<circle") == 2
    assert "is-bad" in said
    assert "100.00%" in said


def test_recall_list_asks_as_often_for_three_nights_as_for_one(client, operator, now, django_assert_max_num_queries):
    counts = []
    for night in range(3):
        run = ProofRunFactory(requested_at=now + dt.timedelta(days=night), day=now.date() + dt.timedelta(days=night))
        RecallProofFactory(run=run)
        with django_assert_max_num_queries(40) as asked:
            page(client, "recall_list")
        counts.append(len(asked))

    assert counts[0] == counts[2]


def test_pages_are_there_before_the_first_night(client, operator):
    for name in PAGES:
        assert page(client, name).status_code == 200
