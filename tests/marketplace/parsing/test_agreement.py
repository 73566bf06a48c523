"""The demo market is written from fields by other hands; reading its texts must give the fields back."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from marketplace.parsing.catalogue import load_catalogue
from marketplace.parsing.sentence import parse
from seeds.firms import make_firms
from seeds.generate import make_listings

TODAY = date(2026, 11, 22)
CATALOGUE = load_catalogue(Path(__file__).parents[3] / "marketplace" / "data" / "categories")
SHARES = {
    "side": 0.98,
    "category": 0.97,
    "quantity": 0.98,
    "unit": 0.98,
    "minimum_order": 0.97,
    "price_max": 0.98,
    "currency": 0.98,
}


@pytest.fixture(scope="module", params=["zh", "en"])
def counted(request):
    """How often each field came out right, and attributes right, wrong or unread, over 300 texts in one language."""
    right, total = Counter(), Counter()
    for listing in make_listings(make_firms(300), 300, today=TODAY):
        fields, text = listing.fields, listing.fields.get(f"text_{request.param}")
        if not text:
            continue
        parsed = parse(text, today=TODAY, catalogue=CATALOGUE, side=fields["side"])
        for name in SHARES:
            if fields.get(name) not in (None, ""):
                total[name] += 1
                right[name] += getattr(parsed, name) == fields[name]
        if parsed.category == fields["category"]:
            for key, value in fields["attributes"].items():
                read = parsed.attributes.get(key)
                total["attributes"] += 1
                right["attributes"] += read == value
                total["wrong"] += read is not None and read != value
    return right, total


def test_parse_gives_back_the_fields_of_the_demo_market(counted):
    right, total = counted
    shares = {name: right[name] / total[name] for name in SHARES}

    assert {name: share for name, share in shares.items() if share < SHARES[name]} == {}


def test_parse_gives_back_attributes_and_hardly_a_wrong_one(counted):
    right, total = counted

    assert right["attributes"] / total["attributes"] > 0.85
    assert total["wrong"] / total["attributes"] < 0.01
