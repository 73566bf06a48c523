import datetime as dt

import pytest
from django.urls import reverse

from marketplace.models import Listing, Membership
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
SENTENCE = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
Status = Listing.Status


@pytest.fixture(autouse=True)
def category():
    return CategoryFactory()


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def mine(user):
    return OrganisationFactory(members=[user])


def shown(field):
    value = field.value()
    return "" if value is None else value


def filled(form) -> dict:
    """Return what a browser would post of the form as it stands."""
    data = {name: shown(form[name]) for name in form.fields}
    for row in [form.certificates.management_form, *form.certificates]:
        data |= {row.add_prefix(name): shown(row[name]) for name in row.fields}
    return data


def test_listing_create_reads_a_sentence_and_shows_what_it_read(client, mine):
    path = reverse("marketplace:listing_create")

    response = client.post(path, {"organisation": mine.pk, "side": "demand", "text": SENTENCE, "step": "read"})

    form = response.context["form"]
    assert response.status_code == 200
    assert not Listing.objects.exists()
    assert form["category"].value() == "valve.ball"
    assert [form[f"attributes_{key}"].value() for key in ("DN", "PN", "material")] == ["50", "16", "ss304"]
    assert (form["quantity"].value(), form["unit"].value()) == ("500", "只")
    assert form["region"].value() == "浙江省台州市"
    assert "".join(piece for piece, _reading in form.echo()) == SENTENCE
    assert "DN50" in [piece for piece, reading in form.echo() if reading]


def test_listing_create_posts_what_was_read_and_corrected(client, mine):
    path = reverse("marketplace:listing_create")
    read = client.post(path, {"organisation": mine.pk, "side": "demand", "text": SENTENCE, "step": "read"})
    corrected = filled(read.context["form"]) | {
        "quantity": "600",
        "attributes_PN": "25",
        "price_max": "120",
        "step": "post",
    }

    response = client.post(path, corrected)

    listing = Listing.objects.get()
    assert response.url == reverse("marketplace:listing_detail", args=[listing.pk])
    assert (listing.side, listing.status, listing.text_zh) == ("demand", Status.OPEN, SENTENCE)
    assert listing.attributes == {"DN": 50, "PN": 25, "material": "ss304"}
    assert (listing.quantity, listing.unit, listing.price_max, listing.region) == (600, "piece", 120, "331000")


def test_listing_create_does_not_read_again_what_the_person_emptied(client, mine):
    path = reverse("marketplace:listing_create")
    read = client.post(path, {"organisation": mine.pk, "side": "demand", "text": SENTENCE, "step": "read"})
    corrected = filled(read.context["form"]) | {"quantity": "", "unit": "", "attributes_DN": "", "step": "post"}

    client.post(path, corrected)

    listing = Listing.objects.get()
    assert (listing.quantity, listing.unit) == (None, "")
    assert listing.attributes == {"PN": 16, "material": "ss304"}


def test_listing_create_reads_a_changed_sentence_anew(client, mine):
    path = reverse("marketplace:listing_create")
    read = client.post(path, {"organisation": mine.pk, "side": "demand", "text": SENTENCE, "step": "read"})
    changed = filled(read.context["form"]) | {
        "text": SENTENCE.replace("DN50", "DN80").replace("500", "700"),
        "step": "read",
    }

    form = client.post(path, changed).context["form"]

    assert (form["attributes_DN"].value(), form["quantity"].value()) == ("80", "700")


