"""Ranges and limits around figures, written one way: 10至20 and 10 to 20 are 10-20, 不低于5 and at least 5 are ≥5."""

import re

_F = r"\d+(?:\.\d+)?"
_RANGE = re.compile(rf"(?<![a-z0-9.-])({_F})[ ]?(?:~|至|到|to(?![a-z]))[ ]?(?={_F}(?![\d.]*[-/年月日]))")
_LEAST = re.compile(
    r"(?:不低于|不小于|不少于|大于等于|大于或等于|至少|最少|最低|>=|(?<![a-z])(?:(?:not|no) less than|at least|minimum(?: of)?|min\.?))[ ]?:?[ ]?(?=\d|≥)"
)
_MOST = re.compile(
    r"(?:不高于|不大于|不超过|不多于|小于等于|小于或等于|至多|最多|最高|<=|(?<![a-z])(?:(?:not|no) more than|not exceeding|at most|up to|maximum(?: of)?|max\.?))[ ]?:?[ ]?(?=\d|≤)"
)
_WITH_UNIT = r"(?<![a-z0-9.≥≤-])(\d+(?:\.\d+)?[a-zμ°%][a-z0-9μ°%/·]*|\d+(?:\.\d+)?)[ ]?"
_LEAST_AFTER = re.compile(_WITH_UNIT + r"(?:及以上|或以上|以上|(?:or|and) (?:more|above)(?![a-z])|min\.?(?![a-z]))")
_MOST_AFTER = re.compile(_WITH_UNIT + r"(?:及以下|或以下|以下|以内|(?:or|and) (?:less|below)(?![a-z])|max\.?(?![a-z]))")
_RULES = (
    (("~", "至", "到", "to"), _RANGE, r"\1-"),
    (("不低", "不小", "不少", "大于", "至少", "最", ">=", "less", "least", "min"), _LEAST, "≥"),
    (
        ("不高", "不大", "不超", "不多", "小于", "至多", "最", "<=", "more", "exceed", "most", "up to", "max"),
        _MOST,
        "≤",
    ),
    (("以上", " more", " above", "min"), _LEAST_AFTER, r"≥\1"),
    (("以下", "以内", " less", " below", "max"), _MOST_AFTER, r"≤\1"),
    (("≥ ", "≤ "), re.compile(r"([≥≤]) (?=\d)"), r"\1"),
)


def respell_bounds(text: str) -> str:
    """Return the folded text with its ranges and limits in one spelling.

    >>> respell_bounds("10至20, 10 to 20, 10~20")
    '10-20, 10-20, 10-20'
    >>> respell_bounds("不低于 5mm, at least 5mm, 5mm以上, 5mm or more, min. 5mm")
    '≥5mm, ≥5mm, ≥5mm, ≥5mm, ≥5mm'
    """
    for hints, pattern, sign in _RULES:
        # Each pattern is tried at every character; most texts hold none of its words.
        for hint in hints:
            if hint in text:
                text = pattern.sub(sign, text)
                break
    return text.replace("≥≥", "≥").replace("≤≤", "≤")
