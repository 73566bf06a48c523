import datetime as dt

import pytest
from django.utils import timezone

from marketplace.models import Notification, Visit
from matching import tasks
from matching.models import Match, MatchRun
from matching.models.match import ScoredPair
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_exhibition import BoothBookingFactory, BoothFactory, ExhibitionFactory
from tests.factories_pool import DemandFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown():
    """Return a supply on show at an exhibition that is announced."""
    start = timezone.now() + dt.timedelta(days=20)
    exhibition = ExhibitionFactory(starts_at=start, ends_at=start + dt.timedelta(days=1))
    supply = ListingFactory()
    BoothBookingFactory(booth=BoothFactory(exhibition=exhibition), organisation=supply.organisation, listings=[supply])
    return supply


def found(supply, demand, score):
    now = timezone.now()
    run = MatchRun.objects.create(listing=demand, requested_at=now, ranker_version="r7")
    pair = ScoredPair(
        supply=supply.pk,
        demand=demand.pk,
        supply_organisation=supply.organisation_id,
        demand_organisation=demand.organisation_id,
        supply_revision=supply.revision,
        demand_revision=demand.revision,
        score=score,
        rank=1,
        reasons=[{"feature": "DN", "points": score, "zh": "口径相同", "en": "DN equals"}],
    )
    Match.objects.record([pair], run=run, now=now)


def test_invite_visitors_asks_the_firms_that_match_what_is_on_show(shown):
    buyer = UserFactory()
    demand = DemandFactory(organisation=OrganisationFactory(members=[buyer]))
    found(shown, demand, 83.0)
    found(shown, DemandFactory(), 49.0)
    found(ListingFactory(), DemandFactory(), 95.0)

    tasks.invite_visitors()
    tasks.invite_visitors()

    visit = Visit.objects.get()
    assert (visit.organisation, visit.demand, visit.supply, visit.score, visit.model_version) == (
        demand.organisation,
        demand,
        shown,
        83.0,
        "r7",
    )
    assert Notification.objects.in_app_of(buyer).get().event == "exhibition.invited"


def test_invite_visitors_takes_current_matches_only(shown):
    demand = DemandFactory()
    found(shown, demand, 90.0)
    demand.revision = 2
    demand.save()

    tasks.invite_visitors()

    assert not Visit.objects.exists()
