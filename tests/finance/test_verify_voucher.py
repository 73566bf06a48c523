"""Whoever changes anything in a voucher's file or in the log is found, by one file that runs alone."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.utils import timezone

from finance import verify_voucher
from finance.models import Checkpoint
from finance.runs import platform_records
from finance.runs.checkpoints import origin
from finance.runs.evidence import KEY
from finance.services import checkpoints, evidence, vouchers
from finance.verify_voucher import Broken, canonical, verify
from finance.vouchers.notes import checkpoint_body, sign_note
from marketplace.services import instance_keys
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_receivable import invoice_of
from tests.factories_voucher import bank, import_batch, voucher_of

pytestmark = pytest.mark.django_db
T = int(NOON.timestamp())


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def witnesses():
    for kind in ("insurer", "guarantor"):
        boss = UserFactory()
        party = OrganisationFactory(kind=kind, members=[boss])
        checkpoints.register_witness(organisation=party, by=boss, now=NOON)
    boss = UserFactory()
    lender = bank(members=[boss])
    checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    return lender


@pytest.fixture
def voucher(witnesses):
    old = voucher_of(for_bank=witnesses)
    checkpoints.sign_log(now=NOON)
    return old


def present(voucher, *, records=3, **options):
    shown = [verify_voucher.digest(one) for one in voucher.disclosures[:2]]
    return vouchers.present_voucher(
        voucher=voucher, shown=shown, record_count=records, by=voucher.issued_by, now=NOON, **options
    )


def refusal(text, **options):
    with pytest.raises(Broken) as refused:
        verify(text, now=T, **options)
    assert refused.value.zh
    assert refused.value.en
    return refused.value.code


def found_as(text):
    try:
        verify(text, now=T)
    except Broken as broken:
        return broken.code
    return "good"


def test_verify_finds_an_untouched_voucher_good(voucher, witnesses):
    made = present(voucher)

    claims, bound, findings = verify(made.text, now=T, trust=checkpoints.trust_file(), audience=witnesses.uscc)

    assert claims["jti"] == voucher.number
    assert bound["nonce"] == made.nonce
    codes = [one["code"] for one in findings]
    assert codes == ["ok_issuer", "ok_voucher", "ok_status", "ok_binding", "ok_records", "ok_checkpoint"]
    assert "6" in findings[4]["en"]
    assert "3 witnesses" in findings[5]["en"]


def test_records_of_the_marketplace_itself_are_attached_as_they_were_hashed(witnesses, owner):
    firm, buyer = OrganisationFactory(members=[owner]), OrganisationFactory()
    for number in ("24332000000012345678", "24332000000012345679"):
        invoice_of(firm, buyer, number=number)
    platform_records.gather(now=NOON)
    voucher = voucher_of(firm, owner=owner, for_bank=witnesses, batches=0)

    text = present(voucher, records=5).text

    findings = verify(text, now=T)[2]
    (batch,) = json.loads(text)["batches"]
    assert [one["content"]["number"] for one in batch["records"]] == ["24332000000012345678", "24332000000012345679"]
    assert batch["records"][0]["content"]["counterparty_code"] == buyer.uscc
    assert "1 batches with 2 records" in next(one["en"] for one in findings if one["code"] == "ok_records")
    forged = edited(text, lambda b: b["batches"][0]["records"][0]["content"].update(total_amount="90000.00"))
    assert refusal(forged) == "record"


def test_verify_takes_less_than_ten_milliseconds(voucher):
    text, trust = present(voucher).text, checkpoints.trust_file()
    verify(text, now=T, trust=trust)

    best = min(timed(lambda: verify(text, now=T, trust=trust)) for _ in range(7))

    assert best < 0.010


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_every_changed_deleted_or_doubled_character_is_found(voucher):
    text = present(voucher).text
    rng = random.Random(3)

    for place in rng.sample(range(len(text) - 1), 150):
        assert refusal(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
    for place in rng.sample(range(len(text) - 1), 50):
        assert refusal(text[:place] + text[place + 1 :])
        assert refusal(text[:place] + text[place] + text[place:])
    for length in range(0, len(text) - 1, 997):
        assert refusal(text[:length]) == "unreadable"


def edited(text, edit):
    bundle = json.loads(text)
    edit(bundle)
    return canonical(bundle) + "\n"


def swap(items):
    items[0], items[1] = items[1], items[0]


def drop_disclosure(bundle):
    signed, _, *rest = bundle["presentation"].split("~")
    bundle["presentation"] = "~".join([signed, *rest])


# What is done to the file, and what it is found out as.
EDITS = {
    "batch deleted": (lambda b: b["batches"].pop(0), "batches"),
    "last batch deleted": (lambda b: b["batches"].pop(), "batches"),
    "batches reordered": (lambda b: swap(b["batches"]), "batches"),
    "batch doubled": (lambda b: b["batches"].append(b["batches"][0]), "batches"),
    "batch count": (lambda b: b["batches"][0]["entry"]["content"].update(count=99), "inclusion"),
    "batch root": (lambda b: b["batches"][0]["entry"]["content"].update(root="0" * 64), "inclusion"),
    "batch of another place": (lambda b: b["batches"][0].update(proof=b["batches"][1]["proof"]), "inclusion"),
    "record content": (lambda b: b["batches"][0]["records"][0].update(sha256="0" * 64), "record"),
    "records reordered": (lambda b: swap(b["batches"][0]["records"]), "record"),
    "record moved": (lambda b: b["batches"][0]["records"][0].update(place=7), "record"),
    "record inserted": (
        lambda b: b["batches"][0]["records"].append(dict(b["batches"][0]["records"][-1], place=8)),
        "record",
    ),
    "record deleted": (lambda b: b["batches"][0]["records"].pop(), "shell"),
    "leaf of another kind": (lambda b: b["leaf"]["entry"].update(kind="voucher.revoked"), "inclusion"),
    "leaf of another voucher": (lambda b: b["leaf"]["entry"]["content"].update(sha256="0" * 64), "inclusion"),
    "leaf proof cut": (lambda b: b["leaf"]["proof"].pop(), "inclusion"),
    "disclosure deleted": (drop_disclosure, "binding"),
    "issuer exchanged": (lambda b: b["trust"]["issuer"]["jwk"].update(x="A" * 43), "signature"),
    "witness taken away": (lambda b: b["trust"]["witnesses"].pop(), "shell"),
    "consistency proof": (lambda b: b["consistency"].append({"old": 1, "size": 2, "proof": []}), "shell"),
    "cosignature taken away": (
        lambda b: b.update(checkpoint=b["checkpoint"].rstrip("\n").rpartition("\n")[0] + "\n"),
        "shell",
    ),
    "checkpoint size": (lambda b: b.update(checkpoint=b["checkpoint"].replace("\n", "\n1", 1)), "signature"),
    "field added": (lambda b: b.update(note="trust me"), "shell"),
    "field removed": (lambda b: b.pop("batches"), "shell"),
    "format": (lambda b: b.update(format="credit-voucher/2"), "unreadable"),
}


def test_every_kind_of_edit_is_found(voucher):
    text = present(voucher).text

    found = {name: found_as(edited(text, edit)) for name, (edit, _) in EDITS.items()}

    assert found == {name: code for name, (_, code) in EDITS.items()}


def test_other_whitespace_is_found(voucher):
    text = present(voucher).text

    assert refusal(json.dumps(json.loads(text), ensure_ascii=False)) == "shell"


def test_voucher_for_another_bank_is_refused(voucher):
    assert refusal(present(voucher).text, audience=bank().uscc) == "audience"


def test_voucher_of_another_marketplace_is_refused(voucher):
    trust = checkpoints.trust_file()
    trust["issuer"] = {"name": "other", "jwk": {**trust["issuer"]["jwk"], "x": "A" * 43}}

    assert refusal(present(voucher).text, trust=trust) == "other_issuer"


def test_code_that_was_not_asked_for_is_refused(voucher):
    text = present(voucher, nonce="asked-1").text

    verify(text, now=T, nonce="asked-1")
    assert refusal(text, nonce="asked-2") == "nonce"


def test_expired_voucher_is_refused(voucher):
    text = present(voucher).text

    with pytest.raises(Broken) as refused:
        verify(text, now=int(voucher.expires_at.timestamp()))

    assert refused.value.code == "expired"


def test_voucher_revoked_is_refused_by_a_newer_list(voucher):
    text = present(voucher).text
    verify(text, now=T, status=vouchers.status_list(now=NOON))

    vouchers.revoke_voucher(voucher=voucher, reason="", by=voucher.issued_by, now=NOON)

    assert refusal(text, status=vouchers.status_list(now=NOON)) == "revoked"


def test_status_list_too_old_is_refused(voucher):
    text = present(voucher).text

    with pytest.raises(Broken) as refused:
        verify(text, now=T + 20 * 86400)

    assert refused.value.code == "status"


def test_file_proves_that_its_log_grew_from_old_checkpoints(voucher):
    old = Checkpoint.objects.newest_first()[0].note()
    evidence.append(kind="thing.done", content={}, at=NOON)
    text = present(voucher).text
    evidence.append(kind="thing.done", content={}, at=NOON)
    newer = checkpoints.sign_log(now=NOON)

    codes = [one["code"] for one in verify(text, now=T, olds=[old])[2]]

    assert codes[-1] == "ok_consistent"
    # A checkpoint from after the file: it looks cut, until the marketplace proves that it grew from the file's.
    assert refusal(text, olds=[newer.note()]) == "shorter"
    size = int(json.loads(text)["checkpoint"].split("\n")[1])
    proof = checkpoints.consistency(old=size, size=newer.size)
    verify(text, now=T, olds=[newer.note()], consistency=[proof])


def test_old_checkpoint_of_a_log_that_was_rewritten_is_found(voucher):
    """The operator throws the log away and writes another with the same keys."""
    lines = list(checkpoints.export_log(checkpoints.sign_log(now=NOON)))
    text = present(voucher).text
    size = int(json.loads(text)["checkpoint"].split("\n")[1])
    forged = forge_checkpoint(size - 2)

    assert refusal(text, olds=[forged], consistency=[{"old": size - 2, "size": size, "proof": []}]) == "rewritten"
    assert len(lines) > 3


def forge_checkpoint(size):
    """Sign, with the log's own key, a checkpoint of a tree that never was."""
    body = checkpoint_body(origin=origin(), size=size, root=bytes(32))
    return f"{body}\n{sign_note(body, name=origin(), key=instance_keys.private_key(KEY))}\n"


