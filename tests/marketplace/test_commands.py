import io
import json

import pytest
from django.core.management import CommandError, call_command
from knox.auth import TokenAuthentication

from marketplace.models import Category, Listing
from marketplace.services.categories import SHIPPED
from tests.factories import CategoryFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


def run(*arguments) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_token_prints_a_token_and_nothing_else():
    user = UserFactory(username="buyer")

    printed = run("token", "buyer")

    assert printed.count("\n") == 1
    assert TokenAuthentication().authenticate_credentials(printed.strip().encode())[0] == user


def test_token_refuses_an_unknown_or_inactive_user():
    UserFactory(username="gone", is_active=False)

    for name in ("nobody", "gone"):
        with pytest.raises(CommandError):
            run("token", name)


def test_load_catalogue_loads_what_is_shipped_twice():
    first, second = run("load_catalogue"), run("load_catalogue")

    assert first == second
    assert Category.objects.count() == int(first.split()[0]) >= 150
    assert Category.objects.catalogue().named("球阀").code == "valve.ball"


def test_load_catalogue_says_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(CommandError):
        run("load_catalogue", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError):
        run("load_catalogue", str(tmp_path))
    assert SHIPPED.is_dir()


@pytest.fixture
def organisation():
    CategoryFactory()
    return OrganisationFactory(members=[UserFactory(username="owner")])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "listings.csv"
    path.write_text(
        "external_id,side,title,quantity,unit\n1,supply,ball valve,5,piece\n2,supply,ball valve,many,piece\n"
    )
    return path


def test_import_listings_imports_good_rows_and_reports_the_others(organisation, file, tmp_path):
    report = tmp_path / "report.json"

    printed = run("import_listings", str(file), "--organisation", organisation.uscc, "--json", str(report))

    assert "created 1" in printed
    assert "row 3, quantity" in printed
    assert Listing.objects.get().created_by.username == "owner"
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["created"], said["refused"], said["errors"][0]["row"]) == (1, 1, 3)


def test_import_listings_all_or_none_fails_aloud(organisation, file):
    with pytest.raises(CommandError):
        run("import_listings", str(file), "--organisation", organisation.uscc, "--all-or-none")

    assert not Listing.objects.exists()


@pytest.mark.parametrize(
    "wrong", [["nowhere.csv"], ["--organisation", "91330000000000000X"], ["--by", "nobody"], ["--by", "stranger"]]
)
def test_import_listings_says_what_is_not_there(organisation, file, wrong):
    UserFactory(username="stranger")
    arguments = [str(file), "--organisation", organisation.uscc]
    if wrong[0].startswith("--"):
        arguments += wrong
    else:
        arguments[0] = wrong[0]

    with pytest.raises(CommandError):
        run("import_listings", *arguments)
