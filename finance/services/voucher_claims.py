"""What a voucher says of a firm: each thing by itself, so that the firm can show one and hide another."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from finance.models import CreditAssessment, CreditVoucher, LogLeaf, RecordKind, TransactionRecord
from finance.services import evidence
from finance.verify_voucher import BATCHES, digest
from finance.vouchers.sd_jwt import Hidden, Shown, read_disclosure
from marketplace.models import Organisation

YEAR = timedelta(days=365)
# Sales of a year in CNY fall between two of these.
BANDS = (0, 1_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000, 500_000_000)
CUSTOMERS = 5
LABELS = {
    "grade": _("Grade"),
    "score": _("Score"),
    "probability": _("Probability of default"),
    "as_of": _("As of"),
    "model": _("Scorecard"),
    "input_sha256": _("Hash of the input"),
    "sales_band": _("Sales of a year, as a band"),
    "sales": _("Sales of a year"),
    "purchases_band": _("Purchases of a year, as a band"),
    "months_active": _("Months with sales"),
    "customer_count": _("Number of customers"),
    "largest_customer_share": _("Share of the largest customer"),
    "customers": _("Largest customers"),
    "findings": _("Findings on the genuineness of trade"),
    "reasons": _("Reasons of the score"),
}
# What a firm shows unless it says otherwise.
USUALLY_SHOWN = ("grade", "sales_band", "months_active", "customer_count")


def credit_claims(assessment: CreditAssessment) -> dict[str, Any]:
    """Return what may be shown of a finished assessment and of the records behind it, as they were known then."""
    firm, as_of = assessment.organisation, assessment.as_of
    known = TransactionRecord.objects.of(firm).known_at(as_of).counted()
    year = known.filter(occurred_on__gt=as_of.date() - YEAR, currency="CNY")
    sales, purchases = (year.filter(kind=kind) for kind in (RecordKind.SALES, RecordKind.PURCHASES))
    by_customer = list(
        sales.exclude(counterparty_code="")
        .values("counterparty_code", "counterparty_name")
        .annotate(total=Sum("net_amount"))
        .order_by("-total", "counterparty_code")
    )
    sold, bought = _total(sales), _total(purchases)
    shares = [max(Decimal(0), one["total"]) / sold if sold > 0 else Decimal(0) for one in by_customer]
    return {
        "as_of": as_of.date().isoformat(),
        "model": {
            "name": assessment.scorecard.name,
            "version": assessment.scorecard.version,
            "sha256": assessment.scorecard.sha256,
        },
        "input_sha256": assessment.sha256,
        "grade": Hidden(assessment.grade),
        "score": Hidden(assessment.score),
        "probability": Hidden(_written(Decimal(str(assessment.probability)), "0.0001")),
        "sales_band": Hidden(band_of(sold)),
        "sales": Hidden(_written(sold)),
        "purchases_band": Hidden(band_of(bought)),
        "months_active": Hidden(len(sales.dates("occurred_on", "month"))),
        "customer_count": Hidden(len(by_customer)),
        "largest_customer_share": Hidden(_written(max(shares, default=Decimal(0)), "0.001")),
        "customers": [
            Hidden({"name": one["counterparty_name"] or one["counterparty_code"], "share": _written(share, "0.001")})
            for one, share in list(zip(by_customer, shares, strict=True))[:CUSTOMERS]
        ],
        "findings": Hidden(int(assessment.inputs.get("findings") or 0)),
        "reasons": Hidden(assessment.reasons),
    }


def batches_of(firm: Organisation) -> list[dict[str, Any]]:
    """Return the batches of records of a firm in the log: its leaf, how many records, their root."""
    leaves = LogLeaf.objects.of_firm(evidence.pseudonym(firm)).filter(kind__in=BATCHES).in_order()
    return [
        {"leaf": leaf.index, "count": leaf.content["count"], "root": leaf.content["root"]} for leaf in leaves.iterator()
    ]


def band_of(amount: Decimal) -> dict[str, str | None]:
    """Return the band that an amount lies in, in whole CNY; the last has no end.

    >>> band_of(Decimal("5000000.00"))
    {'from': '5000000', 'to': '10000000'}
    """
    above = [one for one in BANDS if one > amount]
    below = [one for one in BANDS if one <= amount] or [0]
    return {"from": str(below[-1]), "to": str(above[0]) if above else None}


def shown_value(name: str, value: Any) -> str:
    """Return a claim as people read it, in the reader's language."""
    written = WRITTEN.get(name)
    return written(value) if written else str(value)


def _band(value: dict[str, str | None]) -> str:
    start = f"{int(value['from']):,}"
    return f"¥{start} – {int(value['to']):,}" if value["to"] else f"≥ ¥{start}"


def _percent(value: str) -> str:
    return f"{Decimal(value) * 100:.2f} %"


def _customers(value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    return ", ".join(f"{one['name']} ({Decimal(one['share']) * 100:.1f} %)" for one in items)


def _reasons(value: list[dict[str, Any]]) -> str:
    language = "en" if get_language() == "en" else "zh"
    return "\n".join(f"{one['points']:+} {one[language]}" for one in value)


WRITTEN = {
    "sales_band": _band,
    "purchases_band": _band,
    "probability": _percent,
    "largest_customer_share": _percent,
    "sales": lambda value: f"¥{Decimal(value):,.2f}",
    "model": lambda value: f"{value['name']} {value['version']}",
    "customers": _customers,
    "reasons": _reasons,
}


def rows_of(credit: dict[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of each claim that was shown, in the order of ``LABELS``."""
    shown = [name for name in LABELS if name in credit and credit[name] not in ([], None)]
    return [(str(LABELS[name]), shown_value(name, credit[name])) for name in shown]


def _total(records) -> Decimal:
    return records.aggregate(total=Sum("net_amount"))["total"] or Decimal(0)


def _written(amount: Decimal, step: str = "0.01") -> str:
    return str(amount.quantize(Decimal(step)))


def choices_of(voucher: CreditVoucher) -> tuple[list[tuple[str, str]], list[str]]:
    """Return what a voucher may disclose, each by its digest and in words; and which of it is usually shown."""
    read = [(digest(one), read_disclosure(one)) for one in voucher.disclosures]
    choices = [(known_by, _words(one)) for known_by, one in read]
    return choices, [known_by for known_by, one in read if one.name in USUALLY_SHOWN]


def _words(one: Shown) -> str:
    name = one.name or "customers"
    # Reasons are long: whoever wants to read them first looks at the preview.
    return str(LABELS[name]) if name == "reasons" else f"{LABELS.get(name, name)}: {shown_value(name, one.value)}"
