import json
from collections import defaultdict
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.authenticity.evaluation import false_alarms, recall, rule_of_thumb
from finance.authenticity.fakes import Row
from finance.reading.facts import Fact, read_firms
from finance.reading.problems import FileRefused
from finance.scoring.invoices import InvoicesUnreadable, read_folder

LEAST_SALES = 100
KINDS = ("sales", "purchases")


class Command(BaseCommand):
    help = "Look at real books for doubts that should not be there, and at the same books with fakes put in."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "directory", type=Path, metavar="DIR", help="enterprises, sales and purchases as CSV or .gz"
        )
        parser.add_argument("--prefix", default="", help="of the files: “unlabelled_” reads unlabelled_sales.csv")
        parser.add_argument("--seed", type=int, default=20260301)
        parser.add_argument("--json", type=Path, metavar="OUT")

    def handle(self, *, directory, prefix, seed, **options):
        books = self._books(directory, prefix)
        good = self._good(directory, prefix, books)
        large = {
            firm: rows for firm, rows in good.items() if sum(row["kind"] == "sales" for row in rows) >= LEAST_SALES
        }
        if not large:
            raise CommandError(f"No firm in {directory} has {LEAST_SALES} sales.")
        result = {
            "firms": len(good),
            "seed": seed,
            "false_alarms": {"ours": false_alarms(large), "rule_of_thumb": false_alarms(large, look=rule_of_thumb)},
            "recall": {"ours": recall(large, seed=seed), "rule_of_thumb": recall(large, seed=seed, look=rule_of_thumb)},
        }
        self._print(result)
        if options["json"]:
            options["json"].write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")

    def _books(self, directory: Path, prefix: str) -> dict[str, list[Row]]:
        books: dict[str, list[Row]] = defaultdict(list)
        number = 0
        for kind in KINDS:
            found = [directory / f"{prefix}{kind}.csv{ending}" for ending in ("", ".gz")]
            path = next((one for one in found if one.is_file()), None)
            if path is None:
                raise CommandError(f"{directory} holds no {prefix}{kind}.csv and no {prefix}{kind}.csv.gz.")
            seen = set()
            try:
                for firm, fact in read_firms(path.read_bytes(), kind, today=date.max):
                    if not isinstance(fact, Fact) or (firm, fact[1:]) in seen:
                        continue
                    # A row that says the same in all columns is known: the import keeps it once.
                    seen.add((firm, fact[1:]))
                    number += 1
                    books[firm or ""].append(_row(number, fact))
            except FileRefused as refused:
                raise CommandError(f"{path.name}: {refused}") from refused
        return books

    def _good(self, directory: Path, prefix: str, books: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """Leave out the firms that defaulted, where the folder says which."""
        if prefix:
            return books
        try:
            defaults = read_folder(directory).defaults
        except InvoicesUnreadable as error:
            raise CommandError(str(error)) from error
        return {firm: rows for firm, rows in books.items() if not defaults.get(firm)}

    def _print(self, result: dict) -> None:
        for name, alarms in result["false_alarms"].items():
            self.stdout.write(
                f"{name}: {alarms['looks']} looks at {alarms['firms']} genuine firms, mean discount {alarms['mean_discount']:.2%}"
            )
            for kind, share in alarms["alarms"].items():
                firms = alarms["firms_alarmed"][kind]
                self.stdout.write(f"  false alarms, {kind:<12}{_shown(share)} of looks; {_shown(firms)} of firms")
        self.stdout.write(f"{'fakes':<12}{'found in firms':<34}{'amount discounted':<20}rule of thumb")
        for kind, ours in result["recall"]["ours"].items():
            thumb = result["recall"]["rule_of_thumb"][kind]
            line = f"{kind:<12}{_shown(ours['found']):<34}{ours['amount']:<20.1%}"
            self.stdout.write(f"{line}{thumb['found']['share']:.1%}, {thumb['amount']:.1%}")


def _row(number: int, fact: Fact) -> Row:
    return {
        "id": number,
        "kind": fact.kind,
        "occurred_on": fact.occurred_on,
        "counterparty_code": fact.counterparty_code,
        "net_amount": float(fact.net_amount),
        "total_amount": float(fact.total_amount),
        "is_void": fact.is_void,
        "number": fact.number,
    }


def _shown(share: dict) -> str:
    return f"{share['share']:.1%} ({share['low']:.1%}–{share['high']:.1%})"
