"""Say in both languages what moved a score: the firm's own value, beside what is usual."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from finance.scoring.scorecard import Scorecard

NO_RECORDS = "no_records"
FAMILIES = {
    "scale": ("Sales", "销售规模"),
    "contracts": ("Size of contracts", "合同规模"),
    "continuity": ("Steadiness", "经营连续性"),
    "history": ("Length of record", "经营时长"),
    "voids": ("Cancelled invoices", "发票作废"),
    "customers": ("Customers", "客户"),
    "purchases": ("Purchases", "采购"),
    "mix": ("What is traded", "业务构成"),
    NO_RECORDS: ("No records", "无交易记录"),
}  # fmt: skip
SAID = {
    "sales_per_quarter": ("sells {value} CNY in a typical quarter (usual: {usual})", "常规季度销售额{value}元（同类常值{usual}元）"),
    "sale_invoices_per_month": ("issues {value} sales invoices in a typical month (usual: {usual})", "常规月份开具销项发票{value}张（常值{usual}张）"),
    "large_sale": ("its third largest sales invoice is {value} CNY (usual: {usual})", "第三大销项发票金额{value}元（常值{usual}元）"),
    "months_with_sales": ("sold in {value} of the months (usual: {usual})", "{value}的月份有销售（常值{usual}）"),
    "sales_swing": ("its monthly sales swing by {value} of their mean (usual: {usual})", "月销售额波动为均值的{value}（常值{usual}）"),
    "sales_history": ("its first sale on record is {value} months back (usual: {usual})", "首笔销售记录距今{value}个月（常值{usual}个月）"),
    "void_sales": ("{value} of its sales invoices were cancelled (usual: {usual})", "销项发票作废率{value}（常值{usual}）"),
    "customers_per_month": ("sells to {value} customers in a typical month (usual: {usual})", "常规月份有{value}家客户（常值{usual}家）"),
    "purchases_per_quarter": ("buys for {value} CNY in a typical quarter (usual: {usual})", "常规季度采购额{value}元（常值{usual}元）"),
    "goods_in_sales": ("{value} of its sales invoices are for goods at the full VAT rate (usual: {usual})", "销项发票中{value}为基本税率货物（常值{usual}）"),
    "goods_in_purchases": ("{value} of its purchase invoices are for goods at the full VAT rate (usual: {usual})", "进项发票中{value}为基本税率货物（常值{usual}）"),
}  # fmt: skip
UNKNOWN = {
    "void_sales": ("no sales invoice to judge by", "没有可供判断的销项发票"),
    "goods_in_sales": ("no sales invoice to judge by", "没有可供判断的销项发票"),
    "goods_in_purchases": ("no purchase invoice to judge by", "没有可供判断的进项发票"),
}


@dataclass(frozen=True)
class Reason:
    """One family's part in a score: whole points as shown, the exact ones, and a sentence in each language."""

    feature: str
    points: int
    exact: float
    zh: str
    en: str

    def to_dict(self) -> dict:
        return {"feature": self.feature, "points": self.points, "exact": self.exact, "zh": self.zh, "en": self.en}


def sentence(card: Scorecard, family: str, features: Mapping[str, float]) -> tuple[str, str]:
    """Return what the family says of this firm, in Chinese and in English, with its own values."""
    if family == NO_RECORDS:
        return (
            "无交易记录：没有可供评估的记录，该分数仅表示一无所知。",
            "No records: nothing is known of the firm's trade, and the score says only that.",
        )
    said_zh, said_en = [], []
    for term in card.terms:
        if term.feature.family != family:
            continue
        value = float(features[term.name])
        en, zh = UNKNOWN[term.name] if math.isnan(value) and term.name in UNKNOWN else SAID[term.name]
        unit = term.feature.unit
        said_en.append(en.format(value=show_en(unit, value), usual=show_en(unit, term.usual())))
        said_zh.append(zh.format(value=show_zh(unit, value), usual=show_zh(unit, term.usual())))
    name_en, name_zh = FAMILIES[family]
    return f"{name_zh}：{'，'.join(said_zh)}。", f"{name_en}: {'; '.join(said_en)}."


def show_en(unit: str, value: float) -> str:
    """Write a value of a unit in English.

    >>> show_en("cny", 1234567.0), show_en("share", 0.256), show_en("months", 24.0), show_en("count", 3.24)
    ('1.23 million', '26%', '24', '3.2')
    """
    if unit == "cny":
        return f"{value / 1e6:,.2f} million" if value >= 1e6 else f"{value:,.0f}"
    return show_zh(unit, value)


def show_zh(unit: str, value: float) -> str:
    """Write a value of a unit in Chinese.

    >>> show_zh("cny", 1234567.0), show_zh("share", 0.005), show_zh("count", 120.4)
    ('123.5万', '0.5%', '120')
    """
    if unit == "cny":
        return f"{value / 1e4:,.1f}万" if value >= 1e4 else f"{value:,.0f}"
    if unit == "share":
        return f"{value:.0%}" if value >= 0.02 or value == 0 else f"{value:.1%}"
    if unit == "months":
        return f"{value:.0f}"
    return f"{value:,.0f}" if value >= 20 else f"{value:,.1f}"
