"""What speaks for a firm buying from a seller in the next quarter, out of what was bought before it.

Two questions differ: from whom it buys again, and from whom it buys for the first time among the sellers that others
know. For the first its own rhythm speaks; for the second what like firms buy (co-purchases).
"""

from dataclasses import dataclass

import numpy as np

from matching.leads.history import due
from matching.leads.invoices import Invoices

QUARTER_DAYS = 91.0
REPEAT_FEATURES = (
    "recency", "count", "active_quarters", "last_quarter", "quarter_before", "two_before", "year_before", "due",
    "rhythm", "amount", "months", "seller_firms", "seller_alive", "firm_activity", "firm_trend", "share", "known_for",
)  # fmt: skip
NEW_FEATURES = (
    "firms_last", "firms_year", "firms_ever", "gained_last", "gained_year", "invoices", "seller_alive", "like_firms",
    "like_firms_sharp", "like_firms_recent", "like_sellers", "latent", "amount_gap", "tax_gap", "tax_rate", "loyalty",
    "firm_breadth", "adopted_by_like", "adopted_by_like_last", "share_of_like", "lift_of_like", "adoption_last",
    "adoption_year", "alive_last", "firm_activity", "firm_adopts", "firm_adopts_share", "near_five", "near_fifteen",
)  # fmt: skip


@dataclass(frozen=True)
class Past:
    """What was known before a quarter; matrices are (firms, sellers)."""

    counts: np.ndarray  # (quarters, firms, sellers) invoices by quarter, the latest first
    bought: np.ndarray  # bool: ever
    first_day: np.ndarray
    last_day: np.ndarray
    amount: np.ndarray
    months: np.ndarray  # in how many of the last 12 months
    tax: np.ndarray  # (sellers,) mean rate
    seller_amount: np.ndarray  # (sellers,) mean log amount
    firm_amount: np.ndarray  # (firms,)
    firm_tax: np.ndarray  # (firms,)
    today: int


