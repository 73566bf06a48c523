"""A ball valve offered and a ball valve wanted, for the tests of ranking."""

import datetime as dt
from dataclasses import replace

from matching.ranking.facts import ListingFacts

TODAY = dt.date(2026, 3, 2)
PROPERTIES = {
    "DN": {"type": "number", "unit": "mm", "title_zh": "公称直径", "title_en": "Nominal diameter", "match": "equal"},
    "PN": {"type": "number", "title_zh": "公称压力", "title_en": "Nominal pressure", "match": "at_least"},
    "material": {
        "type": "string",
        "title_zh": "材质",
        "title_en": "Material",
        "match": "equal",
        "labels": {"ss304": {"zh": "304 不锈钢", "en": "Stainless steel 304"}},
    },
}
SUPPLY = ListingFacts(
    id=1,
    organisation=1,
    side="supply",
    text="304 不锈钢法兰球阀 DN50 PN16 现货",
    category="valve.ball",
    family="valve",
    ancestors=("valve",),
    attributes={"DN": 50, "PN": 16, "material": "ss304"},
    properties=PROPERTIES,
    quantity=1000,
    unit="piece",
    minimum_order=10,
    price_min=90,
    price_max=120,
    price_unit="piece",
    region="331083",
    lead_days=10,
    on_time_rate=0.96,
    deliveries=95,
)
DEMAND = replace(
    SUPPLY,
    id=2,
    organisation=2,
    side="demand",
    text="304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州",
    quantity=500,
    minimum_order=None,
    price_min=None,
    price_max=100,
    region="331000",
    lead_days=None,
    window_end=TODAY + dt.timedelta(days=30),
    on_time_rate=None,
    deliveries=0,
)
