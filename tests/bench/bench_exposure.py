"""Whether new firms are seen in their first week, and what that costs those who look.

Run by hand: ``python -m tests.bench.bench_exposure --json figures.json``. A simulated market of buyers who open the
matches of their demands day by day, in a database of its own on the server that DATABASE_URL names, dropped afterwards.
Each seed is run with the floor for new firms and without, and by score alone: the same market, the same openings.
"""

import argparse
import json
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
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
from django.db import connection, transaction  # noqa: E402

from marketplace.models import Category, Listing, Membership, Organisation, User  # noqa: E402
from matching import runs  # noqa: E402
from matching.clearing.figures import gini  # noqa: E402
from matching.models import BalanceRun, Match, MatchEvent, MatchRun  # noqa: E402
from matching.services import exposures  # noqa: E402
from tests.factories import uscc  # noqa: E402

DATABASE = "bench_exposure"
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAYS, PAGE, LISTED = 7, 20, 50
# How much of a preference is what everybody thinks of a firm, as in the market of Tomita & Yokoyama (RecSys 2024).
POPULARITY = 0.5
# A buyer opens the list of a demand on a day with this chance; who opens it looks at the first page.
OPENS = 0.7
WAYS = {
    "by score, no floor": ("score", False),
    "mutual, no floor": ("mutual", False),
    "mutual, with the floor": ("mutual", True),
}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def fill(arguments: argparse.Namespace, seed: int) -> tuple[list[Listing], set[int]]:
    """Write the market; return its demands, and which supplies are of new firms."""
    random = np.random.default_rng(seed)
    user = User.objects.create(username=f"bench-{seed}", email="bench@example.com")
    category = Category.objects.create(code="goods", name_zh="货物", name_en="Goods", family="goods", unit="piece")
    kinds = (
        [("demand", 60)] * arguments.demands + [("supply", 60)] * arguments.suppliers + [("supply", 0)] * arguments.new
    )
    organisations = Organisation.objects.bulk_create(
        Organisation(
            name_zh=f"企业{place}", uscc=uscc(place), region="331083", state="approved",
            reviewed_at=BEGIN, created_at=BEGIN - timedelta(days=age),
        )
        for place, (_side, age) in enumerate(kinds)
    )  # fmt: skip
    Membership.objects.bulk_create(
        Membership(user=user, organisation=one, role="trader", created_at=BEGIN) for one in organisations
    )
    quantities = np.round(random.lognormal(5, 1, len(kinds))) + 1
    listings = Listing.objects.bulk_create(
        Listing(
            organisation=one, side=side, category=category, title_zh="货物", quantity=quantity, unit="piece",
            region="331083", status="open", created_by=user, created_at=BEGIN, updated_at=BEGIN,
            published_at=BEGIN - timedelta(days=age),
        )
        for one, (side, age), quantity in zip(organisations, kinds, quantities.tolist(), strict=True)
    )  # fmt: skip
    demands, supplies = listings[: arguments.demands], listings[arguments.demands :]
    _match(random, demands, supplies, user)
    return demands, {each.pk for each in supplies[arguments.suppliers :]}


