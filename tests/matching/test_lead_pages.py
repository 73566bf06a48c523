import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Disclosure, Negotiation
from matching.models import BuildingProject, LeadContact, ProjectImport
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_lead import BuildingProjectFactory, pump_makers, read_all

pytestmark = pytest.mark.django_db
FILE = "id,name,owner,region,stage\n1,Plant A,Owner,台州,招标\n2,,Owner,台州,招标\n"


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    cache.clear()


@pytest.fixture
def seller():
    return UserFactory(language="en")


@pytest.fixture
def supply(seller):
    return ListingFactory(organisation=OrganisationFactory(members=[seller], industry="3443"))


@pytest.fixture
def show(client, seller):
    client.force_login(seller)

    def get(name, *args, status=200, **query) -> str:
        answer = client.get(reverse(f"matching:{name}", args=args), query, headers={"accept-language": "en"})
        assert answer.status_code == status
        return b"".join(answer).decode() if answer.streaming else answer.content.decode()

    return get


@pytest.fixture
def api(seller):
    client = APIClient(headers={"Accept-Language": "en"})
    client.force_authenticate(seller)
    return client


def stranger(client):
    client.force_login(UserFactory())
    return client


def test_lead_supply_list_shows_own_open_supplies(show, supply):
    ListingFactory(title_en="Of another firm")

    html = show("lead_supply_list")

    assert reverse("matching:lead_list", args=[supply.pk]) in html
    assert "Of another firm" not in html


def test_lead_list_shows_leads_with_reasons_and_files(show, supply, now):
    (firm,) = pump_makers(1)
    project = BuildingProjectFactory()
    read_all(now)

    html = show("lead_list", supply.pk)

    assert firm.name_en in html
    assert project.name in html
    assert 'class="reasons"' in html
    assert reverse("matching:lead_export", args=[supply.pk, "xlsx"]) in html


def test_lead_list_narrows_down_and_says_what_is_wrong(show, supply, now):
    (firm,) = pump_makers(1)
    BuildingProjectFactory()
    read_all(now)

    assert firm.name_en not in show("lead_list", supply.pk, kind="project")
    assert "No place has this name" in show("lead_list", supply.pk, region="Atlantis", status=422)


def test_lead_list_asks_the_same_number_of_questions_for_one_and_for_three(
    show, supply, now, django_assert_num_queries, django_assert_max_num_queries
):
    pump_makers(1)
    BuildingProjectFactory()
    read_all(now)
    show("lead_list", supply.pk)
    with django_assert_max_num_queries(40) as first:
        show("lead_list", supply.pk)
    pump_makers(2)
    BuildingProjectFactory.create_batch(2)
    read_all(now)

    with django_assert_num_queries(len(first)):
        show("lead_list", supply.pk)


def test_lead_list_of_a_supply_without_category_says_so(show, supply):
    type(supply).objects.filter(pk=supply.pk).update(category=None)

    assert "Give the supply a category first" in show("lead_list", supply.pk)


def test_lead_list_of_a_stranger_is_not_found(client, supply):
    assert stranger(client).get(reverse("matching:lead_list", args=[supply.pk])).status_code == 404


def test_lead_export_is_a_file(show, client, supply, now):
    pump_makers(2)
    read_all(now)

    assert len(show("lead_export", supply.pk, "csv").strip().splitlines()) == 3
    show("lead_export", supply.pk, "pdf", status=404)
    assert stranger(client).get(reverse("matching:lead_export", args=[supply.pk, "csv"])).status_code == 404


def test_lead_contact_shows_how_to_reach_and_writes_down(show, client, supply, now):
    project = BuildingProjectFactory(contact_email="buyer@example.com")
    read_all(now)
    url = reverse("matching:lead_contact", args=[supply.pk, project.lead_key])

    html = show("lead_contact", supply.pk, project.lead_key)
    answer = client.post(url, {"outcome": "contacted", "note": "rang"})

    assert "mailto:buyer@example.com?subject=" in html
    assert answer.status_code == 302
    assert LeadContact.objects.get().note == "rang"
    assert "rang" in show("lead_contact", supply.pk, project.lead_key)


