"""How fast the evidence log grows and proves, and how fast a voucher is issued and checked.

Run by hand: ``python -m tests.bench.bench_log --json figures.json``. The first part is in memory alone; ``--rows N`` also
appends so many leaves to a database of its own on the server that DATABASE_URL names, which it drops afterwards. Each
figure is the best and the median of five turns.
"""

import argparse
import datetime as dt
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from finance.verify_voucher import check_presentation
from finance.vouchers.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from finance.vouchers.sd_jwt import Hidden, issue, present, public_jwk

LEAVES = 200_000
TURNS = 5
MANY = 200


def turns(action, *, per=1):
    """Return best and median seconds of one action, done so often per turn."""
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        for _ in range(per):
            action()
        taken.append((time.perf_counter() - start) / per)
    return min(taken), statistics.median(taken)


def measure_tree():
    entries = [b"%064d" % n for n in range(LEAVES)]

    def rebuild():
        return Tree(leaf_hash(entry) for entry in entries).root()

    tree = Tree(leaf_hash(entry) for entry in entries)
    root, place = tree.root(), LEAVES // 3
    leaf = leaf_hash(entries[place])

    def prove():
        if not verify_inclusion(leaf, place, LEAVES, tree.inclusion(place, LEAVES), root):
            raise SystemExit("a good proof was refused")

    old, old_root = LEAVES // 2 + 1, tree.root(LEAVES // 2 + 1)

    def grow():
        if not verify_consistency(old, LEAVES, tree.consistency(old, LEAVES), old_root, root):
            raise SystemExit("a good proof was refused")

    rebuilt = turns(rebuild)
    return {
        "rebuild_200k_seconds": rebuilt,
        "appends_per_second": [LEAVES / one for one in rebuilt],
        "inclusion_proved_and_verified_ms": [one * 1000 for one in turns(prove, per=MANY)],
        "consistency_proved_and_verified_ms": [one * 1000 for one in turns(grow, per=MANY)],
    }


def measure_sd_jwt():
    issuer, holder = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    claims = {"aud": "BANK", "iat": 1000, "exp": 2000} | {f"claim_{n}": Hidden(n) for n in range(15)}
    told = {"key": issuer, "holder": public_jwk(holder.public_key()), "kind": "credit-voucher+sd-jwt"}

    def make():
        return issue(claims, salt=lambda: secrets.token_urlsafe(16), **told)

    token, disclosures = make()
    shown = present(token, disclosures[:8], key=holder, audience="BANK", nonce="n", at=1100)
    jwk = public_jwk(issuer.public_key())
    return {
        "voucher_issued_ms": [one * 1000 for one in turns(make, per=MANY)],
        "presentation_checked_ms": [
            one * 1000 for one in turns(lambda: check_presentation(shown, jwk, now=1200), per=MANY)
        ],
    }


def measure_rows(count):
    """Append to real rows, one leaf per transaction, as use cases do; and audit them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
    import django  # noqa: PLC0415 - the part in memory needs none of it

    django.setup()
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import setup_test_environment, teardown_test_environment  # noqa: PLC0415

    from finance.services import evidence  # noqa: PLC0415
    from finance.services.log_audit import audit_log  # noqa: PLC0415

    setup_test_environment()
    connection.settings_dict["TEST"]["NAME"] = "bench_log"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        at = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
        start = time.perf_counter()
        for n in range(count):
            evidence.append(kind="bench.run", content={"n": n}, at=at)
        single = time.perf_counter() - start
        start = time.perf_counter()
        evidence.append_all(entries=[evidence.Entry("bench.run", {"n": n}) for n in range(count * 10)], at=at)
        many = time.perf_counter() - start
        size = evidence.head().size
        proof = turns(lambda: evidence.inclusion_proof(index=size // 3, size=size), per=20)
        start = time.perf_counter()
        audit_log()
        return {
            "rows_appended_one_by_one_per_second": count / single,
            "rows_appended_together_per_second": count * 10 / many,
            "proof_from_rows_ms": [one * 1000 for one in proof],
            "audit_leaves_per_second": size / (time.perf_counter() - start),
        }
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        teardown_test_environment()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=0, help="also append so many leaves to a database")
    parser.add_argument("--json", metavar="FILE")
    said = parser.parse_args()
    figures = measure_tree() | measure_sd_jwt() | (measure_rows(said.rows) if said.rows else {})
    for name, value in figures.items():
        shown = " / ".join(f"{one:,.3f}" for one in value) if isinstance(value, list | tuple) else f"{value:,.1f}"
        sys.stdout.write(f"{name:45} {shown}\n")
    if said.json:
        Path(said.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
