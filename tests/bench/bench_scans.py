"""How long a scan at the gate takes over HTTP, and how long a queue of 500 takes to merge after a network cut.

Run by hand: ``python tests/bench/bench_scans.py --json figures.json``. It fills a database of its own on the server that
DATABASE_URL names, drops it afterwards, and needs no running service. Fails above 300 ms (p95) or 10 s.
"""

import argparse
import datetime as dt
import json
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
os.environ["DEBUG"] = ""
django.setup()

import httpx  # noqa: E402 - Django must be set up first
from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from marketplace.services.accounts import make_token  # noqa: E402
from marketplace.services.shipments import dispatch_shipment, plan_shipment  # noqa: E402
from tests.factories_shipment import Story  # noqa: E402

LONGEST_SCAN_MS, LONGEST_QUEUE_S = 300, 10


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *args):
        pass


def scan(token: str, kind: str, at: dt.datetime, **data: str) -> dict:
    return {
        "key": str(uuid.uuid4()),
        "token": token,
        "kind": kind,
        "recorded_at": at.isoformat(),
        "device": "bench",
        "data": data,
    }


def on_their_way(story: Story, count: int) -> list:
    """Return so many shipments of one lot each, dispatched: ten to an order, as trucks of a contract are."""
    shipments = []
    for place in range(count):
        if place % 10 == 0:
            line = story.order_for(story.buyer, quantity="10").lines.get()
        now = timezone.now()
        lots = [{"order_line": line, "quantity": "1"}]
        shipment = plan_shipment(seller=story.seller, lots=lots, park=story.park, by=story.salesman, now=now)
        shipments.append(dispatch_shipment(shipment=shipment, by=story.salesman, now=now))
    return shipments


def run(scans: int, queue: int) -> dict:
    story = Story()
    headers = {"Authorization": f"Token {make_token(user=story.gatekeeper)}"}
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)

    def serve() -> None:
        server.serve_forever()
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", headers=headers, timeout=120) as http:
        times = []
        for shipment in on_their_way(story, scans):
            said = {"scans": [scan(shipment.token, "arrived", timezone.now())]}
            begun = time.perf_counter()
            answer = http.post("/api/v1/scans/", json=said)
            times.append(1000 * (time.perf_counter() - begun))
            assert answer.json()["outcomes"][0]["result"] == "done", answer.text
        shipments = on_their_way(story, queue // 2)
        at = timezone.now()
        later = at + dt.timedelta(seconds=1)
        said = [scan(one.token, "arrived", at) for one in shipments]
        said += [scan(one.token, "weighed", later, gross_kg="12000", tare_kg="8000") for one in shipments]
        seconds, processor = [], []
        for expected in ("done", "duplicate"):
            begun, worked = time.perf_counter(), time.process_time()
            outcomes = http.post("/api/v1/scans/", json={"scans": said}).json()["outcomes"]
            seconds.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
            assert {one["result"] for one in outcomes} == {expected}
    server.shutdown()
    thread.join()
    return {
        "scans": scans,
        "scan_p50_ms": round(statistics.median(times), 1),
        "scan_p95_ms": round(statistics.quantiles(times, n=20)[-1], 1),
        "queue": len(said),
        "queue_seconds": round(seconds[0], 2),
        "queue_again_seconds": round(seconds[1], 2),
        # Of our process alone, without PostgreSQL's: what it would take on a machine that does nothing else.
        "queue_processor_seconds": round(processor[0], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--queue", type=int, default=500)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings.SECURE_SSL_REDIRECT = False
    logging.getLogger("httpx").setLevel(logging.WARNING)
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        figures = run(options.scans, options.queue)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    sys.stdout.write(f"{name}: {json.dumps(figures, indent=2)}\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    is_fast = figures["scan_p95_ms"] <= LONGEST_SCAN_MS and figures["queue_seconds"] <= LONGEST_QUEUE_S
    return 0 if is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
