"""How often genuine books are doubted, and how much of what was faked is found."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from math import sqrt
from typing import Any

import numpy as np

from finance.authenticity.examine import examine
from finance.authenticity.facts import SALES, Facts
from finance.authenticity.fakes import SCHEMES, Row
from finance.authenticity.findings import NOTE, Found, counted
from finance.scoring.trades import day_of

LEAST_DAYS = 540
QUARTER = 91
Look = Callable[..., list[Found]]


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927).

    >>> low, high = wilson(5, 50)
    >>> round(low, 3), round(high, 3)
    (0.043, 0.214)
    """
    if not of:
        return (0.0, 1.0)
    share, square = hits / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return (max(0.0, middle - half), min(1.0, middle + half))


def false_alarms(books: Mapping[str, Sequence[Row]], *, look: Look = examine) -> dict[str, Any]:
    """Look at genuine books at the end of each quarter; return how many looks end in a doubt, by kind, and what it costs.

    A note is shown and costs little; a doubt or a grave finding is an alarm.
    """
    looks, firms = 0, set()
    alarms: dict[str, int] = defaultdict(int)
    alarmed: dict[str, set[str]] = defaultdict(set)
    lost = []
    for firm, rows in books.items():
        facts = Facts.of_rows(rows)
        for as_of in _quarters(facts):
            known = facts.until(as_of)
            found = look(known, as_of=as_of)
            looks += 1
            firms.add(firm)
            kinds = {one.kind for one in found if one.severity != NOTE}
            for kind in [*kinds, *(["any"] if kinds else [])]:
                alarms[kind] += 1
                alarmed[kind].add(firm)
            lost.append(_lost(known, found))
    return {
        "firms": len(firms),
        "looks": looks,
        "alarms": {kind: _share(alarms[kind], looks) for kind in sorted(alarms)},
        "firms_alarmed": {kind: _share(len(alarmed[kind]), len(firms)) for kind in sorted(alarmed)},
        "mean_discount": float(np.mean(lost)) if lost else 0.0,
        "looks_with_a_tenth_lost": _share(sum(one > 0.1 for one in lost), looks),
    }


def recall(books: Mapping[str, Sequence[Row]], *, seed: int = 0, look: Look = examine) -> dict[str, dict[str, Any]]:
    """Put one scheme of fakes at a time into each firm's books; return by scheme what was found of it.

    ``found`` is the share of firms in which a finding of the right kind names a fake; ``amount`` the share of the faked
    sales that no longer counts, over all firms.
    """
    results = {}
    for name, scheme in SCHEMES.items():
        random = np.random.default_rng([seed, list(SCHEMES).index(name)])
        hits, of, parts = 0, 0, []
        for _firm, rows in sorted(books.items()):
            as_of = max(row["occurred_on"] for row in rows)
            faked = scheme(list(rows), as_of, random)
            facts = Facts.of_rows(faked.rows)
            found = look(facts, as_of=as_of, edges=faked.edges, related=faked.related)
            fake = np.isin(facts.ids, list(faked.fakes))
            named = {row for one in found if one.kind in _kinds(name) for row in one.rows}
            hits += any(fake[row] for row in named)
            of += 1
            parts.append(_faked_part(facts, fake, found))
        results[name] = {"found": _share(hits, of), "amount": float(np.mean(parts))}
    return results


def _kinds(scheme: str) -> tuple[str, ...]:
    return ("mismatch", "no_delivery") if scheme == "mismatch" else (scheme,)


def _faked_part(facts: Facts, fake: np.ndarray, found: list[Found]) -> float:
    sales = fake & facts.of_kind(SALES)
    weights = counted(facts, found)
    amount = float(np.abs(facts.net[sales]).sum())
    return float((np.abs(facts.net[sales]) * (1 - weights[sales])).sum()) / amount if amount else 0.0


def _lost(facts: Facts, found: list[Found]) -> float:
    sales = facts.of_kind(SALES)
    amount = float(np.abs(facts.net[sales]).sum())
    return float((np.abs(facts.net[sales]) * (1 - counted(facts, found)[sales])).sum()) / amount if amount else 0.0


def _quarters(facts: Facts) -> list[date]:
    """Return the days on which a firm's books are looked at: its last, and every quarter before, after a year and a half."""
    if not len(facts) or facts.day[-1] - facts.day[0] < LEAST_DAYS:
        return []
    last, first = day_of(facts.day[-1]), day_of(facts.day[0]) + timedelta(LEAST_DAYS)
    return [last - timedelta(days) for days in range(0, (last - first).days + 1, QUARTER)]


def _share(hits: int, of: int) -> dict[str, float]:
    low, high = wilson(hits, of)
    return {"share": hits / of if of else 0.0, "low": low, "high": high, "hits": hits, "of": of}


# --- What a rule of thumb would do, beside ours in the same run ---


def rule_of_thumb(facts: Facts, *, as_of: date, **_others: Any) -> list[Found]:
    """Doubt every repeated number, every counterparty on both sides, and sales of 60 days twice the average."""
    found, seen = [], {}
    for row in np.flatnonzero(facts.of_kind(SALES)):
        number = facts.number[row]
        if number and seen.setdefault(number, row) != row:
            found.append(Found("duplicate", "doubt", (int(row),), (0.0,), "", ""))
    sales = np.flatnonzero(facts.of_kind(SALES))
    both = set(facts.partner[sales].tolist()) & set(facts.partner[facts.of_kind("purchases")].tolist()) - {-1}
    for partner in sorted(both):
        rows = sales[facts.partner[sales] == partner]
        found.append(Found("round_trip", "doubt", tuple(map(int, rows)), (0.0,) * len(rows), "", ""))
    window = (facts.day.max() - facts.day[sales]) // 60
    sums = np.bincount(window, facts.net[sales]) if len(sales) else np.zeros(1)
    if len(sums) > 6 and sums[0] > 2 * sums[1:-1].mean():
        rows = sales[window == 0]
        part = float(np.clip(2 * sums[1:-1].mean() / sums[0], 0, 1))
        found.append(Found("burst", "doubt", tuple(map(int, rows)), (part,) * len(rows), "", ""))
    return found
