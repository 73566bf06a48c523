"""A bank with its people, its tree of limits, firms that draw, and what happens to a loan."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from finance.models import CreditLine, Drawdown, Repayment
from finance.services import drawdowns, line_changes, repayments
from marketplace.models import Organisation, User
from tests.factories import NOON, OrganisationFactory, UserFactory

TODAY = dt.date(2026, 3, 2)
TERMS = {
    "rate_bp": 400,
    "penalty_bp": 50,
    "repayment": "",
    "max_days": 360,
    "starts_on": "2026-01-01",
    "ends_on": "2027-12-31",
}


@dataclass
class Bank:
    """A bank with an owner, two makers and two checkers; ``line`` opens a node of its tree as its people do."""

    organisation: Organisation
    owner: User
    maker: User
    checker: User
    other_checker: User
    now: dt.datetime = NOON
    root: CreditLine | None = None
    lines: list[CreditLine] = field(default_factory=list)

    def line(self, kind="single", *, limit=1_000_000, parent=None, borrower=None, now=NOON, **terms) -> CreditLine:
        if parent is None and kind != "bank":
            parent = self.root
        change = line_changes.propose_line(
            bank=self.organisation,
            kind=kind,
            parent=parent,
            borrower=borrower,
            limit=Decimal(limit),
            terms=TERMS | terms,
            reason="x",
            by=self.maker,
            at=now,
        )
        line = line_changes.confirm_change(change=change, by=self.checker, at=now)
        return CreditLine.objects.with_names().get(pk=line.pk)

    def change(self, line: CreditLine, kind: str, *, limit=None, now=NOON) -> CreditLine:
        change = line_changes.propose_change(line=line, kind=kind, limit=limit, reason="x", by=self.maker, at=now)
        return line_changes.confirm_change(change=change, by=self.checker, at=now)

    def approve(self, drawdown: Drawdown, *, now=NOON) -> Drawdown:
        drawdown = drawdowns.propose_drawdown(drawdown=drawdown, by=self.maker, at=now)
        return drawdowns.approve_drawdown(drawdown=drawdown, by=self.checker, at=now)

    def pay_out(self, drawdown: Drawdown, *, now=NOON, reference="") -> Drawdown:
        return drawdowns.confirm_paid_out(
            drawdown=drawdown,
            amount=drawdown.amount,
            paid_on=now.astimezone(dt.UTC).date(),
            reference=reference or f"OUT-{drawdown.pk}",
            recorded_by=self.maker,
            by=self.checker,
            at=now,
        )

    def repay(self, drawdown: Drawdown, amount, *, on: dt.date, reference: str, early=False, now=None) -> Repayment:
        return repayments.book_repayment(
            drawdown=drawdown,
            amount=Decimal(str(amount)),
            paid_on=on,
            reference=reference,
            is_early=early,
            recorded_by=self.maker,
            by=self.checker,
            at=now or dt.datetime.combine(on, NOON.timetz()),
        )


def make_bank(limit: int = 1_000_000_000, **facts) -> Bank:
    owner, maker, checker, other = (UserFactory() for _ in range(4))
    organisation = OrganisationFactory(
        kind=Organisation.Kind.BANK, members=[owner], members__maker=maker, members__checker=checker, **facts
    )
    organisation.memberships.create(user=other, role="checker", created_at=NOON)
    bank = Bank(organisation, owner, maker, checker, other)
    if limit:
        bank.root = bank.line("bank", limit=limit)
    return bank


@dataclass
class Firm:
    organisation: Organisation
    owner: User
    trader: User

    def draw(self, line: CreditLine, amount, *, payee=None, days=90, repayment="bullet", now=NOON, **more) -> Drawdown:
        said = {"amount": str(amount), "days": days, "repayment": repayment, "use": "ball valves"}
        return drawdowns.request_drawdown(
            line=line,
            said=said,
            payee=payee or supplier(),
            by=self.trader,
            at=now,
            **more,
        )


def make_firm(**facts) -> Firm:
    owner, trader = UserFactory(), UserFactory()
    return Firm(OrganisationFactory(members=[owner], members__trader=trader, **facts), owner, trader)


def supplier() -> Organisation:
    return OrganisationFactory()


@dataclass
class Tree:
    """A bank's node, a core enterprise of 100 million, its programme of 10 million and a member of one million."""

    bank: Bank
    core: Firm
    member: Firm
    core_line: CreditLine
    programme: CreditLine
    line: CreditLine

    def nodes(self) -> list[CreditLine]:
        return list(CreditLine.objects.filter(pk__in=self.line.path).order_by("pk"))


def make_tree(bank: Bank | None = None) -> Tree:
    bank, core, member = bank or make_bank(), make_firm(), make_firm()
    core_line = bank.line("core", limit=100_000_000, borrower=core.organisation)
    programme = bank.line("programme", limit=10_000_000, parent=core_line, name="甲供应商")
    line = bank.line("member", limit=1_000_000, parent=programme, borrower=member.organisation)
    return Tree(bank, core, member, core_line, programme, line)


def make_loan(amount=100_000, *, days=90, repayment="bullet", rate_bp=400, now=NOON) -> tuple[Bank, Firm, Drawdown]:
    """Return a loan that was paid out at NOON."""
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation, rate_bp=rate_bp)
    drawdown = firm.draw(line, amount, days=days, repayment=repayment, now=now)
    return bank, firm, bank.pay_out(bank.approve(drawdown, now=now), now=now)
