"""What the two sides of an order are told, in both languages."""

from collections.abc import Iterable

from django.urls import reverse

from marketplace.models import Announcement, Order, Organisation


def news(
    *,
    order: Order,
    event: str,
    key: str,
    to: Iterable[Organisation],
    title_zh: str,
    title_en: str,
    body: str = "",
    **data: object,
) -> list[Announcement]:
    """Return a fact of the order for these sides; ``key`` tells it from other facts of the same event and order."""
    return [
        Announcement(
            event=event,
            deduplication_key=f"{event}:{order.pk}:{key}"[:200],
            organisation=organisation,
            title_zh=title_zh,
            title_en=title_en,
            body_zh=body,
            body_en=body,
            url=reverse("marketplace:order_detail", args=[order.pk]),
            data={"order": order.pk, "number": order.number, "status": order.status, **data},
        )
        for organisation in to
    ]


def sides(order: Order) -> list[Organisation]:
    return [order.buyer, order.seller]


def names(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh
