"""The root that stands for a batch of records in the evidence log."""

from collections.abc import Iterable

from finance.vouchers.merkle import CompactRange, leaf_hash


def batch_root(sha256s: Iterable[str]) -> str:
    """Return the root, in hexadecimal, of the RFC 9162 tree whose entries are these hashes (32 bytes each), in this order.

    Nothing has the root of the empty tree, the SHA-256 of nothing.

    >>> batch_root(["00" * 32]) == leaf_hash(bytes(32)).hex()
    True
    """
    tree = CompactRange()
    for one in sha256s:
        tree.append(leaf_hash(bytes.fromhex(one)))
    return tree.root().hex()
