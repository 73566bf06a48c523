"""The shipped catalogue of categories: what a trade's engineer may extend by hand is checked here, file by file."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from marketplace.parsing.catalogue import load_catalogue
from marketplace.parsing.normal_form import normalise
from marketplace.parsing.units import canonical_unit

DATA = Path(__file__).parents[2] / "marketplace" / "data"
FOLDER = DATA / "categories"
FILES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
CATEGORIES = [entry for content in FILES.values() for entry in content["categories"]]
LEAVES = [entry for entry in CATEGORIES if "." in entry["code"]]
MATCHES = {"equal", "at_least", "at_most", "overlap", "soft", "rather_more", "rather_less"}
KINDS = {"product", "capacity", "service", "space", "data"}

SHARED = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "shared").glob("*.json"))}
GROUPS = {"place", "building", "energy", "environment", "transport", "cost", "people"}

every_file = pytest.mark.parametrize("entries", [content["categories"] for content in FILES.values()], ids=FILES)


def attributes_of(entries):
    """Yield where an attribute stands, and its rules."""
    for entry in entries:
        for key, rules in entry["schema"]["properties"].items():
            yield f"{entry['code']} {key}", rules
        for name in entry.get("shared", ()):
            for key, rules in SHARED[name]["properties"].items():
                yield f"{entry['code']} {key}", rules


def test_catalogue_covers_the_six_clusters_and_the_cross_cutting_kinds():
    clusters = {content["cluster"] for content in FILES.values()}

    assert clusters == {
        "biomedicine", "chemicals_plastics", "industrial_services", "nev_parts", "pumps_valves", "tea", "textiles",
    }  # fmt: skip
    assert {entry["kind"] for entry in CATEGORIES} == KINDS
    assert len(LEAVES) >= 150


def test_catalogue_codes_are_unique():
    assert [code for code, count in Counter(entry["code"] for entry in CATEGORIES).items() if count > 1] == []


def test_catalogue_names_each_name_one_category():
    # A synonym that two categories share would leave a sentence's category to chance.
    owners = {}
    for entry in CATEGORIES:
        for name in {entry["name_zh"], entry["name_en"], *entry["synonyms_zh"], *entry["synonyms_en"]}:
            owners.setdefault(name.lower(), set()).add(entry["code"])

    assert {name: codes for name, codes in owners.items() if len(codes) > 1} == {}


def test_catalogue_is_a_tree_of_at_most_three_levels():
    parents = {entry["code"]: entry["parent"] for entry in CATEGORIES}

    for code, above in parents.items():
        levels = 1
        while above:
            levels, above = levels + 1, parents[above]  # noqa: PLW2901 -- climbs to the root
        assert levels <= 3, code


def test_catalogue_reads_as_the_parser_reads_it():
    catalogue = load_catalogue(FOLDER)

    assert len(catalogue) == len(CATEGORIES)
    assert catalogue.named("涤纶坯布").code == "greige.polyester"
    assert catalogue.named("Globe valve").code == "valve.globe"


@every_file
def test_categories_are_named_in_both_languages(entries):
    for entry in entries:
        assert entry["name_zh"].strip(), entry["code"]
        assert entry["name_en"].isascii(), entry["code"]
        assert all(name.strip() for name in (*entry["synonyms_zh"], *entry["synonyms_en"])), entry["code"]


@every_file
def test_categories_have_a_known_kind_unit_family_and_industry(entries):
    with (DATA / "industries" / "gbt4754.csv").open(encoding="utf-8") as lines:
        industries = {row["code"] for row in csv.DictReader(lines)}

    for entry in entries:
        code = entry["code"]
        assert entry["kind"] in KINDS, code
        assert entry["industry"] in industries, code
        assert entry["family"], code
        assert entry["hs"] == "" or (entry["hs"].isdigit() and len(entry["hs"]) == 4), code
        # Only a root, whose goods have nothing in common, is without a unit of its own.
        assert canonical_unit(entry["unit"]) == entry["unit"] if entry["unit"] else entry["parent"] is None, code


@every_file
def test_category_schemas_are_valid_json_schema(entries):
    for entry in entries:
        schema = entry["schema"]
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object", entry["code"]
        assert schema["additionalProperties"] is False, entry["code"]
        assert set(schema.get("required", [])) <= set(schema["properties"]), entry["code"]


@every_file
def test_attributes_are_titled_in_both_languages_and_say_how_they_match(entries):
    for place, rules in attributes_of(entries):
        assert rules["title_zh"], place
        assert rules["title_en"], place
        assert rules["match"] in MATCHES, place
        assert place.split()[1].isidentifier(), place
        if rules["type"] in {"string", "boolean"}:
            assert rules["match"] in {"equal", "soft"}, place


def test_a_place_to_work_in_is_known_by_more_than_forty_parameters_in_groups():
    spec = load_catalogue(FOLDER).get("space.workshop")

    assert len(spec.attributes) >= 70
    assert spec.attributes["structure"]["match"] == "equal"
    assert spec.attributes["km_motorway"]["match"] == "rather_less"
    assert {rules["group"] for rules in SHARED["site"]["properties"].values()} == GROUPS
    # The category's own way of asking goes before the shared one, in the shared one's group.
    assert spec.attributes["power"]["examples"] == [160, 315, 630, 1000, 2000]
    assert spec.attributes["power"]["group"] == "energy"


@every_file
def test_attribute_units_are_known(entries):
    for place, rules in attributes_of(entries):
        if unit := rules.get("unit"):
            assert canonical_unit(unit) == unit, place


@every_file
def test_attribute_values_are_labelled_in_both_languages(entries):
    for place, rules in attributes_of(entries):
        values = rules.get("enum", [])
        assert len(set(values)) == len(values), place
        assert set(rules.get("labels", {})) == set(values), place
        for value, label in rules.get("labels", {}).items():
            assert label["zh"], place
            assert label["en"], place
            assert value == value.lower(), place


@every_file
def test_attribute_examples_are_valid_values(entries):
    for place, rules in attributes_of(entries):
        checker = Draft202012Validator(rules)
        for example in rules.get("examples", []):
            assert list(checker.iter_errors(example)) == [], place


def test_leaves_have_four_to_nine_attributes():
    counts = {entry["code"]: len(entry["schema"]["properties"]) for entry in LEAVES}

    assert {code: count for code, count in counts.items() if not 4 <= count <= 9} == {}


@pytest.mark.parametrize(
    ("written", "code"),
    [("SUS304", "ss304"), ("1.4404", "ss316l"), ("45#钢", "steel45"), ("ZL101A", "a356"), ("PC/ABS", "pc-abs")],
)
def test_values_are_the_tokens_of_the_normal_form(written, code):
    # What people write and what a category allows meet in one token.
    values = {value for _, rules in attributes_of(CATEGORIES) for value in rules.get("enum", [])}

    assert code in values
    assert code in normalise(written).split()
