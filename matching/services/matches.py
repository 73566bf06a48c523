from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Case, When
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Listing, Membership, Negotiation, Organisation, User
from marketplace.services import negotiations
from matching import tasks
from matching.models import Match, MatchRun


class ListingNotOpen(RuleBroken):
    pass


@transaction.atomic
def request_matches(*, listing: Listing, now: datetime) -> MatchRun:
    """Ask a worker for the counterparts of this listing, unless one is already looking.

    :raises ListingNotOpen: if it cannot be traded now
    """
    if not Listing.objects.open(now).filter(pk=listing.pk).exists():
        raise ListingNotOpen(_("Only an open listing of an approved organisation is matched."))
    for run_id in MatchRun.objects.request([listing.pk], now=now):
        tasks.find_matches.delay_on_commit(run_id)
    return MatchRun.objects.filter(listing=listing).latest("pk")


def open_negotiation(*, match: Match, by: User, now: datetime) -> Negotiation:
    """Open a negotiation about a matched pair, and let it keep why they were matched and by which model.

    :raises ListingNotNegotiable: if one of the two is not open any more
    :raises OnlyMembersMay: if ``by`` trades for neither side
    """
    pair = {"supply": match.supply, "demand": match.demand}
    trading = Organisation.objects.of(by, *Membership.TRADING_ROLES)
    # Who belongs to both sides opens it for the buyer.
    owners = [match.demand.organisation_id, match.supply.organisation_id]
    own = trading.filter(pk__in=owners).order_by(Case(When(pk=owners[0], then=0), default=1)).first()
    return negotiations.open_negotiation(
        by=by,
        organisation=own or match.demand.organisation,
        origin=Negotiation.Origin.MATCH,
        match={"reasons": match.reasons, "score": match.score, "model_version": match.model_version},
        now=now,
        **pair,
    )


@transaction.atomic
def request_runs(*, listing_ids: Collection[int], now: datetime, is_urgent: bool) -> int:
    """Ask for a run of each of these listings that can be traded; what is not urgent lets everything else pass."""
    tradable = list(Listing.objects.open(now).filter(pk__in=listing_ids).values_list("pk", flat=True))
    run_ids = MatchRun.objects.request(tradable, now=now)
    for run_id in run_ids:
        tasks.find_matches.apply_async_on_commit((run_id,), priority=0 if is_urgent else tasks.UNHURRIED)
    return len(run_ids)
