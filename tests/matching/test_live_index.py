import datetime as dt
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from marketplace import parsing
from marketplace.models import Category, Listing
from matching import runs
from matching.live_index import LiveIndex, encoder, facts_of, live_index, snapshot, with_facts
from matching.live_index import index as index_module
from matching.live_index.trained import NORMAL_FORM
from matching.models import IndexEntry
from tests.factories import ListingFactory

pytestmark = pytest.mark.django_db


def facts(listing: Listing, now):
    (row,) = facts_of(with_facts(Listing.objects.filter(pk=listing.pk)), now=now)
    return row


def proposed(index: LiveIndex, listing: Listing, now) -> list[int]:
    query = facts(listing, now)
    index.refresh(now)
    vector = encoder().encode([query.text])[0]
    return index.candidates(query, vector, now.date(), limit=100).ids.tolist()


def another_process() -> LiveIndex:
    present = live_index()
    return LiveIndex(present.folder.parent, model_version=present.model_version, dim=encoder().dim)


@pytest.fixture
def demand():
    return ListingFactory(side="demand", title_zh="采购球阀", title_en="", attributes={})


def test_live_index_sees_what_was_written_since(now, demand):
    index = live_index()
    assert proposed(index, demand, now) == []

    supply = ListingFactory()
    runs.index_listings()

    assert proposed(index, demand, now) == [supply.pk]


def test_live_index_follows_edits_and_closings(now, demand):
    first, second = ListingFactory.create_batch(2)
    runs.index_listings()
    index = live_index()
    assert sorted(proposed(index, demand, now)) == [first.pk, second.pk]

    Listing.objects.filter(pk=first.pk).update(revision=2, attributes={"DN": 80})
    Listing.objects.filter(pk=second.pk).update(revision=2, status="closed")
    runs.index_listings()
    assert proposed(index, demand, now) == [first.pk]

    Listing.objects.filter(pk=demand.pk).update(attributes={"DN": 50})
    assert proposed(index, demand, now) == []

    Listing.objects.filter(pk=second.pk).update(revision=3, status="open")
    runs.index_listings()
    assert proposed(index, demand, now) == [second.pk]


def test_live_index_built_at_once_proposes_the_same_as_one_that_grew(now, demand):
    grown = live_index()
    for number in range(12):
        ListingFactory(title_zh=f"球阀 DN{number}", title_en="", attributes={})
        runs.index_listings()
        grown.refresh(now)
    built = another_process()

    assert proposed(built, demand, now) == proposed(grown, demand, now)
    assert len(built) == len(grown) == 13


def test_live_index_scores_every_candidate_by_both_legs(now, demand):
    ListingFactory.create_batch(3, title_zh="闸阀", title_en="Gate valve")
    runs.index_listings()
    index = live_index()
    index.refresh(now)
    query = facts(demand, now)
    vector = encoder().encode([query.text])[0]

    found = index.candidates(query, vector, now.date(), limit=100)

    entries = {entry.pk: entry for entry in IndexEntry.objects.all()}
    stored = [np.frombuffer(entries[pk].vector, dtype="<f2").astype(np.float32) for pk in found.ids.tolist()]
    assert found.embedding.tolist() == pytest.approx([each @ vector for each in stored], abs=1e-5)
    assert np.all(np.diff(found.fused) <= 0)


def test_live_index_adds_those_that_are_asked_for_as_far_as_the_rules_allow(now, demand):
    supplies = ListingFactory.create_batch(3)
    too_small = ListingFactory(attributes={"DN": 15})
    demand.attributes = {"DN": 50}
    demand.save()
    runs.index_listings()
    index = live_index()
    index.refresh(now)
    query = facts(demand, now)
    vector = encoder().encode([query.text])[0]
    wanted = [supplies[2].pk, too_small.pk, demand.pk, 10**9]

    found = index.candidates(query, vector, now.date(), limit=1, also=wanted)

    assert found.ids.tolist() == [supplies[0].pk, supplies[2].pk]
    assert found.allowed == 3


def test_live_index_minds_the_rules_of_a_category_that_was_edited(now, demand):
    demand.attributes = {"colour": "red"}
    demand.save()
    supply = ListingFactory(attributes={"colour": "blue"})
    runs.index_listings()
    assert proposed(live_index(), demand, now) == [supply.pk]

    schema = {"type": "object", "properties": {"colour": {"type": "string", "match": "equal"}}}
    Category.objects.update(schema=schema, changed_at=now + dt.timedelta(hours=1))

    assert proposed(live_index(), demand, now) == []


def test_snapshot_gives_the_next_process_the_same_index(now, demand, monkeypatch):
    ListingFactory.create_batch(5)
    gone = ListingFactory()
    runs.index_listings()
    index = live_index()
    before = proposed(index, demand, now)
    index.save()
    late = ListingFactory()
    Listing.objects.filter(pk=gone.pk).update(revision=2, status="paused")
    runs.index_listings()
    monkeypatch.setattr(LiveIndex, "_build", lambda *_args: pytest.fail("the snapshot was not taken"))

    after = proposed(another_process(), demand, now)

    assert sorted(after) == sorted({*before, late.pk} - {gone.pk})
    assert after == proposed(index, demand, now)


