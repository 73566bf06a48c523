"""Checkpoints of the evidence log, and the witnesses that co-sign them."""

import binascii
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance import verify_voucher
from finance.models import Checkpoint, Cosignature, LogLeaf, Witness
from finance.runs import checkpoints as runs
from finance.runs import evidence
from finance.verify_voucher import LOG, TRUST, Broken, canonical, cosigners, read_key, read_note
from finance.vouchers.sd_jwt import public_jwk
from marketplace.models import Membership, Organisation, User
from marketplace.services import instance_keys
from marketplace.services.organisations import require_role

WITNESSES = (Organisation.Kind.BANK, Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)


class LogIsEmpty(RuleBroken):
    pass


class CheckpointNotSeen(RuleBroken):
    """The log is not what this witness signed before."""


class KeyLiesElsewhere(RuleBroken):
    pass


class CosignatureDoesNotFit(RuleBroken):
    pass


class OnlyThesePartiesWitness(RuleBroken):
    pass


def sign_log(*, now: datetime) -> Checkpoint:
    """Return the checkpoint of the log as it is now, co-signed by the witnesses whose keys lie here.

    :raises LogIsEmpty: if nothing was ever appended
    """
    checkpoint = runs.make_checkpoint(now=now)
    if checkpoint is None:
        raise LogIsEmpty(_("The log is empty: there is nothing to sign yet."))
    runs.cosign_here(checkpoint=checkpoint, now=now)
    return checkpoint


@transaction.atomic
def register_witness(*, organisation: Organisation, public_key: str = "", by: User, now: datetime) -> Witness:
    """Let an organisation co-sign; with ``public_key`` (hexadecimal) by its own key, else by one that is kept here.

    A key that it had before is retired; what it signed stands.

    :raises OnlyThesePartiesWitness: if it is no bank, insurer or guarantor
    :raises InputRefused: if the key is none
    """
    require_role(by, organisation, Membership.Role.OWNER)
    if organisation.kind not in WITNESSES:
        raise OnlyThesePartiesWitness(_("Banks, insurers and guarantors co-sign the log."))
    public_key = public_key.strip().lower()
    if public_key and not _is_key(public_key):
        raise InputRefused({"public_key": [_("An Ed25519 public key has 64 hexadecimal digits.")]})
    Witness.objects.filter(organisation=organisation).active().update(retired_at=now)
    turn = Witness.objects.filter(organisation=organisation).count() + 1
    # The name stands in a line that spaces divide.
    name = f"{runs.origin()}/witness/{organisation.uscc or organisation.pk}/{turn}"
    return Witness.objects.create(
        organisation=organisation,
        name=name,
        public_key=public_key or instance_keys.public_key(runs.held_key_name(name)),
        is_held_here=not public_key,
        made_by=by,
        made_at=now,
    )


def _is_key(text: str) -> bool:
    try:
        return len(text) == 64 and len(binascii.unhexlify(text)) == 32
    except binascii.Error:
        return False


def cosign_checkpoint(*, checkpoint: Checkpoint, witness: Witness, by: User, now: datetime) -> Cosignature:
    """Co-sign with a key that is kept here; twice does no more than once.

    :raises KeyLiesElsewhere: if the witness keeps its key itself, or has another by now
    :raises CheckpointNotSeen: if the log did not only grow since this witness signed last
    """
    require_role(by, witness.organisation, *Witness.SIGNING_ROLES)
    if not witness.is_held_here or witness.retired_at:
        raise KeyLiesElsewhere(_("This key does not lie here: sign on your side and post the line."))
    try:
        return runs.cosign(checkpoint=checkpoint, witness=witness, by=by, now=now)
    except Broken as broken:
        raise CheckpointNotSeen(str(broken)) from broken


