from io import StringIO

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from marketplace.parsing.terms import find_terms, use_own_folder

HEADING = "normal\tzh\ten\tkind\ttrade\tcontext\tnote\n"


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    use_own_folder(None)


def said(*arguments, **options):
    out = StringIO()
    call_command("check_glossary", *arguments, stdout=out, **options)
    return out.getvalue()


def test_check_glossary_finds_no_fault_in_what_is_in_use():
    assert said().endswith("no fault\n")


def test_check_glossary_holds_a_new_file_to_what_is_in_use(folder):
    file = folder / "new.tsv"
    file.write_text(HEADING + "round valve\t球阀\tround valve\tproduct\tpumps_valves\t\t\n", "utf-8")
    out = StringIO()

    with pytest.raises(CommandError, match="1 faults in 1 files"):
        call_command("check_glossary", file, stdout=out)

    assert out.getvalue().startswith("new.tsv:2: “球阀” means “ball valve” in pumps_valves.tsv")


def test_check_glossary_names_a_file_that_is_not_there(folder):
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("check_glossary", folder / "none.tsv", stdout=out)

    assert out.getvalue() == "none.tsv:0: the file is not there\n"


def test_check_glossary_shows_what_a_sentence_becomes():
    lines = said(text="SUS304 球閥").splitlines()

    assert lines[0] == "sus304 -> ss304 (grade)"
    assert lines[1].startswith("球阀 -> ballvalve (product, pumps_valves.tsv line ")
    assert lines[2] == "ss304 球 阀 ≡ ballvalve valve"


def test_own_glossaries_are_taken_in_at_the_start(folder, settings):
    (folder / "ours.tsv").write_text(HEADING + "ball valve\t圆阀\tround valve\tproduct\tpumps_valves\t\t\n", "utf-8")
    settings.GLOSSARY_DIR = str(folder)

    apps.get_app_config("marketplace").ready()

    assert [found.value.token for found in find_terms("圆阀")] == ["ballvalve"]


def test_a_fault_in_own_glossaries_stops_the_start(folder, settings):
    (folder / "ours.tsv").write_text(HEADING + "ball valve\t\tround valve\tproduct\tpumps_valves\t\t\n", "utf-8")
    settings.GLOSSARY_DIR = str(folder)

    with pytest.raises(ImproperlyConfigured, match=r"GLOSSARY_DIR: ours.tsv:2: zh is empty"):
        apps.get_app_config("marketplace").ready()


def test_own_glossaries_must_be_a_folder(settings):
    settings.GLOSSARY_DIR = "/nowhere"

    with pytest.raises(ImproperlyConfigured, match="GLOSSARY_DIR names a folder that is not there"):
        apps.get_app_config("marketplace").ready()
