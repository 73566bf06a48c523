"""What it costs to note what a page showed, and to say the chances of what was found.

Run by hand: ``python -m tests.bench.bench_events --pages 300 --json figures.json``. It fills a database of its own on the
server that DATABASE_URL names, drops it afterwards, and needs no running service.
"""

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

import numpy as np  # noqa: E402 - Django must be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from matching.live_index.trained import chances, reliability  # noqa: E402
from matching.models import Match, MatchEvent  # noqa: E402
from matching.ranking.features import FEATURES  # noqa: E402
from matching.ranking.reliability import EXPECTED, Record, record_features  # noqa: E402
from tests.factories import ListingFactory  # noqa: E402
from tests.matching.test_events import matches_of  # noqa: E402

PAGE, CANDIDATES, ORDERS = 20, 100, 60


def timed(calls: Sequence[Callable[[], object]]) -> dict[str, float]:
    """Return the milliseconds that the calls took: median and 95th percentile."""
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - began))
    return {"p50": round(float(np.quantile(took, 0.5)), 2), "p95": round(float(np.quantile(took, 0.95)), 2)}


def measure(pages: int) -> dict[str, dict[str, float]]:
    now, random = timezone.now(), np.random.default_rng(0)
    demands = ListingFactory.create_batch(5, side="demand", quantity=10)
    supplies = ListingFactory.create_batch(PAGE)
    for demand in demands:
        matches_of(demand, *supplies, at=now)
    shown = [list(Match.objects.for_listing(demand)[:PAGE]) for demand in demands]
    days = [now + dt.timedelta(days=day) for day in range(pages)]

    def show(number: int) -> None:
        MatchEvent.objects.record_shown(shown[number % len(shown)], "demand", 1, days[number])

    model, forecast = chances(), reliability()
    features = random.normal(0.5, 0.5, (CANDIDATES, len(FEATURES)))
    in_full = random.random(CANDIDATES)
    record = Record(random.uniform(10, 100, ORDERS), random.random(ORDERS), 7.0 * np.arange(ORDERS))

    def expect() -> None:
        said = [record_features(record, ordered=50.0, day=450.0, population=EXPECTED) for _ in range(CANDIDATES)]
        forecast.forecasts(np.stack(said), np.full(CANDIDATES, ORDERS), EXPECTED)

    return {
        f"{PAGE} matches shown, noted": timed([lambda n=n: show(n) for n in range(pages)]),
        f"the same {PAGE} shown again that day": timed([lambda n=n: show(n) for n in range(pages)]),
        f"three chances of {CANDIDATES} candidates": timed([lambda: model.of_pairs(features, in_full)] * 100),
        f"forecasts of {CANDIDATES} orders by records of {ORDERS}": timed([expect] * 20),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = f"bench_events_{os.getpid()}"
    database = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        figures = measure(arguments.pages)
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    for name, each in figures.items():
        print(f"{name:55} p50 {each['p50']:7.2f} ms   p95 {each['p95']:7.2f} ms")  # noqa: T201
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
