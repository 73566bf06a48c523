import re

import pytest
from django.urls import reverse

from marketplace.models import Block, Disclosure, Membership, Organisation, Report, UsccContest
from tests.factories import NOON, ListingFactory, OrganisationFactory, UserFactory, uscc

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


def profile(**changes):
    good = {
        "kind": "enterprise",
        "name_zh": "玉环阀门厂",
        "identifier_type": "uscc",
        "uscc": uscc(4242),
        "country": "CN",
        "region": "浙江省玉环市",
        "industry": "3443",
    }
    return good | changes


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


def test_organisation_create_registers_a_firm_of_the_place_that_was_named(client, user):
    response = client.post(reverse("marketplace:organisation_create"), profile())

    organisation = Organisation.objects.get()
    assert response.url == reverse("marketplace:organisation_detail", args=[organisation.pk])
    assert (organisation.region, organisation.state) == ("331083", Organisation.State.PENDING)
    assert organisation.memberships.get().user == user


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uscc": uscc(4242)[:-1] + "!"}, "uscc"),
        ({"uscc": "123"}, "uscc"),
        ({"region": "nowhere at all"}, "region"),
        ({"industry": "9999"}, "industry"),
        ({"name_zh": ""}, "name_zh"),
        ({"website": "not an address"}, "website"),
    ],
)
def test_organisation_create_names_the_field_that_is_wrong(client, user, changes, field):
    response = client.post(reverse("marketplace:organisation_create"), profile(**changes))

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_organisation_create_shows_how_to_contest_a_code_that_is_taken(client, user):
    theirs = OrganisationFactory(uscc=uscc(4242))

    response = client.post(reverse("marketplace:organisation_create"), profile())

    assert response.status_code == 409
    assert reverse("marketplace:uscc_contest", args=[theirs.pk]) in response.text


def test_organisation_create_needs_an_account(client):
    path = reverse("marketplace:organisation_create")

    assert client.get(path).url == f"{reverse('marketplace:log_in')}?next={path}"


def test_organisation_edit_shows_places_by_name_and_saves(client, user):
    organisation = OrganisationFactory(members=[user], region="331083")
    path = reverse("marketplace:organisation_edit", args=[organisation.pk])

    page = client.get(path, headers=ENGLISH)
    response = client.post(path, profile(uscc=organisation.uscc, name_zh=organisation.name_zh, region="台州"))

    organisation.refresh_from_db()
    assert 'value="Yuhuan Taizhou Zhejiang"' in page.text
    assert response.status_code == 302
    assert organisation.region == "331000"


def test_organisation_edit_is_for_owners(client, user):
    organisation = OrganisationFactory(members__trader=user)

    assert client.get(reverse("marketplace:organisation_edit", args=[organisation.pk])).status_code == 404


def test_organisation_list_shows_approved_firms_by_name_and_asks_as_much_for_three_as_for_one(client, count_queries):
    path = reverse("marketplace:organisation_list")
    OrganisationFactory(name_zh="甲厂", name_en="A")
    for_one = count_queries(path)
    OrganisationFactory(name_zh="乙厂", name_en="B")
    OrganisationFactory(name_zh="丙厂", name_en="C")
    OrganisationFactory(state=Organisation.State.PENDING, reviewed_at=None, name_zh="丁厂", name_en="D")

    assert count_queries(path) == for_one
    assert {o.name_zh for o in client.get(path).context["page"]} == {"甲厂", "乙厂", "丙厂"}
    assert [o.name_zh for o in client.get(path, {"q": "乙"}).context["page"]] == ["乙厂"]


def test_organisation_detail_hides_a_firm_that_is_not_approved(client):
    organisation = OrganisationFactory(state=Organisation.State.PENDING, reviewed_at=None)

    assert client.get(reverse("marketplace:organisation_detail", args=[organisation.pk])).status_code == 404


