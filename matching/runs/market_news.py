"""What firms are told when the platform operator publishes a market, in both languages: once for each listing."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.urls import reverse

from marketplace.models import Announcement, Listing
from marketplace.models.disclosure import ALWAYS, disclosure_of, names_at
from marketplace.parsing.units import format_quantity
from matching.models import Allotment, MarketProposal

NAMED = 5


def published(proposal: MarketProposal, allotments: Sequence[Allotment]) -> list[Announcement]:
    """Tell each side's firm what was allotted to its listing.

    :param allotments: those published, fetched with their listings and matches
    """
    of_listing: dict[int, list[Allotment]] = defaultdict(list)
    for one in allotments:
        of_listing[one.demand_id].append(one)
        of_listing[one.supply_id].append(one)
    return [_fact(proposal, own, rows) for own, rows in of_listing.items()]


def _fact(proposal: MarketProposal, own_id: int, rows: Sequence[Allotment]) -> Announcement:
    is_demand = rows[0].demand_id == own_id
    own: Listing = rows[0].demand if is_demand else rows[0].supply
    title = own.title_zh or own.title_en, own.title_en or own.title_zh
    others = [(one, one.supply if is_demand else one.demand) for one in rows]
    lines = [_line(one, other) for one, other in others[:NAMED]]
    if len(others) > NAMED:
        lines.append((f"另有 {len(others) - NAMED} 家", f"and {len(others) - NAMED} more"))
    lines.append(
        (
            "这是平台的撮合建议，不是订单：请与对方洽谈确认。",
            "This is a proposal of the platform, no order: agree it with the other side.",
        )
    )
    return Announcement(
        event="match.proposed",
        deduplication_key=f"market:{proposal.pk}:{own.pk}",
        organisation=own.organisation,
        title_zh=_heading(rows, is_demand=is_demand)[0] + f"：{title[0]}",
        title_en=_heading(rows, is_demand=is_demand)[1] + f": {title[1]}",
        body_zh="\n".join(zh for zh, _en in lines),
        body_en="\n".join(en for _zh, en in lines),
        url=reverse("matching:listing_matches", args=[own.pk]),
        data={
            "proposal": proposal.pk,
            "listing": own.pk,
            "matches": [_data(one, other) for one, other in others],
        },
    )


def _heading(rows: Sequence[Allotment], *, is_demand: bool) -> tuple[str, str]:
    if not is_demand:
        return f"平台为您分配了 {len(rows)} 项需求", f"The platform proposes you {_count(len(rows), 'demand')}"
    covered = rows[0].covered
    zh, en = (format_quantity(covered, rows[0].unit, language) for language in ("zh", "en"))
    if len(rows) > 1:
        return f"{len(rows)} 家供应商共同供应您的 {zh}", f"{len(rows)} suppliers together cover your {en}"
    if rows[0].pooled_count > 1:
        return (
            f"与另外 {rows[0].pooled_count - 1} 项需求合并下单，供应您的 {zh}",
            f"One order with {_count(rows[0].pooled_count - 1, 'other demand')} covers your {en}",
        )
    return f"平台建议由一家供应商供应您的 {zh}", f"The platform proposes a supplier for your {en}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _line(one: Allotment, other: Listing) -> tuple[str, str]:
    zh, en = (format_quantity(one.quantity, one.unit, language) for language in ("zh", "en"))
    firm_zh, firm_en = names_at(other.organisation, ALWAYS)
    return (
        f"{zh}：{firm_zh}“{other.title_zh or other.title_en}”",
        f"{en}: “{other.title_en or other.title_zh}” of {firm_en}",
    )


def _data(one: Allotment, other: Listing) -> dict:
    firm = other.organisation
    is_named = disclosure_of(firm).name_from == ALWAYS
    firm_zh, firm_en = names_at(firm, ALWAYS)
    return {
        "match": one.match.pk,
        "supply": one.supply_id,
        "demand": one.demand_id,
        "quantity": _plain(one.quantity),
        "unit": one.unit,
        "supplier_count": one.supplier_count,
        "covered": _plain(one.covered),
        "pooled_count": one.pooled_count,
        "counterpart": {
            "listing": other.pk,
            "title_zh": other.title_zh,
            "title_en": other.title_en,
            "organisation": firm.pk if is_named else None,
            "organisation_zh": firm_zh,
            "organisation_en": firm_en,
        },
    }


def _plain(quantity: Decimal) -> float:
    return float(quantity)
