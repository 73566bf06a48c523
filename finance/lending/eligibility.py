"""Whether a bank's product is meant for a firm: hard rules with a sentence each, and points for how well it fits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MILLION = Decimal(1_000_000)
TEN_THOUSAND = Decimal(10_000)
# What each part may give at most; together 100.
PRICE, ROOM, MARGIN = 40.0, 30.0, 30.0
DEAR_BP = 1000
ORDER = (
    "min_score",
    "min_grade",
    "priced",
    "min_months_of_records",
    "min_sales_per_year",
    "max_percent_of_sales",
    "regions",
    "industries",
    "needs_guarantee",
    "needs_core_enterprise",
)


@dataclass(frozen=True, slots=True)
class FirmFacts:
    """What the rules look at: ``sales`` of the last 12 months in CNY, ``months`` in which something was sold."""

    score: int | None = None
    grade: str = ""
    months: int = 0
    sales: Decimal = Decimal(0)
    region: str = ""
    industry: str = ""
    has_guarantee: bool = False
    has_programme: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """One rule and what came of it; ``room`` from 0 (just met) to 1 says how far the firm is on the good side."""

    code: str
    is_met: bool
    zh: str
    en: str
    room: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "is_met": self.is_met, "zh": self.zh, "en": self.en}


def judge(
    rules: Mapping[str, Any],
    facts: FirmFacts,
    *,
    grades: Sequence[str] = (),
    priced: Sequence[str] = (),
    amount: Decimal | None = None,
) -> list[Ground]:
    """Return what each rule of a product says of a firm, in a fixed order; a rule that is not there says nothing.

    :param rules: {min_score, min_grade, min_months_of_records, min_sales_per_year, max_percent_of_sales, regions,
        industries, needs_guarantee, needs_core_enterprise}
    :param grades: of the scale, the best first
    :param priced: the grades for which the product has a price
    :param amount: what is asked for, in CNY; without it the rule about the share of sales says nothing

    >>> [(one.code, one.is_met) for one in judge({"min_score": 600, "regions": ["33"]}, FirmFacts(score=590, region="331083"))]
    [('min_score', False), ('regions', True)]
    """
    priced_or_not = [] if not priced or not facts.grade or facts.grade in priced else [_not_priced(facts)]
    found = [
        *_figures(rules, facts, grades, amount),
        *priced_or_not,
        *_places(rules, facts),
        *_partners(rules, facts),
    ]
    order = {code: place for place, code in enumerate(ORDER)}
    return sorted(found, key=lambda ground: order[ground.code])


def _figures(
    rules: Mapping[str, Any], facts: FirmFacts, grades: Sequence[str], amount: Decimal | None
) -> Iterator[Ground]:
    if (least := rules.get("min_score")) is not None:
        yield _score(int(least), facts)
    if least := rules.get("min_grade"):
        yield _grade(least, facts, grades)
    if least := rules.get("min_months_of_records"):
        yield _months(int(least), facts)
    if least := rules.get("min_sales_per_year"):
        yield _sales(Decimal(str(least)), facts)
    if (percent := rules.get("max_percent_of_sales")) and amount is not None:
        yield _share(Decimal(str(percent)), amount, facts)


def _not_priced(facts: FirmFacts) -> Ground:
    zh, en = f"银行未对 {facts.grade} 级报价", f"The bank has no price for grade {facts.grade}"
    return Ground("priced", is_met=False, zh=zh, en=en)


def _places(rules: Mapping[str, Any], facts: FirmFacts) -> Iterator[Ground]:
    if places := rules.get("regions"):
        is_met = any(facts.region.startswith(place) for place in places)
        zh = "所在地区在产品适用范围内" if is_met else "所在地区不在产品适用范围内"
        en = "The product is meant for this region" if is_met else "The product is not meant for this region"
        yield Ground("regions", is_met, zh, en)
    if trades := rules.get("industries"):
        is_met = any(facts.industry.startswith(trade) for trade in trades)
        zh = "所属行业在产品适用范围内" if is_met else "所属行业不在产品适用范围内"
        en = "The product is meant for this industry" if is_met else "The product is not meant for this industry"
        yield Ground("industries", is_met, zh, en)


def _partners(rules: Mapping[str, Any], facts: FirmFacts) -> Iterator[Ground]:
    if rules.get("needs_guarantee"):
        zh = "已有担保或保险" if facts.has_guarantee else "需要担保公司或保险公司承保"
        en = "A guarantor or insurer covers it" if facts.has_guarantee else "A guarantor or insurer has to cover it"
        yield Ground("needs_guarantee", facts.has_guarantee, zh, en)
    if rules.get("needs_core_enterprise"):
        zh = "在核心企业的项目内申请" if facts.has_programme else "需要核心企业邀请加入其项目"
        en = (
            "Applied for under a core enterprise's programme"
            if facts.has_programme
            else "A core enterprise has to take the firm into its programme"
        )
        yield Ground("needs_core_enterprise", facts.has_programme, zh, en)


def most_allowed(rules: Mapping[str, Any], facts: FirmFacts, max_amount: Decimal) -> Decimal:
    """Return the largest amount that a product allows this firm, in CNY.

    >>> most_allowed({"max_percent_of_sales": 30}, FirmFacts(sales=Decimal(10_000_000)), Decimal(8_000_000))
    Decimal('3000000.00')
    """
    if not (percent := rules.get("max_percent_of_sales")):
        return max_amount
    share = (facts.sales * Decimal(str(percent)) / 100).quantize(Decimal("0.01"))
    return max(Decimal("0.00"), min(max_amount, share))


def fit(grounds: Sequence[Ground], *, rate_bp: int | None, most: Decimal, facts: FirmFacts) -> list[dict[str, Any]]:
    """Return the reasons {feature, points, zh, en} for a product's rank among others; their sum is at most 100.

    A low rate, an amount that goes far (up to 30 % of the firm's sales of a year) and room above the rules speak for it.
    """
    reasons = []
    if rate_bp is not None:
        points = PRICE * max(0.0, 1 - rate_bp / DEAR_BP)
        reasons.append(_reason("price", points, f"年利率 {rate_bp / 100:.2f}%", f"{rate_bp / 100:.2f} % a year"))
    useful = max(facts.sales * 3 / 10, Decimal(100_000))
    points = ROOM * float(min(Decimal(1), most / useful))
    zh, en = f"最高可贷 {_wan(most)}", f"Up to {_million(most)}"
    reasons.append(_reason("room", points, zh, en))
    share = MARGIN / max(1, len(grounds))
    met = [ground for ground in grounds if ground.is_met]
    return reasons + [_reason(ground.code, share * ground.room, ground.zh, ground.en) for ground in met]


def _reason(feature: str, points: float, zh: str, en: str) -> dict[str, Any]:
    return {"feature": feature, "points": round(points, 1), "zh": zh, "en": en}


def _score(least: int, facts: FirmFacts) -> Ground:
    if facts.score is None:
        zh, en = f"需要信用分 {least} 以上，尚无评分", f"Needs a score of {least}; there is none yet"
        return Ground("min_score", is_met=False, zh=zh, en=en)
    is_met = facts.score >= least
    gap = abs(facts.score - least)
    if is_met:
        return Ground(
            "min_score", is_met, f"信用分 {facts.score}，要求 {least}", f"Score {facts.score}, {least} needed",
            room=min(1.0, gap / 100),
        )  # fmt: skip
    zh = f"信用分 {facts.score}，要求 {least}，还差 {gap} 分"
    return Ground("min_score", is_met, zh, f"Score {facts.score}, {least} needed: {gap} points are missing")


def _grade(least: str, facts: FirmFacts, grades: Sequence[str]) -> Ground:
    order = {grade: place for place, grade in enumerate(grades)}
    if facts.grade not in order or least not in order:
        zh, en = f"需要信用等级 {least} 以上，尚无评级", f"Needs grade {least} or better; there is none yet"
        return Ground("min_grade", is_met=False, zh=zh, en=en)
    steps = order[least] - order[facts.grade]
    if steps >= 0:
        zh, en = f"信用等级 {facts.grade}，要求 {least}", f"Grade {facts.grade}, {least} needed"
        return Ground("min_grade", is_met=True, zh=zh, en=en, room=min(1.0, steps / 3))
    zh = f"信用等级 {facts.grade}，要求 {least}，差 {-steps} 级"
    en = f"Grade {facts.grade}, {least} needed: {-steps} " + ("grade below" if steps == -1 else "grades below")
    return Ground("min_grade", is_met=False, zh=zh, en=en)


def _months(least: int, facts: FirmFacts) -> Ground:
    is_met = facts.months >= least
    zh, en = (
        f"有 {facts.months} 个月的销售记录，要求 {least} 个月",
        f"{facts.months} months of sales records, {least} needed",
    )
    if not is_met:
        zh, en = f"{zh}，还差 {least - facts.months} 个月", f"{en}: {least - facts.months} more"
    return Ground("min_months_of_records", is_met, zh, en, room=min(1.0, max(0, facts.months - least) / 12))


def _sales(least: Decimal, facts: FirmFacts) -> Ground:
    is_met = facts.sales >= least
    zh = f"近 12 个月销售额 {_wan(facts.sales)}，要求 {_wan(least)}"
    en = f"Sales of {_million(facts.sales)} in 12 months, {_million(least)} needed"
    if not is_met:
        zh, en = f"{zh}，还差 {_wan(least - facts.sales)}", f"{en}: {_million(least - facts.sales)} are missing"
    room = float(min(Decimal(1), max(Decimal(0), facts.sales / least - 1)))
    return Ground("min_sales_per_year", is_met, zh, en, room=room)


def _share(percent: Decimal, amount: Decimal, facts: FirmFacts) -> Ground:
    most = (facts.sales * percent / 100).quantize(Decimal("0.01"))
    is_met = amount <= most
    zh = f"申请 {_wan(amount)}，上限为年销售额的 {percent.normalize():f}%（{_wan(most)}）"
    en = f"{_million(amount)} asked for; at most {percent.normalize():f} % of yearly sales ({_million(most)})"
    return Ground("max_percent_of_sales", is_met, zh, en, room=float(1 - amount / most) if is_met and most else 0.0)


def _wan(amount: Decimal) -> str:
    return f"{amount / TEN_THOUSAND:,.2f}".rstrip("0").rstrip(".") + " 万元"


def _million(amount: Decimal) -> str:
    if amount < MILLION:
        return f"CNY {amount:,.0f}"
    return "CNY " + f"{amount / MILLION:,.2f}".rstrip("0").rstrip(".") + " million"
