"""How long an import of many rows takes, the first time and again.

Run by hand: ``python tests/bench/bench_import.py --rows 10000 --json figures.json``. It fills a database of its own on
the server that DATABASE_URL names, drops it afterwards, and needs no running service.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

from django.core.files.base import ContentFile  # noqa: E402 - Django must be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from marketplace.models import Membership, Organisation, User  # noqa: E402
from marketplace.services import categories, imports  # noqa: E402

HEADER = (
    "external_id,side,category,title,text,attr:DN,attr:PN,attr:material,attr:connection,quantity,unit,minimum_order,"
    "price_min,price_max,region,window_end,certificates"
)
TEXT = "304 不锈钢法兰球阀，现货供应，ISO 9001 认证，15 天内交货"


def content(rows: int, *, price: int) -> bytes:
    lines = [
        f"BV-{n},供应,球阀,304 不锈钢法兰球阀 DN50 PN16 {n},{TEXT},50,PN16,SUS304,法兰,{n + 1},只,1,85,"
        f"{price if n % 10 == 0 else 120},玉环市,2099-12-31,ISO 9001;CE"
        for n in range(rows)
    ]
    return "\n".join([HEADER, *lines]).encode()


def measure(rows: int) -> dict[str, float]:
    now = timezone.now()
    categories.load_catalogue(folder=categories.SHIPPED, now=now)
    user = User.objects.create(username="bench", email="bench@example.com")
    organisation = Organisation.objects.create(
        name_zh="试验厂", uscc="91331021000000000X", state="approved", reviewed_at=now, created_at=now, region="331083"
    )
    Membership.objects.create(user=user, organisation=organisation, role=Membership.Role.OWNER, created_at=now)
    figures = {}
    for name, price in (("first", 120), ("again", 120), ("a tenth changed", 130)):
        file = ContentFile(content(rows, price=price), name="bench.csv")
        started, worked = time.perf_counter(), time.process_time()
        run = imports.import_at_once(
            file=file, organisation=organisation, mode="all_or_none", by=user, now=timezone.now()
        )
        figures[name] = round(time.perf_counter() - started, 2)
        figures[f"{name}, CPU"] = round(time.process_time() - worked, 2)
        if run.errors or run.status != "done":
            sys.exit(f"The import failed: {run.status} {run.failure} {run.errors[:3]}")
        print(f"{name:16} {figures[name]:8.2f} s   created {run.created}, updated {run.updated}, same {run.unchanged}")  # noqa: T201
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        figures = measure(arguments.rows)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": arguments.rows, "seconds": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
