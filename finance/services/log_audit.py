"""Reckon the whole log anew from what its leaves say, and hold it against every hash that was ever written down."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Checkpoint, LogLeaf, LogNode
from finance.runs import checkpoints as runs
from finance.services import evidence
from finance.verify_voucher import Broken, canonical, read_checkpoint
from finance.vouchers.merkle import CompactRange, leaf_hash

CHUNK = 5000


class LogDoesNotAddUp(RuleBroken):
    """Somebody changed the log below the database's triggers; the message names the first place."""


@dataclass(frozen=True)
class Audit:
    """How much was checked."""

    leaves: int
    nodes: int
    checkpoints: int
    root: str


def audit_log(*, old: str = "") -> Audit:
    """Return how much of the log was reckoned anew and found right; ``old`` is a checkpoint that somebody kept.

    :raises LogDoesNotAddUp: naming the first leaf, node or checkpoint that is not what it was
    """
    marks = dict(Checkpoint.objects.values_list("size", "root"))
    signed = len(marks)
    if old:
        size, root = _kept(old)
        if marks.setdefault(size, root) != root:
            raise LogDoesNotAddUp(_("The checkpoint of %(size)d leaves is not the one that was kept.") % {"size": size})
    tree, count = CompactRange(), 0
    nodes = LogNode.objects.order_by("level", "index")
    kept = {(level, index): bytes(one) for level, index, one in nodes.values_list("level", "index", "hash").iterator()}
    for leaf in LogLeaf.objects.in_order().iterator(chunk_size=CHUNK):
        hashed = leaf_hash(canonical(leaf.entry()).encode())
        if leaf.index != tree.size or hashed != bytes(leaf.leaf_hash):
            raise LogDoesNotAddUp(_("Leaf %(index)d is not what was written.") % {"index": leaf.index})
        for level, index, full in tree.append(hashed):
            if kept.get((level, index)) != full:
                place = {"level": level, "index": index}
                raise LogDoesNotAddUp(_("Node %(index)d of level %(level)d is not what was written.") % place)
            count += 1
        if marks.pop(tree.size, tree.root().hex()) != tree.root().hex():
            raise LogDoesNotAddUp(_("The checkpoint of %(size)d leaves does not fit.") % {"size": tree.size})
    _check_end(tree, count, kept, marks)
    return Audit(leaves=tree.size, nodes=count, checkpoints=signed, root=tree.root().hex())


def _check_end(tree: CompactRange, count: int, kept: dict[Any, bytes], marks: dict[int, str]) -> None:
    head = evidence.head()
    if (head.size, head.root) != (tree.size, tree.root()) or count != len(kept):
        raise LogDoesNotAddUp(_("The log ends at leaf %(size)d, and its head tells otherwise.") % {"size": tree.size})
    if marks:
        size = {"size": min(marks), "found": tree.size}
        raise LogDoesNotAddUp(_("A checkpoint tells of %(size)d leaves, the log has %(found)d.") % size)


def _kept(note: str) -> tuple[int, str]:
    keys = runs.log_keys()
    try:
        size, root, *_rest = read_checkpoint(note, keys["origin"], keys["log_key"])
    except Broken as broken:
        raise LogDoesNotAddUp(str(broken)) from broken
    return size, root.hex()
