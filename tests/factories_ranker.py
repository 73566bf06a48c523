"""Rankers, trainings, proofs and replays for tests."""

import factory

from matching.live_index.trained import SHIPPED
from matching.models import ProofRun, RankerModel, RecallProof, Replay, TrainingRun
from matching.ranking import Ranker
from tests.factories import NOON, ListingFactory, UserFactory

GAIN = {"queries": 300, "fused": 0.7, "ranked": 0.76, "difference": 0.06, "low": 0.04, "high": 0.08}
LOSS = {"queries": 300, "fused": 0.7, "ranked": 0.69, "difference": -0.01, "low": -0.02, "high": -0.001}


def document(base: float = 12.5, **card) -> dict:
    """Return the shipped ranker with another base: other tables, so another version."""
    told = {"held_out": {"outcomes": GAIN}, "slices": {"language": {"zh": GAIN, "en": {**GAIN, "queries": 3}}}, **card}
    return {**Ranker.load(SHIPPED / "ranker.json").to_dict(), "base": base, "card": told}


class RankerModelFactory(factory.django.DjangoModelFactory):
    """A candidate; ``status="refused"`` and so on bring along what such a row must say."""

    class Meta:
        model = RankerModel

    class Params:
        base = factory.Sequence(lambda n: 20.0 + n)

    document = factory.LazyAttribute(lambda model: document(model.base))
    version = factory.LazyAttribute(lambda model: Ranker.from_dict(model.document).version)
    verdict = factory.LazyAttribute(
        lambda model: {"comparisons": model.document["card"]["held_out"], "slices": model.document["card"]["slices"]}
    )
    judged_at = NOON
    promoted_at = factory.LazyAttribute(lambda model: NOON if model.status in {"promoted", "retired"} else None)
    retired_at = factory.LazyAttribute(lambda model: NOON if model.status == "retired" else None)
    refusal_zh = factory.LazyAttribute(lambda model: "提升不足" if model.status == "refused" else "")
    refusal_en = factory.LazyAttribute(lambda model: "It gains too little." if model.status == "refused" else "")
    status = RankerModel.Status.CANDIDATE


class TrainingRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TrainingRun

    day = NOON.date()
    requested_at = NOON


class ProofRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ProofRun

    day = NOON.date()
    requested_at = NOON
    finished_at = NOON
    status = "done"
    engine = "VectorIndex"
    entries = 100


class RecallProofFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RecallProof

    run = factory.SubFactory(ProofRunFactory)
    shape = RecallProof.Shape.NONE
    queries = 50
    recall = 1.0
    worst = 1.0
    worst_listing = factory.SubFactory(ListingFactory)
    short = 0
    allowed = 1.0
    promised = 1.0


class ReplayFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Replay

    day = NOON.date()
    model = Replay.SHIPPED
    against = Replay.FUSION
    requested_by = factory.SubFactory(UserFactory)
    requested_at = NOON
