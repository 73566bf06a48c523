"""Append to the evidence log, and prove what it holds.

``append`` belongs to the use case whose evidence it is: same transaction, so neither is ever without the other. It
locks the head of the log until that transaction ends; **call it last**, after every other row is locked and written.
Whoever locks something after it may wait for another who waits for the head, and one of the two is then thrown out.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from finance.models import LogHead, LogLeaf, LogNode
from finance.verify_voucher import canonical
from finance.vouchers.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    prove,
    root_of,
    subtrees,
)
from marketplace.models import Organisation
from marketplace.services import instance_keys

# Signs checkpoints and vouchers.
KEY = "evidence-log"

BATCH = 1000


class Entry(NamedTuple):
    """What is to become a leaf: ``kind`` as noun.verb in past tense, ``content`` of hashes, ids and counts."""

    kind: str
    content: dict[str, Any]


def append(*, kind: str, content: dict[str, Any], at: datetime) -> LogLeaf:
    """Add one leaf to the log in the caller's transaction; see the head of this file for when.

    ``content`` holds text, whole numbers, truth values, lists and mappings: no fractions, no dates, no Decimal.
    """
    return append_all(entries=[Entry(kind, content)], at=at)[0]


@transaction.atomic
def append_all(*, entries: Iterable[Entry], at: datetime) -> list[LogLeaf]:
    """Add these in their order, side by side; return the leaves."""
    entries = list(entries)
    for entry in entries:
        _check(entry.content, entry.kind)
    if not entries:
        return []
    LogHead.objects.get_or_create(pk=LogHead.THE_ONE, defaults={"origin": origin()})
    head = LogHead.objects.select_for_update().get(pk=LogHead.THE_ONE)
    tree, leaves, nodes = head.range(), [], []
    for entry in entries:
        leaf = LogLeaf(index=tree.size, kind=entry.kind, content=entry.content, at=at)
        leaf.leaf_hash = leaf_hash(canonical(leaf.entry()).encode())
        nodes += [LogNode(level=level, index=index, hash=full) for level, index, full in tree.append(leaf.leaf_hash)]
        leaves.append(leaf)
    LogLeaf.objects.bulk_create(leaves, batch_size=BATCH)
    LogNode.objects.bulk_create(nodes, batch_size=BATCH)
    head.size, head.frontier = tree.size, [one.hex() for one in tree.hashes]
    head.save(update_fields=["size", "frontier"])
    return leaves


def _check(value: Any, where: str) -> None:
    """Refuse what has no one written form, or would not come back from the database as it went in."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{where}: a name in a log entry is text, not {type(name).__name__}")
            _check(inner, f"{where}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _check(inner, f"{where}[{place}]")
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"{where}: a log entry holds no {type(value).__name__}; write it as text or a whole number")


def origin() -> str:
    """Return the name of this log: the host where it began, and what it is."""
    return head().origin or f"{urlsplit(settings.PUBLIC_URL).netloc}/evidence"


def head() -> LogHead:
    """Return where the log ends now; an unsaved one of size 0 if nothing was appended yet."""
    return LogHead.objects.filter(pk=LogHead.THE_ONE).first() or LogHead()


def root_at(size: int) -> bytes:
    """Return the root that the log had at this size."""
    return root_of(size, _nodes([(0, size)])) if size else EMPTY_ROOT


def inclusion_proof(*, index: int, size: int) -> list[bytes]:
    """Return the proof that a leaf is in the log of this size."""
    return inclusion_proofs(indexes=[index], size=size)[index]


def inclusion_proofs(*, indexes: Iterable[int], size: int) -> dict[int, list[bytes]]:
    """Return the proofs of several leaves; two queries, however many."""
    return _proofs({index: inclusion_ranges(index, size) for index in indexes})


def consistency_proof(*, old: int, size: int) -> list[bytes]:
    """Return the proof that the log of ``old`` leaves is the beginning of that of ``size``."""
    return consistency_proofs(olds=[old], size=size)[old]


def consistency_proofs(*, olds: Iterable[int], size: int) -> dict[int, list[bytes]]:
    """Return the proofs for several beginnings; two queries, however many."""
    return _proofs({old: consistency_ranges(old, size) for old in olds})


def _proofs(ranges: dict[int, list[tuple[int, int]]]) -> dict[int, list[bytes]]:
    node = _nodes([one for wanted in ranges.values() for one in wanted])
    return {name: prove(wanted, node) for name, wanted in ranges.items()}


def pseudonym(organisation: Organisation) -> str:
    """Return the name of a firm in the log: the same each time, and nobody but this instance can tell whose it is."""
    known_by = organisation.uscc or f"{organisation.country}/{organisation.foreign_identifier}"
    key = instance_keys.secret(KEY, "names in the log")
    return hmac.new(key, known_by.encode(), hashlib.sha256).hexdigest()


def _nodes(ranges: list[tuple[int, int]]) -> Callable[[int, int], bytes]:
    """Read the full subtrees that these ranges consist of, in two queries."""
    places = {place for one in ranges for place in subtrees(*one)}
    wanted = Q(pk__in=[])
    by_level: dict[int, list[int]] = {}
    for level, index in places:
        by_level.setdefault(level, []).append(index)
    leaves = LogLeaf.objects.filter(pk__in=by_level.pop(0, []))
    found = {(0, index): bytes(one) for index, one in leaves.values_list("index", "leaf_hash")}
    for level, indexes in by_level.items():
        wanted |= Q(level=level, index__in=indexes)
    rows = LogNode.objects.filter(wanted).values_list("level", "index", "hash")
    found.update({(level, index): bytes(one) for level, index, one in rows})
    return lambda level, index: found[level, index]
