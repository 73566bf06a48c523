"""Numbers as people write them, in figures and in words, in Chinese and in English."""

import re

# Bounded, so that a page of digits costs no more than a page of words.
FIGURE = r"(?:\d{1,3}(?:,\d{3}){1,4}(?!\d)(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?)"
_MULTIPLES = {
    "十": 10, "百": 100, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8,
    "k": 1e3, "w": 1e4, "thousand": 1e3, "million": 1e6, "billion": 1e9, "hundred": 100,
}  # fmt: skip
# A lone k or w is a multiple only between a figure and a unit; the caller's pattern sees to the unit.
MULTIPLE = r"(?:十万|百万|千万|[百千万亿](?![\d]))|(?:k|w)(?![a-z])|(?:hundred|thousand|million|billion)(?![a-z])"
CHINESE = r"(?<![半一二两三四五六七八九十百千万亿零〇])[半一二两三四五六七八九十百千万亿零〇]{1,12}"
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80, "ninety": 90,
    "half a": 0.5, "a": 1,
}  # fmt: skip
ENGLISH = r"(?:(?:" + "|".join(word for word in _WORDS if word != "a") + r")(?![a-z]))"
NUMBER = rf"(?:{FIGURE}(?:[ ]?(?:{MULTIPLE}))?|{CHINESE}|{ENGLISH}(?:[ ](?:hundred|thousand|million)(?![a-z]))?)"
_FIGURES = re.compile(rf"({FIGURE})[ ]?({MULTIPLE})?$")


def read_number(text: str) -> float | None:
    """Return the number a folded text says, or None if it says none.

    >>> read_number("2,000"), read_number("3万"), read_number("1.5k"), read_number("一百二十"), read_number("two thousand")
    (2000.0, 30000.0, 1500.0, 120.0, 2000.0)
    >>> read_number("十万"), read_number("两千五"), read_number("半"), read_number("万千") is None
    (100000.0, 2500.0, 0.5, True)
    """
    text = text.strip()
    if match := _FIGURES.match(text):
        # A figure may have hundreds of digits; no trade does.
        return float(f"{float(match[1].replace(',', '')) * _MULTIPLES.get(match[2] or '', 1):.15g}")
    if text and all(character in "半一二两三四五六七八九十百千万亿零〇" for character in text):
        return _chinese(text)
    first, _, rest = text.partition(" ")
    if first in _WORDS and (not rest or rest in _MULTIPLES):
        return float(_WORDS[first] * _MULTIPLES.get(rest, 1))
    return float(_WORDS[text]) if text in _WORDS else None


def _chinese(text: str) -> float | None:
    if text == "半":
        return 0.5
    if "半" in text or text[0] in "百千万亿":
        return None
    if len(text) > 1 and all(character in _DIGITS for character in text):
        # 二〇二六: digits one after another, as in a year.
        return float("".join(str(_DIGITS[character]) for character in text)) if len(text) <= 4 else None
    total, section, digit, last = 0, 0, 0, 1
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
            if character in "零〇":
                last = 1
        elif character in _SMALL:
            last = _SMALL[character]
            section += (digit or 1) * last
            digit = 0
        elif character == "万":
            last = 10_000
            total += (section + digit) * last
            section, digit = 0, 0
        else:
            last = 100_000_000
            total = (total + section + digit) * last
            section, digit = 0, 0
    # 两千五 is 2,500, 三万二 is 32,000: a last digit alone counts in the unit below.
    return float(
        total + section + digit * (last // 10 if last > 10 and text[-1] in _DIGITS and text[-2] in "百千万亿" else 1)
    )
