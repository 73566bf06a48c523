import datetime as dt

import pytest

from marketplace.models import Membership, Organisation
from marketplace.services.duties import Duties, duties_of
from marketplace.services.negotiations import open_negotiation
from marketplace.services.offers import make_offer
from tests.factories import NOON, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
NOTHING = Duties(0, 0, 0, 0, 0, 0, 0, 0, 0)
TERMS = {"incoterm": "pickup", "address": "玉环市", "window_start": "2026-03-10", "window_end": "2026-03-20"}


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def supply():
    return ListingFactory(side="supply", organisation=OrganisationFactory(members=[UserFactory()]))


def _begin(buyer, supply):
    organisation = Organisation.objects.of(buyer).first() or OrganisationFactory(members=[buyer])
    return open_negotiation(by=buyer, organisation=organisation, supply=supply, origin="browse", now=NOON)


def test_duties_of_a_newcomer_are_none(buyer):
    assert duties_of(buyer, now=NOON) == NOTHING


def test_duties_name_the_side_whose_turn_it_is(buyer, supply):
    negotiation = _begin(buyer, supply)
    seller = supply.organisation.memberships.get().user
    line = {"description": "DN50", "quantity": 10, "unit": supply.unit, "unit_price": 100}

    make_offer(
        negotiation=negotiation,
        by=buyer,
        organisation=negotiation.buyer,
        terms=TERMS,
        lines=[line],
        valid_until=NOON + dt.timedelta(days=3),
        now=NOON,
    )

    assert duties_of(seller, now=NOON).negotiations == 1
    assert duties_of(buyer, now=NOON) == NOTHING


def test_duties_of_a_viewer_are_none(buyer, supply):
    negotiation = _begin(buyer, supply)
    viewer = UserFactory()
    Membership.objects.create(
        user=viewer, organisation=negotiation.seller, role=Membership.Role.VIEWER, created_at=NOON
    )

    assert duties_of(viewer, now=NOON) == NOTHING
