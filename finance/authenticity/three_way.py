"""Order, delivery and invoice side by side: what was invoiced must have been delivered."""

from collections import defaultdict

import numpy as np

from finance.authenticity.facts import DELIVERY, KINDS, PURCHASES, SALES, Facts
from finance.authenticity.findings import DOUBT, GRAVE, NOTE, Found, money

TOLERANCE = 0.05
# Goods may follow their invoice by so many days before their absence says something.
PATIENCE = 45
# Only a firm that shows deliveries for at least this part of its invoiced orders is held to them for the rest.
COVERAGE = 0.5


def find_mismatches(facts: Facts) -> list[Found]:
    """Return the orders whose invoices and deliveries do not agree, and the invoiced ones that nothing was delivered for.

    Records belong together by their reference (order or contract number) and side: sales with what went out, purchases
    with what came in. Quantities are compared where both sides say them in one unit, else amounts without tax; what is
    invoiced beyond what was delivered does not count.
    """
    found = []
    for kind, incoming in ((SALES, False), (PURCHASES, True)):
        invoiced = _by_reference(facts, facts.of_kind(kind))
        delivered = _by_reference(facts, facts.of_kind(DELIVERY) & (facts.incoming == incoming))
        matched = invoiced.keys() & delivered.keys()
        for reference in sorted(matched):
            found += _compare(facts, kind, reference, invoiced[reference], delivered[reference])
        if len(matched) >= COVERAGE * len(invoiced):
            for reference in sorted(invoiced.keys() - matched):
                found += _undelivered(facts, kind, reference, invoiced[reference])
    return found


def _by_reference(facts: Facts, chosen: np.ndarray) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(chosen & (facts.reference != "")):
        rows[str(facts.reference[row])].append(int(row))
    return rows


def _compare(facts: Facts, kind: str, reference: str, invoices: list[int], deliveries: list[int]) -> list[Found]:
    measured = _measure(facts, invoices, deliveries)
    if measured is None:
        return []
    invoiced, delivered, what_zh, what_en = measured
    if invoiced <= 0 or delivered >= invoiced * (1 - TOLERANCE):
        return []
    # Young invoices may still be delivered.
    if facts.day[-1] - max(facts.day[row] for row in invoices) < PATIENCE:
        return []
    part = max(delivered, 0.0) / invoiced
    return [
        Found(
            kind="mismatch",
            severity=DOUBT if part >= 0.5 else GRAVE,
            rows=(*invoices, *deliveries),
            weights=(*[part] * len(invoices), *[1.0] * len(deliveries)),
            zh=f"订单 {reference} 开票{what_zh} {money(invoiced)}，交货 {money(delivered)}，超出交货的部分不计入。",
            en=f"Of order {reference} {money(invoiced)} ({what_en}) were invoiced and {money(delivered)} delivered; what is beyond does not count.",
            figures={"reference": reference, "invoiced": round(invoiced, 3), "delivered": round(delivered, 3)},
            subject=f"{kind} {reference}",
        )
    ]


def _measure(facts: Facts, invoices: list[int], deliveries: list[int]) -> tuple[float, float, str, str] | None:
    rows = [*invoices, *deliveries]
    units = {str(facts.unit[row]) for row in rows}
    if len(units) == 1 and not np.isnan(facts.quantity[rows]).any():
        return float(facts.quantity[invoices].sum()), float(facts.quantity[deliveries].sum()), "数量", "quantity"
    if (facts.net[deliveries] != 0).all():
        return float(facts.net[invoices].sum()), float(facts.net[deliveries].sum()), "金额", "amount"
    return None


def _undelivered(facts: Facts, kind: str, reference: str, invoices: list[int]) -> list[Found]:
    amount = float(facts.net[invoices].sum())
    if amount <= 0 or facts.day[-1] - max(facts.day[row] for row in invoices) < PATIENCE:
        return []
    sum_ = float(np.abs(facts.net[facts.kind == KINDS.index(kind)]).sum())
    return [
        Found(
            kind="no_delivery",
            severity=NOTE if amount < 0.01 * sum_ else DOUBT,
            rows=tuple(invoices),
            weights=(0.0,) * len(invoices),
            zh=f"订单 {reference} 已开票 {money(amount)}，{PATIENCE} 天以上没有任何交货记录，不计入。",
            en=f"Of order {reference} {money(amount)} were invoiced and for {PATIENCE} days nothing was delivered; it does not count.",
            figures={"reference": reference, "amount": round(amount, 2)},
            subject=f"{kind} {reference}",
        )
    ]
