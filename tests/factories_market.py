"""Matches of listings that exist, valid by default, and markets made of them."""

import factory

from marketplace.models import Listing
from matching import runs
from matching.models import MarketPoint, MarketProposal, Match, MatchRun
from tests.factories import NOON, ListingFactory, OrganisationFactory, UserFactory


def match_of(supply: Listing, demand: Listing, *, score: float = 80.0, chance: float | None = None, **facts) -> Match:
    """Write the match of two listings as a run of the demand would; ``chance`` is the product of its three chances."""
    run, _is_new = MatchRun.objects.get_or_create(
        listing=demand,
        status=MatchRun.Status.DONE,
        defaults={"requested_at": NOON, "finished_at": NOON, "revision": demand.revision, "ranker_version": "r1"},
    )
    chances = {} if chance is None else {"buyer_chance": chance, "seller_chance": 1.0, "fulfilment_chance": 1.0}
    return Match.objects.create(
        **{
            "supply": supply,
            "demand": demand,
            "supply_organisation": supply.organisation,
            "demand_organisation": demand.organisation,
            "supply_revision": supply.revision,
            "demand_revision": demand.revision,
            "score": score,
            "rank": 1,
            "reasons": [{"feature": "base", "points": score, "zh": "起评分", "en": "Every pair starts with this"}],
            "model_version": "r1",
            "run": run,
            "first_seen_at": NOON,
            "updated_at": NOON,
            **chances,
            **facts,
        }
    )


class DemandFactory(ListingFactory):
    side = Listing.Side.DEMAND
    quantity = 100


class MarketProposalFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MarketProposal

    family = "valve"
    requested_by = factory.SubFactory(UserFactory, is_staff=True)
    requested_at = NOON


class MarketPointFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MarketPoint

    proposal = factory.SubFactory(MarketProposalFactory)
    dial = 5
    fill = 0.9
    shown = 0.5
    relevance = 0.7
    new_exposure = 0.1
    small_exposure = 0.2
    gini = 0.3
    value = 90.0
    bound = 100.0
    seconds = 0.5


def compute(now, **facts) -> MarketProposal:
    """Compute a market as a worker would."""
    proposal = MarketProposalFactory(**facts)
    runs.clear_market(MarketProposal.objects.claim(proposal.pk, now=now), clock=lambda: now)
    return MarketProposal.objects.with_names().get(pk=proposal.pk)


def two_sided(now) -> tuple[MarketProposal, Listing, Listing, Listing]:
    """Compute a market of one demand for 100 that two supplies of 60 cover together; return them too."""
    demand = DemandFactory(quantity=100, organisation=OrganisationFactory(members=[UserFactory()]))
    first = ListingFactory(quantity=60, organisation=OrganisationFactory(members=[UserFactory()]))
    second = ListingFactory(quantity=60)
    match_of(first, demand, score=90)
    match_of(second, demand, score=80)
    return compute(now), demand, first, second
