import io

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.utils import timezone, translation

from config.errors import InputRefused
from marketplace.models import ListingImport
from marketplace.parsing.import_columns import read_header
from marketplace.services import imports, organisations
from marketplace.services.imports import error_report_csv, template_csv, template_xlsx
from tests.factories import CategoryFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def organisation(trader):
    CategoryFactory()
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def request_import(organisation, trader, now):
    def request(**changes):
        call = {"file": ContentFile(b"side\nsupply", name="a.csv"), "mode": "good_rows", "by": trader} | changes
        return imports.request_import(organisation=organisation, now=now, **call)

    return request


def test_request_import_keeps_the_file_for_a_worker(request_import):
    run = request_import(file=ContentFile(b"side\nsupply", name="../../evil.csv"))

    assert (run.status, run.file_name) == (ListingImport.Status.WAITING, "evil.csv")
    assert run.file.name.startswith("imports/")
    with run.file.open() as kept:
        assert kept.read() == b"side\nsupply"


def test_request_import_refuses_empty_files_unknown_modes_and_strangers(request_import):
    with pytest.raises(InputRefused) as refusal:
        request_import(file=ContentFile(b"", name="a.csv"), mode="some")
    with pytest.raises(organisations.OnlyMembersMay):
        request_import(by=UserFactory())

    assert sorted(refusal.value.errors) == ["file", "mode"]


def test_request_import_refuses_a_second_one_until_the_first_is_finished(request_import):
    request_import()

    with pytest.raises(imports.ImportAlreadyRunning):
        request_import()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_templates_can_be_imported(organisation, trader, language):
    with translation.override(language):
        content, book = template_csv(), template_xlsx()

    run = imports.import_at_once(
        file=ContentFile(content, name="t.csv"),
        organisation=organisation,
        mode="all_or_none",
        by=trader,
        now=timezone.now(),
    )

    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    headings = [cell.value for cell in sheet[1]]
    assert run.errors == []
    assert run.created == 1
    assert read_header(headings) == read_header(content.decode("utf-8-sig").split("\r\n")[0].split(","))


def test_error_report_cannot_become_a_formula(request_import):
    run = request_import()
    run.errors = [{"row": 2, "column": "=cmd|' /C calc'!A0", "code": "x", "zh": "错", "en": "-1+1"}]

    report = error_report_csv(run).decode("utf-8-sig")

    assert "'=cmd" in report
    assert "'-1+1" in report