def _match(random: np.random.Generator, demands: list[Listing], supplies: list[Listing], user: User) -> None:
    """Let each demand have the matches it would have: the supplies it scores highest, with the chances of both sides."""
    shape = (len(demands), len(supplies))
    buyer = POPULARITY * random.random(shape[1]) + (1 - POPULARITY) * random.random(shape)
    seller = POPULARITY * random.random((shape[0], 1)) + (1 - POPULARITY) * random.random(shape)
    runs_ = MatchRun.objects.bulk_create(
        MatchRun(listing=each, requested_at=BEGIN, finished_at=BEGIN, status="done", revision=1) for each in demands
    )
    rows = []
    for place, demand in enumerate(demands):
        for rank, column in enumerate(np.argsort(-buyer[place], kind="stable")[:LISTED].tolist(), start=1):
            rows.append(
                Match(
                    supply=supplies[column], demand=demand, supply_organisation_id=supplies[column].organisation_id,
                    demand_organisation_id=demand.organisation_id, supply_revision=1, demand_revision=1,
                    # Scores are as rankers give them, a narrow band that tells fit and not fate.
                    score=40 + 55 * buyer[place, column], rank=rank, model_version="bench", run=runs_[place],
                    buyer_chance=buyer[place, column], seller_chance=seller[place, column], fulfilment_chance=1.0,
                    first_seen_at=BEGIN, updated_at=BEGIN,
                )
            )  # fmt: skip
    Match.objects.bulk_create(rows, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    (run_id,) = BalanceRun.objects.request(["goods"], now=BEGIN)
    runs.balance_family(BalanceRun.objects.claim(run_id, now=BEGIN), clock=lambda: BEGIN)


def qualified_lists(new: set[int]) -> dict[int, int]:
    """Return for each new firm's supply how many lists it qualifies for: near what stands eighth, by score."""
    counts = dict.fromkeys(new, 0)
    for demand in set(Match.objects.values_list("demand", flat=True)):
        rows = list(Match.objects.filter(demand=demand).order_by("-score", "pk").values_list("supply", "score"))
        least = rows[min(exposures.RESERVED[-1], len(rows) - 1)][1] - exposures.TOLERANCE
        for supply, score in rows:
            if supply in new and score >= least:
                counts[supply] += 1
    return counts


def live(demands: list[Listing], order: str, seed: int) -> dict[str, list[float]]:
    """Let a week pass; return the relevance of each list that was opened."""
    random, seen = np.random.default_rng(seed + 1000), {"ndcg": [], "relevance": [], "joint": []}
    user = User.objects.get(username=f"bench-{seed}")
    for day in range(DAYS):
        for demand in demands:
            if random.random() >= OPENS:
                continue
            now = BEGIN + timedelta(days=day, minutes=int(random.integers(600)))
            found = exposures.match_list(listing=demand, user=user, now=now, order=order)[:PAGE]
            MatchEvent.objects.record_shown(found, "demand", 1, now)
            best = Match.objects.filter(demand=demand).order_by("-score", "pk").values_list("score", flat=True)
            seen["ndcg"].append(_ndcg([match.score for match in found], list(best)))
            seen["relevance"].append(float(np.mean([match.score for match in found])))
            seen["joint"].append(float(np.mean([match.buyer_chance * match.seller_chance for match in found])))
    return seen


def _ndcg(shown: list[float], best: list[float], k: int = 10) -> float:
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = float(np.asarray(sorted(best, reverse=True)[:k]) @ discount[: len(best[:k])])
    return float(np.asarray(shown[:k]) @ discount[: len(shown[:k])]) / ideal


def one_way(arguments: argparse.Namespace, seed: int, order: str, *, has_floor: bool) -> dict[str, float]:
    """Run one seed one way and undo it."""
    settings.NEW_FIRM_FLOOR = has_floor
    with transaction.atomic():
        demands, new = fill(arguments, seed)
        qualified = qualified_lists(new)
        seen = live(demands, order, seed)
        shown = MatchEvent.objects.values_list("match__supply", flat=True)
        counts = dict.fromkeys(Match.objects.values_list("supply", flat=True), 0)
        for supply in shown:
            counts[supply] += 1
        # Of a list a firm has at most one impression a day: who qualifies for one list alone cannot have ten.
        within_reach = [pk for pk, lists in qualified.items() if lists * DAYS * OPENS >= exposures.FLOOR]
        reached = sum(counts[pk] >= exposures.FLOOR for pk in within_reach)
        transaction.set_rollback(True)
    return {
        "new_firms": len(new),
        "qualified_somewhere": sum(lists > 0 for lists in qualified.values()),
        "qualified": len(within_reach),
        "reached": reached,
        "share_reached": reached / max(1, len(within_reach)),
        "ndcg_at_10": float(np.mean(seen["ndcg"])),
        "mean_score": float(np.mean(seen["relevance"])),
        "mean_joint_chance": float(np.mean(seen["joint"])),
        "gini": gini(np.array(list(counts.values()), dtype=float)),
        "suppliers_shown": sum(count > 0 for count in counts.values()) / len(counts),
    }


def interval(values: list[float]) -> tuple[float, float]:
    """Return the mean over seeds and the half width of its 95 % interval (Student's t)."""
    if len(values) < 2:
        return float(np.mean(values)), float("nan")
    student = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365}.get(len(values), 2.0)
    return float(np.mean(values)), student * float(np.std(values, ddof=1)) / len(values) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demands", type=int, default=40)
    parser.add_argument("--suppliers", type=int, default=200)
    parser.add_argument("--new", type=int, default=30, help="firms that posted their first supply as the week begins")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    figures: dict[str, list[dict]] = {name: [] for name in WAYS}
    try:
        for seed in range(arguments.seeds):
            for name, (order, has_floor) in WAYS.items():
                figures[name].append(one_way(arguments, seed, order, has_floor=has_floor))
                say(f"seed {seed}, {name}: {figures[name][-1]}")
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    say(f"\n{'':26s} new firms >= 10   nDCG@10           mean score        joint chance      Gini of suppliers")
    for name, rows in figures.items():
        cells = [
            "{:.3f} ± {:.3f}".format(*interval([row[key] for row in rows]))
            for key in ("share_reached", "ndcg_at_10", "mean_score", "mean_joint_chance", "gini")
        ]
        say(f"{name:26s} " + "  ".join(f"{cell:16s}" for cell in cells))
    totals = figures["mutual, with the floor"]
    say(
        f"With the floor {sum(row['reached'] for row in totals)} of {sum(row['qualified'] for row in totals)} qualified new "
        f"firms were shown at least {exposures.FLOOR} times on first pages in {DAYS} days "
        f"(without: {sum(row['reached'] for row in figures['mutual, no floor'])})."
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
