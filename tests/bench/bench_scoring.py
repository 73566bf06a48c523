"""How fast scoring is: reading invoices, features, one firm with reasons, ten thousand firms. Run on demand:

    [BENCH_DATA=DIR] .venv/bin/python -m tests.bench.bench_scoring [--firms 10000] [--json OUT]

Without BENCH_DATA the invoices are made up, as many as the labelled firms have. Targets: features of 256,000 invoices in
4 s, one firm with reasons in 50 ms after its features, 10,000 firms in 60 s.
"""

import argparse
import json
import os
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

from finance.scoring.advice import advise
from finance.scoring.default import default_scorecard
from finance.scoring.features import NAMES, features_of
from finance.scoring.invoices import read_folder
from finance.scoring.scored import score, score_all
from finance.scoring.trades import Trades, day_number

INVOICES = 256_000


def made_up(firms: int, invoices: int, *, random_state: int = 0) -> Trades:
    generator = np.random.default_rng(random_state)
    first = day_number(date(2016, 10, 1))
    net = np.round(np.exp(generator.normal(9, 2, invoices)), 2)
    owner = np.sort(generator.integers(0, firms, invoices))
    return Trades.of_columns(
        [f"E{number}" for number in range(firms)],
        firm=[f"E{number}" for number in owner],
        is_sale=generator.random(invoices) < 0.4,
        day=first + generator.integers(0, 1200, invoices),
        partner=[f"P{number}" for number in generator.integers(0, 30_000, invoices)],
        net=net,
        tax=np.round(net * 0.13, 2),
        is_void=generator.random(invoices) < 0.05,
    )


def timed(work) -> tuple[float, object]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def measure(firms: int, data: str) -> dict:
    found = {}
    if data:
        seconds, read = timed(lambda: read_folder(Path(data) / "sme_invoices"))
        found["reading_256k_invoices_s"] = seconds
        trades = read.trades
    else:
        trades = made_up(82, INVOICES)
    found["invoices"] = len(trades)
    found["features_s"], table = timed(lambda: features_of(trades))
    card = default_scorecard()
    score(card, "warm", table.row(table.firms[0]), records=1)  # the first call hashes the card
    row = table.row(table.firms[0])
    times = [timed(lambda: score(card, "E1", row, records=1).to_dict())[0] for _ in range(200)]
    found["one_firm_with_reasons_ms_p95"] = 1000 * float(np.percentile(times, 95))
    found["one_firm_advice_ms"] = 1000 * timed(lambda: advise(card, row, months=36))[0]
    many = made_up(firms, firms * 60)
    seconds, table = timed(lambda: features_of(many))
    found["many_firms"] = firms
    found["many_firms_features_s"] = seconds
    found["many_firms_scores_with_reasons_s"], scores = timed(lambda: score_all(card, table))
    assert len(scores) == firms
    assert set(scores[0].features) == set(NAMES)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.firms, os.environ.get("BENCH_DATA", ""))
    sys.stdout.writelines(f"{name:<36} {value}\n" for name, value in found.items())
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
