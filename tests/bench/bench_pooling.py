"""Shortages of collective purchases, made up at random: is each shared exactly, fairly, and fast?

Run by hand: ``python tests/bench/bench_pooling.py --json figures.json`` (SHORTAGES: how many, 10,000 if not said). It
needs no database. Beside our way of sharing in proportion stands the one by largest remainders.
"""

import argparse
import datetime as dt
import json
import os
import random
import sys
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from marketplace.pooling.allocation import PRO_RATA, RULES, Want, allocate  # noqa: E402
from marketplace.pooling.proportion import in_proportion  # noqa: E402

MONDAY = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
STEPS = [Decimal("0.001"), Decimal("0.5"), Decimal(1), Decimal(25)]
# A pool of this many firms, in grams.
MEMBERS = 2000


def shortage(source: random.Random) -> tuple[list[Want], int, str, Decimal]:
    """Return members, how many steps are there, the rule and the step."""
    step = source.choice(STEPS)
    counts = [source.randint(0, 10 ** source.randint(0, 6)) for _ in range(source.randint(1, 30))]
    wants = [
        Want(number, count * step, MONDAY + dt.timedelta(hours=source.randint(0, 5)))
        for number, count in enumerate(counts, start=1)
    ]
    return wants, source.randint(0, sum(counts)), source.choice(RULES), step


def broken(wants: list[Want], steps: int, rule: str, step: Decimal, source: random.Random) -> list[str]:
    """Return the promises that sharing this shortage breaks."""
    parts = allocate(wants, steps * step, rule, step)
    more = allocate(wants, (steps + source.randint(1, 50)) * step, rule, step)
    shuffled = source.sample(wants, len(wants))
    promises = {
        "sums": sum(parts.values()) == steps * step,
        "bounds": all(0 <= parts[want.id] <= want.quantity for want in wants),
        "steps": all(part % step == 0 for part in parts.values()),
        "order": allocate(shuffled, steps * step, rule, step) == parts,
        "more never gives less": all(more[member] >= part for member, part in parts.items()),
    }
    return [name for name, is_kept in promises.items() if not is_kept]


def by_largest_remainder(weights: list[int], total: int) -> list[int]:
    everything = sum(weights)
    parts = [weight * total // everything for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-(weights[place] * total % everything), place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    wanted, source = int(os.environ.get("SHORTAGES", "10000")), random.Random(7)
    failures: list[list[str]] = []
    paradoxes, farthest = 0, Fraction(0)
    started = time.perf_counter()
    for _ in range(wanted):
        wants, steps, rule, step = shortage(source)
        failures += filter(None, [broken(wants, steps, rule, step, source)])
        weights = [int(want.quantity / step) for want in wants]
        if rule == PRO_RATA and 0 < steps < sum(weights):
            before, after = by_largest_remainder(weights, steps), by_largest_remainder(weights, steps + 1)
            paradoxes += any(one > other for one, other in zip(before, after, strict=True))
            ours = in_proportion(weights, steps)
            exact = [Fraction(weight * steps, sum(weights)) for weight in weights]
            farthest = max(farthest, *(abs(part - share) for part, share in zip(ours, exact, strict=True)))
    seconds = time.perf_counter() - started
    grams = [source.randint(10**5, 10**8) for _ in range(MEMBERS)]
    began = time.perf_counter()
    in_proportion(grams, sum(grams) * 4 // 5)
    large = time.perf_counter() - began
    figures = {
        "shortages": wanted,
        "broken": len(failures),
        "seconds": round(seconds, 1),
        "largest_remainder_takes_when_there_is_more": paradoxes,
        "farthest_from_exact_share_in_steps": round(float(farthest), 2),
        f"seconds_for_{MEMBERS}_members": round(large, 3),
    }
    for name, value in figures.items():
        print(f"{name:45} {value}")  # noqa: T201
    if failures:
        raise SystemExit(f"broken: {failures[:5]}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
