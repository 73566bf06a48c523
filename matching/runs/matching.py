import time
from collections.abc import Callable
from datetime import datetime

import numpy as np
from django.db import transaction

from marketplace.models import Listing
from matching.live_index import Answer, encoder, facts_of, find, fusion, outlooks, ranker, with_facts
from matching.live_index.facts import blocked_with
from matching.models import IndexEntry, Match, MatchRun
from matching.models.match import ScoredPair
from matching.runs.balancing import place_in_market
from matching.runs.indexing import index_listings
from matching.runs.telling import tell_new_matches

# A listing that is edited while it is matched is matched again, so often at most.
ROUNDS = 3
# So many earlier counterparts are scored anew, so that an edit here leaves their lists complete.
KNOWN = 200


def find_matches(run: MatchRun, *, clock: Callable[[], datetime]) -> None:
    """Find the counterparts of the run's listing, record them, and tell both sides of new ones."""
    try:
        if not any(_match_once(run, clock=clock) for _ in range(ROUNDS)):
            _give_up(run)
    except Exception as error:
        MatchRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


class ListingKeptChanging(RuntimeError):  # noqa: N818 - named for the fact
    pass


def _give_up(run: MatchRun) -> None:
    raise ListingKeptChanging(f"Listing {run.listing_id} was edited {ROUNDS} times while it was matched.")


def _match_once(run: MatchRun, *, clock: Callable[[], datetime]) -> bool:
    """Return whether the run is over: done, or no longer ours. If not, the listing was edited meanwhile."""
    now, began = clock(), time.monotonic()
    listing = with_facts(Listing.objects.filter(pk=run.listing_id)).get()
    known = _known(listing)
    answer = _search(listing, known=known, now=now)
    run.embedding_version, run.fusion_version = answer.embedding_version, answer.fusion_version
    run.ranker_version = answer.ranker_version
    pairs = _pairs(listing, answer, now=now)
    with transaction.atomic():
        if not Listing.objects.filter(pk=listing.pk, revision=listing.revision).exists():
            return False
        # Results are written only if our claim still stands: a slow worker may have been replaced.
        is_ours = MatchRun.objects.finish(
            run,
            now=clock(),
            revision=listing.revision,
            embedding_version=run.embedding_version,
            fusion_version=run.fusion_version,
            ranker_version=run.ranker_version,
            allowed=answer.allowed,
            found=len(pairs),
            duration_ms=round(1000 * (time.monotonic() - began)),
        )
        if is_ours:
            new = set(Match.objects.record(pairs, run=run, now=now))
            place_in_market(run, listing, now=now)
            told = tell_new_matches(listing, answer.found, new=new, known=known, run=run, now=now)
            MatchRun.objects.filter(pk=run.pk).update(told=told)
            MatchRun.objects.forget_old(listing, now=now)
    return True


def _known(listing: Listing) -> dict[int, float]:
    """Return the scores of the counterparts with which this listing was compared before, the best of them."""
    other = "demand_id" if listing.side == Listing.Side.SUPPLY else "supply_id"
    return dict(Match.objects.for_listing(listing).values_list(other, "score")[:KNOWN])


def _search(listing: Listing, *, known: dict[int, float], now: datetime) -> Answer:
    (query,) = facts_of([listing], now=now, blocked=blocked_with(listing.organisation_id))
    if not query.is_open:
        return Answer([], 0, encoder().version, fusion().version, ranker().version)
    index_listings(only=[listing.pk])
    entry = IndexEntry.objects.get(pk=listing.pk)
    vector = np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)
    return find(query, among=Listing.objects.open(now), now=now, also=list(known), vector=vector)


def _pairs(listing: Listing, answer: Answer, *, now: datetime) -> list[ScoredPair]:
    pairs = []
    prospects = outlooks(listing, answer.found, now=now)
    for place, (found, outlook) in enumerate(zip(answer.found, prospects, strict=True), start=1):
        supply, demand = (listing, found.listing) if listing.side == Listing.Side.SUPPLY else (found.listing, listing)
        pairs.append(
            ScoredPair(
                supply=supply.pk,
                demand=demand.pk,
                supply_organisation=supply.organisation_id,
                demand_organisation=demand.organisation_id,
                supply_revision=supply.revision,
                demand_revision=demand.revision,
                score=found.score,
                rank=place,
                reasons=[*found.reasons, outlook.reason] if outlook.reason else found.reasons,
                buyer_chance=outlook.buyer,
                seller_chance=outlook.seller,
                fulfilment_chance=outlook.fulfilled,
            )
        )
    return pairs
