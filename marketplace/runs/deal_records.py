"""How a record joins the chain of an order; services and what the clock does both write them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from marketplace.models import Attachment, DealRecord, Order, User
from marketplace.models.deal_record import first_hash

LARGEST_FLOAT = 1e15


@dataclass(frozen=True, slots=True)
class Fact:
    """An act that a record tells of.

    ``payload`` may hold numbers, dates, rows (kept by what names them) and attachments (kept with their hash).
    """

    kind: str
    by: User | None
    at: datetime
    payload: Mapping[str, Any]


def record(*, order: Order, kind: str, by: User | None, at: datetime, payload: Mapping[str, Any]) -> DealRecord:
    """Add a record to the order's chain, in the transaction of the act that it tells of."""
    return record_all(order=order, facts=[Fact(kind, by, at, payload)])[0]


# Without a savepoint: nobody goes on after this has failed, and every act on an order passes here.
@transaction.atomic(savepoint=False)
def record_all(*, order: Order, facts: Iterable[Fact], is_new: bool = False) -> list[DealRecord]:
    """Add several records to the order's chain, one after the other.

    ``is_new``: the order was written in this transaction and has none yet, so nobody else can add any.
    """
    last = None
    if not is_new:
        # The order's row is the queue in which records wait for each other. NO KEY: rows that point to it do not.
        Order.objects.select_for_update(no_key=True).only("pk").get(pk=order.pk)
        last = DealRecord.objects.filter(order=order).order_by("-sequence").only("sequence", "hash").first()
    records = []
    for fact in facts:
        last = DealRecord(
            order=order,
            sequence=last.sequence + 1 if last else 1,
            kind=fact.kind,
            at=fact.at,
            by=fact.by,
            by_name=_name_of(fact.by) if fact.by else "",
            payload=plain(fact.payload),
            previous_hash=last.hash if last else first_hash(order.number),
        ).seal()
        records.append(last)
    return DealRecord.objects.bulk_create(records)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it without losing or changing anything when it is read again."""
    if isinstance(value, Mapping):
        return {_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | models.QuerySet):
        return [plain(item) for item in value]
    if isinstance(value, Attachment):
        return {"attachment": value.pk, "name": value.name, "sha256": value.sha256, "size": value.size}
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and abs(value) < LARGEST_FLOAT:
        # The database knows no negative zero.
        return value + 0.0
    # A larger float would come back from the database as a whole number.
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC)
    if isinstance(value, date):
        return value.isoformat()
    # PostgreSQL keeps no NUL.
    return format(value, "f") if isinstance(value, Decimal) else str(value).replace("\x00", "")


def _name_of(user: User) -> str:
    first, last = user.first_name.strip(), user.last_name.strip()
    # In Chinese the family's name comes first, and nothing between.
    name = f"{last}{first}" if re.search("[\u4e00-\u9fff]", last + first) else f"{first} {last}".strip()
    return name or user.username
