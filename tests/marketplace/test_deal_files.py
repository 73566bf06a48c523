import datetime as dt
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marketplace import verify_dealfile
from marketplace.models import BookingEvent, DealRecord, Lot, Message
from marketplace.models.deal_record import LABELS
from marketplace.services import deal_files, invoices, payments, proposals
from marketplace.services.attachments import store_attachment
from marketplace.services.deal_archives import export_deal
from marketplace.services.deal_seals import public_key
from marketplace.services.fulfilment_events import RECORD_KINDS
from marketplace.services.inspections import inspect_lot
from marketplace.services.receipts import issue_receipt
from marketplace.verify_dealfile import DEAL, SEAL, Broken, pack, verify
from tests.factories import NOON, UserFactory
from tests.factories_order import OrderFactory
from tests.factories_shipment import HOUR, Story
from tests.races import race

pytestmark = pytest.mark.django_db
SCRIPT = Path(verify_dealfile.__file__)
ROOT = SCRIPT.parent


@pytest.fixture
def order():
    return OrderFactory()


@pytest.fixture
def record(order, now):
    """Add a record to the order's chain, each a minute after the last."""
    clock = iter(range(10_000))

    def add(kind="offer.made", by=None, **payload):
        at = now + dt.timedelta(minutes=next(clock))
        return deal_files.record(order=order, kind=kind, by=by, at=at, payload=payload)

    return add


def broken(content: bytes) -> str:
    with pytest.raises(Broken) as refused:
        verify(content)
    return str(refused.value)


def parts(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def with_lines(archive: bytes, change) -> bytes:
    """Change the lines of the records and pack the archive again, checksums and all."""
    contents = parts(archive)
    lines = contents[DEAL].decode().split("\n")
    records = [line.removesuffix(",") for line in lines[2:-2]]
    records = change(records) or records
    contents[DEAL] = "\n".join([*lines[:2], ",\n".join(records), *lines[-2:]]).encode()
    return pack(contents.items())


def test_record_joins_each_record_to_the_one_before(order, record):
    user = UserFactory(first_name="三", last_name="张")

    first, second = record(by=user), record("order.confirmed")

    assert (first.sequence, second.sequence) == (1, 2)
    assert second.previous_hash == first.hash
    assert (first.by_name, second.by_name) == ("张三", "")


def test_record_keeps_values_as_they_are_read_again(record, now):
    attached = store_attachment(upload=SimpleUploadedFile("a.txt", b"a"), by=UserFactory(), readers=[], now=now)
    said = {
        "amount": Decimal("49250.00"),
        "small": Decimal("1E-3"),
        "on": dt.date(2026, 3, 2),
        "at": now,
        "score": 0.1,
        "huge": 1e22,
        "text": "a\x00b",
        "file": attached,
        3: (1, None, True),
    }

    kept = DealRecord.objects.get(pk=record(**{str(key): value for key, value in said.items()}).pk)

    assert kept.payload == {
        "amount": "49250.00",
        "small": "0.001",
        "on": "2026-03-02",
        "at": "2026-03-02T04:00:00+00:00",
        "score": 0.1,
        "huge": "1e+22",
        "text": "ab",
        "file": {"attachment": attached.pk, "name": "a.txt", "sha256": attached.sha256, "size": 1},
        "3": [1, None, True],
    }
    assert kept.hash == kept.seal().hash


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.dictionaries(st.text(), json_values, max_size=4))
@example(payload={"zero": -0.0, "large": 1e15, "small": 5e-324, "digits": 0.1 + 0.2})
def test_whatever_a_record_says_its_hash_holds_after_the_database(order, now, payload):
    made = deal_files.record(order=order, kind="message.sent", by=None, at=now, payload=payload)

    kept = DealRecord.objects.get(pk=made.pk)

    assert kept.content() == made.content()
    assert kept.seal().hash == made.hash


def test_open_deal_begins_with_reasons_offers_and_messages(order, now):
    negotiation = order.offer.negotiation
    negotiation.match_reasons = [{"feature": "dn", "points": 8.0, "zh": "公称直径相同", "en": "Same diameter"}]
    negotiation.model_version = "ranker-1"
    negotiation.save()
    attached = store_attachment(upload=SimpleUploadedFile("a.txt", b"a"), by=UserFactory(), readers=[], now=now)
    message = Message.objects.create(
        negotiation=negotiation,
        clause="price",
        organisation=negotiation.buyer,
        by=negotiation.opened_by,
        text="能否 95 元？",
        created_at=now + dt.timedelta(days=3),
    )
    message.attachments.add(attached)

    deal_files.open_deal(order, now)

    kinds = list(DealRecord.objects.filter(order=order).in_order().values_list("kind", flat=True))
    assert kinds[:2] == ["match.found", "negotiation.opened"]
    assert set(kinds[2:-1]) == {"offer.made"}
    assert kinds[-1] == "message.sent"
    said = DealRecord.objects.filter(order=order).in_order().last().payload
    assert (said["text"], said["clause"], said["attachments"][0]["sha256"]) == (
        "能否 95 元？",
        "price",
        attached.sha256,
    )


