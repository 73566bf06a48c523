"""Figures of a portfolio as plotly reads them; each stands beside a table with the same numbers."""

from typing import Any

from django.utils.translation import gettext as _

from finance.services.portfolio import Portfolio, class_labels

CLASS_COLOURS = ("--good", "--warn", "--warn", "--bad", "--bad")


def _bar(name: str, colour: str, labels: list[str], values: list[float]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": labels,
        "x": values,
        "marker": {"color": colour},
        "hovertemplate": "%{y}: %{x:,.0f}<extra>" + name + "</extra>",
    }


def exposure(portfolio: Portfolio) -> dict[str, Any]:
    """Draw what of each core enterprise's or firm's line is used, reserved and free."""
    views = [view for view in portfolio.tree if view.line.kind in ("core", "single")]
    views = sorted(views, key=lambda view: (view.line.limit, view.line.pk))[-12:]
    labels = [view.line.title for view in views]
    lines = [view.line for view in views]
    data = [
        _bar(_("used"), "--brand", labels, [float(line.used) for line in lines]),
        _bar(_("reserved"), "--warn", labels, [float(line.reserved) for line in lines]),
        _bar(_("free"), "--line", labels, [float(line.available) for line in lines]),
    ]
    return {"data": data, "layout": {"barmode": "stack", "xaxis": {"title": {"text": "CNY"}}}}


def classes(portfolio: Portfolio) -> dict[str, Any]:
    """Draw what is owed in each of the five classes."""
    data = [
        {
            "type": "bar",
            "x": [one.name for one in portfolio.classes],
            "y": [float(one.owed) for one in portfolio.classes],
            "marker": {"color": list(CLASS_COLOURS)},
            "hovertemplate": "%{x}: %{y:,.0f}<extra></extra>",
        }
    ]
    return {"data": data, "layout": {"yaxis": {"title": {"text": "CNY"}}}}


def vintages(portfolio: Portfolio) -> dict[str, Any]:
    """Draw by months on book how much of each month's loans was ever more than 30 days overdue."""
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": f"{cohort.month:%Y-%m}",
            "x": list(range(len(cohort.shares))),
            "y": [100 * share for share in cohort.shares],
            "hovertemplate": "%{x}: %{y:.1f} %<extra>" + f"{cohort.month:%Y-%m}" + "</extra>",
        }
        for cohort in portfolio.cohorts[-12:]
    ]
    axes = {"xaxis": {"title": {"text": _("months on book")}, "dtick": 1}, "yaxis": {"title": {"text": "%"}}}
    return {"data": data, "layout": axes}


def moves(portfolio: Portfolio) -> dict[str, Any]:
    """Draw from which class to which the amounts went since the end of last month."""
    labels = list(class_labels())
    data = [
        {
            "type": "heatmap",
            "x": labels,
            "y": [before for before, _amounts in portfolio.moves],
            "z": [[float(amount) for amount in amounts] for _before, amounts in portfolio.moves],
            "colorscale": [[0, "--brand-soft"], [1, "--brand"]],
            "showscale": False,
            "hovertemplate": "%{y} → %{x}: %{z:,.0f}<extra></extra>",
        }
    ]
    return {"data": data, "layout": {"yaxis": {"autorange": "reversed"}, "xaxis": {"title": {"text": _("today")}}}}
