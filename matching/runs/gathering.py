"""What two matched firms did about each other, read from the rows of the marketplace."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.db.models import F, Manager, Q, QuerySet

from marketplace.models import Dispute, Listing, Negotiation, Offer, OrderRecord, Quote, RfqInvitation
from matching.models import Match, MatchEvent
from matching.models.match_event import Happening

# Each turn reads from so long before the newest event of the kind: an offer may have waited for an approver.
OVERLAP = timedelta(days=30)
PAGE = 500
SUPPLY, DEMAND = Listing.Side.SUPPLY, Listing.Side.DEMAND


class Deed(NamedTuple):
    """Something that was done about a pair of listings, by the people of a side."""

    supply: int
    demand: int
    side: str
    kind: str
    at: datetime


def gather_events() -> int:
    """Write an event for each act between matched firms that has none; return how many that were.

    Done twice it writes nothing, and what was left behind for however long is found by the next turn. What two firms
    did who were not matched by then teaches nothing about matches, and is passed over.
    """
    written = 0
    # Read from when on before the first is written: each turn's own events are no watermark of its own.
    sources = [deeds(_since(kinds)) for kinds, deeds in _SOURCES]
    for deeds in sources:
        while page := list(islice(deeds, PAGE)):
            written += _record(page)
    return written


def _since(kinds: tuple[str, ...]) -> Q:
    """Return from when on acts are read, as a condition on ``at``; all of them the first time."""
    newest = [at for at in map(MatchEvent.objects.latest_at, kinds) if at]
    return Q(at__gte=max(newest) - OVERLAP) if newest else Q()


def _record(deeds: Sequence[Deed]) -> int:
    pairs = {(deed.supply, deed.demand) for deed in deeds}
    found = Match.objects.filter(supply__in={one for one, _ in pairs}, demand__in={one for _, one in pairs})
    matches = {
        (supply, demand): (pk, first_seen_at, version)
        for pk, supply, demand, first_seen_at, version in found.values_list(
            "pk", "supply_id", "demand_id", "first_seen_at", "model_version"
        )
    }
    happenings = []
    for deed in deeds:
        pk, first_seen_at, version = matches.get((deed.supply, deed.demand), (None, None, ""))
        if pk and first_seen_at <= deed.at:
            happenings.append(Happening(pk, deed.side, deed.kind, deed.at, model_version=version))
    return MatchEvent.objects.record(happenings)


def _contacts(since: Q) -> Iterator[Deed]:
    opened = _of_pairs(Negotiation.objects, "", at="created_at").filter(since)
    for supply, demand, at, buyer, opened_for in opened.values_list(*_PAIR, "buyer_id", "opened_for_id").iterator():
        yield Deed(supply, demand, DEMAND if opened_for == buyer else SUPPLY, MatchEvent.Kind.CONTACTED, at)
    asked = RfqInvitation.objects.filter(supply__isnull=False, rfq__demand__isnull=False, invited_at__isnull=False)
    asked = asked.annotate(of_supply=F("supply_id"), of_demand=F("rfq__demand_id"), at=F("invited_at"))
    for supply, demand, at in asked.filter(since).values_list(*_PAIR).iterator():
        yield Deed(supply, demand, DEMAND, MatchEvent.Kind.CONTACTED, at)


def _offers(since: Q) -> Iterator[Deed]:
    made = _of_pairs(Offer.objects.sent(), "negotiation__", at="made_at").filter(since)
    for supply, demand, at, side in made.values_list(*_PAIR, "side").iterator():
        yield Deed(supply, demand, DEMAND if side == Offer.Side.BUYER else SUPPLY, MatchEvent.Kind.QUOTED, at)
    quotes = Quote.objects.filter(supply__isnull=False, rfq__demand__isnull=False, submitted_at__isnull=False)
    quotes = quotes.annotate(of_supply=F("supply_id"), of_demand=F("rfq__demand_id"), at=F("submitted_at"))
    for supply, demand, at in quotes.filter(since).values_list(*_PAIR).iterator():
        yield Deed(supply, demand, SUPPLY, MatchEvent.Kind.QUOTED, at)


def _acceptances(since: Q) -> Iterator[Deed]:
    accepted = _of_pairs(Offer.objects.filter(status=Offer.Status.ACCEPTED), "negotiation__", at="answered_at")
    for supply, demand, at, side in accepted.filter(since).values_list(*_PAIR, "side").iterator():
        # Who did not make the offer accepted it.
        yield Deed(supply, demand, SUPPLY if side == Offer.Side.BUYER else DEMAND, MatchEvent.Kind.ACCEPTED, at)


def _deliveries(since: Q) -> Iterator[Deed]:
    # Where everything was cancelled there was nothing to deliver, and no share of it.
    records = OrderRecord.objects.filter(side=OrderRecord.Side.SELLER, in_full__isnull=False)
    records = _of_pairs(records, "order__", at="at").filter(since)
    for supply, demand, at, on_time, in_full in records.values_list(*_PAIR, "on_time", "in_full").iterator():
        is_late, is_short = on_time is not None and on_time < 1, in_full < 1
        if is_late:
            yield Deed(supply, demand, SUPPLY, MatchEvent.Kind.DELIVERED_LATE, at)
        if is_short:
            yield Deed(supply, demand, SUPPLY, MatchEvent.Kind.DELIVERED_SHORT, at)
        if not is_late and not is_short:
            yield Deed(supply, demand, SUPPLY, MatchEvent.Kind.DELIVERED, at)


def _disputes(since: Q) -> Iterator[Deed]:
    opened = _of_pairs(Dispute.objects, "order__", at="opened_at").filter(since)
    for supply, demand, at, buyer, opened_for in opened.values_list(
        *_PAIR, "order__buyer_id", "opened_for_id"
    ).iterator():
        yield Deed(supply, demand, DEMAND if opened_for == buyer else SUPPLY, MatchEvent.Kind.DISPUTED, at)


def _of_pairs(rows: Manager | QuerySet, path: str, *, at: str) -> QuerySet:
    """Return the rows about a supply and a demand, with ``of_supply``, ``of_demand`` and ``at``."""
    known = rows.filter(**{f"{path}supply__isnull": False, f"{path}demand__isnull": False, f"{at}__isnull": False})
    known = known.annotate(of_supply=F(f"{path}supply_id"), of_demand=F(f"{path}demand_id"))
    return known if at == "at" else known.annotate(at=F(at))


_PAIR = ("of_supply", "of_demand", "at")
_SOURCES = (
    ((MatchEvent.Kind.CONTACTED,), _contacts),
    ((MatchEvent.Kind.QUOTED,), _offers),
    ((MatchEvent.Kind.ACCEPTED,), _acceptances),
    ((MatchEvent.Kind.DELIVERED, MatchEvent.Kind.DELIVERED_LATE, MatchEvent.Kind.DELIVERED_SHORT), _deliveries),
    ((MatchEvent.Kind.DISPUTED,), _disputes),
)
