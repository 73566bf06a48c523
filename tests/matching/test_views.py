import pytest
from django.urls import reverse

from marketplace.models import Disclosure, Listing, Negotiation, Notification, RequestForQuotation
from matching import runs, services
from matching.models import Match, MatchRun
from tests.factories import ListingFactory, MembershipFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def buyer():
    return UserFactory(language="en")


@pytest.fixture
def demand(buyer):
    return ListingFactory(organisation=OrganisationFactory(members=[buyer]), side="demand", quantity=10)


def match(listing: Listing, now) -> None:
    runs.index_listings()
    (run_id,) = MatchRun.objects.request([listing.pk], now=now)
    runs.find_matches(MatchRun.objects.claim(run_id, now=now), clock=lambda: now)


def page(client, user, name, *args, **query) -> str:
    client.force_login(user)
    answer = client.get(reverse(name, args=args), query, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_listing_matches_shows_progress_and_asks_again_until_it_is_finished(client, buyer, demand):
    html = page(client, buyer, "matching:listing_matches", demand.pk)

    assert 'hx-trigger="every 1s"' in html


def test_listing_matches_shows_what_was_found_with_reasons(client, buyer, demand, now):
    supply = ListingFactory(title_zh="法兰球阀", title_en="Flanged ball valve of Yuhuan")
    match(demand, now)

    html = page(client, buyer, "matching:listing_matches", demand.pk)

    assert "hx-trigger" not in html.split('id="matches"')[1].split(">")[0]
    assert supply.organisation.name_zh in html or supply.organisation.name_en in html
    assert 'class="reasons"' in html
    assert reverse("marketplace:listing_detail", args=[supply.pk]) in html


def test_listing_matches_of_a_stranger_is_not_found(client, demand):
    client.force_login(UserFactory())

    assert client.get(reverse("matching:listing_matches", args=[demand.pk])).status_code == 404


def test_listing_matches_needs_the_same_queries_for_one_and_three(
    client, buyer, demand, now, django_assert_num_queries, django_assert_max_num_queries
):
    ListingFactory()
    match(demand, now)
    client.force_login(buyer)
    url = reverse("matching:listing_matches", args=[demand.pk])
    client.get(url)
    with django_assert_max_num_queries(40) as first:
        client.get(url)
    ListingFactory.create_batch(2)
    match(demand, now)
    assert Match.objects.count() == 3

    with django_assert_num_queries(len(first)):
        client.get(url)


def test_match_run_request_asks_for_a_run(client, buyer, demand):
    client.force_login(buyer)

    answer = client.post(reverse("matching:match_run_request", args=[demand.pk]))

    assert answer.url == reverse("matching:listing_matches", args=[demand.pk])
    assert MatchRun.objects.get().listing == demand


def test_match_run_request_for_a_stranger_is_not_found(client, demand):
    client.force_login(UserFactory())

    assert client.post(reverse("matching:match_run_request", args=[demand.pk])).status_code == 404


def test_match_list_shows_the_newest_of_all_my_listings(client, buyer, demand, now):
    supply = ListingFactory(title_zh="玉环球阀", title_en="Yuhuan valve")
    match(demand, now)

    assert reverse("marketplace:listing_detail", args=[supply.pk]) in page(client, buyer, "matching:match_list")
    assert reverse("marketplace:listing_detail", args=[supply.pk]) not in page(
        client, UserFactory(), "matching:match_list"
    )


def test_match_list_needs_the_same_queries_for_one_and_three(
    client, buyer, demand, now, django_assert_num_queries, django_assert_max_num_queries
):
    ListingFactory()
    match(demand, now)
    client.force_login(buyer)
    client.get(reverse("matching:match_list"))
    with django_assert_max_num_queries(40) as first:
        client.get(reverse("matching:match_list"))
    ListingFactory.create_batch(2)
    match(demand, now)

    with django_assert_num_queries(len(first)):
        client.get(reverse("matching:match_list"))


def test_match_detail_shows_both_sides_to_both_sides(client, buyer, demand, now):
    seller = UserFactory()
    supply = ListingFactory(organisation=OrganisationFactory(members=[seller]))
    match(demand, now)
    found = Match.objects.get()

    for user in (buyer, seller):
        html = page(client, user, "matching:match_detail", found.pk)
        assert reverse("marketplace:listing_detail", args=[supply.pk]) in html
        assert reverse("marketplace:listing_detail", args=[demand.pk]) in html


def test_match_detail_of_a_stranger_is_not_found(client, demand, now):
    ListingFactory()
    match(demand, now)
    client.force_login(UserFactory())

    assert client.get(reverse("matching:match_detail", args=[Match.objects.get().pk])).status_code == 404


def test_match_ask_for_quotes_drafts_a_request_to_the_chosen_with_their_reasons(client, buyer, demand, now):
    supply = ListingFactory()
    match(demand, now)
    found = Match.objects.get(supply=supply)
    client.force_login(buyer)

    nobody = client.post(reverse("matching:match_ask_for_quotes", args=[demand.pk]), {"match": ["0", "x"]})
    response = client.post(reverse("matching:match_ask_for_quotes", args=[demand.pk]), {"match": [found.pk]})

    rfq = RequestForQuotation.objects.get()
    invitation = rfq.invitations.get()
    assert nobody.url == reverse("matching:listing_matches", args=[demand.pk])
    assert response.url == reverse("marketplace:rfq_edit", args=[rfq.pk])
    assert (rfq.status, rfq.demand, rfq.lines.get().quantity) == ("draft", demand, demand.quantity)
    assert (invitation.supplier, invitation.supply) == (supply.organisation, supply)
    assert (invitation.match_reasons, invitation.match_score) == (found.reasons, found.score)


def test_match_ask_for_quotes_for_a_stranger_or_from_a_supply_is_not_found(client, buyer, demand):
    supply = ListingFactory(organisation=demand.organisation)
    for user, listing in [(UserFactory(), demand), (buyer, supply)]:
        client.force_login(user)
        assert client.post(reverse("matching:match_ask_for_quotes", args=[listing.pk]), {}).status_code == 404


def test_search_answers_anybody_at_once(client):
    supply = ListingFactory()
    runs.index_listings()

    answer = client.get(reverse("matching:search"), {"q": "304 不锈钢球阀 DN50"})

    assert answer.status_code == 200
    assert reverse("marketplace:listing_detail", args=[supply.pk]) in answer.content.decode()


def test_search_without_a_question_asks_for_one(client):
    assert client.get(reverse("matching:search")).status_code == 200


def test_search_says_what_is_wrong(client):
    answer = client.get(reverse("matching:search"), {"q": "阀" * 3000})

    assert answer.status_code == 422
    assert "2000" in answer.content.decode()


def test_readyz_says_why_it_is_not_ready(client, monkeypatch):
    state = services.Readiness(reasons={"broker": "away"}, entries=3, lag_seconds=2.0)
    monkeypatch.setattr(services, "readiness", lambda **_options: state)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "reasons": {"broker": "away"},
        "warnings": {},
        "index": {"entries": 3, "lag_seconds": 2.0},
    }