def test_records_are_never_changed_or_deleted(record):
    kept = record()

    with pytest.raises(IntegrityError, match="only ever added"), transaction.atomic():
        DealRecord.objects.filter(pk=kept.pk).update(kind="offer.lapsed")
    with pytest.raises(IntegrityError, match="only ever added"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM marketplace_dealrecord")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({}, "deal_record_has_its_place_in_the_chain"),
        ({"sequence": 9}, "deal_record_follows_one_record"),
        ({"sequence": 0, "previous_hash": "a" * 64}, "deal_record_counts_from_one"),
        ({"sequence": 9, "previous_hash": "a" * 64, "kind": "Offer"}, "deal_record_is_of_a_kind"),
        ({"sequence": 9, "previous_hash": ""}, "deal_record_is_hashed"),
    ],
)
def test_the_chain_is_the_databases(record, changes, constraint):
    kept = record()
    kept.pk = None
    for name, value in changes.items():
        setattr(kept, name, value)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        kept.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_records_written_at_once_stand_in_one_chain(order, now):
    def write():
        return deal_files.record(order=order, kind="shipment.arrived", by=None, at=now, payload={})

    outcomes = race(*[write] * 6)

    chain = list(DealRecord.objects.filter(order=order).in_order())
    assert {type(outcome) for outcome in outcomes} == {DealRecord}
    assert [one.sequence for one in chain] == list(range(1, 7))
    assert [one.previous_hash for one in chain[1:]] == [one.hash for one in chain[:-1]]


@pytest.fixture
def archive(order, record):
    user = UserFactory()
    for number in range(1, 6):
        record(by=user, offer=number, note=f"第 {number} 次报价", total_amount=Decimal("49250.00"))
    return export_deal(order)


def test_export_deal_holds_records_papers_and_attachments_and_is_the_same_again(order, record, now):
    mine, shared = (
        store_attachment(
            upload=SimpleUploadedFile(f"合格证 {name}.txt", name.encode()), by=UserFactory(), readers=readers, now=now
        )
        for name, readers in (("mine", [order.seller]), ("shared", [order.seller, order.buyer]))
    )
    record("message.sent", attachments=[mine, {"deep": [shared]}])

    content = export_deal(order)

    names = list(parts(content))
    assert names[0], names[-1] == (DEAL, SEAL)
    assert {f"papers/{paper}-{language}.pdf" for paper in ("timeline", "contract") for language in ("zh", "en")} <= set(
        names
    )
    assert [name for name in names if name.startswith("attachments/")] == [f"attachments/{shared.pk}-合格证_shared.txt"]
    assert json.loads(parts(content)[DEAL])["header"]["buyer"]["name_zh"] == order.buyer.name_zh
    assert export_deal(order) == content
    assert verify(content).startswith(f"Order {order.number}: 1 records and")


def test_export_deal_holds_the_papers_of_inspections_and_receipts():
    story = Story(quantity="100")
    story.scan(story.dispatch(), "arrived")
    lot, late = Lot.objects.get(), NOON + 4 * HOUR
    inspect_lot(lot=lot, by=story.gatekeeper, now=late, accepted="100")
    line = {"lot": lot, "accepted": "100"}
    issue_receipt(shipment=lot.shipment, order=story.order, lines=[line], by=story.gatekeeper, now=late)

    content = export_deal(story.order)

    papers = {re.sub(r"-[A-Z0-9-]+-", "-", name) for name in parts(content) if name.startswith("papers/")}
    kinds = ("contract", "inspection", "receipt", "timeline")
    assert papers == {f"papers/{kind}-{language}.pdf" for kind in kinds for language in ("zh", "en")}
    assert export_deal(story.order) == content
    assert verify(content, public_key())


def test_export_deal_of_nothing_recorded_verifies(order):
    assert "0 records" in verify(export_deal(order))


def test_verify_names_a_record_that_was_changed(archive):
    def change(records):
        records[2] = records[2].replace("49250.00", "39250.00")

    assert broken(with_lines(archive, change)).startswith("Record 3 was changed (offer.made,")


