"""Where the quantity of an order line is: nothing changes it but ``move``."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Order, OrderLine, OrderMove, Shipment, User
from marketplace.parsing.units import format_quantity

THOUSANDTH = Decimal("0.001")
LARGEST = Decimal(10) ** 14
# From which place a quantity may go to which: what is over (returned, cancelled, short) comes back by no way, except
# that a called-off part returns to its framework order.
WAYS = {
    "outstanding": {"in_delivery", "short", "cancelled", "called_off", "accepted"},
    "in_delivery": {"accepted", "returned", "short", "disputed", "outstanding"},
    "accepted": {"disputed", "returned", "outstanding"},
    "disputed": {"accepted", "returned", "short", "in_delivery", "outstanding"},
    "called_off": {"outstanding", "cancelled"},
}


class NotThatMuchThere(RuleBroken):
    """Less of the line is in that place than was to be moved."""


class NoWayThere(RuleBroken):
    """Nothing goes from that place to the other."""


def whole_quantity(value: object, field: str) -> Decimal:
    """Return a quantity above 0 with at most three decimal places.

    :raises InputRefused: at the field, if it is none
    """
    try:
        quantity = Decimal(str(value))
    except InvalidOperation as error:
        raise InputRefused({field: [_("Enter a number.")]}) from error
    if not quantity.is_finite() or quantity <= 0:
        raise InputRefused({field: [_("Enter a quantity above 0.")]})
    if quantity >= LARGEST:
        raise InputRefused({field: [_("This quantity is too large.")]})
    if quantity != quantity.quantize(THOUSANDTH):
        raise InputRefused({field: [_("At most three decimal places.")]})
    return quantity.quantize(THOUSANDTH)


def line_at(lines: Sequence[OrderLine], position: object, field: str) -> OrderLine:
    """Return the line of this position.

    :raises InputRefused: at the field, if the order has none such
    """
    for line in lines:
        if str(line.position) == str(position):
            return line
    raise InputRefused({field: [_("The order has no line %(position)s.") % {"position": position}]})


@transaction.atomic
def move(
    *,
    line: OrderLine,
    quantity: Decimal,
    source: str,
    target: str,
    by: User | None,
    at: datetime,
    reason: str = "",
    shipment: Shipment | None = None,
) -> OrderMove:
    """Take a quantity of a line from one place to another, and write down that it went.

    Afterwards call ``orders.refresh_status``: where the goods are decides how far the order is.

    :raises InputRefused: if ``quantity`` is no quantity
    :raises NoWayThere: if nothing goes from ``source`` to ``target``
    :raises NotThatMuchThere: if less than that is there
    """
    quantity = whole_quantity(quantity, "quantity")
    if target not in WAYS.get(source, ()):
        raise NoWayThere(
            _("Nothing goes from “%(source)s” to “%(target)s”.")
            % {"source": place_name(source), "target": place_name(target)}
        )
    # The order before its lines, as everybody locks them, so that two who change it wait and never in a circle.
    Order.objects.locked().only("pk").get(pk=line.order_id)
    # One UPDATE decides, so that two moves at once never take the same goods.
    if not OrderLine.objects.filter(pk=line.pk).shift(quantity, source=source, target=target):
        line.refresh_from_db(fields=OrderLine.PLACES)
        raise NotThatMuchThere(
            _("Line %(position)d: %(left)s are “%(place)s”, fewer than %(wanted)s.")
            % {
                "position": line.position,
                "left": shown(getattr(line, source), line.unit),
                "place": place_name(source),
                "wanted": shown(quantity, line.unit),
            }
        )
    line.refresh_from_db(fields=OrderLine.PLACES)
    return OrderMove.objects.create(
        line=line, quantity=quantity, source=source, target=target, by=by, at=at, reason=reason[:300], shipment=shipment
    )


def shown(quantity: Decimal, unit: str) -> str:
    return format_quantity(float(quantity), unit, get_language() or "zh")


def place_name(place: str) -> str:
    """Return what the reader calls a place where a quantity may be."""
    if place not in OrderLine.PLACES:
        return place
    return str(OrderLine._meta.get_field(place).verbose_name)  # noqa: SLF001 - Django's own name for it
