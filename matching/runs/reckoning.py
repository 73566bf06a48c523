"""What the events of matches say each night: how far down lists are read, and whether the chances came true."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction

from marketplace.models import Listing
from matching.models import LearningRun, Match, MatchEvent
from matching.ranking.calibration import brier, calibration_error, reliability_table
from matching.ranking.labels import HORIZON, TAKEN_UP, Act, Label, is_settled, label_of, teaches_places
from matching.ranking.propensity import PositionCurve, learn_propensities, power_law
from matching.runs.outcomes import acts_of, was_acted_on

LOOKED_BACK = timedelta(days=90)
# The latest of so many are reckoned with.
MOST_SHOWN = 100_000
CHANCES = {Listing.Side.DEMAND: "buyer_chance", Listing.Side.SUPPLY: "seller_chance"}

# Of a match: on which days it was shown, and in which place, None where a message told of it.
Shown = Mapping[int, Sequence[tuple[date, int | None]]]


def reckon(run: LearningRun, *, clock: Callable[[], datetime]) -> None:
    """Learn from the events of the last months how often places are looked at, and hold chances against what came."""
    try:
        since = run.day - LOOKED_BACK
        document = {str(side): _of_side(side, since=since, until=run.day) for side in CHANCES}
        document["fulfilled"] = _of_orders(since)
        with transaction.atomic():
            LearningRun.objects.finish(
                run,
                now=clock(),
                since=since,
                document=document,
                shown=sum(document[side]["pairs"] for side in CHANCES),
                orders=document["fulfilled"]["rows"],
            )
    except Exception as error:
        LearningRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


def _of_side(side: str, *, since: date, until: date) -> dict:
    events = MatchEvent.objects.filter(kind=MatchEvent.Kind.SHOWN, side=side, day__gte=since, day__lte=until)
    found = defaultdict(list)
    for match, day, position in events.order_by("-day", "-pk").values_list("match", "day", "position")[:MOST_SHOWN]:
        found[match].append((day, position))
    acts = acts_of(found)
    # Who were in touch before the first show met elsewhere.
    shown = {
        match: days
        for match in sorted(found)
        if not is_settled(acts[match], (days := sorted(found[match], key=lambda one: one[0]))[0][0])
    }
    curve = learn_propensities(
        [
            [(position, was_acted_on(acts[match], side, day)) for day, position in days if position is not None]
            for match, days in shown.items()
            if teaches_places(acts[match])
        ]
    )
    return {"curve": curve.to_dict(), "pairs": len(shown), "calibration": _of_chances(side, shown, acts, curve)}


def _of_chances(side: str, shown: Shown, acts: Mapping[int, Sequence[Act]], curve: PositionCurve) -> dict:
    """Hold the chance that a side takes a match up, × that it was looked at, against whether it was taken up."""
    chance = dict(
        Match.objects.filter(pk__in=list(shown), **{f"{CHANCES[side]}__isnull": False}).values_list("pk", CHANCES[side])
    )
    said, came = [], []
    for match in sorted(chance):
        days = shown[match]
        label = _first_label(days, acts[match], side)
        positions = [position for day, position in days if day <= days[0][0] + HORIZON]
        seen = 1.0 if label.asked else curve.seen(positions)
        said.append(chance[match] * seen)
        came.append(float(label.grade >= TAKEN_UP))
    return calibration_of(np.array(said), np.array(came))


def _first_label(days: Sequence[tuple[date, int | None]], acts: Sequence[Act], side: str) -> Label:
    day, position = days[0]
    return label_of(acts, side=side, day=day, position=position, curve=power_law(0.0))


def _of_orders(since: date) -> dict:
    """Hold the chance that an order is fulfilled against whether it was."""
    kinds = MatchEvent.Kind
    ended = (kinds.DELIVERED, kinds.DELIVERED_LATE, kinds.DELIVERED_SHORT, kinds.DISPUTED)
    events = MatchEvent.objects.filter(kind__in=ended, day__gte=since, match__fulfilment_chance__isnull=False)
    chances, kinds_of = {}, defaultdict(set)
    for match, kind, chance in events.values_list("match", "kind", "match__fulfilment_chance"):
        chances[match] = chance
        kinds_of[match].add(kind)
    said = np.array([chances[match] for match in sorted(chances)])
    came = np.array([float(kinds_of[match] == {kinds.DELIVERED}) for match in sorted(chances)])
    return calibration_of(said, came)


def calibration_of(said: np.ndarray, came: np.ndarray) -> dict:
    """Return how chances compare with what came, as the page of learning shows it."""
    if not len(said):
        return {"rows": 0, "table": []}
    return {
        "rows": len(said),
        "came": int(came.sum()),
        "error": round(calibration_error(said, came), 4),
        "brier": round(brier(said, came), 4),
        "brier_of_mean": round(brier(np.full(len(came), came.mean()), came), 4),
        "table": [asdict(one) for one in reliability_table(said, came)],
    }
