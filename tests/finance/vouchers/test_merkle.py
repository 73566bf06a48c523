"""The tree against RFC 6962's vectors, and every proof of every small tree."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.vouchers.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Tree,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight entries that Certificate Transparency tests with, and the roots of the first n of them.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(size):
    return Tree(leaf_hash(b"%d" % n) for n in range(size))


@pytest.mark.parametrize("size", range(9))
def test_root_is_that_of_rfc_6962(size):
    grown = Tree(leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES[:size])

    assert grown.root().hex() == ROOTS[size]


def test_every_leaf_of_every_tree_up_to_257_is_proved():
    whole = tree(257)
    leaves = [leaf_hash(b"%d" % n) for n in range(257)]

    for size in range(1, 258):
        root = whole.root(size)
        for index in range(size):
            assert verify_inclusion(leaves[index], index, size, whole.inclusion(index, size), root)


def test_every_tree_up_to_129_is_proved_to_begin_every_later_one():
    whole = tree(129)
    roots = {size: whole.root(size) for size in range(1, 130)}

    for size in range(1, 130):
        for old in range(1, size + 1):
            assert verify_consistency(old, size, whole.consistency(old, size), roots[old], roots[size])


def test_every_changed_bit_of_a_proof_is_refused():
    whole, rng = tree(100), random.Random(7)
    root, leaf, proof = whole.root(), leaf_hash(b"37"), whole.inclusion(37, 100)
    old_root, grown = whole.root(41), whole.consistency(41, 100)

    for bit in range(len(proof) * 256):
        assert not verify_inclusion(leaf, 37, 100, flipped(proof, bit), root)
    for bit in rng.sample(range(len(grown) * 256), 300):
        assert not verify_consistency(41, 100, flipped(grown, bit), old_root, root)
    for bit in range(256):
        assert not verify_inclusion(flipped([leaf], bit)[0], 37, 100, proof, root)
        assert not verify_inclusion(leaf, 37, 100, proof, flipped([root], bit)[0])
        assert not verify_consistency(41, 100, grown, flipped([old_root], bit)[0], root)
        assert not verify_consistency(41, 100, grown, old_root, flipped([root], bit)[0])


def flipped(hashes, bit):
    out = [bytearray(one) for one in hashes]
    out[bit // 256][bit % 256 // 8] ^= 1 << bit % 8
    return [bytes(one) for one in out]


@pytest.mark.parametrize(("index", "size"), [(38, 100), (37, 129), (37, 64), (36, 100), (-1, 100), (100, 100)])
def test_proof_of_another_place_or_size_is_refused(index, size):
    whole = tree(100)

    assert not verify_inclusion(leaf_hash(b"37"), index, size, whole.inclusion(37, 100), whole.root())


@pytest.mark.parametrize("change", [lambda p: p[:-1], lambda p: [*p, p[0]], lambda p: p[::-1], lambda p: []])
def test_proof_cut_lengthened_or_turned_is_refused(change):
    whole = tree(100)

    assert not verify_inclusion(leaf_hash(b"37"), 37, 100, change(whole.inclusion(37, 100)), whole.root())
    proof = change(whole.consistency(41, 100))
    assert not verify_consistency(41, 100, proof, whole.root(41), whole.root())


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (-1, 5)])
def test_consistency_of_impossible_sizes_is_refused(old, size):
    assert not verify_consistency(old, size, [], EMPTY_ROOT, tree(5).root())
    with pytest.raises(ValueError, match="grow"):
        consistency_ranges(old, size)


def test_inclusion_of_a_leaf_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_ranges(5, 5)


@given(st.integers(0, 600), st.integers(0, 600))
def test_compact_range_goes_on_where_it_was_left(first, more):
    kept = CompactRange()
    for n in range(first):
        kept.append(leaf_hash(b"%d" % n))
    again = CompactRange(kept.size, kept.hashes)
    for n in range(first, first + more):
        again.append(leaf_hash(b"%d" % n))

    assert again.root() == tree(first + more).root()


def test_compact_range_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="perfect subtrees"):
        CompactRange(5, [EMPTY_ROOT])


def test_empty_tree_has_the_hash_of_nothing():
    assert Tree().root() == root_of(0, None) == EMPTY_ROOT
    assert len(Tree()) == 0
