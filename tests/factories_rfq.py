"""Requests for quotation as their services make them, valid by default."""

import datetime as dt

from marketplace.models import Quote, RequestForQuotation
from marketplace.services import quotes, rfqs
from marketplace.services.rfq_invitations import Invitee
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory

DEADLINE = NOON + dt.timedelta(days=7)
AFTER = DEADLINE + dt.timedelta(hours=1)
HOLDS = DEADLINE + dt.timedelta(days=30)


def rfq_fields(now: dt.datetime = NOON, **changes) -> dict:
    today = now.date()
    fields = {
        "title": "304 球阀一批",
        "description": "按 GB/T 12237",
        "closes_at": now + (DEADLINE - NOON),
        "region": "331083",
        "address": "港北路 1 号",
        "window_start": today + dt.timedelta(days=10),
        "window_end": today + dt.timedelta(days=40),
    }
    return fields | changes


def rfq_line(**changes) -> dict:
    return {"description": "球阀 DN50", "quantity": "100", "unit": "只"} | changes


def member_of(organisation):
    """Return an owner of the organisation, made if there is none."""
    membership = organisation.memberships.order_by("pk").first()
    return membership.user if membership else MembershipFactory(organisation=organisation).user


def make_rfq(*, buyer=None, suppliers=None, lines=None, publish=True, now=NOON, **fields) -> RequestForQuotation:
    """Ask two suppliers, or those given, for 100 ball valves."""
    buyer = buyer or OrganisationFactory(members=[UserFactory()])
    if suppliers is None:
        suppliers = [OrganisationFactory(members=[UserFactory()]) for _ in range(2)]
    return rfqs.create_rfq(
        buyer=buyer,
        by=member_of(buyer),
        fields=rfq_fields(now, **fields),
        lines=lines or [rfq_line()],
        suppliers=[one if isinstance(one, Invitee) else Invitee(one) for one in suppliers],
        publish=publish,
        now=now,
    )


def answers(rfq, *prices, **changes) -> list[dict]:
    """Return a price for each line at each of its quantities, in their order; the last one is repeated; None declines."""
    places = [(line, quantity) for line in rfq.lines.order_by("position") for quantity in line.quantities]
    found = []
    for place, (line, quantity) in enumerate(places):
        price = prices[min(place, len(prices) - 1)]
        said = {"is_declined": True} if price is None else {"unit_price": price}
        found.append({"line": line.pk, "quantity": quantity, **said, **changes})
    return found


def make_quote(rfq, supplier, *prices, now=NOON, lines=None, **fields) -> Quote:
    """Hand in a supplier's quote."""
    fields = {"valid_until": now + (HOLDS - NOON)} | fields
    return quotes.submit_at_once(
        rfq=rfq,
        supplier=supplier,
        by=member_of(supplier),
        fields=fields,
        lines=lines or answers(rfq, *prices),
        now=now,
    )


def suppliers_of(rfq) -> list:
    return [one.supplier for one in rfq.invitations.select_related("supplier").order_by("pk")]


def close(rfq, now=AFTER) -> RequestForQuotation:
    """Let the deadline pass."""
    RequestForQuotation.objects.to_close(now).filter(pk=rfq.pk).close(now=now)
    rfq.refresh_from_db()
    return rfq
