"""What firms are told of collective purchases that the matcher found, in both languages; who else is in stays unsaid."""

from collections.abc import Iterable

from django.urls import reverse

from marketplace.models import Announcement
from marketplace.parsing.units import format_quantity, unit_name
from matching.models import PoolSuggestion, PoolSuggestionMember


def suggested(suggestions: Iterable[PoolSuggestion]) -> list[Announcement]:
    """Tell the firm of each demand what it would save; suggestions are fetched ``with_details()``."""
    return [_fact(one, member) for one in suggestions for member in one.members.all()]


def _fact(one: PoolSuggestion, member: PoolSuggestionMember) -> Announcement:
    demand, others = member.demand, len(one.members.all()) - 1
    total, minimum = _both(one.total, one.unit), _both(one.minimum, one.unit)
    price = f"¥{one.unit_price.normalize():f}"
    body_zh = f"您的需求与附近 {others} 家同规格需求合计 {total[0]}，达到供应商起订量 {minimum[0]}，单价 {price}/{unit_name(one.unit, 'zh')}。"
    body_en = (
        f"With {others} nearby {'demand' if others == 1 else 'demands'} of the same grade yours adds up to {total[1]} and "
        f"reaches a supplier's minimum order of {minimum[1]}, at {price} per {unit_name(one.unit, 'en')}."
    )
    if member.saving:
        body_zh += f"预计为您节省 ¥{member.saving:,.2f}。"
        body_en += f" It would save you ¥{member.saving:,.2f}."
    return Announcement(
        event="pool.suggested",
        deduplication_key=f"pool_suggestion:{one.pk}:{demand.pk}",
        organisation=demand.organisation,
        title_zh=f"可以一起集采：{demand.title_zh or demand.title_en}",
        title_en=f"Could be bought together: {demand.title_en or demand.title_zh}",
        body_zh=body_zh,
        body_en=body_en,
        url=reverse("matching:pool_suggestion_detail", args=[one.pk]),
        data={
            "suggestion": one.pk,
            "demand": demand.pk,
            "quantity": float(member.quantity),
            "total": float(one.total),
            "unit": one.unit,
            "unit_price": float(one.unit_price),
            "saving": None if member.saving is None else float(member.saving),
        },
    )


def _both(quantity, unit: str) -> tuple[str, str]:
    return format_quantity(quantity, unit, "zh"), format_quantity(quantity, unit, "en")
