"""Framework orders, called off in parts; and ordering again what was ordered before."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Incoterm, Listing, Membership, Negotiation, Offer, Order, OrderLine, Organisation, User
from marketplace.models.terms import TermLine
from marketplace.runs.orders import cancel_rest, finish
from marketplace.services.negotiations import open_negotiation
from marketplace.services.offers import make_offer
from marketplace.services.order_lines import line_at, move, shown, whole_quantity
from marketplace.services.orders import (
    OrderNotInStateForThis,
    lines_of,
    lock_running,
    new_number,
    require_side,
    totals_of,
    write_order,
)
from marketplace.services.organisations import require_role
from marketplace.services.said_values import checked_day

VALID_FOR = timedelta(days=7)


class NotAFramework(RuleBroken):
    pass


class CallOffsStillRun(RuleBroken):
    pass


@transaction.atomic
def call_off(
    *,
    framework: Order,
    lines: Sequence[Mapping[str, Any]],
    window: tuple[date | str, date | str],
    by: User,
    now: datetime,
    place: Mapping[str, Any] | None = None,
) -> Order:
    """Order a part of a framework order, as its buyer, for delivery in a window within the framework's.

    ``lines`` are {"line": position, "quantity": …}; ``place`` may name another address of the buyer's.

    :raises InputRefused: naming each field that cannot be taken: more than is left, less than the smallest call-off
    :raises OrderHasEnded: if the framework order is over
    :raises NotAFramework: if it is an ordinary order
    :raises NotThatMuchThere: if somebody called the same off at the same moment
    """
    framework = lock_running(framework)
    require_role(by, framework.buyer, *Membership.TRADING_ROLES)
    if not framework.is_framework:
        raise NotAFramework(_("Order %(number)s is no framework order.") % {"number": framework.number})
    errors: dict[str, list[str]] = {}
    start, end = _window(framework, window, now, errors)
    wanted = _wanted(framework, lines, errors)
    address = str((place or {}).get("address") or "").strip() or framework.address
    if len(address) > 300:
        errors["address"] = [_("At most %(count)d characters.") % {"count": 300}]
    if errors:
        raise InputRefused(errors)
    terms = {**framework.terms(), "window_start": start, "window_end": end, "address": address}
    order = Order(
        number=new_number(now),
        kind=Order.Kind.CALL_OFF,
        framework=framework,
        buyer=framework.buyer,
        seller=framework.seller,
        supply=framework.supply,
        demand=framework.demand,
        confirmed_by=by,
        confirmed_at=now,
        **terms,
    )
    called = []
    for line, quantity in wanted:
        move(
            line=line, quantity=quantity, source="outstanding", target="called_off", by=by, at=now, reason=order.number
        )
        part = OrderLine(**{name: getattr(line, name) for name in TermLine.LINE_FIELDS}, position=line.position)
        part.quantity = part.outstanding = quantity
        part.framework_line, part.listing_factor = line, line.listing_factor
        called.append(part)
    order.net_amount, order.tax_amount, order.total_amount = totals_of(order, called)
    return write_order(order=order, lines=called, now=now)


def _window(
    framework: Order, window: tuple[date | str, date | str], now: datetime, errors: dict
) -> tuple[date | None, date | None]:
    today = timezone.localdate(now)
    start = checked_day(window[0] or max(today, framework.window_start), "window_start", errors)
    end = checked_day(window[1] or framework.window_end, "window_end", errors)
    if start is None or end is None:
        return start, end
    if end < start:
        errors["window_end"] = [_("The window ends before it begins.")]
    elif end < today:
        errors["window_end"] = [_("This day is past.")]
    elif end > framework.window_end:
        message = _("The framework order ends on %(day)s.")
        errors["window_end"] = [message % {"day": framework.window_end.isoformat()}]
    if start < framework.window_start:
        message = _("The framework order begins on %(day)s.")
        errors["window_start"] = [message % {"day": framework.window_start.isoformat()}]
    return start, end


def _wanted(framework: Order, said: Sequence[Mapping[str, Any]], errors: dict) -> list[tuple[OrderLine, Decimal]]:
    lines = lines_of(framework)
    wanted: dict[int, tuple[OrderLine, Decimal]] = {}
    for place, one in enumerate(said):
        field = f"lines.{place}.quantity"
        try:
            line = line_at(lines, one.get("line"), f"lines.{place}.line")
            quantity = whole_quantity(one.get("quantity"), field)
        except InputRefused as refused:
            errors |= refused.errors
            continue
        if line.position in wanted:
            errors[f"lines.{place}.line"] = [_("Name each line once.")]
        elif quantity > line.outstanding:
            message = _("Only %(left)s can still be called off.")
            errors[field] = [message % {"left": shown(line.outstanding, line.unit)}]
        elif line.minimum_call and quantity < min(line.minimum_call, line.outstanding):
            message = _("At least %(minimum)s at a time.")
            errors[field] = [message % {"minimum": shown(line.minimum_call, line.unit)}]
        wanted[line.position] = (line, quantity)
    if not wanted and not errors:
        errors["lines"] = [_("Say how much of which line.")]
    return [wanted[position] for position in sorted(wanted)]


@transaction.atomic
def end_framework(*, framework: Order, by: User, now: datetime) -> Order:
    """End a framework order of which everything was called off and every call-off is over; its window ends it anyway.

    :raises NotAFramework: if it is an ordinary order
    :raises CallOffsStillRun: if something is left to call off, or a call-off is still under way
    """
    framework = lock_running(framework)
    if not framework.is_framework:
        raise NotAFramework(_("Order %(number)s is no framework order.") % {"number": framework.number})
    side = framework.buyer if framework.buyer.memberships.filter(user=by).exists() else framework.seller
    require_side(by, framework, side)
    if framework.call_offs.running().exists() or any(line.outstanding for line in lines_of(framework)):
        raise CallOffsStillRun(_("Something is left to call off, or a call-off is still under way."))
    cancel_rest(framework, by=by, now=now)
    finish(framework, by=by, now=now)
    return framework


@transaction.atomic
def repeat_order(*, order: Order, organisation: Organisation, by: User, now: datetime) -> tuple[Negotiation, Offer]:
    """Open a negotiation about what was ordered before, with an offer of the same terms and fresh dates.

    :raises OrderNotInStateForThis: if the listings it came of are gone
    :raises ListingNotNegotiable: if a listing is no longer open
    :raises InputRefused: if a term no longer holds: a park out of service, less left than was ordered
    """
    require_side(by, order, organisation)
    supply, demand = _listings_again(order, now)
    negotiation = open_negotiation(
        by=by,
        organisation=organisation,
        supply=supply,
        demand=demand,
        counterpart=order.other(organisation),
        origin=Negotiation.Origin.REPEAT,
        now=now,
    )
    today = timezone.localdate(now)
    length = order.window_end - order.window_start
    lead = max(order.window_start - timezone.localdate(order.confirmed_at), timedelta(0))
    terms = {**order.terms(), "window_start": today + lead, "window_end": today + lead + length}
    if order.incoterm == Incoterm.PARK_HANDOVER and not (order.park and order.park.is_active):
        raise InputRefused({"park": [_("The park of this order is out of service.")]})
    lines = [{name: getattr(line, name) for name in TermLine.LINE_FIELDS} for line in lines_of(order)]
    offer = make_offer(
        negotiation=negotiation,
        by=by,
        organisation=organisation,
        terms=terms,
        lines=lines,
        valid_until=now + VALID_FOR,
        is_framework=order.is_framework,
        now=now,
    )
    return negotiation, offer


def _listings_again(order: Order, now: datetime) -> tuple[Listing | None, Listing | None]:
    """Return the supply if it is still open, else the demand: what is ordered again was bought out of one of them."""
    still = Listing.objects.open(now).in_bulk(filter(None, [order.supply_id, order.demand_id]))
    supply, demand = still.get(order.supply_id), still.get(order.demand_id)
    if supply is None and demand is None:
        raise OrderNotInStateForThis(
            _("The listings of order %(number)s are closed: post or open one, and negotiate about it.")
            % {"number": order.number}
        )
    return supply, None if supply else demand