def test_organisation_detail_shows_contacts_from_the_stage_that_the_firm_chose(client):
    organisation = OrganisationFactory(contact_phone="0576-1234")
    path = reverse("marketplace:organisation_detail", args=[organisation.pk])

    anonymous = client.get(path).content.decode()
    client.force_login(UserFactory())
    stranger = client.get(path).content.decode()
    Disclosure.objects.create(organisation=organisation, contact_from=0, updated_at=NOON, updated_by=UserFactory())
    told = client.get(path).content.decode()

    assert ["0576-1234" in page for page in (anonymous, stranger, told)] == [False, False, True]


def test_organisation_detail_asks_as_much_for_three_listings_as_for_one(client, count_queries):
    organisation = OrganisationFactory()
    path = reverse("marketplace:organisation_detail", args=[organisation.pk])
    ListingFactory(organisation=organisation)
    for_one = count_queries(path)
    ListingFactory.create_batch(2, organisation=organisation)

    assert count_queries(path) == for_one


def test_uscc_contest_is_sent_to_the_operator(client, user):
    organisation = OrganisationFactory()

    client.post(reverse("marketplace:uscc_contest", args=[organisation.pk]), {"evidence": "执照"})

    assert UsccContest.objects.get().claimant == user


def test_uscc_contest_says_that_a_claim_waits_already(client, user):
    organisation = OrganisationFactory()
    path = reverse("marketplace:uscc_contest", args=[organisation.pk])
    client.post(path, {"evidence": "执照"})

    assert client.post(path, {"evidence": "再来"}).status_code == 409


def test_organisation_report_keeps_the_listing_it_is_about(client, user):
    listing = ListingFactory()
    path = reverse("marketplace:organisation_report", args=[listing.organisation_id])

    client.post(f"{path}?listing={listing.pk}", {"reason": "fraud", "text": "电话打不通"})

    report = Report.objects.get()
    assert (report.organisation, report.listing, report.by) == (listing.organisation, listing, user)


def test_organisation_block_and_block_remove(client, user):
    mine, other = OrganisationFactory(members=[user]), OrganisationFactory()

    client.post(reverse("marketplace:organisation_block", args=[other.pk]), {"organisation": mine.pk})
    block = Block.objects.get()
    listed = client.get(reverse("marketplace:block_list", args=[mine.pk]))
    client.post(reverse("marketplace:block_remove", args=[block.pk]))

    assert (block.organisation, block.blocked, block.by) == (mine, other, user)
    assert list(listed.context["blocks"]) == [block]
    assert not Block.objects.exists()


def test_organisation_block_needs_a_firm_to_act_for(client, user):
    other = OrganisationFactory()

    assert client.get(reverse("marketplace:organisation_block", args=[other.pk])).status_code == 404


def test_block_remove_is_not_for_strangers(client, user):
    block = Block.objects.create(
        organisation=OrganisationFactory(),
        blocked=OrganisationFactory(),
        by=UserFactory(),
        created_at=Organisation.objects.first().created_at,
    )

    assert client.post(reverse("marketplace:block_remove", args=[block.pk])).status_code == 404
    assert client.get(reverse("marketplace:block_list", args=[block.organisation_id])).status_code == 404


def test_organisation_report_of_a_hidden_firm_is_not_found(client, user):
    organisation = OrganisationFactory(state=Organisation.State.PENDING, reviewed_at=None, members=[UserFactory()])

    assert client.get(reverse("marketplace:organisation_report", args=[organisation.pk])).status_code == 404
    assert Membership.objects.count() == 1


def test_organisation_create_registers_once_however_often_the_form_is_sent(client):
    client.force_login(UserFactory())
    url = reverse("marketplace:organisation_create")
    key = re.search(r'name="form_key" value="([^"]+)"', client.get(url).content.decode())[1]
    said = profile(uscc=uscc(4321))

    first, again = (client.post(url, said | {"form_key": key}) for _ in range(2))

    assert (first.status_code, again.status_code, again.url) == (302, 302, first.url)
    assert Organisation.objects.count() == 1
