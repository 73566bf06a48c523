"""What the demo's firms asked their bank for, and how far each has come: from a new request to a loan in arrears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from finance.models import (
    Application,
    CreditLine,
    CreditProduct,
    DataGroup,
    Decision,
    Drawdown,
    OfflineAct,
    Partnership,
    Purpose,
)
from finance.services.agreements import accept_offer, countersign
from finance.services.applications import begin_application, submit_application
from finance.services.consents import give_consent
from finance.services.covers import request_cover
from finance.services.decisions import confirm_decision, propose_decision
from finance.services.drawdowns import approve_drawdown, propose_drawdown, request_drawdown
from finance.services.line_changes import confirm_change, propose_line
from finance.services.offline_acts import confirm_act, record_act
from finance.services.programmes import answer_invitation, invite_member
from finance.services.repayments import confirm_repayment, owed_at, record_repayment
from finance.services.reviews import ask_more, take_application
from marketplace.models import Organisation, User
from seeds.banks import MILLION, Lenders

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Borrower:
    """A firm that asks for credit, and who acts for it."""

    firm: Organisation
    owner: User
    # Whom the bank pays when the firm draws.
    supplier: Organisation


@dataclass(frozen=True, slots=True)
class Desk:
    """The bank's desk of the demo: takes requests as far as their story goes."""

    lenders: Lenders
    products: Mapping[str, CreditProduct]

    def ask(self, who: Borrower, product: str, amount: int, days: int, use: str, at: datetime) -> Application:
        """Hand in an application with the consent that it needs."""
        chosen = self.products[product]
        fields = {
            "amount": Decimal(amount),
            "days": days,
            "repayment": chosen.repayment_methods[0],
            "use": use,
            "programme": None,
        }
        drafted = begin_application(firm=who.firm, product=chosen, fields=fields, by=who.owner, now=at)
        return submit_application(
            application=drafted, by=who.owner, now=at, consent_until=at + YEAR, groups=DataGroup.values
        )

    def take(self, application: Application, at: datetime) -> Application:
        return take_application(application=application, by=self.lenders.maker, now=at)

    def propose(self, application: Application, at: datetime, **said: object) -> Decision:
        """Propose what the rules recommend, unless something else is said; against them it is an override."""
        return propose_decision(
            application=application, said=said, by=self.lenders.maker, now=at, version=application.version
        )

    def confirm(self, application: Application, at: datetime) -> Application:
        application.refresh_from_db()
        confirm_decision(application=application, by=self.lenders.checker, now=at, version=application.version)
        application.refresh_from_db()
        return application

    def open(self, who: Borrower, application: Application, at: datetime) -> CreditLine:
        """Let the firm accept what was approved and the bank sign it: the line opens."""
        accept_offer(application=application, by=who.owner, now=at)
        application.refresh_from_db()
        countersign(application=application, by=self.lenders.checker, now=at + timedelta(hours=3))
        return CreditLine.objects.get(application=application)

    def draw(self, who: Borrower, line: CreditLine, amount: int, days: int, use: str, at: datetime) -> Drawdown:
        """Draw under a line: asked for, proposed, approved, and the supplier paid on evidence of two people."""
        said = {"amount": Decimal(amount), "days": days, "use": use}
        drawdown = request_drawdown(line=line, said=said, by=who.owner, at=at, payee=who.supplier)
        drawdown = propose_drawdown(drawdown=drawdown, by=self.lenders.maker, at=at + timedelta(hours=2))
        drawdown = approve_drawdown(drawdown=drawdown, by=self.lenders.checker, at=at + timedelta(hours=4))
        self._confirm(drawdown, at + timedelta(hours=6))
        drawdown.refresh_from_db()
        return drawdown

    def _confirm(self, drawdown: Drawdown, at: datetime) -> None:
        act = OfflineAct.objects.get(drawdown=drawdown, kind=OfflineAct.Kind.FUNDS_PAID)
        said = {
            "reference": f"STZF{drawdown.pk:08d}",
            "occurred_on": timezone.localdate(at).isoformat(),
            "amount": drawdown.amount,
        }
        act = record_act(act=act, said=said, by=self.lenders.maker, now=at)
        confirm_act(act=act, by=self.lenders.checker, now=at + timedelta(hours=1))

    def repay(self, drawdown: Drawdown, at: datetime) -> None:
        """Take in all that is owed to the end of a loan."""
        day = timezone.localdate(at)
        said = {
            "amount": owed_at(drawdown, day)["to_end"],
            "paid_on": day,
            "reference": f"HK{drawdown.pk:08d}",
            "is_early": True,
        }
        repayment = record_repayment(drawdown=drawdown, said=said, by=self.lenders.maker, at=at)
        confirm_repayment(repayment=repayment, by=self.lenders.checker, at=at + timedelta(hours=2))


