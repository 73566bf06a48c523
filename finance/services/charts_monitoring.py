"""Figures of a look at a model, as plotly reads them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

MOST_FEATURES = 15
LINES = ("--brand", "--demand", "--supply", "--bad", "--calm", "--warn")
Figure = dict[str, Any]


def grades_figure(drift: Mapping[str, Any], grades: list[str]) -> Figure:
    """Return the share of firms per grade, before and now."""
    rows = {row["bin"]: row for row in drift["grade"]["bins"]}
    shown = [grade for grade in grades if grade in rows] + sorted(set(rows) - set(grades))
    before = sum(row["reference"] for row in rows.values()) or 1
    now = sum(row["current"] for row in rows.values()) or 1
    return {
        "data": [
            _bars(_("Before"), shown, [rows[grade]["reference"] / before for grade in shown], "--line-2"),
            _bars(_("Now"), shown, [rows[grade]["current"] / now for grade in shown], "--brand"),
        ],
        "layout": {"barmode": "group", "yaxis": {"tickformat": ".0%"}, "xaxis": {"type": "category"}},
    }


def drift_figure(drift: Mapping[str, Any]) -> Figure:
    """Return each index beside the value that chance alone exceeds once in twenty; the worst on top."""
    rows = [drift["score"], *drift["features"][:MOST_FEATURES]][::-1]
    names = [_("Score") if row["name"] == "score" else row["name"] for row in rows]
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "name": _("Stability index"),
                "y": names,
                "x": [row["index"] for row in rows],
                "marker": {"color": ["--bad" if row["has_moved"] else "--brand" for row in rows]},
            },
            {
                "type": "scatter",
                "mode": "markers",
                "name": _("Critical value"),
                "y": names,
                "x": [row["critical"] for row in rows],
                "marker": {"symbol": "line-ns-open", "size": 14, "color": "--ink"},
            },
        ],
        "layout": {"yaxis": {"type": "category", "automargin": True}},
    }


def calibration_figure(tests: list[Mapping[str, Any]]) -> Figure:
    """Return, per grade, what the model said and what came, with the 95 % interval."""
    rows = [row for row in tests if row["grade"]]
    names = [row["grade"] for row in rows]
    rates = [row["rate"] for row in rows]
    return {
        "data": [
            _bars(_("The model said"), names, [row["mean_probability"] for row in rows], "--line-2"),
            {
                "type": "scatter",
                "mode": "markers",
                "name": _("Went bad"),
                "x": names,
                "y": rates,
                "marker": {"color": "--brand", "size": 10},
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [row["high"] - rate for row, rate in zip(rows, rates, strict=True)],
                    "arrayminus": [rate - row["low"] for row, rate in zip(rows, rates, strict=True)],
                },
            },
        ],
        "layout": {"yaxis": {"tickformat": ".0%", "rangemode": "tozero"}, "xaxis": {"type": "category"}},
    }


def migration_figure(migration: Mapping[str, Any]) -> Figure:
    """Return how many firms went from which grade to which."""
    grades = migration["grades"]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": grades,
                "y": grades[::-1],
                "z": migration["counts"][::-1],
                "text": [[str(count) if count else "" for count in row] for row in migration["counts"][::-1]],
                "texttemplate": "%{text}",
                # Nobody: the page shows through, light or dark.
                "colorscale": [[0, "rgba(11, 90, 140, 0.05)"], [1, "rgba(11, 90, 140, 0.75)"]],
                "showscale": False,
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": _("Grade now")}, "type": "category"},
            "yaxis": {"title": {"text": _("Grade before")}, "type": "category"},
        },
    }


def vintages_figure(vintages: Mapping[str, Any]) -> Figure:
    """Return, per quarter in which loans were paid out, the share gone bad by age."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": row["quarter"],
                "x": [age for age, bad in zip(vintages["ages"], row["bad"], strict=True) if bad is not None],
                "y": [bad for bad in row["bad"] if bad is not None],
                "line": {"color": LINES[place % len(LINES)]},
            }
            for place, row in enumerate(vintages["rows"])
            if any(bad is not None for bad in row["bad"])
        ],
        "layout": {
            "xaxis": {"title": {"text": _("Months since paid out")}},
            "yaxis": {"tickformat": ".0%", "rangemode": "tozero"},
        },
    }


def figures_of(results: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures that a look's results have something to show in."""
    figures = {}
    if drift := results.get("drift"):
        concentration = results.get("concentration") or {}
        figures["grades"] = grades_figure(drift, concentration.get("grades", []))
        figures["drift"] = drift_figure(drift)
    if [row for row in results.get("calibration", []) if row["grade"]]:
        figures["calibration"] = calibration_figure(results["calibration"])
    if results.get("migration"):
        figures["migration"] = migration_figure(results["migration"])
    if vintages_figure(results.get("vintages", {"ages": [], "rows": []}))["data"]:
        figures["vintages"] = vintages_figure(results["vintages"])
    return figures


def _bars(name: str, x: list[str], y: list[float], color: str) -> dict[str, Any]:
    return {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": color}}
