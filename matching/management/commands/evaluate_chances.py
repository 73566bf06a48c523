from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import add_model_arguments, encoder_of, fusion_of, write_figures
from matching.ranking.chance_learning import (
    SIDES,
    HeldOut,
    TooFewOutcomes,
    figures_of,
    judge_chances,
    rows_of,
)
from matching.ranking.outcomes import OutcomesUnreadable, outcome_groups, read_outcomes

TITLES = {
    "buyer": "the buyer takes it up (once shown: chance × looked at)",
    "seller": "the seller takes it up (once shown: chance × looked at)",
    "fulfilled": "an order is delivered on time and in full",
}


class Command(BaseCommand):
    help = "Learn the three chances from some firms' earlier lists and measure them on other firms' later ones."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="lists as export_outcomes or simulate_events write")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")
        add_model_arguments(parser)

    def handle(self, *, file, json, **options):
        _model, rows, curves = read_rows(file, options)
        try:
            _learned, found = judge_chances(rows["buyer"], rows["seller"])
        except TooFewOutcomes as error:
            raise CommandError(f"{file}: {error}") from error
        print_figures(self.stdout, found, curves)
        if json:
            places = {name: curve.to_dict() for name, curve in curves.items()}
            write_figures(json, {"chances": figures_of(found), "places": places})


def read_rows(file: Path, options) -> tuple[dict, dict, dict]:
    """Return what the file says of its origin, the rows of buyers and sellers, and how often their places are looked at.

    :raises CommandError: if the file cannot be read or tells too little
    """
    try:
        model, outcomes = read_outcomes(file)
    except (OutcomesUnreadable, OSError) as error:
        raise CommandError(str(error)) from error
    pairs = list(zip(outcomes, outcome_groups(outcomes, encoder_of(options), fusion_of(options)), strict=True))
    rows, curves = {}, {}
    for name, side in SIDES.items():
        try:
            rows[name], curves[name] = rows_of(pairs, side)
        except TooFewOutcomes as error:
            raise CommandError(f"{file}: {error}") from error
    return model, rows, curves


def print_figures(out, found: dict[str, HeldOut], curves: dict) -> None:
    for name, curve in curves.items():
        low, high = curve.steepness_low, curve.steepness_high
        out.write(f"{name}: places are looked at like place ** -{curve.steepness:.2f} [{low:.2f}, {high:.2f}]")
    for name, held_out in found.items():
        gain, low, high = held_out.gain_over_mean
        errors = ", ".join(f"{rival} {value:.4f}" for rival, value in held_out.errors.items())
        out.write(f"{TITLES[name]}: {held_out.rows} pairs of other firms, later; {held_out.came} did")
        out.write(f"  AUC {held_out.auc:.3f}, calibration error {held_out.calibration_error:.4f}, Brier {errors}")
        out.write(f"  Brier below that of the mean by {gain:.4f} [{low:.4f}, {high:.4f}]")
        if held_out.truth:
            truth = held_out.truth
            out.write(
                f"  simulated truth: {truth['would']:.1%} would; said {truth['ours']:.1%} (error "
                f"{truth['error_ours']:.3f}), uncorrected {truth['uncorrected']:.1%} "
                f"(error {truth['error_uncorrected']:.3f})"
            )
        for each in held_out.table:
            out.write(
                f"    said {each.said:6.1%}   came {each.came:6.1%} [{each.low:.0%}, {each.high:.0%}]   {each.count}"
            )