def test_verify_names_a_record_that_was_changed_with_its_hash(archive):
    def change(records):
        record = json.loads(records[2])
        record["payload"]["note"] = "另一次"
        claimed = record.pop("hash")
        forged = verify_dealfile.sha256(record["previous_hash"] + verify_dealfile.canonical(record))
        records[2] = verify_dealfile.canonical(record | {"hash": forged})
        assert claimed != forged

    assert broken(with_lines(archive, change)) == "Record 3 was changed."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:1] + lines[2:], "Record 2 was removed: in its place stands record 3."),
        (lambda lines: lines[1:], "Record 1 was removed: in its place stands record 2."),
        (lambda lines: lines[:-1], "Record 5 was removed: the header tells of 5 records."),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "Record 2 was moved: in its place stands record 3."),
        (lambda lines: [*lines[:3], lines[1], *lines[3:]], "Record 4 was moved: in its place stands record 2."),
        (lambda lines: [*lines[:3], "{}", *lines[4:]], "Record 4 was changed: it cannot be read."),
    ],
)
def test_verify_names_a_record_that_was_removed_moved_or_added(archive, change, message):
    assert broken(with_lines(archive, change)) == message


def test_verify_names_a_last_record_that_was_forged_with_its_hash(archive):
    def change(records):
        record = json.loads(records[-1])
        record.pop("hash")
        record["by"] = "somebody"
        forged = verify_dealfile.sha256(record["previous_hash"] + verify_dealfile.canonical(record))
        records[-1] = verify_dealfile.canonical(record | {"hash": forged})

    assert broken(with_lines(archive, change)) == "Record 5 was changed: the header tells of another end of the chain."


def test_verify_names_a_file_that_was_changed_removed_or_added(archive):
    changed, removed = parts(archive), parts(archive)
    changed["papers/timeline-zh.pdf"] += b" "
    del removed["papers/timeline-en.pdf"]
    added = {**parts(archive), "papers/more.pdf": b"%PDF"}

    messages = [broken(pack(contents.items())) for contents in (changed, removed, added)]

    assert messages == [
        "File papers/timeline-zh.pdf was changed.",
        "File papers/timeline-en.pdf was removed.",
        "File papers/more.pdf was added.",
    ]


def test_verify_finds_a_forged_header_and_another_marketplaces_seal(archive):
    contents = parts(archive)
    contents[DEAL] = contents[DEAL].replace(b'"kind":"spot"', b'"kind":"sold"', 1)

    assert broken(pack(contents.items())).startswith("The seal does not fit")
    assert public_key() in verify(archive, public_key())
    with pytest.raises(Broken, match="another marketplace"):
        verify(archive, "00" * 32)


def test_verify_finds_every_changed_byte(archive):
    """Each byte of the archive in turn, in steps that the size of the papers allows; all of deal.json and the seal."""
    start, end = archive.index(b'{"header"'), archive.index(b"]}\n") + 3
    places = {*range(start, end), *range(0, len(archive), 97), *range(len(archive) - 1200, len(archive))}

    for place in sorted(places):
        forged = bytearray(archive)
        forged[place] ^= 1
        with pytest.raises(Broken):
            verify(bytes(forged))


def test_verify_names_the_record_of_a_changed_byte(archive):
    for number in range(1, 6):
        forged = archive.replace(f"第 {number} 次报价".encode(), f"第 {number} 次还价".encode())
        assert broken(forged).startswith(f"Record {number} was changed")


@given(cut=st.integers(min_value=0, max_value=2000), extra=st.binary(max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_verify_finds_what_was_cut_off_or_added(archive, cut, extra):
    for forged in (archive[: len(archive) - cut] + extra, extra + archive[cut:]):
        if forged != archive:
            broken(forged)


def test_the_script_runs_alone_and_answers_by_its_exit_status(archive, tmp_path):
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(archive)
    bad.write_bytes(archive.replace("第 3 次报价".encode(), "第 3 次还价".encode()))

    def run(path, *options):
        # -I -S: nothing but the standard library can be imported.
        command = [sys.executable, "-I", "-S", SCRIPT, path, *options]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
        return answer.returncode, answer.stdout

    assert run(good)[0] == 0
    assert "The seal was not checked" in run(good)[1]
    assert run(bad)[0] == 1
    assert run(bad)[1].startswith("Record 3 was changed (offer.made")
    assert run(tmp_path / "missing.zip")[0] == 2


def test_the_seal_is_of_one_key_kept_private(settings, archive):
    path = Path(settings.DATA_DIR) / "keys" / "deal-file.key"

    assert public_key() == public_key()
    assert path.stat().st_mode & 0o077 == 0


def test_every_kind_that_is_recorded_has_a_name_in_both_languages():
    sources = [*(ROOT / "services").glob("*.py"), *(ROOT / "runs").glob("*.py")]
    recorded = {
        kind
        for source in sources
        for call in re.findall(r"record\((?:[^()]|\([^()]*\))*\)", source.read_text())
        for kind in re.findall(r'kind="([a-z_]+\.[a-z_]+)"', call)
    }
    recorded |= set(RECORD_KINDS.values()) | {f"booking.{kind}" for kind in BookingEvent.Kind.values}
    answers = (*payments.ANSWERS.values(), *proposals.ANSWERS.values(), *invoices.ANSWERS.values())
    recorded |= {kind for kind, *_ in answers}

    assert len(recorded) > 30
    assert recorded - set(LABELS) == set()
