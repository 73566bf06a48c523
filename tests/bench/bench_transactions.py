"""How long an import of 400,000 invoices takes, the first time and again.

Run by hand: ``python -m tests.bench.bench_transactions --json figures.json``. It fills a database of its own on the
server that DATABASE_URL names, drops it afterwards, and needs no running service. The invoices are made up, with void
and negative ones, repeated rows and a bad row in a thousand, in the layout that tax software exports.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
django.setup()

from django.core.files.base import ContentFile  # noqa: E402 - Django must be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from finance.services import record_imports  # noqa: E402
from marketplace.models import Membership, Organisation, User  # noqa: E402

HEADER = "发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态"
FIRST = date(2022, 1, 1)


def content(rows: int, seed: int = 1) -> bytes:
    dice = random.Random(seed)
    lines = [HEADER]
    for number in range(rows):
        if number % 1000 == 999:
            lines.append(f"{number},2024-13-01,B{number % 900:05d},100,13,113,有效发票")
            continue
        if number % 80 == 79:
            lines.append(lines[-1])
            continue
        on = FIRST + timedelta(dice.randrange(1400))
        fen = dice.randrange(100, 50_000_000) * (-1 if number % 60 == 0 else 1)
        tax = round(fen * 0.13)
        state = " 作废发票" if number % 14 == 0 else "有效发票"
        lines.append(f"{number},{on},B{dice.randrange(900):05d},{fen / 100},{tax / 100},{(fen + tax) / 100},{state}")
    return "\n".join(lines).encode()


def measure(rows: int) -> dict[str, float]:
    now = timezone.now()
    user = User.objects.create(username="bench", email="bench@example.com")
    firm = Organisation.objects.create(
        name_zh="试验厂", uscc="91331021000000000X", state="approved", reviewed_at=now, created_at=now, region="331083"
    )
    Membership.objects.create(user=user, organisation=firm, role=Membership.Role.OWNER, created_at=now)
    figures = {}
    for name in ("first", "again"):
        file = ContentFile(content(rows), name="bench.csv")
        started, worked = time.perf_counter(), time.process_time()
        run = record_imports.import_at_once(file=file, organisation=firm, kind="sales", by=user, now=timezone.now())
        figures[name] = round(time.perf_counter() - started, 2)
        figures[f"{name}, CPU"] = round(time.process_time() - worked, 2)
        if run.status != "done" or run.rows != rows:
            sys.exit(f"The import failed: {run.status} {run.failure} {run.problems[:3]}")
        counts = f"added {run.added}, known {run.known}, refused {run.refused}"
        print(f"{name:8} {figures[name]:8.2f} s, of it {figures[f'{name}, CPU']:.2f} s in Python   {counts}")  # noqa: T201
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
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