def past_of(invoices: Invoices, quarter: int) -> Past:
    """Return what was known at the first day of the quarter."""
    today = invoices.start_of(quarter)
    seen = invoices.day < today
    firm, seller, day = invoices.firm[seen], invoices.seller[seen], invoices.day[seen]
    shape = (len(invoices.firms), len(invoices.sellers))
    counts = np.zeros((quarter, *shape), dtype=np.float32)
    np.add.at(counts, (quarter - 1 - invoices.quarter[seen], firm, seller), 1)
    first, last = np.full(shape, 10**7, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    np.minimum.at(first, (firm, seller), day.astype(np.int32))
    np.maximum.at(last, (firm, seller), day.astype(np.int32))
    amount = np.zeros(shape, dtype=np.float32)
    np.add.at(amount, (firm, seller), invoices.amount[seen])
    recent = day >= today - 365
    month = np.clip((today - 1 - day[recent]) // 31, 0, 11)
    flags = np.zeros((12, *shape), dtype=bool)
    flags[month, firm[recent], seller[recent]] = True
    log_amount = np.log1p(invoices.amount[seen])
    return Past(
        counts=counts,
        bought=last > 0,
        first_day=first,
        last_day=last,
        amount=amount,
        months=flags.sum(axis=0, dtype=np.int16),
        tax=_mean(invoices.tax_rate[seen], seller, shape[1]),
        seller_amount=_mean(log_amount, seller, shape[1]),
        firm_amount=_mean(log_amount, firm, shape[0]),
        firm_tax=_mean(invoices.tax_rate[seen], firm, shape[0]),
        today=today,
    )


def _mean(values: np.ndarray, of: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(of, weights=values, minlength=size) / np.maximum(np.bincount(of, minlength=size), 1)


def repeat_features(past: Past) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places of firm and seller, (n,), of every pair that traded before, and their features (n, REPEAT_FEATURES)."""
    firm, seller = np.nonzero(past.bought)
    count = past.counts.sum(axis=0)
    active = past.counts > 0
    quarter = [past.counts[back] if back < len(past.counts) else np.zeros_like(past.amount) for back in (0, 1, 2, 3)]
    first, last = past.first_day[firm, seller], past.last_day[firm, seller]
    total = count[firm, seller]
    silent = past.today - last
    usual = np.where(total > 1, (last - first) / np.maximum(total - 1, 1), 4 * QUARTER_DAYS)
    alive = active[:2].any(axis=0).sum(axis=0)
    activity = past.counts[0].sum(axis=1)
    before = past.counts[1 : min(5, len(past.counts))].sum(axis=(0, 2)) / max(1, min(4, len(past.counts) - 1))
    bought = np.maximum(past.amount.sum(axis=1), 1.0)
    columns = {
        "recency": silent,
        "count": np.log1p(total),
        "active_quarters": active.sum(axis=0)[firm, seller],
        "last_quarter": np.log1p(quarter[0][firm, seller]),
        "quarter_before": np.log1p(quarter[1][firm, seller]),
        "two_before": np.log1p(quarter[2][firm, seller]),
        "year_before": np.log1p(quarter[3][firm, seller]),
        "due": due(total, first, last, past.today, horizon=QUARTER_DAYS),
        "rhythm": np.log1p(silent / np.maximum(usual, 3.0)),
        "amount": np.log1p(past.amount[firm, seller]),
        "months": past.months[firm, seller],
        "seller_firms": np.log1p(past.bought.sum(axis=0)[seller]),
        "seller_alive": np.log1p(alive[seller]),
        "firm_activity": np.log1p(activity[firm]),
        "firm_trend": np.log1p(activity[firm]) - np.log1p(before[firm]),
        "share": np.log(np.maximum(past.amount[firm, seller] / bought[firm], 1e-9)),
        "known_for": past.today - first,
    }
    return firm, seller, np.column_stack([columns[name] for name in REPEAT_FEATURES])


def new_features(past: Past, *, rank: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same for every pair that never traded, of sellers that another firm knows: features (n, NEW_FEATURES)."""
    active, bought = past.counts > 0, past.bought.astype(np.float32)
    year = active[:4].any(axis=0)
    before = np.concatenate([active[4:], np.zeros((1, *past.bought.shape), dtype=bool)]).any(axis=0)
    before_last = np.concatenate([active[1:], np.zeros((1, *past.bought.shape), dtype=bool)]).any(axis=0)
    firms_ever = past.bought.sum(axis=0)
    gained_last, gained_year = (past.bought & ~before_last).sum(axis=0), (past.bought & ~before).sum(axis=0)
    rare = np.log1p(len(bought) / np.maximum(firms_ever, 1)).astype(np.float32)
    like = _cosines(bought * rare)
    recent_like = _cosines(year.astype(np.float32) * rare)
    length = np.sqrt(np.maximum(firms_ever, 1)).astype(np.float32)
    by_length = bought / length
    # (B B̂ᵀ) B̂: cosines of sellers summed over what the firm buys, through the much fewer firms.
    of_sellers = (bought @ by_length.T) @ by_length / np.maximum(bought.sum(axis=1, keepdims=True), 1)
    u, s, vt = np.linalg.svd(_log_counts(past) * rare, full_matrices=False)
    latent = (u[:, :rank] * s[:rank]) @ vt[:rank]
    firms = len(bought)
    weight = like / np.maximum(like.sum(axis=1, keepdims=True), 1e-9)
    adopted, adopted_last = past.bought & ~before, past.bought & ~before_last
    share = weight @ bought
    order = np.argsort(-like, axis=1, kind="stable")
    adopts, activity = adopted_last.sum(axis=1), active[0].sum(axis=1)
    firm, seller = np.nonzero(~past.bought & (firms_ever > 0)[None, :])
    columns = {
        "firms_last": active[0].sum(axis=0)[seller],
        "firms_year": year.sum(axis=0)[seller],
        "firms_ever": firms_ever[seller],
        "gained_last": gained_last[seller],
        "gained_year": gained_year[seller],
        "invoices": np.log1p(past.counts[:4].sum(axis=(0, 1)))[seller],
        "seller_alive": (past.today - past.last_day.max(axis=0))[seller],
        "like_firms": (like @ bought)[firm, seller],
        "like_firms_sharp": (like**2 @ year.astype(np.float32))[firm, seller],
        "like_firms_recent": (recent_like @ year.astype(np.float32))[firm, seller],
        "like_sellers": of_sellers[firm, seller],
        "latent": latent[firm, seller],
        "amount_gap": past.seller_amount[seller] - past.firm_amount[firm],
        "tax_gap": np.abs(past.tax[seller] - past.firm_tax[firm]),
        "tax_rate": past.tax[seller],
        "loyalty": np.log1p(past.counts.sum(axis=(0, 1)) / np.maximum(active.sum(axis=(0, 1)), 1))[seller],
        "firm_breadth": np.log1p(past.bought.sum(axis=1))[firm],
        "adopted_by_like": (weight @ adopted.astype(np.float32))[firm, seller],
        "adopted_by_like_last": (weight @ adopted_last.astype(np.float32))[firm, seller],
        "share_of_like": share[firm, seller],
        "lift_of_like": (share / (firms_ever / firms + 0.3 / firms))[firm, seller],
        "adoption_last": gained_last[seller] / firms,
        "adoption_year": gained_year[seller] / firms,
        "alive_last": active[0].sum(axis=0)[seller] / firms,
        "firm_activity": np.log1p(activity)[firm],
        "firm_adopts": adopts[firm],
        "firm_adopts_share": (adopts / np.maximum(activity, 1))[firm],
        "near_five": _mean_of_nearest(bought, order, 5)[firm, seller],
        "near_fifteen": _mean_of_nearest(year.astype(np.float32), order, 15)[firm, seller],
    }
    return firm, seller, np.column_stack([columns[name] for name in NEW_FEATURES]).astype(np.float32)


def _mean_of_nearest(rows: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
    """Return for each firm the mean of the rows of the firms most like it."""
    return np.stack([rows[nearest[:count]].mean(axis=0) for nearest in order])


def _log_counts(past: Past) -> np.ndarray:
    return np.log1p(past.counts.sum(axis=0))


def _cosines(rows: np.ndarray) -> np.ndarray:
    """Return the cosines of the rows with each other, 0 with themselves."""
    length = np.sqrt((rows**2).sum(axis=1))
    found = (rows @ rows.T) / np.maximum(np.outer(length, length), 1e-9)
    np.fill_diagonal(found, 0.0)
    return found


def bought_in(invoices: Invoices, quarter: int) -> np.ndarray:
    """Return who bought from whom in the quarter, bool (firms, sellers)."""
    found = np.zeros((len(invoices.firms), len(invoices.sellers)), dtype=bool)
    there = invoices.quarter == quarter
    found[invoices.firm[there], invoices.seller[there]] = True
    return found