def test_live_index_changes_over_to_a_newer_snapshot_when_much_is_new(now, demand, monkeypatch):
    monkeypatch.setattr(index_module, "NEWS", 3)
    supplies = ListingFactory.create_batch(2)
    runs.index_listings()
    index = live_index()
    index.refresh(now)
    index.save()
    other = another_process()
    other.refresh(now)
    supplies += ListingFactory.create_batch(4)
    Listing.objects.filter(pk=supplies[0].pk).update(revision=2, status="paused")
    runs.index_listings()
    assert len(proposed(other, demand, now)) == 5
    assert other.vectors.fresh_count > 3
    index.refresh(now)
    index.save()
    late = ListingFactory()
    runs.index_listings()

    other.refresh(now)
    other.wait_for_snapshot()

    assert sorted(proposed(other, demand, now)) == sorted(one.pk for one in (*supplies[1:], late))
    assert other.vectors.fresh_count == 1


def test_live_index_closes_holes_in_all_parts_at_once(now, demand, monkeypatch):
    monkeypatch.setattr(index_module, "NEWS", 3)
    supplies = ListingFactory.create_batch(4)
    index = live_index()
    for revision in range(1, 5):
        Listing.objects.update(revision=revision)
        runs.index_listings()
        index.refresh(now)

    assert sorted(proposed(index, demand, now)) == [one.pk for one in supplies]
    assert len(index.table.ids) < 4 * 5
    assert index.table.ids.tolist() == index.keywords.ids.tolist() == index.vectors.ids.tolist()


def test_live_index_knows_that_an_entry_was_deleted_while_it_was_away(now, demand):
    first, second = ListingFactory.create_batch(2)
    runs.index_listings()
    live_index().refresh(now)
    live_index().save()
    IndexEntry.objects.filter(pk=first.pk).delete()
    Listing.objects.filter(pk=first.pk).update(published_at=None, status="draft")

    other = another_process()

    assert proposed(other, demand, now) == [second.pk]
    assert other.sequences.digest() == IndexEntry.objects.digest()


def test_snapshot_that_is_damaged_is_built_from_rows(now, demand, caplog):
    ListingFactory.create_batch(3)
    runs.index_listings()
    index = live_index()
    before = proposed(index, demand, now)
    index.save()
    (file,) = index.folder.glob("snapshot-*/vectors/vectors.npy")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    after = proposed(another_process(), demand, now)

    assert after == before
    assert "damaged (vectors/vectors.npy)" in caplog.text


def test_snapshot_of_another_database_is_not_believed(now, demand):
    ListingFactory.create_batch(3)
    runs.index_listings()
    live_index().refresh(now)
    live_index().save()
    IndexEntry.objects.all().delete()
    Listing.objects.filter(side="supply").update(title_zh="闸阀", title_en="Gate valve")
    runs.index_listings()
    other = another_process()

    proposed(other, demand, now)

    assert other.keywords.search("gate", 10)[0].size == 3
    assert other.keywords.search("flanged", 10)[0].size == 0


def test_snapshot_of_another_program_version_is_not_believed(now, demand, monkeypatch):
    runs.index_listings()
    live_index().refresh(now)
    live_index().save()
    assert snapshot.is_there(live_index().folder)

    monkeypatch.setattr(snapshot, "code_version", lambda: "other")

    assert snapshot.load(live_index().folder) is None
    assert not snapshot.is_there(live_index().folder)


def test_text_version_depends_on_every_module_that_makes_the_normal_form():
    script = "import sys, marketplace.parsing.normal_form; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = [name.removeprefix("marketplace.parsing.") for name in answer.stdout.split()]

    assert set(NORMAL_FORM) == {name for name in loaded if (Path(parsing.__file__).parent / f"{name}.py").exists()}


def test_snapshot_leaves_only_the_present_one(now, demand):
    runs.index_listings()
    for _ in range(3):
        live_index().refresh(now)
        live_index().save()

    assert len([path for path in live_index().folder.iterdir() if path.is_dir()]) == 1


@pytest.mark.django_db(transaction=True)
def test_live_index_may_be_searched_by_threads_while_it_grows():
    now = timezone.now()
    demand = ListingFactory(side="demand")
    supplies = ListingFactory.create_batch(5)
    runs.index_listings()
    failures, is_over = [], threading.Event()

    def search():
        try:
            while not is_over.is_set():
                found = proposed(live_index(), demand, now)
                assert {one.pk for one in supplies} <= set(found)
        except Exception as error:  # noqa: BLE001 - carried to the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        ListingFactory()
        runs.index_listings()
    is_over.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(proposed(live_index(), demand, now)) == 15
