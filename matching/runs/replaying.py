"""A past day's lists, put in order anew by two rankers."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from marketplace.models import Listing
from matching.live_index import encoder, facts_of, fusion, ranker_of, with_facts
from matching.models import Match, MatchRun, Replay
from matching.ranking.outcomes import Outcome, outcome_groups
from matching.ranking.promotion import JudgedGroup
from matching.ranking.ranker import FUSED
from matching.ranking.replay import ComparedList, compare_orders, summary_of
from matching.ranking.text import shipped_ranker
from matching.runs.outcomes import grades_since, midnight

# So many of the counterparts that a demand had by that day are put in order: more than anybody pages through.
CANDIDATES = 100
# A list of one has no order.
FEWEST = 2


def replay_day(run: Replay, *, clock: Callable[[], datetime]) -> Replay:
    """Put the day's lists in order by both rankers, and keep what differs and who was right.

    The candidates are those that the matcher had recorded for each demand by the end of that day, and what came of them
    is what happened since. Approximate is how they are described: texts, prices and records of delivery are read as
    they are now, as no listing keeps its former revisions; dates are counted from that day.
    """
    try:
        outcomes = gathered_lists(run.day, limit=run.demands)
        groups = list(outcome_groups(outcomes, encoder(), fusion()))
        compared = [
            compare_orders(
                [one.id for one in outcome.candidates],
                scores_by(run.model, group),
                scores_by(run.against, group),
                outcome.grades,
            )
            for outcome, group in zip(outcomes, groups, strict=True)
        ]
        lists = [_kept(outcome, one) for outcome, one in zip(outcomes, compared, strict=True)]
        Replay.objects.finish(run, now=clock(), summary=summary_of(compared), lists=lists)
    except Exception as error:
        Replay.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise
    run.refresh_from_db()
    return run


def _kept(outcome: Outcome, compared: ComparedList) -> dict:
    return {"demand": outcome.query.id, **compared.to_dict()}


def scores_by(model: str, group: JudgedGroup) -> np.ndarray:
    """Return a score for each candidate by the ranker of this name: a version, "shipped", or "fusion" for none."""
    if model == Replay.FUSION:
        return group.features[:, FUSED]
    ranker = shipped_ranker() if model == Replay.SHIPPED else ranker_of(model)
    return ranker.scores(group.features)


def demands_of(day: date) -> QuerySet:
    """Return the demands that were matched on that day and have recorded matches from then or before."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    matched = MatchRun.objects.filter(
        listing=OuterRef("pk"), finished_at__gte=start, finished_at__lt=end, status="done"
    )
    recorded = Match.objects.filter(demand=OuterRef("pk"), first_seen_at__lt=end)
    demands = Listing.objects.filter(Exists(matched), Exists(recorded), side=Listing.Side.DEMAND)
    return demands.order_by("pk").values_list("pk", flat=True)


def gathered_lists(day: date, *, limit: int) -> list[Outcome]:
    """Return the lists of so many demands of that day, with what came of each counterpart since."""
    start, end = midnight(day), midnight(day + timedelta(days=1))
    outcomes = []
    for demand_id in demands_of(day)[:limit]:
        matches = Match.objects.filter(demand=demand_id, first_seen_at__lt=end).order_by("-score", "pk")
        pairs = dict(matches.values_list("supply", "pk")[:CANDIDATES])
        if len(pairs) < FEWEST:
            continue
        listings = with_facts(Listing.objects.filter(pk__in=[demand_id, *pairs]))
        facts = {one.id: one for one in facts_of(listings, now=start)}
        grades = grades_since(pairs.values(), start)
        outcomes.append(
            Outcome(
                day=day,
                query=facts[demand_id],
                candidates=[facts[pk] for pk in sorted(pairs)],
                grades=np.array(
                    [max((grade for _, grade in grades.get(pairs[pk], ())), default=0) for pk in sorted(pairs)]
                ),
            )
        )
    return outcomes
