"""Keep a part of a line for an order, or promise it to a collective purchase."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import CreditLine, Reservation
from finance.runs.lending import KEPT_FOR
from finance.runs.lines import free, hold, lock_path
from finance.services.lines import require_usable
from marketplace.models import Membership, Order, PoolCommitment, PurchasePool, User
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money


class LineIsAnotherFirms(RuleBroken):
    pass


class OtherCurrency(RuleBroken):
    pass


class OrderHasCredit(RuleBroken):
    pass


class OrderNotToBePaid(RuleBroken):
    pass


class NotHeldAnyMore(RuleBroken):
    pass


class NotAMember(RuleBroken):
    """The firm has not joined the collective purchase, or its line is promised to it already."""


def require_line_of(line: CreditLine, organisation, currency: str, *, at: datetime) -> None:
    """Refuse unless this firm may draw this line for something in this currency now."""
    if line.borrower_id != organisation.pk or line.kind not in (CreditLine.Kind.MEMBER, CreditLine.Kind.SINGLE):
        raise LineIsAnotherFirms(_("This is not a line that the buyer draws."))
    if line.currency != currency:
        raise OtherCurrency(_("The order is in %(currency)s, the line is not.") % {"currency": currency})
    require_usable(line, at=at)


@transaction.atomic
def reserve_for_order(*, line: CreditLine, order: Order, by: User, at: datetime) -> Reservation:
    """Keep what is still to be paid of an order on the buyer's line, for the supplier to be paid from it.

    :raises OnlyMembersMay: if ``by`` does not trade for the buyer
    :raises LineIsAnotherFirms: if the line is not the buyer's
    :raises OtherCurrency: if order and line are in different currencies
    :raises LineNotUsable: if the line takes no new draws
    :raises ScoreTooLow: if the buyer's score fell
    :raises OrderHasCredit: if credit was reserved for it before
    :raises OrderNotToBePaid: if nothing of it is to be paid
    :raises LineExhausted: if a node of the tree has less available
    """
    require_role(by, order.buyer, *Membership.TRADING_ROLES)
    require_line_of(line, order.buyer, order.currency, at=at)
    # Locked, so that of two who reserve for it at once the second sees the first.
    order = Order.objects.locked().get(pk=order.pk)
    if order.status in Order.ENDED or order.open_amount <= 0:
        raise OrderNotToBePaid(_("Nothing of this order is to be paid."))
    if Reservation.objects.filter(order=order, status__in=["held", "drawn"]).exists():
        raise OrderHasCredit(_("Credit was reserved for this order before."))
    return hold(line=line, order=order, amount=order.open_amount, by=by, at=at, expires_at=at + KEPT_FOR)


@transaction.atomic
def free_reservation(*, reservation: Reservation, by: User, at: datetime) -> None:
    """Give back what was kept for an order and is not drawn.

    :raises OnlyMembersMay: if ``by`` does not trade for the line's firm
    :raises NotHeldAnyMore: if it was freed before, or a drawdown asks for it
    """
    require_role(by, reservation.line.borrower, *Membership.TRADING_ROLES)
    lock_path(reservation.line)
    asked_for = Reservation.objects.filter(pk=reservation.pk, drawdown__isnull=False)
    if asked_for.exists() or not free(reservation, reason="given back", at=at, by=by):
        raise NotHeldAnyMore(_("This is not kept any more, or a drawdown asks for it."))


@transaction.atomic
def pledge_to_pool(*, line: CreditLine, pool: PurchasePool, amount: object, by: User, at: datetime) -> Reservation:
    """Let a member's part of a collective purchase be bought on its line, up to an amount, when the pool is ordered.

    Nothing is taken from the line before. If credit falls short then, it is shared in proportion to the members' parts.

    :raises OnlyMembersMay: if ``by`` does not trade for the line's firm
    :raises NotAMember: if the firm has not joined, or promised before
    :raises InputRefused: if the amount is none
    """
    require_role(by, line.borrower, *Membership.TRADING_ROLES)
    require_line_of(line, line.borrower, pool.currency, at=at)
    errors: dict[str, list[str]] = {}
    most = money(amount, "amount", errors)
    if errors:
        raise InputRefused(errors)
    joined = PoolCommitment.objects.filter(pool=pool, organisation=line.borrower).live()
    if not joined.exists():
        raise NotAMember(_("“%(firm)s” has not joined this collective purchase.") % {"firm": line.borrower.name})
    pledge, is_new = Reservation.objects.get_or_create(
        line=line,
        pool=pool,
        status=Reservation.Status.PLEDGED,
        defaults={"amount": most, "by": by, "at": at, "expires_at": at + 2 * KEPT_FOR},
    )
    if not is_new:
        raise NotAMember(_("This line is promised to this collective purchase already."))
    return pledge


@transaction.atomic
def withdraw_pledge(*, reservation: Reservation, by: User, at: datetime) -> None:
    """Take a promise back before the pool is ordered.

    :raises OnlyMembersMay: if ``by`` does not trade for the line's firm
    :raises NotHeldAnyMore: if it became a reservation or ended
    """
    require_role(by, reservation.line.borrower, *Membership.TRADING_ROLES)
    rows = Reservation.objects.filter(pk=reservation.pk, status=Reservation.Status.PLEDGED)
    if not rows.update(status=Reservation.Status.FREED, ended_at=at, reason="withdrawn"):
        raise NotHeldAnyMore(_("The collective purchase was ordered, or the promise was taken back before."))


def foreseen_amount(commitment: PoolCommitment) -> Decimal:
    """Return what a member's part costs at most: at its highest price, else at the pool's without any discount."""
    pool = commitment.pool
    price = commitment.maximum_price or pool.base_price
    net = commitment.quantity * price
    rate = Decimal(0) if pool.price_includes_tax else pool.tax_rate
    return (net * (100 + rate) / 100).quantize(Decimal("0.01"))
