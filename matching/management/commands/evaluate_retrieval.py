from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import add_model_arguments, encoder_of, fusion_of, write_figures
from matching.ranking.text import rank_scores
from matching.retrieval.benchmark import BenchmarkUnreadable, read_benchmark
from matching.retrieval.evaluation import BASELINES, METHODS, METRICS, Evaluation
from matching.retrieval.metrics import paired_difference


class Command(BaseCommand):
    help = "Measure keyword, embedding, fused and ranked retrieval on a benchmark in BEIR layout."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="corpus.jsonl, queries.jsonl, qrels/; or .gz")
        parser.add_argument("--part", default="test", help="which qrels/PART.tsv (default: test)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write {method: {metric: …}} here")
        parser.add_argument("--baseline", type=Path, metavar="OUT", help="write the figures of TF-IDF and of RRF here")
        add_model_arguments(parser)

    def handle(self, *, folder, part, json: Path | None, baseline: Path | None, **options):
        try:
            benchmark = read_benchmark(folder, part=part)
        except BenchmarkUnreadable as error:
            raise CommandError(str(error)) from error
        evaluation = Evaluation(benchmark, encoder_of(options))
        quality = evaluation.measure(fusion_of(options), rank_scores)
        quality["tfidf"] = evaluation.tfidf()
        self._print(len(benchmark.corpus), len(benchmark.queries), quality)
        if json:
            write_figures(json, {method: quality[method].summary() for method in METHODS})
        if baseline:
            write_figures(baseline, {method: quality[method].summary() for method in BASELINES})

    def _print(self, documents, queries, quality):
        self.stdout.write(f"{documents} documents, {queries} queries; 95 % bootstrap intervals\n")
        self.stdout.write(f"{'':10}" + "".join(f"{metric:>25}" for metric in METRICS) + f"{'ms/query':>10}")
        for method, measured in quality.items():
            summary = measured.summary()
            cells = (f"{v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}]" for v in map(summary.get, METRICS))
            ms = f"{summary['ms_per_query']:10.2f}"
            self.stdout.write(f"{method:10}" + "".join(f"{cell:>25}" for cell in cells) + ms)
        self.stdout.write("Differences in MRR@10 and nDCG@10 (paired):")
        for ours in ("fused", "ranked"):
            for theirs in ("keyword", "embedding", *BASELINES, "fused"):
                if ours != theirs:
                    texts = [_difference(quality[ours], quality[theirs], metric) for metric in ("mrr@10", "ndcg@10")]
                    self.stdout.write(f"  {ours} - {theirs}:".ljust(24) + "".join(f"{text:>28}" for text in texts))


def _difference(ours, theirs, metric):
    mean, low, high = paired_difference(np.array(ours.per_query[metric]), np.array(theirs.per_query[metric]))
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"