def test_lead_contact_shows_refusals_in_place(show, client, supply, now):
    (firm,) = pump_makers(1)
    read_all(now)
    url = reverse("matching:lead_contact", args=[supply.pk, f"f{firm.pk}"])
    client.post(url, {"outcome": "won"})

    assert client.post(url, {"outcome": "contacted"}).status_code == 409
    assert client.post(url, {"outcome": "maybe"}).status_code == 422


def test_lead_contact_hides_whom_to_call_until_they_negotiate(show, supply, now):
    (firm,) = pump_makers(1, contact_phone="+86 10 7654")
    read_all(now)

    assert "7654" not in show("lead_contact", supply.pk, f"f{firm.pk}")
    show("lead_contact", supply.pk, "f999999", status=404)
    show("lead_contact", supply.pk, "hnothing", status=404)


def test_lead_contact_of_a_stranger_is_not_found(client, supply, now):
    (firm,) = pump_makers(1)
    read_all(now)
    for name in ("lead_contact", "lead_invite"):
        url = reverse(f"matching:{name}", args=[supply.pk, f"f{firm.pk}"])

        assert stranger(client).post(url, {"outcome": "won"}).status_code == 404
    assert not LeadContact.objects.exists()


def test_lead_invite_goes_to_the_negotiation(show, client, supply, now):
    (firm,) = pump_makers(1)
    project = BuildingProjectFactory()
    read_all(now)

    answer = client.post(reverse("matching:lead_invite", args=[supply.pk, f"f{firm.pk}"]))
    refused = client.post(reverse("matching:lead_invite", args=[supply.pk, project.lead_key]))

    assert answer.url == reverse("marketplace:negotiation_detail", args=[Negotiation.objects.get().pk])
    assert refused.url == reverse("matching:lead_contact", args=[supply.pk, project.lead_key])


def test_hidden_firm_is_called_by_its_city_all_the_way(show, client, supply, now):
    (firm,) = pump_makers(1, region="331083")
    Disclosure.objects.create(
        organisation=firm, name_from=1, contact_from=2, documents_from=2, updated_at=now, updated_by=UserFactory()
    )
    read_all(now)

    html = show("lead_list", supply.pk)
    key = html.split(f"/listings/{supply.pk}/leads/h")[1].split("/")[0]
    contact = show("lead_contact", supply.pk, f"h{key}")
    file = show("lead_export", supply.pk, "csv")

    for shown in (html, contact, file):
        assert firm.name_en not in shown
        assert "A firm in Taizhou" in shown
    assert client.post(reverse("matching:lead_invite", args=[supply.pk, f"h{key}"])).status_code == 302


def test_project_list_shows_own_and_shared_ones(show, supply):
    shared, own = BuildingProjectFactory(), BuildingProjectFactory(brought_by=supply.organisation, stage="design")
    BuildingProjectFactory(brought_by=OrganisationFactory(), name="Of another firm")

    html = show("project_list")

    assert shared.name in html
    assert own.name in html
    assert "Of another firm" not in html
    assert shared.name not in show("project_list", stage="design")
    assert shared.name not in show("project_list", own="on")


def test_project_list_asks_the_same_number_of_questions_for_one_and_for_three(
    show, django_assert_num_queries, django_assert_max_num_queries
):
    BuildingProjectFactory()
    show("project_list")
    with django_assert_max_num_queries(20) as first:
        show("project_list")
    BuildingProjectFactory.create_batch(2)

    with django_assert_num_queries(len(first)):
        show("project_list")


def test_project_detail_shows_what_fits(show, client, supply, now):
    project = BuildingProjectFactory()
    read_all(now)

    html = show("project_detail", project.pk)

    assert reverse("matching:lead_contact", args=[supply.pk, project.lead_key]) in html
    private = BuildingProjectFactory(brought_by=OrganisationFactory())
    show("project_detail", private.pk, status=404)


def test_project_import_keeps_rows_and_names_the_bad(show, client, supply):
    assert "Import projects" in show("project_import")

    answer = client.post(
        reverse("matching:project_import"),
        {"organisation": supply.organisation.pk, "file": SimpleUploadedFile("p.csv", FILE.encode())},
    )

    assert answer.status_code == 302
    html = show("project_import_detail", ProjectImport.objects.get().pk)
    assert "This field is required." in html
    assert BuildingProject.objects.get().brought_by == supply.organisation
    assert "p.csv" in show("project_import")
    bad = client.post(
        reverse("matching:project_import"),
        {"organisation": supply.organisation.pk, "file": SimpleUploadedFile("p.csv", b"")},
    )
    assert bad.status_code == 422


