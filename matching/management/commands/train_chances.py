from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.management.commands.evaluate_chances import print_figures, read_rows
from matching.management.measuring import add_model_arguments, encoder_of, fusion_of
from matching.ranking.chance_learning import SIDES, TooFewOutcomes, figures_of, judge_chances, learn_chances


class Command(BaseCommand):
    help = "Learn the chances that the buyer and the seller take a match up and that an order is fulfilled."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="lists as export_outcomes or simulate_events write")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the model here")
        add_model_arguments(parser)

    def handle(self, *, file, out, **options):
        origin, rows, curves = read_rows(file, options)
        try:
            _judged, found = judge_chances(rows["buyer"], rows["seller"])
            print_figures(self.stdout, found, curves)
            # Of orders there are few: it is enough that their chance is not worse than the mean.
            lost = [
                name
                for name, held_out in found.items()
                if held_out.gain_over_mean[2 if name == "fulfilled" else 1] <= 0
            ]
            if lost or len(found) < len(SIDES) + 1:
                raise CommandError(f"Not written: no better than the mean, or nothing to judge by: {', '.join(lost)}.")
            learned = learn_chances(rows["buyer"], rows["seller"])
        except TooFewOutcomes as error:
            raise CommandError(f"{file}: {error}") from error
        learned.card = {
            "what": "Chances that a side takes a match up once it looks, and that an order is delivered on time and in full.",
            "learned_from": origin,
            "pairs": {name: len(each.taken_up) for name, each in rows.items()},
            "embedding": encoder_of(options).version,
            "fusion": fusion_of(options).version,
            "places": {name: curve.to_dict() for name, curve in curves.items()},
            "judged": "learned from 70 % of the firms on the first 60 % of the days, judged on the other firms' later lists",
            "figures": figures_of(found),
        }
        learned.save(out)
        self.stdout.write(f"written to {out}: {learned.version}")
