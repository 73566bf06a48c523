"""Judge rankings of spaces by what each is truly worth to the firm that looks for one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from time import perf_counter

import numpy as np

from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.regions import regions
from matching.ranking.facts import ListingFacts
from matching.ranking.site_simulation import (
    RENTS,
    Place,
    Request,
    draw_place,
    draw_request,
    place_facts,
    request_facts,
    worth,
)
from matching.retrieval.metrics import bootstrap_interval, ndcg_at, paired_difference

# Grades by the share of all spaces of the kind that are worth more: the best one in a hundred, three, eight, twenty.
GRADES = ((0.01, 4), (0.03, 3), (0.08, 2), (0.20, 1))
SHOWN = 10
Method = Callable[[ListingFacts], Sequence[int]]


def draw_market(
    specs: Sequence[CategorySpec], *, spaces: int, requests: int, random_state: int
) -> tuple[list[Place], list[Request]]:
    """Return spaces in the counties of which a centre is known, and firms that look for one."""
    random = Random(f"site market {random_state}")  # noqa: S311 -- a simulation, not a secret
    kinds = [spec for spec in specs if spec.code in RENTS]
    counties = [code for code, region in regions().items() if region.level == 3 and region.centre]
    places = [draw_place(random.choice(kinds), random.choice(counties), random) for _ in range(spaces)]
    return places, [draw_request(places, random) for _ in range(requests)]


def grades(places: Sequence[Place], request: Request) -> np.ndarray:
    """Return the grade 0 … 4 of each space, shape (n,), by its place among those of the kind that is asked for."""
    values = np.array([worth(place, request) for place in places])
    kind = np.flatnonzero(values > 0)
    order = kind[np.lexsort((kind, -values[kind]))]
    found = np.zeros(len(places))
    for share, grade in reversed(GRADES):
        found[order[: max(1, round(share * len(order)))]] = grade
    return found


def filter_only(supplies: Sequence[ListingFacts], allowed: Callable[[ListingFacts], np.ndarray]) -> Method:
    """Return the ranking of a site with filters: what passes, the cheapest first."""
    prices = np.array([one.price_min for one in supplies])

    def ranked(query: ListingFacts) -> list[int]:
        passed = np.flatnonzero(allowed(query))
        return passed[np.lexsort((passed, prices[passed]))][:SHOWN].tolist()

    return ranked


def stated_fit(places: Sequence[Place], requests: dict[int, Request]) -> Method:
    """Return the ranking by the utility itself, as far as listings and wishes state it: all wishes weigh the same."""
    stated = [replace(place, values={key: place.values[key] for key in place.stated}) for place in places]

    def ranked(query: ListingFacts) -> list[int]:
        asked = replace(requests[query.id], weights=dict.fromkeys(requests[query.id].wishes, 2.0))
        values = np.array([worth(place, asked) for place in stated])
        return np.lexsort((np.arange(len(values)), -values))[:SHOWN].tolist()

    return ranked


def evaluate(places: Sequence[Place], requests: Sequence[Request], methods: dict[str, Method]) -> dict:
    """Return for each method nDCG@10 with its 95 % interval, the worth of its first place, and how long it took.

    The gain over each other method is the first one's, paired by request.
    """
    queries = [replace(request_facts(request), id=-number - 1) for number, request in enumerate(requests)]
    graded = [grades(places, request) for request in requests]
    best = [max(worth(place, request) for place in places) for request in requests]
    figures, scores = {"spaces": len(places), "requests": len(requests), "methods": {}}, {}
    for name, method in methods.items():
        start = perf_counter()
        rankings = [method(query) for query in queries]
        seconds = perf_counter() - start
        scores[name] = np.array(
            [ndcg_at(own[list(ranking)], own, SHOWN) for own, ranking in zip(graded, rankings, strict=True)]
        )
        first = [
            worth(places[ranking[0]], request) / top if ranking else 0.0
            for ranking, request, top in zip(rankings, requests, best, strict=True)
        ]
        low, high = bootstrap_interval(scores[name])
        figures["methods"][name] = {
            "ndcg@10": float(scores[name].mean()),
            "low": low,
            "high": high,
            "worth_of_first": float(np.mean(first)),
            "seconds": seconds,
        }
    ours, *others = methods
    figures["gain"] = {
        name: dict(zip(("mean", "low", "high"), paired_difference(scores[ours], scores[name]), strict=True))
        for name in others
    }
    return figures


def facts_of_market(places: Sequence[Place]) -> list[ListingFacts]:
    """Return what an index knows of the spaces, under the ids 0, 1, 2 …; each is let by another firm."""
    return [replace(place_facts(place, number), organisation=number + 1) for number, place in enumerate(places)]
