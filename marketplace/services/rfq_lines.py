"""What is asked for, line by line, as it was said."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from marketplace.models import RequestForQuotation, RfqLine
from marketplace.parsing.deal_terms import LINE
from marketplace.parsing.draft_fields import ProblemError, decimal, several, whole
from marketplace.services.said_fields import SaidFields

MOST_LINES = 100
MOST_TIERS = 10
COMPARED = ("description", "specification", "quantity", "unit", "tiers")


def _specification(value: object) -> dict[str, Any]:
    """Take a text, or {"attributes": {key: {"value", "unit", "tolerance" | "min" | "max"}}, "text": ""}."""
    return LINE["specification"]({"text": value} if isinstance(value, str) else value)


def _tiers(value: object) -> list:
    check = decimal(places=3)
    # Thousands separators would be ambiguous beside several numbers: blanks, semicolons and commas part them.
    found = sorted({check(one) for one in several(value.replace(" ", ";") if isinstance(value, str) else value)})
    if len(found) > MOST_TIERS:
        raise ProblemError("too_many", f"最多 {MOST_TIERS} 个。", f"At most {MOST_TIERS}.")
    return found


def read_lines(said: Sequence[Mapping[str, Any]], *, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return the lines that were said, each error under ``lines.N.field``."""
    if not said:
        errors["lines"] = [_("Name at least one thing that you ask for.")]
    if len(said) > MOST_LINES:
        errors["lines"] = [_("At most %(count)d lines.") % {"count": MOST_LINES}]
        return []
    lines = []
    for place, one in enumerate(said):
        fields = SaidFields(one, errors=errors, prefix=f"lines.{place}.")
        line = {
            "id": fields.read("id", whole(largest=2**62)),
            "description": fields.text("description", 300, is_required=True),
            "specification": fields.read("specification", _specification) or {"attributes": {}, "text": ""},
            "quantity": fields.read("quantity", LINE["quantity"], is_required=True),
            "unit": fields.read("unit", LINE["unit"], is_required=True),
            "tiers": fields.read("tiers", _tiers) or [],
        }
        line["tiers"] = [tier for tier in line["tiers"] if tier != line["quantity"]]
        lines.append(line)
    return lines


def write_lines(rfq: RequestForQuotation, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make the request's lines these, known by id where they have one; return what changed.

    A line that quotes speak of is kept as removed.
    """
    present = {line.pk: line for line in rfq.lines.filter(is_removed=False)}
    kept = [present[line["id"]] for line in lines if line["id"] in present]
    changes = []
    for line in present.values():
        if line not in kept:
            changes.append({"field": "lines", "before": f"{line.position}: {line.description}", "after": ""})
            line.is_removed = True
            if line.quote_lines.exists():
                line.save(update_fields=["is_removed"])
            else:
                line.delete()
    # Out of the way first, so that two lines may change places.
    for place, line in enumerate(kept):
        RfqLine.objects.filter(pk=line.pk).update(position=20_000 + place)
    for position, said in enumerate(lines, start=1):
        row = present.get(said["id"]) or RfqLine(rfq=rfq)
        if row.pk is None:
            changes.append({"field": "lines", "before": "", "after": f"{position}: {said['description']}"})
        else:
            changes += _differences(row, said, position)
        for name in COMPARED:
            setattr(row, name, said[name])
        row.position = position
        row.largest_quantity = max(said["quantity"], *said["tiers"]) if said["tiers"] else said["quantity"]
        row.save()
    return changes


def _differences(row: RfqLine, said: Mapping[str, Any], position: int) -> list[dict[str, Any]]:
    return [
        {"field": f"lines.{position}.{name}", "before": _plain(getattr(row, name)), "after": _plain(said[name])}
        for name in COMPARED
        if getattr(row, name) != said[name]
    ]


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"{one.normalize():f}" for one in value)
    if isinstance(value, Mapping):
        attributes = ", ".join(f"{key}: {parts.get('value', '')}" for key, parts in value["attributes"].items())
        return "; ".join(filter(None, (attributes, value["text"])))
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)
