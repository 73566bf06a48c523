"""Signs of trouble in what a firm sells, pays and is told, each with what it was seen by.

A sign is raised against the firm's own past, never against other firms: a small seasonal firm is compared with its own
seasons. Days are day numbers (any origin), amounts are in one currency, refunds negative.
"""

from dataclasses import dataclass, field

import numpy as np

QUARTER, YEAR = 90, 365
NOTICE, SERIOUS = "notice", "serious"
# Of what was usual: sales below the first share are worth a look, below the second are serious.
FEW, FEWEST = 0.6, 0.3
# A customer with this share of a year's sales matters; with that one, losing it is serious.
IMPORTANT, VITAL = 0.2, 0.4
# Days that a firm pays later than it used to; and the least settled invoices that say so.
LATER, MUCH_LATER, LEAST_PAID = 10.0, 30.0, 5
LEAST_SALES = 12
# Share of voided and returned sales: so much more than it was, and at least so much.
MORE_RETURNS, MUCH_RETURNED = 0.15, 0.35
# Days without any record, though records used to come in.
SILENT, LONG_SILENT = 45, 90
# Points of the score.
FALL, GREAT_FALL = 25, 50


@dataclass(frozen=True)
class Sign:
    """One warning: its kind, how serious, the numbers it was seen by, and the sentence in both languages."""

    kind: str
    severity: str
    facts: dict = field(hash=False)
    zh: str = ""
    en: str = ""

    def to_dict(self) -> dict:
        return {"kind": self.kind, "severity": self.severity, "facts": self.facts, "zh": self.zh, "en": self.en}


def sales_drop(days: np.ndarray, amounts: np.ndarray, *, today: int) -> Sign | None:
    """Return a sign if the sales of the last 90 days fell below what the firm sold in any quarter of a year before.

    Compared is with the same quarter of the year before where it is known, else with the median of the earlier quarters;
    being below every quarter since keeps a season from looking like a fall.

    :param days: day numbers of the sales, shape (n,)
    :param amounts: net amounts, shape (n,)
    """
    now = _between(days, amounts, today - QUARTER, today)
    first = int(days.min()) if len(days) else today
    starts = [start for start in range(today - QUARTER * 2, today - QUARTER * 6, -QUARTER) if start >= first - 7]
    earlier = [_between(days, amounts, start, start + QUARTER) for start in starts]
    if len(earlier) < 2 or len(days) < LEAST_SALES:
        return None
    year_before = _between(days, amounts, today - YEAR - QUARTER, today - YEAR)
    usual = year_before if today - YEAR - QUARTER >= first - 7 and year_before > 0 else float(np.median(earlier))
    if usual <= 0 or now >= FEW * usual or now >= min(earlier):
        return None
    share = max(0.0, now / usual)
    return Sign(
        "sales_drop",
        SERIOUS if share < FEWEST else NOTICE,
        {"now": round(now, 2), "usual": round(usual, 2), "share": round(share, 4), "days": QUARTER},
        f"近 90 天销售额为 {now:,.0f}，仅为以往同期的 {share:.0%}",
        f"Sales of the last 90 days came to {now:,.0f}, {share:.0%} of what was usual",
    )


