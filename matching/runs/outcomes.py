"""Lists that were shown to a firm on a day, with what came of each counterpart in them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time

import numpy as np
from django.utils import timezone

from marketplace.models import Listing
from matching.live_index import facts_of, with_facts
from matching.live_index.outlooks import expected_in_full
from matching.models import MatchEvent
from matching.ranking import ListingFacts
from matching.ranking.labels import Act, label_of, teaches_places
from matching.ranking.outcomes import Outcome
from matching.ranking.propensity import learn_propensities

# How far a match got; what was delivered late or short, or disputed, was still ordered.
GRADES = {
    MatchEvent.Kind.OPENED: 1,
    MatchEvent.Kind.CONTACTED: 2,
    MatchEvent.Kind.QUOTED: 2,
    MatchEvent.Kind.ACCEPTED: 3,
    MatchEvent.Kind.DELIVERED_LATE: 3,
    MatchEvent.Kind.DELIVERED_SHORT: 3,
    MatchEvent.Kind.DELIVERED: 4,
}
# A list of fewer teaches nothing of order; of more lists the newest are taken.
FEWEST_SHOWN, MOST_LISTS = 3, 20_000
PAGE = 2_000


def midnight(day: date) -> datetime:
    """Return the first moment of a day here."""
    return timezone.make_aware(datetime.combine(day, time.min))


def gathered_outcomes(since: date, until: date) -> list[Outcome]:
    """Return the lists that pages showed from a day to a day, the latter included, oldest first.

    Only what was shown is in them: of what nobody saw, nothing is known.
    """
    shown = MatchEvent.objects.filter(kind=MatchEvent.Kind.SHOWN, day__gte=since, day__lte=until)
    lists: dict[tuple[date, int, str], dict[int, tuple[int, int | None]]] = defaultdict(dict)
    rows = shown.order_by("-day", "pk").values_list(
        "day", "side", "match", "position", "match__supply", "match__demand"
    )
    for day, side, match, position, supply, demand in rows.iterator(chunk_size=PAGE):
        own, other = (supply, demand) if side == Listing.Side.SUPPLY else (demand, supply)
        if (day, own, side) not in lists and len(lists) == MOST_LISTS:
            break
        lists[day, own, side][other] = (match, position)
    acts = acts_of(match for pairs in lists.values() for match, _position in pairs.values())
    return _outcomes({key: pairs for key, pairs in sorted(lists.items()) if len(pairs) >= FEWEST_SHOWN}, acts)


def _outcomes(
    lists: Mapping[tuple[date, int, str], Mapping[int, tuple[int, int | None]]], acts: Mapping[int, Sequence[Act]]
) -> list[Outcome]:
    curves = {side: learn_propensities(_shows(lists, acts, side), draws=0) for side in Listing.Side.values}
    facts = _facts({pk for (_day, own, _side), pairs in lists.items() for pk in (own, *pairs)})
    outcomes = []
    for (day, own, side), pairs in lists.items():
        candidates = [facts[pk] for pk in sorted(pairs)]
        shown = [pairs[pk] for pk in sorted(pairs)]
        labels = [
            label_of(acts[match], side=side, day=day, position=position, curve=curves[side])
            for match, position in shown
        ]
        both = [(facts[own], one) if side == Listing.Side.SUPPLY else (one, facts[own]) for one in candidates]
        expected = expected_in_full([supply.organisation for supply, _ in both], both, [midnight(day)] * len(both))
        outcomes.append(
            Outcome(
                day=day,
                query=facts[own],
                candidates=candidates,
                grades=np.array([label.grade for label in labels]),
                labels=labels,
                in_full=np.array([np.nan if one is None else one.chance for one in expected]),
            )
        )
    return outcomes


def _shows(lists: Mapping, acts: Mapping[int, Sequence[Act]], side: str) -> list[list[tuple[int, bool]]]:
    """Return, for each match in this side's lists, the places it stood in and whether it was acted on that day."""
    shows = defaultdict(list)
    for (day, _own, of), pairs in lists.items():
        for match, position in pairs.values():
            if of == side and position is not None and teaches_places(acts[match]):
                shows[match].append((position, was_acted_on(acts[match], side, day)))
    return [shows[match] for match in sorted(shows)]


def was_acted_on(acts: Iterable[Act], side: str, day: date) -> bool:
    return any(act.side == side and act.day == day for act in acts)


def acts_of(match_ids: Iterable[int]) -> Mapping[int, Sequence[Act]]:
    """Return what was ever done about each of these matches; nothing for one of which nothing came."""
    ids, found = sorted(set(match_ids)), defaultdict(list)
    for start in range(0, len(ids), PAGE):
        events = MatchEvent.objects.filter(match__in=ids[start : start + PAGE]).exclude(kind=MatchEvent.Kind.SHOWN)
        for match, day, side, kind in events.order_by("day", "pk").values_list("match", "day", "side", "kind"):
            found[match].append(Act(day, side, kind))
    return found


def _facts(listing_ids: Collection[int]) -> Mapping[int, ListingFacts]:
    """Return the facts of these listings as they are now: no listing keeps its former revisions."""
    now, ids = timezone.now(), sorted(listing_ids)
    found = {}
    for start in range(0, len(ids), PAGE):
        listings = with_facts(Listing.objects.filter(pk__in=ids[start : start + PAGE]))
        found |= {one.id: one for one in facts_of(listings, now=now)}
    return found


def grades_since(match_ids: Iterable[int], moment: datetime) -> dict[int, list[tuple[date, int]]]:
    """Return, for each match of which something came since then, on which days how far it got."""
    events = MatchEvent.objects.since(moment).filter(match__in=list(match_ids), kind__in=list(GRADES))
    found = defaultdict(list)
    for match_id, day, kind in events.values_list("match", "day", "kind"):
        found[match_id].append((day, GRADES[kind]))
    return dict(found)
