"""Figures of scores, as plotly reads them: a gauge with the grades, how a score adds up, and how it went."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from finance.models import CreditAssessment

# What every score starts with.
BASE = "base"
# What the end of the scale cut off comes last, however much it is.
EDGE = "edge"
# From the worst grade to the best.
TONES = ("--bad-soft", "--demand-soft", "--warn-soft", "--supply-soft", "--good-soft")


def band_edges(content: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return each grade of a model with the scores it reaches from and to, the worst first.

    >>> content = {"scale": {"points": 600, "odds": 20, "pdo": 40, "lowest": 300, "highest": 850},
    ...     "grades": [{"grade": "A", "highest_pd": 0.0476}, {"grade": "B", "highest_pd": 1.0}]}
    >>> band_edges(content)
    [('B', 300, 600), ('A', 600, 850)]
    """
    scale = content["scale"]
    lowest, highest = int(scale["lowest"]), int(scale["highest"])
    edges, above = [], highest
    for one in content["grades"]:
        below = lowest
        if one["highest_pd"] < 1:
            odds = math.log((1 - one["highest_pd"]) / one["highest_pd"])
            points = scale["points"] + scale["pdo"] / math.log(2) * (odds - math.log(scale["odds"]))
            below = min(max(round(points), lowest), highest)
        edges.append((one["grade"], below, above))
        above = below
    return [edge for edge in reversed(edges) if edge[1] < edge[2]]


def gauge(assessment: CreditAssessment) -> dict[str, Any]:
    """Return a dial from the lowest to the highest score of the model, with its grades as bands."""
    content = assessment.scorecard.content
    bands = band_edges(content)
    tones = [TONES[round(place * (len(TONES) - 1) / max(1, len(bands) - 1))] for place in range(len(bands))]
    cut_offs = assessment.cut_offs
    axis = {
        "range": [content["scale"]["lowest"], content["scale"]["highest"]],
        "tickvals": [low for _grade, low, _high in bands],
        "ticktext": [grade for grade, _low, _high in bands],
    }
    dial = {
        "axis": axis,
        "bar": {"color": "--brand", "thickness": 0.28},
        "bgcolor": "rgba(0,0,0,0)",
        "borderwidth": 0,
        "steps": [
            {"range": [low, high], "color": tone} for (_grade, low, high), tone in zip(bands, tones, strict=True)
        ],
    }
    if cut_offs:
        dial["threshold"] = {"line": {"color": "--ink", "width": 3}, "thickness": 0.9, "value": cut_offs.approve_from}
    trace = {
        "type": "indicator",
        "mode": "gauge+number",
        "value": assessment.score,
        "number": {"font": {"color": "--ink", "size": 44}, "valueformat": "d"},
        "gauge": dial,
    }
    return {"data": [trace], "layout": {"margin": {"l": 34, "r": 34, "t": 22, "b": 4}}}


def waterfall(assessment: CreditAssessment) -> dict[str, Any]:
    """Return how the score adds up from where every firm starts: strongest reasons first, the score last."""
    ordered = ordered_reasons(assessment.reasons)
    base = [reason for reason in assessment.reasons if reason["feature"] == BASE]
    labels = [pgettext("score", "Start"), *(_short(reason) for reason in ordered), _("Score")]
    values = [sum(reason["points"] for reason in base), *(reason["points"] for reason in ordered), assessment.score]
    trace = {
        "type": "waterfall",
        "orientation": "h",
        "measure": ["absolute", *("relative" for _reason in ordered), "total"],
        "y": labels,
        "x": values,
        "text": [str(values[0]), *(f"{value:+d}" for value in values[1:-1]), str(assessment.score)],
        "textposition": "outside",
        "cliponaxis": False,
        "connector": {"line": {"color": "--line-2", "width": 1}},
        "increasing": {"marker": {"color": "--good"}},
        "decreasing": {"marker": {"color": "--bad"}},
        "totals": {"marker": {"color": "--brand"}},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    seen = [values[0]]
    for value in values[1:-1]:
        seen.append(seen[-1] + value)
    low, high = min(seen), max(seen)
    room = max(20, round((high - low) * 0.25))
    layout = {
        "xaxis": {"range": [low - room, high + room], "title": {"text": _("points")}},
        "yaxis": {"autorange": "reversed", "fixedrange": True},
        "margin": {"l": 8, "r": 24, "t": 8, "b": 36},
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}


def history(assessments: Iterable[CreditAssessment]) -> dict[str, Any]:
    """Return the score over time."""
    rows = sorted(assessments, key=lambda one: (one.as_of, one.pk))
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [one.as_of.isoformat() for one in rows],
        "y": [one.score for one in rows],
        "text": [one.grade for one in rows],
        "line": {"color": "--brand", "shape": "hv"},
        "marker": {"size": 8},
        "hovertemplate": "%{x|%Y-%m-%d}: %{y} (%{text})<extra></extra>",
    }
    low, high = min(one.score for one in rows), max(one.score for one in rows)
    layout = {
        "yaxis": {"range": [low - 30, high + 30]},
        "margin": {"l": 36, "r": 12, "t": 8, "b": 32},
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}


def disagreement(counts: Mapping[tuple[str, str], int], grades: Sequence[str]) -> dict[str, Any]:
    """Return a map of how often the one that serves (rows) and its challenger (columns) gave which grades."""
    trace = {
        "type": "heatmap",
        "x": list(grades),
        "y": list(grades),
        "z": [[counts.get((mine, theirs), 0) for theirs in grades] for mine in grades],
        "text": [[counts.get((mine, theirs), 0) or "" for theirs in grades] for mine in grades],
        "texttemplate": "%{text}",
        "colorscale": [[0, "--paper-2"], [1, "--brand"]],
        "showscale": False,
        "hovertemplate": "%{y} → %{x}: %{z}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": _("challenger")}, "side": "top", "type": "category"},
        "yaxis": {"title": {"text": _("serving")}, "autorange": "reversed", "type": "category"},
        "margin": {"l": 48, "r": 8, "t": 48, "b": 8},
    }
    return {"data": [trace], "layout": layout}


def ordered_reasons(reasons: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reasons without the start, the strongest first; ties by name."""
    parts = [reason for reason in reasons if reason["feature"] != BASE]
    return sorted(parts, key=lambda reason: (reason["feature"] == EDGE, -abs(reason["points"]), reason["feature"]))


def _short(reason: Mapping[str, Any]) -> str:
    """Return what stands before the firm's own value: names of reasons are drawn beside bars."""
    text = reason.get("en" if get_language() == "en" else "zh") or reason["feature"]
    for mark in ("：", ": ", "（", " (", "，", ", "):
        text = text.split(mark)[0]
    return text if len(text) <= 24 else text[:23] + "…"
