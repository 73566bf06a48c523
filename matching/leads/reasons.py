"""Why a lead has its score, in Chinese and English; the points of the reasons sum to the score."""

from collections.abc import Callable, Mapping

import numpy as np

from matching.leads.features import FIRM_FEATURES, LEAST_FIRMS, Facts
from matching.leads.projects import PROJECT_FEATURES, SAME, SAME_GROUP, ProjectFacts
from matching.ranking.explanation import Reason

Names = Mapping[str, tuple[str, str]]
BASE = Reason("base", 0.0, "起评分", "Every lead starts with this")
LEAST_POINTS = 0.05


def explain_firm(
    place: int, contributions: np.ndarray, facts: Facts, *, names: Names, industries: Mapping[str, str], industry: str,
    sold: str, category: str,
) -> list[Reason]:  # fmt: skip
    """Return the reasons of a firm's score, the weightiest first, what every lead starts with last.

    :param contributions: its row of ``Weights.contributions``
    :param names: of categories, in Chinese and English, by code
    :param industries: names of industries by code
    :param sold: the code of what it sells that speaks loudest, or ""
    """
    goods_zh, goods_en = names.get(category, (category, category))
    trade = industries.get(industry, "")

    def said(name: str) -> tuple[str, str]:
        return _FIRM[name](place, facts, goods_zh, goods_en, trade, names.get(sold, ("", "")))

    return _told(FIRM_FEATURES, contributions, said)


STAGE_WORDS = {
    "announced": ("公布", "Announced"),
    "approved": ("获批（环评、备案）", "Approved"),
    "design": ("设计", "Design"),
    "tendering": ("招标", "Tendering"),
    "construction": ("施工", "Construction"),
    "commissioning": ("调试", "Commissioning"),
}


def explain_project(
    place: int, contributions: np.ndarray, facts: ProjectFacts, *, names: Names, stage: str, category: str
) -> list[Reason]:
    """Return the reasons of a building project's score, the weightiest first."""
    goods = names.get(category, (category, category))

    def said(name: str) -> tuple[str, str]:
        return _PROJECT[name](place, facts, goods, STAGE_WORDS.get(stage, (stage, stage)), names)

    return _told(PROJECT_FEATURES, contributions, said)


def _told(features: tuple[str, ...], contributions: np.ndarray, said: Callable[[str], tuple[str, str]]) -> list[Reason]:
    """Leave out what adds next to nothing, and give its crumbs to the base, so that the sum stays."""
    points = contributions[:-1].tolist()
    base = float(contributions[-1])
    reasons = []
    for name, value in zip(features, points, strict=True):
        if abs(value) < LEAST_POINTS:
            base += value
        else:
            reasons.append(Reason(name, value, *said(name)))
    reasons.sort(key=lambda reason: (-abs(reason.points), reason.feature))
    reasons.append(Reason(BASE.feature, base, BASE.zh, BASE.en))
    return reasons


def _industry(place, facts, zh, en, trade, _sold):
    rate = facts.industry_rate[place]
    if not trade:
        return (
            f"行业未注明：平均约 {rate:.0%} 的企业需要{zh}",
            f"Industry not stated: about {rate:.0%} of firms need {en}",
        )
    return f"{trade}：约 {rate:.0%} 的企业需要{zh}", f"{trade}: about {rate:.0%} of its firms need {en}"


def _sells(place, facts, zh, en, _trade, sold):
    rate = facts.selling_rate[place]
    if np.isnan(rate) or not sold[0]:
        return "公开供给未知", "What it sells is not known"
    return (
        f"销售{sold[0]}等：同类企业约 {rate:.0%} 需要{zh}",
        f"It sells {sold[1]} and the like: about {rate:.0%} of such firms need {en}",
    )


def _demands(place, facts, zh, en, _trade, _sold):
    count = int(facts.count[place])
    if not count:
        return f"从未公开求购{zh}", f"Never asked publicly for {en}"
    days = int(facts.since[place])
    return (
        f"曾公开求购{zh} {count} 次，最近在 {days} 天前",
        f"Asked publicly for {en} {count} times, last {days} days ago",
    )


def _due(place, facts, zh, en, _trade, _sold):
    if not facts.count[place]:
        return "没有可看出周期的求购", "No demands that show a rhythm"
    chance = facts.due[place]
    return (
        f"按求购节奏，三个月内再次需要的机会约 {chance:.0%}",
        f"By the rhythm of its demands, a chance of about {chance:.0%} within three months",
    )


def _related(place, facts, zh, en, _trade, _sold):
    if not facts.related[place]:
        return "没有求购过同大类的其他货品", "No demands for other goods of this group"
    return "求购过同大类的其他货品", "It asked for other goods of this group"


