"""How fast firms are scored: one with its reasons after its features, ten thousand of them, and whole runs in the product.

Run by hand: ``python -m tests.bench.bench_assess --json figures.json``. The features are those of made-up firms with a
fixed seed; the whole runs read records from a database of its own on the server that DATABASE_URL names, dropped
afterwards, and write scores, shadow scores and evidence.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = os.environ.get("BENCH_DATA_DIR") or tempfile.mkdtemp(prefix="bench-")
# Django keeps every query in memory while it debugs.
os.environ["DEBUG"] = "0"
django.setup()

import numpy as np  # noqa: E402 - Django must be set up first
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from finance.models import CreditAssessment, Scorecard, ShadowScore, TransactionRecord  # noqa: E402
from finance.runs import assessments, scorecards  # noqa: E402
from finance.scoring.default import default_scorecard  # noqa: E402
from finance.scoring.features import NAMES, features_of  # noqa: E402
from finance.scoring.trades import Trades  # noqa: E402
from marketplace.models import Organisation  # noqa: E402
from tests.factories import uscc  # noqa: E402

DATABASE = "bench_assess"
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
MONTHS = 24


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def columns(random: np.random.Generator, records: int) -> dict:
    """Return the trade of one made-up firm over two years: lumpy sales, a void now and then, some quiet months."""
    days = random.integers(0, MONTHS * 30, records)
    net = np.round(random.lognormal(9, 1.2, records), 2)
    return {
        "is_sale": random.random(records) < 0.6,
        "day": [date(2024, 3, 1) + timedelta(days=int(day)) for day in days],
        "partner": [f"P{number}" for number in random.zipf(1.6, records) % 60],
        "net": net,
        "tax": np.round(net * random.choice([0.06, 0.13], records), 2),
        "is_void": random.random(records) < 0.05,
    }


def snapshots(firms: int, records: int, seed: int) -> list[assessments.Snapshot]:
    random = np.random.default_rng(seed)
    found = []
    for place in range(firms):
        table = features_of(Trades.of_firm(str(place), **columns(random, records)), as_of=NOW.date())
        features = {name: None if np.isnan(value) else value for name, value in table.row(str(place)).items()}
        inputs = {"scored": int(table.records[0]), "months": int(table.months[0])}
        found.append(assessments.Snapshot(features, inputs))
    return found


def score_snapshots(firms: int, records: int, seed: int) -> dict:
    """Score features that are there already, as the worker does: model checked, reasons, advice and hash included."""
    made = snapshots(min(firms, 500), records, seed)
    row = Scorecard.objects.get(pk=scorecards.platform_scorecard(now=NOW).pk)
    times = []
    begin = time.perf_counter()
    for place in range(firms):
        start = time.perf_counter()
        assessments.results_of(made[place % len(made)], scorecard=row, cut_offs=None)
        times.append(time.perf_counter() - start)
    return {
        "firms": firms,
        "seconds": time.perf_counter() - begin,
        "median_ms": 1000 * float(np.median(times)),
        "p99_ms": 1000 * float(np.percentile(times, 99)),
    }


def fill(firms: int, records: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    owners = Organisation.objects.bulk_create(
        Organisation(
            name_zh=f"企业{place}", uscc=uscc(place), region="331083", state="approved", reviewed_at=NOW, created_at=NOW
        )
        for place in range(firms)
    )
    for owner in owners:
        said = columns(random, records)
        TransactionRecord.objects.bulk_create(
            (
                TransactionRecord(
                    organisation=owner,
                    kind="sales" if said["is_sale"][place] else "purchases",
                    source="invoice",
                    key=str(place),
                    number=f"{place:08d}",
                    occurred_on=said["day"][place],
                    known_at=NOW - timedelta(days=1),
                    counterparty_code=said["partner"][place],
                    net_amount=said["net"][place],
                    tax_amount=said["tax"][place],
                    total_amount=round(said["net"][place] + said["tax"][place], 2),
                    is_void=said["is_void"][place],
                    sha256=f"{owner.pk:032x}{place:032x}",
                )
                for place in range(records)
            ),
            batch_size=5000,
        )


def whole_runs(firms: int, records: int, seed: int) -> dict:
    """Run whole assessments: look at the trade, read, reckon, write, with one challenger beside."""
    fill(firms, records, seed)
    serving = scorecards.platform_scorecard(now=NOW)
    content = default_scorecard().with_prior(0.05).to_dict()
    scorecards.add(bank=None, content=content, name="Challenger", family="logistic", status="shadow", by=None, now=NOW)
    ids = CreditAssessment.objects.request(
        Organisation.objects.values_list("pk", flat=True), scorecard=serving, now=NOW
    )
    times = []
    begin = time.perf_counter()
    for run_id in ids:
        start = time.perf_counter()
        assessments.assess(CreditAssessment.objects.claim(run_id, now=NOW), clock=lambda: NOW)
        times.append(time.perf_counter() - start)
    return {
        "firms": firms,
        "records_each": records,
        "seconds": time.perf_counter() - begin,
        "median_ms": 1000 * float(np.median(times)),
        "p99_ms": 1000 * float(np.percentile(times, 99)),
        "done": CreditAssessment.objects.done().count(),
        "shadow_scores": ShadowScore.objects.count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--runs", type=int, default=100, help="whole runs in the product")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    own = settings.DATABASES["default"]["NAME"]
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        figures = {
            "features": len(NAMES),
            "after_features": score_snapshots(arguments.firms, arguments.records, arguments.seed),
            "whole_runs": whole_runs(arguments.runs, arguments.records, arguments.seed),
        }
    finally:
        connection.creation.destroy_test_db(own, verbosity=0)
    after, whole = figures["after_features"], figures["whole_runs"]
    say(
        f"After features: {after['firms']} firms with reasons and advice in {after['seconds']:.1f} s "
        f"(goal 60); one in {after['median_ms']:.2f} ms, p99 {after['p99_ms']:.2f} ms (goal 50)"
    )
    say(
        f"Whole runs: {whole['done']} of {whole['firms']} firms of {whole['records_each']} records, "
        f"with a challenger and evidence: median {whole['median_ms']:.0f} ms, p99 {whole['p99_ms']:.0f} ms"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