def post_cosignature(*, checkpoint: Checkpoint, witness: Witness, line: str, by: User, now: datetime) -> Cosignature:
    """Keep the line by which a witness signed on its side, after checking it; the same again changes nothing.

    :raises CosignatureDoesNotFit: if it is not this witness's signature of this checkpoint
    """
    require_role(by, witness.organisation, *Witness.SIGNING_ROLES)
    line = line.strip()
    key = runs.witness_key(witness)
    try:
        name, identifier, *_rest = read_key(key)
        body, signatures = read_note(f"{checkpoint.body}\n{line}\n")
        is_named = [one[:2] for one in signatures] == [(name, identifier)]
        fits = is_named and cosigners(body, signatures, [{"name": name, "key": key}]) == [name]
    except (Broken, ValueError) as error:
        raise CosignatureDoesNotFit(_("This is no co-signature of this checkpoint by your key.")) from error
    if not fits or witness.retired_at:
        raise CosignatureDoesNotFit(_("This is no co-signature of this checkpoint by your key."))
    return runs.keep_cosignature(checkpoint=checkpoint, witness=witness, line=line, by=by, now=now)


def best_checkpoint(*, leaf: LogLeaf, now: datetime) -> Checkpoint:
    """Return the newest checkpoint that covers a leaf and that a majority of witnesses signed, else a new one."""
    newest = sign_log(now=now)
    wanted = quorum()
    covering = Checkpoint.objects.filter(size__gt=leaf.index).with_cosignatures().newest_first()
    # Witnesses elsewhere take their time: one of the last that they signed will do.
    for checkpoint in covering[:50]:
        if len(checkpoint.cosignatures.all()) >= wanted:
            return checkpoint
    return Checkpoint.objects.with_cosignatures().get(pk=newest.pk)


def quorum() -> int:
    """Return how many co-signatures a checker asks for: the majority of the active witnesses."""
    active = Witness.objects.active().count()
    return active // 2 + 1 if active else 0


def trust_file() -> dict[str, Any]:
    """Return the public keys that a checker fetches once, over a way it trusts, and keeps."""
    issuer = public_jwk(instance_keys.private_key(runs.ISSUER_KEY).public_key())
    return {
        "format": TRUST,
        **runs.log_keys(),
        "issuer": {"name": runs.origin().removesuffix("/evidence"), "jwk": issuer},
        "quorum": quorum(),
    }


def consistency(*, old: int, size: int) -> dict[str, Any]:
    """Return the proof that one checkpoint grew from another, as the checker takes it.

    :raises InputRefused: if the log never had these sizes
    """
    if not 0 < old <= size <= evidence.head().size:
        raise InputRefused({"old": [_("The log never had this size, or not before the other.")]})
    proof = evidence.consistency_proof(old=old, size=size)
    return {"old": old, "size": size, "proof": [step.hex() for step in proof]}


def inclusion(*, leaf: LogLeaf, size: int) -> dict[str, Any]:
    """Return the proof that a leaf is in the log of a size, without what it says.

    :raises InputRefused: if the log of this size had no such leaf
    """
    if not leaf.index < size <= evidence.head().size:
        raise InputRefused({"size": [_("The log of this size does not have this leaf.")]})
    proof = evidence.inclusion_proof(index=leaf.index, size=size)
    return {"index": leaf.index, "leaf_hash": leaf.hash_hex, "size": size, "proof": [step.hex() for step in proof]}


def export_log(checkpoint: Checkpoint) -> Iterator[str]:
    """Return the whole log up to a checkpoint, line by line, for a witness to keep and check by itself."""
    yield canonical({"format": LOG, "trust": trust_file()}) + "\n"
    leaves = LogLeaf.objects.filter(index__lt=checkpoint.size).in_order()
    for leaf in leaves.iterator(chunk_size=2000):
        yield canonical(leaf.entry()) + "\n"
    yield json.dumps({"checkpoint": checkpoint.note()}, ensure_ascii=False) + "\n"


def may_read_log(user: User) -> bool:
    """Say whether this user may read what the leaves say: the operator, and whoever signs for a witness."""
    return user.is_authenticated and (user.is_staff or Witness.objects.active().managed_by(user).exists())


def verifier() -> bytes:
    """Return the checker as a bank officer downloads it."""
    return Path(verify_voucher.__file__).read_bytes()
