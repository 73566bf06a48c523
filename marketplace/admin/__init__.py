"""The platform operator's desk: it reads, or calls a service. No back door."""

from marketplace.admin import (
    desk,
    exhibitions,
    fulfilment,
    listings,
    negotiations,
    orders,
    organisations,
    parks,
    people,
    pools,
    quotes,
)

__all__ = [
    "desk",
    "exhibitions",
    "fulfilment",
    "listings",
    "negotiations",
    "orders",
    "organisations",
    "parks",
    "people",
    "pools",
    "quotes",
]
