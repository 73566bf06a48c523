"""Charts: a figure as plotly reads it, drawn by its own JavaScript served from here."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("finance/_chart.html")
def chart(figure: Mapping[str, Any], name: str, title: str, height: int = 300) -> dict[str, Any]:
    """Draw ``{data: [traces], layout: {…}}`` of plotly under a title; ``name`` is unique in the page.

    Traces may name colours by our own tokens (``"--brand"``), so that they follow the reader's light or dark page. A page
    also gives the numbers as a table or in words: without JavaScript there is no drawing.
    """
    return {"figure": figure, "name": name, "title": title, "height": height}
