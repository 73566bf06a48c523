from decimal import Decimal

import pytest
from django.urls import reverse

from config.errors import InputRefused
from marketplace.models import Listing
from marketplace.services.categories import SHIPPED, load_catalogue
from matching import runs
from matching.services import sites
from matching.services.site_neighbours import neighbours_near
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_park import FacilityFactory, ParkFactory

pytestmark = pytest.mark.django_db

METRES = {"type": "number", "unit": "m"}
PROPERTIES = {
    "height": METRES | {"title_zh": "净高", "title_en": "Clear height", "match": "at_least", "group": "building"},
    "km_port": {
        "type": "number",
        "unit": "km",
        "title_zh": "距港口",
        "title_en": "To the port",
        "match": "rather_less",
        "group": "transport",
    },
    "canteen": {
        "type": "boolean",
        "title_zh": "食堂",
        "title_en": "Canteen",
        "match": "soft",
        "group": "people",
    },
}


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def workshop():
    return CategoryFactory(
        code="space.workshop",
        kind="space",
        name_zh="厂房",
        name_en="Workshop",
        family="space.workshop",
        unit="m2",
        schema={"type": "object", "additionalProperties": False, "properties": PROPERTIES},
    )


@pytest.fixture
def firm():
    user = UserFactory(language="en")
    OrganisationFactory(members=[user], region="331002", industry="3443")
    return user


def space(workshop, **said) -> Listing:
    values = {
        "kind": "space",
        "category": workshop,
        "title_zh": "玉环厂房",
        "title_en": "Workshop in Yuhuan",
        "attributes": {"height": 9},
        "quantity": 2000,
        "unit": "m2",
        "price_min": Decimal(20),
        "price_unit": "m2·month",
    }
    return ListingFactory(**values | said)


def search(user, now, **said):
    runs.index_listings()
    compare = said.pop("compare_with", ())
    return sites.search_sites(fields=said, user=user, now=now, compare_with=compare)


def test_search_sites_puts_what_keeps_every_limit_before_what_misses_one(workshop, firm, now):
    low = space(workshop, attributes={"height": 6})
    fits = space(workshop)

    found = search(firm, now, category="space.workshop", attributes={"height": 8})

    assert [(site.listing.pk, len(site.found.refusals)) for site in found.sites] == [(fits.pk, 0), (low.pk, 1)]
    assert found.allowed == 1


def test_search_sites_judges_each_wish(workshop, firm, now):
    space(workshop, attributes={"height": 7.5}, quantity=1950)

    found = search(
        firm,
        now,
        category="space.workshop",
        quantity="2000",
        price_max="15",
        attributes={"height": 8, "km_port": 20, "canteen": True},
    )

    (site,) = found.sites
    assert [(row.key, row.cell.closeness, row.cell.is_estimated) for row in site.rows] == [
        ("quantity", "nearly", False),
        ("height", "nearly", False),
        ("km_port", "met", True),
        ("price", "not", False),
        ("canteen", "unknown", False),
    ]


def test_search_sites_reasons_sum_to_the_score(workshop, firm, now):
    space(workshop)

    (site,) = search(firm, now, category="space.workshop", attributes={"height": 8}).sites

    assert sum(reason["points"] for reason in site.found.reasons) == pytest.approx(site.found.score)


def test_search_sites_puts_other_places_behind_the_nearest_first(workshop, firm, now):
    far, near, here = (space(workshop, region=code) for code in ("440300", "330300", "331083"))

    found = search(firm, now, category="space.workshop", region="331000")

    assert [site.listing.pk for site in found.sites] == [here.pk, near.pk, far.pk]
    assert [len(site.found.refusals) for site in found.sites] == [0, 1, 1]


def test_search_sites_reads_a_sentence(workshop, firm, now):
    fits = space(workshop)

    found = search(firm, now, text="求租台州 1500 平米厂房，净高≥8米")

    assert (found.wish.quantity, found.wish.region, found.wish.attributes) == (1500, "331000", {"height": 8})
    assert [site.listing.pk for site in found.sites] == [fits.pk]


def test_search_sites_never_shows_what_the_user_may_not_see(workshop, firm, now):
    hidden = space(workshop, visibility=Listing.Visibility.NAMED)

    found = search(firm, now, category="space.workshop", compare_with=(hidden.pk,))

    assert (found.sites, found.compared, found.allowed) == ([], [], 0)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "category"),
        ({"category": "valve.ball"}, "category"),
        ({"category": "space.workshop", "colour": "red"}, "colour"),
        ({"category": "space.workshop", "attributes": {"height": "tall"}}, "attributes.height"),
        ({"category": "space.workshop", "region": "Atlantis"}, "region"),
        ({"category": "space.workshop", "compare_with": (1, 2, 3, 4, 5)}, "compare"),
    ],
)
def test_search_sites_refuses_what_it_cannot_take(workshop, firm, now, said, field):
    with pytest.raises(InputRefused) as refused:
        search(firm, now, **said)

    assert list(refused.value.errors) == [field]


def test_search_sites_refuses_an_unknown_industry(workshop, firm, now):
    with pytest.raises(InputRefused) as refused:
        sites.search_sites(fields={"category": "space.workshop"}, user=firm, now=now, industry="9999")

    assert list(refused.value.errors) == ["industry"]


