"""When goods are wanted or offered: 30 天内, within 30 days, 下月底前, 12月10日到20日, 交期 15 天."""

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.parsing.codes import Claims
from marketplace.parsing.dates import Moment, add_months, find_moments, month_end
from marketplace.parsing.figures import CHINESE, ENGLISH, read_number
from marketplace.parsing.folding import Folded

_N = rf"(?P<n>\d{{1,4}}|{CHINESE}|{ENGLISH})"
_N_RANGE = rf"(?:(?:\d{{1,3}}|{CHINESE})[ ]?(?:-|~|至|到|to)[ ]?)?{_N}"
_SPAN = r"(?P<unit>个?工作日|天|日|个?星期|周|个月|月|年|(?:working |business |calendar )?days?|weeks?|months?|years?|hours?|小时)(?![a-z])"
_NEVER = r"(?<!账期)(?<!质保)(?<!租期)(?<!保修)(?<!有效期)(?<!保质期)(?<!周期)(?<!warranty )(?<!within the last )"
_DEADLINES = (
    re.compile(rf"(?<![\d.]){_N_RANGE}[ ]?{_SPAN}[ ]?(?:之内|以内|内(?!径))"),
    re.compile(
        rf"(?<![a-z])(?:within|in|under|not later than|no later than|less than)[ ](?:the next )?(?:about )?{_N_RANGE}[ -]?{_SPAN}"
    ),
    re.compile(rf"(?:不超过|最迟|最晚|最多)[ ]?{_N}[ ]?{_SPAN}"),
)
_LEADS = (
    re.compile(
        rf"(?:交货?期|交货周期|货期|交付周期|交付期|供货周期|工期|生产周期|交货时间|交货|到货|出货|发货)[ :为约是]*{_N_RANGE}[ ]?{_SPAN}"
    ),
    re.compile(rf"(?<![\d.]){_N_RANGE}[ ]?{_SPAN}[ ]?(?:左右)?(?:交货|到货|发货|出货|交付|送达|交期|可交|可发)"),
    re.compile(
        rf"(?:lead[ -]?time|delivery(?: time)?|turnaround(?: time)?|delivered in|ships? in|ready in)[ :of]*(?:about )?{_N_RANGE}[ -]?{_SPAN}"
    ),
    re.compile(rf"(?<![\d.]){_N_RANGE}[ -]{_SPAN}[ ](?:lead[ -]?time|delivery|turnaround)"),
)
_BEFORE_AFTER = re.compile(r"[ ]?(?:之前|以前|前(?![后台期沿端])|截止|为止|截至)")
_UNTIL_BEFORE = re.compile(
    r"(?:截止(?:到|至|日期)?|截至|最迟|最晚|不晚于|不迟于|至迟|到期日|by|until|till|no later than|not later than|latest|deadline|due|on or before)(?: the)?[ :是为于]*$"
)
_STRICTLY_BEFORE = re.compile(r"(?:before|prior to)(?: the)?[ ]*$")
_FROM_AFTER = re.compile(r"[ ]?(?:起(?![订重批])|之后|以后|后(?!天)|开始|onwards?|on(?= )|and after)")
_FROM_BEFORE = re.compile(
    r"(?:自|从|(?<![a-z])from|starting(?: from| on)?|after|as of|since|available(?: from)?)(?: the)?[ :]*$"
)
_TO = re.compile(r"[ ]?(?:-|~|至|到|to|until|through|and)[ ]?(?:the )?")
_DAY_OF_MONTH = re.compile(
    r"[ ]?(?:-|~|至|到|to)[ ]?(?P<day>\d{1,2})(?!\d)[ ]?(?:日|号|st|nd|rd|th)?(?![ ]?[只个件台套吨米kgt%万mw])(?!-?\d)"
)
_RANGE_BEFORE = re.compile(r"(?<![\d.])(?P<day>\d{1,2})(?:st|nd|rd|th)?[ ]?(?:-|~|to)[ ]?$")
_NOT_WHEN = re.compile(
    r"(?:有效期|保质期|生产日期|出厂日期|质保期?|保修|发证|颁发|证书|注册于|成立于|成立|建于|投产于|valid|expir(?:y|es|ing)|issued|founded|established|since|shelf life|manufactured|mfg)[^,;。]{0,12}$"
)
# 共 3 月, 库存 10 月: so many months, not March.
_AMOUNT_BEFORE = re.compile(r"(?:共|数量|库存|现有|可供|最少|起订量|共计)[ :]?$")
_RATE_BEFORE = re.compile(r"(?:每|/|per |月供|年产|月产)[ ]?$")


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, at folded text[start:end]; `lead_days` where a lead time was named instead of a day, `days` of a deadline so many days off."""

    first: date | None
    last: date | None
    start: int
    end: int
    lead_days: int | None = None
    days: int | None = None
    is_said: bool = True

    @property
    def zh(self) -> str:
        if self.lead_days is not None:
            return f"交期 {self.lead_days} 天"
        if self.first and self.last:
            return f"{self.first.isoformat()} 至 {self.last.isoformat()}"
        return f"{self.last.isoformat()} 前" if self.last else f"{self.first.isoformat()} 起" if self.first else ""

    @property
    def en(self) -> str:
        if self.lead_days is not None:
            return f"Lead time {self.lead_days} days"
        if self.first and self.last:
            return f"{self.first.isoformat()} to {self.last.isoformat()}"
        return f"By {self.last.isoformat()}" if self.last else f"From {self.first.isoformat()}" if self.first else ""


def find_window(folded: Folded, claims: Claims, today: date) -> list[Window]:
    """Return the window of the text, and its lead time where it names one too; claims their characters.

    >>> from marketplace.parsing.folding import fold
    >>> [window.zh for window in find_window(fold("12月10日到20日"), Claims(99), date(2026, 11, 22))]
    ['2026-12-10 至 2026-12-20']
    >>> [window.en for window in find_window(fold("within 30 days"), Claims(99), date(2026, 11, 22))]
    ['By 2026-12-22']
    """
    text = folded.text
    candidates = [*_leads(text), *_deadlines(text, today), *_from_moments(text, today)]
    found: list[Window] = []
    for window in candidates:
        kind = window.lead_days is None
        if any((other.lead_days is None) == kind for other in found):
            continue
        if claims.take(window.start, window.end):
            found.append(window)
    return found


def _days(match: re.Match[str]) -> int | None:
    number = read_number(match["n"])
    if number is None or not 0 < number <= 3650:
        return None
    unit = match["unit"]
    if "工作" in unit or "working" in unit or "business" in unit:
        # Five of seven days are worked.
        return math.ceil(number * 7 / 5)
    if unit.startswith(("周", "星期", "个星期", "week")):
        return round(number * 7)
    if unit.startswith(("月", "个月", "month")):
        return round(number * 365 / 12)
    if unit.startswith(("年", "year")):
        return round(number * 365)
    return math.ceil(number / 24) if unit.startswith(("小时", "hour")) else math.ceil(number)


def _deadlines(text: str, today: date) -> list[Window]:
    found = []
    for pattern in _DEADLINES:
        for match in pattern.finditer(text):
            days = _days(match)
            if days is None or days > 1100 or _NOT_WHEN.search(text[max(0, match.start() - 24) : match.start()]):
                continue
            last = add_months(today, round(read_number(match["n"]) or 0)) if match["unit"].startswith(("个月", "month", "月")) and (read_number(match["n"]) or 0) >= 1 else today + timedelta(days=days)  # fmt: skip
            found.append(Window(None, last, match.start(), match.end(), days=days))
    return sorted(found, key=lambda window: window.start)


def _leads(text: str) -> list[Window]:
    for pattern in _LEADS:
        for match in pattern.finditer(text):
            # 交期 30 天内 is a deadline for whoever wants it; the side decides, so both are told.
            days = _days(match)
            if (
                days is not None
                and not re.match(r"[ ]?(?:之内|以内|内)", text[match.end() :])
                and not re.search(r"within$|in$", match[0][: match[0].find(match["n"])].strip())
            ):
                return [Window(None, None, match.start(), match.end(), days)]
    return []


def _from_moments(text: str, today: date) -> list[Window]:
    moments = [moment for moment in find_moments(text, today) if not _is_other_date(text, moment)]
    found = []
    position = 0
    while position < len(moments):
        moment = moments[position]
        following = moments[position + 1] if position + 1 < len(moments) else None
        if (
            following is not None
            and _TO.fullmatch(text[moment.end : following.start])
            and following.last >= moment.first
        ):
            start = moment.start
            if prefix := _FROM_BEFORE.search(text[:start][-12:]):
                start -= len(prefix[0])
            found.append(Window(moment.first, following.last, start, following.end))
            position += 2
            continue
        found.append(_single(text, moment))
        position += 1
    kept = [window for window in found if window is not None and (window.last is None or window.last >= today)]
    # A day that was named says more than a month in passing.
    return sorted(kept, key=lambda window: window.first is not None and window.last is not None and not window.is_said)


def _is_other_date(text: str, moment: Moment) -> bool:
    before = text[max(0, moment.start - 24) : moment.start]
    is_amount = not moment.is_day and _AMOUNT_BEFORE.search(before)
    return bool(is_amount or _NOT_WHEN.search(before) or _RATE_BEFORE.search(before))


_YEAR_CUE = re.compile(r"(?:交货|交付|供货|到货|需要|delivery|deliver|in|during|throughout)[ :于在]*$")


def _single(text: str, moment: Moment) -> Window | None:
    before, start, end = text[max(0, moment.start - 24) : moment.start], moment.start, moment.end
    if moment.is_day and (window := _days_of_month(text, moment, before)):
        return window
    strictly = _STRICTLY_BEFORE.search(before)
    if strictly or (after := _BEFORE_AFTER.match(text, end)):
        start, end = (start - len(strictly[0]), end) if strictly else (start, after.end())
        # 12月31日前 counts that day; 3月前 ends with February.
        return Window(None, moment.last if moment.is_day else moment.first - timedelta(days=1), start, end)
    if not moment.is_day and (moment.last - moment.first).days > 300 and not _YEAR_CUE.search(before):
        return None  # 2027年春茶: the year says which, not when
    if until := _UNTIL_BEFORE.search(before):
        return Window(None, moment.last, start - len(until[0]), end)
    if (since := _FROM_BEFORE.search(before)) or (later := _FROM_AFTER.match(text, end)):
        return Window(moment.first, None, start - len(since[0]) if since else start, end if since else later.end())
    return Window(None if moment.is_day else moment.first, moment.last, start, end, is_said=moment.is_day)


def _days_of_month(text: str, moment: Moment, before: str) -> Window | None:
    """Return the window of a day and a bare figure beside it: 12月10日到20日, 10-20 December."""
    if more := _DAY_OF_MONTH.match(text, moment.end):
        day = int(more["day"])
        if moment.first.day < day <= month_end(moment.first.year, moment.first.month).day:
            return Window(moment.first, moment.first.replace(day=day), moment.start, more.end())
    if (more := _RANGE_BEFORE.search(before)) and 1 <= int(more["day"]) < moment.first.day:
        return Window(moment.first.replace(day=int(more["day"])), moment.last, moment.start - len(more[0]), moment.end)
    return None
