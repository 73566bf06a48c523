"""Say of the log how long it is and what its root is, signed; and have it co-signed by whoever watches it."""

import hashlib
import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from finance.models import Checkpoint, Cosignature, Witness
from finance.runs import evidence
from finance.runs.evidence import origin
from finance.verify_voucher import COSIGNATURE_KEY, NOTE_KEY, Broken
from finance.vouchers.notes import checkpoint_body, key_text, sign_note
from finance.vouchers.witness import Watcher
from marketplace.models import User
from marketplace.services import instance_keys

logger = logging.getLogger(__name__)
# Signs vouchers and status lists: another key than that of the log, so that no signature can stand for another.
ISSUER_KEY = "credit-voucher"


def log_keys() -> dict:
    """Return what a checker needs to know of this log: origin, its key, and the keys of all its witnesses."""
    public = bytes.fromhex(instance_keys.public_key(evidence.KEY))
    witnesses = Witness.objects.select_related("organisation").order_by("pk")
    return {
        "origin": origin(),
        "log_key": key_text(origin(), public, kind=NOTE_KEY),
        "witnesses": [
            {
                "name": one.name,
                "organisation": one.organisation.name_zh or one.organisation.name_en,
                "key": witness_key(one),
            }
            for one in witnesses
        ],
    }


def witness_key(witness: Witness) -> str:
    return key_text(witness.name, bytes.fromhex(witness.public_key), kind=COSIGNATURE_KEY)


def held_key_name(name: str) -> str:
    """Return under which name this instance keeps the key of a witness."""
    return f"witness-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def make_checkpoint(*, now: datetime) -> Checkpoint | None:
    """Return the checkpoint of the log as it is, signed now unless it was before; None of an empty log."""
    head = evidence.head()
    if not head.size:
        return None
    known = Checkpoint.objects.filter(size=head.size).first()
    if known:
        return known
    body = checkpoint_body(origin=origin(), size=head.size, root=head.root)
    line = sign_note(body, name=origin(), key=instance_keys.private_key(evidence.KEY))
    made = {"root": head.root.hex(), "body": body, "signature_line": line, "at": now}
    return Checkpoint.objects.get_or_create(size=head.size, defaults=made)[0]


def cosign(*, checkpoint: Checkpoint, witness: Witness, by: User | None, now: datetime) -> Cosignature:
    """Sign a checkpoint with the key of a witness that lies here, once the log was seen only to have grown.

    :raises Broken: if the log is not what this witness signed before
    """
    known = Cosignature.objects.filter(checkpoint=checkpoint, witness=witness).first()
    if known:
        return known
    last = Checkpoint.objects.filter(cosignatures__witness=witness).order_by("-size").first()
    watcher = Watcher(
        name=witness.name,
        key=instance_keys.private_key(held_key_name(witness.name)),
        keys=log_keys(),
        size=last.size if last else 0,
        root=bytes.fromhex(last.root) if last else b"",
    )
    grew = last and last.size <= checkpoint.size
    proof = evidence.consistency_proof(old=last.size, size=checkpoint.size) if grew else []
    line = watcher.cosign(checkpoint.note(), proof, at=int(now.timestamp()))
    return keep_cosignature(checkpoint=checkpoint, witness=witness, line=line, by=by, now=now)


def keep_cosignature(
    *, checkpoint: Checkpoint, witness: Witness, line: str, by: User | None, now: datetime
) -> Cosignature:
    try:
        with transaction.atomic():
            return Cosignature.objects.create(checkpoint=checkpoint, witness=witness, line=line, by=by, at=now)
    except IntegrityError:
        return Cosignature.objects.get(checkpoint=checkpoint, witness=witness)


def cosign_here(*, checkpoint: Checkpoint, now: datetime) -> int:
    """Have every active witness whose key lies here sign; one that refuses keeps the others from nothing."""
    signed = 0
    for witness in Witness.objects.active().filter(is_held_here=True).order_by("pk"):
        try:
            cosign(checkpoint=checkpoint, witness=witness, by=None, now=now)
            signed += 1
        except Broken:
            logger.exception("Witness %s refuses checkpoint %s", witness.name, checkpoint.size)
    return signed


def tend_log(*, now: datetime) -> None:
    """Sign the log if it grew, and have it co-signed; the clock asks for it."""
    checkpoint = make_checkpoint(now=now)
    if checkpoint:
        cosign_here(checkpoint=checkpoint, now=now)
