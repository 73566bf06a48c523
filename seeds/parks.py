"""The parks of the demo: one for pumps and valves in Yuhuan, one for chemicals on Daishan, and what is booked there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from marketplace.models import Facility, Organisation, Park, User
from marketplace.services.bookings import request_booking
from marketplace.services.facilities import create_facility, set_hours, set_price
from marketplace.services.parks import create_park
from seeds.trades import VOCABULARY

MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Opened:
    """The parks of the demo with their facilities by code."""

    parks: dict[str, Park]
    facilities: dict[tuple[str, str], Facility]


def open_parks(*, organisation: Organisation, by: User, now: datetime) -> Opened:
    """Open the demo's parks with facilities, hours and prices in the operator's name."""
    parks: dict[str, Park] = {}
    facilities: dict[tuple[str, str], Facility] = {}
    for entry in json.loads((VOCABULARY / "parks.json").read_text("utf-8")):
        profile = {name: entry[name] for name in Park.PROFILE_FIELDS if name in entry}
        park = create_park(organisation=organisation, code=entry["code"], by=by, now=now, **profile)
        parks[park.code] = park
        for said in entry["facilities"]:
            facility = _facility(park, said, by=by, now=now)
            facilities[park.code, facility.code] = facility
    return Opened(parks, facilities)


def _facility(park: Park, said: Mapping[str, Any], *, by: User, now: datetime) -> Facility:
    rules = {name: said[name] for name in Facility.RULE_FIELDS if name in said}
    for name in ("capacity", "weekly_quota"):
        if name in rules:
            rules[name] = Decimal(rules[name])
    facility = create_facility(park=park, code=said["code"], by=by, now=now, **rules)
    set_hours(facility=facility, hours=_hours(said["hours"]), by=by, now=now)
    for kind, per, price in said["prices"]:
        set_price(facility=facility, kind=kind, per=per, price=Decimal(price), by=by, now=now)
    return facility


def _hours(said: Mapping[str, list[str]]) -> list[tuple[int, time, time]]:
    """Read ``{"1-6": ["08:00-12:00"]}``; 24:00 is midnight."""
    rows = []
    for days, spans in said.items():
        first, _dash, last = days.partition("-")
        for day in range(int(first), int(last or first) + 1):
            rows += [(day, *_clocks(span)) for span in spans]
    return rows


def _clocks(span: str) -> tuple[time, time]:
    opens, closes = span.split("-")
    return time.fromisoformat(opens), MIDNIGHT if closes == "24:00" else time.fromisoformat(closes)


def book_demo(
    opened: Opened, *, firms: Mapping[str, Organisation], users: Mapping[str, User], operator: User, now: datetime
) -> int:
    """Book some of it for the demo's firms in the days to come; return how many bookings there are."""
    day = _working_day(now)
    dock, second = opened.facilities["YH-PUMP", "D1"], opened.facilities["YH-PUMP", "D2"]
    warehouse, laboratory = opened.facilities["YH-PUMP", "W1"], opened.facilities["YH-PUMP", "LAB"]
    tank = opened.facilities["DS-CHEM", "T1"]
    plans: list[tuple[str, Facility, Callable[[], dict[str, Any]]]] = [
        ("seller", dock, lambda: _span(day, 9, 1) | {"purpose": "球阀入园卸货"}),
        ("seller", warehouse, lambda: _span(day, 9, 24 * 7) | {"quantity": Decimal(60)}),
        ("buyer", dock, lambda: _span(day, 14, 1) | {"purpose": "提货"}),
        ("buyer", second, lambda: _span(day + timedelta(days=1), 10, 2) | {"purpose": "装车"}),
        ("seller", laboratory, lambda: _span(day + timedelta(days=1), 9, 2) | {"purpose": "壳体强度与密封试验"}),
        ("buyer", tank, lambda: _span(day, 9, 24 * 3) | {"quantity": Decimal(120)}),
    ]
    for key, facility, said in plans:
        request_booking(facility=facility, organisation=firms[key], by=users[key], now=now, **said())
    # A rival has the whole afternoon of the second dock: the waiting list has something to wait for.
    request_booking(
        facility=second, organisation=firms["rival"], by=operator, now=now, **_span(day, 13, 4), purpose="集装箱拆箱"
    )
    return len(plans) + 1


def _working_day(now: datetime) -> datetime:
    """Return the next Monday to Friday at midnight of the place, at least a day ahead."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    while day.isoweekday() > 4:
        day += timedelta(days=1)
    return day


def _span(day: datetime, hour: int, hours: int) -> dict[str, Any]:
    start = day + timedelta(hours=hour)
    return {"start": start, "end": start + timedelta(hours=hours)}
