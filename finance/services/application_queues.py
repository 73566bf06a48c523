"""A bank's queue of applications: what waits, for whom, since when; narrowed, and as a file."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill

from finance.models import Actor, Application, DataGroup, Decision, Purpose
from finance.services import reads
from marketplace.models import Organisation, User

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
MOST_ROWS = 2000
Status = Application.Status
# What may be looked at, by the word in the address.
SHOWN = {
    "waiting": (Status.SUBMITTED, Status.IN_REVIEW, Status.PROPOSED, Status.AGREED),
    "firm": (Status.MORE_ASKED, Status.APPROVED),
    "active": (Status.ACTIVE,),
    "over": Application.ENDED,
}
# A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def queue_of(*, user: User, said: Mapping[str, str], now: datetime) -> QuerySet[Application]:
    """Return the applications at the user's banks: ``show``, ``mine``, ``late``, ``status`` and words ``q`` narrow it."""
    found = Application.objects.of_bank(user).with_names().select_related("maker")
    status = said.get("status", "")
    found = found.filter(
        status__in=[status] if status in Status.values else SHOWN.get(said.get("show", ""), SHOWN["waiting"])
    )
    if said.get("mine"):
        found = found.filter(maker=user)
    if said.get("unassigned"):
        found = found.filter(maker=None)
    if said.get("late"):
        found = found.filter(act_by__lte=now)
    if words := said.get("q", "").strip():
        named = Organisation.objects.named_like(words)
        found = found.filter(Q(number__icontains=words) | Q(firm__in=named))
    if product := said.get("product", ""):
        found = found.filter(product__code=product)
    return found.order_by(F("act_by").asc(nulls_last=True), "pk")


def counts_of(user: User, now: datetime) -> dict[str, int]:
    """Return how many there are in each part of the queue, in one query."""
    rows = Application.objects.of_bank(user).values_list("status", "act_by")
    parts = dict.fromkeys((*SHOWN, "late"), 0)
    for status, act_by in rows:
        for part, statuses in SHOWN.items():
            parts[part] += status in statuses
        parts["late"] += status in SHOWN["waiting"] and act_by is not None and act_by <= now
    return parts


def write_queue(applications: Sequence[Application], *, by: User, suffix: str, now: datetime) -> tuple[bytes, str]:
    """Return a queue as a CSV or XLSX file, and its content type.

    The score stands only where the firm lets the bank read it, and each one that does leaves a row. An override is
    marked as one: it never reads like an approval.
    """
    confirmed = {
        decision.application_id: decision
        for decision in Decision.objects.confirmed()
        .filter(application__in=[one.pk for one in applications])
        .select_related("maker", "checker")
    }
    rows = [_heads(), *(_row(one, confirmed.get(one.pk), by=by, now=now) for one in applications)]
    return (_xlsx(rows), XLSX) if suffix == "xlsx" else (_csv(rows), CSV)


def _heads() -> list[str]:
    return [
        _("Number"),
        _("Firm"),
        _("Product"),
        _("Amount"),
        _("Currency"),
        _("Term (days)"),
        _("Status"),
        _("Who acts next"),
        _("By when"),
        _("Maker"),
        _("Handed in"),
        _("Score"),
        _("Grade"),
        _("Decision"),
        _("Override"),
        _("Reason of the override"),
        _("Decided by"),
        _("Checked by"),
    ]


def _row(application: Application, decision: Decision | None, *, by: User, now: datetime) -> list[object]:
    score, grade = "", ""
    if application.assessment and reads.allow(
        firm=application.firm,
        reader=application.bank,
        by=by,
        purpose=Purpose.REVIEW,
        groups=[DataGroup.SCORE],
        now=now,
        subject=application.number,
    ):
        score, grade = application.assessment.score, application.assessment.grade
    return [
        application.number,
        application.firm.name,
        application.product.name,
        application.amount,
        application.currency,
        application.days,
        application.get_status_display(),
        str(Actor(application.waits_for).label),
        _moment(application.act_by),
        application.maker.username if application.maker else "",
        _moment(application.submitted_at),
        score,
        grade,
        *_decided(decision),
    ]


def _decided(decision: Decision | None) -> list[object]:
    if decision is None:
        return [""] * 5
    outcome = decision.get_outcome_display()
    return [
        _("OVERRIDE: %(outcome)s") % {"outcome": outcome} if decision.is_override else outcome,
        _("yes") if decision.is_override else _("no"),
        decision.get_override_reason_display() if decision.is_override else "",
        decision.maker.username,
        decision.checker.username if decision.checker else "",
    ]


def _moment(value: datetime | None) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    safe = [
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row] for row in rows
    ]
    csv.writer(out).writerows(safe)
    # The mark at the start tells spreadsheets that this is UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _xlsx(rows: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = _("Applications")
    yes = _("yes")
    marked = PatternFill("solid", start_color="FFE699")
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(row=number, column=column, value=value)
            if isinstance(value, str):
                cell.data_type = "s"
            if number == 1:
                cell.font = Font(bold=True)
            elif row[14] == yes:
                cell.fill = marked
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
