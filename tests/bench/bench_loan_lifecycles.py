"""Whole lives of loans under a tree of limits, made up at random: do debits equal credits, does every limit hold?

Run by hand: ``python -m tests.bench.bench_loan_lifecycles --json figures.json`` (LIFECYCLES: how many, 10,000 if not
said). It fills a database of its own on the server that DATABASE_URL names, drops it afterwards, and needs no running
service.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="bench-"))
django.setup()

from django.db import connection, transaction  # noqa: E402 - Django must be set up first
from hypothesis import HealthCheck, Phase, seed, settings  # noqa: E402
from hypothesis.stateful import get_state_machine_test  # noqa: E402

from tests.finance.loan_lifecycles import People, lifecycles  # noqa: E402

STEPS = 12
# So many lives per turn of the machine that generates them: its memory of what it tried grows with each.
TURN = 500


def live(share: tuple[str, int, int]) -> int:
    """Live this share of the lives in a process of its own; the first that breaks stops it."""
    database, first, count = share
    connection.close()
    connection.settings_dict["NAME"] = database
    told = 0
    with transaction.atomic():
        people = People()
        while told < count:
            turn = min(TURN, count - told)
            machine = lifecycles(people)
            test = get_state_machine_test(
                machine,
                settings=settings(
                    max_examples=turn,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            seed(first + told)(test)()
            told += turn
        transaction.set_rollback(True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    wanted = int(os.environ.get("LIFECYCLES", "10000"))
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    try:
        each = -(-wanted // arguments.processes)
        shares = [(database, place * 10**6, each) for place in range(arguments.processes)]
        started = time.perf_counter()
        with get_context("fork").Pool(arguments.processes) as pool:
            lived = sum(pool.map(live, shares))
        seconds = time.perf_counter() - started
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    print(f"{lived} lives of up to {STEPS} steps, debits equal to credits and every limit held: {seconds:.0f} s")  # noqa: T201
    if arguments.json:
        figures = {"lifecycles": lived, "steps": STEPS, "seconds": round(seconds, 1), "broken": 0}
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
