"""Read what an organiser says of a pool: every field that cannot be taken is named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from marketplace.models import Category, PurchasePool
from marketplace.parsing.deal_terms import LINE, NEEDS_PLACE, TERMS
from marketplace.parsing.draft_fields import ProblemError, decimal, moment, one_of, several
from marketplace.pooling.ladder import Rung
from marketplace.services.said_fields import SaidFields, read_terms, refuse_errors

MOST_RUNGS = 10
LONGEST_OPEN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class PoolInput:
    """What was said of a pool, checked: the fields of its row, and its ladder from the lowest rung."""

    fields: dict[str, Any]
    ladder: list[Rung]


def read_pool(said: Mapping[str, Any], *, now: datetime) -> PoolInput:
    """Check what an organiser says.

    :raises InputRefused: naming each field that cannot be taken, prices as ``prices.0.unit_price``
    """
    reader = SaidFields(said, errors={})
    terms = read_terms(reader, start={"payment_term": "net"}, now=now)
    fields = {
        **terms,
        "title_zh": reader.text("title_zh", 200),
        "title_en": reader.text("title_en", 200),
        "text_zh": reader.text("text_zh", 4000),
        "text_en": reader.text("text_en", 4000),
        "category": reader.read("category", _category, is_required=True),
        "specification": reader.read("specification", _specification) or {"attributes": {}, "text": ""},
        "unit": reader.read("unit", LINE["unit"], is_required=True),
        "step": reader.read("step", decimal(places=3, digits=12), Decimal(1), is_required=True),
        "base_price": reader.read("base_price", decimal(places=4), is_required=True),
        "minimum_quantity": reader.read("minimum_quantity", decimal(places=3), is_required=True),
        "closes_at_quantity": reader.read("closes_at_quantity", decimal(places=3)),
        "closes_at": reader.read("closes_at", moment),
        "shortage_rule": reader.read(
            "shortage_rule", _choice(PurchasePool.Rule.values), PurchasePool.Rule.PRO_RATA.value, is_required=True
        ),
        "leave_free_until": reader.read("leave_free_until", moment),
        "leaving_percent": reader.read("leaving_percent", TERMS["tax_rate"], Decimal(0)) or Decimal(0),
        "visibility": reader.read(
            "visibility",
            _choice(PurchasePool.Visibility.values),
            PurchasePool.Visibility.PUBLIC.value,
            is_required=True,
        ),
    }
    _check_texts(reader, fields)
    _check_quantities(reader, fields)
    _check_moments(reader, fields, now)
    ladder = _read_ladder(reader, said, fields)
    refuse_errors(reader.errors)
    return PoolInput(fields, ladder)


def _category(value: object) -> Category:
    if isinstance(value, Category):
        return value
    found = Category.objects.filter(code=str(value)).first()
    if found is None:
        raise ProblemError("unknown_category", "没有这个品类。", "There is no such category.")
    return found


def _choice(values: Sequence[str]) -> Callable[[object], str]:
    return one_of({value: value for value in values})


def _specification(value: object) -> dict[str, Any]:
    """Take ``{"attributes": {…}, "text": ""}`` as a line of an offer does, or a text alone."""
    return LINE["specification"]({"text": value} if isinstance(value, str) else value)


def _check_texts(reader: SaidFields, fields: Mapping[str, Any]) -> None:
    if fields["incoterm"] in NEEDS_PLACE and not (fields["park"] or fields["region"] or fields["address"]):
        reader.refuse("address", _("Say where it is delivered to: a park, a place or an address."))
    if not fields["title_zh"] and not fields["title_en"]:
        reader.refuse("title_zh", _("Give it a title, in Chinese or in English."))


def is_whole(quantity: Decimal, step: Decimal) -> bool:
    """Say whether the quantity is so many whole steps."""
    return quantity % step == 0


def _check_quantities(reader: SaidFields, fields: Mapping[str, Any]) -> None:
    step, minimum, closing = fields["step"], fields["minimum_quantity"], fields["closes_at_quantity"]
    for name in ("minimum_quantity", "closes_at_quantity"):
        if fields[name] and step and not is_whole(fields[name], step):
            reader.refuse(name, _("Must be whole steps of %(step)s.") % {"step": step.normalize()})
    if minimum and closing and closing < minimum:
        reader.refuse("closes_at_quantity", _("This is below the minimum quantity."))


def _check_moments(reader: SaidFields, fields: dict[str, Any], now: datetime) -> None:
    closes_at = fields["closes_at"]
    if closes_at is None and fields["closes_at_quantity"] is None and "closes_at" not in reader.errors:
        reader.refuse("closes_at", _("Say when it closes: at a moment, at a quantity, or at whichever comes first."))
    if closes_at is not None and closes_at <= now:
        reader.refuse("closes_at", _("This moment is past."))
    elif closes_at is not None and closes_at > now + LONGEST_OPEN:
        reader.refuse("closes_at", _("At most a year from now."))
    if fields["leave_free_until"] is None and "leave_free_until" not in reader.errors:
        # Nothing said: free until it closes, or for a week where no moment closes it.
        fields["leave_free_until"] = closes_at or now + timedelta(days=7)
    if closes_at and fields["window_end"] and fields["window_end"] < closes_at.date():
        reader.refuse("window_end", _("The goods cannot be delivered before the purchase closes."))


def _read_ladder(reader: SaidFields, said: Mapping[str, Any], fields: Mapping[str, Any]) -> list[Rung]:
    try:
        rows = several(said.get("prices"))
    except ProblemError:
        rows = []
    if not rows:
        reader.refuse("prices", _("Give at least one step of the price ladder."))
    if len(rows) > MOST_RUNGS:
        reader.refuse("prices", _("At most %(count)d steps.") % {"count": MOST_RUNGS})
    ladder = []
    for place, row in enumerate(rows[:MOST_RUNGS]):
        part = SaidFields(row if isinstance(row, Mapping) else {}, errors=reader.errors, prefix=f"prices.{place}.")
        start = part.read("from_quantity", decimal(places=3), is_required=True)
        price = part.read("unit_price", decimal(places=4), is_required=True)
        if start is None or price is None:
            continue
        _check_rung(part, ladder, Rung(start, price), fields)
        ladder.append(Rung(start, price))
    return ladder


def _check_rung(part: SaidFields, before: Sequence[Rung], rung: Rung, fields: Mapping[str, Any]) -> None:
    if fields["step"] and not is_whole(rung.from_quantity, fields["step"]):
        part.refuse("from_quantity", _("Must be whole steps of %(step)s.") % {"step": fields["step"].normalize()})
    if fields["base_price"] is not None and rung.unit_price > fields["base_price"]:
        part.refuse("unit_price", _("This is more than a single buyer pays."))
    if before and rung.from_quantity <= before[-1].from_quantity:
        part.refuse("from_quantity", _("Each step begins at a larger quantity than the one before."))
    if before and rung.unit_price >= before[-1].unit_price:
        part.refuse("unit_price", _("Each step costs less per unit than the one before."))
