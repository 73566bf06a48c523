"""What the operator's dial does to a market of 2,000 demands and 2,000 supplies, and how long each stop takes.

Run by hand: ``python -m tests.bench.bench_market --json figures.json``; it needs no database. Each demand has matches
with the supplies that it scores highest and with those that score it highest, as runs of both sides leave them; lists
show twenty. Quantities are lognormal, and as much is offered as is wanted. A part of the suppliers is new or small.
"""

import argparse
import json
import os
import sys
import time
from decimal import Decimal
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import numpy as np  # noqa: E402 - Django must be set up first

from matching.runs.clearing import clear_points  # noqa: E402
from matching.runs.market_data import Amount, MarketData  # noqa: E402

# So many matches a listing keeps; how much of a score is what everybody thinks of a supplier; who is new, who is small.
KEPT, POPULARITY, NEW, SMALL = 50, 0.5, 0.15, 0.25
STEP = Decimal("0.001")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def make_market(count: int, seed: int) -> tuple[MarketData, set[int], set[int]]:
    random = np.random.default_rng(seed)
    relevance = POPULARITY * random.random(count) + (1 - POPULARITY) * random.random((count, count))
    wanted, offered = random.lognormal(4, 1, count), random.lognormal(4, 1, count)
    offered *= wanted.sum() / offered.sum()
    minimums = np.minimum(0.05 * offered, 0.1 * wanted.mean())
    demands = {pk: _amount(pk, wanted[pk], 0.0) for pk in range(count)}
    supplies = {count + place: _amount(count + place, offered[place], minimums[place]) for place in range(count)}
    best = np.argpartition(-relevance, KEPT, axis=1)[:, :KEPT]
    askers = np.argpartition(-relevance, KEPT, axis=0)[:KEPT, :]
    chosen = {(row, column) for row in range(count) for column in best[row].tolist()}
    chosen |= {(row, column) for column in range(count) for row in askers[:, column].tolist()}
    pairs = {(row, count + column): (float(relevance[row, column]),) * 2 for row, column in sorted(chosen)}
    firms = random.permutation(np.arange(count, 2 * count)).tolist()
    new, small = int(NEW * count), int(SMALL * count)
    return MarketData("piece", demands, supplies, pairs), set(firms[:new]), set(firms[new : new + small])


def _amount(pk: int, quantity: float, minimum: float) -> Amount:
    exact = (Decimal(repr(float(each))).quantize(STEP) for each in (quantity, minimum))
    return Amount(pk, 1, pk, max(STEP, next(exact)), next(exact), "piece", Decimal(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    data, new, small = make_market(arguments.count, arguments.seed)
    began = time.monotonic()
    found = clear_points(data, new=new, small=small)
    took = time.monotonic() - began
    say(
        f"{len(data.demands)} demands, {len(data.supplies)} supplies, {len(data.pairs)} pairs; all stops in {took:.1f} s"
    )
    say("dial   fill  shown  relevance  new firms  small firms   Gini  value/bound  seconds")
    for point in found:
        each = point.figures
        say(
            f"{point.dial:4d} {each['fill']:6.1%} {each['shown']:6.1%} {each['relevance']:10.3f} {each['new_exposure']:10.1%}"
            f" {each['small_exposure']:12.1%} {each['gini']:6.2f} {each['value'] / each['bound']:12.1%} {each['seconds']:8.2f}"
        )
    if arguments.json:
        rows = [{"dial": point.dial, **point.figures} for point in found]
        arguments.json.write_text(json.dumps({"seconds": took, "stops": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
