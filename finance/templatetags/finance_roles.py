"""On which side of credit the reader stands."""

from django import template

from finance.services.sides import side_of

register = template.Library()


@register.simple_tag(takes_context=True)
def finance_side(context: template.Context) -> str:
    """Return ``firm``, ``bank`` or ``partner``: whose pages of credit the reader works with."""
    request = context["request"]
    if not hasattr(request, "finance_side"):
        request.finance_side = side_of(request.user)
    return request.finance_side
