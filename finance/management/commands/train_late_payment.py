import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.management.commands.evaluate_late_payment import print_figures
from finance.scoring.late_payment import DIRECTIONS, features_of
from finance.scoring.late_payment_learning import InvoicesUnreadable, judge, learn, read_invoices


class Command(BaseCommand):
    help = "Learn to foresee late payment; written only if it beats the payer's past share on later invoices."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="settled invoices, CSV, plain or .gz")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the model here")

    def handle(self, *, file, out, **_options):
        try:
            invoices = read_invoices(file)
            features = features_of(invoices, invoices)
            figures = judge(invoices, features).to_dict()
            learned = learn(invoices, features, until=float(invoices.settled.max()))
        except (InvoicesUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        print_figures(self.stdout, figures)
        if figures["better_than"]["past_share"]["low"] <= 0:
            raise CommandError("Not written: no better than the payer's past share of late invoices.")
        model = learned.model
        model.card.update(
            {
                "what": "The chance that an invoice is settled after its due day, said on the day of issue.",
                "learned_from": f"{learned.rows} settled business invoices of {len(set(invoices.payer.tolist()))} payers, "
                "public sample data; no row is held here",
                "method": "logistic regression with a ridge penalty (L-BFGS-B); declared signs may not turn",
                "signs": dict(DIRECTIONS),
                "penalty": learned.penalty,
                "chosen_by": "penalty and features by the Brier score of rolling origins inside the training time. Earlier "
                "sets of features had been judged on the later invoices too (AUC 0.872 to 0.891), so their figures are "
                "a little kind",
                "judged": figures,
                "limits": "All invoices learned from were due after 30 days; another trade's habits may differ. A payer "
                "without a record is near what all payers here do.",
            }
        )
        out.write_text(json.dumps(model.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stdout.write(f"written to {out}: {model.version}")
