"""How quick, how exact and how large the matcher is with many listings.

Run by hand: ``python tests/bench/bench_matching.py --listings 100000 --json figures.json``. It fills a database of its
own on the server that DATABASE_URL names, drops it afterwards, and needs no running service: the listener runs in a
thread, and a bell is answered where it is rung.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = os.environ.get("BENCH_DATA_DIR") or tempfile.mkdtemp(prefix="bench-")
# Django keeps every query in memory while it debugs.
os.environ["DEBUG"] = "0"
django.setup()

import numpy as np  # noqa: E402 - Django must be set up first
import psutil  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from config.celery import app  # noqa: E402
from marketplace.models import Listing, Membership, Notification, Organisation, User  # noqa: E402
from marketplace.services import categories, listings  # noqa: E402
from matching import runs, services  # noqa: E402
from matching.live_index import encoder, facts_of, fusion, live_index, ranker, text_version, with_facts  # noqa: E402
from matching.management.commands.listen import Listener  # noqa: E402
from matching.models import IndexEntry, Match, MatchRun  # noqa: E402
from matching.models.index_entry import listings_to_index  # noqa: E402
from seeds.firms import make_firms  # noqa: E402
from seeds.generate import make_listings  # noqa: E402

# The filter shapes: which hard rules are put to the index; None is all of them.
SHAPES = {
    "none": (),
    "side": ("side",),
    "side and family": ("side", "family"),
    "side and region": ("side", "region"),
    "side, price and quantity": ("side", "price", "minimum_order", "unit"),
    "all hard rules": None,
}


DATABASE = "bench_matching"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def fill(count: int, firms_count: int) -> User:
    now = timezone.now()
    categories.load_catalogue(folder=categories.SHIPPED, now=now)
    firms = make_firms(firms_count)
    organisations = Organisation.objects.bulk_create(
        Organisation(
            kind=firm.kind, name_zh=firm.name_zh, name_en=firm.name_en, uscc=firm.uscc, region=firm.region,
            state="approved", reviewed_at=now, created_at=now,
        )
        for firm in firms
    )  # fmt: skip
    by_number = {firm.number: organisation for firm, organisation in zip(firms, organisations, strict=True)}
    user = User.objects.create(username="bench", email="bench@example.com")
    Membership.objects.bulk_create(
        Membership(user=user, organisation=organisation, role="trader", created_at=now)
        for organisation in organisations
    )
    drawn = make_listings(firms, count, today=timezone.localdate(now))
    posted = ((by_number[each.firm], each.fields) for each in drawn)
    listings.post_listings_in_bulk(listings=posted, by=user, now=now)
    return user


def index_all() -> float:
    began = time.monotonic()
    while written := runs.index_listings(limit=5000):
        del written
    return time.monotonic() - began


def timed(calls) -> dict[str, float]:
    """Return p50, p95 and the longest of the calls, in milliseconds, the first three left out as warm-up."""
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - began))
    took = sorted(took[3:])
    return {
        "p50": round(float(np.percentile(took, 50)), 1),
        "p95": round(float(np.percentile(took, 95)), 1),
        "max": round(took[-1], 1),
        "n": len(took),
    }


def sample(count: int) -> list[Listing]:
    ids = list(Listing.objects.values_list("pk", flat=True))
    chosen = random.Random(0).sample(ids, count)
    return list(Listing.objects.filter(pk__in=chosen).order_by("pk"))


def match_in_full(listing: Listing) -> None:
    now = timezone.now()
    (run_id,) = MatchRun.objects.request([listing.pk], now=now)
    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=timezone.now)


def recall(chosen: list[Listing], k: int = 50) -> dict[str, dict[str, float]]:
    """Compare both legs with brute force over the vectors and scores, shape by shape."""
    now, index = timezone.now(), live_index()
    today = timezone.localdate(now)
    facts = facts_of(with_facts(Listing.objects.filter(pk__in=[one.pk for one in chosen])), now=now)
    ids = index.vectors.ids
    entries = dict(IndexEntry.objects.values_list("pk", "vector"))
    stored = np.stack([np.frombuffer(entries[pk], dtype="<f2") for pk in ids.tolist()]).astype(np.float32)
    del entries
    figures = {}
    for shape, rules in SHAPES.items():
        by_leg = {"embedding": [], "keyword": [], "allowed": []}
        for one in facts:
            table = index.table.ids[index.table.allowed(one, today, rules=rules)]
            vector = encoder().encode([one.text])[0]
            allowed = np.isin(ids, table)
            by_leg["allowed"].append(len(table))
            exact = np.where(allowed, stored @ vector, -np.inf)
            by_leg["embedding"].append(share(index.vectors.search(vector, k, allowed)[0].ravel(), exact, ids, k))
            words, allowed_words = index.keywords.scores(one.text), np.isin(index.keywords.ids, table)
            exact = np.where(allowed_words & (words > 0), words, -np.inf)
            by_leg["keyword"].append(
                share(index.keywords.search(one.text, k, allowed_words)[0], exact, index.keywords.ids, k)
            )
        figures[shape] = {leg: round(float(np.mean(values)), 4) for leg, values in by_leg.items()}
    return figures


def share(found: np.ndarray, exact: np.ndarray, ids: np.ndarray, k: int) -> float:
    """Return the share of the k truly best that were found; who ties with the k-th counts as one of them."""
    count = min(k, int(np.isfinite(exact).sum()))
    if not count:
        return 1.0
    least = np.partition(exact, len(exact) - count)[len(exact) - count]
    good = set(ids[exact >= least - 1e-6].tolist())
    return len(good & set(found[:count].tolist())) / count


def worker_memory() -> dict[str, int]:
    """Measure a process of its own that does what a worker does: load the index, then match."""
    environment = {**os.environ, "BENCH_DATA_DIR": os.environ["DATA_DIR"]}
    answer = subprocess.run(
        [sys.executable, __file__, "--as-worker"], env=environment, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return json.loads(answer.stdout.splitlines()[-1])


def be_a_worker() -> None:
    connection.settings_dict["NAME"] = DATABASE
    live_index().refresh(timezone.now())
    loaded = psutil.Process().memory_info().rss
    for listing in sample(50):
        match_in_full(listing)
    memory = {"after_start": loaded, "after_50_runs": psutil.Process().memory_info().rss}
    say(json.dumps({name: round(size / 2**20) for name, size in memory.items()}))


def freshness(posts: int, user: User) -> dict[str, dict[str, float]]:
    """Post five listings a second; measure until each can be found, and until both sides are told."""
    app.conf.task_always_eager = True
    listener, waits = Listener(), {"posted": [], "matchable": [], "told": []}

    def listen() -> None:
        try:
            listener.run()
        finally:
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(3)
    demands = Listing.objects.filter(side="demand", category__isnull=False).select_related("category")
    for number, demand in enumerate(demands.order_by("?")[:posts]):
        seller = Organisation.objects.exclude(pk=demand.organisation_id).order_by("?").first()
        fields = {
            "side": "supply", "category": demand.category.code, "text": demand.text_zh or demand.text_en,
            "attributes": demand.attributes, "quantity": demand.quantity, "unit": demand.unit, "lead_days": 1,
            "price_min": demand.price_max, "price_max": demand.price_max, "price_unit": demand.price_unit,
            "region": demand.region, "external_id": f"BENCH-{number}",
        }  # fmt: skip
        began = time.perf_counter()
        posted = listings.post_listing(organisation=seller, by=user, fields=fields, now=timezone.now())
        # If one post waits long, this says whether the row was late or the index.
        waits["posted"].append(time.perf_counter() - began)
        waits["matchable"].append(until(began, IndexEntry.objects.filter(pk=posted.pk).exists))
        told = Notification.objects.filter(channel="in_app", deduplication_key__startswith=f"match:{posted.pk}:")
        if until(began, MatchRun.objects.filter(listing=posted, status="done").exists) and told.exists():
            waits["told"].append(time.perf_counter() - began)
        time.sleep(max(0.0, 0.2 - (time.perf_counter() - began)))
    listener.stop()
    thread.join()
    return {
        name: {"p95": round(float(np.percentile(took, 95)), 3), "max": round(max(took), 3), "n": len(took)}
        for name, took in waits.items()
        if took
    }


def until(began: float, is_so) -> float:
    while not is_so():
        if time.perf_counter() - began > 30:
            raise SystemExit("It did not happen within 30 seconds.")
        time.sleep(0.005)
    return time.perf_counter() - began


def snapshot_start() -> dict[str, float]:
    """Measure what a process needs that finds a snapshot."""
    index = live_index()
    began = time.monotonic()
    index.save()
    saved = time.monotonic() - began
    other = type(index)(index.folder.parent, model_version=index.model_version, dim=encoder().dim)
    began = time.monotonic()
    other.refresh(timezone.now())
    return {"save_seconds": round(saved, 2), "load_seconds": round(time.monotonic() - began, 2)}


def measure(arguments: argparse.Namespace, figures: dict) -> None:
    figures["listings"] = arguments.listings
    # Loaded first, so that a model that does not fit is said now and not after a quarter of an hour.
    ranker()
    fusion()
    say(f"Posting {arguments.listings:,} listings …")
    began = time.monotonic()
    user = fill(arguments.listings, arguments.organisations)
    figures["post_seconds"] = round(time.monotonic() - began, 1)
    say("Writing index entries …")
    figures["index_seconds"] = round(index_all(), 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    began = time.monotonic()
    live_index().refresh(timezone.now())
    figures["build_seconds"] = round(time.monotonic() - began, 1)
    chosen = sample(arguments.queries + 3)
    say("Matching …")
    figures["match_request_ms"] = timed(
        [lambda one=one: services.look_from(listing=one, user=user_of_nobody(), now=timezone.now()) for one in chosen]
    )
    figures["match_run_ms"] = timed([lambda one=one: match_in_full(one) for one in chosen])
    texts = [one.text_zh or one.text_en or one.title for one in chosen]
    figures["free_text_ms"] = timed(
        [lambda text=text: services.search(text=text, user=user_of_nobody(), now=timezone.now()) for text in texts]
    )
    figures["matches_per_run"] = round(Match.objects.count() / len(chosen), 1)
    figures["to_do_list_ms"] = timed([lambda: list(listings_to_index(text_version())[:512]) for _ in range(8)])
    figures["recall_at_50"] = recall(chosen[:50])
    figures["snapshot"] = snapshot_start()
    figures["worker_memory_mib"] = worker_memory()
    say("Posting five a second …")
    # The backlog of all other listings is not what is measured here.
    MatchRun.objects.bulk_create(
        MatchRun(listing_id=pk, revision=1, status="done", requested_at=timezone.now(), finished_at=timezone.now())
        for pk in Listing.objects.values_list("pk", flat=True)
    )
    figures["seconds_from_post"] = freshness(arguments.posts, user)


def user_of_nobody() -> User:
    return User.objects.get_or_create(username="reader", defaults={"email": "reader@example.com"})[0]


def show(figures: dict, indent: str = "") -> None:
    for name, value in figures.items():
        if isinstance(value, dict):
            say(f"{indent}{name}")
            show(value, indent + "    ")
        else:
            say(f"{indent}{name:<28}{value:>12}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--organisations", type=int, default=1_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--posts", type=int, default=25)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_worker:
        be_a_worker()
        return
    # Not the tests' database: the two may run side by side.
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    figures: dict = {}
    try:
        measure(arguments, figures)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        # Also of a run that broke off: what it measured took long.
        show(figures)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
