import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import add_model_arguments, encoder_of, fusion_of
from matching.ranking.card import card_of
from matching.ranking.features import FEATURES
from matching.ranking.judged import judged_groups
from matching.ranking.outcomes import OutcomesUnreadable, outcome_groups, read_outcomes
from matching.ranking.promotion import COMMERCIAL_FEATURES, OUTCOMES, judge, learn
from matching.ranking.verdict import ENOUGH_LISTS
from matching.retrieval.sources import SourceMissing, SourceUnreadable

REFUSED = 3


class Command(BaseCommand):
    help = (
        "Learn the ranker from outcomes of matches, and write it if it beats the tuned fusion on queries held out and loses "
        "on no judged texts and in no part of the market; otherwise end with exit code 3."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="the data folder with the judged pairs")
        parser.add_argument("--outcomes", type=Path, required=True, metavar="FILE", help="JSON lines, plain or .gz")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the ranker here if promoted")
        parser.add_argument("--refused", type=Path, metavar="FILE", help="write it here if refused, with the reasons")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the verdict here, promoted or not")
        parser.add_argument(
            "--margin",
            type=float,
            default=settings.RANKER_MARGIN,
            help="the least gain in nDCG@10 (default: %(default)s)",
        )
        parser.add_argument(
            "--learn-texts", action="store_true", help="give points to single text scores too, not only to the fusion"
        )
        parser.add_argument(
            "--shuffle-outcomes", action="store_true", help="a trial of the gate: results shuffled within each list"
        )
        parser.add_argument("--random-state", type=int, default=0)
        add_model_arguments(parser)

    def handle(self, *, folder, outcomes, out, refused, margin, random_state, **options):
        encoder, fusion = encoder_of(options), fusion_of(options)
        try:
            self.stdout.write("Reading the judged pairs …")
            groups = list(judged_groups(folder, encoder, fusion))
            self.stdout.write("Reading the outcomes …")
            model, read = read_outcomes(outcomes)
        except (SourceMissing, SourceUnreadable, OutcomesUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        groups += outcome_groups(read, encoder, fusion)
        if options["shuffle_outcomes"]:
            groups = shuffled(groups, random_state)
            model = {**model, "trial": "shuffled"}
        names = COMMERCIAL_FEATURES
        if options["learn_texts"]:
            names, model = FEATURES, {**model, "trial": "texts"}
        self.stdout.write(f"Learning from {len(groups)} groups, held out five times by owner …")
        verdict = judge(groups, must_gain=[OUTCOMES], margin=margin, random_state=random_state, names=names)
        self._print(verdict)
        if options["json"]:
            write(options["json"], verdict.to_dict())
        if verdict.refusal and not refused:
            raise CommandError(f"Refused: {verdict.refusal}", returncode=REFUSED)
        ranker = learn(groups, random_state=random_state, names=names)
        ranker.card = card_of(
            ranker,
            verdict,
            groups,
            trained_on=datetime.now(UTC).date(),
            embedding=encoder.version,
            fusion=fusion.version,
            outcomes=model,
        )
        ranker.save(refused if verdict.refusal else out)
        if verdict.refusal:
            raise CommandError(f"Refused: {verdict.refusal}", returncode=REFUSED)
        self.stdout.write(self.style.SUCCESS(f"Promoted: {ranker.version} → {out}"))

    def _print(self, verdict):
        self.stdout.write(f"{'held-out nDCG@10':34}{'queries':>8}{'fused':>8}{'ranked':>8}   difference, 95 % interval")
        for source, one in verdict.comparisons.items():
            self._line(source, one)
        for kind, parts in verdict.slices.items():
            for part, one in parts.items():
                if one.queries >= ENOUGH_LISTS:
                    self._line(f"  {kind} {part}", one)

    def _line(self, name, one):
        interval = f"{one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"
        self.stdout.write(f"{name:34}{one.queries:8}{one.fused:8.3f}{one.ranked:8.3f}   {interval}")


def shuffled(groups, random_state):
    """Return the groups with the results of each list dealt out anew: there is nothing left to learn."""
    rng = np.random.default_rng(random_state)
    return [
        replace(group, grades=rng.permutation(group.grades)) if group.source == OUTCOMES else group for group in groups
    ]


def write(path: Path, document: dict) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
