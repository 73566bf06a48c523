import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from seeds.economy import simulate_economy


class Command(BaseCommand):
    help = (
        "Write a made-up economy over time (seeds/economy.py), for evaluate_leads and train_leads: "
        "firms.csv, supplies.csv and needs.csv."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="made where it is missing")
        parser.add_argument("--firms", type=int, default=3000)
        parser.add_argument("--days", type=int, default=630, help="the last 90 are what evaluate_leads holds back")
        parser.add_argument("--random-state", type=int, default=0)

    def handle(self, *, folder, firms, days, random_state, **_options):
        if firms < 1 or days < 1:
            raise CommandError("--firms and --days must be at least 1.")
        economy = simulate_economy(firms, days=days, random_state=random_state)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(
                folder / "firms.csv",
                ("id", "industry", "region", "name_zh", "name_en"),
                ((one.number, one.industry, one.region, one.name_zh, one.name_en) for one in economy.firms),
            )
            _write(
                folder / "supplies.csv",
                ("id", "firm", "category", "region", "text"),
                ((one.id, one.firm, one.category, one.region, one.text) for one in economy.supplies),
            )
            _write(
                folder / "needs.csv",
                ("firm", "category", "day", "is_posted", "reach_km"),
                (
                    (
                        one.firm,
                        one.category,
                        one.day,
                        int(one.is_posted),
                        "" if one.reach_km is None else f"{one.reach_km:.1f}",
                    )
                    for one in economy.needs
                ),
            )
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error.strerror}.") from error
        posted = sum(need.is_posted for need in economy.needs)
        self.stdout.write(
            f"{len(economy.firms)} firms, {len(economy.supplies)} supplies, {len(economy.needs)} needs, {posted} posted"
        )


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)
