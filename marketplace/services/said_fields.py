"""Reading what somebody said, field by field: each check that refuses is kept under the field's dotted name."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Incoterm, Park, PaymentTerm
from marketplace.parsing.deal_terms import DEFAULTS, LONGEST_AHEAD, TERMS
from marketplace.parsing.draft_fields import ProblemError, storable, text

EMPTY = (None, "")
YES = (True, "true", "True", "on", "1", 1)
NO = (False, "false", "False", "", "0", 0, None)
REQUIRED = ("currency", "tax_rate", "incoterm", "window_start", "window_end", "payment_term")


class SaidFields:
    """What was said, under ``prefix`` ("lines.0."); ``errors`` is shared by all parts of one input."""

    def __init__(self, said: Mapping[str, Any], *, errors: dict[str, list[str]], prefix: str = "") -> None:
        self.said, self.errors, self.prefix = said, errors, prefix

    def refuse(self, name: str, message: str) -> None:
        self.errors.setdefault(self.prefix + name, []).append(str(message))

    def has(self, name: str) -> bool:
        return name in self.said

    def read(self, name: str, check: Callable[[Any], Any], start: Any = None, *, is_required: bool = False) -> Any:
        """Return the checked value; ``start`` where nothing was said, or where what was said is wrong."""
        if name not in self.said and not (is_required and start in EMPTY):
            return start
        value = storable(self.said.get(name))
        if isinstance(value, str):
            value = value.strip()
        if value in EMPTY:
            if is_required:
                self.refuse(name, _("This field is required."))
                return start
            return None
        try:
            return check(value)
        except ProblemError as problem:
            self.refuse(name, in_my_language(problem))
            return start

    def text(self, name: str, limit: int, start: str = "", *, is_required: bool = False) -> str:
        return self.read(name, text(limit), start, is_required=is_required) or ""

    def yes(self, name: str, *, start: bool) -> bool:
        if name not in self.said:
            return start
        value = self.said[name]
        if value in YES:
            return True
        if value not in NO:
            self.refuse(name, _("Must be true or false."))
        return False


def short_text(said: object, field: str, longest: int) -> str:
    """Return what was said as one text.

    :raises InputRefused: naming the field, if it is too long
    """
    words = str(said or "").strip()
    if len(words) > longest:
        raise InputRefused({field: [_("At most %(count)d characters.") % {"count": longest}]})
    return words


def in_my_language(problem: ProblemError) -> str:
    return problem.en if get_language() == "en" else problem.zh


def refuse_errors(errors: dict[str, list[str]]) -> None:
    """Raise what was gathered, if anything was."""
    if errors:
        raise InputRefused(errors)


def park(value: object) -> Park:
    """Take a park in service by its row, id or code."""
    if isinstance(value, Park):
        value = value.pk
    parks = Park.objects.open()
    written = str(value)
    found = parks.filter(pk=int(written)) if written.isdigit() and len(written) < 18 else parks.filter(code=written)
    if (row := found.first()) is None:
        raise ProblemError("unknown_park", "没有这个园区。", "There is no such park.")
    return row


def read_terms(fields: SaidFields, *, start: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the terms of a deal: what was said over what ``start`` holds, each error under its field.

    What the chosen payment has no use for is left out, so that equal terms are equal.
    """
    known = DEFAULTS | {name: value for name, value in start.items() if value is not None}
    terms = {
        name: fields.read(name, check, known.get(name), is_required=name in REQUIRED)
        for name, check in TERMS.items()
        if name != "price_includes_tax"
    }
    terms["price_includes_tax"] = fields.yes("price_includes_tax", start=known["price_includes_tax"])
    terms["park"] = fields.read("park", park, start.get("park"))
    for name in ("region", "address", "note"):
        terms[name] = terms[name] or ""
    terms["payment_days"] = (terms["payment_days"] or 0) if terms["payment_term"] == PaymentTerm.NET else 0
    terms["deposit_percent"] = terms["deposit_percent"] or Decimal(0)
    if terms["payment_term"] != PaymentTerm.DEPOSIT:
        terms["deposit_percent"] = Decimal(0)
    elif not 0 < terms["deposit_percent"] < 100 and "deposit_percent" not in fields.errors:
        fields.refuse("deposit_percent", _("Must be above 0 and below 100."))
    _check_window(fields, terms["window_start"], terms["window_end"], timezone.localdate(now))
    if terms["incoterm"] == Incoterm.PARK_HANDOVER and terms["park"] is None and "park" not in fields.errors:
        fields.refuse("park", _("Name the park where the goods are handed over."))
    return terms


def _check_window(fields: SaidFields, start: date | None, end: date | None, today: date) -> None:
    if end is None or start is None:
        return
    if end < today:
        fields.refuse("window_end", _("This day is past."))
    elif end > today + LONGEST_AHEAD:
        fields.refuse("window_end", _("This day is too far away."))
    elif end < start:
        fields.refuse("window_end", _("The window ends before it begins."))
