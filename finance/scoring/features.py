"""What a firm's trade says about it: one named number per feature, from records known at the moment of assessment.

Every feature is a habit of many months, not a total: months without trade count as empty months, and a typical month or
quarter is a geometric mean, so one big month moves little and buying volume for a season buys few points.
"""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from finance.scoring.trades import Trades, day_number

WINDOW_MONTHS = 36  # older records say little about the firm of today, and a new firm must be able to catch up
# A firm is not called silent at once: invoices reach us late, and extracts end some months before the day they are read.
GRACE_MONTHS = 6
GOODS_RATE = (
    0.115  # VAT on goods was 17 %, 16 % and 13 %; on buildings and farm goods 11 %, 10 % and 9 %; on services 6 %
)
SMALL_MONEY = 3000.0  # CNY in a quarter below which differences do not matter


@dataclass(frozen=True)
class Feature:
    """A feature, its unit, how it moves the risk, and why; the sign is declared before anything is learned."""

    name: str
    family: str
    sign: int  # +1: more is riskier; -1: more is safer
    unit: str  # "cny", "count", "months" or "share"
    scale: float  # 0: taken as it is; otherwise log(1 + value / scale)
    why_en: str
    why_zh: str
    known: str = "the day the invoice is issued"


FEATURES = (
    Feature(
        "sales_per_quarter", "scale", -1, "cny", SMALL_MONEY,
        "A firm that sells more has more ways to survive a bad season.",
        "销售规模越大，经受波动的余地越大。",
    ),
    Feature(
        "sale_invoices_per_month", "scale", -1, "count", 1.0,
        "Many sales a month are harder to lose at once than a few.",
        "每月成交笔数多，不会因失去几笔而断流。",
    ),
    Feature(
        "large_sale", "contracts", -1, "cny", SMALL_MONEY,
        "Large contracts, and the tax office's leave to invoice them, are given to firms of substance.",
        "能承接大额合同并获税务机关核准大额开票的，多为有实力的企业。",
    ),
    Feature(
        "months_with_sales", "continuity", -1, "share", 0.0,
        "Months without a sale are the plainest sign of a business that falters.",
        "没有销售的月份是经营不稳最直接的信号。",
    ),
    Feature(
        "sales_swing", "continuity", 1, "share", 1.0,
        "Sales that come in bursts pay instalments badly.",
        "销售忽高忽低的企业难以按期还款。",
    ),
    Feature(
        "sales_history", "history", -1, "months", 0.0,
        "Young firms fail more often.",
        "成立不久的企业更容易失败。",
    ),
    Feature(
        "void_sales", "voids", 1, "share", 0.0,
        "Cancelled invoices are cancelled deals, or volume that never was.",
        "作废发票意味着交易取消，或并不存在的业务量。",
    ),
    Feature(
        "customers_per_month", "customers", -1, "count", 1.0,
        "Who sells to many does not fall with one customer.",
        "客户多，不会因单一客户而倒下。",
    ),
    Feature(
        "purchases_per_quarter", "purchases", -1, "cny", SMALL_MONEY,
        "What is sold must be bought or made: purchases confirm the trade.",
        "有进才有出：采购印证真实经营。",
    ),
    Feature(
        "goods_in_sales", "mix", 1, "share", 0.0,
        "Trading in goods binds money in stock and lives on thin margins; services and building work less so.",
        "货物贸易占用资金多、毛利薄；服务与工程相对较好。",
    ),
    Feature(
        "goods_in_purchases", "mix", 1, "share", 0.0,
        "A firm that buys little but goods resells; rent, freight and services among its purchases show an operating business.",
        "采购几乎全是货物的多为转手贸易；采购中有租金、运输、服务，说明有实际经营。",
    ),
)  # fmt: skip
NAMES = tuple(feature.name for feature in FEATURES)
BY_NAME = {feature.name: feature for feature in FEATURES}


@dataclass(frozen=True)
class FeatureTable:
    """Features of firms, one row each; NaN where a feature has no meaning for a firm (no invoice to take a share of)."""

    firms: tuple[str, ...]
    values: np.ndarray  # float, shape (firms, len(NAMES))
    records: np.ndarray  # int, shape (firms,): how many records that were not void each row stands on
    months: np.ndarray  # int, shape (firms,): over how many months
    as_of: date | None

    def row(self, firm: str) -> dict[str, float]:
        """Return the features of one firm by name."""
        return dict(zip(NAMES, self.values[self.firms.index(firm)].tolist(), strict=True))


