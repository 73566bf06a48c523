"""Check a deal file of 100,000 records with the script alone: ``python -m tests.bench.bench_dealfile [RECORDS]``.

It needs no database: the chain is made up, written as the marketplace writes it, and checked in a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from marketplace import verify_dealfile
from marketplace.verify_dealfile import DEAL, FORMAT, HEAD, MIDDLE, SEAL, TAIL, canonical, pack, sha256

MOST_SECONDS = 10
ORDER = "PO20260302-000001"


def records(count: int) -> tuple[list[str], str]:
    """Return the lines of a chain like that of a busy framework order, and its last hash."""
    previous, lines = sha256(f"{FORMAT}:{ORDER}"), []
    for sequence in range(1, count + 1):
        record = {
            "sequence": sequence,
            "kind": "lot.inspected",
            "at": f"2026-03-02T04:{sequence % 60:02d}:00+00:00",
            "by": "张三",
            "payload": {
                "lot": f"L-{sequence:08d}",
                "quantity": "39.600",
                "unit": "t",
                "result": "pass",
                "note": "外观合格，公称直径 50.1 mm，公差内",
            },
            "previous_hash": previous,
        }
        previous = sha256(previous + canonical(record))
        lines.append(canonical(record | {"hash": previous}))
    return lines, previous


def archive(lines: list[str], last: str) -> bytes:
    header = {"format": FORMAT, "order": ORDER, "count": len(lines), "last_hash": last, "files": []}
    deal = f"{HEAD}{canonical(header)},\n{MIDDLE}\n" + ",\n".join(lines) + f"\n{TAIL}\n"
    # Unsealed: a key is a marketplace's, and the script runs without the library that knows signatures.
    return pack([(DEAL, deal.encode()), (SEAL, canonical({"public_key": "", "signature": ""}).encode())])


def seconds_of(path: Path) -> tuple[float, int, str]:
    began = time.perf_counter()
    command = [sys.executable, "-I", "-S", verify_dealfile.__file__, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.perf_counter() - began, answer.returncode, answer.stdout.strip()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    lines, last = records(count)
    with tempfile.TemporaryDirectory() as folder:
        whole, forged = Path(folder) / "whole.zip", Path(folder) / "forged.zip"
        whole.write_bytes(archive(lines, last))
        place = count // 2
        lines[place] = lines[place].replace("39.600", "39.601")
        forged.write_bytes(archive(lines, last))
        seconds, status, said = seconds_of(whole)
        forged_seconds, forged_status, forged_said = seconds_of(forged)
        size = whole.stat().st_size / 1e6
    print(f"{count:,} records, {size:.1f} MB: checked in {seconds:.2f} s (at most {MOST_SECONDS} s). {said}")  # noqa: T201
    print(f"One digit changed: found in {forged_seconds:.2f} s. {forged_said}")  # noqa: T201
    found = forged_said.startswith(f"Record {place + 1} was changed")
    return 0 if (status, forged_status, found) == (0, 1, True) and seconds <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
