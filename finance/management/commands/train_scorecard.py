from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.scoring.card import card_of
from finance.scoring.challenger_learning import TablesLearner, tables_procedure
from finance.scoring.evaluation import SEEDS, figures, out_of_fold, scorecard_procedure
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.learning import ScorecardLearner
from finance.scoring.looks import looks_at

# The scorecard that serves, and the challenger that rides beside it.
FAMILIES = {"scorecard": (ScorecardLearner, scorecard_procedure), "tables": (TablesLearner, tables_procedure)}


class Command(BaseCommand):
    help = "Learn a scorecard from a folder of invoices of firms whose end is known, and write it as JSON with its model card."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="enterprises.csv, purchases.csv and sales.csv, plain or .gz"
        )
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the scorecard here")
        parser.add_argument(
            "--family", choices=FAMILIES, default="scorecard", help="the scorecard, or boosted tables as a challenger"
        )
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="leave out later invoices")
        parser.add_argument(
            "--prior", type=float, metavar="RATE", help="calibrate to this default rate instead of the data's"
        )
        parser.add_argument(
            "--seeds",
            type=int,
            default=SEEDS,
            help="repetitions of the cross-validation for the model card (default: %(default)s)",
        )
        parser.add_argument("--random-state", type=int, default=0)

    def handle(self, *, folder, out, family, until, prior, seeds, random_state, **options):
        if prior is not None and not 0 < prior < 1:
            raise CommandError("--prior: a default rate lies between 0 and 1.")
        if not out.parent.is_dir():
            raise CommandError(f"--out: there is no folder {out.parent}.")
        if seeds < 1:
            raise CommandError("--seeds: at least 1.")
        try:
            read = read_folder(folder, until=until)
        except InvoicesUnreadable as error:
            raise CommandError(str(error)) from error
        labels = read.labels()
        as_of = until or read.trades.last_day()
        if as_of is None:
            raise CommandError("The folder holds no invoice.")
        table, values, seen = looks_at(read.trades, as_of=as_of)
        known = (labels >= 0) & (table.records > 0)
        labels, values, seen = labels[known], values[:, known], seen[:, known]
        self.stdout.write(f"Learning from {len(labels)} firms, {int(labels.sum())} of them in default …")
        try:
            learner_class, procedure = FAMILIES[family]
            learner = learner_class(random_state=random_state).fit(values, labels, seen=seen)
            measured = figures(labels, out_of_fold(procedure(), values, labels, seen, seeds=seeds))
        except ValueError as error:
            raise CommandError(str(error)) from error
        card = learner.scorecard(
            card=card_of(read, learner, as_of=as_of, labelled=labels, figures=measured, seeds=seeds)
        )
        if prior is not None:
            card = card.with_prior(prior)
        out.write_text(card.to_json(), encoding="utf-8")
        for term in getattr(card, "terms", ()):
            self.stdout.write(f"{term.weight:+8.3f}  {term.name}")
        for name in ("auc", "pr_auc", "brier", "log_loss", "calibration_slope"):
            found = measured[name]
            self.stdout.write(f"{name:<18} {found['value']:.3f}  ({found['low']:.3f} to {found['high']:.3f})")
        self.stdout.write(f"SHA-256 {card.sha256}")
