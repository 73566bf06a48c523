"""Take from lines and give back: at every node of the path at once, or nowhere."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Account, CreditLine, Posting, Reservation
from finance.runs.ledger import Leg, post
from marketplace.models import User

ZERO = Decimal(0)


class LineExhausted(RuleBroken):
    """A node of the tree has less available than is asked for; ``line`` is that node.

    How much is left above its own line is not a firm's to know.
    """

    def __init__(self, line: CreditLine, *, is_own: bool) -> None:
        self.line = line
        if is_own:
            facts = {"line": line.number, "left": f"{max(line.available, ZERO):,.2f}", "currency": line.currency}
            super().__init__(_("Only %(left)s %(currency)s are left of line %(line)s.") % facts)
        else:
            message = _("What stands above this line (%(kind)s) does not have so much left.")
            super().__init__(message % {"kind": line.get_kind_display()})


class Shift(NamedTuple):
    """What changes at a line and at every node above it."""

    line: CreditLine
    reserved: Decimal = ZERO
    used: Decimal = ZERO


def shift(shifts: Iterable[Shift]) -> dict[int, CreditLine]:
    """Change what is reserved and used along the paths of these lines; return the nodes as they were, locked.

    A line that does not revolve loses of its limit what was repaid of it: so its use is what is owed, at every node.

    :raises LineExhausted: if a node would give more than its limit; nothing is written then
    """
    shifts = list(shifts)
    changes: dict[int, list[Decimal]] = {}
    for one in shifts:
        for node in one.line.path:
            change = changes.setdefault(node, [ZERO, ZERO])
            change[0] += one.reserved
            change[1] += one.used
    own = {one.line.pk for one in shifts}
    nodes = {one.pk: one for one in CreditLine.objects.filter(pk__in=changes).lock_in_order()}
    for pk, (reserved, used) in sorted(changes.items()):
        node = nodes[pk]
        if reserved + used > max(node.available, ZERO):
            raise LineExhausted(node, is_own=pk in own)
        repaid = -used if used < 0 and reserved <= 0 and not node.is_revolving else ZERO
        # The condition again in the UPDATE, and in the table's constraints: this function is not the last word.
        written = CreditLine.objects.filter(pk=pk, limit__gte=F("reserved") + F("used") + reserved + used).update(
            reserved=F("reserved") + reserved, used=F("used") + used, limit=F("limit") - repaid
        )
        if not written:
            raise LineExhausted(node, is_own=pk in own)
    return nodes


def hold(
    *, line: CreditLine, amount: Decimal, by: User | None, at: datetime, expires_at: datetime, **about
) -> Reservation:
    """Reserve an amount of a line, at every node above too.

    :raises LineExhausted: if a node has less available
    """
    shift([Shift(line, reserved=amount)])
    held = Reservation.objects.create(line=line, amount=amount, by=by, at=at, expires_at=expires_at, **about)
    post_hold(held, at=at, by=by)
    return held


def post_hold(held: Reservation, *, at: datetime, by: User | None) -> Posting:
    return post(
        key=f"reservation.held:{held.pk}",
        kind="reservation.held",
        line=held.line,
        legs=[Leg(Account.RESERVED, Account.AVAILABLE, held.amount)],
        at=at,
        booked_on=timezone.localdate(at),
        by=by,
    )


def lock_path(line: CreditLine) -> None:
    """Lock a line and what stands above it; reservations and drawdowns' holds come after, in every use case."""
    CreditLine.objects.filter(pk__in=line.path).lock_in_order()


def free(held: Reservation, *, reason: str, at: datetime, by: User | None = None) -> bool:
    """Give back what is still reserved; False if it was drawn or freed already."""
    lock_path(held.line)
    # One UPDATE decides: of two who free it at once, one does.
    rows = Reservation.objects.filter(pk=held.pk, status=Reservation.Status.HELD)
    if not rows.update(status=Reservation.Status.FREED, reason=reason[:200], ended_at=at):
        return False
    held = Reservation.objects.select_related("line").get(pk=held.pk)
    shift([Shift(held.line, reserved=-held.amount)])
    post(
        key=f"reservation.freed:{held.pk}",
        kind="reservation.freed",
        line=held.line,
        legs=[Leg(Account.AVAILABLE, Account.RESERVED, held.amount)],
        at=at,
        booked_on=timezone.localdate(at),
        by=by,
    )
    return True


def shrink(held: Reservation, *, to: Decimal, reason: str, at: datetime, by: User | None = None) -> bool:
    """Keep less reserved than was; False if it is not held any more or is that small already."""
    lock_path(held.line)
    rows = Reservation.objects.filter(pk=held.pk, status=Reservation.Status.HELD, amount__gt=to)
    before = rows.values_list("amount", flat=True).first()
    if before is None:
        return False
    over = before - to
    rows.update(amount=to, reason=reason[:200])
    shift([Shift(held.line, reserved=-over)])
    post(
        key=f"reservation.shrunk:{held.pk}:{to:.2f}",
        kind="reservation.shrunk",
        line=held.line,
        legs=[Leg(Account.AVAILABLE, Account.RESERVED, over)],
        at=at,
        booked_on=timezone.localdate(at),
        by=by,
    )
    return True
