"""Live many lives that hypothesis makes up, in a process for each core; the first that breaks stops it.

A bench that imports this has set Django up; it names the module of its machines, which has ``People`` and ``lifecycles``.
"""

import argparse
import json
import os
import time
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

STEPS = 12
# So many lives per turn of the machine that generates them: its memory of what it tried grows with each.
TURN = 500


def live(share: tuple[str, str, int, int]) -> int:
    """Live this share of the lives in a process of its own; the first that breaks stops it."""
    module, database, first, count = share
    lives = import_module(module)
    connection.close()
    connection.settings_dict["NAME"] = database
    told = 0
    with transaction.atomic():
        people = lives.People()
        while told < count:
            turn = min(TURN, count - told)
            machine = lives.lifecycles(people)
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


def run(module: str, *, about: str, kept: str) -> None:
    """Live LIFECYCLES lives (10,000 if not said) and print how long it took; ``kept`` says what held all along."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    wanted = int(os.environ.get("LIFECYCLES", "10000"))
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    try:
        each = -(-wanted // arguments.processes)
        shares = [(module, database, place * 10**6, each) for place in range(arguments.processes)]
        started = time.perf_counter()
        with get_context("fork").Pool(arguments.processes) as pool:
            lived = sum(pool.map(live, shares))
        seconds = time.perf_counter() - started
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    print(f"{lived} lives of up to {STEPS} steps, {kept}: {seconds:.0f} s")  # noqa: T201
    if arguments.json:
        figures = {"lifecycles": lived, "steps": STEPS, "seconds": round(seconds, 1), "broken": 0}
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
