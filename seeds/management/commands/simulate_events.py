import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from seeds.simulated_events import HEADER, draw_events


class Command(BaseCommand):
    help = "Draw what both sides do about matches in lists, from the stated model of seeds/simulated_events.py."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines, plain or .gz")
        parser.add_argument("--lists", type=int, default=6_000, help="how many lists are looked at")
        parser.add_argument("--days", type=int, default=90, help="over how many days")
        parser.add_argument("--random-state", type=int, default=0)
        parser.add_argument("--first-day", type=date.fromisoformat, default=date(2026, 3, 2))

    def handle(self, *, out, lists, days, random_state, first_day, **_options):
        if lists < 1 or days < 1:
            raise CommandError("--lists and --days must be at least 1.")
        opener = gzip.open if out.suffix == ".gz" else open
        grades: Counter[tuple[str, int]] = Counter()
        try:
            with opener(out, "wt", encoding="utf-8") as file:
                file.write(_line({**HEADER, "random_state": random_state, "lists": lists, "days": days}))
                for outcome in draw_events(lists, days=days, random_state=random_state, first_day=first_day):
                    file.write(_line(outcome))
                    grades.update((outcome["query"]["side"], one["grade"]) for one in outcome["candidates"])
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error
        for side in ("demand", "supply"):
            total = sum(count for (of, _grade), count in grades.items() if of == side)
            self.stdout.write(f"{side}: {total} shown")
            for grade, name in enumerate(HEADER["model"]["grades"]):
                self.stdout.write(f"  {grade} {name:<30} {grades[side, grade] / max(1, total):6.1%}")


def _line(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
