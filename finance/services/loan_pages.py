"""What the pages of lines and loans show, read in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from finance.lending.cost import cost_of, yearly_cost
from finance.lending.schedule import Due, schedule
from finance.models import (
    CreditLine,
    Drawdown,
    Instalment,
    LineChange,
    OfflineAct,
    ProgrammeInvitation,
    Repayment,
    Reservation,
)
from finance.runs.dues import penalty_on
from finance.services.repayments import owed_at
from marketplace.models import Membership, Offer, Organisation, User

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineView:
    """A line with what can be drawn of it, the nodes above it counted, and its bar in parts of a hundred."""

    line: CreditLine
    available: Decimal
    reserved_percent: int
    used_percent: int


def line_views(lines: Iterable[CreditLine]) -> list[LineView]:
    """Return the lines with what each can still give; two queries however many they are."""
    lines = list(lines)
    above = CreditLine.objects.filter(pk__in={node for line in lines for node in line.path})
    nodes = {node.pk: node.available for node in above}
    found = []
    for line in lines:
        whole = line.limit or Decimal(1)
        available = max(min((nodes[node] for node in line.path), default=ZERO), ZERO)
        percents = (int(100 * line.reserved / whole), int(100 * line.used / whole))
        found.append(LineView(line, available, *percents))
    return found


@dataclass(frozen=True, slots=True)
class LoanRow:
    """An instalment as it stands today, with the penalty interest that is not written yet."""

    instalment: Instalment
    penalty: Decimal
    left: Decimal
    days_overdue: int


@dataclass(frozen=True)
class LoanPage:
    drawdown: Drawdown
    rows: list[LoanRow]
    repayments: list[Repayment]
    steps: list[dict]
    owed: dict[str, Decimal]
    cost: float | None
    foreseen: list[Due] = field(default_factory=list)
    is_firm: bool = False
    may_cancel: bool = False
    may_propose: bool = False
    may_check: bool = False
    may_decline: bool = False
    may_record: bool = False
    may_confirm: bool = False
    # The offline act by which the bank says that it paid; the bank's people see it.
    act: int | None = None
    next: str = ""
    days_overdue: int = 0


def read_loan(*, drawdown: Drawdown, user: User, now: datetime) -> LoanPage:
    """Return the page of one loan for whoever may see it: schedule, repayments, steps, yearly cost, and what may be done."""
    on = timezone.localdate(now)
    instalments = list(drawdown.instalments.standing())
    repayments = list(drawdown.repayments.with_names().order_by("paid_on", "pk"))
    is_open = drawdown.status == Drawdown.Status.PAID_OUT
    roles = dict(user.memberships.values_list("organisation", "role"))
    at_bank, at_firm = roles.get(drawdown.line.bank_id), roles.get(drawdown.borrower_id)
    second = user.pk not in (drawdown.maker_id, drawdown.requested_by_id)
    status = Drawdown.Status
    foreseen = []
    if not drawdown.starts_on and drawdown.status != status.CANCELLED:
        terms = (drawdown.rate_bp, on, drawdown.days, drawdown.repayment)
        foreseen = schedule(drawdown.amount, *terms)
    early = (status.REQUESTED, status.PROPOSED)
    return LoanPage(
        drawdown=drawdown,
        rows=[_row(one, drawdown, on) for one in instalments],
        repayments=repayments,
        steps=_steps(drawdown, repayments),
        owed=owed_at(drawdown, on) if is_open else {},
        cost=cost_of(drawdown.amount, on, foreseen) if foreseen else _cost(drawdown, instalments, repayments, on),
        foreseen=foreseen,
        is_firm=at_firm is not None,
        may_cancel=at_firm in Membership.TRADING_ROLES and drawdown.status in early,
        may_propose=at_bank == "maker" and drawdown.status == status.REQUESTED and user.pk != drawdown.requested_by_id,
        may_check=at_bank == "checker" and drawdown.status == status.PROPOSED and second,
        may_decline=(at_bank in ("maker", "checker") and drawdown.status in early)
        or (at_bank == "checker" and drawdown.status == status.APPROVED),
        may_record=at_bank == "maker" and is_open,
        may_confirm=at_bank == "checker" and is_open,
        act=_act(drawdown) if at_bank in ("maker", "checker", "owner") else None,
        next=_next(drawdown),
        days_overdue=drawdown.days_overdue(on),
    )


def _row(one: Instalment, drawdown: Drawdown, on: date) -> LoanRow:
    if one.status != Instalment.Status.OPEN:
        return LoanRow(one, one.penalty, ZERO, 0)
    late = penalty_on(one, drawdown, on)
    return LoanRow(one, one.penalty + late, one.left + late, max((on - one.due_on).days, 0))


def _cost(drawdown: Drawdown, instalments: list[Instalment], repayments: list[Repayment], on: date) -> float | None:
    """Return the XIRR of what was paid and of what is still to be paid by the schedule, the overdue part today."""
    if not drawdown.starts_on:
        return None
    flows = [(drawdown.starts_on, drawdown.amount)]
    flows += [(one.paid_on, -one.amount) for one in repayments if one.status == Repayment.Status.BOOKED]
    still = [one for one in instalments if one.status == Instalment.Status.OPEN]
    flows += [(max(one.due_on, on), -one.left - penalty_on(one, drawdown, on)) for one in still]
    return yearly_cost(flows)


def _act(drawdown: Drawdown) -> int | None:
    if drawdown.status != Drawdown.Status.APPROVED:
        return None
    acts = OfflineAct.objects.filter(drawdown=drawdown, kind=OfflineAct.Kind.FUNDS_PAID)
    return acts.filter(status__in=OfflineAct.RUNNING).values_list("pk", flat=True).first()


def _next(drawdown: Drawdown) -> str:
    """Return who must do what next, in the reader's language."""
    status = Drawdown.Status
    words = {
        status.REQUESTED: _("the bank's maker looks at it"),
        status.PROPOSED: _("the bank's checker answers"),
        status.APPROVED: _("the bank pays the supplier"),
        status.PAID_OUT: _("the firm repays by the schedule"),
    }
    return words.get(drawdown.status, "")


