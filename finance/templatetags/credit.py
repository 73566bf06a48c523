"""How credit is written on pages: rates, yearly costs, steps of an application."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from finance.models import Application, DataGroup, RecordKind
from finance.services.application_pages import STEPS

register = template.Library()

# Colour of the badge of each status, by the classes of the style sheet.
TONES = {
    Application.Status.SUBMITTED: "pending",
    Application.Status.IN_REVIEW: "running",
    Application.Status.MORE_ASKED: "warn",
    Application.Status.PROPOSED: "pending",
    Application.Status.APPROVED: "approved",
    Application.Status.AGREED: "approved",
    Application.Status.ACTIVE: "good",
    Application.Status.REFUSED: "refused",
}


@register.filter
def tone(status: str) -> str:
    return TONES.get(status, "")


@register.filter
def rate(bp: int | None) -> str:
    """Write basis points as a yearly rate: 420 is 4.20 %."""
    return "–" if bp is None else f"{Decimal(bp) / 100:.2f} %"


@register.filter
def points(bp: int) -> str:
    """Write basis points with their sign: +120."""
    return f"{bp:+d}"


@register.filter
def as_rate(share: float | None) -> str:
    """Write a share as a rate with two places: 0.0433 is 4.33 %."""
    return "–" if share is None else f"{share * 100:.2f} %"


@register.filter
def step(kind: str) -> Any:
    """Return what a step of an application is called."""
    return STEPS.get(kind, kind)


@register.filter
def group(code: str) -> Any:
    return DataGroup(code).label if code in DataGroup.values else code


@register.filter
def to_the_fen(value: Decimal | None) -> str:
    """Write an amount to the fen, with separators of thousands as both languages have them."""
    return "–" if value is None else f"{Decimal(value):,.2f}"


@register.filter
def whole_money(value: Decimal | None) -> str:
    """Write an amount without its fen."""
    return "–" if value is None else f"{Decimal(value):,.0f}"


@register.filter
def record_kind(code: str) -> Any:
    return RecordKind(code).label if code in RecordKind.values else code


@register.filter
def moment(written: str) -> str:
    """Return a moment that was kept as text by the clock of the place."""
    return f"{timezone.localtime(datetime.fromisoformat(written)):%Y-%m-%d %H:%M}" if written else ""
