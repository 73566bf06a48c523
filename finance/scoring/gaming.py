"""How many points a firm can buy: fake trade is added to real firms, and they are scored again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from finance.scoring.features import NAMES, features_of
from finance.scoring.scorecard import Scorecard
from finance.scoring.scored import score
from finance.scoring.trades import Trades, day_of

WINDOW = 60  # days before the assessment in which everything is faked
YEAR = 365
# Of the net sales of the last year.
FAKED = 0.2
VAT = 0.13
# What an accomplice keeps of each invoice on its way round.
KEPT = 0.02
CIRCLE, SHELLS, PARTS = 2, 10, 3

# Given a firm's trades, its genuine numbers and a source of chance: the trades with the fake ones added.
Attack = Callable[[Trades, np.random.Generator], Trades]
# Given one firm's trades: how much of each row still counts, shape (n,).
Weigh = Callable[[Trades], np.ndarray]


def circular_sales(trades: Trades, generator: np.random.Generator) -> Trades:
    """Add sales to two accomplices that come back as purchases days later: 20 % of a year's sales within 60 days."""
    days, amounts = _faked(trades, generator)
    partners = _new_partners(trades, CIRCLE)[np.arange(len(days)) % CIRCLE]
    back = np.minimum(days + generator.integers(2, 15, len(days)), _today(trades))
    sold = _rows(trades, days, partners, amounts, is_sale=True)
    return _with(trades, sold, _rows(trades, back, partners, amounts * (1 - KEPT), is_sale=False))


def bought_volume(trades: Trades, generator: np.random.Generator) -> Trades:
    """Add sales to ten firms made for it, nothing comes back: 20 % of a year's sales within 60 days."""
    days, amounts = _faked(trades, generator)
    partners = _new_partners(trades, SHELLS)[generator.integers(0, SHELLS, len(days))]
    return _with(trades, _rows(trades, days, partners, amounts, is_sale=True))


def split_invoices(trades: Trades, _generator: np.random.Generator) -> Trades:
    """Cut every sale of the last 60 days into three invoices of the same day and customer; the total stays."""
    chosen = _recent(trades) & trades.is_sale & ~trades.is_void & (trades.net > 0)
    parts = np.repeat(np.flatnonzero(chosen), PARTS)
    cut = trades.where(parts)
    pieces = Trades(
        cut.firms, cut.firm, cut.is_sale, cut.day, cut.partner, cut.net / PARTS, cut.tax / PARTS, cut.is_void
    )
    return _with(trades.where(~chosen), pieces)


ATTACKS: dict[str, Attack] = {
    "circular_sales": circular_sales,
    "bought_volume": bought_volume,
    "split_invoices": split_invoices,
}


@dataclass(frozen=True)
class Gain:
    """Points that an attack brings each firm, shape (n,), and what half a grade is worth."""

    attack: str
    points: np.ndarray
    half_grade: float

    def to_dict(self, *, times: int = 2000) -> dict:
        """Return the gains with the 95 % interval of their mean (bootstrap over firms)."""
        generator = np.random.default_rng(0)
        draws = generator.integers(0, len(self.points), (times, len(self.points)))
        low, high = np.percentile(self.points[draws].mean(axis=1), [2.5, 97.5])
        return {
            "attack": self.attack,
            "firms": len(self.points),
            "mean": round(float(self.points.mean()), 3),
            "low": round(float(low), 3),
            "high": round(float(high), 3),
            "median": round(float(np.median(self.points)), 3),
            "percentile_95": round(float(np.percentile(self.points, 95)), 3),
            "largest": round(float(self.points.max()), 3),
            "half_grade": round(self.half_grade, 3),
            "share_reaching_half_a_grade": round(float(np.mean(self.points >= self.half_grade)), 4),
        }


def gains(
    card: Scorecard, firms: Sequence[Trades], attack: str, *, weigh: Weigh | None = None, random_state: int = 0
) -> Gain:
    """Return what an attack brings each firm, assessed on the day of its own latest record.

    :param firms: the trades of one firm each, with a sale in the year before its latest record
    :param weigh: how much of each record counts after the looks at its genuineness; without it all counts
    """
    points = np.empty(len(firms))
    for place, trades in enumerate(firms):
        generator = np.random.default_rng([random_state, place])
        honest, faked = trades, ATTACKS[attack](trades, generator)
        points[place] = _points(card, faked, weigh) - _points(card, honest, weigh)
    return Gain(attack, points, card.scale.pdo / 2)


def fit_for_attack(trades: Trades) -> bool:
    """Tell whether a firm sold anything in the year before its latest record: who did not has nothing to inflate."""
    return len(trades) > 0 and _yearly(trades) > 0


def _points(card: Scorecard, trades: Trades, weigh: Weigh | None) -> float:
    as_of = day_of(_today(trades))
    if weigh is not None:
        weights = weigh(trades)
        trades = Trades(
            trades.firms, trades.firm, trades.is_sale, trades.day, trades.partner,
            trades.net * weights, trades.tax * weights, trades.is_void,
        ).where(weights > 0)  # fmt: skip
    table = features_of(trades, as_of=as_of)
    values = dict(zip(NAMES, table.values[0].tolist(), strict=True))
    return score(card, trades.firms[0], values, records=int(table.records[0])).exact


def _today(trades: Trades) -> int:
    return int(trades.day.max())


def _recent(trades: Trades) -> np.ndarray:
    return trades.day > _today(trades) - WINDOW


def _genuine(trades: Trades) -> np.ndarray:
    sold = trades.is_sale & ~trades.is_void & (trades.net > 0)
    return trades.net[sold & (trades.day > _today(trades) - YEAR)]


def _yearly(trades: Trades) -> float:
    return float(_genuine(trades).sum())


def _faked(trades: Trades, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return days and net amounts of fake sales: amounts like the firm's own, so that none of them stands out."""
    genuine, target = _genuine(trades), FAKED * _yearly(trades)
    count = max(1, round(target / float(genuine.mean())))
    amounts = generator.choice(genuine, count)
    amounts *= target / amounts.sum()
    days = np.sort(generator.integers(_today(trades) - WINDOW + 1, _today(trades) + 1, count))
    return days, amounts


def _new_partners(trades: Trades, count: int) -> np.ndarray:
    return int(trades.partner.max()) + 1 + np.arange(count)


def _rows(trades: Trades, days: np.ndarray, partners: np.ndarray, net: np.ndarray, *, is_sale: bool) -> Trades:
    count = len(days)
    return Trades(
        trades.firms,
        np.zeros(count, trades.firm.dtype),
        np.full(count, is_sale),
        days.astype(trades.day.dtype),
        partners.astype(trades.partner.dtype),
        net,
        net * VAT,
        np.zeros(count, bool),
    )


def _with(trades: Trades, *others: Trades) -> Trades:
    """Return one firm's trades with others of it, ascending by day."""
    columns = [
        np.concatenate([getattr(one, name) for one in (trades, *others)])
        for name in ("firm", "is_sale", "day", "partner", "net", "tax", "is_void")
    ]
    whole = Trades(trades.firms, *columns)
    return whole.where(np.argsort(whole.day, kind="stable"))
