"""The five classes of a loan by the days it is overdue.

Source: 商业银行金融资产风险分类办法 (2023 no. 1 of the banking regulator and the central bank, in force 2023-07-01): overdue
at all is special mention at best; more than 90 days substandard, more than 270 doubtful, more than 360 loss. A bank may
class a loan worse for other reasons; these days are what it cannot be better than.
"""

NORMAL = "normal"
SPECIAL_MENTION = "special_mention"
SUBSTANDARD = "substandard"
DOUBTFUL = "doubtful"
LOSS = "loss"
# From how many days overdue each class begins, the worst first.
FROM_DAYS = ((361, LOSS), (271, DOUBTFUL), (91, SUBSTANDARD), (1, SPECIAL_MENTION), (0, NORMAL))
ORDER = (NORMAL, SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS)


def class_of(days_overdue: int) -> str:
    """Return the class of a loan of which something is overdue for so many days.

    >>> [class_of(days) for days in (0, 1, 90, 91, 270, 271, 360, 361)]
    ['normal', 'special_mention', 'special_mention', 'substandard', 'substandard', 'doubtful', 'doubtful', 'loss']
    """
    return next(name for start, name in FROM_DAYS if days_overdue >= start)
