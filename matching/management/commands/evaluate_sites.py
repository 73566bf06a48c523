from datetime import date
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand

from marketplace.parsing.catalogue import load_catalogue
from marketplace.services.categories import SHIPPED
from matching.management.measuring import add_model_arguments, encoder_of, fusion_of, write_figures
from matching.ranking import rank
from matching.ranking.site_evaluation import (
    SHOWN,
    draw_market,
    evaluate,
    facts_of_market,
    filter_only,
    stated_fit,
)
from matching.ranking.site_rows import rent_ratio
from matching.ranking.site_score import site_score
from matching.ranking.text import shipped_ranker
from matching.retrieval.candidate_table import CandidateTable
from matching.retrieval.legs import DEPTH, Legs
from matching.services.sites import FIXED_RULES, LOOKED_AT

TODAY = date(2026, 1, 5)
RANKED = 100


class Engine:
    """The product's search for sites over spaces in memory: rules, both legs, fusion, and the score of sites."""

    def __init__(self, supplies, encoder, fusion) -> None:
        self.supplies, self.encoder, self.fusion, self.ranker = supplies, encoder, fusion, shipped_ranker()
        self.legs = Legs([one.text for one in supplies], encoder)
        self.table = CandidateTable()
        for one in supplies:
            self.table.put(one)

    def allowed(self, query, rules=None) -> np.ndarray:
        return self.table.allowed(query, TODAY, rules=rules)

    def __call__(self, query) -> list[int]:
        """Return the best by the score of sites, what keeps every limit first."""
        strict, near = self._candidates(query, None), self._candidates(query, FIXED_RULES)
        closeness = dict(zip(near[0].tolist(), near[3].tolist(), strict=True))
        closeness |= dict(zip(strict[0].tolist(), strict[3].tolist(), strict=True))
        keeps_all = self.allowed(query)
        scores = {
            place: site_score(query, self.supplies[place], words=words, ratio=rent_ratio(query, self.supplies[place]))[
                0
            ]
            for place, words in closeness.items()
        }
        return sorted(scores, key=lambda place: (not keeps_all[place], -scores[place], place))[:SHOWN]

    def by_ranker(self, query) -> list[int]:
        """Return what the search for goods would: the learned ranker, what keeps every limit first."""
        found = self._ranked(query, self._candidates(query, None))
        if len(found) < SHOWN:
            found += [one for one in self._ranked(query, self._candidates(query, FIXED_RULES)) if one not in found]
        return found[:SHOWN]

    def keyword_only(self, query) -> list[int]:
        """Return the best by words among all that may be seen, as a search box does."""
        return self.legs.keyword(query.text, depth=SHOWN)[0].tolist()

    def _candidates(self, query, rules) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        allowed = self.allowed(query, rules)
        words = self.legs.keywords.scores(query.text)
        vector = self.encoder.encode([query.text])[0]
        by_word, _ = self.legs.keywords.best(words, DEPTH, allowed)
        by_meaning, _ = self.legs.vectors.search(vector, DEPTH, allowed)
        ids = np.union1d(by_word, by_meaning[by_meaning >= 0])
        keyword, embedding = words[ids], self.legs.vectors.scores(vector, ids)
        fused = self.fusion.fuse(keyword, embedding)
        keep = np.lexsort((ids, -fused))[:LOOKED_AT]
        return ids[keep], keyword[keep], embedding[keep], fused[keep]

    def _ranked(self, query, candidates) -> list[int]:
        ids, keyword, embedding, fused = (column[:RANKED] for column in candidates)
        ranked = rank(
            query,
            [self.supplies[place] for place in ids],
            keyword=keyword,
            embedding=embedding,
            fused=fused,
            today=TODAY,
            ranker=self.ranker,
            limit=SHOWN,
        )
        return [int(ids[one.position]) for one in ranked]


class Command(BaseCommand):
    help = (
        "Measure the search for sites on simulated spaces and requests whose worth for each other is known: nDCG@10 of "
        "the engine against keywords alone and filters alone, with 95 % intervals, and how long the requests take."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--spaces", type=int, default=3000)
        parser.add_argument("--requests", type=int, default=360)
        parser.add_argument("--random-state", type=int, default=3)
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")
        add_model_arguments(parser)

    def handle(self, *, spaces, requests, random_state, json: Path | None, **options):
        catalogue = load_catalogue(SHIPPED)
        places, asked = draw_market(list(catalogue), spaces=spaces, requests=requests, random_state=random_state)
        supplies = facts_of_market(places)
        engine = Engine(supplies, encoder_of(options), fusion_of(options))
        methods = {
            "engine": engine,
            "goods ranker": engine.by_ranker,
            "keyword only": engine.keyword_only,
            "filter only": filter_only(supplies, engine.allowed),
            "stated fit": stated_fit(places, {-number - 1: request for number, request in enumerate(asked)}),
        }
        figures = evaluate(places, asked, methods)
        self.stdout.write(f"{requests} requests, {spaces} spaces; nDCG@10 [95 %], worth of the first place, seconds")
        for name, row in figures["methods"].items():
            self.stdout.write(
                f"  {name:14}{row['ndcg@10']:7.3f} [{row['low']:.3f}, {row['high']:.3f}]"
                f"{row['worth_of_first']:8.3f}{row['seconds']:8.1f}"
            )
        for name, row in figures["gain"].items():
            self.stdout.write(f"  over {name}: {row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]")
        if json:
            write_figures(json, figures)
