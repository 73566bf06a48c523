"""Why a pair has its score, in Chinese and English; the points of the reasons sum to the score."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marketplace.parsing.units import format_quantity
from matching.ranking.agreement import Agreement, attribute_agreements
from matching.ranking.facts import ListingFacts
from matching.ranking.features import FEATURES, TEXT_FEATURES

# Nobody speaks of half a per cent.
SAME_PRICE = 0.005
PLACE = {name: place for place, name in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a score."""

    feature: str
    points: float
    zh: str
    en: str


def explain(
    query: ListingFacts, candidate: ListingFacts, features: np.ndarray, contributions: np.ndarray
) -> list[Reason]:
    """Return the reasons of a pair's score, the weightiest first; their points sum to it within rounding.

    :param features: the pair's row of ``pair_features``
    :param contributions: the pair's row of ``Ranker.contributions``, the base last
    """
    supply, demand = (query, candidate) if query.side == "supply" else (candidate, query)
    reasons = [_text(features, contributions), *_attributes(supply, demand, contributions)]
    for name, tell in _TELLERS.items():
        value, points = features[PLACE[name]], float(contributions[PLACE[name]])
        if math.isnan(value):
            if points:
                reasons.append(Reason(name, points, *_UNKNOWN[name]))
            continue
        reasons.append(Reason(name, points, *tell(value, supply, demand)))
    reasons.append(_deliveries(features, contributions))
    reasons.sort(key=lambda reason: -abs(reason.points))
    reasons.append(Reason("base", float(contributions[-1]), "起评分", "Every pair starts with this"))
    return [reason for reason in reasons if reason.points or reason.feature in _ALWAYS_TOLD]


_ALWAYS_TOLD = {"text", "category", "distance", "price"}


def _text(features: np.ndarray, contributions: np.ndarray) -> Reason:
    points = sum(float(contributions[PLACE[name]]) for name in TEXT_FEATURES)
    meaning = max(0.0, float(features[PLACE["embedding"]]))
    words = max(0.0, float(features[PLACE["keyword"]]))
    return Reason(
        "text",
        points,
        f"文字相近：含义 {meaning:.0%}，用词重合 {words:.0%}",
        f"Texts are close: meaning {meaning:.0%}, shared words {words:.0%}",
    )


def _attributes(supply: ListingFacts, demand: ListingFacts, contributions: np.ndarray) -> Iterator[Reason]:
    """Give each attribute its part of the points of all: what is met shares the gain or loss, silence its own."""
    agreements = attribute_agreements(supply, demand)
    points = float(contributions[PLACE["attributes"]])
    silence = float(contributions[PLACE["attributes_unknown"]])
    told = [agreement for agreement in agreements if agreement.is_met is not None]
    silent = [agreement for agreement in agreements if agreement.is_met is None]
    # Gains are the work of attributes that are met, losses of those that are not; with none of the kind, of all.
    at_work = [agreement for agreement in told if agreement.is_met is (points >= 0)] or told or silent
    for agreement in agreements:
        share = points / len(at_work) if agreement in at_work else 0.0
        if silent:
            share += silence / len(silent) if agreement in silent else 0.0
        else:
            share += silence / len(agreements)
        yield Reason(f"attribute.{agreement.attribute}", share, *_attribute_texts(agreement, supply, demand))
    if not agreements and (points or silence):
        yield Reason("attributes", points + silence, "需求未列明参数", "The demand states no attributes")


def definition_of_both(attribute: str, supply: ListingFacts, demand: ListingFacts) -> dict:
    """Return how an attribute is defined, with the labels that either category has for its codes.

    >>> ours = ListingFacts(1, 1, "demand", "", properties={"body": {"title_en": "Body", "labels": {"pp": {"en": "PP"}}}})
    >>> theirs = ListingFacts(2, 2, "supply", "", properties={"body": {"labels": {"wcb": {"en": "Cast steel"}}}})
    >>> definition_of_both("body", theirs, ours)["labels"]
    {'wcb': {'en': 'Cast steel'}, 'pp': {'en': 'PP'}}
    """
    offered, wanted = supply.properties.get(attribute, {}), demand.properties.get(attribute, {})
    return {**offered, **wanted, "labels": {**offered.get("labels", {}), **wanted.get("labels", {})}}