def _similar(place, facts, zh, en, _trade, _sold):
    value = facts.similar[place]
    if np.isnan(value):
        return f"求购{zh}的企业不足 {LEAST_FIRMS} 家，无从比较", f"Fewer than {LEAST_FIRMS} firms asked for {en}"
    if value >= 0:
        return f"自我介绍与求购{zh}的企业相近", f"It describes itself like firms that ask for {en}"
    return f"自我介绍与求购{zh}的企业不太像", f"It describes itself unlike firms that ask for {en}"


def _text(place, facts, _zh, _en, _trade, _sold):
    value = facts.text[place]
    if np.isnan(value):
        return "介绍文字未知", "It says nothing of itself"
    share = max(float(value), 0.0)
    return (
        f"介绍文字与供给相近 {share:.0%}（很相近的多为同行）",
        f"Its words are close to the supply's: {share:.0%} (very close ones often sell the same)",
    )


def _distance(place, facts, *_more):
    km = facts.km[place]
    if np.isnan(km):
        return "地点未注明", "Place is not stated"
    return f"相距 {km:.0f} 公里", f"{km:.0f} km away"


def _elsewhere(place, facts, zh, en, _trade, _sold):
    count = int(facts.elsewhere[place])
    if not count:
        return "没有其他公开求购可作反证", "No other public demands that would speak against it"
    return f"公开求购 {count} 次，从未求购{zh}", f"{count} public demands, none for {en}"


def _size(place, facts, *_more):
    count = int(facts.size[place])
    if not count:
        return "平台上没有公开信息", "No public listings here"
    return f"平台上公开信息 {count} 条", f"{count} public listings here"


def _ours(place, facts, *_more):
    count = int(facts.ours[place])
    if not count:
        return "尚未向我方订购", "Has not ordered from us"
    days = int(facts.ours_since[place])
    return f"向我方订购过 {count} 次，最近在 {days} 天前", f"Ordered from us {count} times, last {days} days ago"


def _experience(*_facts):
    return "同行业线索以往的成交情况", "What calls in this industry led to before"


def _lost(*_facts):
    return "此前联系未成", "A call before led to nothing"


_FIRM = {
    "industry": _industry,
    "sells": _sells,
    "demands": _demands,
    "due": _due,
    "related": _related,
    "similar": _similar,
    "text": _text,
    "distance": _distance,
    "elsewhere": _elsewhere,
    "size": _size,
    "ours": _ours,
    "experience": _experience,
    "lost": _lost,
}


def _equipment(place, facts, goods, _stage, names):
    fit = facts.equipment[place]
    zh, en = names.get(facts.named[place], goods)
    if np.isnan(fit):
        return "未列明所需设备", "The equipment needed is not listed"
    if fit >= SAME:
        return f"所需设备写明：{zh}", f"Its equipment list names {en}"
    if fit >= SAME_GROUP:
        return f"所需设备有同大类的{zh}", f"Its equipment list names {en}, of the same group"
    return f"所需设备未提及{goods[0]}", f"Its equipment list does not name {goods[1]}"


def _words(place, facts, *_more):
    value = facts.words[place]
    if np.isnan(value):
        return "未列明所需设备", "The equipment needed is not listed"
    return f"设备清单与供给用词重合 {value:.0%}", f"Shared words of equipment list and supply: {value:.0%}"


def _project_text(place, facts, *_more):
    value = facts.text[place]
    if np.isnan(value):
        return "项目文字尚未读取", "Its words were not read yet"
    return f"项目文字与供给相近 {max(value, 0):.0%}", f"Its words are close to the supply's: {max(value, 0):.0%}"


def _project_industry(place, facts, goods, *_more):
    rate = facts.industry_rate[place]
    return f"该行业约 {rate:.0%} 的企业需要{goods[0]}", f"About {rate:.0%} of firms in this industry need {goods[1]}"


def _stage(place, facts, goods, stage, _names):
    fit = facts.stage[place]
    if fit >= 0.7:
        return f"{stage[0]}阶段正是采购{goods[0]}的时候", f"{stage[1]}: when {goods[1]} is bought"
    if fit >= 0.4:
        return f"{stage[0]}阶段临近采购{goods[0]}", f"{stage[1]}: {goods[1]} is bought about now"
    return f"{stage[0]}阶段通常不采购{goods[0]}", f"{stage[1]}: {goods[1]} is seldom bought now"


def _ending(place, facts, *_more):
    days = facts.days_left[place]
    if np.isnan(days):
        return "完工时间未注明", "The finish is not stated"
    return f"距完工 {max(days, 0):.0f} 天", f"{max(days, 0):.0f} days to the finish"


def _investment(place, facts, *_more):
    money = facts.investment[place]
    if np.isnan(money):
        return "投资额未注明", "The investment is not stated"
    return f"投资 {money:,.0f} 万元", f"Investment of {money / 100:,.1f} million CNY"


_PROJECT = {
    "equipment": _equipment,
    "words": _words,
    "text": _project_text,
    "industry": _project_industry,
    "stage": _stage,
    "ending": _ending,
    "investment": _investment,
    "distance": _distance,
    "experience": _experience,
    "lost": _lost,
}
