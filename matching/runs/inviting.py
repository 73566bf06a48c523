"""Firms whose demands match what an exhibition shows are invited to it."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from marketplace.models import BoothBooking, Exhibition, Visit
from marketplace.services.visits import invite_visitor
from matching.models import Match
from matching.runs.telling import TOLD_FROM

# So many invitations of one exhibition are made at a time; the next turn makes the next.
PER_TURN = 200


def invite_visitors(*, now: datetime) -> int:
    """Invite to every exhibition that is announced whom its shown supplies match, the best pairs first; return how many."""
    coming = Exhibition.objects.coming(now).select_related("park")
    return sum(_invite_to(exhibition, now=now) for exhibition in coming.order_by("pk"))


def _invite_to(exhibition: Exhibition, *, now: datetime) -> int:
    live = BoothBooking.objects.live().filter(booth__exhibition=exhibition)
    supplies = set(live.values_list("listings", flat=True)) - {None}
    if not supplies:
        return 0
    # Who answered, or was invited for as good a pair, is left in peace: the missing row is the to-do list.
    known = Visit.objects.filter(exhibition=exhibition, organisation=OuterRef("demand_organisation"))
    settled = known.filter(~Q(status=Visit.Status.INVITED) | Q(score__gte=OuterRef("score")))
    matches = Match.objects.current(now).filter(
        ~Exists(settled),
        ~Q(demand_organisation=F("supply_organisation")),
        ~Q(demand_organisation__in=live.values("organisation")),
        supply__in=supplies,
        score__gte=TOLD_FROM,
    )
    invited = 0
    for match in matches.with_listings().order_by("-score", "pk")[:PER_TURN]:
        visit = invite_visitor(
            exhibition=exhibition,
            demand=match.demand,
            supply=match.supply,
            score=match.score,
            reasons=match.reasons,
            model_version=match.model_version,
            now=now,
        )
        invited += visit is not None
    return invited