def _attribute_texts(agreement: Agreement, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    definition = definition_of_both(agreement.attribute, supply, demand)
    texts = []
    for language, equal, differs, silent in (
        ("zh", "{title}符合：{offered}", "{title}不同：要 {wanted}，供 {offered}", "{title}未注明（要 {wanted}）"),
        (
            "en",
            "{title} fits: {offered}",
            "{title} differs: {wanted} wanted, {offered} offered",
            "{title} is not stated ({wanted} wanted)",
        ),
    ):
        pattern = {True: equal, False: differs, None: silent}[agreement.is_met]
        texts.append(
            pattern.format(
                title=definition.get(f"title_{language}", agreement.attribute),
                wanted=value_label(agreement.wanted, definition, language),
                offered=value_label(agreement.offered, definition, language),
            )
        )
    return texts[0], texts[1]


def value_label(value: object, definition, language: str) -> str:
    """Return an attribute's value as a reader writes it: labels for codes, a unit behind numbers.

    >>> value_label(50, {"unit": "mm"}, "en"), value_label("ss304", {"labels": {"ss304": {"zh": "304 不锈钢"}}}, "zh")
    ('50 mm', '304 不锈钢')
    """
    if isinstance(value, (list, tuple)):
        return (" / " if language == "en" else "、").join(value_label(item, definition, language) for item in value)
    if isinstance(value, dict):
        ends = (value.get("min"), value.get("max"))
        return "–".join("" if end is None else value_label(end, definition, language) for end in ends)
    if isinstance(value, bool):
        return {True: {"zh": "是", "en": "yes"}, False: {"zh": "否", "en": "no"}}[value][language]
    if isinstance(value, (int, float)):
        return f"{value:g} {definition['unit']}" if definition.get("unit") else f"{value:g}"
    return definition.get("labels", {}).get(str(value), {}).get(language, str(value))


def _category(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    if value >= 1:
        return "类别相同", "Same category"
    if value >= 0.7:
        return "类别从属", "One category lies within the other"
    if value > 0:
        return "同一大类", "Same family of goods"
    return "类别不同", "Different categories"


def _price(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    if value < -SAME_PRICE:
        return f"价格比需方上限高 {-value:.0%}", f"Price is {-value:.0%} above what the buyer would pay"
    if value <= SAME_PRICE:
        return "价格贴着需方上限", "Price is just what the buyer would pay"
    return f"价格合适：比需方上限低 {value:.0%}", f"Price fits: {value:.0%} below what the buyer would pay"


def _quantity(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    if value >= 1:
        wanted = (format_quantity(demand.quantity, demand.unit, language) for language in ("zh", "en"))
        zh, en = wanted
        return f"数量充足（需 {zh}）", f"Enough for the whole quantity ({en})"
    return f"可供数量的 {value:.0%}", f"Covers {value:.0%} of the quantity"


def _distance(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    return f"相距 {value:.0f} 公里", f"{value:.0f} km apart"


def _slack(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    if value >= 0:
        return f"交期有 {value:.0f} 天余量", f"{value:.0f} days of slack before the deadline"
    return f"交期晚 {-value:.0f} 天", f"{-value:.0f} days after the deadline"


def _on_time(value: float, supply: ListingFacts, demand: ListingFacts) -> tuple[str, str]:
    rate, count = supply.on_time_rate, supply.deliveries
    return f"准时交货 {rate:.0%}（{count} 次）", f"Delivers on time {rate:.0%} ({count} deliveries)"


def _deliveries(features: np.ndarray, contributions: np.ndarray) -> Reason:
    value, points = features[PLACE["deliveries"]], float(contributions[PLACE["deliveries"]])
    if math.isnan(value):
        return Reason("deliveries", points, "尚无交货记录", "No delivery record yet")
    count = round(math.expm1(value))
    return Reason("deliveries", points, f"平台交货 {count} 次", f"{count} deliveries on the platform")


_TELLERS = {
    "category": _category,
    "price": _price,
    "quantity": _quantity,
    "distance": _distance,
    "slack": _slack,
    "on_time": _on_time,
}
_UNKNOWN = {
    "category": ("类别未定", "Category is not known"),
    "price": ("价格未注明", "Price is open"),
    "quantity": ("数量未注明", "Quantity is open"),
    "distance": ("地点未注明", "Place is not stated"),
    "slack": ("交期未注明", "Timing is open"),
    "on_time": ("尚无交货记录", "No delivery record yet"),
}
