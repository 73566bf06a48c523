import json as json_format
from pathlib import Path
from time import perf_counter

from django.core.management.base import BaseCommand, CommandError

from matching.clearing.allocation import Clearing, clear
from matching.clearing.files import MarketFileUnreadable, read_market
from matching.clearing.market import Market


class Command(BaseCommand):
    help = (
        "Clear a market: allocate quantities over the listed pairs so that value x quantity adds up to the most. "
        "A supply's minimum is the least quantity of one allocation from it; a demand that is not splittable is "
        "served whole by one supply, or not at all."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder",
            type=Path,
            metavar="DIR",
            help="supplies.csv (id, quantity, minimum), demands.csv (id, quantity, splittable 0/1) and pairs.csv "
            "(demand, supply, value), plain or .gz",
        )
        parser.add_argument(
            "--json", type=Path, metavar="OUT", help="write {fill, value, bound, seconds, allocations} here"
        )
        parser.add_argument("--seconds", type=float, default=1.5, help="how long to look for a better allocation")
        parser.add_argument(
            "--dial", type=float, default=0.0, help="weight of fill beside value: what a unit more counts, 0 to 1"
        )

    def handle(self, *, folder, json: Path | None, seconds, dial, **options):
        started = perf_counter()
        if not 0 <= dial <= 1:
            raise CommandError("--dial must be from 0 to 1.")
        if not seconds > 0:
            raise CommandError("--seconds must be above 0.")
        try:
            market = read_market(folder)
        except MarketFileUnreadable as error:
            raise CommandError(str(error)) from error
        cleared = clear(market, seconds=seconds, fill_weight=dial)
        taken = perf_counter() - started
        if json:
            _write(json, market, cleared, taken)
        self.stdout.write(
            f"{len(market.demand_ids)} demands, {len(market.supply_ids)} supplies, {len(market.pair_value)} pairs: "
            f"{len(cleared.allocations)} allocations"
        )
        self.stdout.write(f"fill   {cleared.fill:10.4f}")
        self.stdout.write(f"value  {cleared.value:14.3f}")
        self.stdout.write(f"bound  {cleared.bound:14.3f}   gap {100 * cleared.gap:.2f} %")
        self.stdout.write(f"seconds{taken:10.2f}")


def _write(path: Path, market: Market, cleared: Clearing, seconds: float) -> None:
    document = {
        "fill": cleared.fill,
        "value": cleared.value,
        "bound": cleared.bound,
        "seconds": round(seconds, 4),
        "allocations": [
            {
                "demand": market.demand_ids[each.demand],
                "supply": market.supply_ids[each.supply],
                "quantity": each.quantity,
            }
            for each in cleared.allocations
        ],
    }
    try:
        path.write_text(json_format.dumps(document) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
