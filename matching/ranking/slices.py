"""The parts of the market in which a ranker is judged apart: a gain over all can hide a loss in one of them."""

import re
from collections.abc import Iterator

import numpy as np

from matching.ranking.facts import ListingFacts
from matching.ranking.features import FEATURES, PRIOR_DELIVERIES

INDUSTRY, LANGUAGE, FIRM = "industry", "language", "firm"
NEW, KNOWN = "new", "known"
# Codes and the names of categories bring some Latin words into Chinese texts and some Chinese ones into English texts.
CHINESE_FROM, ENGLISH_TO = 0.7, 0.2
# A Chinese word has about so many characters.
CHARACTERS_A_WORD = 1.7
_LATIN, _HAN = re.compile(r"[A-Za-z]{2,}"), re.compile(r"[\u3400-\u9fff]")
_DELIVERIES = FEATURES.index("deliveries")


def industry_of(query: ListingFacts) -> str:
    """Return the first part of the family of goods, under which enough lists come together.

    >>> industry_of(ListingFacts(id=1, organisation=1, side="supply", text="", family="polyolefin.lldpe"))
    'polyolefin'
    """
    return (query.family or query.category).split(".", 1)[0]


def language_of(text: str) -> str:
    """Return "zh", "en" or "both" by the words of a text; "" where it has none.

    >>> language_of("304 不锈钢球阀 DN50"), language_of("ball valve DN50"), language_of("球阀 ball valve")
    ('zh', 'en', 'both')
    """
    english, chinese = len(_LATIN.findall(text)), len(_HAN.findall(text)) / CHARACTERS_A_WORD
    if not english + chinese:
        return ""
    share = chinese / (english + chinese)
    return "zh" if share >= CHINESE_FROM else "en" if share <= ENGLISH_TO else "both"


def slices_of(query: ListingFacts) -> dict[str, str]:
    """Return the part of each kind that a query's list belongs to; what is not known is left out."""
    found = {INDUSTRY: industry_of(query), LANGUAGE: language_of(query.text)}
    return {kind: part for kind, part in found.items() if part}


def grades_by_firm(features: np.ndarray, grades: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield "new" and "known" with the grades of one list that suppliers of that kind earned, all others 0.

    A supplier is new until it has delivered ``PRIOR_DELIVERIES`` times: before that its record says little. Measured
    on these grades in the whole list, a ranker that pushes good matches of new firms down loses in the part "new".

    :param features: shape (n, len(FEATURES)); deliveries are those of the supply, log(1 + n), NaN without a record
    """
    deliveries = np.nan_to_num(features[:, _DELIVERIES], nan=0.0)
    is_new = deliveries < np.log1p(PRIOR_DELIVERIES)
    for part, mask in ((NEW, is_new), (KNOWN, ~is_new)):
        own = np.where(mask, grades, 0)
        if own.any():
            yield part, own
