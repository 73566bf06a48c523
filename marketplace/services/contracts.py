"""The contract of sale (购销合同) of an order as a PDF, clause by clause, in Chinese or English."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import override

from marketplace.models import DealRecord, Order, OrderLine, Organisation, PaymentTerm
from marketplace.papers import Paper
from marketplace.parsing.amount_words import in_chinese, in_english
from marketplace.parsing.regions import place_name
from marketplace.parsing.units import unit_name
from marketplace.templatetags.market import attribute_label, attribute_value, plain_number

# A paper says everything in its own language, whatever the reader's is.
INCOTERMS = {
    "pickup": {"zh": "需方自提", "en": "the buyer collects"},
    "delivered": {"zh": "供方送到", "en": "the seller delivers"},
    "park_handover": {"zh": "园区交收", "en": "handed over in a park"},
}
# What made the contract what it is: it was confirmed, or changed by both.
SEALING = ("order.confirmed", "proposal.confirmed")

CLAUSES: dict[str, dict[str, str]] = {
    "zh": {
        "title": "购销合同",
        "framework_title": "框架购销合同",
        "seller": "供方（卖方）",
        "buyer": "需方（买方）",
        "code": "统一社会信用代码",
        "address": "地址",
        "contact": "联系人",
        "phone": "电话",
        "number": "合同编号",
        "date": "签订日期",
        "revision": "版本",
        "intro": "根据《中华人民共和国民法典》及相关法律法规，双方经平台洽谈并确认，就下列货物或服务的买卖订立本合同，共同遵守。",
        "goods": "一、标的、数量、价款",
        "line": "序号",
        "description": "名称及规格",
        "quantity": "数量",
        "unit": "单位",
        "unit_price": "单价",
        "amount": "金额",
        "net": "不含税金额",
        "tax": "税额（税率 {rate}%）",
        "total": "价税合计",
        "words": "价税合计（大写）",
        "includes": "以上单价均为含税价。",
        "excludes": "以上单价均不含税。",
        "specification": "二、质量要求、技术标准",
        "no_specification": "按国家标准、行业标准执行；双方未约定的，按通常标准或者符合合同目的的特定标准执行。",
        "delivery": "三、交付方式、地点与期限",
        "incoterm": "交付方式",
        "place": "交付地点",
        "window": "交付期限",
        "between": "{start} 至 {end}，可分批交付",
        "inspection": "四、验收标准、方法及期限",
        "inspection_text": (
            "需方按第二条逐项检验，测得值在约定公差内的为合格。在园区交收的，以园区检验记录与双方签署的收货回执为准；"
            "不合格数量由需方选择退货或更换，短少数量按实收计。需方自收货之日起 {days} 日内可提出异议，异议仅冻结有争议部分。"
        ),
        "payment": "五、结算方式及期限",
        "prepaid": "交付期限开始前付清全部价款。",
        "deposit": "交付期限开始前支付合同总价的 {percent}% 作为定金，其余价款于验收时付清。",
        "on_delivery": "货到验收时付清。",
        "net_days": "每批验收之日起 {days} 日内付清该批价款。",
        "invoice": "供方按实际结算金额向需方开具税率为 {rate}% 的增值税发票。",
        "breach": "六、违约责任",
        "breach_text": (
            "逾期交付或逾期付款的，违约方按逾期部分价款每日万分之五支付违约金，累计不超过该部分价款的百分之十；"
            "一方不履行或履行不符合约定的，应承担继续履行、采取补救措施或者赔偿损失等责任。"
        ),
        "change": "七、变更、取消与争议解决",
        "change_text": (
            "数量、价格、期限、地点与付款的变更，以及未交付部分的取消，须经双方在平台确认后生效，并记入交易档案。"
            "发生争议，双方先协商；协商不成的，可请平台依据双方证据、检验与交收记录裁定，或依法向被告住所地人民法院起诉。"
        ),
        "other": "八、其他约定",
        "no_other": "无。",
        "file": "本合同由平台按双方接受的报价生成，交易档案第 {sequence} 条记录的哈希值如下，可离线验证。",
        "sign_seller": "供方（盖章）",
        "sign_buyer": "需方（盖章）",
        "signed": "签字：\n日期：",
        "framework_text": "本合同为框架合同，需方于交付期限内分批提货，每次提货形成单独订单；期满未提部分自行取消。",
    },
    "en": {
        "title": "Contract of sale",
        "framework_title": "Framework contract of sale",
        "seller": "Seller",
        "buyer": "Buyer",
        "code": "Registration code",
        "address": "Address",
        "contact": "Contact",
        "phone": "Phone",
        "number": "Contract",
        "date": "Date",
        "revision": "Version",
        "intro": (
            "The two parties negotiated and confirmed on the platform the sale of the goods or services below, and "
            "conclude this contract under the Civil Code of the People's Republic of China."
        ),
        "goods": "1. Goods, quantities and prices",
        "line": "No.",
        "description": "Description",
        "quantity": "Quantity",
        "unit": "Unit",
        "unit_price": "Unit price",
        "amount": "Amount",
        "net": "Amount without tax",
        "tax": "Tax ({rate}%)",
        "total": "Total",
        "words": "Total in words",
        "includes": "Unit prices include tax.",
        "excludes": "Unit prices are without tax.",
        "specification": "2. Quality and technical standards",
        "no_specification": (
            "National and industry standards hold; where nothing was agreed, the usual standard or the one that serves "
            "the purpose of the contract."
        ),
        "delivery": "3. Delivery",
        "incoterm": "Delivery term",
        "place": "Place",
        "window": "Time",
        "between": "{start} to {end}, in parts if need be",
        "inspection": "4. Inspection and acceptance",
        "inspection_text": (
            "The buyer inspects what clause 2 says; a value within the agreed tolerance passes. Where goods are handed "
            "over in a park, its inspection records and the receipt signed by both parties decide. Of what is rejected "
            "the buyer chooses return or replacement; what is short is settled as received. Within {days} days of "
            "receipt the buyer may dispute a part; only that part is frozen."
        ),
        "payment": "5. Payment",
        "prepaid": "The whole price is paid before the time of delivery begins.",
        "deposit": "A deposit of {percent}% of the total is paid before the time of delivery begins, the rest on acceptance.",
        "on_delivery": "The price is paid on acceptance.",
        "net_days": "The price of each delivery is paid within {days} days of its acceptance.",
        "invoice": "The seller issues VAT invoices at {rate}% for what is settled.",
        "breach": "6. Breach",
        "breach_text": (
            "Who delivers or pays late owes 0.05% a day of the price of the late part, at most 10% of it in all. Who does "
            "not perform as agreed performs, remedies or makes good the loss."
        ),
        "change": "7. Changes, cancellation and disputes",
        "change_text": (
            "Changes of quantity, price, time, place and payment, and the cancellation of what was not delivered, take "
            "effect when both parties confirm them on the platform, and are recorded in the deal file. Disputes are "
            "settled between the parties first; failing that, by the platform on the evidence and the records of "
            "inspection and hand-over, or by the court at the defendant's seat."
        ),
        "other": "8. Further terms",
        "no_other": "None.",
        "file": (
            "The platform made this contract from the offer that both parties agreed on. Record {sequence} of its deal "
            "file has the hash below, which can be verified offline."
        ),
        "sign_seller": "For the seller",
        "sign_buyer": "For the buyer",
        "signed": "Signature:\nDate:",
        "framework_text": (
            "This is a framework contract: the buyer calls off parts of it within the time of delivery, each an order of "
            "its own; what is not called off by its end is cancelled."
        ),
    },
}


def contract_paper(order: Order, language: str) -> bytes:
    """Return the contract of an order as it holds now, the same bytes for the same order."""
    language = "en" if language.startswith("en") else "zh"
    with override("en" if language == "en" else "zh-hans"):
        return _contract(order, language)


def _contract(order: Order, language: str) -> bytes:
    say = CLAUSES[language]
    lines = list(OrderLine.objects.filter(order=order).order_by("position"))
    sealed = DealRecord.objects.filter(order=order, kind__in=SEALING).order_by("-sequence").first()
    paper = Paper(say["framework_title" if order.is_framework else "title"], language, number=order.number)
    signed_on = timezone.localdate(order.confirmed_at).isoformat()
    paper.facts([(say["number"], order.number), (say["date"], signed_on), (say["revision"], str(order.revision))])
    for role in ("seller", "buyer"):
        paper.heading(say[role]).facts(_party(getattr(order, role), language, say))
    paper.paragraph(say["intro"])
    if order.is_framework:
        paper.paragraph(say["framework_text"])
    _goods(paper, order, lines, language, say)
    _specification(paper, order, lines, say)
    _delivery(paper, order, language, say)
    paper.heading(say["inspection"]).paragraph(say["inspection_text"].format(days=Order.DAYS_TO_OBJECT))
    rate = plain_number(order.tax_rate)
    paper.heading(say["payment"]).paragraph(_payment(order, say)).paragraph(say["invoice"].format(rate=rate))
    paper.heading(say["breach"]).paragraph(say["breach_text"])
    paper.heading(say["change"]).paragraph(say["change_text"])
    paper.heading(say["other"]).paragraph(order.note or say["no_other"])
    parties = [
        (say[f"sign_{role}"], f"{_name(getattr(order, role), language)}\n\n{say['signed']}")
        for role in ("seller", "buyer")
    ]
    paper.signatures(parties)
    if sealed:
        paper.note(say["file"].format(sequence=sealed.sequence)).note(sealed.hash)
    return paper.pdf()


def _name(organisation: Organisation, language: str) -> str:
    first, second = organisation.name_zh, organisation.name_en
    return (second or first) if language == "en" else (first or second)


def _party(organisation: Organisation, language: str, say: Mapping[str, str]) -> list[tuple[str, str]]:
    role_free = "Name" if language == "en" else "名称"
    return [
        (role_free, _name(organisation, language)),
        (say["code"], organisation.uscc or organisation.foreign_identifier),
        (say["address"], " ".join(filter(None, [_place(organisation.region, language), organisation.address]))),
        (say["contact"], organisation.contact_name),
        (say["phone"], organisation.contact_phone),
    ]


def _place(region: str, language: str) -> str:
    return place_name(region, language) if region else ""


def _goods(paper: Paper, order: Order, lines: list[OrderLine], language: str, say: Mapping[str, str]) -> None:
    header = [say[name] for name in ("line", "description", "quantity", "unit", "unit_price", "amount")]
    rows = [
        [
            line.position,
            line.description,
            plain_number(line.quantity),
            unit_name(line.unit, language, plural=line.quantity != 1),
            plain_number(line.unit_price),
            f"{line.amount:,.2f}",
        ]
        for line in lines
    ]
    paper.heading(say["goods"]).table(header, rows)
    words = in_english(order.total_amount) if language == "en" else in_chinese(order.total_amount)
    if order.currency != "CNY":
        # 元 is the yuan's word; another currency is named before it.
        words = f"{order.currency} {words}" if language == "en" else f"{order.currency} {words.replace('元', '')}"
    elif language == "en":
        words = f"CNY {words}"
    rate = plain_number(order.tax_rate)
    paper.facts(
        [
            (say["net"], f"{order.currency} {order.net_amount:,.2f}"),
            (say["tax"].format(rate=rate), f"{order.currency} {order.tax_amount:,.2f}"),
            (say["total"], f"{order.currency} {order.total_amount:,.2f}"),
            (say["words"], words),
        ]
    )
    paper.paragraph(say["includes" if order.price_includes_tax else "excludes"])


def _specification(paper: Paper, order: Order, lines: list[OrderLine], say: Mapping[str, str]) -> None:
    paper.heading(say["specification"])
    listing = order.supply or order.demand
    schema = listing.category.schema.get("properties", {}) if listing and listing.category else {}
    told = False
    for line in lines:
        attributes = (line.specification or {}).get("attributes") or {}
        text = (line.specification or {}).get("text") or ""
        facts = [
            (attribute_label(key, schema.get(key, {})), _attribute(rule, schema.get(key, {})))
            for key, rule in attributes.items()
        ]
        if facts or text:
            told = True
            paper.paragraph(f"{line.position}. {line.description}").facts(facts)
            if text:
                paper.paragraph(text)
    if not told:
        paper.paragraph(say["no_specification"])


def _attribute(rule: Any, schema: Mapping[str, Any]) -> str:
    value = rule.get("value") if isinstance(rule, Mapping) else rule
    if isinstance(value, str) or not isinstance(rule, Mapping):
        return attribute_value(value, schema)
    unit = rule.get("unit", "")
    ends = [str(rule[end]) for end in ("min", "max") if rule.get(end) is not None]
    if ends and rule.get("value") is None:
        shown = " – ".join(ends) if len(ends) == 2 else f"{'≥' if 'min' in rule else '≤'} {ends[0]}"
        return f"{shown} {unit}".strip()
    tolerance = f" ± {rule['tolerance']}" if rule.get("tolerance") is not None else ""
    return f"{rule.get('value', '')}{tolerance} {unit}".strip()


def _delivery(paper: Paper, order: Order, language: str, say: Mapping[str, str]) -> None:
    park = order.park and (
        (order.park.name_en or order.park.name_zh) if language == "en" else (order.park.name_zh or order.park.name_en)
    )
    place = " ".join(filter(None, [park, _place(order.region, language), order.address]))
    window = say["between"].format(start=order.window_start.isoformat(), end=order.window_end.isoformat())
    paper.heading(say["delivery"]).facts(
        [
            (say["incoterm"], INCOTERMS.get(order.incoterm, {}).get(language, order.incoterm)),
            (say["place"], place),
            (say["window"], window),
        ]
    )


def _payment(order: Order, say: Mapping[str, str]) -> str:
    if order.payment_term == PaymentTerm.NET:
        return say["net_days"].format(days=order.payment_days)
    return say[order.payment_term].format(percent=plain_number(order.deposit_percent))
