"""Cancellations, short deliveries, returns and settlements: what each may say, what it does, and doing it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Dispute, Order, OrderLine, PriceReduction, Proposal, User
from marketplace.models.terms import CENT, amount, totals
from marketplace.services import holds
from marketplace.services.lot_settlements import settle_lots
from marketplace.services.order_lines import THOUSANDTH, line_at, move, shown, whole_quantity

ZERO = Decimal(0)
SHARES = ("accept", "return", "replace", "short")
TARGETS = {"accept": "accepted", "return": "returned", "replace": "outstanding", "short": "short"}


def _at_most(line: OrderLine, quantity: Decimal, place: str, field: str) -> None:
    there = getattr(line, place)
    if quantity > there:
        message = _("Only %(there)s of it can be taken.") % {"there": shown(there, line.unit)}
        raise InputRefused({field: [message]})


def _flag(value: object) -> bool:
    return value in (True, 1, "1", "on", "true", "True")


def _reduced(order: Order, line: OrderLine, quantity: Decimal) -> Decimal:
    """Return by how much less is to be paid when this quantity falls away."""
    value = amount(quantity, line.unit_price)
    return totals(value, tax_rate=order.tax_rate, price_includes_tax=order.price_includes_tax)[2]


def _payable(order: Order, less: Decimal) -> dict[str, str]:
    return {
        "currency": order.currency,
        "payable_before": str(order.payable_amount),
        "payable_after": str(max(order.payable_amount - less, ZERO)),
    }


def clean_cancellation(order: Order, lines: Sequence[OrderLine], said: Mapping[str, Any], now: datetime) -> dict:
    """Return which outstanding quantities are cancelled, all of them if none is named."""
    named = said.get("lines") or [
        {"line": line.position, "quantity": line.outstanding} for line in lines if line.outstanding
    ]
    kept: dict[int, Decimal] = {}
    errors: dict[str, list[str]] = {}
    for place, one in enumerate(named):
        field = f"lines.{place}.quantity"
        try:
            line = line_at(lines, one.get("line"), f"lines.{place}.line")
            quantity = whole_quantity(one.get("quantity"), field)
            kept[line.position] = kept.get(line.position, ZERO) + quantity
            _at_most(line, kept[line.position], "outstanding", field)
        except InputRefused as refused:
            errors |= refused.errors
    if errors:
        raise InputRefused(errors)
    if not kept:
        raise InputRefused({"lines": [_("Nothing is outstanding.")]})
    return {
        "lines": [{"line": position, "quantity": str(quantity)} for position, quantity in sorted(kept.items())],
        "give_back": _flag(said.get("give_back")),
    }


def cancellation_effects(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any]) -> dict:
    less = ZERO
    given_back = []
    for one in terms["lines"]:
        line = line_at(lines, one["line"], "lines")
        less += _reduced(order, line, Decimal(one["quantity"]))
        if terms["give_back"] and line.listing_factor and order.supply:
            given_back.append({"line": line.position, "quantity": one["quantity"], "unit": line.unit})
    return {**_payable(order, less), "lines": terms["lines"], "given_back": given_back}


def apply_cancellation(
    proposal: Proposal, order: Order, lines: Sequence[OrderLine], *, by: User, now: datetime
) -> None:
    """Cancel what was agreed; it goes back to the framework order, or to the listings, that it came from."""
    for one in proposal.terms["lines"]:
        line = line_at(lines, one["line"], "lines")
        quantity = Decimal(one["quantity"])
        move(
            line=line,
            quantity=quantity,
            source="outstanding",
            target="cancelled",
            by=by,
            at=now,
            reason=proposal.reason,
        )
        if line.framework_line_id:
            _back_to_framework(line, quantity, by=by, now=now)
        elif line.listing_factor and proposal.terms["give_back"]:
            for listing in filter(None, (order.supply, order.demand)):
                holds.give_back(listing=listing, quantity=quantity, unit=line.unit, now=now)


def _back_to_framework(line: OrderLine, quantity: Decimal, *, by: User, now: datetime) -> None:
    framework_line = OrderLine.objects.select_related("order").get(pk=line.framework_line_id)
    target = "outstanding" if framework_line.order.is_running else "cancelled"
    move(line=framework_line, quantity=quantity, source="called_off", target=target, by=by, at=now)


def clean_shortage(order: Order, lines: Sequence[OrderLine], said: Mapping[str, Any], now: datetime) -> dict:
    """Return what will not come: of what is outstanding, or of what is in delivery and was not found."""
    line = line_at(lines, said.get("line"), "line")
    place = said.get("place") or "outstanding"
    if place not in ("outstanding", "in_delivery"):
        raise InputRefused({"place": [_("Choose what is outstanding or what is in delivery.")]})
    quantity = whole_quantity(said.get("quantity"), "quantity")
    _at_most(line, quantity, place, "quantity")
    return {"line": line.position, "quantity": str(quantity), "place": place}


def clean_return(order: Order, lines: Sequence[OrderLine], said: Mapping[str, Any], now: datetime) -> dict:
    """Return what of the accepted goes back, to be replaced or not."""
    line = line_at(lines, said.get("line"), "line")
    quantity = whole_quantity(said.get("quantity"), "quantity")
    _at_most(line, quantity, "accepted", "quantity")
    return {"line": line.position, "quantity": str(quantity), "replace": _flag(said.get("replace"))}


def quantity_effects(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any]) -> dict:
    line = line_at(lines, terms["line"], "line")
    less = ZERO if terms.get("replace") else _reduced(order, line, Decimal(terms["quantity"]))
    return {**_payable(order, less), "lines": [{"line": line.position, "quantity": terms["quantity"]}]}


def apply_shortage(proposal: Proposal, order: Order, lines: Sequence[OrderLine], *, by: User, now: datetime) -> None:
    terms = proposal.terms
    line = line_at(lines, terms["line"], "line")
    quantity = Decimal(terms["quantity"])
    move(line=line, quantity=quantity, source=terms["place"], target="short", by=by, at=now, reason=proposal.reason)
    if terms["place"] == "in_delivery":
        settle_lots(line=line, shares={"short": quantity}, by=by, reason=proposal.reason[:200], now=now)


def apply_return(proposal: Proposal, order: Order, lines: Sequence[OrderLine], *, by: User, now: datetime) -> None:
    terms = proposal.terms
    line = line_at(lines, terms["line"], "line")
    quantity = Decimal(terms["quantity"])
    target = "outstanding" if terms["replace"] else "returned"
    move(line=line, quantity=quantity, source="accepted", target=target, by=by, at=now, reason=proposal.reason)


def clean_settlement(order: Order, dispute: Dispute, said: Mapping[str, Any]) -> dict[str, str]:
    """Return how a disputed quantity is shared out, and what the price is reduced by.

    :raises InputRefused: if a part is no quantity, the parts are not the whole, or the reduction is above what is paid
    """
    errors: dict[str, list[str]] = {}
    shares = {name: _part(said.get(name), THOUSANDTH, name, errors) for name in SHARES}
    reduction = _part(said.get("price_reduction"), CENT, "price_reduction", errors)
    if errors:
        raise InputRefused(errors)
    if sum(shares.values()) != dispute.quantity:
        message = _("The parts must be %(quantity)s in all: that is what is disputed.")
        unit = dispute.line.unit
        raise InputRefused({"accept": [message % {"quantity": shown(dispute.quantity, unit)}]})
    left = order.payable_amount - sum(
        (_reduced(order, dispute.line, shares[name]) for name in ("return", "short")), ZERO
    )
    if reduction > max(left, ZERO):
        message = _("The price can be reduced by %(amount)s at most.") % {"amount": f"{max(left, ZERO):,.2f}"}
        raise InputRefused({"price_reduction": [message]})
    return {**{name: str(share) for name, share in shares.items()}, "price_reduction": str(reduction)}


def _part(value: object, step: Decimal, field: str, errors: dict[str, list[str]]) -> Decimal:
    try:
        part = Decimal(str(value or 0))
    except InvalidOperation:
        errors[field] = [_("Enter a number.")]
        return ZERO
    if not part.is_finite() or not 0 <= part < Decimal(10) ** 14:
        errors[field] = [_("Enter a number of 0 or more.")]
        return ZERO
    if part != part.quantize(step):
        errors[field] = [_("That is more exact than we count.")]
        return ZERO
    return part.quantize(step)


def settlement_effects(order: Order, lines: Sequence[OrderLine], terms: Mapping[str, Any], dispute: Dispute) -> dict:
    line = line_at(lines, dispute.line.position, "line")
    less = Decimal(terms["price_reduction"])
    less += sum((_reduced(order, line, Decimal(terms[name])) for name in ("return", "short")), ZERO)
    return _payable(order, less)


def share_out(
    *,
    order: Order,
    dispute: Dispute,
    terms: Mapping[str, str],
    reason: str,
    by: User,
    now: datetime,
    proposal: Proposal | None = None,
) -> None:
    """Move the disputed quantity as settled or decided, and write down what the price is reduced by."""
    for name in SHARES:
        quantity = Decimal(terms[name])
        if quantity:
            target = TARGETS[name]
            line = dispute.line
            move(line=line, quantity=quantity, source="disputed", target=target, by=by, at=now, reason=reason)
    if dispute.source == "in_delivery":
        shares = {name: Decimal(terms[name]) for name in SHARES}
        settle_lots(line=dispute.line, shares=shares, by=by, reason=reason[:200], now=now)
    reduction = Decimal(terms["price_reduction"])
    if reduction:
        PriceReduction.objects.create(
            order=order,
            line=dispute.line,
            amount=reduction,
            reason=reason[:300],
            dispute=dispute,
            proposal=proposal,
            by=by,
            at=now,
        )
