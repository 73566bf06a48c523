"""A bank with its people and a product, a firm with a year of sales and a score, and their applications."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace

import factory

from finance.models import Application, Authority, CreditLine, CreditProduct, Decision, Scorecard, TransactionRecord
from finance.scoring.features import FEATURES
from finance.services import agreements, applications, decisions, reviews
from marketplace.models import Organisation, User
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, ScorecardFactory
from tests.factories_consent import ConsentFactory, TransactionRecordFactory

D = Decimal


class BankFactory(OrganisationFactory):
    kind = Organisation.Kind.BANK
    name_zh = factory.Sequence(lambda n: f"第{n}商业银行")
    name_en = factory.Sequence(lambda n: f"Commercial Bank {n}")


class CreditProductFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CreditProduct

    bank = factory.SubFactory(BankFactory)
    code = factory.Sequence(lambda n: f"TC-{n}")
    name_zh = "贸易信用贷"
    name_en = "Trade credit"
    min_amount = D(100_000)
    max_amount = D(8_000_000)
    min_days = 30
    max_days = 360
    repayment_methods = ["bullet", "annuity"]
    base_rate_bp = 300
    spread_bp = factory.LazyFunction(lambda: {"A": 60, "B": 120})
    guarantee_discount_bp = 40
    eligibility = factory.LazyFunction(
        lambda: {"min_score": 600, "min_months_of_records": 6, "max_percent_of_sales": 30, "regions": ["33"]}
    )
    offered_from = dt.date(2026, 1, 1)
    updated_by = factory.SubFactory(UserFactory)
    updated_at = NOON


class AuthorityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Authority

    bank = factory.SubFactory(BankFactory)
    user = factory.SubFactory(UserFactory)
    up_to_amount = D(5_000_000)
    jointly_up_to = D(5_000_000)
    given_by = factory.SubFactory(UserFactory)
    given_at = NOON


class ApplicationFactory(factory.django.DjangoModelFactory):
    """A draft; ``status="submitted"`` hands it in without a consent."""

    class Meta:
        model = Application

    number = factory.Sequence(lambda n: f"SQ260302-{n:06d}")
    firm = factory.SubFactory(OrganisationFactory)
    product = factory.SubFactory(CreditProductFactory)
    bank = factory.SelfAttribute("product.bank")
    amount = D(2_000_000)
    days = 180
    repayment = "bullet"
    use = "采购铜棒"
    status = "draft"
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON
    submitted_at = factory.LazyAttribute(lambda row: None if row.status == "draft" else NOON)
    ended_at = factory.LazyAttribute(lambda row: NOON if row.status in Application.ENDED else None)


@dataclass
class Scene:
    """People and organisations of one application, and each step of its life by whoever takes it."""

    firm: Organisation
    bank: Organisation
    product: CreditProduct
    owner: User
    trader: User
    maker: User
    checker: User
    bank_owner: User
    now: dt.datetime

    def begin(self, **changes) -> Application:
        fields = {"amount": D(2_000_000), "days": 180, "repayment": "bullet", "use": "采购铜棒", **changes}
        return applications.begin_application(
            firm=self.firm, product=self.product, fields=fields, by=self.trader, now=self.now
        )

    def submit(self, **changes) -> Application:
        application = self.begin(**changes)
        until = self.now + dt.timedelta(days=200)
        return applications.submit_application(
            application=application, by=self.owner, now=self.now, consent_until=until
        )

    def take(self, **changes) -> Application:
        return reviews.take_application(application=self.submit(**changes), by=self.maker, now=self.now)

    def propose(self, application: Application | None = None, **changes) -> Decision:
        application = application or self.take()
        return decisions.propose_decision(
            application=application,
            said=approval(**changes),
            by=self.maker,
            now=self.now,
            version=application.version,
        )

    def confirm(self, decision: Decision | None = None, *, by: User | None = None) -> Application:
        application = (decision or self.propose()).application
        application.refresh_from_db()
        decisions.confirm_decision(
            application=application, by=by or self.checker, now=self.now, version=application.version
        )
        application.refresh_from_db()
        return application

    def accept(self) -> Application:
        application = self.confirm()
        agreements.accept_offer(application=application, by=self.owner, now=self.now)
        return application

    def open(self) -> Application:
        application = self.accept()
        agreements.countersign(application=application, by=self.checker, now=self.now)
        application.refresh_from_db()
        return application


def approval(**changes) -> dict:
    return {"outcome": "approve", "amount": "2000000", "days": "180", "rate_bp": "420", **changes}


def refused(**changes) -> dict:
    return {"outcome": "refuse", "reasons": ["policy"], **changes}


def scene(now: dt.datetime = NOON, *, score: int = 640, grade: str = "B", **product) -> Scene:
    """Return a bank that lends and a firm that could borrow: a year of sales of 12 million, and a score."""
    people = SimpleNamespace(
        owner=UserFactory(), trader=UserFactory(), maker=UserFactory(), checker=UserFactory(), bank_owner=UserFactory()
    )
    bank = BankFactory(members=[people.bank_owner], members__maker=people.maker, members__checker=people.checker)
    firm = OrganisationFactory(members=[people.owner], members__trader=people.trader)
    AuthorityFactory(bank=bank, user=people.checker, given_by=people.bank_owner, given_at=now)
    today = now.date()
    TransactionRecord.objects.bulk_create(
        TransactionRecordFactory.build(
            organisation=firm,
            occurred_on=today - dt.timedelta(days=30 * month + 1),
            known_at=now - dt.timedelta(days=1),
            net_amount=D(1_000_000),
            tax_amount=D(0),
            total_amount=D(1_000_000),
        )
        for month in range(12)
    )
    AssessmentFactory(
        organisation=firm,
        scorecard=Scorecard.objects.serving_for(None) or ScorecardFactory(),
        score=score,
        grade=grade,
        as_of=now - dt.timedelta(hours=1),
        inputs={"scored": 12, "months": 12},
        features={one.name: 0.5 for one in FEATURES},
    )
    root(bank, people.bank_owner, now)
    return Scene(
        firm=firm,
        bank=bank,
        product=CreditProductFactory(bank=bank, **product),
        now=now,
        **vars(people),
    )


def root(bank: Organisation, by: User, now: dt.datetime) -> CreditLine:
    """Return the node of all that the bank lends here."""
    line = CreditLine.objects.create(
        number=f"SX-{bank.pk}",
        kind=CreditLine.Kind.BANK,
        bank=bank,
        limit=D(100_000_000),
        starts_on=now.date() - dt.timedelta(days=400),
        ends_on=now.date() + dt.timedelta(days=4000),
        opened_by=by,
        opened_at=now,
    )
    line.path = [line.pk]
    line.save(update_fields=["path"])
    return line


def member(organisation: Organisation, role: str) -> User:
    return MembershipFactory(organisation=organisation, role=role).user


def consent(made: Scene, **changes):
    return ConsentFactory(firm=made.firm, reader=made.bank, given_by=made.owner, valid_from=made.now, **changes)
