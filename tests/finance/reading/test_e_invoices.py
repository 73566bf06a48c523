import datetime as dt
from decimal import Decimal

import pytest

from finance.reading.e_invoices import read_e_invoice
from finance.reading.problems import FileRefused

D = Decimal
TODAY = dt.date(2026, 3, 2)
SELLER, BUYER = "91330000123456789A", "91330000987654321B"
FULLY_DIGITAL = f"""<?xml version="1.0" encoding="UTF-8"?>
<EInvoice><Header><EIid>26332000000012345678</EIid></Header><EInvoiceData>
<SellerInformation><SellerIdNum>{SELLER}</SellerIdNum><SellerName>甲阀门厂</SellerName></SellerInformation>
<BuyerInformation><BuyerIdNum>{BUYER}</BuyerIdNum><BuyerName>乙水泵厂</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>100.00</TotalAmWithoutTax><TotalTaxAm>13.00</TotalTaxAm>
<TotalTax-includedAmount>113.00</TotalTax-includedAmount><RequestTime>2026-02-02 09:00:00</RequestTime></BasicInformation>
<IssuItemInformation><ItemName>*阀门*球阀</ItemName><MeaUnits>只</MeaUnits><Quantity>10</Quantity></IssuItemInformation>
</EInvoiceData><TaxSupervisionInfo><InvoiceNumber>26332000000012345678</InvoiceNumber>
<IssueTime>2026-02-02</IssueTime></TaxSupervisionInfo></EInvoice>"""
UBL = f"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>INV-7</cbc:ID><cbc:IssueDate>2026-02-02</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:OrderReference><cbc:ID>SO-1</cbc:ID></cac:OrderReference>
<cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme><cbc:CompanyID>{SELLER}</cbc:CompanyID></cac:PartyTaxScheme>
</cac:Party></cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party><cac:PartyName><cbc:Name>Pumps Ltd</cbc:Name></cac:PartyName></cac:Party>
</cac:AccountingCustomerParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">19</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:TaxExclusiveAmount currencyID="EUR">100</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">119</cbc:TaxInclusiveAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:InvoicedQuantity unitCode="C62">10</cbc:InvoicedQuantity><cac:Item><cbc:Name>Valve</cbc:Name></cac:Item>
</cac:InvoiceLine></Invoice>"""


def test_fully_digital_invoice_is_read_from_either_side():
    sale = read_e_invoice(FULLY_DIGITAL.encode(), "sales", today=TODAY, own=[SELLER])
    purchase = read_e_invoice(FULLY_DIGITAL.encode(), "purchases", today=TODAY, own=["乙水泵厂"])

    assert (sale.number, sale.occurred_on) == ("26332000000012345678", dt.date(2026, 2, 2))
    assert (sale.counterparty_code, sale.counterparty_name) == (BUYER, "乙水泵厂")
    assert (sale.net_amount, sale.tax_amount, sale.total_amount) == (D("100.00"), D("13.00"), D("113.00"))
    assert (sale.quantity, sale.unit, sale.goods) == (D(10), "只", "*阀门*球阀")
    assert purchase.counterparty_code == SELLER


def test_ubl_invoice_and_credit_note_are_read():
    sale = read_e_invoice(UBL.encode(), "sales", today=TODAY, own=[SELLER])
    note = (
        UBL.replace("Invoice-2", "CreditNote-2")
        .replace("<Invoice ", "<CreditNote ")
        .replace("</Invoice>", "</CreditNote>")
    )
    credit = read_e_invoice(note.encode(), "sales", today=TODAY, own=[SELLER])

    assert (sale.number, sale.currency, sale.total_amount, sale.reference) == ("INV-7", "EUR", D(119), "SO-1")
    assert (sale.counterparty_code, sale.quantity, sale.unit) == ("Pumps Ltd", D(10), "C62")
    assert credit.total_amount == D(-119)


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (FULLY_DIGITAL, "purchases", "not_yours"),
        (FULLY_DIGITAL, "payment", "no_table"),
        (FULLY_DIGITAL.replace("113.00", "114.00"), "sales", "total_differs"),
        (FULLY_DIGITAL.replace("26332000000012345678", ""), "sales", "empty"),
        (FULLY_DIGITAL.replace("2026-02-02", "2027-02-02"), "sales", "day_to_come"),
        ("<html/>", "sales", "no_invoice"),
        ("<EInvoice>", "sales", "no_xml"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><EInvoice>&b;</EInvoice>', "sales", "no_xml"),
    ],
)
def test_xml_that_is_no_invoice_of_the_firm_is_refused(content, kind, reason):
    with pytest.raises(FileRefused) as refused:
        read_e_invoice(content.encode(), kind, today=TODAY, own=[SELLER])

    assert refused.value.problem.reason == reason
