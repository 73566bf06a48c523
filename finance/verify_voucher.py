"""Check a credit voucher with nothing but Python and the package ``cryptography``, the network off."""

import hashlib
import json


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- Merkle proofs, RFC 9162 section 2.1 ---


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def verify_inclusion(leaf, index, size, proof, root):
    """Say whether the proof leads from the leaf's hash to the root: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(old_size, size, proof, old_root, root):
    """Say whether the old tree is the beginning of the other: RFC 9162, 2.1.4.2."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    here, last = old_size - 1, size - 1
    while here & 1:
        here >>= 1
        last >>= 1
    old_found = found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_found, found = node_hash(step, old_found), node_hash(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and old_found == old_root and found == root