# --- The whole log, as a witness keeps it ---


@pytest.fixture
def log(voucher):
    old = checkpoints.sign_log(now=NOON)
    import_batch(voucher.subject, until=NOON.date())
    for n in range(10):
        evidence.append(kind="thing.done", content={"n": n}, at=NOON)
    new = checkpoints.sign_log(now=NOON)
    return "".join(checkpoints.export_log(new)), old.note()


def test_log_untouched_is_found_good(log):
    text, old = log

    findings = verify(text, now=T, olds=[old])[2]

    assert [one["code"] for one in findings] == ["ok_log", "ok_checkpoint", "ok_consistent"]


def lines_of(text, change):
    lines = text.rstrip("\n").split("\n")
    change(lines)
    return "\n".join(lines) + "\n"


LOG_EDITS = {
    "edit": lambda lines: lines.__setitem__(3, lines[3].replace('"kind":"', '"kind":"x')),
    "edit at the end": lambda lines: lines.__setitem__(-2, lines[-2].replace("9", "8")),
    "delete": lambda lines: lines.pop(2),
    "delete the last": lambda lines: lines.pop(-2),
    "insert": lambda lines: lines.insert(3, lines[1]),
    "append": lambda lines: lines.insert(-1, lines[1]),
    "reorder": lambda lines: lines.insert(2, lines.pop(4)),
    "tail cut": lambda lines: lines.__delitem__(slice(6, -1)),
    "no checkpoint": lambda lines: lines.pop(),
    "header": lambda lines: lines.__setitem__(0, lines[0].replace("evidence-log/1", "evidence-log/2")),
    "another spelling": lambda lines: lines.__setitem__(2, lines[2].replace(":", ": ", 1)),
}


