"""What a weighbridge shows, held to what was declared."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.models import Lot
from marketplace.parsing.units import convert, same_dimension

TENTH = Decimal("0.1")
# In percent, where the order's specification says nothing of it.
TOLERANCE = Decimal("0.5")
TOLERANCE_FIELD = "weight_tolerance_percent"


def tolerance_of(lot: Lot) -> Decimal:
    """Return by how many percent the weight of a lot may differ from what was declared."""
    said = lot.order_line.specification.get(TOLERANCE_FIELD)
    try:
        tolerance = Decimal(str(said))
    except InvalidOperation:
        return TOLERANCE
    return tolerance if 0 <= tolerance <= 100 else TOLERANCE


def declared_kg(lots: Sequence[Lot]) -> Decimal | None:
    """Return what the lots weigh by their quantities, None where one is not told by weight."""
    if not lots or not all(same_dimension(lot.unit, "kg") for lot in lots):
        return None
    return sum(Decimal(str(convert(float(lot.quantity), lot.unit, "kg"))) for lot in lots)


def judge_weight(lots: Sequence[Lot], net_kg: Decimal) -> dict[str, Any]:
    """Return net weight, declared weight, the difference, what is allowed, and whether it is more than that."""
    declared = declared_kg(lots)
    if declared is None:
        return {"net_kg": net_kg}
    parts = (Decimal(str(convert(float(lot.quantity), lot.unit, "kg"))) * tolerance_of(lot) / 100 for lot in lots)
    allowed = sum(parts).quantize(TENTH)
    deviation = (net_kg - declared).quantize(TENTH)
    return {
        "net_kg": net_kg,
        "declared_kg": declared.quantize(TENTH),
        "deviation_kg": deviation,
        "allowed_kg": allowed,
        "is_exception": abs(deviation) > allowed,
    }
