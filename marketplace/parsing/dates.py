"""Dates and periods as people name them: 2026-12-31, 下月底, 12月上旬, end of March, next Friday, Q3."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.parsing.figures import CHINESE, read_number

_MONTH_NAMES = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTH_NAMES |= {name[:3]: number for name, number in list(_MONTH_NAMES.items())} | {"sept": 9}
_MONTHS = "|".join(sorted(_MONTH_NAMES, key=len, reverse=True))
_MONTH = rf"(?P<name>{_MONTHS})\.?"
_WEEKDAYS = {
    "一": 0,
    "二": 1,
    "三": 2,
    "四": 3,
    "五": 4,
    "六": 5,
    "日": 6,
    "天": 6,
    "mon": 0,
    "tue": 1,
    "wed": 2,
    "thu": 3,
    "fri": 4,
    "sat": 5,
    "sun": 6,
}
_HOLIDAYS = {
    "元旦": (1, 1),
    "五一": (5, 1),
    "劳动节": (5, 1),
    "国庆节": (10, 1),
    "国庆": (10, 1),
    "十一前": (10, 1),
    "双十一": (11, 11),
    "圣诞节": (12, 25),
    "圣诞": (12, 25),
    "christmas": (12, 25),
    "new year": (1, 1),
}
_ZH_NUMBER = rf"(?:\d{{1,3}}|{CHINESE})"


@dataclass(frozen=True, slots=True)
class Moment:
    """The days from `first` to `last`, named at folded text[start:end]; `is_day` where a day was meant, not a period."""

    first: date
    last: date
    start: int
    end: int
    is_day: bool


def month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, the last of the month where there is no such day.

    >>> add_months(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _day(year: int, month: int, day: int) -> date | None:
    if not (1 <= month <= 12 and 1900 <= year <= 2200):
        return None
    return date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _next(today: date, month: int, day: int) -> date | None:
    """Return the first such day that is not past; 29 February may wait for a leap year."""
    for year in range(today.year, today.year + 9):
        found = _day(year, month, day)
        if found is not None and found >= today:
            return found
    return None


def _month_year(today: date, month: int) -> int:
    return today.year + (1 if month < today.month else 0)


Reader = Callable[[re.Match[str], date], tuple[date, date, bool] | None]


def _whole(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    found = _day(int(match["year"]), int(match["month"]), int(match["day"]))
    return (found, found, True) if found else None


def _month_day(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    month = _MONTH_NAMES[match["name"]] if "name" in match.re.groupindex else int(match["month"])
    year = match["year"] if "year" in match.re.groupindex else None
    found = _day(int(year), month, int(match["day"])) if year else _next(today, month, int(match["day"]))
    return (found, found, True) if found else None


_PARTS = {
    "底": "end", "末": "end", "月底": "end", "下旬": "late", "中旬": "mid", "中": "mid", "上旬": "early", "初": "early",
    "end": "end", "the end": "end", "late": "late", "mid": "mid", "middle": "mid", "the middle": "mid", "early": "early", "beginning": "early", "the beginning": "early",
}  # fmt: skip


def _part(year: int, month: int, part: str | None) -> tuple[date, date, bool]:
    last = month_end(year, month)
    if part == "end":
        return last, last, True
    if part == "late":
        return date(year, month, 21), last, False
    if part == "mid":
        return date(year, month, 11), date(year, month, 20), False
    if part == "early":
        return date(year, month, 1), date(year, month, 10), False
    return date(year, month, 1), last, False


_TIME_WORD = re.compile(
    r"(?<![a-z])(?:in|by|before|of|from|until|till|to|this|next|since|after|during|through|for|-)[ ]?$"
)


def _named_month(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    groups = match.re.groupindex
    name = match["name"] if "name" in groups else None
    # "may" is a verb unless a word of time stands before it.
    is_bare = name in {"may", "march", "mar"} and not match["year"] and not match["part"]
    if is_bare and not _TIME_WORD.search(match.string[: match.start()][-12:]):
        return None
    month = _MONTH_NAMES[name] if name else int(read_number(match["month"]) or 0)
    if not 1 <= month <= 12:
        return None
    year = (
        int(match["year"])
        if match["year"]
        else _month_year(today, month) + (1 if "next_year" in groups and match["next_year"] else 0)
    )
    if "next_year" in groups and match["next_year"]:
        year = today.year + 1
    return _part(year, month, _PARTS.get((match["part"] or "").strip())) if 1900 <= year <= 2200 else None


def _relative_month(match: re.Match[str], today: date) -> tuple[date, date, bool]:
    which = match["which"]
    months = {
        "本": 0,
        "这个": 0,
        "当": 0,
        "下": 1,
        "下个": 1,
        "下下": 2,
        "下下个": 2,
        "this": 0,
        "next": 1,
        "the": 0,
    }.get(which or "", 0)
    day = add_months(today.replace(day=1), months)
    first, last, is_day = _part(day.year, day.month, _PARTS.get((match["part"] or "").strip()))
    if last < today:
        day = add_months(day, 1)
        first, last, is_day = _part(day.year, day.month, _PARTS.get((match["part"] or "").strip()))
    return first, last, is_day


def _week(match: re.Match[str], today: date) -> tuple[date, date, bool]:
    weeks = {"下": 1, "下个": 1, "下下": 2, "next": 1, "the week after next": 2}.get(match["which"] or "", 0)
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    weekday = match["weekday"]
    if weekday is None:
        return max(monday, today), monday + timedelta(days=6), False
    day = monday + timedelta(days=_WEEKDAYS[weekday[:3] if weekday.isascii() else weekday])
    if day < today:
        day += timedelta(weeks=1)
    return day, day, True


def _year(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    year = today.year + (1 if match["which"] in {"明", "next"} else 0)
    if match["figure"]:
        year = int(match["figure"])
    if not 1900 <= year <= 2200:
        return None
    part = (match["part"] or "").strip()
    if part in {"底", "末", "终", "end"}:
        return date(year, 12, 31), date(year, 12, 31), True
    if part == "初":
        return date(year, 1, 1), date(year, 1, 31), False
    return date(year, 1, 1), date(year, 12, 31), False


def _year_end(match: re.Match[str], today: date) -> tuple[date, date, bool]:
    return date(today.year, 12, 31), date(today.year, 12, 31), True


def _quarter(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    number = int(read_number(match["quarter"] or match["quarter_en"]) or 0)
    if not 1 <= number <= 4:
        return None
    said = match["year"] or match["year_after"]
    year = int(said) if said else today.year + (1 if match["next_year"] else 0)
    if month_end(year, number * 3) < today and not said:
        year += 1
    return date(year, number * 3 - 2, 1), month_end(year, number * 3), False


def _half(match: re.Match[str], today: date) -> tuple[date, date, bool]:
    if match["half"] == "上":
        year = today.year if today.month <= 6 else today.year + 1
        return date(year, 1, 1), date(year, 6, 30), False
    return date(today.year, 7, 1), date(today.year, 12, 31), False


def _holiday(match: re.Match[str], today: date) -> tuple[date, date, bool] | None:
    found = _next(today, *_HOLIDAYS[match[0]])
    return (found, found, True) if found else None


def _near(match: re.Match[str], today: date) -> tuple[date, date, bool]:
    day = today + timedelta(
        days={"今天": 0, "今日": 0, "today": 0, "明天": 1, "明日": 1, "tomorrow": 1, "后天": 2}[match[0]]
    )
    return day, day, True


_WORD_END = r"(?![a-z])"
_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(?:(?P<year>20\d\d)[ ]?年?[ ]?|(?P<next_year>明年))?(?:第?(?P<quarter>[一二三四1-4])季度|(?<![a-z])q(?P<quarter_en>[1-4])(?![a-z0-9]))(?:[ ]?(?P<year_after>20\d\d)(?!\d))?", _quarter),
        (r"(?<!\d)(?P<year>20\d\d)(?:[-/.]|[ ]?年[ ]?)(?P<month>\d{1,2})(?:[-/.]|[ ]?月[ ]?)(?P<day>\d{1,2})(?!\d)[ ]?[日号]?", _whole),
        (r"(?<!\d)(?P<month>\d{1,2})[ ]?月[ ]?(?P<day>\d{1,2})(?!\d)(?:[ ]?[日号]|(?=[ ]?[-~前后到至起])|(?![ ]?[\w]))", _month_day),
        (rf"(?<![a-z]){_MONTH}[ ]?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?[ ]?(?P<year>20\d\d))?(?!\d)", _month_day),
        (rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ ](?:of )?{_MONTH}{_WORD_END}(?:,?[ ]?(?P<year>20\d\d)(?!\d))?", _month_day),
        (rf"(?:(?P<year>20\d\d)[ ]?年|(?P<next_year>明年))?[ ]?(?P<month>{_ZH_NUMBER})[ ]?月份?(?![内以均租供产度])(?P<part>底|末|下旬|中旬|上旬|初)?", _named_month),
        (rf"(?<![a-z])(?:(?P<part>the end|end|late|mid|middle|the middle|early|beginning|the beginning)(?:[ -](?:of )?))?{_MONTH}{_WORD_END}(?:,?[ ]?(?P<year>20\d\d)(?!\d))?", _named_month),
        (r"(?P<which>下下个?|下个?|本|这个|当)月(?P<part>底|末|下旬|中旬|上旬|初)?", _relative_month),
        (r"(?<![\d个一二三四五六七八九十每本下年])(?P<which>)月(?P<part>底|末)", _relative_month),
        (rf"(?<![a-z])(?:(?P<part>the end|end|late|mid|the middle|middle|early|the beginning|beginning)[ -](?:of )?)?(?P<which>this|next|the) month{_WORD_END}", _relative_month),
        (rf"(?<![a-z])(?P<part>end|mid)[ -]of[ -](?P<which>)month{_WORD_END}", _relative_month),
        (r"(?P<which>下下|下个|下|本|这)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])", _week),
        (r"(?P<which>下下|下个|下|本|这)(?:周|星期|礼拜)(?P<weekday>(?!))?", _week),
        (rf"(?<![a-z])(?:(?P<which>this|next) )?(?P<weekday>monday|tuesday|wednesday|thursday|friday|saturday|sunday){_WORD_END}", _week),
        (rf"(?<![a-z])(?P<which>this|next|the week after next) week(?P<weekday>(?!))?{_WORD_END}", _week),
        (r"(?P<which>今|明|本)?(?P<figure>(?!))?年(?P<part>底|末|终)", _year),
        (r"(?<!\d)(?P<figure>20\d\d)[ ]?年(?P<which>(?!))?(?P<part>底|末|初)?", _year),
        (rf"(?<![a-z])(?:the )?(?:year[ -]end|end of (?:the |this )?year){_WORD_END}", _year_end),
        (r"(?:今年)?(?P<half>[上下])半年", _half),
        ("|".join(sorted(map(re.escape, _HOLIDAYS), key=len, reverse=True)), _holiday),
        (r"今[天日](?![^\W\d_]{0,2}价)|明[天日]|后天|(?<![a-z])(?:today|tomorrow)(?![a-z])", _near),
    )
)  # fmt: skip


_TRIGGER = re.compile(
    r"\d[-/.年月 ]|[月周年期季旦庆节天日一]|week|month|day|year|christmas|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|q[1-4]|tomorrow"
)


def find_moments(text: str, today: date) -> list[Moment]:
    """Return the dates and periods named in a folded text, in its order; where two overlap, the fuller name wins.

    >>> [moment.last.isoformat() for moment in find_moments("12月10日到下月底", date(2026, 11, 22))]
    ['2026-12-10', '2026-12-31']
    """
    if not _TRIGGER.search(text):
        return []
    taken: list[Moment] = []
    occupied = bytearray(len(text))
    for pattern, reader in _READERS:
        for match in pattern.finditer(text):
            if match.start() == match.end() or any(occupied[match.start() : match.end()]):
                continue
            found = reader(match, today)
            if found is not None:
                first, last, is_day = found
                occupied[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
                taken.append(Moment(first, last, match.start(), match.end(), is_day))
    return sorted(taken, key=lambda moment: moment.start)
