"""Checkpoints, co-signatures and witnesses: a log that shows two faces is found by the second of three witnesses."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from finance.verify_voucher import (
    COSIGNATURE_KEY,
    NOTE_KEY,
    Broken,
    check_signed,
    ed25519_jwk,
    fits,
    read_checkpoint,
    read_key,
    read_note,
)
from finance.vouchers.merkle import Tree, leaf_hash
from finance.vouchers.notes import checkpoint_body, cosign_note, key_text, sign_note
from finance.vouchers.witness import Watcher

ORIGIN = "log.example/evidence"
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
NAMES = ("bank", "insurer", "guarantor")
HELD = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in NAMES}


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


KEYS = {
    "origin": ORIGIN,
    "log_key": key_text(ORIGIN, public(LOG), kind=NOTE_KEY),
    "witnesses": [
        {"name": name, "key": key_text(name, public(key), kind=COSIGNATURE_KEY)} for name, key in HELD.items()
    ],
}


def tree(*branches):
    return Tree(leaf_hash(f"{branch}{n}".encode()) for branch, count in branches for n in range(count))


def note(grown, size=None, *, lines=()):
    size = size or len(grown)
    body = checkpoint_body(origin=ORIGIN, size=size, root=grown.root(size))
    return "".join([body, "\n", sign_note(body, name=ORIGIN, key=LOG), "\n", *(f"{line}\n" for line in lines)])


def watchers():
    return {name: Watcher(name, key, KEYS) for name, key in HELD.items()}


def test_vector_of_the_signed_note_specification_is_read():
    """PeterNeumann's key and note of C2SP's signed-note and Go's sumdb/note."""
    text = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    name, identifier, kind, key = read_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")

    body, signatures = read_note(text)

    assert signatures[0][:2] == (name, identifier)
    assert kind == NOTE_KEY
    assert fits(ed25519_jwk(key), "EdDSA", signatures[0][2], body.encode())


def test_checkpoint_is_read_as_it_was_written():
    grown = tree(("a", 5))

    size, root, body, _ = read_checkpoint(note(grown), ORIGIN, KEYS["log_key"])

    assert (size, root) == (5, grown.root())
    assert body.split("\n")[:2] == [ORIGIN, "5"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n5\n", "\n6\n"),
        lambda text: text.replace("\n5\n", "\n05\n"),
        lambda text: text.replace(ORIGIN, "other.example/evidence", 1),
        lambda text: text.replace("\n\n", "\nmore\n\n"),
        lambda text: text[:-4] + "AAA\n",
        lambda text: text.rstrip("\n"),
        lambda text: "",
        lambda text: text.replace("— ", "- "),
    ],
)
def test_checkpoint_changed_is_refused(change):
    with pytest.raises(Broken):
        read_checkpoint(change(note(tree(("a", 5)))), ORIGIN, KEYS["log_key"])


def test_every_changed_character_of_a_checkpoint_is_refused():
    text = note(tree(("a", 5)))

    for place in range(len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(Broken):
            check_signed(changed, KEYS, 0)


def test_witness_signs_what_only_grew():
    grown, bank = tree(("a", 9)), watchers()["bank"]

    first = bank.cosign(note(grown, 4), [], at=100)
    second = bank.cosign(note(grown, 9), grown.consistency(4, 9), at=200)

    assert check_signed(note(grown, 4, lines=[first]), KEYS, 1)[2] == ["bank"]
    assert check_signed(note(grown, 9, lines=[second]), KEYS, 1)[2] == ["bank"]
    assert base64.b64decode(second.split(" ")[2])[4:12] == (200).to_bytes(8)


def test_witness_refuses_a_log_that_became_shorter():
    grown, bank = tree(("a", 9)), watchers()["bank"]
    bank.cosign(note(grown, 9), [], at=100)

    with pytest.raises(Broken) as refused:
        bank.cosign(note(grown, 5), [], at=200)

    assert refused.value.code == "shorter"


def test_split_view_gets_no_majority_of_three():
    """One log is shown to the bank, another of the same length to the guarantor; the insurer sees both."""
    honest, forged = tree(("a", 4), ("b", 4)), tree(("a", 4), ("x", 4))
    seen = watchers()
    start = [one.cosign(note(honest, 4), [], at=100) for one in seen.values()]
    assert len(check_signed(note(honest, 4, lines=start), KEYS, 3)[2]) == 3

    for_bank = [seen[name].cosign(note(honest), honest.consistency(4, 8), at=200) for name in ("bank", "insurer")]
    for_guarantor = [seen["guarantor"].cosign(note(forged), forged.consistency(4, 8), at=200)]
    with pytest.raises(Broken) as refused:
        seen["insurer"].cosign(note(forged), forged.consistency(4, 8), at=300)

    assert refused.value.code == "rewritten"
    assert len(check_signed(note(honest, lines=for_bank), KEYS, 2)[2]) == 2
    with pytest.raises(Broken) as too_few:
        check_signed(note(forged, lines=for_guarantor), KEYS, 2)
    assert too_few.value.code == "quorum"


def test_each_of_three_witnesses_finds_the_other_face():
    honest, forged = tree(("a", 6)), tree(("a", 3), ("x", 5))

    for name in NAMES:
        watcher = watchers()[name]
        watcher.cosign(note(honest), [], at=100)
        for proof in (forged.consistency(6, 8), honest.consistency(3, 6), []):
            with pytest.raises(Broken):
                watcher.cosign(note(forged), proof, at=200)


def test_cosignature_of_another_checkpoint_is_refused():
    grown = tree(("a", 9))
    line = watchers()["bank"].cosign(note(grown, 4), [], at=100)

    with pytest.raises(Broken) as refused:
        check_signed(note(grown, 9, lines=[line]), KEYS, 0)

    assert refused.value.code == "signature"


def test_cosignature_given_twice_is_refused():
    grown = tree(("a", 4))
    line = watchers()["bank"].cosign(note(grown), [], at=100)

    with pytest.raises(Broken):
        check_signed(note(grown, lines=[line, line]), KEYS, 0)


def test_cosignature_of_an_unknown_key_counts_for_nothing():
    grown = tree(("a", 4))
    body = checkpoint_body(origin=ORIGIN, size=4, root=grown.root())
    line = cosign_note(body, name="stranger", key=LOG, at=100)

    assert check_signed(note(grown, lines=[line]), KEYS, 0)[2] == []


@pytest.mark.parametrize("name", ["two words", "plus+sign", ""])
def test_key_of_a_name_that_cannot_be_written_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        key_text(name, bytes(32), kind=NOTE_KEY)
