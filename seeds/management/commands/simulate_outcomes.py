import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from seeds.outcomes import HEADER, draw_outcomes


class Command(BaseCommand):
    help = "Draw outcomes of matches from the stated choice model of seeds/outcomes.py, for training the ranker."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines, plain or .gz")
        parser.add_argument("--pairs", type=int, default=40_000, help="how many pairs of a query and a candidate")
        parser.add_argument("--random-state", type=int, default=0)
        parser.add_argument(
            "--day", type=date.fromisoformat, default=date(2026, 3, 2), help="the day on which they were shown"
        )

    def handle(self, *, out, pairs, random_state, day, **_options):
        if pairs < 1:
            raise CommandError("--pairs must be at least 1.")
        opener = gzip.open if out.suffix == ".gz" else open
        grades: Counter[int] = Counter()
        queries = 0
        try:
            with opener(out, "wt", encoding="utf-8") as file:
                file.write(_line({**HEADER, "random_state": random_state, "pairs": pairs}))
                for outcome in draw_outcomes(pairs, random_state=random_state, today=day):
                    file.write(_line(outcome))
                    queries += 1
                    grades.update(candidate["grade"] for candidate in outcome["candidates"])
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{queries} queries with {grades.total()} candidates")
        for name, grade in zip(HEADER["model"]["grades"], range(5), strict=True):
            self.stdout.write(f"  {grade} {name:<18} {grades[grade] / grades.total():6.1%}")


def _line(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
