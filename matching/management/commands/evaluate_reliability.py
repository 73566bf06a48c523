from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import write_figures
from matching.ranking.reliability_judging import Judgement, judge_reliability
from matching.ranking.reliability_learning import SupplierWeeksUnreadable, order_rows, read_supplier_weeks

TITLES = {
    "share_absolute": "mean absolute error of the share",
    "share_squared": "mean squared error of the share",
    "full_squared": "Brier score of “in full”",
}


class Command(BaseCommand):
    help = "Measure forecasts of what suppliers deliver on weeks that came later, against each firm's running mean."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="suppliers*.xlsx, or ordered.csv and supplied.csv")
        parser.add_argument("--until", type=int, default=180, help="the last week that is learned from")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, folder, until, json, **_options):
        try:
            rows = order_rows(read_supplier_weeks(folder))
        except (SupplierWeeksUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        if not (rows.week <= until).any() or not (rows.week > until).any():
            raise CommandError(
                f"--until must leave orders before and after it: there are weeks 1 to {rows.week.max()}."
            )
        _model, judgement = judge_reliability(rows, until=until)
        print_judgement(self.stdout, judgement)
        if json:
            write_figures(json, judgement.to_dict())


def print_judgement(out, judgement: Judgement) -> None:
    out.write(f"{judgement.orders} later orders of {judgement.firms} firms; learned from {judgement.trained_on}")
    for name, losses in judgement.against.items():
        out.write(f"against {name}")
        for loss, found in losses.items():
            interval = f"{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
            out.write(f"  {TITLES[loss]:34}{found.ours:8.4f}{found.theirs:8.4f}   {interval}")
    out.write(f"chance of “in full”: calibration error {judgement.calibration_error:.4f}")
    for each in judgement.table:
        out.write(f"  said {each.said:6.1%}   came {each.came:6.1%} [{each.low:.0%}, {each.high:.0%}]   {each.count}")
