"""How traders write: titles and texts of listings, in Chinese and in English (no Django here)."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

from marketplace.parsing.glossary import certificates
from marketplace.parsing.regions import regions
from marketplace.parsing.units import unit_name
from seeds.phrases import Phrase, lowered
from seeds.trades import Trade

_CURRENCY = {"CNY": ("元", "CNY"), "USD": ("美元", "USD")}
# Machines are counted by 台, parts and garments by 件, other goods by 只.
_COUNTED = (
    ("台", ("pump.", "tea_machine.", "bio_equipment.", "actuator.", "e_drive.", "charging.", "general_part.motor")),
    ("件", ("auto_structure.", "garment.", "valve_pump_part.", "power_electronics.", "thermal.", "auto_electronics.")),
)
Phrases = Mapping[str, Phrase]


def title_zh(trade: Trade, phrases: Phrases) -> str:
    """Return the goods as a Chinese trader heads an offer: `304 不锈钢法兰球阀 DN50 PN16`."""
    head = ""
    for piece in (*(phrases[key].head_zh for key in trade.prefix), trade.category.name_zh):
        # Two figures or latin words need a blank between them, Chinese words do not.
        head += f" {piece}" if head and head[-1].isascii() and piece[0].isascii() else piece
    return _sizes(" ".join((head, *(phrases[key].tail_zh for key in trade.suffix))))


def title_en(trade: Trade, phrases: Phrases) -> str:
    """Return the goods as an English offer is headed: `Stainless steel 304 flanged ball valve DN50 PN16`."""
    pieces = [phrases[key].head_en for key in trade.prefix]
    pieces = [piece for piece in pieces if piece]
    name = trade.category.name_en
    head = [*pieces[:1], *(lowered(piece) for piece in pieces[1:]), lowered(name) if pieces else name]
    return _sizes(" ".join((*head, *filter(None, (phrases[key].tail_en for key in trade.suffix)))))


def _sizes(title: str) -> str:
    """Write the sizes of goods as one: 0.5 mm 140 mm -> 0.5×140 mm."""
    return _TWO_SIZES.sub(r"\1×\2", title) if " mm " in title else title


_TWO_SIZES = re.compile(r"(\d) mm (φ?\d[\d.]*(?= mm))")


def details(trade: Trade, phrases: Phrases) -> tuple[str, str]:
    """Return what the titles leave unsaid, zh and en: `，阀座材料 聚四氟乙烯 PTFE，最高使用温度 180 °C`."""
    rest = [phrase for key, phrase in phrases.items() if key not in trade.prefix and key not in trade.suffix]
    return "".join([phrase.detail_zh for phrase in rest]), "".join([phrase.detail_en for phrase in rest])


@cache
def unit_zh(unit: str, category: str = "") -> str:
    if unit == "piece":
        return next((word for word, codes in _COUNTED if category.startswith(codes)), "只")
    return unit_name(unit, "zh")


@cache
def unit_en(unit: str, *, plural: bool = False) -> str:
    return unit_name(unit, "en", plural=plural)


@cache
def place_name(code: str) -> tuple[str, str]:
    """Return a county with the prefecture or province above it, zh and en.

    >>> place_name("331083")
    ('浙江台州玉环', 'Yuhuan, Zhejiang')
    """
    region, province = regions()[code], regions()[f"{code[:2]}0000"]
    prefecture = regions().get(f"{code[:4]}00")
    middle = _bare(prefecture.name_zh) if prefecture and prefecture.code not in (code, province.code) else ""
    return f"{_bare(province.name_zh)}{middle}{_bare(region.name_zh)}", f"{region.name_en}, {province.name_en}"


def _bare(name: str) -> str:
    return re.sub(r"(?:省|市|新区|县|区)$", "", name) if len(name) > 2 else name


@cache
def certificate_names(codes: tuple[str, ...], are_held: bool) -> tuple[str, str]:  # noqa: FBT001 -- a key of the cache
    """Return the sentence that names certificates, held or asked for, zh and en."""
    named = [certificates()[code] for code in codes]
    zh, en = "、".join(entry.zh for entry in named), ", ".join(entry.en for entry in named)
    return (f"持有{zh}。", f" Certificates: {en}.") if are_held else (f"须有{zh}。", f" Required: {en}.")


def price_text(low: float | None, high: float | None, currency: str, unit: str, category: str = "") -> tuple[str, str]:
    """Return a price as people write it, zh and en.

    >>> price_text(98, 112, "CNY", "piece"), price_text(None, 120, "CNY", "piece")
    (('98–112 元/只', 'CNY 98–112 per piece'), ('不超过 120 元/只', 'at most CNY 120 per piece'))
    """
    zh, en = _CURRENCY[currency]
    if low is None:
        return f"不超过 {high:.12g} {zh}/{unit_zh(unit, category)}", f"at most {en} {high:,.12g} per {unit_en(unit)}"
    span = f"{low:.12g}" if high in (None, low) else f"{low:.12g}–{high:.12g}"
    return f"{span} {zh}/{unit_zh(unit, category)}", f"{en} {span} per {unit_en(unit)}"


SUPPLY_ZH = (
    "{title}{details}。可供 {quantity} {unit}，{minimum} {unit}起订，{price}，{lead} 天内从{place}发货。{certificates}",
    "供应{title}{details}。库存 {quantity} {unit}，起订量 {minimum} {unit}，含税价 {price}，交期 {lead} 天，{place}。{certificates}",
    "厂家直供：{title}{details}；现有 {quantity} {unit}，最少 {minimum} {unit}，{price}，{place}出货，{lead} 天交货。{certificates}",
)
SUPPLY_EN = (
    "{title}{details}. {quantity} {unit} available, minimum order {minimum}, {price}, ships from {place} within {lead} days.{certificates}",
    "We supply {title}{details}. Stock {quantity} {unit}, MOQ {minimum}, {price} incl. VAT, lead time {lead} days, {place}.{certificates}",
    "Direct from the maker: {title}{details}; {quantity} {unit} on hand, at least {minimum}, {price}, delivered in {lead} days from {place}.{certificates}",
)
DEMAND_ZH = (
    "求购{title}{details}，{quantity} {unit}，{price}，{by}前送到{place}。{certificates}",
    "采购：{title}{details}。数量 {quantity} {unit}，预算{price}，交货地{place}，{by}前到货。{certificates}",
    "我司需要{title}{details}，共 {quantity} {unit}，{by}之前交到{place}，{price}。{certificates}",
)
DEMAND_EN = (
    "Wanted: {title}{details}, {quantity} {unit}, {price}, to be delivered to {place} by {by}.{certificates}",
    "We are buying {title}{details}. Quantity {quantity} {unit}, {price}, to {place}, needed by {by}.{certificates}",
    "Our plant needs {title}{details}, {quantity} {unit} in all, at {place} by {by}, {price}.{certificates}",
)


def write_texts(
    trade: Trade,
    phrases: Phrases,
    listing: Mapping[str, object],
    *,
    place: str,
    certificates: Sequence[str],
    style: int,
) -> dict[str, str]:
    """Return titles and texts in both languages for a listing whose other fields are settled."""
    is_supply, code = listing["side"] == "supply", trade.category.code
    unit, quantity = listing["unit"], listing["quantity"]
    by: date | None = listing.get("window_end")
    price_zh, price_en = price_text(
        listing.get("price_min"), listing.get("price_max"), listing["currency"], listing["price_unit"], code
    )
    heads, rest, (place_zh, place_en) = (
        (title_zh(trade, phrases), title_en(trade, phrases)),
        details(trade, phrases),
        place_name(place),
    )
    named = certificate_names(tuple(certificates), is_supply) if certificates else ("", "")
    common = {
        "quantity": f"{quantity:.12g}",
        "minimum": f"{listing.get('minimum_order', 0):.12g}",
        "lead": listing.get("lead_days", 0),
    }
    zh = (SUPPLY_ZH if is_supply else DEMAND_ZH)[style].format_map(
        {
            **common,
            "title": heads[0],
            "details": rest[0],
            "unit": unit_zh(unit, code),
            "price": price_zh,
            "place": place_zh,
            "by": f"{by.year} 年 {by.month} 月 {by.day} 日",
            "certificates": named[0],
        }
    )
    en = (SUPPLY_EN if is_supply else DEMAND_EN)[style].format_map(
        {
            **common,
            "title": heads[1],
            "details": rest[1],
            "unit": unit_en(unit, plural=quantity != 1),
            "price": price_en,
            "place": place_en,
            "by": by.isoformat(),
            "certificates": named[1],
        }
    )
    return {"title_zh": heads[0], "title_en": heads[1], "text_zh": zh, "text_en": en}
