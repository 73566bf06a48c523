"""What the page of an order shows and offers, by who reads it."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from marketplace.models import Booking, Order, OrderLine, Organisation, Payment, Proposal, User
from marketplace.runs.order_amounts import list_dues
from marketplace.services.order_lines import place_name
from marketplace.services.orders import side_of_user
from marketplace.services.proposals import effects_now

STEPS = (
    Order.Status.CONFIRMED,
    Order.Status.IN_FULFILMENT,
    Order.Status.DELIVERED,
    Order.Status.ACCEPTED,
    Order.Status.CLOSED,
)


def bars_of(line: OrderLine) -> list[dict]:
    """Return where the line's quantity is, as parts of a bar a hundred wide."""
    parts, start = [], Decimal(0)
    for place, quantity in line.places:
        share = 100 * quantity / line.quantity
        # So thin that nobody would see it, it is drawn one wide.
        part = {"place": place, "label": place_name(place), "quantity": quantity}
        parts.append({**part, "start": f"{start:.2f}", "width": f"{max(share, Decimal(1)):.2f}"})
        start += share
    return parts


def steps_of(order: Order) -> list[dict]:
    """Return the way of an order with how far it has come."""
    if order.status == Order.Status.CANCELLED:
        steps = [Order.Status.CONFIRMED, Order.Status.CANCELLED]
    elif order.is_framework:
        steps = [Order.Status.CONFIRMED, Order.Status.CLOSED]
    else:
        steps = list(STEPS)
    here = steps.index(order.status)
    times = {
        Order.Status.CONFIRMED: order.confirmed_at,
        Order.Status.DELIVERED: order.delivered_at,
        Order.Status.ACCEPTED: order.accepted_at,
        Order.Status.CLOSED: order.closed_at,
        Order.Status.CANCELLED: order.closed_at,
    }
    return [
        {
            "label": step.label,
            "is_done": place < here,
            "is_here": place == here,
            "at": times.get(step) if place <= here else None,
        }
        for place, step in enumerate(map(Order.Status, steps))
    ]


def acts_of(order: Order, side: Organisation | None, lines: Sequence[OrderLine]) -> dict[str, bool]:
    """Return what this side may do now; the services decide again when it is done."""
    if side is None:
        return {}
    is_buyer, is_running = side.pk == order.buyer_id, order.is_running
    there = {place: any(getattr(line, place) for line in lines) for place in OrderLine.PLACES}
    comes_by_shipment = any(line.lot_count for line in lines)
    is_paid_for = not order.is_framework
    return {
        "amend": is_running,
        "cancel": is_running and there["outstanding"] and not order.is_framework,
        "shortage": is_running and not order.is_framework and (there["outstanding"] or there["in_delivery"]),
        "return": is_running and there["accepted"] and not order.is_framework,
        "dispute": is_running and (there["accepted"] or there["in_delivery"]),
        "deliver": is_running
        and not is_buyer
        and not order.is_framework
        and there["outstanding"]
        and not comes_by_shipment,
        "accept": is_running and is_buyer and there["in_delivery"] and not comes_by_shipment,
        "close": order.status == Order.Status.ACCEPTED and not order.open_amount,
        "rate": order.status in (Order.Status.ACCEPTED, Order.Status.CLOSED) and not order.is_framework,
        "call_off": is_running and is_buyer and order.is_framework and there["outstanding"],
        "end_framework": is_running and order.is_framework and not there["outstanding"],
        "repeat": order.kind != Order.Kind.CALL_OFF,
        "request_invoice": is_buyer and is_paid_for and order.payable_amount > 0,
        "issue_invoice": not is_buyer and is_paid_for and order.payable_amount > 0,
        "pay": is_paid_for and order.open_amount > 0,
        "refund": is_paid_for and order.paid_amount > 0,
    }


def order_context(order: Order, user: User) -> dict:
    """Return all that the page of an order shows."""
    today = timezone.localdate()
    side = side_of_user(user, order)
    lines = list(order.lines.order_by("position").annotate_lots())
    for line in lines:
        line.bars = bars_of(line)
    ratings = list(order.ratings.select_related("by_organisation", "organisation").order_by("pk"))
    acts = acts_of(order, side, lines)
    if side and any(rating.by_organisation_id == side.pk for rating in ratings):
        acts["rate"] = False
    proposals = list(order.proposals.with_details().order_by("-pk"))
    for proposal in proposals:
        is_ours = side is not None and proposal.proposed_for_id == side.pk
        is_open = proposal.status == Proposal.Status.OPEN
        if is_open:
            proposal.effects = effects_now(proposal)
        proposal.may_answer = is_open and side is not None and not is_ours
        proposal.may_withdraw = is_open and is_ours
    dues = list_dues(order, lines)
    payments = list(order.payments.with_details().order_by("-paid_on", "-pk"))
    for payment in payments:
        receiver = order.buyer_id if payment.is_refund else order.seller_id
        payment.may_answer = side is not None and side.pk == receiver
        payment.may_withdraw = side is not None and payment.recorded_for_id == side.pk
    return {
        "order": order,
        "side": side,
        "is_buyer": side is not None and side.pk == order.buyer_id,
        "lines": lines,
        "steps": steps_of(order),
        "acts": acts,
        "proposals_to_answer": [proposal for proposal in proposals if proposal.may_answer],
        "other_proposals": [proposal for proposal in proposals if not proposal.may_answer],
        "dues": [{"due": due, "is_overdue": due.is_overdue(today)} for due in dues],
        "invoices": list(order.invoices.with_details().order_by("-pk")),
        "payments": payments,
        "waits_for_payment": any(payment.status == Payment.Status.RECORDED for payment in payments),
        "reductions": list(order.reductions.order_by("pk")),
        "disputes": list(order.disputes.select_related("line", "opened_for").order_by("-pk")),
        "ratings": ratings,
        "records": list(order.records.select_related("organisation").order_by("-side")),
        "bookings": list(Booking.objects.filter(order=order).active().with_names().order_by("slot")),
        "call_offs": list(order.call_offs.order_by("pk")) if order.is_framework else [],
    }
