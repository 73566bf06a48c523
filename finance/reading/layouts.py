"""Which columns a file of each kind of record has, under which headings in Chinese and English.

The first heading in each language is the one of the template; the others are what tax software, banks and spreadsheets
call the same thing. Headings are compared without blanks, brackets' contents and capital letters.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from finance.reading.problems import FileRefused

SALES, PURCHASES, PAYMENT, DELIVERY, PRODUCTION = KINDS = ("sales", "purchases", "payment", "delivery", "production")
INVOICES = (SALES, PURCHASES)


@dataclass(frozen=True)
class Column:
    """One column: the field it fills, what it may be called, and what the template says of it."""

    field: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    example: str
    help_zh: str = ""
    help_en: str = ""
    is_needed: bool = False


def _column(
    field: str, zh: str, en: str, example: str, help_zh: str = "", help_en: str = "", *, needed: bool = False
) -> Column:
    return Column(field, tuple(zh.split("|")), tuple(en.split("|")), example, help_zh, help_en, is_needed=needed)


_FIRM = _column(
    "firm", "企业代号|企业代码|本方税号", "firm|enterprise|firm code", "",
    "只有一家企业的文件可以没有此列", "may be missing in a file of one firm",
)  # fmt: skip
_CURRENCY = _column("currency", "币种|货币", "currency", "CNY")
_REFERENCE = _column(
    "reference", "订单号|合同号|合同编号|订单编号", "order|order number|contract|reference", "",
    "所属订单或合同，用于三单匹配", "the order or contract it belongs to; deliveries and invoices are matched by it",
)  # fmt: skip
_GOODS = _column(
    "goods", "货物名称|商品名称|货物或应税劳务名称|项目名称|品名|产品|产品名称", "goods|item|product", "球阀 DN50"
)
_QUANTITY = _column("quantity", "数量|件数", "quantity|qty", "10")
_UNIT = _column("unit", "单位|计量单位", "unit", "只")
_NET = _column(
    "net_amount", "金额|不含税金额|合计金额", "net amount|amount|amount without tax|net", "9401.71", needed=True
)
_TAX = _column("tax_amount", "税额|合计税额", "tax|tax amount|vat", "1598.29")
_TOTAL = _column(
    "total_amount",
    "价税合计|含税金额",
    "total|total amount|gross amount",
    "11000.00",
    "金额与税额之和",
    "the sum of amount and tax",
)


def _invoice(code: str, name: str, en: str) -> tuple[Column, ...]:
    return (
        _FIRM,
        _column("invoice_code", "发票代码", "invoice code", "", "纸质发票才有", "of paper invoices only"),
        _column("number", "发票号码|数电票号码|数电发票号码|发票号", "invoice number|invoice|number", "11459356", needed=True),
        _column("occurred_on", "开票日期|日期", "invoice date|date|issued on", "2026/1/5", needed=True),
        _column("counterparty_code", code, f"{en} code|{en}|{en} id|{en} tax number", "", "统一社会信用代码，或您自己的编号", "unified social credit code, or your own number"),
        _column("counterparty_name", name, f"{en} name", ""),
        _NET,
        _TAX,
        _TOTAL,
        _column("state", "发票状态|状态", "status|state|invoice status", "有效发票", "有效发票或作废发票", "valid or void"),
        _GOODS,
        _QUANTITY,
        _UNIT,
        _CURRENCY,
        _REFERENCE,
    )  # fmt: skip


LAYOUTS: dict[str, tuple[Column, ...]] = {
    SALES: _invoice(
        "购方单位代号|购方识别号|购方税号|购买方识别号|购买方纳税人识别号", "购方名称|购买方名称|购方单位名称|客户", "buyer"
    ),
    PURCHASES: _invoice(
        "销方单位代号|销方识别号|销方税号|销售方识别号|销售方纳税人识别号", "销方名称|销售方名称|销方单位名称|供应商", "seller"
    ),
    PAYMENT: (
        _FIRM,
        _column("number", "流水号|交易流水号|凭证号|交易号", "serial number|number|transaction|serial", "20260105000123"),
        _column("occurred_on", "交易日期|日期|记账日期|入账日期|交易时间", "date|transaction date|booking date", "2026-01-05", needed=True),
        _column("counterparty_code", "对方代号|对方税号|对方识别号", "counterparty code|counterparty id", ""),
        _column("counterparty_name", "对方户名|对方名称|对方单位", "counterparty|counterparty name|name", "台州水泵有限公司"),
        _column("direction", "收付|收支|方向|借贷标志|收/付", "direction|in or out", "收", "收或付；有收入、支出两列时不需要", "in or out; not needed where there are two columns of amounts"),
        _column("total_amount", "金额|交易金额|发生额", "amount|total", "11000.00"),
        _column("amount_in", "收入金额|贷方发生额|贷方金额|收入", "received|credit|amount in", ""),
        _column("amount_out", "支出金额|借方发生额|借方金额|支出", "paid|debit|amount out", ""),
        _column("goods", "摘要|用途|附言", "purpose|text|remark", "货款"),
        _CURRENCY,
        _REFERENCE,
    ),
    DELIVERY: (
        _FIRM,
        _column("number", "运单号|送货单号|单号|出库单号|入库单号", "delivery number|number|waybill", "SH-0001"),
        _column("occurred_on", "发货日期|签收日期|日期|送货日期|到货日期", "date|delivery date|delivered on", "2026-01-04", needed=True),
        _column("direction", "收发|方向|类型", "direction|in or out", "发货", "发货或收货", "out or in", needed=True),
        _column("counterparty_code", "对方代号|对方税号|客户代号|供应商代号", "counterparty code|counterparty id", ""),
        _column("counterparty_name", "对方名称|收货单位|客户|发货单位|供应商", "counterparty|counterparty name|name", "台州水泵有限公司"),
        _GOODS,
        Column("quantity", _QUANTITY.zh, _QUANTITY.en, "10", is_needed=True),
        _UNIT,
        _column("net_amount", "金额|货值|不含税金额", "amount|value|net amount", "", "货值，可不填", "value of the goods, may be missing"),
        _CURRENCY,
        _REFERENCE,
    ),
    PRODUCTION: (
        _FIRM,
        _column("number", "工单号|批号|生产单号", "work order|batch|number", "WO-0001"),
        _column("occurred_on", "生产日期|完工日期|日期|入库日期", "date|made on|production date", "2026-01-03", needed=True),
        Column("goods", _GOODS.zh, _GOODS.en, _GOODS.example, is_needed=True),
        Column("quantity", _QUANTITY.zh, _QUANTITY.en, "10", is_needed=True),
        _UNIT,
        _column("net_amount", "产值|金额", "value|amount", "", "产值，可不填", "value of what was made, may be missing"),
        _CURRENCY,
        _REFERENCE,
    ),
}  # fmt: skip

BRACKETS = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")
BLANKS = re.compile(r"[\s_*：:]+")


def plain(heading: str) -> str:
    """Return a heading as it is compared.

    >>> plain(" 价税合计（元）"), plain("Invoice_Number *")
    ('价税合计', 'invoicenumber')
    """
    return BLANKS.sub("", BRACKETS.sub("", unicodedata.normalize("NFKC", heading).replace("\ufeff", ""))).lower()


@dataclass(frozen=True)
class Places:
    """Where the fields of a kind stand in the rows of one file, and under which heading."""

    place: dict[str, int]
    heading: dict[str, str]
    width: int

    def __contains__(self, field: str) -> bool:
        return field in self.place


def find_columns(row: Sequence[str], kind: str) -> Places:
    """Return where each field of the kind stands in a file with this row of headings.

    :raises FileRefused: naming the headings that are missing

    >>> find_columns(["企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态"], "sales").place["net_amount"]
    4
    """
    names = [plain(str(cell)) for cell in row]
    place: dict[str, int] = {}
    missing = []
    for column in LAYOUTS[kind]:
        # The order of the aliases decides where a file has two of them: 发货日期 before 日期.
        found = (names.index(plain(name)) for name in (*column.zh, *column.en) if plain(name) in names)
        at = next((at for at in found if at not in place.values()), None)
        if at is not None:
            place[column.field] = at
        elif column.is_needed:
            missing.append(column)
    if kind in INVOICES and not {"tax_amount", "total_amount"} & place.keys():
        missing.append(_TAX)
    if kind == PAYMENT and not ("total_amount" in place or {"amount_in", "amount_out"} & place.keys()):
        missing.append(next(column for column in LAYOUTS[PAYMENT] if column.field == "total_amount"))
    if missing:
        zh, en = "、".join(column.zh[0] for column in missing), ", ".join(column.en[0] for column in missing)
        raise FileRefused("no_column", f"缺少列：{zh}。", f"These columns are missing: {en}.", field=missing[0].zh[0])
    heading = {field: str(row[at]).strip() for field, at in place.items()}
    return Places(place, heading, len(row))


def template(kind: str, *, english: bool) -> list[tuple[str, str, str]]:
    """Return heading, example and advice of each column of a file of one firm."""
    columns = [column for column in LAYOUTS[kind] if column.field != "firm"]
    if english:
        return [(column.en[0], column.example, column.help_en) for column in columns]
    return [(column.zh[0], column.example, column.help_zh) for column in columns]
