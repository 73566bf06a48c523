from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from matching.live_index.proof import QUERIES, prove
from matching.management.measuring import write_figures
from matching.models import RecallProof

BROKEN = 3


class Command(BaseCommand):
    help = (
        "Compare the fifty nearest that the live index serves with brute force over the rows, under six shapes of filter; "
        "end with exit code 3 where less is served than the engine promises."
    )

    def add_arguments(self, parser):
        parser.add_argument("--queries", type=int, default=QUERIES, help="under each filter (default: %(default)s)")
        parser.add_argument("--seed", help="which listings are asked about (default: today's date)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, queries, seed, json: Path | None, **_options):
        if queries < 1:
            raise CommandError("--queries must be at least 1.")
        now = timezone.now()
        proof = prove(now=now, seed=seed or timezone.localdate(now).isoformat(), queries=queries)
        self.stdout.write(
            f"{proof.engine}, {proof.entries:,} listings, {proof.missing} missing, {proof.seconds:.1f} seconds"
        )
        self.stdout.write(
            f"{'filter':40}{'queries':>8}{'allowed':>9}{'recall':>9}{'lowest':>9}{'short':>7}{'promised':>10}"
        )
        for one in proof.shapes:
            name = str(RecallProof.Shape(one.shape).label)
            self.stdout.write(
                f"{name:40}{one.queries:8}{one.allowed:9.2%}{one.recall:9.4f}{one.worst:9.4f}{one.short:7}{one.promised:10.3f}"
            )
        if json:
            write_figures(json, figures_of(proof))
        if not proof.is_kept:
            raise CommandError("The index serves less than its engine promises.", returncode=BROKEN)


def figures_of(proof) -> dict:
    """Return the proof as plain values."""
    shapes = {
        one.shape: {name: getattr(one, name) for name in one.__slots__ if name != "shape"} for one in proof.shapes
    }
    whole = {name: getattr(proof, name) for name in ("engine", "entries", "missing", "seconds")}
    return {**whole, "kept": proof.is_kept, "shapes": shapes}
