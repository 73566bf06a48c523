"""How fast offers are accepted when everybody wants the same lot, and that none of it is sold twice.

Run by hand: ``python tests/bench/bench_accept.py --accepts 1000 --threads 16 --json figures.json``. A tenth of the accepts
ask for an offer that another thread accepts as well, and the lot is enough for seven of ten offers. It fills a database of
its own on the server that DATABASE_URL names, drops it afterwards, and needs no running service.
"""

import argparse
import datetime as dt
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from config.celery import app  # noqa: E402
from config.errors import RuleBroken  # noqa: E402
from marketplace.models import (  # noqa: E402
    Listing,
    Membership,
    Negotiation,
    Offer,
    OfferLine,
    Order,
    OrderLine,
    Organisation,
    User,
)
from marketplace.services.offers import accept_offer  # noqa: E402
from tests.factories import uscc  # noqa: E402

EACH = Decimal(10)
SHARE_SOLD, SHARE_TWICE = 0.7, 0.1


def fill(count: int) -> tuple[Listing, User, list[Offer]]:
    """Write a lot, and as many buyers that each have an open offer for some of it."""
    now = timezone.now()
    today = timezone.localdate(now)
    salesman = User.objects.create(username="salesman", email="salesman@example.com")
    purchaser = User.objects.create(username="purchaser", email="purchaser@example.com")
    firms = Organisation.objects.bulk_create(
        Organisation(
            name_zh=f"试验厂{n}", uscc=uscc(n), state="approved", reviewed_at=now, created_at=now, region="331083"
        )
        for n in range(count + 1)
    )
    seller, buyers = firms[0], firms[1:]
    Membership.objects.create(user=salesman, organisation=seller, role=Membership.Role.OWNER, created_at=now)
    Membership.objects.bulk_create(
        Membership(user=purchaser, organisation=buyer, role=Membership.Role.OWNER, created_at=now) for buyer in buyers
    )
    lot = Listing.objects.create(
        organisation=seller,
        side="supply",
        title_zh="PP 粒料",
        quantity=EACH * round(count * SHARE_SOLD),
        unit="t",
        status="open",
        created_by=salesman,
        created_at=now,
        updated_at=now,
        published_at=now,
    )
    negotiations = Negotiation.objects.bulk_create(
        Negotiation(
            supply=lot,
            buyer=buyer,
            seller=seller,
            opened_for=buyer,
            opened_by=purchaser,
            origin="browse",
            created_at=now,
            updated_at=now,
        )
        for buyer in buyers
    )
    offers = Offer.objects.bulk_create(
        Offer(
            negotiation=negotiation,
            number=1,
            side="buyer",
            made_for=buyer,
            made_by=purchaser,
            made_at=now,
            net_amount=Decimal("75221.24"),
            tax_amount=Decimal("9778.76"),
            total_amount=Decimal("85000.00"),
            valid_until=now + dt.timedelta(days=7),
            window_start=today,
            window_end=today + dt.timedelta(days=30),
            address="台州市路桥区工业大道 8 号",
        )
        for negotiation, buyer in zip(negotiations, buyers, strict=True)
    )
    OfferLine.objects.bulk_create(
        OfferLine(offer=offer, position=1, description="PP 粒料", quantity=EACH, unit="t", unit_price=8500)
        for offer in offers
    )
    return lot, salesman, offers


Took = dict[str, list[float]]


def accept_all(wanted: list[int], salesman: User, threads: int) -> tuple[Took, Counter]:
    """Accept the offers from so many threads, and return how long each took and what was refused."""
    took: Took = {"accepted": [], "refused": []}
    refusals: Counter = Counter()
    queue = wanted[::-1]
    lock, gate = threading.Lock(), threading.Barrier(threads)

    def work() -> None:
        connection.ensure_connection()
        gate.wait()
        while True:
            with lock:
                if not queue:
                    break
                pk = queue.pop()
            started, outcome = time.perf_counter(), "accepted"
            names = ("negotiation__buyer", "negotiation__seller", "made_for")
            try:
                accept_offer(offer=Offer.objects.select_related(*names).get(pk=pk), by=salesman, now=timezone.now())
            except RuleBroken as refusal:
                outcome = "refused"
                with lock:
                    refusals[refusal.code] += 1
            with lock:
                took[outcome].append(1000 * (time.perf_counter() - started))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return took, refusals


def run(accepts: int, threads: int, processes: int) -> dict[str, object]:
    twice = round(accepts * SHARE_TWICE)
    lot, salesman, offers = fill(accepts - twice + 1)
    spare, wanted = offers[0], offers[1:]
    with CaptureQueriesContext(connection) as asked:
        accept_offer(offer=spare, by=salesman, now=timezone.now())
    # The same offer twice in a row, so that two threads have it at once.
    asked_twice = {offer.pk for offer in random.Random(3).sample(wanted, twice)}
    queue = [pk for offer in wanted for pk in [offer.pk] * (1 + (offer.pk in asked_twice))]
    connection.close()
    shares = [(queue[place::processes], salesman, threads // processes) for place in range(processes)]
    started = time.perf_counter()
    with get_context("fork").Pool(processes) as pool:
        outcomes = pool.starmap(accept_all, shares, chunksize=1)
    seconds = time.perf_counter() - started
    lot.refresh_from_db()
    sold = sum(OrderLine.objects.values_list("quantity", flat=True))
    there = EACH * round(len(offers) * SHARE_SOLD)
    accepted = [each for took, _refusals in outcomes for each in took["accepted"]]
    everything = accepted + [each for took, _refusals in outcomes for each in took["refused"]]
    return {
        "accepts": len(everything),
        "threads": threads,
        "processes": processes,
        "orders": Order.objects.count(),
        "oversold": float(max(sold + lot.quantity - there, Decimal(0))),
        "left": float(lot.quantity),
        "double_orders": Order.objects.count() - Order.objects.values("offer").distinct().count(),
        "refusals": dict(sum((refusals for _took, refusals in outcomes), Counter())),
        "seconds": round(seconds, 2),
        "per_second": round(len(everything) / seconds, 1),
        "queries_of_one": len(asked),
        "p50_ms": round(statistics.median(everything), 1),
        "p95_ms": round(statistics.quantiles(everything, n=20)[18], 1),
        "p95_accepted_ms": round(statistics.quantiles(accepted, n=20)[18], 1),
        "worst_ms": round(max(everything), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accepts", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="that share the threads, as web workers"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # Bells are rung for nobody here.
    app.conf.task_always_eager = False
    app.conf.broker_url = "memory://"
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        figures = run(options.accepts, options.threads, options.processes)
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    for name, value in figures.items():
        print(f"{name:18} {value}")  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if figures["oversold"] or figures["double_orders"]:
        sys.exit("Sold more than there was.")


if __name__ == "__main__":
    main()
