"""Trade between firms that belong together: it is allowed, yet it says little of what a firm sells to others."""

from collections.abc import Iterable, Mapping

import numpy as np

from finance.authenticity.facts import SALES, Facts
from finance.authenticity.findings import DOUBT, GRAVE, NOTE, Found, money

WORDS = {
    "person": ("相同成员", "the same people"),
    "phone": ("相同联系电话", "the same phone number"),
    "email": ("相同邮箱", "the same e-mail address"),
    "address": ("相同地址", "the same address"),
}
# Shares of the sales of the last year: from the first on half of it counts, from the second on it is grave.
NOTEWORTHY, LARGE = 0.1, 0.3
HALF = 0.5
YEAR = 365


def find_related(facts: Facts, related: Mapping[str, Iterable[str]]) -> list[Found]:
    """Return, per related customer, what was sold to it; half of that counts where it is a tenth of the year's sales.

    :param related: of each counterparty code what it shares with the firm, by the names in ``WORDS``
    """
    rows = np.flatnonzero(facts.of_kind(SALES) & (facts.partner >= 0))
    if not len(rows):
        return []
    recent = rows[facts.day[rows] > facts.day[-1] - YEAR]
    yearly = float(facts.net[recent].sum())
    found = []
    for code in sorted(related.keys() & set(facts.partners)):
        shared = [word for word in WORDS if word in set(related[code])]
        sold = recent[facts.partner[recent] == facts.partners.index(code)]
        if not shared or not len(sold):
            continue
        amount = float(facts.net[sold].sum())
        share = amount / yearly if yearly > 0 else 1.0
        severity = NOTE if share < NOTEWORTHY else DOUBT if share < LARGE else GRAVE
        zh = "、".join(WORDS[word][0] for word in shared)
        en = " and ".join(WORDS[word][1] for word in shared)
        part = "，只计一半" if severity != NOTE else ""
        half = "; half of it counts" if severity != NOTE else ""
        found.append(
            Found(
                kind="related",
                severity=severity,
                rows=tuple(int(row) for row in sold),
                weights=((1.0 if severity == NOTE else HALF),) * len(sold),
                zh=f"一家客户与本企业有{zh}；近一年对其销售 {money(amount)}，占 {share:.0%}{part}。",
                en=f"A customer has {en} as the firm; it bought {money(amount)} in a year, {share:.0%} of all{half}.",
                figures={"partner": code, "amount": round(amount, 2), "share": round(share, 4)},
                subject=code,
            )
        )
    return found
