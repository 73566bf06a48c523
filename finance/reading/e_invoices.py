"""One electronic invoice in XML -> a fact: China's fully digital invoice (数电票) and UBL 2.1 Invoice and CreditNote."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from lxml import etree

from finance.reading import values
from finance.reading.facts import Fact, check_total
from finance.reading.layouts import INVOICES, SALES
from finance.reading.problems import FileRefused, ValueRefused

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
UBL_INVOICE = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
UBL_CREDIT_NOTE = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"


def is_xml(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_e_invoice(content: bytes, kind: str, *, today: date, own: Collection[str] = ()) -> Fact:
    """Return the invoice in an XML file as a fact of its seller (``sales``) or buyer (``purchases``).

    :param own: codes and names of the firm that hands it in; an invoice between others is refused
    :raises FileRefused: if it is no such XML, is not complete, or is not this firm's
    """
    if kind not in INVOICES:
        raise FileRefused("no_table", "这类记录请用 CSV 或 XLSX。", "Records of this kind come as CSV or XLSX.")
    root = _parse(content)
    if root.tag in (UBL_INVOICE, UBL_CREDIT_NOTE):
        said = _read_ubl(root)
    elif etree.QName(root).localname == "EInvoice":
        said = _read_fully_digital(root)
    else:
        raise FileRefused(
            "no_invoice",
            f"“{etree.QName(root).localname}”不是数电票或 UBL 2.1 发票。",
            f"“{etree.QName(root).localname}” is neither a fully digital invoice nor a UBL 2.1 invoice.",
        )
    return _fact(said, kind, today, {one.strip().upper() for one in own if one and one.strip()})


def _parse(content: bytes) -> etree._Element:
    # Entities stay unread and nothing is fetched: the file is a stranger's.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileRefused("no_xml", "XML 无法读取。", f"The XML cannot be read: {error}.") from error
    if root.getroottree().docinfo.doctype:
        raise FileRefused("no_xml", "带有 DOCTYPE 的 XML 不予接收。", "XML with a document type is not taken.")
    return root


def _text(node: etree._Element | None, *paths: str) -> str:
    for path in paths:
        found = None if node is None else node.findtext(path)
        if found and found.strip():
            return found.strip()
    return ""


def _read_fully_digital(root: etree._Element) -> dict[str, str]:
    """Return what an EInvoice of the tax authority's platform says; its names, without a namespace."""
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    data, basic = root.find("EInvoiceData"), root.find("EInvoiceData/BasicInformation")
    item = root.find("EInvoiceData/IssuItemInformation")
    several = len(root.findall("EInvoiceData/IssuItemInformation")) > 1
    return {
        "number": _text(root, "TaxSupervisionInfo/InvoiceNumber", "Header/EIid"),
        "occurred_on": _text(root, "TaxSupervisionInfo/IssueTime") or _text(basic, "RequestTime"),
        "seller_code": _text(data, "SellerInformation/SellerIdNum"),
        "seller_name": _text(data, "SellerInformation/SellerName"),
        "buyer_code": _text(data, "BuyerInformation/BuyerIdNum"),
        "buyer_name": _text(data, "BuyerInformation/BuyerName"),
        "net_amount": _text(basic, "TotalAmWithoutTax"),
        "tax_amount": _text(basic, "TotalTaxAm"),
        "total_amount": _text(basic, "TotalTax-includedAmount"),
        "currency": "CNY",
        "goods": _text(item, "ItemName"),
        "quantity": "" if several else _text(item, "Quantity"),
        "unit": "" if several else _text(item, "MeaUnits"),
        "reference": "",
    }


