import datetime as dt
from zoneinfo import ZoneInfo

from marketplace.calendars.opening import opening, week_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = dt.datetime(2026, 3, 2, tzinfo=SHANGHAI)


def test_opening_gives_each_time_of_a_day():
    hours = [(1, dt.time(8), dt.time(12)), (1, dt.time(13), dt.time(17)), (3, dt.time(9), dt.time(10))]

    found = opening(hours, MONDAY, MONDAY + dt.timedelta(days=7), SHANGHAI)

    there = [(start.astimezone(SHANGHAI), end.astimezone(SHANGHAI)) for start, end in found]
    assert [(start.isoweekday(), start.hour, end.hour) for start, end in there] == [(1, 8, 12), (1, 13, 17), (3, 9, 10)]


def test_opening_reads_midnight_as_the_end_of_the_day():
    found = opening([(7, dt.time(20), dt.time(0))], MONDAY, MONDAY + dt.timedelta(days=7), SHANGHAI)

    assert [(end - start, end) for start, end in found] == [(dt.timedelta(hours=4), MONDAY + dt.timedelta(days=7))]


def test_opening_includes_what_began_before():
    start = MONDAY + dt.timedelta(hours=9)

    assert len(opening([(1, dt.time(8), dt.time(12))], start, start + dt.timedelta(hours=1), SHANGHAI)) == 1
    assert opening([(1, dt.time(8), dt.time(12))], start, start, SHANGHAI) == []


def test_opening_keeps_to_the_clock_when_summer_time_begins():
    saturday = dt.datetime(2026, 3, 28, tzinfo=BERLIN)
    hours = [(6, dt.time(8), dt.time(9)), (7, dt.time(8), dt.time(9))]

    found = opening(hours, saturday, saturday + dt.timedelta(days=2), BERLIN)

    assert [start.astimezone(dt.UTC).hour for start, _end in found] == [7, 6]


def test_week_of_begins_on_monday_of_the_place():
    sunday_night = dt.datetime(2026, 3, 1, 17, tzinfo=dt.UTC)  # Monday, one in the morning, in Shanghai

    assert week_of(sunday_night, SHANGHAI)[0] == MONDAY
