"""A Merkle tree that only grows, and proofs about it: RFC 9162, section 2.1 (Certificate Transparency 2.0).

Hashes are SHA-256, 32 bytes. A perfect subtree is named by its level (0: a leaf) and its index among those of that
level: ``(2, 3)`` covers the leaves 12 to 15. Such a subtree never changes once it is full, so a store of them gives
every proof for every size the tree ever had.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from finance.verify_voucher import leaf_hash, node_hash, verify_consistency, verify_inclusion

__all__ = [
    "EMPTY_ROOT",
    "CompactRange",
    "Tree",
    "consistency_ranges",
    "inclusion_ranges",
    "leaf_hash",
    "node_hash",
    "prove",
    "root_of",
    "subtrees",
    "verify_consistency",
    "verify_inclusion",
]

EMPTY_ROOT = hashlib.sha256(b"").digest()

Hash = bytes
Range = tuple[int, int]
Place = tuple[int, int]


class CompactRange:
    """The roots of the perfect subtrees of a tree, the largest first: all that is needed to append to it.

    >>> tree = CompactRange()
    >>> tree.append(leaf_hash(b"a"))
    []
    >>> [(level, index) for level, index, _ in tree.append(leaf_hash(b"b"))]
    [(1, 0)]
    >>> tree.size, len(tree.hashes)
    (2, 1)
    """

    def __init__(self, size: int = 0, hashes: Sequence[Hash] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(hashes)}.")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: Hash) -> list[tuple[int, int, Hash]]:
        """Add a leaf's hash; return level, index and hash of each subtree that it made full, from low to high."""
        index, level, full = self.size, 0, []
        self.size += 1
        while index & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            index >>= 1
            level += 1
            full.append((level, index, leaf))
        self.hashes.append(leaf)
        return full

    def root(self) -> Hash:
        """Return the root of the whole tree."""
        return _join(self.hashes) if self.hashes else EMPTY_ROOT


class Tree:
    """A whole tree in memory.

    >>> tree = Tree(leaf_hash(bytes([n])) for n in range(7))
    >>> proof = tree.inclusion(3, 7)
    >>> verify_inclusion(leaf_hash(bytes([3])), 3, 7, proof, tree.root())
    True
    >>> verify_consistency(4, 7, tree.consistency(4, 7), tree.root(4), tree.root())
    True
    """

    def __init__(self, leaves: Iterable[Hash] = ()) -> None:
        self._range = CompactRange()
        self._levels: list[list[Hash]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return self._range.size

    def append(self, leaf: Hash) -> None:
        self._levels[0].append(leaf)
        for level, _, full in self._range.append(leaf):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(full)

    def root(self, size: int | None = None) -> Hash:
        """Return the root of the first ``size`` leaves, of all if None."""
        return self._range.root() if size is None else root_of(size, self._node)

    def inclusion(self, index: int, size: int) -> list[Hash]:
        return prove(inclusion_ranges(index, size), self._node)

    def consistency(self, old: int, size: int) -> list[Hash]:
        return prove(consistency_ranges(old, size), self._node)

    def _node(self, level: int, index: int) -> Hash:
        return self._levels[level][index]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove that a leaf is in the tree of ``size``: RFC 9162, 2.1.3.1.

    >>> inclusion_ranges(3, 7)
    [(2, 3), (0, 2), (4, 7)]
    """
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    start, end, out = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            out.append((middle, end))
            end = middle
        else:
            out.append((start, middle))
            start = middle
    return out[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose roots prove that the tree of ``old`` leaves begins that of ``size``: 2.1.4.1.

    >>> consistency_ranges(3, 7)
    [(2, 3), (3, 4), (0, 2), (4, 7)]
    """
    if not 0 < old <= size:
        raise ValueError(f"A tree of {size} leaves does not grow from one of {old}.")
    start, end, out = 0, size, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            out.append((middle, end))
            end = middle
        else:
            out.append((start, middle))
            start = middle
    # The old tree's own root is known to whoever checks; a part of it is not.
    if start:
        out.append((start, end))
    return out[::-1]


def subtrees(start: int, end: int) -> list[Place]:
    """Return the perfect subtrees that a range of a proof consists of, from left to right.

    >>> subtrees(4, 7)
    [(1, 2), (0, 6)]
    """
    places = []
    while start < end:
        level = (end - start).bit_length() - 1
        places.append((level, start >> level))
        start += 1 << level
    return places


def prove(ranges: Sequence[Range], node: Callable[[int, int], Hash]) -> list[Hash]:
    """Return the roots of these ranges; ``node`` gives the hash of a perfect subtree by level and index."""
    return [_join([node(*place) for place in subtrees(start, end)]) for start, end in ranges]


def root_of(size: int, node: Callable[[int, int], Hash]) -> Hash:
    """Return the root of the first ``size`` leaves."""
    return prove([(0, size)], node)[0] if size else EMPTY_ROOT


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _join(hashes: Sequence[Hash]) -> Hash:
    right = hashes[-1]
    for left in reversed(hashes[:-1]):
        right = node_hash(left, right)
    return right
