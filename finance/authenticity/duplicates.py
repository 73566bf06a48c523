"""The same invoice twice: listed again on another day, valid and void, or uploaded beside the platform's own record."""

from collections import Counter, defaultdict

import numpy as np

from finance.authenticity.facts import KINDS, PURCHASES, SALES, Facts
from finance.authenticity.findings import DOUBT, NOTE, Found, money

SHOWN = 3
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
    rows = np.flatnonzero(invoices & (facts.number != "") & (facts.net != 0))
    for row in rows[_is_repeated(facts.number[rows])]:
        key = (int(facts.kind[row]), str(facts.number[row]), int(facts.partner[row]), round(float(facts.total[row]), 2))
        groups[key].append(int(row))
    repeated: dict[int, list[list[int]]] = defaultdict(list)
    cancelled: dict[int, list[list[int]]] = defaultdict(list)
    for rows in groups.values():
        valid = [row for row in rows if not facts.is_void[row]]
        if len(rows) > 1 and valid:
            # What the platform saw itself is kept before what was uploaded.
            valid.sort(key=lambda row: (not facts.is_verified[row], row))
            (cancelled if len(valid) < len(rows) else repeated)[int(facts.partner[rows[0]])].append(valid)
    return [
        *(_repeated(facts, repeated[partner]) for partner in sorted(repeated)),
        *(_cancelled(facts, cancelled[partner]) for partner in sorted(cancelled)),
        *_restated(facts),
    ]


def _is_repeated(numbers: np.ndarray) -> np.ndarray:
    """Return which numbers stand more than once: few of many."""
    counts = Counter(numbers)
    return np.array([counts[number] > 1 for number in numbers], dtype=bool)


def _repeated(facts: Facts, groups: list[list[int]]) -> Found:
    weights = {row: float(place == 0) for rows in groups for place, row in enumerate(rows)}
    again = [row for row, weight in weights.items() if not weight]
    numbers, count = _listed(facts, groups), len(groups)
    amount = money(float(np.abs(facts.net[again]).sum()))
    return Found(
        kind="duplicate",
        severity=DOUBT,
        rows=tuple(sorted(weights)),
        weights=tuple(weights[row] for row in sorted(weights)),
        zh=f"{count} 个发票号（{numbers}）以相同对方、相同金额重复出现，每个只计一次，重复的 {amount} 不计入。",
        en=f"{count} invoice numbers ({numbers}) stand again with the same counterparty and amount; each counts once, {amount} do not count.",
        figures={"numbers": count, "amount": round(float(np.abs(facts.net[again]).sum()), 2)},
        subject=_subject(facts, groups, "again"),
    )


def _cancelled(facts: Facts, groups: list[list[int]]) -> Found:
    rows = sorted(row for valid in groups for row in valid)
    numbers, count = _listed(facts, groups), len(groups)
    return Found(
        kind="duplicate",
        severity=NOTE,
        rows=tuple(rows),
        weights=(0.0,) * len(rows),
        zh=f"{count} 张发票（{numbers}）既有有效记录又有作废记录，按作废处理，不计入。",
        en=f"{count} invoices ({numbers}) are listed as valid and as void; they are taken as void and do not count.",
        figures={"numbers": count, "amount": round(float(np.abs(facts.net[rows]).sum()), 2)},
        subject=_subject(facts, groups, "void"),
    )


def _subject(facts: Facts, groups: list[list[int]], way: str) -> str:
    row = groups[0][0]
    return f"{way} {KINDS[facts.kind[row]]} {facts.partner_of(row)}"


def _listed(facts: Facts, groups: list[list[int]]) -> str:
    numbers = [str(facts.number[rows[0]]) for rows in groups]
    return ", ".join(numbers[:SHOWN]) + (" …" if len(numbers) > SHOWN else "")


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
        subject=f"{facts.ids[row]}-{facts.ids[upload]}",
    )
