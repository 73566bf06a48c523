"""What banks offer: their catalogue, and for a firm what fits it first, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.lending.cost import cost_of
from finance.lending.eligibility import FirmFacts, Ground, fit, judge, most_allowed
from finance.lending.pricing import Price, price
from finance.lending.schedule import schedule
from finance.models import CreditAssessment, CreditProduct, ProgrammeInvitation, Scorecard
from finance.services.firm_facts import firm_facts, grades_of
from finance.services.product_fields import read_product
from marketplace.models import Organisation, User
from marketplace.services.organisations import require_role

EXAMPLE_AMOUNT = Decimal(1_000_000)


class OnlyBanksLend(RuleBroken):
    pass


@dataclass(frozen=True)
class Offer:
    """What a product would mean for a firm: whether it fits, why or what is missing, and what it would cost.

    ``yearly_cost`` is the internal rate of return of a loan of the most allowed over the longest term, all
    payments counted.
    """

    product: CreditProduct
    grounds: list[Ground]
    price: Price | None
    most: Decimal
    yearly_cost: float | None
    reasons: list[dict[str, Any]] = field(default_factory=list)

    @property
    def missing(self) -> list[Ground]:
        return [ground for ground in self.grounds if not ground.is_met]

    @property
    def fits(self) -> bool:
        return not self.missing and self.most >= self.product.min_amount

    @property
    def points(self) -> float:
        return round(sum(reason["points"] for reason in self.reasons), 1)


@transaction.atomic
def create_product(*, bank: Organisation, fields: Mapping[str, Any], by: User, now: datetime) -> CreditProduct:
    """Add a product to a bank's catalogue.

    :raises OnlyOwnersMay: if the user does not own the bank
    :raises OnlyBanksLend: if the organisation is no bank
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, bank, "owner")
    if bank.kind != Organisation.Kind.BANK:
        raise OnlyBanksLend(_("Only a bank has credit products."))
    product = CreditProduct(bank=bank, **read_product(fields))
    return _save(product, by=by, now=now)


@transaction.atomic
def edit_product(*, product: CreditProduct, fields: Mapping[str, Any], by: User, now: datetime) -> CreditProduct:
    """Change a product; applications that were handed in keep the conditions of their day.

    :raises OnlyOwnersMay: if the user does not own the bank
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, product.bank, "owner")
    product = CreditProduct.objects.select_for_update(of=("self",)).select_related("bank").get(pk=product.pk)
    for name, value in read_product(fields).items():
        setattr(product, name, value)
    return _save(product, by=by, now=now)


@transaction.atomic
def set_product_open(*, product: CreditProduct, is_open: bool, by: User, now: datetime) -> CreditProduct:
    """Offer a product, or offer it no longer.

    :raises OnlyOwnersMay: if the user does not own the bank
    """
    require_role(by, product.bank, "owner")
    CreditProduct.objects.filter(pk=product.pk).update(is_open=is_open, updated_by=by, updated_at=now)
    product.refresh_from_db()
    return product


def _save(product: CreditProduct, *, by: User, now: datetime) -> CreditProduct:
    product.updated_by, product.updated_at = by, now
    try:
        with transaction.atomic():
            product.save()
    except IntegrityError as error:
        if "credit_product_code_once_per_bank" not in str(error):
            raise
        raise InputRefused({"code": [_("Another product of this bank has this code.")]}) from error
    return product


def offers_for(*, firm: Organisation, now: datetime) -> list[Offer]:
    """Return what banks offer now: what fits the firm first, the best before the others, then what does not fit.

    The firm looks at its own data: by the platform's model, as its own page shows it.
    """
    assessment = CreditAssessment.objects.latest_of(firm)
    facts = firm_facts(firm, assessment=assessment, now=now)
    grades = grades_of(assessment.scorecard if assessment else Scorecard.objects.serving_for(None))
    products = CreditProduct.objects.offered(timezone.localdate(now)).with_names().exclude(bank=firm)
    invited = set(
        ProgrammeInvitation.objects.filter(firm=firm, status=ProgrammeInvitation.Status.ACCEPTED).values_list(
            "programme__bank", flat=True
        )
    )
    offers = [
        offer_for(
            product, facts, grades=grades, has_programme=product.bank_id in invited, today=timezone.localdate(now)
        )
        for product in products
    ]
    return sorted(offers, key=lambda offer: (not offer.fits, len(offer.missing), -offer.points, offer.product.pk))


def offer_for(product: CreditProduct, facts: FirmFacts, *, grades: list[str], has_programme: bool, today: Any) -> Offer:
    """Return what one product means for a firm with these facts."""
    grounds = judge(
        product.eligibility,
        facts if not has_programme else _with_programme(facts),
        grades=grades,
        priced=list(product.spread_bp),
    )
    found = price(
        product.base_rate_bp,
        product.spread_bp,
        grade=facts.grade,
        discount_bp=product.guarantee_discount_bp,
        is_guaranteed=facts.has_guarantee,
    )
    most = most_allowed(product.eligibility, facts, product.max_amount)
    reasons = fit(grounds, rate_bp=found.rate_bp if found else None, most=most, facts=facts)
    return Offer(product, grounds, found, most, _cost(product, found, today), reasons)


def yearly_cost(amount: Decimal, rate_bp: int, *, days: int, repayment: str, today: Any) -> float | None:
    """Return what a loan of this amount, term and rate costs a year, by its real schedule (XIRR)."""
    return cost_of(amount, today, schedule(amount, rate_bp, today, days, repayment))


def _cost(product: CreditProduct, found: Price | None, today: Any) -> float | None:
    if found is None:
        return None
    return yearly_cost(
        EXAMPLE_AMOUNT, found.rate_bp, days=product.max_days, repayment=product.repayment_methods[0], today=today
    )


def _with_programme(facts: FirmFacts) -> FirmFacts:
    return FirmFacts(
        **{name: getattr(facts, name) for name in facts.__slots__ if name != "has_programme"}, has_programme=True
    )
