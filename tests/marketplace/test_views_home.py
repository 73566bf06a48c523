import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from marketplace.models import Listing, Organisation
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_figures():
    cache.clear()


def test_home_counts_what_is_open_to_everybody(client):
    category = CategoryFactory(cluster="pumps_valves")
    ListingFactory(category=category)
    ListingFactory(category=category, side=Listing.Side.DEMAND)
    ListingFactory(category=category, status=Listing.Status.PAUSED)
    ListingFactory(category=category, visibility=Listing.Visibility.VERIFIED)

    context = client.get(reverse("marketplace:home")).context

    assert (context["figures"]["supply"], context["figures"]["demand"]) == (1, 1)
    assert [(cluster["code"], cluster["count"]) for cluster in context["clusters"]] == [("pumps_valves", 2)]
    assert len(context["fresh"]) == 2


def test_home_of_an_empty_market_invites_to_post(client):
    assert reverse("marketplace:listing_create") in client.get(reverse("marketplace:home")).text


def test_home_asks_as_much_for_three_listings_as_for_one(client, count_queries):
    ListingFactory()
    count_queries("/")
    for_one = count_queries("/")
    ListingFactory.create_batch(2)

    assert count_queries("/") == for_one


def test_page_not_found_has_our_face(client):
    response = client.get("/nothing-here/")

    assert response.status_code == 404
    assert 'class="site-header"' in response.text


def test_csrf_failure_has_our_face():
    response = Client(enforce_csrf_checks=True).post(reverse("marketplace:sign_up"))

    assert response.status_code == 403
    assert 'class="site-header"' in response.text


def test_workspace_invites_who_acts_for_no_firm(client):
    client.force_login(UserFactory())

    assert reverse("marketplace:organisation_create") in client.get(reverse("marketplace:workspace")).text


def test_workspace_shows_the_firms_listings_and_asks_as_much_for_three_as_for_one(client, count_queries):
    user = UserFactory()
    client.force_login(user)
    mine = OrganisationFactory(members=[user])
    path = reverse("marketplace:workspace")
    ListingFactory(organisation=mine)
    ListingFactory()
    for_one = count_queries(path)
    ListingFactory.create_batch(2, organisation=mine, status=Listing.Status.DRAFT)

    assert count_queries(path) == for_one
    context = client.get(path).context
    assert {listing.organisation for listing in context["listings"]} == {mine}
    assert context["counts"] == {"open": 1, "draft": 2}


def test_workspace_says_that_a_firm_waits_for_approval(client):
    user = UserFactory()
    client.force_login(user)
    OrganisationFactory(members=[user], state=Organisation.State.PENDING, reviewed_at=None)

    assert "is-pending" in client.get(reverse("marketplace:workspace")).text


def test_workspace_needs_an_account(client):
    assert client.get(reverse("marketplace:workspace")).status_code == 302