def test_neighbours_near_counts_who_supplies_and_who_buys(firm, now):
    casting = CategoryFactory(code="valve_pump_part.body_casting", family="part", industry="3391")
    valve = CategoryFactory(code="valve.ball", industry="3443")
    supplier = ListingFactory(category=casting, organisation=OrganisationFactory(region="331083"))
    buyer = ListingFactory(category=valve, side="demand", organisation=OrganisationFactory(region="331083"))
    ListingFactory(category=casting, organisation=OrganisationFactory(region="440300"))
    ListingFactory(category=casting, visibility="named", organisation=OrganisationFactory(region="331083"))

    found = neighbours_near(["331083", "440100"], industry="3443", user=firm, now=now)

    assert found["331083"].named_suppliers == (supplier.organisation,)
    assert found["331083"].named_buyers == (buyer.organisation,)
    assert found["440100"].count == 0


def test_neighbours_near_knows_none_without_an_industry(firm, now):
    assert neighbours_near(["331083"], industry="", user=firm, now=now) == {}


def test_post_site_wish_posts_a_demand_that_names_no_place_it_was_not_asked_for(workshop, firm, now):
    organisation = firm.memberships.get().organisation
    said = {"category": "space.workshop", "quantity": "1500", "price_max": "22", "attributes": {"height": 8}}

    listing = sites.post_site_wish(organisation=organisation, by=firm, fields=said, now=now)

    assert (listing.side, listing.kind, listing.status, listing.region) == ("demand", "space", "open", "")
    assert (listing.quantity, listing.minimum_order, listing.price_unit) == (1500, 1500, "m2·month")
    assert listing.text_en == "Wanted: Workshop, 1,500 m², at most 22 CNY/m²·month, Clear height ≥ 8 m."


def test_site_search_shows_sites_side_by_side(client, workshop, firm):
    one, other = space(workshop), space(workshop, attributes={"height": 6})
    runs.index_listings()
    client.force_login(firm)

    query = {"category": "space.workshop", "attributes_height": "8", "compare": [one.pk, other.pk]}
    answer = client.get(reverse("matching:site_search"), query, headers={"accept-language": "en"})

    assert answer.status_code == 200
    row = next(row for row in answer.context["found"].table if row.key == "height")
    assert [cell.closeness for cell in row.cells] == ["met", "not"]
    assert "Side by side" in answer.content.decode()


def test_site_search_makes_the_same_number_of_queries_for_1_and_3_rows(
    client, workshop, firm, django_assert_max_num_queries
):
    client.force_login(firm)
    url, query = reverse("matching:site_search"), {"category": "space.workshop"}
    counts = []
    for number in (1, 2):
        for _ in range(number):
            space(workshop)
        runs.index_listings()
        client.get(url, query)
        with django_assert_max_num_queries(60) as taken:
            client.get(url, query)
        counts.append(len(taken))

    assert counts[0] == counts[1]


def test_site_search_shows_what_is_wrong_beside_the_field(client, workshop, firm):
    client.force_login(firm)

    query = {"category": "space.workshop", "attributes_height": "tall"}
    answer = client.get(reverse("matching:site_search"), query)

    assert answer.status_code == 422
    assert "attributes_height" in answer.context["form"].errors


def test_site_search_is_open_to_everybody_and_begins_empty(client, workshop):
    assert client.get(reverse("matching:site_search")).status_code == 200


def test_site_save_posts_once_for_a_form_sent_twice(client, workshop, firm):
    client.force_login(firm)
    form = {"category": "space.workshop", "quantity": "900", "form_key": "k1"}

    first, second = (client.post(reverse("matching:site_save"), form) for _ in range(2))

    listing = Listing.objects.get()
    assert first.url == second.url == reverse("marketplace:listing_detail", args=[listing.pk])


def test_site_save_of_a_stranger_without_a_firm_is_not_found(client, workshop):
    client.force_login(UserFactory())

    assert client.post(reverse("matching:site_save"), {"category": "space.workshop"}).status_code == 404


def test_site_offer_opens_a_listing_with_what_is_known_of_the_park(client):
    user = UserFactory(language="en")
    park = ParkFactory(staff__owner=user, name_en="Pump Park")
    FacilityFactory(park=park)
    client.force_login(user)

    answer = client.get(reverse("matching:site_offer", args=[park.pk]), headers={"accept-language": "en"})

    assert answer.url.startswith(reverse("marketplace:listing_create") + "?side=supply&text=Pump+Park")
    assert "1+loading+dock" in answer.url


def test_site_offer_of_a_stranger_is_not_found(client):
    client.force_login(UserFactory())

    assert client.get(reverse("matching:site_offer", args=[ParkFactory().pk])).status_code == 404


def test_api_site_search_answers_with_parameters_and_table(client, workshop, now):
    one = space(workshop)
    runs.index_listings()

    said = {"category": "space.workshop", "attributes": {"height": 8}, "compare": [one.pk]}
    answer = client.post(reverse("matching:api_site_search"), said, content_type="application/json")

    body = answer.json()
    assert (body["count"], body["compared"], body["results"][0]["listing"]["id"]) == (1, [one.pk], one.pk)
    assert body["results"][0]["parameters"][0]["cell"] == {
        "value": {"zh": "9 m", "en": "9 m"},
        "closeness": "met",
        "is_estimated": False,
    }


def test_api_site_search_says_what_is_wrong(client, workshop):
    answer = client.post(reverse("matching:api_site_search"), {}, content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["category"])


def test_site_categories_are_the_kinds_of_places_that_the_catalogue_ships(now):
    load_catalogue(folder=SHIPPED, now=now)

    codes = {spec.code for spec in sites.site_categories()}

    assert {"space.workshop", "space.land", "space.cold_store", "space.hazmat_warehouse"} <= codes
    assert "space" not in codes