def test_match_negotiate_opens_a_negotiation_that_keeps_the_reasons(client, buyer, demand, now):
    supply = ListingFactory()
    match(demand, now)
    found = Match.objects.get()
    client.force_login(buyer)
    path = reverse("matching:match_negotiate", args=[found.pk])

    answers = [client.post(path) for _ in range(2)]

    negotiation = Negotiation.objects.get()
    assert {answer.url for answer in answers} == {reverse("marketplace:negotiation_detail", args=[negotiation.pk])}
    assert (negotiation.supply, negotiation.demand, negotiation.origin) == (supply, demand, "match")
    assert (negotiation.match_reasons, negotiation.match_score) == (found.reasons, found.score)
    assert negotiation.model_version == found.model_version
    client.force_login(UserFactory())
    assert client.post(path).status_code == 404


def test_listing_matches_names_no_firm_that_hides(client, buyer, demand, now):
    supply = ListingFactory()
    Disclosure.objects.create(
        organisation=supply.organisation, name_from=1, updated_at=now, updated_by=supply.created_by
    )
    match(demand, now)

    html = page(client, buyer, "matching:listing_matches", demand.pk)

    assert (supply.organisation.name_en in html, "A firm in Taizhou" in html) == (False, True)
    told = Notification.objects.filter(event="match.created", organisation=demand.organisation).first()
    assert (supply.organisation.name_zh in told.body_zh, told.data["counterpart"]["organisation"]) == (False, None)


def test_from_a_match_to_an_accepted_order_it_takes_four_screens_and_three_decisions(client, buyer, demand, now):
    supply = ListingFactory(price_min=98, price_max=104, price_unit="piece", lead_days=7)
    seller = UserFactory()
    MembershipFactory(user=seller, organisation=supply.organisation)
    match(demand, now)
    client.force_login(buyer)
    screens, decisions = [], []

    def look(path: str):
        screens.append(path)
        return client.get(path, headers={"accept-language": "en"})

    def decide(path: str, data: dict | None = None) -> str:
        decisions.append(path)
        return client.post(path, data or {}).url

    look(reverse("matching:listing_matches", args=[demand.pk]))
    negotiation = decide(reverse("matching:match_negotiate", args=[Match.objects.get().pk]))
    form = look(negotiation).context["offer_form"]
    filled_in = {field.html_name: field.value() for field in form if field.value() not in (None, False, [])}
    decide(f"{negotiation}offers/", filled_in)
    client.force_login(seller)
    offer = look(negotiation).context["current"]
    order = decide(reverse("marketplace:offer_accept", args=[offer.pk]))
    look(order)

    assert (len(screens), len(decisions)) == (4, 3)
    assert order.startswith("/orders/")
