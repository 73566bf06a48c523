import pytest

from matching.models import ProofRun, RankerModel, Replay, TrainingRun
from tests.factories import UserFactory
from tests.factories_ranker import ProofRunFactory, RankerModelFactory, RecallProofFactory, ReplayFactory

pytestmark = pytest.mark.django_db
LISTS = ("rankers", "ranker-trainings", "replays", "recall-proofs")


@pytest.fixture
def operator(client):
    user = UserFactory(is_staff=True)
    client.force_login(user)
    return user


@pytest.mark.parametrize("name", LISTS)
def test_operators_lists_do_not_exist_for_others(client, name):
    assert client.get(f"/api/v1/{name}/").status_code == 401

    client.force_login(UserFactory())

    assert client.get(f"/api/v1/{name}/").status_code == 404


def test_rankers_are_shown_with_what_the_gate_said(client, operator):
    refused = RankerModelFactory(status="refused")

    (one,) = client.get("/api/v1/rankers/").json()["results"]
    alone = client.get(f"/api/v1/rankers/{refused.version}/").json()

    assert one == alone
    assert (one["status"], one["serves"]) == ("refused", False)
    assert one["refusal"] == {"zh": "提升不足", "en": "It gains too little."}
    assert one["verdict"]["comparisons"]["outcomes"]["low"] == 0.04
    assert client.get("/api/v1/rankers/nobody/").status_code == 404


def test_ranker_is_promoted_and_rolled_back(client, operator):
    model = RankerModelFactory()

    promoted = client.post(f"/api/v1/rankers/{model.version}/promote/")
    back = client.post("/api/v1/rankers/roll-back/", {"why": "slow"}, content_type="application/json")

    assert promoted.json() == {"version": model.version, "is_shipped": False}
    assert back.json()["is_shipped"]
    assert RankerModel.objects.get().status == "retired"


def test_ranker_that_was_refused_is_a_conflict(client, operator):
    model = RankerModelFactory(status="refused")

    assert client.post(f"/api/v1/rankers/{model.version}/promote/").status_code == 409
    assert client.post("/api/v1/rankers/roll-back/", {"why": "x"}, content_type="application/json").status_code == 409


def test_ranker_is_not_rolled_back_without_a_reason(client, operator):
    RankerModelFactory(status="promoted")

    answer = client.post("/api/v1/rankers/roll-back/", {}, content_type="application/json")

    assert answer.status_code == 400
    assert RankerModel.objects.in_use().exists()


@pytest.mark.parametrize(("name", "model"), [("ranker-trainings", TrainingRun), ("recall-proofs", ProofRun)])
def test_run_is_asked_for_once_per_key(client, operator, name, model):
    answers = [client.post(f"/api/v1/{name}/", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    other = client.post(f"/api/v1/{name}/")

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"] == model.objects.get().pk
    assert other.status_code == 409


def test_replay_names_what_is_wrong(client, operator):
    said = {"day": "2026-03-02", "model": "nobody", "against": "fusion"}

    answer = client.post("/api/v1/replays/", said, content_type="application/json")

    assert answer.status_code == 400
    assert "model" in str(answer.json())
    assert not Replay.objects.exists()


def test_replay_is_shown_with_its_lists(client, operator):
    replay = ReplayFactory(status="done", summary={"lists": 0}, lists=[{"demand": 1}])

    assert client.get(f"/api/v1/replays/{replay.pk}/").json()["lists"] == [{"demand": 1}]
    assert "lists" not in client.get("/api/v1/replays/").json()["results"][0]
    assert client.get("/api/v1/replays/999/").status_code == 404


def test_proofs_are_shown_by_filter(client, operator):
    RecallProofFactory(run=ProofRunFactory(), recall=0.9)

    (one,) = client.get("/api/v1/recall-proofs/").json()["results"]

    assert one["shapes"][0]["recall"] == 0.9
    assert one["shapes"][0]["is_kept"] is False