def test_listing_create_keeps_a_draft(client, mine):
    client.post(
        reverse("marketplace:listing_create"),
        {"organisation": mine.pk, "side": "supply", "text": SENTENCE, "step": "draft"},
    )

    assert Listing.objects.get().status == Status.DRAFT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": ""}, "text"),
        ({"quantity": "many"}, "quantity"),
        ({"unit": "furlong"}, "unit"),
        ({"region": "nowhere at all"}, "region"),
        ({"price_min": "9", "price_max": "3"}, "price_min"),
        ({"attributes_material": "ss304", "attributes_DN": "wide"}, "attributes_DN"),
        ({"visibility": "named"}, "audience"),
    ],
)
def test_listing_create_names_the_field_that_is_wrong(client, mine, changes, field):
    data = {"organisation": mine.pk, "side": "demand", "text": SENTENCE, "category": "valve.ball", "step": "post"}

    response = client.post(reverse("marketplace:listing_create"), data | changes)

    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Listing.objects.exists()


def test_listing_create_asks_who_has_no_firm_to_register_one(client, user):
    response = client.get(reverse("marketplace:listing_create"))

    assert response.url == reverse("marketplace:organisation_create")


def test_listing_create_in_the_name_of_a_strange_firm_is_refused(client, mine):
    data = {"organisation": OrganisationFactory().pk, "side": "demand", "text": SENTENCE, "step": "post"}

    assert client.post(reverse("marketplace:listing_create"), data).status_code == 422


def test_listing_edit_changes_only_what_was_changed(client, mine):
    listing = ListingFactory(organisation=mine, delivery_regions=["331083", "310000"], window_end=dt.date(2030, 1, 31))
    path = reverse("marketplace:listing_edit", args=[listing.pk])
    data = filled(client.get(path).context["form"]) | {"quantity": "1,200", "step": "save"}

    response = client.post(path, data)

    before, listing = listing, Listing.objects.get()
    assert response.url == reverse("marketplace:listing_detail", args=[listing.pk])
    assert (listing.quantity, listing.revision) == (1200, before.revision + 1)
    for name in ("title_zh", "title_en", "attributes", "unit", "region", "delivery_regions", "window_end", "side"):
        assert getattr(listing, name) == getattr(before, name)


def test_listing_edit_empties_a_field_and_adds_a_certificate(client, mine):
    listing = ListingFactory(organisation=mine, price_max=120)
    path = reverse("marketplace:listing_edit", args=[listing.pk])
    certificate = {
        "certificates-0-code": "ISO 9001",
        "certificates-0-issuer": "SGS",
        "certificates-0-expires_on": "2031-05-01",
    }

    client.post(path, filled(client.get(path).context["form"]) | {"price_max": "", "step": "save"} | certificate)

    listing.refresh_from_db()
    assert listing.price_max is None
    assert [(c.code, c.issuer, c.expires_on) for c in listing.certificates.all()] == [
        ("iso9001", "SGS", dt.date(2031, 5, 1))
    ]


def test_listing_edit_says_that_somebody_changed_it_meanwhile(client, mine):
    listing = ListingFactory(organisation=mine)
    path = reverse("marketplace:listing_edit", args=[listing.pk])
    data = filled(client.get(path).context["form"]) | {"quantity": "7", "step": "save"}
    Listing.objects.filter(pk=listing.pk).update(revision=5)

    assert client.post(path, data).status_code == 409
    listing.refresh_from_db()
    assert listing.quantity == 1000


def test_listing_edit_shows_the_fields_of_another_category_without_saving(client, mine):
    CategoryFactory(
        code="tea.green",
        name_zh="绿茶",
        name_en="Green tea",
        schema={"type": "object", "properties": {"grade": {"type": "string", "title_zh": "等级", "title_en": "Grade"}}},
    )
    listing = ListingFactory(organisation=mine)
    path = reverse("marketplace:listing_edit", args=[listing.pk])

    response = client.post(path, filled(client.get(path).context["form"]) | {"category": "tea.green", "step": "show"})

    assert [field.name for field in response.context["form"].attribute_fields()] == ["attributes_grade"]
    assert Listing.objects.get().category.code == "valve.ball"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("publish", Status.DRAFT, Status.OPEN),
        ("pause", Status.OPEN, Status.PAUSED),
        ("resume", Status.PAUSED, Status.OPEN),
        ("renew", Status.EXPIRED, Status.OPEN),
        ("close", Status.OPEN, Status.CLOSED),
    ],
)
def test_listing_status_pages_move_it_once(client, mine, name, before, after):
    listing = ListingFactory(organisation=mine, status=before)
    path = reverse(f"marketplace:listing_{name}", args=[listing.pk])

    response = client.post(path)

    listing.refresh_from_db()
    assert (response.status_code, listing.status) == (302, after)
    assert client.post(path).status_code == (302 if name == "renew" else 409)


