"""From what is wanted to ranked counterparts with their reasons."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from marketplace.models import Listing
from matching.live_index.facts import facts_of, with_facts
from matching.live_index.index import live_index
from matching.live_index.trained import encoder, fusion, ranker
from matching.ranking import ListingFacts, Reason, rank
from matching.retrieval.eligibility import Refusal, why_not

# How many candidates the two legs leave to the ranker, and how many matches a listing keeps.
RANKED, KEPT = 100, 50


@dataclass(frozen=True, slots=True)
class Found:
    """A counterpart with its score, the reasons that sum to it, and the hard rules it would break.

    Reasons and refusals are as they are kept and shown: [{feature, points, zh, en}], [{rule, zh, en}].
    """

    listing: Listing
    score: float
    reasons: list[dict]
    refusals: list[dict]
    # The pair's row of pair_features, by which its chances are said.
    features: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, best first; how many the hard rules allowed; which models spoke."""

    found: list[Found]
    allowed: int
    embedding_version: str
    fusion_version: str
    ranker_version: str


def find(
    query: ListingFacts,
    *,
    among: QuerySet[Listing],
    now: datetime,
    limit: int = KEPT,
    rules: Collection[str] | None = None,
    also: Sequence[int] = (),
    vector: np.ndarray | None = None,
) -> Answer:
    """Return the counterparts of a query, ranked.

    The index proposes, the rows decide: every candidate is read again from the database and put to the rules.

    :param among: which listings may be found at all
    :param rules: the hard rules that exclude; those left out only show as refusals, behind all that break none
    :param also: listings to score even if others are closer, as far as the rules allow them
    :param vector: the query's embedding where it is known
    """
    index, ranker_, today = live_index(), ranker(), timezone.localdate(now)
    if vector is None:
        vector = encoder().encode([query.text])[0]
    index.refresh(now)
    candidates = index.candidates(query, vector, today, limit=RANKED, rules=rules, also=also)
    rows = {listing.pk: listing for listing in with_facts(among.filter(pk__in=candidates.ids.tolist()))}
    facts = {one.id: one for one in facts_of(rows.values(), now=now)}
    refusals = {pk: why_not(*_pair(query, one), today) for pk, one in facts.items()}
    places = [
        place
        for place, pk in enumerate(candidates.ids.tolist())
        if pk in facts and not _is_excluded(refusals[pk], rules)
    ]
    found: list[Found] = []
    # What breaks no rule comes first; within each part the ranker's order stands.
    for breaks_a_rule in (False, True):
        part = [place for place in places if bool(refusals[int(candidates.ids[place])]) is breaks_a_rule]
        ranked = rank(
            query,
            [facts[int(candidates.ids[place])] for place in part],
            keyword=candidates.keyword[part],
            embedding=candidates.embedding[part],
            fused=candidates.fused[part],
            today=today,
            ranker=ranker_,
            # Reasons cost more than scores: only those are told that somebody will see.
            limit=len(part) if also else max(0, limit - len(found)),
        )
        for each in ranked:
            pk = int(candidates.ids[part[each.position]])
            reasons = [_plain(reason) for reason in each.reasons]
            broken = [refusal._asdict() for refusal in refusals[pk]]
            found.append(Found(rows[pk], each.score, reasons, broken, each.features))
    keep = set(also)
    return Answer(
        [one for place, one in enumerate(found) if place < limit or one.listing.pk in keep],
        candidates.allowed,
        encoder().version,
        fusion().version,
        ranker_.version,
    )


def _plain(reason: Reason) -> dict:
    # Many times quicker than asdict, and there are a thousand of them in a search.
    return {"feature": reason.feature, "points": reason.points, "zh": reason.zh, "en": reason.en}


def _pair(query: ListingFacts, other: ListingFacts) -> tuple[ListingFacts, ListingFacts]:
    return (query, other) if query.side == "supply" else (other, query)


def _is_excluded(refusals: Sequence[Refusal], rules: Collection[str] | None) -> bool:
    """Return whether one of the rules that exclude refused; an attribute's refusal is of the rule "attributes"."""
    if rules is None:
        return bool(refusals)
    return any(refusal.rule.replace("attribute.", "attributes.").split(".")[0] in rules for refusal in refusals)
