"""What a match request costs with the rows of very many listings behind the index.

Run by hand, after ``bench_scale --listings N``: ``python -m tests.bench.bench_scale_rows --listings 100000 --json
figures.json``. It fills a database of its own on the server that DATABASE_URL names with the listings that bench_scale
drew, and drops it afterwards. Rows are copied into the tables, not posted through services, which would take a million
a quarter of an hour and more; the index starts from bench_scale's snapshot, or with --build from the rows. Web
processes answer as they do behind granian: one request at a time each, as many processes as cores. Needs no running
service.
"""

import argparse
import json
import multiprocessing
import os
import queue
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="bench-"))
# Django keeps every query in memory while it debugs.
os.environ["DEBUG"] = "0"
django.setup()

import psutil  # noqa: E402 - Django must be set up first
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from psycopg.types.json import Jsonb  # noqa: E402

from marketplace.models import Category, Listing, ListingCertificate, Organisation, User  # noqa: E402
from marketplace.services import categories  # noqa: E402
from matching import services  # noqa: E402
from matching.live_index import live_index, text_version  # noqa: E402
from matching.models import IndexEntry  # noqa: E402
from matching.models.index_entry import listings_to_index  # noqa: E402
from matching.models.match_run import listings_to_match  # noqa: E402
from matching.ranking.facts import ListingFacts  # noqa: E402
from seeds.firms import make_firms  # noqa: E402
from tests.bench.bench_scale import MIB, ask, load, say  # noqa: E402
from tests.bench.scale_market import FIRMS, TODAY, market  # noqa: E402

DATABASE = "bench_scale_rows"
NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
LISTING = (
    "id", "organisation_id", "fingerprint", "side", "kind", "category_id", "title_zh", "title_en", "text_zh", "text_en",
    "attributes", "quantity", "held", "unit", "minimum_order", "price_min", "price_max", "price_unit", "currency",
    "region", "delivery_regions", "window_start", "window_end", "lead_days", "required_certificates", "visibility",
    "status", "readings", "revision", "created_by_id", "created_at", "updated_at", "published_at",
)  # fmt: skip
ENTRY = ("listing_id", "revision", "model_version", "vector", "text", "normal", "sequence")


def fill(count: int, cache: Path) -> None:
    """Copy the market into the tables: listing N has the id N, and its entry the number N."""
    categories.load_catalogue(folder=categories.SHIPPED, now=NOW)
    firms = make_firms(FIRMS)
    organisations = Organisation.objects.bulk_create(
        Organisation(
            kind=firm.kind, name_zh=firm.name_zh, name_en=firm.name_en, uscc=firm.uscc, region=firm.region,
            state="approved", reviewed_at=NOW, created_at=NOW,
        )
        for firm in firms
    )  # fmt: skip
    owners = {firm.number: one.pk for firm, one in zip(firms, organisations, strict=True)}
    known, user = Category.objects.ids(), User.objects.create(username="bench", email="bench@example.com")
    version = text_version()
    for facts, vectors in market(count, cache, Path(settings.EMBEDDING_MODEL)):
        copy(Listing, LISTING, (listing_row(one, owners, known, user.pk) for one in facts))
        copy(
            ListingCertificate,
            ("listing_id", "code", "issuer", "number"),
            ((one.id, code, "bench", "1") for one in facts for code in sorted(one.certificates)),
        )
        rows = zip(facts, vectors, strict=True)
        entries = ((one.id, 1, version, row.astype("<f2").tobytes(), one.text, one.normal, one.id) for one, row in rows)
        copy(IndexEntry, ENTRY, entries)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('marketplace_listing', 'id'), %s)", [count])
        cursor.execute("SELECT setval('matching_index_sequence', %s)", [count])
        cursor.execute("VACUUM ANALYZE")


