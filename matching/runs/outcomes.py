"""Lists that were shown to a firm on a day, with what came of each counterpart in them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time

import numpy as np
from django.utils import timezone

from marketplace.models import Listing
from matching.live_index import facts_of, with_facts
from matching.models import MatchEvent
from matching.ranking import ListingFacts
from matching.ranking.outcomes import Outcome

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
    lists: dict[tuple[date, int], dict[int, int]] = defaultdict(dict)
    rows = shown.order_by("-day", "pk").values_list("day", "side", "match", "match__supply", "match__demand")
    for day, side, match, supply, demand in rows.iterator(chunk_size=PAGE):
        own, other = (supply, demand) if side == Listing.Side.SUPPLY else (demand, supply)
        if (day, own) not in lists and len(lists) == MOST_LISTS:
            break
        lists[day, own][other] = match
    lists = {key: pairs for key, pairs in lists.items() if len(pairs) >= FEWEST_SHOWN}
    facts = _facts({pk for (_, own), pairs in lists.items() for pk in (own, *pairs)})
    grades = grades_since({match for pairs in lists.values() for match in pairs.values()}, midnight(since))
    return [
        Outcome(
            day=day,
            query=facts[own],
            candidates=[facts[pk] for pk in sorted(pairs)],
            grades=np.array([_grade(grades.get(pairs[pk], ()), day) for pk in sorted(pairs)]),
        )
        for (day, own), pairs in sorted(lists.items())
    ]


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


def _grade(happened: Iterable[tuple[date, int]], shown_on: date) -> int:
    """Return how far a match got from the day on which it was shown."""
    return max((grade for day, grade in happened if day >= shown_on), default=0)