def _read_ubl(root: etree._Element) -> dict[str, str]:
    credit = root.tag == UBL_CREDIT_NOTE
    total = root.find(f"{CAC}LegalMonetaryTotal")
    lines = root.findall(f"{CAC}{'CreditNoteLine' if credit else 'InvoiceLine'}")
    quantity = (
        lines[0].find(f"{CBC}{'CreditedQuantity' if credit else 'InvoicedQuantity'}") if len(lines) == 1 else None
    )
    net, with_tax = _text(total, f"{CBC}TaxExclusiveAmount"), _text(total, f"{CBC}TaxInclusiveAmount")
    sign = "-" if credit else ""
    return {
        "number": _text(root, f"{CBC}ID"),
        "occurred_on": _text(root, f"{CBC}IssueDate"),
        **_party(root, "seller", "AccountingSupplierParty"),
        **_party(root, "buyer", "AccountingCustomerParty"),
        "net_amount": net and sign + net,
        "tax_amount": (tax := _text(root, f"{CAC}TaxTotal/{CBC}TaxAmount")) and sign + tax,
        "total_amount": with_tax and sign + with_tax,
        "currency": _text(root, f"{CBC}DocumentCurrencyCode") or "CNY",
        "goods": _text(lines[0] if lines else None, f"{CAC}Item/{CBC}Name"),
        "quantity": "" if quantity is None else sign + (quantity.text or ""),
        "unit": "" if quantity is None else quantity.get("unitCode", ""),
        "reference": _text(root, f"{CAC}OrderReference/{CBC}ID"),
    }


def _party(root: etree._Element, side: str, role: str) -> dict[str, str]:
    party = root.find(f"{CAC}{role}/{CAC}Party")
    code = _text(
        party,
        f"{CAC}PartyTaxScheme/{CBC}CompanyID",
        f"{CAC}PartyLegalEntity/{CBC}CompanyID",
        f"{CAC}PartyIdentification/{CBC}ID",
        f"{CBC}EndpointID",
    )
    name = _text(party, f"{CAC}PartyLegalEntity/{CBC}RegistrationName", f"{CAC}PartyName/{CBC}Name")
    return {f"{side}_code": code, f"{side}_name": name}


def _require(said: dict[str, str], *fields: str) -> None:
    for field in fields:
        if not said[field]:
            raise ValueRefused("empty", "发票上没有此项。", "The invoice does not say it.", field=field)


def _fact(said: dict[str, str], kind: str, today: date, own: set[str]) -> Fact:
    mine, other = ("seller", "buyer") if kind == SALES else ("buyer", "seller")
    if own and not {said[f"{mine}_code"].upper(), said[f"{mine}_name"].upper()} & own:
        zh, en = ("销售方", "seller") if kind == SALES else ("购买方", "buyer")
        name = said[f"{mine}_name"] or said[f"{mine}_code"]
        raise FileRefused(
            "not_yours", f"发票的{zh}是“{name}”，不是贵公司。", f"The {en} of this invoice is “{name}”, not your firm."
        )
    field = ""
    try:
        _require(said, "number", "occurred_on", "net_amount", "total_amount")
        field = "occurred_on"
        occurred_on = values.day(said["occurred_on"], today)
        field = "net_amount"
        net, total = values.amount(said["net_amount"]), values.amount(said["total_amount"])
        tax = values.amount(said["tax_amount"]) if said["tax_amount"] else total - net
        check_total(net, tax, total)
        field = "quantity"
        quantity: Decimal | None = values.quantity(said["quantity"]) if said["quantity"] else None
    except ValueRefused as refused:
        raise FileRefused(refused.reason, refused.zh, refused.en, field=refused.field or field) from refused
    return Fact(
        line=1,
        kind=kind,
        invoice_code="",
        number=said["number"][:60],
        occurred_on=occurred_on,
        counterparty_code=(said[f"{other}_code"] or said[f"{other}_name"])[:200],
        counterparty_name=said[f"{other}_name"][:200],
        direction="",
        net_amount=net,
        tax_amount=tax,
        total_amount=total,
        currency=said["currency"][:3].upper(),
        quantity=quantity,
        unit=said["unit"][:20],
        goods=said["goods"][:200],
        reference=said["reference"][:60],
        is_void=False,
    )
