"""Places to work in that could exist, in the demo's parks and the cities around them, and firms that look for one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from marketplace.models import Organisation
from marketplace.parsing.catalogue import Catalogue
from matching.ranking.site_simulation import (
    Place,
    draw_place,
    draw_request,
    place_texts,
    price_unit,
    request_texts,
)
from seeds.firms import Firm

SPACES, REQUESTS = 120, 30
# Where each operator lets, its own county first and most often; what it lets is what its trade needs.
GROUNDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "park": (
        ("331083", "331083", "331083", "331081", "331002", "331003", "331004", "330324"),
        ("space.workshop", "space.workshop", "space.workshop", "space.warehouse", "space.office", "space.land"),
    ),
    "park_daishan": (
        ("330921", "330921", "330921", "330902", "330903", "330206", "330211"),
        ("space.hazmat_warehouse", "space.yard", "space.warehouse", "space.workshop", "space.land", "space.laboratory"),
    ),
    "park_keqiao": (
        ("330603", "330603", "330603", "330602", "330604", "330109"),
        ("space.workshop", "space.warehouse", "space.office", "space.cleanroom", "space.cold_store", "space.land"),
    ),
}


def site_listings(
    firms: Sequence[Firm],
    rows: Mapping[int, Organisation],
    catalogue: Catalogue,
    *,
    random_state: int,
    today: date,
) -> Iterator[tuple[Organisation, dict[str, object]]]:
    """Yield the spaces of the park operators and the requests of firms, each with who posts it; always the same."""
    random = Random(f"sites {random_state}")  # noqa: S311 -- made-up data, not a secret
    operators = {firm.key: rows[firm.number] for firm in firms if firm.key in GROUNDS}
    places = []
    for number in range(SPACES):
        key = sorted(operators)[number % len(operators)]
        regions, kinds = GROUNDS[key]
        place = draw_place(catalogue.get(random.choice(kinds)), random.choice(regions), random, stated=0.6)
        places.append(place)
        yield operators[key], _space(place, number + 1, random, today)
    seekers = [firm for firm in firms if firm.sells and not firm.key] or [firm for firm in firms if firm.sells]
    for number in range(1, REQUESTS + 1):
        request = draw_request(places, random, wishes=(3, 6))
        yield (
            rows[random.choice(seekers).number],
            {
                "side": "demand",
                "kind": "space",
                "category": request.category.code,
                "attributes": dict(request.wishes),
                "quantity": request.quantity,
                "unit": request.category.unit,
                "price_max": request.price_max,
                "price_unit": price_unit(request.category),
                "region": request.region,
                "window_end": today + timedelta(days=60 + random.randrange(120)),
                "external_id": f"DEMO-SW{number:04d}",
                **request_texts(request),
            },
        )


def _space(place: Place, number: int, random: Random, today: date) -> dict[str, object]:
    return {
        "side": "supply",
        "kind": "space",
        "category": place.category.code,
        "attributes": {key: place.values[key] for key in place.stated},
        "quantity": place.quantity,
        "unit": place.category.unit,
        "minimum_order": max(1, round(place.quantity * random.choice((0.1, 0.2, 0.5)))),
        "price_min": place.price,
        "price_max": float(f"{place.price * random.uniform(1.05, 1.2):.3g}"),
        "price_unit": price_unit(place.category),
        "region": place.region,
        "lead_days": random.choice((7, 15, 30, 60)),
        "window_end": today + timedelta(days=180 + random.randrange(180)),
        "external_id": f"DEMO-S{number:04d}",
        **place_texts(place),
    }
