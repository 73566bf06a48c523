from datetime import datetime

from marketplace.models import Order
from marketplace.runs.order_news import names, news, sides
from marketplace.services.notifications import notify_many

__all__ = ["names", "news", "sides", "tell"]


def tell(*, order: Order, now: datetime, **fact: object) -> None:
    """Tell sides of an order a fact, given as ``runs.order_news.news`` takes it."""
    notify_many(news(order=order, **fact), now=now)
