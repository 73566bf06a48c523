from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.leads.counterparty_evaluation import evaluate_counterparties
from matching.leads.economy import EconomyUnreadable, evaluate, is_economy, read_queries
from matching.leads.invoices import InvoicesUnreadable, is_invoices, read_invoices
from matching.leads.model import SHIPPED, LeadModel
from matching.management.measuring import encoder_of, write_figures

TITLES = {
    "all": "all counterparties",
    "repeat": "bought from before",
    "new": "never bought from before",
    "posted_nothing": "firms that posted nothing like it",
}


class Command(BaseCommand):
    help = (
        "Measure leads, precision among the first 50 against baselines with 95 % intervals by firm: for a folder of "
        "purchase invoices, from whom firms buy in the next quarter; for a simulated economy (simulate_economy), who "
        "needs a supply in the last 90 days, which are held back."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="purchases.csv[.gz] …, or firms.csv, supplies.csv, needs.csv"
        )
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")
        parser.add_argument("--queries", type=int, default=300, help="supplies asked about in an economy")
        parser.add_argument(
            "--leads", type=Path, metavar="FILE", default=SHIPPED, help="model of leads; default: the shipped one"
        )
        parser.add_argument("--model", type=Path, metavar="FOLDER", help="embedding model (default: EMBEDDING_MODEL)")

    def handle(self, *, folder, json: Path | None, queries, leads, **options):
        try:
            figures = self._measure(folder, queries, leads, options)
        except (EconomyUnreadable, InvoicesUnreadable, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        for task, measured in figures["tasks"].items():
            self._print(task, measured)
        if json:
            write_figures(json, figures)

    def _measure(self, folder: Path, queries: int, leads: Path, options) -> dict:
        if is_economy(folder):
            model = LeadModel.load(leads)
            found = read_queries(folder, encoder_of(options), queries=queries)
            return {"data": "economy", "model": model.version, "tasks": evaluate(found, model.firms)}
        if is_invoices(folder):
            return {"data": "invoices", "tasks": evaluate_counterparties(read_invoices(folder))}
        raise CommandError(f"{folder} holds neither purchases.csv (or .gz) nor needs.csv.")

    def _print(self, task: str, measured: dict) -> None:
        lists = measured.get("lists", measured.get("queries"))
        self.stdout.write(f"\n{TITLES[task]}: {lists} lists of {measured['firms']} firms; precision@50 [95 %]")
        for method, row in measured.items():
            if isinstance(row, dict) and "precision@50" in row:
                self.stdout.write(f"  {method:14}{row['precision@50']:7.3f} [{row['low']:.3f}, {row['high']:.3f}]")
        if gain := measured.get("gain"):
            self.stdout.write(f"  over {gain['over']}: {gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]")
