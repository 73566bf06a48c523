"""What would raise a firm's score: changes it can really make and nobody can buy, each tried out on the card."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finance.scoring.features import WINDOW_MONTHS
from finance.scoring.reasons import show_en, show_zh
from finance.scoring.scorecard import Scorecard
from finance.scoring.scored import log_odds, probability

AHEAD = 6  # months that advice looks ahead
LEAST = 1.0  # points; less is not worth saying
# Features that no advice names, and why. A firm could move them by papers alone, and a bank would read air.
EXCLUDED = {
    "sales_per_quarter": ("Volume can be bought by circular sales.", "循环开票可以买到销售额。"),
    "sale_invoices_per_month": ("A sale can be split into many invoices.", "一笔销售可以拆成多张发票。"),
    "large_sale": ("A large invoice is written in a minute.", "开一张大额发票只需一分钟。"),
    "purchases_per_quarter": ("Purchases can be bought in a circle.", "循环开票可以买到采购额。"),
    "goods_in_sales": ("It says what the firm is, not how well it does.", "它反映的是业务性质，而不是经营好坏。"),
    "goods_in_purchases": ("Small service invoices are easily collected.", "凑几张服务费发票很容易。"),
}


@dataclass(frozen=True)
class Advice:
    """A change, what it would bring in points if all else stayed, and how it is said."""

    lever: str
    points: float
    pd: float  # the default probability after it
    features: dict[str, float]  # the features after it
    zh: str
    en: str

    def to_dict(self) -> dict:
        return {"lever": self.lever, "points": round(self.points), "pd": self.pd, "zh": self.zh, "en": self.en}


def advise(card: Scorecard, features: Mapping[str, float], *, months: int) -> list[Advice]:
    """Return what would raise the score, most first (ties by name); an empty list where nothing would.

    :param features: value by name
    :param months: over how many months they were reckoned
    """
    now = log_odds(card, features)
    found = []
    for name, lever in LEVERS.items():
        tried = lever(features, months)
        if tried is None:
            continue
        changed, zh, en = tried
        after = dict(features) | changed
        odds = log_odds(card, after)
        points = card.scale.factor * (now - odds)
        pd = min(max(probability(odds), card.scale.lowest_pd), card.scale.highest_pd)
        if points >= LEAST:
            found.append(Advice(name, points, pd, after, zh, en))
    return sorted(found, key=lambda advice: (-advice.points, advice.lever))


Tried = tuple[dict[str, float], str, str] | None


def _unbroken(features: Mapping[str, float], months: int) -> Tried:
    """Sell in each of the coming months, no more than now; the record grows older by them."""
    share = features["months_with_sales"]
    kept = min(months, WINDOW_MONTHS - AHEAD)
    after = (share * kept + AHEAD) / (kept + AHEAD)
    changed = {"months_with_sales": after, "sales_history": min(features["sales_history"] + AHEAD, WINDOW_MONTHS)}
    if all(changed[name] <= features[name] for name in changed):
        return None
    return (
        changed,
        f"今后{AHEAD}个月每月都有真实销售：有销售的月份由{show_zh('share', share)}升至{show_zh('share', after)}，经营记录也延长{AHEAD}个月。",
        (
            f"Sell something real in each of the next {AHEAD} months: months with sales rise from "
            f"{show_en('share', share)} to {show_en('share', after)}, and the record is {AHEAD} months longer."
        ),
    )


def _fewer_voids(features: Mapping[str, float], months: int) -> Tried:
    """Cancel half as many sales invoices as now."""
    share = features["void_sales"]
    if math.isnan(share) or share < 0.02:
        return None
    after = share / 2
    return (
        {"void_sales": after},
        f"减少发票作废（开票前核对订单）：作废率由{show_zh('share', share)}降至{show_zh('share', after)}。",
        (
            f"Cancel fewer invoices, by checking orders before invoicing: from {show_en('share', share)} of them to "
            f"{show_en('share', after)}."
        ),
    )


def _smoother(features: Mapping[str, float], months: int) -> Tried:
    """Spread deliveries so that monthly sales swing by a quarter less."""
    swing = features["sales_swing"]
    if swing <= 0.4:
        return None
    after = swing * 0.75
    return (
        {"sales_swing": after},
        f"均衡排产与交付：月销售额波动由均值的{show_zh('share', swing)}降至{show_zh('share', after)}。",
        (
            f"Spread orders and deliveries: monthly sales swing by {show_en('share', after)} of their mean instead of "
            f"{show_en('share', swing)}."
        ),
    )


def _more_customers(features: Mapping[str, float], months: int) -> Tried:
    """Serve two more customers in a typical month; found rings and related parties do not count."""
    customers = features["customers_per_month"]
    after = customers + 2
    return (
        {"customers_per_month": after},
        f"拓展两家每月都有往来的真实客户（关联方不计）：常规月份客户数由{show_zh('count', customers)}家增至{show_zh('count', after)}家。",
        (
            f"Win two more real customers who buy every month (related parties do not count): from "
            f"{show_en('count', customers)} in a typical month to {show_en('count', after)}."
        ),
    )


LEVERS: dict[str, Callable[[Mapping[str, float], int], Tried]] = {
    "unbroken_months": _unbroken,
    "fewer_voids": _fewer_voids,
    "smoother_sales": _smoother,
    "more_customers": _more_customers,
}
