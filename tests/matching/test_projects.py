import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.services.organisations import OnlyMembersMay
from matching.models import BuildingProject, ProjectImport
from matching.services import projects
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_lead import BuildingProjectFactory

pytestmark = pytest.mark.django_db
FILE = "id,name,owner,region,stage,equipment\n1,Plant A,Owner,台州,招标,球阀\n2,Plant B,Owner,台州,设计,离心泵\n"


def bring(text: str, now, **who) -> ProjectImport:
    return projects.import_projects(file=io.BytesIO(text.encode()), name="projects.csv", now=now, **who)


def test_import_projects_twice_changes_nothing(now):
    first, again = bring(FILE, now), bring(FILE, now + dt.timedelta(days=1))

    assert (first.created, first.updated, first.refused) == (2, 0, 0)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert BuildingProject.objects.filter(updated_at=now).count() == 2


def test_import_projects_changes_what_changed(now):
    bring(FILE, now)
    BuildingProject.objects.update(text_version="read")

    done = bring(FILE.replace("招标", "施工"), now + dt.timedelta(days=1))

    assert (done.updated, done.unchanged) == (1, 1)
    changed = BuildingProject.objects.get(external_id="1")
    assert (changed.stage, changed.text_version) == ("construction", "")


def test_import_projects_keeps_the_good_rows_and_names_the_bad(now):
    done = bring(f"{FILE}3,,Owner,Atlantis,招标,\n", now)

    assert (done.created, done.refused) == (2, 1)
    assert {(problem["row"], problem["column"]) for problem in done.problems} == {(4, "name"), (4, "region")}


def test_import_projects_refuses_a_file_that_is_no_table(now):
    with pytest.raises(InputRefused) as refused:
        bring("name\nA\n", now)

    assert list(refused.value.errors) == ["file"]
    assert not ProjectImport.objects.exists()


def test_import_projects_of_a_firm_are_its_own(now):
    trader = UserFactory()
    firm = OrganisationFactory(members__trader=trader)
    bring(FILE, now)

    bring(FILE, now, by=trader, organisation=firm)

    assert BuildingProject.objects.count() == 4
    assert BuildingProject.objects.visible_to(trader).count() == 4
    assert BuildingProject.objects.visible_to(UserFactory()).count() == 2


def test_import_projects_for_everybody_is_the_operators(now):
    with pytest.raises(projects.OnlyTheOperatorMay):
        bring(FILE, now, by=UserFactory())
    with pytest.raises(OnlyMembersMay):
        bring(FILE, now, by=UserFactory(), organisation=OrganisationFactory())

    assert bring(FILE, now, by=UserFactory(is_staff=True)).created == 2


def test_import_projects_finds_the_owner_here(now):
    owner = OrganisationFactory()

    bring(f"id,name,owner,owner_uscc,region\n1,A,B,{owner.uscc},台州\n", now)

    assert BuildingProject.objects.get().owner == owner


def test_import_projects_command_says_what_it_did(tmp_path, capsys):
    file = tmp_path / "projects.csv"
    file.write_text(f"{FILE}3,,Owner,台州,招标,\n", encoding="utf-8")

    call_command("import_projects", file)

    assert capsys.readouterr().out.splitlines() == [
        "row 4, name: This field is required.",
        "2 new, 0 changed, 0 unchanged, 1 refused",
    ]
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_projects", tmp_path / "none.csv")
    with pytest.raises(CommandError, match="No approved organisation"):
        call_command("import_projects", file, "--for", "91330000000000000X")


def test_template_can_be_brought_as_it_is(now):
    content = projects.template_csv()

    done = projects.import_projects(file=io.BytesIO(content), name="t.csv", now=now)

    assert (done.created, done.problems) == (1, [])


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"name": ""}, "building_project_says_what_and_whose"),
        ({"starts_on": dt.date(2026, 5, 1), "finishes_on": dt.date(2026, 4, 1)}, "building_project_finishes_after"),
        ({"investment": 0}, "building_project_investment_is_positive"),
    ],
)
def test_building_project_refuses_what_cannot_be(wrong, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        BuildingProjectFactory(**wrong)


def test_building_project_is_there_once_per_external_id():
    BuildingProjectFactory(external_id="X")

    BuildingProjectFactory(external_id="X", brought_by=OrganisationFactory())
    with pytest.raises(IntegrityError, match="building_project_once_per_external_id"), transaction.atomic():
        BuildingProjectFactory(external_id="X")