def _steps(drawdown: Drawdown, repayments: list[Repayment]) -> list[dict]:
    """Return what happened, in order: {label, at, by}, for the timeline that firm and bank both see."""
    bank = drawdown.line.bank.name
    found = [{"label": _("Requested"), "at": drawdown.requested_at, "by": drawdown.borrower.name}]
    if drawdown.made_at:
        found.append({"label": _("Proposed by the maker"), "at": drawdown.made_at, "by": bank})
    if drawdown.checked_at:
        is_back = drawdown.status == Drawdown.Status.REQUESTED
        label = _("Sent back by the checker") if is_back else _("Approved by the checker")
        found.append({"label": label, "at": drawdown.checked_at, "by": bank})
    if drawdown.paid_out_at:
        found.append({"label": _("Supplier paid"), "at": drawdown.paid_out_at, "by": bank})
    booked = [one for one in repayments if one.status == Repayment.Status.BOOKED]
    found += [{"label": _("Repaid"), "at": one.checked_at, "by": bank, "amount": one.amount} for one in booked]
    if drawdown.ended_at:
        found.append({"label": drawdown.get_status_display(), "at": drawdown.ended_at, "by": ""})
    return sorted(found, key=lambda step: step["at"])


@dataclass(frozen=True)
class LoansPage:
    """What a firm has: lines, what is kept for orders, loans, and invitations into programmes."""

    lines: list[LineView]
    reservations: list[Reservation]
    pledges: list[Reservation]
    loans: list[Drawdown]
    invitations: list[ProgrammeInvitation]
    may_draw: bool


def read_loans(*, user: User) -> LoansPage:
    """Return the loans page of the user's firms."""
    mine = Organisation.objects.of(user)
    lines = CreditLine.objects.filter(borrower__in=mine).exclude(status=CreditLine.Status.CLOSED)
    kept = Reservation.objects.filter(line__borrower__in=mine).with_names().order_by("-at", "-pk")
    loans = Drawdown.objects.filter(borrower__in=mine).with_names().order_by("-requested_at", "-pk")
    asked = ProgrammeInvitation.objects.filter(firm__in=mine).with_names()
    return LoansPage(
        lines=line_views(lines.with_names().order_by("-opened_at", "-pk")),
        reservations=list(kept.undrawn()[:100]),
        pledges=list(kept.filter(status=Reservation.Status.PLEDGED)[:100]),
        loans=list(loans[:200]),
        invitations=list(asked.filter(status__in=["open", "accepted"]).order_by("-invited_at", "-pk")),
        may_draw=Organisation.objects.of(user, *Membership.TRADING_ROLES).exists(),
    )


def lines_for(*, user: User, buyer: Organisation, currency: str, on: date) -> list[LineView]:
    """Return the lines that this buyer could order on, those with the most left first."""
    rows = CreditLine.objects.of_firm(user, *Membership.TRADING_ROLES).filter(borrower=buyer, currency=currency)
    views = line_views(rows.drawable().usable(on).with_names().order_by("pk"))
    return sorted(views, key=lambda view: -view.available)


def answerable_offer(*, user: User, pk: int) -> Offer | None:
    """Return an open offer of a supplier that the user answers as the buyer, None if there is none."""
    mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
    rows = Offer.objects.filter(pk=pk, side=Offer.Side.SELLER, status=Offer.Status.OPEN, negotiation__buyer__in=mine)
    return rows.select_related("negotiation__buyer", "negotiation__seller").first()


def changes_waiting(*, user: User) -> list[LineChange]:
    """Return what waits for a second person at the user's banks."""
    banks = Organisation.objects.of(user)
    return list(LineChange.objects.waiting().filter(bank__in=banks).with_names().order_by("made_at", "pk"))


def lending_queue(*, user: User) -> dict[str, list]:
    """Return what waits for the bank's people: requests and proposals to draw, and repayments to confirm."""
    mine = Drawdown.objects.of_bank(user).with_names().order_by("act_by", "pk")
    waiting = Repayment.objects.filter(status=Repayment.Status.RECORDED, drawdown=OuterRef("pk"))
    return {
        "requested": list(mine.filter(status=Drawdown.Status.REQUESTED)),
        "proposed": list(mine.filter(status=Drawdown.Status.PROPOSED)),
        "approved": list(mine.filter(status=Drawdown.Status.APPROVED)),
        "repaid": list(mine.filter(Q(Exists(waiting)))),
    }
