import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import add_model_arguments, encoder_of, fusion_of
from matching.ranking.features import FEATURES
from matching.ranking.judged import judged_groups
from matching.ranking.outcomes import OutcomesUnreadable, outcome_groups, read_outcomes
from matching.ranking.promotion import judge, learn
from matching.retrieval.sources import SourceMissing, SourceUnreadable

REFUSED = 3


class Command(BaseCommand):
    help = (
        "Learn the ranker from outcomes of matches, and write it if it beats the tuned fusion on queries held out and loses "
        "on no judged texts; otherwise write nothing and end with exit code 3."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="the data folder with the judged pairs")
        parser.add_argument("--outcomes", type=Path, required=True, metavar="FILE", help="JSON lines, plain or .gz")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the ranker here if promoted")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the verdict here, promoted or not")
        parser.add_argument("--random-state", type=int, default=0)
        add_model_arguments(parser)

    def handle(self, *, folder, outcomes, out, random_state, **options):
        encoder, fusion = encoder_of(options), fusion_of(options)
        try:
            self.stdout.write("Reading the judged pairs …")
            groups = list(judged_groups(folder, encoder, fusion))
            self.stdout.write("Reading the outcomes …")
            model, read = read_outcomes(outcomes)
        except (SourceMissing, SourceUnreadable, OutcomesUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        groups += outcome_groups(read, encoder, fusion)
        self.stdout.write(f"Learning from {len(groups)} groups, held out five times by owner …")
        verdict = judge(groups, must_gain=["outcomes"], random_state=random_state)
        self._print(verdict)
        if options["json"]:
            write(options["json"], verdict.to_dict())
        if verdict.refusal:
            raise CommandError(f"Refused: {verdict.refusal}", returncode=REFUSED)
        ranker = learn(groups, random_state=random_state)
        ranker.card = {
            "trained_at": datetime.now(UTC).date().isoformat(),
            "embedding": encoder.version,
            "fusion": fusion.version,
            "judged": {source: sum(group.source == source for group in groups) for source in verdict.comparisons},
            "outcomes": model,
            "held_out": verdict.to_dict()["comparisons"],
            "points_of_text": round(ranker.slope, 2),
            "points_of_features": {name: round(float(np.ptp(ranker.points[name])), 2) for name in FEATURES},
        }
        ranker.save(out)
        self.stdout.write(self.style.SUCCESS(f"Promoted: {ranker.version} → {out}"))

    def _print(self, verdict):
        self.stdout.write(f"{'held-out nDCG@10':18}{'queries':>8}{'fused':>8}{'ranked':>8}   difference, 95 % interval")
        for source, one in verdict.comparisons.items():
            interval = f"{one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"
            self.stdout.write(f"{source:18}{one.queries:8}{one.fused:8.3f}{one.ranked:8.3f}   {interval}")


def write(path: Path, document: dict) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
