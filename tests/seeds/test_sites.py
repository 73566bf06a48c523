from datetime import date

import pytest

from marketplace.parsing.catalogue import load_catalogue
from marketplace.parsing.drafts import read_draft
from marketplace.services.categories import SHIPPED
from seeds.firms import make_firms
from seeds.sites import REQUESTS, SPACES, site_listings

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(SHIPPED)


def listings(catalogue, random_state: int) -> list[tuple[int, dict]]:
    firms = make_firms(60)
    numbers = {firm.number: firm.number for firm in firms}
    return list(site_listings(firms, numbers, catalogue, random_state=random_state, today=TODAY))


@pytest.mark.parametrize("random_state", range(4))
def test_site_listings_can_all_be_posted(catalogue, random_state):
    drawn = listings(catalogue, random_state)

    drafts = [read_draft(fields, catalogue=catalogue, today=TODAY, read_text=False) for _owner, fields in drawn]

    assert [draft.problems for draft in drafts if draft.problems] == []
    assert [fields["side"] for _owner, fields in drawn].count("supply") == SPACES
    assert len(drawn) == SPACES + REQUESTS


def test_site_listings_are_the_same_for_one_random_state(catalogue):
    assert listings(catalogue, 1) == listings(catalogue, 1)


def test_site_listings_ask_forty_things_of_a_workshop(catalogue):
    stated = [
        len(fields["attributes"])
        for _owner, fields in listings(catalogue, 0)
        if fields["category"] == "space.workshop" and fields["side"] == "supply"
    ]

    assert len(catalogue.get("space.workshop").attributes) >= 70
    assert max(stated) >= 40
