"""Lines, loans, decisions, looks and warnings, valid by default, for tests of monitoring."""

import datetime as dt
from decimal import Decimal

import factory

from finance.models import (
    Alarm,
    CreditLine,
    Decision,
    Drawdown,
    EarlyWarning,
    MonitoringRun,
    WarningRun,
)
from marketplace.models import Invoice, Organisation, Payment
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_application import ApplicationFactory, AuthorityFactory
from tests.factories_assessment import ScorecardFactory

D = Decimal


def bank_with(**roles) -> Organisation:
    """Return an approved bank with these people: ``bank_with(maker=user)``."""
    return OrganisationFactory(
        kind=Organisation.Kind.BANK, **{f"members__{role}": user for role, user in roles.items()}
    )


class DecisionFactory(factory.django.DjangoModelFactory):
    """A confirmed approval that followed the model."""

    class Meta:
        model = Decision

    application = factory.SubFactory(ApplicationFactory, status="active", maker=factory.SubFactory(UserFactory))
    outcome = "approve"
    amount = D(500000)
    days = 180
    rate_bp = 420
    recommended = "approve"
    version = 1
    maker = factory.SubFactory(UserFactory)
    made_at = NOON
    verdict = "confirmed"
    checker = factory.SubFactory(UserFactory)
    checked_at = NOON
    checked_version = 1
    authority = factory.SubFactory(AuthorityFactory, bank=factory.SelfAttribute("..application.bank"))


class LineFactory(factory.django.DjangoModelFactory):
    """A firm's line under the root of its bank."""

    class Meta:
        model = CreditLine

    number = factory.Sequence(lambda n: f"L260302-{n:06d}")
    kind = CreditLine.Kind.SINGLE
    bank = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.BANK)
    borrower = factory.SubFactory(OrganisationFactory)
    limit = D(1000000)
    starts_on = NOON.date()
    ends_on = NOON.date() + dt.timedelta(days=360)
    opened_by = factory.SubFactory(UserFactory)
    opened_at = NOON - dt.timedelta(days=200)

    @factory.lazy_attribute
    def parent(self):
        known = CreditLine.objects.filter(bank=self.bank, kind=CreditLine.Kind.BANK).first()
        return known or CreditLine.objects.create(
            number=f"ROOT-{self.bank.pk}",
            kind=CreditLine.Kind.BANK,
            bank=self.bank,
            limit=D(100_000_000),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            opened_by=self.opened_by,
            opened_at=self.opened_at,
        )


class LoanFactory(factory.django.DjangoModelFactory):
    """A loan that was paid out."""

    class Meta:
        model = Drawdown

    number = factory.Sequence(lambda n: f"D260302-{n:06d}")
    line = factory.SubFactory(LineFactory)
    borrower = factory.SelfAttribute("line.borrower")
    amount = D(200000)
    principal_left = factory.SelfAttribute("amount")
    rate_bp = 450
    days = 180
    repayment = "bullet"
    status = Drawdown.Status.PAID_OUT
    requested_by = factory.SubFactory(UserFactory)
    requested_at = NOON
    maker = factory.SubFactory(UserFactory)
    made_at = NOON
    checker = factory.SubFactory(UserFactory)
    checked_at = NOON
    paid_out_at = NOON
    starts_on = factory.LazyAttribute(lambda loan: loan.paid_out_at.date())
    due_on = factory.LazyAttribute(lambda loan: loan.starts_on + dt.timedelta(days=loan.days))


class MonitoringRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MonitoringRun

    bank = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.BANK)
    until = NOON.date()
    requested_at = NOON


class AlarmFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Alarm

    run = factory.SubFactory(MonitoringRunFactory)
    bank = factory.SelfAttribute("run.bank")
    scorecard = factory.SubFactory(ScorecardFactory, bank=factory.SelfAttribute("..bank"))
    kind = Alarm.Kind.SCORE_DRIFT
    light = Alarm.Light.AMBER
    facts = factory.LazyFunction(lambda: {"zh": "评分漂移", "en": "The scores moved"})
    opened_at = NOON
    seen_at = NOON


class WarningRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WarningRun

    bank = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.BANK)
    day = NOON.date()
    requested_at = NOON


class EarlyWarningFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = EarlyWarning

    line = factory.SubFactory(LineFactory)
    bank = factory.SelfAttribute("line.bank")
    firm = factory.SelfAttribute("line.borrower")
    run = factory.LazyAttribute(
        lambda row: WarningRun.objects.filter(bank=row.bank).first() or WarningRunFactory(bank=row.bank)
    )
    kind = EarlyWarning.Kind.SALES_DROP
    group = factory.LazyAttribute(lambda row: EarlyWarning.GROUP_OF[row.kind])
    severity = EarlyWarning.Severity.NOTICE
    evidence = factory.LazyFunction(lambda: {"zh": "销售下滑", "en": "Sales fell", "share": 0.4})
    opened_at = NOON
    seen_at = NOON
    act_by = NOON + dt.timedelta(days=7)


def invoice(order, *, number: str, issued: dt.date, due: dt.date | None, amount="1000", **fields) -> Invoice:
    """Return an invoice that the seller of an order issued."""
    said = {"kind": Invoice.Kind.DIGITAL_SPECIAL, "title": "T", "status": Invoice.Status.RECEIVED} | fields
    return Invoice.objects.create(
        order=order,
        seller=order.seller,
        number=number,
        amount=D(amount),
        issued_on=issued,
        issued_at=NOON,
        due_on=due,
        **said,
    )


def payment(order, *, amount: str, on: dt.date, invoice: Invoice | None = None, **fields) -> Payment:
    """Return a payment that the buyer of an order recorded."""
    said = {"recorded_for": order.buyer, "recorded_by": order.confirmed_by, "recorded_at": NOON} | fields
    return Payment.objects.create(order=order, invoice=invoice, amount=D(amount), paid_on=on, **said)
