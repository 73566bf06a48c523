"""How fast the gate is in a browser: from a scan to the state it changes, and a queue of 500 scans after a network cut.

Run by hand: ``python -m tests.bench.bench_gate --json figures.json``. It fills a database of its own on the server that
DATABASE_URL names, serves it with the web server that `make run` uses, drops it afterwards, and needs Chromium.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
os.environ["LOCAL_PROFILE"] = "1"
# Playwright keeps an event loop in this thread, and Django would refuse every query beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from marketplace.models import FulfilmentEvent, Shipment  # noqa: E402
from tests.conftest import CHROMIUM  # noqa: E402
from tests.factories_shipment import HOUR, Story  # noqa: E402

SHIPMENTS, LOTS, NOTES = 50, 5, 3
LONGEST_SCAN_MS, LONGEST_MERGE_S = 300, 10
QUIET = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
FILL = """async (shipments) => {
  const config = JSON.parse(document.getElementById("gate-config").textContent);
  const at = (minutes) => new Date(Date.now() - 3600000 + minutes * 60000).toISOString();
  const scans = shipments.flatMap(({ token, lots, warehouse }) => {
    const base = { token, shipment: token, number: token, by: config.user, data: {}, facility: null, device: "bench",
      note: "", photos: [], state: "waiting", order: 0 };
    const one = (changes) => ({ ...base, key: crypto.randomUUID(), ...changes });
    return [
      one({ kind: "arrived", recorded_at: at(0) }),
      one({ kind: "weighed", recorded_at: at(1), data: { gross_kg: "9000", tare_kg: "8000" } }),
      ...lots.map((lot) => one({ kind: "stored", token: lot.token, recorded_at: at(2), data: { quantity: lot.quantity },
        facility: warehouse })),
      ...lots.slice(0, NOTES).map((lot) => one({ kind: "noted", token: lot.token, recorded_at: at(3), note: "ok" })),
    ];
  });
  await gateStore.put(...scans);
  return scans.length;
}""".replace("NOTES", str(NOTES))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve(port: int, workers: int) -> subprocess.Popen:
    """Start the web server on the benchmark's database, and wait until it answers."""
    name = connection.settings_dict["NAME"]
    base = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
    program = [sys.executable, "-m", "granian", "config.wsgi:application", "--interface", "wsgi", "--no-ws"]
    program += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--blocking-threads", "4"]
    environment = {**os.environ, "DATABASE_URL": f"{base}/{name}", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.2)
    sys.exit("The web server did not start.")


def open_gate(page, address: str, user) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
    page.goto(f"{address}/gate/")
    page.wait_for_selector("body[data-ready]")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def measure_scans(page, shipments: list[Shipment]) -> list[float]:
    """Return the milliseconds from the button to the state that the server confirmed, for each shipment."""
    page.wait_for_function("count => document.querySelectorAll('.gate-row').length >= count", arg=len(shipments))
    times = []
    for shipment in shipments:
        page.evaluate("token => { location.hash = `shipment=${token}` }", shipment.token)
        page.wait_for_selector("#shipment [data-status=dispatched]")
        spent = page.evaluate(
            """() => new Promise((resolve) => {
              const began = performance.now();
              const look = () => {
                const done = document.querySelector('#history .gate-card')
                  && !document.querySelector('#shipment .gate-badge.is-warn')
                  && document.querySelector('#shipment [data-status=arrived]');
                if (done) resolve(performance.now() - began);
                else requestAnimationFrame(look);
              };
              document.querySelector('[data-kind=arrived]').click();
              look();
            })"""
        )
        times.append(spent)
    return times


def measure_merge(page, shipments: list[Shipment], warehouse: int) -> tuple[int, float]:
    """Return how many scans waited, and the seconds from the line's return until the server had them all."""
    page.context.set_offline(True)
    said = [
        {
            "token": one.token,
            "warehouse": warehouse,
            "lots": [{"token": lot.token, "quantity": str(lot.quantity)} for lot in one.lots.order_by("pk")],
        }
        for one in shipments
    ]
    count = page.evaluate(FILL, said)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    began = time.perf_counter()
    page.context.set_offline(False)
    page.wait_for_function("document.getElementById('count').textContent === ''", timeout=120_000, polling=50)
    return count, time.perf_counter() - began


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


def measure(chromium: str, workers: int) -> dict[str, float]:
    story = Story()
    single = [story.dispatch("1", order=story.order_for(story.buyer)) for _ in range(100)]
    queued = [
        story.dispatch(*[str(number + 1) for number in range(LOTS)], order=story.order_for(story.buyer))
        for _ in range(SHIPMENTS)
    ]
    Shipment.objects.update(expected_at=timezone.now() + HOUR / 4)
    call_command("collectstatic", "--noinput", verbosity=0)
    port = free_port()
    server = serve(port, workers)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
            page = browser.new_page(viewport={"width": 390, "height": 844})
            open_gate(page, f"http://localhost:{port}", story.gatekeeper)
            times = measure_scans(page, single)
            count, seconds = measure_merge(page, queued, story.warehouse.pk)
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)
        # A worker of it may take a moment longer to let go of the database.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    if (kept := FulfilmentEvent.objects.filter(device="bench").count()) != count:
        sys.exit(f"Of {count} scans only {kept} arrived.")
    return {
        "scan_p50_ms": round(statistics.median(times)),
        "scan_p95_ms": round(percentile(times, 0.95)),
        "scans_merged": count,
        "merge_seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        print("There is no Chromium on this machine: nothing was measured.")  # noqa: T201
        return
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        figures = measure(chromium, arguments.workers)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    said = (
        f"scan -> state shown   p50 {figures['scan_p50_ms']} ms, p95 {figures['scan_p95_ms']} ms"
        f" (at most {LONGEST_SCAN_MS})\n"
        f"{figures['scans_merged']} queued scans merged in {figures['merge_seconds']} s (at most {LONGEST_MERGE_S})"
    )
    print(said)  # noqa: T201
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if figures["scan_p95_ms"] > LONGEST_SCAN_MS or figures["merge_seconds"] > LONGEST_MERGE_S:
        sys.exit("The gate is slower than it should be.")


if __name__ == "__main__":
    main()