def listing_row(one: ListingFacts, owners: dict[int, int], known: dict[str, int], user: int) -> tuple:
    """Return the row of a listing, in the order of LISTING; all its words stand in the Chinese text."""
    return (
        one.id, owners[one.organisation], "", one.side, one.kind, known[one.category], one.text[:40], "", one.text, "",
        Jsonb(dict(one.attributes)), one.quantity, 0, one.unit, one.minimum_order, one.price_min, one.price_max,
        one.price_unit, one.currency, one.region, list(one.delivery_regions), one.window_start, one.window_end,
        one.lead_days, sorted(one.required_certificates), "public", "open", Jsonb([]), 1, user, NOW, NOW, NOW,
    )  # fmt: skip


def copy(model, columns: tuple[str, ...], rows: Iterator[tuple]) -> None:
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        target = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(target) as sink:
            for row in rows:
                sink.write_row(row)


def serve(todo, done) -> None:
    """Be a web process: answer match requests as they come."""
    connection.settings_dict["NAME"] = DATABASE
    began = time.perf_counter()
    live_index().refresh(NOW)
    started = time.perf_counter() - began
    reader = User.objects.get(username="reader")
    for listing_id in iter(todo.get, None):
        listing = Listing.objects.get(pk=listing_id)
        answer = services.look_from(listing=listing, user=reader, now=NOW)
        done.put(len(answer.found))
    memory = psutil.Process().memory_full_info()
    done.put({"start_seconds": started, "uss": memory.uss / MIB, "pss": memory.pss / MIB, "rss": memory.rss / MIB})


def clients(asked: list[int], workers: int) -> dict:
    """Let 1, 4 and 16 clients ask one request after another of the web processes."""
    context = multiprocessing.get_context("spawn")
    pairs = [(context.Queue(), context.Queue()) for _ in range(workers)]
    processes = [context.Process(target=serve, args=pair) for pair in pairs]
    for process in processes:
        process.start()
    free: queue.Queue = queue.Queue()
    for pair in pairs:
        for listing_id in asked[:3]:
            ask(pair, listing_id)
        free.put(pair)
    figures: dict = {"processes": workers}
    for number in (1, 4, 16):
        figures[f"{number}_clients_ms"] = load(asked, number, free)
        say(f"    {number} clients: {figures[f'{number}_clients_ms']}")
    for todo, _ in pairs:
        todo.put(None)
    memory = [done.get() for _, done in pairs]
    for process in processes:
        process.join()
    return figures | {name: [round(each[name], 1) for each in memory] for name in memory[0]}


def timed(figures: dict, name: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    figures[name] = round(time.perf_counter() - began, 2)
    say(f"    {name}: {figures[name]}")


def measure(arguments: argparse.Namespace, figures: dict) -> None:
    count = figures["listings"] = arguments.listings
    say(f"{count:,} listings")
    timed(figures, "copy_seconds", lambda: fill(count, arguments.cache))
    User.objects.create(username="reader", email="reader@example.com")
    index = live_index()
    snapshot = arguments.cache / f"index-{count}"
    if not arguments.build and snapshot.exists():
        index.folder.parent.mkdir(parents=True, exist_ok=True)
        index.folder.symlink_to(snapshot.resolve())
    timed(figures, "index_from_rows_seconds" if arguments.build else "start_seconds", lambda: index.refresh(NOW))
    if arguments.build:
        timed(figures, "save_seconds", index.save)
    # What beat asks each minute: is anything missing in the index, is anything without its matches?
    timed(figures, "to_index_seconds", lambda: list(listings_to_index(text_version())[:512]))
    timed(figures, "to_match_seconds", lambda: list(listings_to_match(NOW)[:512]))
    step = max(1, count // arguments.queries)
    asked = list(range(1, count + 1, step))[: arguments.queries]
    connection.close()
    figures["clients"] = clients(asked, arguments.processes)
    say(f"    {figures['clients']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "bench-scale")
    parser.add_argument("--build", action="store_true", help="build the index from the rows, and measure that")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    figures: dict = {}
    try:
        measure(arguments, figures)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
