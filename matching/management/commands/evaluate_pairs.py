from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import add_model_arguments, encoder_of, fusion_of, write_figures
from matching.ranking.text import rank_scores
from matching.retrieval.benchmark import BenchmarkUnreadable, read_pairs
from matching.retrieval.evaluation import METHODS, pair_quality, score_pairs
from matching.retrieval.metrics import auc, resampled_difference


class Command(BaseCommand):
    help = "Measure how well keyword, embedding, fused and ranked scores tell relevant pairs of texts from others."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="text_a, text_b, label by tabs, no header; or .gz")
        parser.add_argument("--json", type=Path, metavar="OUT", help='write {method: {"auc", "ap"}} here')
        parser.add_argument("--baseline", type=Path, metavar="OUT", help="write the TF-IDF baseline's figures here")
        add_model_arguments(parser)

    def handle(self, *, file, json: Path | None, baseline: Path | None, **options):
        try:
            pairs = read_pairs(file)
        except BenchmarkUnreadable as error:
            raise CommandError(str(error)) from error
        scores = score_pairs(pairs, encoder_of(options), fusion_of(options), rank_scores)
        quality = {method: pair_quality(pairs, each) for method, each in scores.items()}
        self._print(pairs, scores, quality)
        if json:
            write_figures(json, {method: quality[method] for method in METHODS})
        if baseline:
            write_figures(baseline, {"tfidf": quality["tfidf"]})

    def _print(self, pairs, scores, quality):
        relevant = np.array([pair.label >= 1 for pair in pairs])
        self.stdout.write(f"{len(pairs)} pairs, {relevant.sum()} relevant; AUC against TF-IDF with 95 % interval\n")
        self.stdout.write(f"{'':10}{'AUC':>8}{'AP':>8}")
        for method, measured in quality.items():
            line = f"{method:10}{measured['auc']:8.3f}{measured['ap']:8.3f}"
            if method != "tfidf":
                mean, low, high = resampled_difference(auc, relevant, scores[method], scores["tfidf"])
                line += f"   {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
            self.stdout.write(line)
