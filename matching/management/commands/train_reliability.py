import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.management.commands.evaluate_reliability import print_judgement
from matching.ranking.reliability_judging import judge_reliability
from matching.ranking.reliability_learning import (
    SETTINGS,
    SupplierWeeksUnreadable,
    learn_reliability,
    order_rows,
    read_supplier_weeks,
)


class Command(BaseCommand):
    help = "Learn to forecast what suppliers deliver; written only if it beats each firm's running mean on later weeks."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="suppliers*.xlsx, or ordered.csv and supplied.csv")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the model here")
        parser.add_argument("--until", type=int, default=180, help="what came after this week judges it")

    def handle(self, *, folder, out, until, **_options):
        try:
            rows = order_rows(read_supplier_weeks(folder))
        except (SupplierWeeksUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        if not (rows.week <= until).any() or not (rows.week > until).any():
            raise CommandError(
                f"--until must leave orders before and after it: there are weeks 1 to {rows.week.max()}."
            )
        _judged, judgement = judge_reliability(rows, until=until)
        print_judgement(self.stdout, judgement)
        lost = [name for name, found in judgement.against["running mean"].items() if found.high >= 0]
        if lost:
            raise CommandError(f"Not written: no better than each firm's running mean in {', '.join(lost)}.")
        model = learn_reliability(rows)
        model.card = {
            "what": "Share of the next order that a supplier delivers, and the chance that it delivers all of it.",
            "learned_from": f"{len(rows.week)} weekly orders to {len(set(rows.firm.tolist()))} suppliers, public data",
            "method": "additive logistic curves, monotone where the way is known (additive_learning.py)",
            "settings": SETTINGS,
            "judged": f"learned up to week {until}, judged on the weeks after it",
            "figures": judgement.to_dict(),
            "limits": "Weekly deliveries of raw material; another trade's habits may differ. A firm's own record leads, "
            "and where it is short the mean of all firms on the platform does.",
        }
        out.write_text(json.dumps(model.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stdout.write(f"written to {out}: {model.version}")
