import pytest
from django import forms
from django.http import QueryDict
from django.utils.translation import override

from config.errors import InputRefused, RuleBroken
from marketplace.forms.attributes import attribute_field, attribute_text, attribute_value
from marketplace.forms.listings import SentenceForm, category_choices, listing_texts
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.regions import RegionField, place_text
from marketplace.models import Organisation
from marketplace.parsing.drafts import Draft
from tests.factories import CategoryFactory, OrganisationFactory


class TownForm(ShowsRefusals):
    field_of = {"town": "place"}
    place = forms.CharField()


class TownFull(RuleBroken):
    pass


def test_showing_refusals_puts_each_message_beside_its_field():
    form = TownForm({"place": "x"})
    assert form.is_valid()

    with form.showing_refusals():
        raise InputRefused({"town": ["Too far."], "weather": ["Too wet."]})

    assert form.errors == {"place": ["Too far."], "__all__": ["weather: Too wet."]}
    assert form.http_status == 422


def test_showing_refusals_keeps_a_broken_rule_for_the_page():
    form = TownForm({"place": "x"})
    assert form.is_valid()

    with form.showing_refusals():
        raise TownFull("The town is full.")

    assert form.errors == {"__all__": ["The town is full."]}
    assert isinstance(form.rule_broken, TownFull)
    assert form.http_status == 409


def test_showing_refusals_hides_no_bug():
    form = TownForm({"place": "x"})
    assert form.is_valid()

    with pytest.raises(ZeroDivisionError), form.showing_refusals():
        _ = 1 / 0


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("code", ["331083", "330000", "310000", "130821", "220200"])
def test_place_text_is_read_back_as_the_same_place(language, code):
    with override(language):
        assert RegionField().clean(place_text(code)) == code


def test_region_field_refuses_what_is_no_place():
    with pytest.raises(forms.ValidationError):
        RegionField().clean("nowhere at all")


DN = {"type": "number", "unit": "mm", "title_zh": "公称直径", "title_en": "Nominal diameter", "examples": [15]}
MATERIAL = {
    "type": "string",
    "enum": ["ss304", "wcb"],
    "labels": {"ss304": {"zh": "304 不锈钢", "en": "Stainless steel 304"}},
    "title_zh": "材质",
    "title_en": "Material",
}


def test_attribute_field_of_a_number_shows_its_unit_and_marks_what_is_required():
    with override("en"):
        field = attribute_field("DN", DN, is_required=True)

        assert (field.label, field.unit, field.is_wanted) == ("Nominal diameter (DN)", "mm", True)
        assert field.widget.attrs["placeholder"] == "e.g. 15"


def test_attribute_field_of_words_is_a_choice_in_the_readers_language():
    with override("zh-hans"):
        field = attribute_field("material", MATERIAL)

        assert field.label == "材质"
        assert field.choices == [("", "—"), ("ss304", "304 不锈钢"), ("wcb", "wcb")]


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        (50, {"type": "number"}),
        (0.25, {"type": "number"}),
        (1_000_000.5, {"type": "number"}),
        ("ss304", MATERIAL),
        (True, {"type": "boolean"}),
        (False, {"type": "boolean"}),
        (["a", "b"], {"type": "array", "items": {"enum": ["a", "b"]}}),
    ],
)
def test_attribute_text_and_value_are_inverse(value, rules):
    given = attribute_value(attribute_text(value), rules)

    assert (type(value)(given) if isinstance(value, int | float) and not isinstance(value, bool) else given) == value


@pytest.mark.django_db
def test_category_choices_stand_under_their_parents_and_a_parent_stands_for_all():
    valve = CategoryFactory(code="valve", name_zh="阀门", name_en="Valve")
    CategoryFactory(code="valve.ball", parent=valve)

    with override("en"):
        assert category_choices(of_parent="%(name)s: all") == [
            ("", "—"),
            ("Valve", [("valve", "Valve: all"), ("valve.ball", "Ball valve")]),
        ]


def test_listing_texts_are_what_a_person_would_write():
    with override("en"):
        shown = listing_texts(
            {"unit": "piece", "region": "331083", "delivery_regions": ["310000", "330000"], "attributes": {"DN": 50}}
        )

    assert shown == {
        "unit": "piece",
        "region": "Yuhuan Taizhou Zhejiang",
        "delivery_regions": "Shanghai; Zhejiang",
        "attributes_DN": "50",
    }


def sentence(**data) -> SentenceForm:
    posted = QueryDict(mutable=True)
    posted.update({"organisation": Organisation.objects.get().pk, "text": "球阀 DN50", "category": "valve.ball"} | data)
    form = SentenceForm(posted, organisations=Organisation.objects.all())
    assert form.is_valid(), form.errors
    return form


@pytest.fixture
def _market(db):
    CategoryFactory()
    OrganisationFactory()


@pytest.mark.usefixtures("_market")
def test_sentence_form_says_what_was_corrected_and_what_was_emptied_but_not_what_was_only_read():
    read = '{"quantity": "500", "unit": "只", "attributes_DN": "50", "attributes_PN": "16"}'

    said = sentence(read=read, quantity="500", unit="", attributes_DN="80", attributes_PN="").said()

    assert said == {"text": "球阀 DN50", "category": "valve.ball", "unit": None, "attributes": {"DN": "80", "PN": None}}


@pytest.mark.usefixtures("_market")
@pytest.mark.parametrize("read", ["", "nonsense", "[1, 2]", '{"no_such_field": "x"}'])
def test_sentence_form_trusts_no_note_of_what_was_read(read):
    assert sentence(read=read, quantity="5").said()["quantity"] == "5"


@pytest.mark.usefixtures("_market")
def test_sentence_form_echoes_the_sentence_piece_by_piece():
    draft = Draft(
        readings=[{"field": "attributes.DN", "value": 50, "start": 3, "end": 7, "zh": "公称直径 50 mm", "en": ""}]
    )

    form = sentence().with_draft(draft)

    assert form.echo() == [("球阀 ", None), ("DN50", draft.readings[0])]
