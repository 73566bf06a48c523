"""Figures of a firm's records, as plotly reads them."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _


def trade_by_month(months: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return bars of sales and purchases per month; the rows are those of ``records.monthly_sums``."""
    on = [row["month"].isoformat()[:7] for row in months]
    return {
        "data": [
            {
                "type": "bar",
                "name": _("Sales"),
                "x": on,
                "y": [float(row["sales"]) for row in months],
                "marker": {"color": "--brand"},
            },
            {
                "type": "bar",
                "name": _("Purchases"),
                "x": on,
                "y": [float(row["purchases"]) for row in months],
                "marker": {"color": "--accent"},
            },
        ],
        "layout": {
            "barmode": "group",
            "xaxis": {"type": "category"},
            "yaxis": {"title": {"text": _("CNY without tax")}, "rangemode": "tozero"},
            "legend": {"orientation": "h"},
        },
    }
