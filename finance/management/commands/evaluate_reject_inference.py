import json as json_module
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from finance.scoring.features import BY_NAME, NAMES, features_of
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.reject_inference import judge

# An old policy is played: who sells least is refused.
POLICY = "sales_per_quarter"
REFUSED = 0.4
NAMES_OF = {
    "accept_only": "accepted firms only",
    "fuzzy": "fuzzy augmentation",
    "parcelled_1": "parcelling, as bad as accepted",
    "parcelled_2": "parcelling, twice as bad",
    "parcelled_4": "parcelling, four times as bad",
}


class Command(BaseCommand):
    help = (
        "Hide the ends of the smallest two fifths of the firms, and show what methods of reject inference make of them."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="enterprises.csv, purchases.csv and sales.csv")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, folder, json, **_options):
        try:
            read = read_folder(folder)
            table = features_of(read.trades)
            labels = read.labels()
            known = (labels >= 0) & (table.records > 0)
            figures = judged(table.values[known], labels[known])
        except (InvoicesUnreadable, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{figures['accepted']} firms accepted, {figures['refused']} refused for selling least; "
            f"{figures['true_rate_of_refused']:.1%} of the refused went bad in truth"
        )
        for row in figures["methods"]:
            self.stdout.write(
                f"  {NAMES_OF[row['method']]:32}says {row['refused_rate']:6.1%}   AUC of all {row['auc_of_all']:.3f}"
            )
        low, high = figures["range"]
        self.stdout.write(
            f"The methods say {low:.1%} to {high:.1%}: what differs is assumption. Lend to a small, capped band to learn."
        )
        if json:
            json.write_text(json_module.dumps(figures, indent=1) + "\n", encoding="utf-8")


def judged(values: np.ndarray, labels: np.ndarray) -> dict:
    sales = values[:, NAMES.index(POLICY)]
    refused = np.zeros(len(labels), bool)
    refused[np.argsort(sales, kind="stable")[: round(REFUSED * len(labels))]] = True
    return judge(_plain(values), labels, refused, names=NAMES)


def _plain(values: np.ndarray) -> np.ndarray:
    """Return features on a scale where a regression can weigh them: logged as declared, unknown ones at the mean."""
    columns = []
    for place, name in enumerate(NAMES):
        column, scale = values[:, place], BY_NAME[name].scale
        column = np.log1p(np.maximum(column, 0) / scale) if scale else column
        columns.append(np.where(np.isnan(column), np.nanmean(column), column))
    return np.column_stack(columns)
