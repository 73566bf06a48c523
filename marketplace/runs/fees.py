"""What accrues by the clock: storage day by day, statements month by month."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from marketplace.models import Facility, Fee, Lot, Notification, Organisation, Park, PriceItem, Statement, User
from marketplace.runs import booking_news
from marketplace.runs.prices import Charge, goods_charge, prices_of

CHUNK = 1000
ONE = Decimal(1)
TIME, PALLET = "time", "pallet"


def write_fee(charge: Charge, *, park: Park, key: str, now: datetime, **fields: Any) -> Fee:
    """Add a fee unless one of this key is there already; return the one that counts."""
    row = Fee(
        park=park,
        key=key,
        quantity=charge.quantity,
        unit=charge.unit,
        unit_price=charge.unit_price,
        amount=charge.amount,
        currency=charge.currency,
        created_at=now,
        **fields,
    )
    Fee.objects.bulk_create([row], ignore_conflicts=True)
    return Fee.objects.get(park=park, key=key)


def storage_key(lot_id: int, day: date) -> str:
    return f"storage:{lot_id}:{day.isoformat()}"


def accrue_storage(
    *,
    facility: Facility,
    organisation: Organisation,
    key: str,
    quantity: Decimal,
    unit: str,
    day: date,
    now: datetime,
    prices: list[PriceItem] | None = None,
) -> Fee | None:
    """Charge a day's storage of these goods by the price in force; nothing where the park asks for none, or twice."""
    known = prices_of(facility, day) if prices is None else prices
    charge = goods_charge(known, kind=PriceItem.Kind.STORAGE, quantity=quantity, unit=unit)
    if charge is None or not charge.quantity:
        return None
    said = {"facility": facility, "organisation": organisation, "kind": Fee.Kind.STORAGE, "accrued_on": day}
    return write_fee(charge, park=facility.park, key=key, now=now, **said)


def accrue_stored_lots(*, now: datetime) -> int:
    """Charge today's storage of every lot in stock: a day that has begun counts, however often this runs.

    Where the price is per pallet, a lot counts its packages.
    """
    day = timezone.localdate(now)
    charged = 0
    stored = Lot.objects.filter(stored_quantity__gt=0).order_by("pk")
    lots = stored.select_related(
        "location__park",
        "order_line__order__buyer",
        "shipment__seller",
        "shipment__warehouse_booking__organisation",
    )
    prices = _storage_prices(day)
    done = set(Fee.objects.filter(kind=Fee.Kind.STORAGE, accrued_on=day).values_list("key", flat=True))
    for lot in lots.annotate(package_count=Count("packages")).iterator(chunk_size=CHUNK):
        key = storage_key(lot.pk, day)
        if key in done or not prices[lot.location_id]:
            continue
        said = {
            "facility": lot.location,
            "organisation": lot.payer,
            "key": key,
            "day": day,
            "now": now,
            "prices": prices[lot.location_id],
        }
        quantity, unit = lot.stored_quantity, lot.unit
        if accrue_storage(quantity=quantity, unit=unit, **said) or (
            lot.package_count and accrue_storage(quantity=Decimal(lot.package_count), unit=PALLET, **said)
        ):
            charged += 1
    return charged


def _storage_prices(day: date) -> dict[int, list[PriceItem]]:
    found = defaultdict(list)
    for item in PriceItem.objects.on(day).filter(kind=PriceItem.Kind.STORAGE).order_by("pk"):
        found[item.facility_id].append(item)
    return found


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def last_month(day: date) -> date:
    return date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)


@transaction.atomic
def issue_statements(*, park: Park, month: date, now: datetime, by: User | None = None) -> list[Statement]:
    """Bill every firm what accrued until the end of the month and stands on no statement yet; twice bills nothing twice.

    What accrued for a month whose statement is out stands on the next one.
    """
    # The park's row decides who issues: the clock and its operator may both want to.
    Park.objects.select_for_update(no_key=True).get(pk=park.pk)
    due = Fee.objects.filter(park=park).unbilled(before=next_month(month))
    issued = set(Statement.objects.filter(park=park, month=month).values_list("organisation", "currency"))
    # The rows as they are now: what is charged at this moment by somebody else stands on the next statement.
    bills = defaultdict(list)
    for fee in due.order_by("pk"):
        bills[fee.organisation_id, fee.currency].append(fee)
    statements = []
    for (organisation_id, currency), fees in sorted(bills.items()):
        if (organisation_id, currency) in issued:
            continue
        suffix = "" if currency == "CNY" else f"-{currency}"
        statement = Statement.objects.create(
            number=f"{park.code}-{month:%Y%m}-{organisation_id}{suffix}",
            park=park,
            organisation_id=organisation_id,
            month=month,
            currency=currency,
            total=sum((fee.amount for fee in fees), Decimal(0)),
            issued_at=now,
            issued_by=by,
        )
        Fee.objects.filter(pk__in=[fee.pk for fee in fees], statement=None).update(statement=statement)
        statements.append(statement)
    return statements


def issue_last_month(*, now: datetime) -> None:
    """Issue the statements of the month that is over, in every park; scheduled daily, so that a missed day is made good."""
    month = last_month(timezone.localdate(now))
    for park in (
        Park.objects.with_names().filter(fees__statement=None, fees__accrued_on__lt=next_month(month)).distinct()
    ):
        with transaction.atomic():
            statements = issue_statements(park=park, month=month, now=now)
            facts = [fact for statement in statements for fact in booking_news.issued(statement)]
            Notification.objects.announce(facts, now=now)
