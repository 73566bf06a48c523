import json
import time
from datetime import date
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from finance.scoring import measures
from finance.scoring.card import data_hash
from finance.scoring.challenger_learning import RIVALS
from finance.scoring.comparison import beside_rivals
from finance.scoring.evaluation import FOLDS, SEEDS, figures, out_of_fold, scorecard_procedure
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.leaks import CUTS, as_the_cut_moves, leak_register
from finance.scoring.looks import looks_at
from finance.scoring.sign_costs import sign_costs
from finance.scoring.stability import reason_stability

SLOW = ("ebm", "optbinning")  # minutes, not seconds
ACCEPTED = 0.6


class Command(BaseCommand):
    help = (
        "Judge the whole scoring procedure by repeated stratified cross-validation: discrimination, accuracy and calibration "
        "with intervals, beside baselines in the same run; the cost of each sign, the stability of reasons, the leak register."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="enterprises.csv with 是否违约, purchases.csv and sales.csv"
        )
        parser.add_argument("--json", type=Path, metavar="OUT", help="write everything here")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="leave out later invoices")
        parser.add_argument(
            "--seeds", type=int, default=SEEDS, help="repetitions of the cross-validation (default: %(default)s)"
        )
        parser.add_argument(
            "--quick", action="store_true", help="the main figures alone, without rivals, signs, reasons and cuts"
        )
        parser.add_argument(
            "--slow-rivals", action="store_true", help="EBM and optbinning too, where they are installed"
        )

    def handle(self, *, folder, until, seeds, quick, slow_rivals, **options):
        if seeds < 1:
            raise CommandError("--seeds: at least 1.")
        if options["json"] and not options["json"].parent.is_dir():
            raise CommandError(f"--json: there is no folder {options['json'].parent}.")
        began = time.perf_counter()
        try:
            read = read_folder(folder, until=until)
        except InvoicesUnreadable as error:
            raise CommandError(str(error)) from error
        if read.trades.last_day() is None:
            raise CommandError("The folder holds no invoice.")
        reading = time.perf_counter() - began
        began = time.perf_counter()
        table, values, seen = looks_at(read.trades, as_of=until)
        making = time.perf_counter() - began
        labels = read.labels()
        known = (labels >= 0) & (table.records > 0)
        if min(np.sum(labels[known] == 1), np.sum(labels[known] == 0)) < 2 * FOLDS:
            raise CommandError(
                f"At least {2 * FOLDS} firms in default and as many sound ones with invoices are needed to judge."
            )
        firms, labels, values, seen = np.array(table.firms)[known], labels[known], values[:, known], seen[:, known]
        ours = out_of_fold(scorecard_procedure(), values, labels, seen, seeds=seeds)
        found = {
            "data": {
                "rows": read.rows,
                "repeated": read.repeated,
                "left_out_rows": len(read.bad_rows),
                "firms_without_records": int(np.sum((read.labels() >= 0) & (table.records == 0))),
                "as_of": table.as_of.isoformat(),
                "sha256": data_hash(read.trades),
            },
            "protocol": {"folds": FOLDS, "seeds": seeds, "intervals": "95 %, bootstrap over firms"},
            "scorecard": figures(labels, ours),
            "seconds": {"reading": round(reading, 2), "features_of_all_looks": round(making, 2)},
        }
        found["at_60_percent_accepted"] = accepted(labels, ours.mean(axis=0))
        self.print_figures("scorecard", found["scorecard"])
        if not quick:
            self.add_the_rest(
                found, read.trades.where(known[read.trades.firm]), firms, labels, values, seen, ours, slow_rivals
            )
        if options["json"]:
            options["json"].write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def add_the_rest(self, found, trades, firms, labels, values, seen, ours, slow_rivals):
        rivals = [name for name in RIVALS if slow_rivals or name not in SLOW]
        found["beside"] = beside_rivals(values, labels, seen, ours, rivals=rivals)
        for name, row in found["beside"].items():
            self.print_figures(name, row)
        found["signs"] = sign_costs(values, labels, seen)
        self.print_signs(found["signs"])
        found["reasons"] = reason_stability(values, labels, seen)
        self.stdout.write(
            f"Top 4 reasons agree by {found['reasons']['top_4_jaccard']:.2f} (Jaccard), the first by {found['reasons']['top_1_agreement']:.2f}."
        )
        last = trades.last_day()
        cuts = [cut for cut in CUTS if cut < last]
        order = np.array([trades.firms.index(firm) for firm in firms])
        by_place = np.zeros(len(trades.firms), int)
        by_place[order] = labels
        found["leaks"] = leak_register(trades, cuts)
        changed = sum(found["leaks"]["values_changed_by_deleting_the_future"].values())
        self.stdout.write(f"Deleting the future changed {changed} feature values at {len(cuts)} cuts.")
        found["cuts"] = as_the_cut_moves(trades, by_place, cuts)
        for row in found["cuts"]:
            self.print_figures(f"until {row['until']}", row)

    def print_figures(self, name, row):
        if "left_out" in row:
            self.stdout.write(f"{name:<18} left out: {row['left_out']}")
            return
        said = "  ".join(
            f"{measure} {row[measure]['value']:.3f} ({row[measure]['low']:.3f}-{row[measure]['high']:.3f})"
            for measure in ("auc", "pr_auc", "ks", "brier", "log_loss", "calibration_slope")
        )
        self.stdout.write(f"{name:<18} {said}  mean PD {row['mean_pd']:.3f} of {row['default_rate']:.3f}")
        for measure, compared in row.get("ours_minus_this", {}).items():
            self.stdout.write(
                f"{'':<18} ours minus this, {measure}: {compared['value']:+.3f} ({compared['low']:+.3f} to {compared['high']:+.3f}): {compared['says']}"
            )

    def print_signs(self, signs):
        self.stdout.write("feature                  sign  weight   AUC alone  gain in AUC if free, if left out")
        for row in signs["features"]:
            self.stdout.write(
                f"{row['feature']:<24} {row['sign']:+d}   {row['weight']:+7.3f}  {row['auc_alone']:.3f}      "
                f"{row['gain_if_free']['auc']:+.3f}    {row['gain_if_left_out']['auc']:+.3f}"
            )
        self.stdout.write(f"{'all signs free':<24} {'':>26} {signs['all_free']['auc']:+.3f}")


def accepted(labels, chances):
    """Return how many defaults pass when the best three fifths of the firms are accepted (ties by place)."""
    best = np.argsort(chances, kind="stable")[: round(ACCEPTED * len(labels))]
    return {
        "accepted": len(best),
        "defaults_among_them": int(labels[best].sum()),
        "auc": round(measures.auc(labels, chances), 6),
    }
