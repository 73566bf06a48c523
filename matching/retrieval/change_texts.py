"""What a change of a listing is called, in Chinese and English."""

from collections.abc import Callable

from marketplace.parsing.certificates import certificate_name
from marketplace.parsing.regions import place_name
from marketplace.parsing.units import format_quantity
from matching.ranking.explanation import value_label
from matching.ranking.facts import ListingFacts
from matching.retrieval.changes import Change
from matching.retrieval.eligibility import price_terms

_FIGURES = {"minimum_order": ("起订量", "Minimum order"), "quantity": ("数量", "Quantity")}
_PRICES = {"price_min": ("最低价", "Lowest price"), "price_max": ("最高价", "Highest price")}
_DAYS = {"window_start": ("开始日期", "Start"), "window_end": ("截止日期", "End")}


def change_texts(change: Change, facts: ListingFacts) -> tuple[str, str]:
    """Return what is to be changed, in Chinese and in English.

    >>> rods = ListingFacts(id=1, organisation=1, side="supply", text="", unit="t", minimum_order=25)
    >>> change_texts(Change("minimum_order", 25, 20.0, 0.2), rods)
    ('起订量 25 吨 → 20 吨', 'Minimum order 25 t → 20 t')
    """
    teller = _attribute if change.attribute else _TELLERS[change.field]
    return teller(change, facts, "zh"), teller(change, facts, "en")


def _named(names: tuple[str, str], language: str) -> str:
    return names[language == "en"]


def _figure(change: Change, facts: ListingFacts, language: str) -> str:
    now, then = (format_quantity(value, facts.unit, language) for value in (change.now, change.then))
    return f"{_named(_FIGURES[change.field], language)} {now} → {then}"


def _price(change: Change, facts: ListingFacts, language: str) -> str:
    currency, unit = price_terms(facts)
    share = (change.then - change.now) / change.now if change.now else 0.0
    per = f"/{unit}" if unit else ""
    name = _named(_PRICES[change.field], language)
    # So small a share as to show as nothing is told as it is.
    told = f"{share:+.1%}" if abs(share) >= 0.0005 else f"{share:+.3%}"
    return f"{name} {told.replace('-', '−')} ({change.now:,g} → {change.then:,g} {currency}{per})"


def _day(change: Change, facts: ListingFacts, language: str) -> str:
    return f"{_named(_DAYS[change.field], language)} {change.now} → {change.then}"


def _lead(change: Change, facts: ListingFacts, language: str) -> str:
    return (
        f"Lead time {change.now} → {change.then} days"
        if language == "en"
        else f"供货周期 {change.now} → {change.then} 天"
    )


def _places(change: Change, facts: ListingFacts, language: str) -> str:
    name = place_name(change.then[-1], language)
    if facts.side == "supply":
        return f"Also deliver to {name}" if language == "en" else f"供货范围加上{name}"
    return f"Also take delivery in {name}" if language == "en" else f"也可在{name}交货"


def _certificates(change: Change, facts: ListingFacts, language: str) -> str:
    names = ", ".join(certificate_name(code, language) for code in sorted(change.then - (change.now or frozenset())))
    return f"Hold a valid certificate: {names}" if language == "en" else f"具备有效证书：{names}"


def _required(change: Change, facts: ListingFacts, language: str) -> str:
    names = ", ".join(certificate_name(code, language) for code in sorted(change.now - change.then))
    return f"Do without the certificate: {names}" if language == "en" else f"不要求证书：{names}"


def _attribute(change: Change, facts: ListingFacts, language: str) -> str:
    definition = facts.properties.get(change.attribute, {})
    title = definition.get(f"title_{language}", change.attribute)
    now, then = (value_label(value, definition, language) for value in (change.now, change.then))
    if facts.side == "supply":
        return f"{title}: offer {then} besides {now}" if language == "en" else f"{title}：除 {now} 外再供 {then}"
    return f"{title}: take {then} in place of {now}" if language == "en" else f"{title}：接受 {then} 代替 {now}"


_TELLERS: dict[str, Callable[[Change, ListingFacts, str], str]] = {
    **dict.fromkeys(_FIGURES, _figure),
    **dict.fromkeys(_PRICES, _price),
    **dict.fromkeys(_DAYS, _day),
    "lead_days": _lead,
    "delivery_regions": _places,
    "certificates": _certificates,
    "required_certificates": _required,
}
