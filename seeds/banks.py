"""The demo's bank with its products, limits and authorities, and the partners that share its risks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from finance.models import CreditLine, CreditProduct, DataGroup
from finance.services.authorities import give_authority
from finance.services.line_changes import confirm_change, propose_line
from finance.services.partnerships import propose_partnership, sign_for_bank, sign_for_partner
from finance.services.products import create_product
from marketplace.models import Organisation, User

MILLION = Decimal(1_000_000)
LENT_IN_ALL, CORE_LINE = 2_000 * MILLION, 100 * MILLION
SPREAD = {"AAA": 30, "AA": 55, "A": 85, "BBB": 130, "BB": 190, "B": 280, "CCC": 420}
PRODUCTS = (
    {
        "code": "XD-800",
        "name_zh": "泵阀信用贷",
        "name_en": "Trade-record credit",
        "about_zh": "凭平台交易记录核定额度，无需抵押，随借随还。",
        "about_en": "A limit from your trade records, without collateral; draw and repay as you need.",
        "kind": CreditProduct.Kind.TRADE_CREDIT,
        "min_amount": 100_000,
        "max_amount": 8 * MILLION,
        "max_days": 360,
        "repayment_methods": ["bullet", "equal_principal", "annuity"],
        "guarantee_discount_bp": 30,
        "eligibility": {"min_grade": "CCC", "min_months_of_records": 12, "max_percent_of_sales": 30},
    },
    {
        "code": "DD-300",
        "name_zh": "订单融资",
        "name_en": "Order finance",
        "about_zh": "凭已确认订单融资，款项直接支付给供应商。",
        "about_en": "Finance for a confirmed order; the supplier is paid directly.",
        "kind": CreditProduct.Kind.ORDER_FINANCE,
        "min_amount": 50_000,
        "max_amount": 3 * MILLION,
        "max_days": 180,
        "repayment_methods": ["at_maturity", "bullet"],
        "eligibility": {"min_grade": "BB", "min_months_of_records": 6},
    },
    {
        "code": "YS-500",
        "name_zh": "应收账款融资",
        "name_en": "Receivables finance",
        "about_zh": "买方已确认的应收账款，期限不超过六个月。",
        "about_en": "On receivables that the buyer has accepted, six months at most.",
        "kind": CreditProduct.Kind.RECEIVABLES,
        "min_amount": 50_000,
        "max_amount": 5 * MILLION,
        "max_days": 180,
        "repayment_methods": ["at_maturity"],
        "eligibility": {"min_grade": "B", "min_sales_per_year": "3000000"},
    },
    {
        "code": "HX-CY",
        "name_zh": "链上成员贷",
        "name_en": "Programme member credit",
        "about_zh": "在核心企业授信项下，为集采与日常采购提供资金。",
        "about_en": "Under a core enterprise's line, for collective and everyday purchasing.",
        "kind": CreditProduct.Kind.TRADE_CREDIT,
        "min_amount": 50_000,
        "max_amount": 5 * MILLION,
        "max_days": 180,
        "repayment_methods": ["at_maturity", "bullet"],
        "eligibility": {"needs_core_enterprise": True},
    },
)


@dataclass(frozen=True, slots=True)
class Lenders:
    """Who lends and who shares the risk, and the people who act for them."""

    bank: Organisation
    insurer: Organisation
    guarantor: Organisation
    maker: User
    checker: User
    # Owns the bank and the guarantor; the insurer has an owner of its own.
    desk: User
    underwriter: User


def open_bank(lenders: Lenders, *, core: Organisation, now: datetime) -> tuple[dict[str, CreditProduct], CreditLine]:
    """Say what the bank lends, to what limit and on whose word; return its products by code, and the core's line."""
    products = {fields["code"]: _product(lenders, fields, now) for fields in PRODUCTS}
    _node(lenders, CreditLine.Kind.BANK, LENT_IN_ALL, now, name="台州产业集群")
    core_line = _node(lenders, CreditLine.Kind.CORE, CORE_LINE, now, borrower=core, name="核心企业授信")
    give_authority(
        bank=lenders.bank,
        user=lenders.checker,
        up_to_amount=50 * MILLION,
        jointly_up_to=None,
        may_override=True,
        by=lenders.desk,
        now=now,
        reference="授权书〔2026〕1号",
    )
    for partner, signer, share, cap in (
        (lenders.insurer, lenders.underwriter, 50, 30 * MILLION),
        (lenders.guarantor, lenders.desk, 80, 50 * MILLION),
    ):
        _partner(lenders, partner, signer, share, cap, now)
    return products, core_line


def _product(lenders: Lenders, fields: dict[str, object], now: datetime) -> CreditProduct:
    said = {
        "base_rate_bp": 300,
        "spread_bp": SPREAD,
        "penalty_bp": 50,
        "min_days": 30,
        "is_revolving": True,
        "offered_from": timezone.localdate(now),
        "consent_groups": [group for group in DataGroup.values if group != DataGroup.PRODUCTION],
        **fields,
    }
    return create_product(bank=lenders.bank, fields=said, by=lenders.desk, now=now)


def _node(lenders: Lenders, kind: str, limit: Decimal, now: datetime, **about: object) -> CreditLine:
    today = timezone.localdate(now)
    terms = {
        "name": about.pop("name"),
        "rate_bp": 360,
        "max_days": 360,
        "starts_on": today,
        "ends_on": today + timedelta(days=3 * 365),
    }
    change = propose_line(
        bank=lenders.bank, kind=kind, limit=limit, terms=terms, reason="年度授信政策", by=lenders.maker, at=now, **about
    )
    return confirm_change(change=change, by=lenders.checker, at=now)


def _partner(lenders: Lenders, partner: Organisation, signer: User, share: int, cap: Decimal, now: datetime) -> None:
    today = timezone.localdate(now)
    said = {
        "share_percent": share,
        "cap": cap,
        "valid_from": today,
        "valid_until": today + timedelta(days=3 * 365),
        "waiting_days": 60,
        "claim_days": 180,
    }
    partnership = propose_partnership(bank=lenders.bank, partner=partner, said=said, by=lenders.maker, now=now)
    sign_for_bank(partnership=partnership, by=lenders.checker, now=now)
    sign_for_partner(partnership=partnership, by=signer, now=now)
