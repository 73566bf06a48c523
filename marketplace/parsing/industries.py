"""The classes of GB/T 4754, the national industry classification."""

import csv
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "data" / "industries" / "gbt4754.csv"


@cache
def industries() -> dict[str, str]:
    """Return the Chinese name of each class by its code, at all four levels.

    >>> industries()["3443"]
    '阀门和旋塞制造'
    """
    with FILE.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: row["name_zh"] for row in csv.DictReader(lines)}
