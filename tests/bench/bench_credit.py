"""How fast a line is drawn when everybody draws at once, how fast loans are paid out and repaid, and that the books agree.

Run by hand: ``python -m tests.bench.bench_credit --threads 50 --loans 200 --json figures.json``. Fifty people draw on one
line of 100 million at the same moment, three million each: 33 can. It fills a database of its own on the server that
DATABASE_URL names, drops it afterwards, and needs no running service.
"""

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first

from config.celery import app  # noqa: E402
from finance.lending.schedule import METHODS, schedule  # noqa: E402
from finance.models import CreditLine, Drawdown, Posting  # noqa: E402
from finance.runs.overdue import watch_loans  # noqa: E402
from finance.services.ledger import check_ledger  # noqa: E402
from tests.factories import NOON  # noqa: E402
from tests.factories_lending import make_bank, make_firm, supplier  # noqa: E402
from tests.races import race  # noqa: E402

LIMIT, EACH = 100_000_000, 3_000_000


def timed(work: Callable[[], object]) -> tuple[object, float]:
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


def draw_at_once(threads: int) -> dict[str, object]:
    bank, firm = make_bank(limit=LIMIT), make_firm()
    line, payee = bank.line(borrower=firm.organisation, limit=LIMIT), supplier()
    outcomes, seconds = timed(lambda: race(*([lambda: firm.draw(line, EACH, payee=payee)] * threads)))
    kinds = [type(one).__name__ for one in outcomes]
    line = CreditLine.objects.get(pk=line.pk)
    return {
        "threads": threads,
        "drawn": kinds.count("Drawdown"),
        "refused": kinds.count("LineExhausted"),
        "others": sorted(set(kinds) - {"Drawdown", "LineExhausted"}),
        "sum": str(line.reserved),
        "within_limit": line.reserved <= LIMIT,
        "seconds": round(seconds, 2),
    }


def one_reference(threads: int) -> dict[str, object]:
    bank, firm = make_bank(), make_firm()
    loan = bank.pay_out(bank.approve(firm.draw(bank.line(borrower=firm.organisation), 300_000)))
    repay = lambda: bank.repay(loan, "1033.33", on=NOON.date(), reference="R1")  # noqa: E731 - one act for all threads
    outcomes, seconds = timed(lambda: race(*([repay] * threads)))
    postings = Posting.objects.filter(drawdown=loan, kind="repayment.booked").count()
    return {
        "threads": threads,
        "replies": len(outcomes),
        "different_replies": len({getattr(one, "pk", repr(one)) for one in outcomes}),
        "postings": postings,
        "seconds": round(seconds, 2),
    }


def lives(loans: int) -> dict[str, float]:
    bank, firm = make_bank(), make_firm()
    line, payee = bank.line(borrower=firm.organisation, limit=100_000_000), supplier()
    drawn, draw = timed(lambda: [firm.draw(line, 1000, payee=payee) for _ in range(loans)])
    paid, pay = timed(lambda: [bank.pay_out(bank.approve(one)) for one in drawn])
    day = dt.date(2026, 4, 2)
    _rows, watch = timed(lambda: watch_loans(now=dt.datetime.combine(day, NOON.timetz())))
    _rows, repay = timed(lambda: [bank.repay(one, "3.44", on=day, reference=f"R{one.pk}") for one in paid])
    _found, check = timed(check_ledger)
    milli = {"request_ms": draw, "approve_and_pay_out_ms": pay, "fall_due_ms": watch, "repay_ms": repay}
    return {name: round(1000 * seconds / loans, 1) for name, seconds in milli.items()} | {"check_s": round(check, 2)}


def schedules(count: int = 1000) -> float:
    """Return how many milliseconds a schedule of twelve instalments takes."""
    terms = (Decimal(1_000_000), 435, dt.date(2026, 1, 15), 360)
    _found, seconds = timed(lambda: [schedule(*terms, METHODS[place % len(METHODS)]) for place in range(count)])
    return round(1000 * seconds / count, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--loans", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    app.conf.task_always_eager = False
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        figures = {
            "draws_at_once": draw_at_once(arguments.threads),
            "one_reference": one_reference(arguments.threads),
            "each_act": lives(arguments.loans),
            "schedule_ms": schedules(),
            "differences_in_the_books": len(check_ledger()),
            "loans": Drawdown.objects.count(),
        }
    finally:
        connection.close()
        connection.creation.destroy_test_db(database, verbosity=0)
    print(json.dumps(figures, indent=1))  # noqa: T201
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