def lend_to_seller(desk: Desk, seller: Borrower, *, now: datetime) -> CreditLine:
    """Tell the main story: a valve maker's line, a loan repaid, one running, and a new request that waits."""
    asked = now - timedelta(days=100)
    application = desk.ask(seller, "XD-800", 2_000_000, 360, "采购铸件与密封件，备产二季度订单", asked)
    desk.take(application, asked + timedelta(hours=5))
    application.refresh_from_db()
    approve(desk, application, asked + timedelta(days=1))
    application = desk.confirm(application, asked + timedelta(days=2))
    line = desk.open(seller, application, asked + timedelta(days=3))
    first = desk.draw(seller, line, 800_000, 60, "铸件货款", now - timedelta(days=90))
    desk.repay(first, now - timedelta(days=35))
    desk.draw(seller, line, 1_200_000, 180, "不锈钢棒材货款", now - timedelta(days=30))
    desk.ask(seller, "YS-500", 800_000, 120, "已确认应收账款融资", now - timedelta(hours=20))
    return line


def approve(desk: Desk, application: Application, at: datetime, **said: object) -> Decision:
    """Propose to approve what was asked for, at the rate of the product and grade."""
    grade = application.assessment.grade if application.assessment else "B"
    product = application.product
    rate = product.base_rate_bp + product.spread_bp.get(grade, max(product.spread_bp.values()))
    terms = {"outcome": "approve", "amount": application.amount, "days": application.days, "rate_bp": rate}
    return desk.propose(application, at, **terms | said)


def fill_queue(desk: Desk, borrowers: Sequence[Borrower], *, now: datetime) -> None:
    """Bring one request of other firms to each stage that a bank's people meet."""
    reviewed, questioned, proposed, refused, late = borrowers[:5]
    hours = timedelta(hours=1)
    one = desk.ask(reviewed, "XD-800", 1_500_000, 270, "扩充数控车间流动资金", now - 40 * hours)
    desk.take(one, now - 30 * hours)
    two = desk.ask(questioned, "XD-800", 600_000, 180, "采购原材料", now - 70 * hours)
    two = desk.take(two, now - 60 * hours)
    ask_more(
        application=two,
        text="请补充最近三个月的银行流水，并说明二月开票减少的原因。",
        by=desk.lenders.maker,
        now=now - 50 * hours,
    )
    three = desk.take(desk.ask(proposed, "XD-800", 2_000_000, 360, "年度采购周转", now - 90 * hours), now - 80 * hours)
    approve(desk, three, now - 10 * hours)
    four = desk.take(desk.ask(refused, "XD-800", 1_000_000, 360, "偿还旧债", now - 150 * hours), now - 140 * hours)
    desk.propose(four, now - 130 * hours, outcome="refuse", reasons=["score"], note="开票连续下滑，近五个月无销售。")
    desk.confirm(four, now - 120 * hours)
    _lend_late(desk, late, now=now)


