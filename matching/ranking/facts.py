"""What ranking and the hard rules know of a listing: plain values, read from a row or from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """One side of a pair.

    Quantities are in ``unit``; prices in ``currency`` per ``price_unit``; regions are GB/T 2260 codes of any level.
    ``properties`` are the attribute definitions of the category (its schema's ``properties``, with ``match`` rules).
    ``on_time_rate`` is the share of the organisation's ``deliveries`` that came on time, None without a record.
    ``audience`` are the organisations that may see a listing whose visibility is "named", ``blocked`` those with
    which this one has a block, whoever made it; ``open_until`` is the last day on which the listing is open.
    ``normal`` is the text's normal form where it was worked out before.
    """

    id: int
    organisation: int
    side: str
    text: str
    kind: str = "product"
    category: str = ""
    family: str = ""
    ancestors: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    properties: Mapping[str, Mapping] = field(default_factory=dict)
    quantity: float | None = None
    unit: str = ""
    minimum_order: float | None = None
    price_min: float | None = None
    price_max: float | None = None
    currency: str = "CNY"
    price_unit: str = ""
    region: str = ""
    delivery_regions: tuple[str, ...] = ()
    window_start: date | None = None
    window_end: date | None = None
    lead_days: int | None = None
    certificates: frozenset[str] = frozenset()
    required_certificates: frozenset[str] = frozenset()
    on_time_rate: float | None = None
    deliveries: int = 0
    is_open: bool = True
    open_until: date | None = None
    visibility: str = "public"
    audience: frozenset[int] = frozenset()
    is_verified: bool = True
    blocked: frozenset[int] = frozenset()
    normal: str = ""
