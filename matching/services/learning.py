"""What the operator's page of learning shows: events day by day, how far down lists are read, whether chances came true."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.models import Listing, User
from matching import tasks
from matching.live_index.trained import chances, encoder, fusion, reliability
from matching.models import LearningRun, MatchEvent
from matching.ranking.propensity import middle_places
from matching.services.nightly import AlreadyAtWork

DAYS_SHOWN = 14
# Of the plots, in the units of their view boxes.
WIDTH, HEIGHT, LEFT, BOTTOM = 360.0, 200.0, 34.0, 24.0


@transaction.atomic
def request_reckoning(*, by: User | None, now: datetime) -> LearningRun:
    """Ask a worker to reckon with the events known by now.

    :raises AlreadyAtWork: if one is at it
    """
    run_id = LearningRun.objects.request(day=timezone.localdate(now), by=by, now=now)
    if run_id is None:
        raise AlreadyAtWork(_("The events are being reckoned with already. Look again in a minute."))
    tasks.reckon.apply_async_on_commit((run_id,), priority=tasks.UNHURRIED)
    return LearningRun.objects.get(pk=run_id)


@dataclass(frozen=True, slots=True)
class DayOfEvents:
    """How many events of each kind there were on a day, in the order of MatchEvent.Kind, and how many of each side."""

    day: date
    counts: Sequence[int]
    buyers: int
    sellers: int

    @property
    def rows(self) -> list[tuple[str, int]]:
        return list(zip(MatchEvent.Kind.labels, self.counts, strict=True))


def events_by_day(*, now: datetime, days: int = DAYS_SHOWN) -> list[DayOfEvents]:
    """Return the events of the last days, the newest first, in one query."""
    today = timezone.localdate(now)
    # By kind and time, which there is an index of.
    events = MatchEvent.objects.since(now - timedelta(days=days)).filter(kind__in=MatchEvent.Kind.values)
    found: dict[date, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for day, kind, side, count in events.values_list("day", "kind", "side").annotate(count=Count("pk")):
        found[day][kind, side] = count
    return [
        DayOfEvents(
            day=day,
            counts=[sum(found[day][kind, side] for side in Listing.Side.values) for kind in MatchEvent.Kind.values],
            buyers=sum(found[day][kind, Listing.Side.DEMAND] for kind in MatchEvent.Kind.values),
            sellers=sum(found[day][kind, Listing.Side.SUPPLY] for kind in MatchEvent.Kind.values),
        )
        for day in (today - timedelta(days=back) for back in range(days))
    ]


def latest_reckoning() -> LearningRun | None:
    """Return the newest reckoning that is done."""
    return LearningRun.objects.newest().filter(status=LearningRun.Status.DONE).first()


def shipped_learning() -> dict[str, object]:
    """Return what the shipped models' cards say of themselves, and whether they were learned on these texts."""
    card, record = chances().card, reliability().card
    return {
        "chances": card,
        "reliability": record,
        "is_of_these_texts": (card.get("embedding"), card.get("fusion")) == (encoder().version, fusion().version),
    }


def position_plot(curve: Mapping) -> dict[str, object]:
    """Return the curve of how often places are looked at as points of a plot; places stand on a logarithmic scale."""
    places = middle_places()
    across = [LEFT + (WIDTH - LEFT - 8) * math.log(place) / math.log(places[-1]) for place in places]
    lines = {
        name: [(x, _up(value)) for x, value in zip(across, curve[name], strict=True)]
        for name in ("chances", "low", "high")
    }
    return {
        "line": _points(lines["chances"]),
        "band": _points([*lines["low"], *reversed(lines["high"])]),
        "dots": [
            {"x": round(x, 1), "y": round(y, 1), "place": first, "chance": chance, "observed": observed}
            for (x, y), first, chance, observed in zip(
                lines["chances"], curve["first_places"], curve["chances"], curve["observed"], strict=True
            )
        ],
        "steepness": curve["steepness"],
        "interval": curve["steepness_interval"],
        "observed": sum(curve["observed"]),
    }


def calibration_plot(table: Sequence[Mapping]) -> dict[str, object]:
    """Return what was said against what came as points of a plot; on the diagonal chances come true."""
    wide = WIDTH - LEFT - 8
    return {
        "diagonal": _points([(LEFT, _up(0.0)), (LEFT + wide, _up(1.0))]),
        "dots": [
            {
                **each,
                "x": round(LEFT + wide * each["said"], 1),
                "y": round(_up(each["came"]), 1),
                "from": round(_up(each["low"]), 1),
                "to": round(_up(each["high"]), 1),
            }
            for each in table
        ],
    }


def _up(value: float) -> float:
    return 8 + (HEIGHT - BOTTOM - 8) * (1 - max(0.0, min(1.0, value)))


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
