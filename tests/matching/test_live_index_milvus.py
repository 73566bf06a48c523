"""The live index with its vectors in Milvus: the same rows, the same answers, the same proof."""

import importlib.util
import logging

import pytest

from matching import runs
from matching.live_index import encoder, live_index
from matching.live_index.index import LiveIndex
from matching.live_index.proof import prove
from matching.models import RecallProof
from matching.retrieval.milvus_index import MilvusIndex
from tests.factories import ListingFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not (importlib.util.find_spec("pymilvus") and importlib.util.find_spec("milvus_lite")),
        reason="pymilvus and milvus-lite are not installed: they are the extra `milvus`",
    ),
]


@pytest.fixture
def in_milvus(settings, tmp_path):
    logging.getLogger("milvus_lite").setLevel(logging.WARNING)
    settings.VECTOR_ENGINE = f"milvus+lite://{tmp_path}/vectors.db"


def test_live_index_in_milvus_follows_the_rows_and_keeps_what_it_promises(in_milvus, now):
    demand = ListingFactory(side="demand", title_zh="采购球阀", title_en="", attributes={})
    ListingFactory.create_batch(6)
    runs.index_listings()
    closed, *_rest = ListingFactory.create_batch(3)
    runs.index_listings()
    closed.status = "closed"
    closed.save()
    runs.index_listings()

    proof = prove(now=now, seed="milvus", queries=5)

    assert isinstance(live_index().vectors, MilvusIndex)
    assert (proof.engine, proof.missing, proof.is_kept) == ("MilvusIndex", 0, True)
    assert {one.shape: (one.recall, one.short) for one in proof.shapes} == dict.fromkeys(RecallProof.Shape, (1.0, 0))
    assert demand.pk in live_index().table


def test_live_index_in_milvus_starts_from_its_snapshot(in_milvus, now, settings):
    ListingFactory.create_batch(4)
    runs.index_listings()
    index = live_index()
    index.refresh(now)
    index.save()

    other = LiveIndex(
        index.folder.parent,
        model_version=index.model_version,
        dim=encoder().dim,
        engine=settings.VECTOR_ENGINE,
    )
    other.refresh(now)

    assert isinstance(other.vectors, MilvusIndex)
    assert other.table.ids.tolist() == other.vectors.ids.tolist() == index.table.ids[index.table.order()].tolist()
    assert other.vectors.fresh_count == 0
