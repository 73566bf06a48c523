import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from marketplace.models import Listing, ListingImport
from marketplace.runs.imports import import_listings
from tests.factories import CategoryFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
GOOD_AND_BAD = """external_id,side,category,title,quantity,unit
A1,supply,valve.ball,DN50 ball valve,100,piece
A2,supply,valve.ball,DN80 ball valve,-5,piece
A3,sideways,valve.ball,DN25 ball valve,5,piece
"""


@pytest.fixture
def mine(client):
    user = UserFactory()
    client.force_login(user)
    CategoryFactory()
    return OrganisationFactory(members=[user])


def upload(client, organisation, text, mode="good_rows"):
    file = SimpleUploadedFile("stock.csv", text.encode())
    return client.post(
        reverse("marketplace:import_list"), {"organisation": organisation.pk, "file": file, "mode": mode}
    )


def work(run):
    import_listings(ListingImport.objects.claim(run.pk, now=run.requested_at))


def test_import_list_takes_a_file_and_shows_the_bad_rows(client, mine):
    response = upload(client, mine, GOOD_AND_BAD)
    run = ListingImport.objects.get()
    waiting = client.get(response.url).text
    work(run)
    done = client.get(response.url)

    assert response.url == reverse("marketplace:import_detail", args=[run.pk])
    assert 'hx-trigger="every 1s"' in waiting
    assert 'hx-trigger="every 1s"' not in done.text
    assert [(error["row"], error["column"]) for error in done.context["run"].errors] == [(3, "quantity"), (4, "side")]
    assert [listing.external_id for listing in Listing.objects.all()] == ["A1"]


def test_import_errors_downloads_the_bad_rows(client, mine):
    upload(client, mine, GOOD_AND_BAD)
    run = ListingImport.objects.get()
    work(run)

    response = client.get(reverse("marketplace:import_errors", args=[run.pk]))

    lines = response.content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["3", "quantity"], ["4", "side"]]


def test_import_list_names_the_field_that_is_wrong(client, mine):
    response = upload(client, mine, "")

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["file"]


def test_import_list_says_that_another_runs(client, mine):
    upload(client, mine, GOOD_AND_BAD)

    assert upload(client, mine, GOOD_AND_BAD).status_code == 409


def test_import_pages_are_not_for_strangers(client, mine):
    upload(client, mine, GOOD_AND_BAD)
    run = ListingImport.objects.get()
    client.force_login(UserFactory())

    assert client.get(reverse("marketplace:import_detail", args=[run.pk])).status_code == 404
    assert client.get(reverse("marketplace:import_errors", args=[run.pk])).status_code == 404
    assert client.get(reverse("marketplace:import_list")).status_code == 302


@pytest.mark.parametrize(("suffix", "start"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")])
def test_import_template_downloads(client, suffix, start):
    response = client.get(reverse("marketplace:import_template", args=[suffix]))

    assert response.content.startswith(start)
    assert response.headers["content-disposition"] == f'attachment; filename="listings.{suffix}"'


def test_import_template_of_another_kind_is_not_found(client):
    assert client.get(reverse("marketplace:import_template", args=["exe"])).status_code == 404


def test_import_list_asks_as_much_for_three_as_for_one(client, mine, count_queries, now):
    def earlier():
        ListingImport.objects.create(
            organisation=mine,
            by=mine.memberships.get().user,
            file="x",
            file_name="x.csv",
            requested_at=now,
            status="done",
        )

    earlier()
    path = reverse("marketplace:import_list")
    for_one = count_queries(path)
    earlier()
    earlier()

    assert count_queries(path) == for_one
