import datetime as dt
from decimal import Decimal

import pytest

from marketplace.models import Listing
from marketplace.services.pool_proposals import draft_pool, propose_pools
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import DemandFactory

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def owner():
    owner = UserFactory()
    OrganisationFactory(members=[owner])
    return owner


def test_proposals_gather_near_demands_that_reach_a_price_together(owner, now):
    # 玉环, 路桥 and 温岭 are near to each other; 北京 is not.
    near = [
        DemandFactory(quantity=quantity, region=region, window_start=dt.date(2026, 3, 10), window_end=day)
        for quantity, region, day in [
            (80, "331083", dt.date(2026, 3, 31)),
            (90, "331081", dt.date(2026, 4, 5)),
            (60, "331004", dt.date(2026, 3, 20)),
        ]
    ]
    DemandFactory(quantity=90, region="110105")
    # Large enough to buy alone what the others can only buy together.
    DemandFactory(quantity=300)
    late = dt.date(2026, 8, 1)
    DemandFactory(quantity=90, region="331083", window_start=late, window_end=late)
    ListingFactory(price_min=100, price_unit="piece", minimum_order=10)
    bulk = ListingFactory(price_min=90, price_unit="piece", minimum_order=200)
    ListingFactory(price_min=80, price_unit="piece", minimum_order=900)

    (proposal,) = propose_pools(user=owner, now=now)

    assert (proposal.demands, proposal.supply, proposal.total) == (near, bulk, 230)
    assert (proposal.unit_price, proposal.base_price, proposal.saving) == (90, 100, D("2300.00"))
    assert (proposal.window_start, proposal.window_end) == (dt.date(2026, 3, 10), dt.date(2026, 3, 20))
    draft = draft_pool(proposal.demands, now=now)
    assert (draft["category"], draft["minimum_quantity"], draft["unit"]) == ("valve.ball", "230", "piece")


def test_proposals_leave_out_what_the_reader_does_not_see(owner, now):
    DemandFactory(quantity=90, visibility=Listing.Visibility.NAMED)
    DemandFactory(quantity=90)
    ListingFactory(price_min=90, minimum_order=150)

    assert propose_pools(user=owner, now=now) == []
