"""Where many firms of the demo meet: a collective purchase that gathers quantities, and an exhibition in the park."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.utils import timezone

from marketplace.models import Facility, Organisation
from marketplace.services.booths import book_booth
from marketplace.services.exhibitions import add_booths, announce_exhibition, booth_rows, plan_exhibition
from marketplace.services.pool_commitments import commit_to_pool
from marketplace.services.pools import open_pool
from seeds.cast import Cast


def _neighbours(cast: Cast) -> list[Organisation]:
    """Return other firms of the same prefecture, which buy the same valves and show theirs at the same fair."""
    near = Organisation.objects.approved().filter(region__startswith=cast.park.region[:4], kind="enterprise")
    mine = near.filter(memberships__user=cast.desk, is_demo=True)
    return list(mine.exclude(pk__in=[cast.pump_maker.pk, cast.valve_maker.pk]).order_by("pk"))


def open_purchase(cast: Cast, *, now: datetime) -> None:
    """Three pump makers buy their valves of the quarter together; the second price is almost reached."""
    today = timezone.localdate(now)
    pool = open_pool(
        organiser=cast.pump_maker,
        by=cast.buyer,
        fields={
            "title_zh": "台州泵企联合采购: 304 法兰球阀 DN50 PN16",
            "title_en": "Taizhou pump makers buy together: 304 flanged ball valves DN50 PN16",
            "text_zh": "按季度需求拼单, 园区统一到货、分户提货。",
            "text_en": "The quarter's needs in one purchase; one delivery to the park, released to each member.",
            "category": "valve.ball",
            "specification": {"attributes": {"DN": {"value": 50, "unit": "mm", "tolerance": 0.5}}, "text": "304, PN16"},
            "unit": "piece",
            "step": 10,
            "base_price": "128",
            "prices": [
                {"from_quantity": 500, "unit_price": "121"},
                {"from_quantity": 1000, "unit_price": "114.5"},
                {"from_quantity": 2000, "unit_price": "108"},
            ],
            "minimum_quantity": 500,
            "closes_at_quantity": 3000,
            "closes_at": now + timedelta(days=9),
            "leave_free_until": now + timedelta(days=6),
            "leaving_percent": 5,
            "currency": "CNY",
            "incoterm": "park_handover",
            "park": cast.park,
            "window_start": today + timedelta(days=20),
            "window_end": today + timedelta(days=50),
        },
        now=now - timedelta(days=3),
    )
    commit_to_pool(
        pool=pool, organisation=cast.pump_maker, by=cast.buyer, quantity=Decimal(400), now=now - timedelta(days=3)
    )
    quantities = (Decimal(260), Decimal(220))
    for firm, quantity in zip(_neighbours(cast), quantities, strict=False):
        commit_to_pool(pool=pool, organisation=firm, by=cast.desk, quantity=quantity, now=now - timedelta(days=2))


def announce_fair(cast: Cast, *, now: datetime) -> None:
    """The park shows pumps and valves in three weeks; the seller and two neighbours have their booths."""
    hall = Facility.objects.filter(park=cast.park, kind=Facility.Kind.EXHIBITION_HALL).order_by("pk").first()
    if hall is None:
        return
    first = (timezone.localtime(now) + timedelta(days=21)).replace(hour=9, minute=0, second=0, microsecond=0)
    first -= timedelta(days=first.weekday() - 1)
    exhibition = plan_exhibition(
        park=cast.park,
        hall=hall,
        by=cast.operator,
        fields={
            "title_zh": "玉环泵阀冬季展",
            "title_en": "Yuhuan winter fair of pumps and valves",
            "text_zh": "需求匹配的采购商由系统邀请, 现场可约洽谈。",
            "text_en": "Buyers whose demands fit are invited; meetings are booked ahead.",
            "starts_at": first,
            "ends_at": first + timedelta(days=1, hours=8),
            "categories": ["valve.ball"],
        },
        now=now - timedelta(days=4),
    )
    add_booths(
        exhibition=exhibition,
        by=cast.operator,
        rows=booth_rows(row_count=3, per_row=6, width=Decimal(3), depth=Decimal(3), price=Decimal(2400)),
    )
    exhibition = announce_exhibition(exhibition=exhibition, by=cast.operator, now=now - timedelta(days=4))
    booths = exhibition.booths.order_by("pk")
    exhibitors = [(cast.valve_maker, cast.seller), *((firm, cast.desk) for firm in _neighbours(cast)[:2])]
    for booth, (firm, by) in zip(islice(booths, 1, None), exhibitors, strict=False):
        shown = firm.listings.filter(side="supply").order_by("pk")[:4]
        book_booth(booth=booth, organisation=firm, by=by, listings=shown, now=now - timedelta(days=2))
