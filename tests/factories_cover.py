"""Insurers and guarantors, partnerships, and a scene in which a bank covers a loan with one of them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import factory
from django.core.files.uploadedfile import SimpleUploadedFile

from finance.models import (
    Application,
    Claim,
    CoverQuote,
    CreditLine,
    Drawdown,
    Guarantee,
    OfflineAct,
    Partnership,
    Purpose,
)
from finance.services import covers, offline_acts
from marketplace.models import Organisation, User
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_application import ApplicationFactory, BankFactory, CreditProductFactory, root
from tests.factories_consent import ConsentFactory

D = Decimal
DAY = dt.timedelta(days=1)


class GuarantorFactory(OrganisationFactory):
    kind = Organisation.Kind.GUARANTOR
    name_zh = factory.Sequence(lambda n: f"第{n}融资担保公司")
    name_en = factory.Sequence(lambda n: f"Guarantee Company {n}")


class PartnershipFactory(factory.django.DjangoModelFactory):
    """In force, signed by both."""

    class Meta:
        model = Partnership

    number = factory.Sequence(lambda n: f"HZ260302-{n:06d}")
    bank = factory.SubFactory(BankFactory)
    partner = factory.SubFactory(GuarantorFactory)
    share_percent = D(80)
    cap = D(10_000_000)
    valid_from = dt.date(2026, 1, 1)
    valid_until = dt.date(2027, 12, 31)
    status = Partnership.Status.ACTIVE
    proposed_by = factory.SubFactory(UserFactory)
    proposed_at = NOON
    bank_signed_by = factory.SubFactory(UserFactory)
    bank_signed_at = NOON
    partner_signed_by = factory.SubFactory(UserFactory)
    partner_signed_at = NOON


def paper(name: str = "letter.txt", text: str = "signed") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


@dataclass
class CoverScene:
    """A bank and a guarantor with two people each, a firm that consented, and each step of a cover."""

    bank: Organisation
    maker: User
    checker: User
    partner: Organisation
    writer: User
    releaser: User
    firm: Organisation
    owner: User
    partnership: Partnership
    application: Application
    now: dt.datetime

    def request(self, **changes) -> CoverQuote:
        said = {"amount": "1000000", "days": "180", "note": "", **changes.pop("said", {})}
        fields = {"partnership": self.partnership, "application": self.application, "by": self.maker, **changes}
        return covers.request_cover(said=said, now=self.now, **fields)

    def quote_terms(self, **changes) -> dict:
        return {"share_percent": "80", "premium_bp": "100", "valid_until": "2026-06-30", "conditions": "", **changes}

    def draft(self, **changes) -> CoverQuote:
        return covers.draft_quote(quote=self.request(), said=self.quote_terms(**changes), by=self.writer, now=self.now)

    def release(self, **changes) -> CoverQuote:
        return covers.release_quote(quote=self.draft(**changes), by=self.releaser, now=self.now)

    def accept(self, **changes) -> Guarantee:
        return covers.accept_quote(quote=self.release(**changes), by=self.checker, now=self.now)

    def issue(self, **changes) -> Guarantee:
        guarantee = self.accept(**changes)
        act = guarantee.offline_acts.get()
        said = {"reference": "BH-1", "occurred_on": self.now.date()}
        offline_acts.record_act(act=act, said=said, upload=paper(), by=self.writer, now=self.now)
        offline_acts.confirm_act(act=act, by=self.checker, now=self.now)
        guarantee.refresh_from_db()
        return guarantee

    def active(self, **changes) -> Guarantee:
        """Return a guarantee in force: its line was open before the letter came."""
        self.line()
        return self.issue(**changes)

    def line(self) -> CreditLine:
        known = CreditLine.objects.filter(application=self.application).first()
        if known:
            return known
        parent = CreditLine.objects.filter(bank=self.bank, kind=CreditLine.Kind.BANK).first() or root(
            self.bank, self.maker, self.now
        )
        line = CreditLine.objects.create(
            number=f"SX-{self.firm.pk}",
            kind=CreditLine.Kind.SINGLE,
            bank=self.bank,
            borrower=self.firm,
            parent=parent,
            application=self.application,
            limit=D(1_000_000),
            starts_on=self.now.date(),
            ends_on=self.now.date() + 360 * DAY,
            opened_by=self.checker,
            opened_at=self.now,
        )
        line.path = [parent.pk, line.pk]
        line.save(update_fields=["path"])
        return line

    def loan(self, *, overdue_days: int | None = None, amount: int = 500_000, **changes) -> Drawdown:
        """Return a loan paid out today, or overdue for so many days."""
        today = self.now.date()
        return DrawdownFactory(
            line=self.line(),
            borrower=self.firm,
            amount=D(amount),
            principal_left=D(amount),
            maker=self.maker,
            checker=self.checker,
            starts_on=today,
            overdue_since=None if overdue_days is None else today - overdue_days * DAY,
            **changes,
        )


class DrawdownFactory(factory.django.DjangoModelFactory):
    """A loan that was paid out."""

    class Meta:
        model = Drawdown

    number = factory.Sequence(lambda n: f"FK260302-{n:06d}")
    amount = D(500_000)
    rate_bp = 420
    days = 90
    repayment = "bullet"
    status = Drawdown.Status.PAID_OUT
    requested_by = factory.SubFactory(UserFactory)
    requested_at = NOON
    made_at = NOON
    checked_at = NOON
    paid_out_at = NOON
    due_on = dt.date(2026, 6, 1)


def cover_scene(now: dt.datetime = NOON, **partnership) -> CoverScene:
    maker, checker, writer, releaser, owner = (UserFactory(language="en") for _number in range(5))
    bank = BankFactory(members__maker=maker, members__checker=checker)
    partner = GuarantorFactory(members__maker=writer, members__checker=releaser)
    firm = OrganisationFactory(members=[owner])
    product = CreditProductFactory(bank=bank)
    ConsentFactory(firm=firm, reader=partner, purpose=Purpose.COVER, given_by=owner, valid_from=now - DAY)
    return CoverScene(
        bank=bank,
        maker=maker,
        checker=checker,
        partner=partner,
        writer=writer,
        releaser=releaser,
        firm=firm,
        owner=owner,
        partnership=PartnershipFactory(bank=bank, partner=partner, **partnership),
        application=ApplicationFactory(
            firm=firm, product=product, amount=D(2_000_000), status="in_review", maker=maker
        ),
        now=now,
    )


__all__ = [
    "Claim",
    "CoverScene",
    "DrawdownFactory",
    "GuarantorFactory",
    "OfflineAct",
    "PartnershipFactory",
    "cover_scene",
    "paper",
]
