"""Show each firm as it stands and as it stood some months before, for learning."""

from datetime import date, timedelta

import numpy as np

from finance.scoring.features import FeatureTable, features_of
from finance.scoring.trades import Trades

# So that the card knows shorter records too, and not only how records looked on one day.
MONTHS_BACK = (0, 6, 12)
ENOUGH_MONTHS = 12  # an earlier look needs a record of this length


def looks_at(
    trades: Trades, *, as_of: date | None = None, months_back: tuple[int, ...] = MONTHS_BACK
) -> tuple[FeatureTable, np.ndarray, np.ndarray]:
    """Return today's features, those of all looks, and which firms each look shows.

    :param as_of: the day of the newest look; without it, the day of the latest record
    :returns: the newest table; values of shape (looks, firms, features); seen of shape (looks, firms)
    """
    as_of = as_of or trades.last_day()
    tables = [features_of(trades, as_of=months_before(as_of, back) if back else as_of) for back in months_back]
    seen = np.array(
        [
            table.records > 0 if not back else table.months >= ENOUGH_MONTHS
            for table, back in zip(tables, months_back, strict=True)
        ]
    )
    return tables[0], np.array([table.values for table in tables]), seen


def months_before(day: date, months: int) -> date:
    """Return the same day some months before, or the last of that month.

    >>> months_before(date(2018, 12, 31), 6)
    datetime.date(2018, 6, 30)
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
