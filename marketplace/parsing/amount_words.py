"""Amounts of money in the words that contracts and invoices carry beside the figures."""

from decimal import ROUND_HALF_UP, Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
THOUSANDS = ("", "thousand", "million", "billion", "trillion", "quadrillion")


def in_chinese(amount: Decimal) -> str:
    """Return an amount of yuan in capital Chinese numerals, as 支付结算办法 wants them.

    >>> in_chinese(Decimal("1409.50")), in_chinese(Decimal("6007.14")), in_chinese(Decimal("1680.32"))
    ('壹仟肆佰零玖元伍角', '陆仟零柒元壹角肆分', '壹仟陆佰捌拾元叁角贰分')
    >>> in_chinese(Decimal("107000.53")), in_chinese(Decimal("50000")), in_chinese(Decimal("0.05"))
    ('壹拾万柒仟元伍角叁分', '伍万元整', '伍分')
    >>> in_chinese(Decimal("100010000")), in_chinese(Decimal("0")), in_chinese(Decimal("20.03"))
    ('壹亿零壹万元整', '零元整', '贰拾元零叁分')
    """
    cents = int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    yuan, rest = divmod(cents, 100)
    jiao, fen = divmod(rest, 10)
    words = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        words += f"{DIGITS[jiao]}角"
    elif fen and yuan:
        words += "零"
    if fen:
        words += f"{DIGITS[fen]}分"
    if not words:
        return "零元整"
    return words if rest else words + "整"


def _whole(number: int) -> str:
    groups = []
    while number:
        number, group = divmod(number, 10000)
        groups.append(group)
    words, owes_zero = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            owes_zero = bool(words)
            continue
        if words and (owes_zero or group < 1000):
            words += "零"
        words += _group(group) + GROUPS[place]
        owes_zero = False
    return words


def _group(group: int) -> str:
    words, owes_zero = "", False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if not digit:
            owes_zero = bool(words)
            continue
        words += ("零" if owes_zero else "") + DIGITS[digit] + PLACES[place]
        owes_zero = False
    return words


def in_english(amount: Decimal) -> str:
    """Return an amount in English words, the hundredths as figures.

    >>> in_english(Decimal("1409.50")), in_english(Decimal("50000")), in_english(Decimal("0.05"))
    ('one thousand four hundred nine and 50/100', 'fifty thousand and 00/100', 'zero and 05/100')
    """
    cents = int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    whole, rest = divmod(cents, 100)
    groups = []
    while whole:
        whole, group = divmod(whole, 1000)
        groups.append(group)
    words = [
        f"{_hundreds(group)} {THOUSANDS[place]}".strip() for place, group in reversed(list(enumerate(groups))) if group
    ]
    return f"{' '.join(words) or 'zero'} and {rest:02d}/100"


def _hundreds(group: int) -> str:
    hundred, rest = divmod(group, 100)
    words = [f"{ONES[hundred]} hundred"] if hundred else []
    if rest >= 20:
        ten, one = divmod(rest, 10)
        words.append(TENS[ten] + (f"-{ONES[one]}" if one else ""))
    elif rest:
        words.append(ONES[rest])
    return " ".join(words)