def test_project_import_is_for_traders(client, show, supply):
    done = ProjectImport.objects.create(brought_by=supply.organisation, file_name="p.csv", at=supply.created_at)

    assert stranger(client).get(reverse("matching:project_import")).status_code == 404
    assert client.get(reverse("matching:project_import_detail", args=[done.pk])).status_code == 404


def test_project_template_has_the_headings(show):
    assert show("project_template").lstrip("\ufeff").startswith("external id,name,owner")


def test_api_leads_are_those_of_the_page(api, supply, now):
    (firm,) = pump_makers(1)
    BuildingProjectFactory()
    read_all(now)
    url = f"/api/v1/listings/{supply.pk}/leads/"

    found = api.get(url).json()
    firms = api.get(url, {"kind": "firm", "limit": 1}).json()
    one = api.get(f"{url}f{firm.pk}/").json()

    assert found["count"] == 2
    assert [row["kind"] for row in found["results"]] == ["project", "firm"]
    assert firms["results"][0]["firm"]["id"] == firm.pk
    assert abs(sum(reason["points"] for reason in one["reasons"]) - one["score"]) < 1e-6
    assert api.get(url, {"region": "Atlantis"}).status_code == 400
    assert len(b"".join(api.get(f"{url}export.csv")).splitlines()) == 3
    assert api.get(f"{url}export.pdf").status_code == 400


def test_api_lead_contacts_are_written_once_per_key(api, supply, now):
    (firm,) = pump_makers(1)
    read_all(now)
    url = f"/api/v1/listings/{supply.pk}/leads/f{firm.pk}/contacts/"

    first = api.post(url, {"outcome": "lost", "note": "too dear"}, headers={"Idempotency-Key": "one"})
    again = api.post(url, {"outcome": "lost", "note": "too dear"}, headers={"Idempotency-Key": "one"})

    assert (first.status_code, again.json()) == (201, first.json())
    assert [row["outcome"] for row in api.get(url).json()] == ["lost"]
    assert api.post(url, {"outcome": "maybe"}).status_code == 400


def test_api_lead_invite_opens_a_negotiation(api, supply, now):
    (firm,) = pump_makers(1)
    project = BuildingProjectFactory()
    read_all(now)
    url = f"/api/v1/listings/{supply.pk}/leads/"

    assert api.post(f"{url}f{firm.pk}/invite/").json() == {"negotiation": Negotiation.objects.get().pk}
    assert api.post(f"{url}{project.lead_key}/invite/").status_code == 409


def test_api_of_a_stranger_is_not_found(supply, now):
    (firm,) = pump_makers(1)
    read_all(now)
    client = APIClient()
    client.force_authenticate(UserFactory())
    url = f"/api/v1/listings/{supply.pk}/leads/"

    for path in ("", "export.csv", f"f{firm.pk}/", f"f{firm.pk}/contacts/"):
        assert client.get(url + path).status_code == 404
    assert client.post(f"{url}f{firm.pk}/contacts/", {"outcome": "won"}).status_code == 404
    assert client.post(f"{url}f{firm.pk}/invite/").status_code == 404


def test_api_projects_are_imported_and_read(api, supply):
    file = SimpleUploadedFile("p.csv", FILE.encode())
    said = {"file": file, "organisation": supply.organisation.pk}

    done = api.post("/api/v1/projects/imports/", said, format="multipart")
    refused = api.post(
        "/api/v1/projects/imports/", {"file": SimpleUploadedFile("p.csv", FILE.encode())}, format="multipart"
    )

    assert (done.status_code, done.json()["created"], done.json()["problems"][0]["row"]) == (201, 1, 3)
    assert refused.status_code == 409
    project = api.get("/api/v1/projects/").json()["results"][0]
    assert (project["external_id"], project["is_private"]) == ("1", True)
    assert api.get(f"/api/v1/projects/{project['id']}/").json()["stage"] == "tendering"
    assert api.get(f"/api/v1/projects/imports/{done.json()['id']}/").json()["file_name"] == "p.csv"
    private = BuildingProjectFactory(brought_by=OrganisationFactory())
    assert api.get(f"/api/v1/projects/{private.pk}/").status_code == 404