def test_every_attack_on_the_log_is_found(log):
    text, old = log

    for change in LOG_EDITS.values():
        assert refusal(lines_of(text, change), olds=[old])


def test_log_cut_back_to_an_honest_earlier_state_is_found_by_one_old_checkpoint(log):
    """The tail is cut and the earlier checkpoint, which is genuine, put in place of the later."""
    text, old = log
    size = int(old.split("\n")[1])
    lines = text.rstrip("\n").split("\n")
    cut = "\n".join([*lines[: size + 1], json.dumps({"checkpoint": old}, ensure_ascii=False)]) + "\n"
    new = json.loads(lines[-1])["checkpoint"]

    verify(cut, now=T)
    assert refusal(cut, olds=[new]) == "shorter"


def test_range_of_an_edit_is_told_between_two_checkpoints(log):
    text, old = log
    size = int(old.split("\n")[1])

    with pytest.raises(Broken) as refused:
        verify(lines_of(text, lambda lines: lines.__setitem__(-2, lines[-3])), now=T, olds=[old])

    assert refused.value.code == "log_range"
    assert f"leaf {size}" in refused.value.en


# --- The command, alone ---


def run_alone(tmp_path, *arguments):
    script = tmp_path / "verify_voucher.py"
    shutil.copy(Path(verify_voucher.__file__), script)
    # Isolated: no site of ours, no current folder; nothing of Django is there to be imported.
    done = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "http_proxy": "http://127.0.0.1:9"},
    )
    return done.returncode, done.stdout, done.stderr


def fresh(voucher, now):
    return vouchers.present_voucher(voucher=voucher, shown=[], by=voucher.issued_by, now=now)


def test_command_runs_alone_and_says_what_it_found(tmp_path, witnesses):
    now = timezone.now()
    voucher = voucher_of(for_bank=witnesses, now=now, valid_days=30)
    old = checkpoints.sign_log(now=now).note()
    (tmp_path / "v.json").write_text(fresh(voucher, now).text, encoding="utf-8")
    (tmp_path / "trust.json").write_text(json.dumps(checkpoints.trust_file()), encoding="utf-8")
    (tmp_path / "old.txt").write_text(old, encoding="utf-8")
    given = ["v.json", "--trust", "trust.json", "--checkpoint", "old.txt", "--audience", witnesses.uscc]

    status, out, err = run_alone(tmp_path, *given, "--seen", "seen.txt")
    again = run_alone(tmp_path, *given, "--seen", "seen.txt")
    as_json = run_alone(tmp_path, "v.json", "--json")
    other = run_alone(tmp_path, "v.json", "--audience", "OTHER")
    missing = run_alone(tmp_path, "nothing.json")

    assert (status, err) == (0, "")
    assert voucher.number in out
    assert "未撤销" in out
    assert again[0] == 1
    assert "played again" in again[1]
    assert json.loads(as_json[1])["claims"]["jti"] == voucher.number
    assert other[0] == 1
    assert missing[0] == 2
