"""How fast facilities are booked when everybody wants the same, that nothing is booked twice, and how fast a search is.

Run by hand: ``python tests/bench/bench_booking.py --attempts 200 --threads 60 --json figures.json``. It fills a database
of its own on the server that DATABASE_URL names, drops it afterwards, and needs no running service.
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
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import cycle
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first
from django.utils import timezone  # noqa: E402

from config.celery import app  # noqa: E402
from config.errors import RuleBroken  # noqa: E402
from marketplace.calendars.occupancy import peak  # noqa: E402
from marketplace.models import Booking, Facility, FacilityHours, Membership, Organisation, Park, User  # noqa: E402
from marketplace.runs.bookings import insert  # noqa: E402
from marketplace.services.availability import FreeSearch, search_free  # noqa: E402
from marketplace.services.bookings import request_booking  # noqa: E402
from tests.factories import uscc  # noqa: E402

HOUR = dt.timedelta(hours=1)
CAPACITY = 1000


class World:
    """A park, firms that may book, and people who do it for them."""

    def __init__(self, firms: int) -> None:
        self.now = timezone.now()
        tomorrow = timezone.localtime(self.now) + dt.timedelta(days=1)
        self.ten = tomorrow.replace(hour=10, minute=0, second=0, microsecond=0)
        said = {"state": "approved", "reviewed_at": self.now, "created_at": self.now, "region": "331083"}
        self.firms = Organisation.objects.bulk_create(
            Organisation(name_zh=f"试验厂{n}", uscc=uscc(n), **said) for n in range(firms)
        )
        self.trader = User.objects.create(username="trader", email="trader@example.com")
        Membership.objects.bulk_create(
            Membership(user=self.trader, organisation=firm, role="trader", created_at=self.now) for firm in self.firms
        )
        operator = Organisation.objects.create(name_zh="园区", uscc=uscc(firms), kind="park_operator", **said)
        self.park = Park.objects.create(
            organisation=operator, code="BENCH", name_zh="园区", region="331083", created_at=self.now
        )

    def facilities(self, count: int, **rules) -> list[Facility]:
        times = {"created_at": self.now, "updated_at": self.now}
        number = Facility.objects.count()
        made = Facility.objects.bulk_create(
            Facility(park=self.park, code=f"F{number + n}", name_zh=f"{number + n} 号", **times, **rules)
            for n in range(count)
        )
        FacilityHours.objects.bulk_create(
            FacilityHours(facility=one, weekday=day, opens=dt.time(8), closes=dt.time(18))
            for one in made
            for day in range(1, 8)
        )
        return made


def at_once(acts: list[Callable[[], object]], threads: int) -> tuple[list[float], Counter]:
    """Do the acts from so many threads; return the milliseconds of each, and what came of them."""
    queue, lock, gate = list(reversed(acts)), threading.Lock(), threading.Barrier(threads)
    took: list[float] = []
    outcomes: Counter = Counter()

    def work() -> None:
        connection.ensure_connection()
        gate.wait()
        while True:
            with lock:
                if not queue:
                    break
                act = queue.pop()
            started = time.perf_counter()
            try:
                act()
                outcome = "booked"
            except RuleBroken as refusal:
                outcome = refusal.code
            with lock:
                took.append(1000 * (time.perf_counter() - started))
                outcomes[outcome] += 1
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return took, outcomes


def slot(world: World, attempts: int, threads: int) -> dict[str, object]:
    (dock,) = world.facilities(1, kind="dock", mode="slot", slot_minutes=60)
    said = {"facility": dock, "start": world.ten, "end": world.ten + HOUR, "by": world.trader, "now": world.now}
    acts = [partial(request_booking, organisation=firm, **said) for firm in world.firms[:attempts]]
    took, outcomes = at_once(acts, threads)
    return {
        "slot_attempts": attempts,
        "slot_threads": threads,
        "slot_winners": Booking.objects.active().filter(facility=dock).count(),
        "slot_outcomes": dict(outcomes),
        **_times("slot", took),
    }


def capacity(world: World, attempts: int, threads: int) -> dict[str, object]:
    kind = {"kind": "warehouse", "mode": "capacity", "capacity": Decimal(CAPACITY), "unit": "t", "slot_minutes": 60}
    (warehouse,) = world.facilities(1, **kind)
    chance = random.Random(7)
    said = {"facility": warehouse, "by": world.trader, "now": world.now, "unit": "t"}
    acts = []
    for _attempt, firm in zip(range(attempts), cycle(world.firms), strict=False):
        start = world.ten + chance.randrange(10) * dt.timedelta(days=1)
        end = start + chance.randrange(1, 8) * dt.timedelta(days=1)
        call = {"organisation": firm, "start": start, "end": end, "quantity": Decimal(chance.randrange(1, 60))}
        acts.append(partial(request_booking, **call, **said))
    took, outcomes = at_once(acts, threads)
    loads = [
        (one.lower, one.upper, quantity)
        for one, quantity in Booking.objects.active().filter(facility=warehouse).values_list("slot", "quantity")
    ]
    most = peak(loads, (world.now, world.now + dt.timedelta(days=400)))
    return {
        "capacity_attempts": attempts,
        "capacity_outcomes": dict(outcomes),
        "capacity_peak": float(most),
        "capacity_exceeded": float(max(most - CAPACITY, Decimal(0))),
        "capacity_booked": float(sum(load[2] for load in loads)),
        **_times("capacity", took),
    }


def search(world: World, facilities: int, bookings: int) -> dict[str, object]:
    docks = world.facilities(facilities, kind="laboratory", mode="slot", slot_minutes=60)
    chance = random.Random(11)
    taken = set()
    while len(taken) < bookings:
        taken.add((chance.randrange(facilities), chance.randrange(14), chance.randrange(8)))
    for place, day, hour in taken:
        start = world.ten + dt.timedelta(days=day, hours=hour)
        insert(
            facility=docks[place], start=start, end=start + HOUR, at=world.now,
            organisation=world.firms[0], status="confirmed", booked_by=world.trader,
        )  # fmt: skip
    midnight = world.ten.replace(hour=0)
    wanted = FreeSearch(
        start=midnight, end=midnight + dt.timedelta(days=14), minutes=120, kind="laboratory", near="台州"
    )
    took = []
    for _ in range(20):
        started = time.perf_counter()
        found = search_free(wanted, user=world.trader, now=world.now)
        took.append(1000 * (time.perf_counter() - started))
    return {
        "search_facilities": facilities,
        "search_bookings": bookings,
        "search_found": len(found),
        **_times("search", took),
    }


def _times(name: str, took: list[float]) -> dict[str, float]:
    return {
        f"{name}_p50_ms": round(statistics.median(took), 1),
        f"{name}_p95_ms": round(statistics.quantiles(took, n=20)[18], 1),
        f"{name}_worst_ms": round(max(took), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=200)
    parser.add_argument("--threads", type=int, default=60)
    parser.add_argument("--facilities", type=int, default=200)
    parser.add_argument("--bookings", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # Bells are rung for nobody here.
    app.conf.task_always_eager = False
    app.conf.broker_url = "memory://"
    connection.settings_dict["TEST"]["NAME"] = f"bench_booking_{os.getpid()}"
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        world = World(options.attempts)
        figures = slot(world, options.attempts, options.threads)
        figures |= capacity(world, 5 * options.attempts, options.threads)
        figures |= search(world, options.facilities, options.bookings)
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    for name, value in figures.items():
        print(f"{name:20} {value}")  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if figures["slot_winners"] != 1 or figures["capacity_exceeded"]:
        sys.exit("Booked more than there was.")


if __name__ == "__main__":
    main()
