"""What a loan costs at a bank: the loan prime rate, what is added for the grade, what a guarantee takes off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Price:
    """A yearly rate in basis points, and the lines it is made of: [{feature, bp, zh, en}], which add up to it."""

    rate_bp: int
    lines: tuple[dict[str, Any], ...]


def price(
    base_rate_bp: int, spread_bp: Mapping[str, int], *, grade: str, discount_bp: int = 0, is_guaranteed: bool = False
) -> Price | None:
    """Return the rate for a grade, None where the bank has no price for it; a discount never leads below zero.

    >>> found = price(300, {"A": 60, "B": 120}, grade="B", discount_bp=50, is_guaranteed=True)
    >>> found.rate_bp, [line["bp"] for line in found.lines]
    (370, [300, 120, -50])
    >>> price(300, {"A": 60}, grade="C") is None
    True
    """
    if grade not in spread_bp:
        return None
    spread = int(spread_bp[grade])
    lines = [
        _line("base", base_rate_bp, "贷款市场报价利率（LPR）", "Loan prime rate (LPR)"),
        _line("grade", spread, f"信用等级 {grade} 加点", f"Added for grade {grade}"),
    ]
    rate = base_rate_bp + spread
    if is_guaranteed and (discount := min(discount_bp, rate)):
        lines.append(_line("guarantee", -discount, "担保或保险优惠", "Taken off for a guarantee or insurance"))
        rate -= discount
    return Price(rate, tuple(lines))


def _line(feature: str, bp: int, zh: str, en: str) -> dict[str, Any]:
    return {"feature": feature, "bp": bp, "zh": zh, "en": en}
