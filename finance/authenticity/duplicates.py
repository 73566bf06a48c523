"""The same invoice twice: listed again on another day, valid and void, or uploaded beside the platform's own record."""

from collections import defaultdict

import numpy as np

from finance.authenticity.facts import KINDS, PURCHASES, SALES, Facts
from finance.authenticity.findings import DOUBT, NOTE, Found, money

SAME = 0.005
# An upload this long after the platform's record of the same amount and counterparty may be the same trade.
RESTATED_WITHIN = 60


def find_duplicates(facts: Facts) -> list[Found]:
    """Return the invoices that say again what another says.

    The same number, counterparty and total: all but the first count for nothing, and where one of them is void, none
    does. The same number with another total is another invoice (paper invoices repeat numbers under another code). An
    invoice and its reversal carry opposite totals and are left alone.
    """
    groups: dict[tuple, list[int]] = defaultdict(list)
    invoices = np.isin(facts.kind, (KINDS.index(SALES), KINDS.index(PURCHASES)))
    for row in np.flatnonzero(invoices & (facts.number != "") & (facts.net != 0)):
        key = (int(facts.kind[row]), str(facts.number[row]), int(facts.partner[row]), round(float(facts.total[row]), 2))
        groups[key].append(int(row))
    found = []
    for rows in groups.values():
        valid = [row for row in rows if not facts.is_void[row]]
        if len(rows) < 2 or not valid:
            continue
        found.append(_cancelled(facts, rows, valid) if len(valid) < len(rows) else _repeated(facts, valid))
    return [*found, *_restated(facts)]


def _repeated(facts: Facts, rows: list[int]) -> Found:
    # What the platform saw itself is kept before what was uploaded.
    rows = sorted(rows, key=lambda row: (not facts.is_verified[row], row))
    number, count = facts.number[rows[0]], len(rows)
    amount = money(abs(facts.net[rows[0]]))
    days = ", ".join(str(facts.on(row)) for row in rows)
    return Found(
        kind="duplicate",
        severity=DOUBT,
        rows=tuple(rows),
        weights=(1.0, *[0.0] * (count - 1)),
        zh=f"发票 {number} 以相同对方、相同金额 {amount} 出现 {count} 次（{days}），只计一次。",
        en=f"Invoice {number} stands {count} times with the same counterparty and amount {amount} ({days}); it counts once.",
        figures={"number": str(number), "times": count},
    )


def _cancelled(facts: Facts, rows: list[int], valid: list[int]) -> Found:
    number = facts.number[rows[0]]
    return Found(
        kind="duplicate",
        severity=NOTE,
        rows=tuple(valid),
        weights=(0.0,) * len(valid),
        zh=f"发票 {number} 既有有效记录又有作废记录，按作废处理，不计入。",
        en=f"Invoice {number} is listed as valid and as void; it is taken as void and does not count.",
        figures={"number": str(number)},
    )


def _restated(facts: Facts) -> list[Found]:
    """Find uploads of what the platform already has: same counterparty and total, a little later, another number."""
    found, taken = [], set()
    for kind in (SALES, PURCHASES):
        rows = np.flatnonzero(facts.of_kind(kind) & (facts.partner >= 0) & (facts.net > 0))
        uploads: dict[tuple[int, float], list[int]] = defaultdict(list)
        for row in rows[~facts.is_verified[rows]]:
            uploads[int(facts.partner[row]), round(float(facts.total[row]), 2)].append(int(row))
        if not uploads:
            continue
        for row in rows[facts.is_verified[rows]]:
            same = uploads.get((int(facts.partner[row]), round(float(facts.total[row]), 2)), ())
            near = [
                one
                for one in same
                if one not in taken and abs(int(facts.day[one]) - int(facts.day[row])) <= RESTATED_WITHIN
            ]
            if not near:
                continue
            upload = min(near, key=lambda one: (abs(int(facts.day[one]) - int(facts.day[row])), one))
            taken.add(upload)
            if facts.number[upload] != facts.number[row]:
                found.append(_same_trade(facts, int(row), upload))
    return found


def _same_trade(facts: Facts, row: int, upload: int) -> Found:
    ours, theirs, amount = facts.number[row], facts.number[upload], money(facts.net[row])
    return Found(
        kind="duplicate",
        severity=NOTE,
        rows=(row, upload),
        weights=(1.0, 0.0),
        zh=f"上传的发票 {theirs} 与平台记录 {ours} 对方、金额（{amount}）相同、日期相近，视为同一笔交易，只计一次。",
        en=f"The uploaded invoice {theirs} has the counterparty, amount ({amount}) and about the day of the platform's record {ours}: one trade, counted once.",
        figures={"number": str(theirs), "recorded": str(ours)},
    )