def customers_lost(days: np.ndarray, customers: np.ndarray, amounts: np.ndarray, *, today: int) -> list[Sign]:
    """Return a sign for each important customer that has stopped buying, the greatest share first; ties by name.

    Important is who took at least 20 % of the sales of the year that ended 90 days ago, in at least three months; gone
    is who bought nothing in 90 days and in three times its longest usual gap (the 90th percentile of its gaps).
    """
    year = (days > today - QUARTER - YEAR) & (days <= today - QUARTER)
    total = amounts[year].sum()
    if total <= 0 or year.sum() < LEAST_SALES:
        return []
    names, places = np.unique(customers[year], return_inverse=True)
    shares = np.bincount(places, weights=amounts[year]) / total
    found = []
    for customer, share in zip(names[shares >= IMPORTANT], shares[shares >= IMPORTANT], strict=True):
        own = customers == customer
        if len(np.unique(days[own & year] // 30)) < 3:
            continue
        bought = np.unique(days[own & (days <= today)])
        silent = today - int(bought.max())
        usual_gap = float(np.quantile(np.diff(bought), 0.9)) if len(bought) > 1 else float(QUARTER)
        if silent < max(QUARTER, 3 * usual_gap):
            continue
        found.append((float(share), str(customer), silent))
    return [_lost(*one) for one in sorted(found, key=lambda one: (-one[0], one[1]))]


def _lost(share: float, customer: str, silent: int) -> Sign:
    return Sign(
        "counterparty_lost",
        SERIOUS if share >= VITAL else NOTICE,
        {"customer": customer, "share": round(share, 4), "days": silent},
        f"占年销售额 {share:.0%} 的客户已 {silent} 天未采购",
        f"A customer with {share:.0%} of a year's sales has bought nothing for {silent} days",
    )


def payment_delay(due: np.ndarray, settled: np.ndarray, *, today: int) -> Sign | None:
    """Return a sign if the firm pays its suppliers clearly later than it used to.

    :param due: due days of the invoices that it has to pay, shape (n,)
    :param settled: days they were settled, NaN where unpaid; an unpaid one that is due counts as late as it is by now
    """
    known = np.where(np.isnan(settled), np.where(due < today, today, np.nan), settled)
    late = np.maximum(known - due, 0)
    recent = (due > today - QUARTER) & (due <= today) & ~np.isnan(known)
    before = (due > today - QUARTER - YEAR) & (due <= today - QUARTER) & ~np.isnan(known)
    if recent.sum() < LEAST_PAID or before.sum() < LEAST_PAID:
        return None
    now, usual = float(late[recent].mean()), float(late[before].mean())
    # Twice the error of the two means: what a few invoices more or less late would do.
    doubt = 2 * np.sqrt(late[recent].var() / recent.sum() + late[before].var() / before.sum())
    if now - usual < max(LATER, doubt):
        return None
    return Sign(
        "payment_delay",
        SERIOUS if now - usual >= MUCH_LATER else NOTICE,
        {"now": round(now, 1), "usual": round(usual, 1), "invoices": int(recent.sum())},
        f"对供应商平均逾期 {now:.0f} 天付款，以往为 {usual:.0f} 天",
        f"Suppliers are paid {now:.0f} days late on average; it used to be {usual:.0f}",
    )


def returns_rise(days: np.ndarray, amounts: np.ndarray, void: np.ndarray, *, today: int) -> Sign | None:
    """Return a sign if clearly more sales than before were voided or taken back (counted by invoice)."""
    back = void | (amounts < 0)
    recent = (days > today - QUARTER) & (days <= today)
    before = (days > today - QUARTER - YEAR) & (days <= today - QUARTER)
    if recent.sum() < LEAST_SALES or before.sum() < LEAST_SALES:
        return None
    now, usual = float(back[recent].mean()), float(back[before].mean())
    doubt = 2 * np.sqrt(usual * (1 - usual) / recent.sum())
    if now - usual < max(MORE_RETURNS, doubt):
        return None
    return Sign(
        "returns_rise",
        SERIOUS if now >= MUCH_RETURNED else NOTICE,
        {"now": round(now, 4), "usual": round(usual, 4), "invoices": int(recent.sum())},
        f"近 90 天作废或红冲的销售发票占 {now:.0%}，以往为 {usual:.0%}",
        f"{now:.0%} of the sales invoices of 90 days were voided or taken back; it used to be {usual:.0%}",
    )


def records_stopped(days: np.ndarray, *, today: int) -> Sign | None:
    """Return a sign if records used to come in and then stopped: nothing can be said of such a firm."""
    past = np.unique(days[days <= today])
    if len(past) < LEAST_SALES:
        return None
    silent = today - int(past.max())
    usual_gap = float(np.quantile(np.diff(past[-60:]), 0.9))
    if silent < max(SILENT, 3 * usual_gap):
        return None
    return Sign(
        "records_stopped",
        SERIOUS if silent >= LONG_SILENT else NOTICE,
        {"days": silent, "usual_gap": round(usual_gap, 1)},
        f"已 {silent} 天没有新的交易记录",
        f"No trade record has come in for {silent} days",
    )


def disputes_rise(opened: np.ndarray, orders: int, *, today: int) -> Sign | None:
    """Return a sign if several disputes about the firm's orders were opened within 90 days.

    :param opened: day numbers on which disputes were opened, shape (n,)
    :param orders: how many orders the firm had in these 90 days
    """
    recent = int(((opened > today - QUARTER) & (opened <= today)).sum())
    before = int(((opened > today - 2 * QUARTER) & (opened <= today - QUARTER)).sum())
    if recent < 2 or recent <= before or recent < 0.05 * orders:
        return None
    return Sign(
        "disputes",
        SERIOUS if recent >= 5 or recent > orders / 4 else NOTICE,
        {"now": recent, "before": before, "orders": orders},
        f"近 90 天新增 {recent} 起争议（此前 90 天为 {before} 起）",
        f"{recent} disputes were opened within 90 days, after {before} in the 90 days before",
    )


def score_fall(*, then: int, now: int, grade_then: str, grade_now: str, least: int | None) -> Sign | None:
    """Return a sign if the score fell well below what the line was given on, or below what the line asks for.

    >>> score_fall(then=640, now=600, grade_then="A", grade_now="BBB", least=None).severity
    'notice'
    >>> score_fall(then=640, now=630, grade_then="A", grade_now="A", least=600) is None
    True
    """
    below = least is not None and now < least
    if then - now < FALL and not below:
        return None
    zh, en = (
        f"评分由 {then}（{grade_then}）降至 {now}（{grade_now}）",
        (f"The score fell from {then} ({grade_then}) to {now} ({grade_now})"),
    )
    if below:
        zh, en = f"{zh}，低于额度要求的 {least}", f"{en}, below the {least} that the line asks for"
    return Sign(
        "score_fall",
        SERIOUS if below or then - now >= GREAT_FALL else NOTICE,
        {"then": then, "now": now, "grade_then": grade_then, "grade_now": grade_now, "least": least},
        zh,
        en,
    )


def _between(days: np.ndarray, amounts: np.ndarray, after: int, until: int) -> float:
    return float(amounts[(days > after) & (days <= until)].sum())


def late_receivables(chances: np.ndarray, amounts: np.ndarray, *, usual: float) -> Sign | None:
    """Return a sign if much more of what customers owe the firm is likely to come late than used to.

    :param chances: chance of each unpaid invoice to be paid late, shape (n,)
    :param amounts: what is still owed on each
    :param usual: share of the firm's settled invoices that were paid late

    >>> late_receivables(np.full(6, 0.8), np.ones(6), usual=0.2).severity
    'serious'
    >>> late_receivables(np.full(6, 0.3), np.ones(6), usual=0.2) is None
    True
    """
    if len(chances) < LEAST_PAID or amounts.sum() <= 0:
        return None
    expected = float(chances @ amounts / amounts.sum())
    if expected < 0.4 or expected < usual + 0.2:
        return None
    return Sign(
        "late_receivables",
        SERIOUS if expected >= 0.7 else NOTICE,
        {"expected": round(expected, 4), "usual": round(usual, 4), "invoices": len(chances)},
        f"应收账款中预计 {expected:.0%} 将逾期收回，以往为 {usual:.0%}",
        f"{expected:.0%} of what customers owe is likely to come late; it used to be {usual:.0%}",
    )


def overdue(days: int, amount: float) -> Sign:
    """Return the sign of a loan whose instalment is so many days late."""
    return Sign(
        "overdue",
        SERIOUS if days > 30 else NOTICE,
        {"days": days, "owed": round(amount, 2)},
        f"贷款逾期 {days} 天，剩余本金 {amount:,.2f}",
        f"An instalment is {days} days overdue, with {amount:,.2f} of principal left",
    )


def new_findings(grave: int, doubts: int, discount: float) -> Sign | None:
    """Return a sign if the look at the firm's trade found something new of weight.

    >>> new_findings(0, 0, 0.0) is None, new_findings(1, 0, 5e5).severity
    (True, 'serious')
    """
    if not grave and not doubts:
        return None
    return Sign(
        "findings",
        SERIOUS if grave else NOTICE,
        {"grave": grave, "doubts": doubts, "discount": round(discount, 2)},
        f"近 30 天新增贸易真实性发现：严重 {grave} 项、存疑 {doubts} 项，涉及 {discount:,.0f} 不计入",
        f"New findings on the genuineness of trade within 30 days: {grave} grave, {doubts} doubtful; {discount:,.0f} "
        "does not count",
    )