@pytest.mark.parametrize("name", ["edit", "publish", "pause", "resume", "renew", "close"])
@pytest.mark.parametrize("role", [None, Membership.Role.VIEWER])
def test_listing_pages_that_change_are_for_those_who_trade(client, user, name, role):
    listing = ListingFactory(status=Status.OPEN)
    if role:
        listing.organisation.memberships.create(user=user, role=role, created_at=listing.created_at)

    assert client.post(reverse(f"marketplace:listing_{name}", args=[listing.pk])).status_code == 404
    listing.refresh_from_db()
    assert listing.status == Status.OPEN


def test_listing_detail_shows_facts_in_the_readers_language(client):
    listing = ListingFactory(price_min=85, price_max=120, price_unit="piece")
    path = reverse("marketplace:listing_detail", args=[listing.pk])

    english, chinese = client.get(path, headers=ENGLISH).text, client.get(path).text

    assert "Nominal diameter" in english
    assert "¥85 – 120 / piece" in english
    assert "1,000 pieces" in english
    assert "公称直径" in chinese
    assert "浙江省台州市玉环市" in chinese


@pytest.mark.parametrize(
    "hidden", [{"status": Status.PAUSED}, {"status": Status.DRAFT}, {"visibility": Listing.Visibility.NAMED}]
)
def test_listing_detail_hides_what_is_not_shown_to_a_stranger(client, hidden):
    listing = ListingFactory(**hidden)

    assert client.get(reverse("marketplace:listing_detail", args=[listing.pk])).status_code == 404


def test_listing_list_filters_and_asks_as_much_for_three_as_for_one(client, count_queries):
    path = reverse("marketplace:listing_list")
    ListingFactory(title_zh="铜闸阀", title_en="")
    count_queries(path)
    for_one = count_queries(path)
    ListingFactory(side=Listing.Side.DEMAND, region="310000")
    ListingFactory(price_min=900)
    ListingFactory(status=Status.PAUSED)

    assert count_queries(path) == for_one
    counts = {
        query: client.get(f"{path}?{query}").context["page"].paginator.count
        for query in ("", "side=demand", "region=上海", "q=闸阀", "price_max=100", "category=valve.ball", "kind=space")
    }
    assert counts == {
        "": 3,
        "side=demand": 1,
        "region=上海": 1,
        "q=闸阀": 1,
        "price_max=100": 2,
        "category=valve.ball": 3,
        "kind=space": 0,
    }


def test_listing_list_keeps_what_was_chosen(client):
    text = client.get(reverse("marketplace:listing_list"), {"region": "上海", "side": "demand"}).text

    assert 'value="上海"' in text
    assert 'value="demand" id="id_side_2" checked' in text.replace(" required", "")


def test_my_listing_list_shows_my_firms_listings_by_status(client, mine):
    path = reverse("marketplace:my_listing_list")
    ListingFactory()
    draft = ListingFactory(organisation=mine, status=Status.DRAFT)
    ListingFactory(organisation=mine)

    assert client.get(path).context["page"].paginator.count == 2
    assert list(client.get(path, {"status": "draft"}).context["page"]) == [draft]


def test_my_listing_list_asks_as_much_for_three_as_for_one(client, mine, count_queries):
    path = reverse("marketplace:my_listing_list")
    ListingFactory(organisation=mine)
    for_one = count_queries(path)
    ListingFactory.create_batch(2, organisation=mine)

    assert count_queries(path) == for_one
