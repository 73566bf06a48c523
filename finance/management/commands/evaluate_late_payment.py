import json as json_module
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.scoring.late_payment import features_of
from finance.scoring.late_payment_learning import InvoicesUnreadable, Judged, judge, read_invoices

NAMES = {
    "late_payment": "this model",
    "past_share": "payer's past share of late invoices",
    "base_rate": "the same chance for all",
    "boosting": "gradient boosting (LightGBM)",
}


class Command(BaseCommand):
    help = "Measure how well late payment is foreseen on the day of issue, on invoices that came later."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="settled invoices, CSV, plain or .gz")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, file, json, **_options):
        judged = judged_file(file)
        figures = judged.to_dict()
        print_figures(self.stdout, figures)
        if json:
            json.write_text(json_module.dumps(figures, indent=1) + "\n", encoding="utf-8")


def judged_file(file: Path) -> Judged:
    try:
        invoices = read_invoices(file)
        return judge(invoices, features_of(invoices, invoices))
    except (InvoicesUnreadable, OSError) as error:
        raise CommandError(str(error)) from error


def print_figures(out, figures: dict) -> None:
    out.write(
        f"learned from {figures['learned_from']} invoices settled by {figures['until']}; "
        f"judged on {figures['judged_on']} issued later, {figures['late_rate']:.1%} of them paid late"
    )
    for name, measures in figures["models"].items():
        told = "   ".join(
            f"{measure} {found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
            for measure, found in measures.items()
        )
        out.write(f"  {NAMES[name]:38}{told}")
    for name, found in figures["better_than"].items():
        edges = f"[{found['low']:+.4f}, {found['high']:+.4f}]"
        out.write(f"  Brier score gained over {NAMES[name]}: {found['value']:+.4f} {edges}")
    if figures["skipped"]:
        out.write(f"  gradient boosting was skipped: {figures['skipped']}")