def _lend_late(desk: Desk, late: Borrower, *, now: datetime) -> None:
    """Approve a firm that leans on few customers, against the rules' advice; its loan is in arrears today."""
    asked = now - timedelta(days=190)
    application = desk.take(desk.ask(late, "XD-800", 900_000, 180, "旺季备货", asked), asked + timedelta(hours=4))
    override = {
        "override_reason": Decision.OverrideReason.KNOWN_CUSTOMER,
        "override_text": "开户十二年，历史还款正常；主要客户为上市公司。",
    }
    approve(desk, application, asked + timedelta(days=1), **override)
    application = desk.confirm(application, asked + timedelta(days=2))
    line = desk.open(late, application, asked + timedelta(days=3))
    desk.draw(late, line, 700_000, 90, "备货", asked + timedelta(days=5))


def open_programme(
    desk: Desk, core: Borrower, core_line: CreditLine, members: Sequence[Borrower], *, now: datetime
) -> CreditLine:
    """Open a core enterprise's programme for its suppliers, with lines for those who said yes."""
    lenders, opened = desk.lenders, now - timedelta(days=80)
    today = timezone.localdate(opened)
    terms = {"rate_bp": 360, "max_days": 180, "starts_on": today, "ends_on": today + 2 * YEAR}
    change = propose_line(
        bank=lenders.bank,
        kind=CreditLine.Kind.PROGRAMME,
        parent=core_line,
        limit=40 * MILLION,
        terms={**terms, "name": "泵阀集采项目"},
        reason="联合采购",
        by=lenders.maker,
        at=opened,
    )
    programme = confirm_change(change=change, by=lenders.checker, at=opened)
    for number, member in enumerate(members):
        invitation = invite_member(
            programme=programme, firm=member.firm, suggested_limit=2 * MILLION, by=core.owner, at=opened
        )
        if number == len(members) - 1:
            # The last one has not answered yet.
            break
        answer_invitation(invitation=invitation, accepts=True, by=member.owner, at=opened + timedelta(days=1))
        change = propose_line(
            bank=lenders.bank,
            kind=CreditLine.Kind.MEMBER,
            parent=programme,
            borrower=member.firm,
            limit=(number + 1) * MILLION,
            terms={**terms, "repayment": "at_maturity", "starts_on": today + timedelta(days=2)},
            reason="项目成员",
            by=lenders.maker,
            at=opened + timedelta(days=2),
        )
        line = confirm_change(change=change, by=lenders.checker, at=opened + timedelta(days=2))
        if number < 2:
            desk.draw(member, line, 400_000 * (number + 1), 120, "集采货款", now - timedelta(days=20))
    return programme


def ask_for_covers(desk: Desk, line: CreditLine, seller: Borrower, *, now: datetime) -> None:
    """Ask the insurer to cover the seller's line; its quote is for who plays the insurer to give."""
    lenders = desk.lenders
    give_consent(
        firm=seller.firm,
        reader=lenders.insurer,
        purpose=Purpose.COVER,
        groups=[DataGroup.SCORE, DataGroup.SALES, DataGroup.FINDINGS],
        valid_until=now + YEAR,
        by=seller.owner,
        now=now - timedelta(days=1),
    )
    partnership = Partnership.objects.get(bank=lenders.bank, partner=lenders.insurer)
    said = {"amount": line.limit, "days": 180, "note": "请对该额度报价"}
    request_cover(partnership=partnership, said=said, line=line, by=lenders.maker, now=now - timedelta(hours=6))


def let_watch(borrowers: Sequence[Borrower], bank: Organisation, *, now: datetime) -> None:
    """Let the bank watch whom it lends to."""
    for one in borrowers:
        give_consent(
            firm=one.firm,
            reader=bank,
            purpose=Purpose.MONITORING,
            groups=DataGroup.values,
            valid_until=now + 2 * YEAR,
            by=one.owner,
            now=now - timedelta(days=95),
        )