def features_of(trades: Trades, *, as_of: date | None = None) -> FeatureTable:
    """Return the features of every firm as of a day; a record of a later day changes nothing.

    :param as_of: the day of assessment; without it, the day of the latest record

    >>> trades = Trades.of_firm("E1", is_sale=[True], day=[date(2026, 1, 5)], partner=["B1"], net=[30000], tax=[3900],
    ...     is_void=[False])
    >>> table = features_of(trades, as_of=date(2026, 1, 31))
    >>> [round(number, 2) for number in table.values[0, :6].tolist()]
    [30000.0, 1.0, 30000.0, 1.0, 0.0, 1.0]
    """
    as_of = as_of or trades.last_day()
    values = np.zeros((len(trades.firms), len(NAMES)))
    records = np.zeros(len(trades.firms), dtype=int)
    spans = np.zeros(len(trades.firms), dtype=int)
    if as_of is None:
        return FeatureTable(trades.firms, _without_records(values), records, spans, None)
    newest = _months(np.array([day_number(as_of)]))[0]
    months = _months(trades.day)
    chosen = (trades.day <= day_number(as_of)) & (months > newest - WINDOW_MONTHS)
    trades, months = trades.where(chosen), months[chosen]
    bounds = trades.bounds()
    for place in range(len(trades.firms)):
        part = slice(bounds[place], bounds[place + 1])
        records[place] = int(np.sum(~trades.is_void[part]))
        if records[place]:
            found, spans[place] = _of_one(trades, part, months[part], newest)
            values[place] = [found[name] for name in NAMES]
        else:
            values[place] = _without_records(values[place])
    return FeatureTable(trades.firms, values, records, spans, as_of)


def _of_one(trades: Trades, part: slice, months: np.ndarray, newest: int) -> tuple[dict[str, float], int]:
    is_void, is_sale = trades.is_void[part], trades.is_sale[part]
    counted = ~is_void
    first = months[counted].min()
    last = max(months[counted].max(), newest - GRACE_MONTHS)
    span = int(last - first + 1)
    sales = _side(trades, part, is_sale & counted, months - first, span)
    purchases = _side(trades, part, ~is_sale & counted, months - first, span)
    active = np.flatnonzero(sales.invoices)
    all_sales = int(is_sale.sum())
    return {
        "sales_per_quarter": _typical(_quarters(sales.money), SMALL_MONEY),
        "sale_invoices_per_month": _typical(sales.invoices, 1.0),
        "large_sale": sales.third_largest,
        "months_with_sales": len(active) / span,
        "sales_swing": _swing(sales.money),
        "sales_history": float(span - active[0]) if len(active) else 0.0,
        "void_sales": float(np.sum(is_sale & is_void) / all_sales) if all_sales else np.nan,
        "customers_per_month": _typical(sales.partners, 1.0),
        "purchases_per_quarter": _typical(_quarters(purchases.money), SMALL_MONEY),
        "goods_in_sales": sales.goods,
        "goods_in_purchases": purchases.goods,
    }, span


@dataclass(frozen=True)
class _Side:
    money: np.ndarray  # CNY without tax per month, refunds taken off
    invoices: np.ndarray  # positive invoices per month
    partners: np.ndarray  # different counterparties per month
    third_largest: float
    goods: float


def _side(trades: Trades, part: slice, chosen: np.ndarray, months: np.ndarray, span: int) -> _Side:
    net, tax, partner, months = (
        trades.net[part][chosen],
        trades.tax[part][chosen],
        trades.partner[part][chosen],
        months[chosen],
    )
    money = np.bincount(months, weights=net, minlength=span)
    positive = net > 0
    net, tax, partner, months = net[positive], tax[positive], partner[positive], months[positive]
    if not len(net):
        return _Side(money, np.zeros(span), np.zeros(span), 0.0, np.nan)
    # One counterparty counts once a month, however many invoices are written to it.
    pairs = np.unique(months.astype(np.int64) * (int(partner.max()) + 1) + partner)
    return _Side(
        money=money,
        invoices=np.bincount(months, minlength=span).astype(float),
        partners=np.bincount(pairs // (int(partner.max()) + 1), minlength=span).astype(float),
        # Not the largest: a single invoice is easily written.
        third_largest=float(np.sort(net)[-min(3, len(net))]),
        goods=float(np.mean(tax >= GOODS_RATE * net)),
    )


def _typical(values: np.ndarray, scale: float) -> float:
    """Return the geometric mean of 1 + value / scale, back in the unit of the values; below nothing counts as nothing."""
    # Sums by math, not NumPy: the same bits on every machine, whatever its vector instructions.
    return math.expm1(math.fsum(math.log1p(max(value, 0.0) / scale) for value in values.tolist()) / len(values)) * scale


def _swing(monthly: np.ndarray) -> float:
    """Return the standard deviation of monthly sales over their mean, at most that of all sales in a single month."""
    most = math.sqrt(len(monthly) - 1)
    mean = math.fsum(monthly.tolist()) / len(monthly)
    if mean <= 0:  # refunds outweigh sales: there is no mean to swing around
        return most
    return min(math.sqrt(math.fsum((value - mean) ** 2 for value in monthly.tolist()) / len(monthly)) / mean, most)


def _quarters(monthly: np.ndarray) -> np.ndarray:
    """Add months to quarters, counted back from the newest; a broken first one is scaled up to three months."""
    back = monthly[::-1]
    sums = np.add.reduceat(back, np.arange(0, len(back), 3))
    sums[-1] *= 3 / ((len(back) - 1) % 3 + 1) if len(back) > 3 else 1
    return sums


def _months(days: np.ndarray) -> np.ndarray:
    """Return months since 1970-01 of day numbers."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _without_records(values: np.ndarray) -> np.ndarray:
    """Return the features of a firm of which nothing is known: no trade at all, and no share of nothing."""
    shares = np.array([name in {"void_sales", "goods_in_sales", "goods_in_purchases"} for name in NAMES])
    return np.where(shares, np.nan, np.zeros_like(values))
