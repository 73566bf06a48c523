"""Files of records, and what was found of a firm's trade."""

import datetime as dt

import factory

from finance.models import Finding, FindingRun, RecordImport
from tests.factories import NOON, OrganisationFactory

SALES_HEADER = "发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态"


def sales_csv(*rows: str, header: str = SALES_HEADER) -> bytes:
    """Return a file of sales: ``"1001,2026/1/5,B1,100,13,113,有效发票"`` is one row."""
    return "\n".join([header, *rows]).encode()


class RecordImportFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RecordImport

    organisation = factory.SubFactory(OrganisationFactory)
    kind = "sales"
    name = factory.Sequence(lambda n: f"sales-{n}.csv")
    sha256 = "0" * 64
    requested_at = NOON
    status = "done"
    finished_at = NOON


class FindingRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FindingRun

    organisation = factory.SubFactory(OrganisationFactory)
    requested_at = NOON
    as_of = NOON
    status = "done"
    finished_at = NOON


class FindingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Finding

    organisation = factory.SubFactory(OrganisationFactory)
    run = factory.SubFactory(FindingRunFactory, organisation=factory.SelfAttribute("..organisation"))
    kind = "round_trip"
    severity = "doubt"
    key = factory.Sequence(lambda n: f"{n:064d}")
    evidence = factory.LazyFunction(
        lambda: {"zh": "销售后买回", "en": "Sold and bought back", "figures": {}, "records": [], "more": 0}
    )
    discount = 100
    first_on = dt.date(2026, 2, 2)
    last_on = dt.date(2026, 2, 20)
    found_at = NOON
    seen_at = NOON
