import json

import pytest

from config.errors import InputRefused
from marketplace.models import Category
from marketplace.services import categories, organisations
from tests.factories import CategoryFactory, UserFactory

pytestmark = pytest.mark.django_db
SCHEMA = {
    "type": "object",
    "properties": {"DN": {"type": "number", "title_zh": "公称直径", "title_en": "Nominal diameter"}},
}
VALVE = {"code": "valve", "kind": "product", "name_zh": "阀门", "name_en": "Valve", "family": "valve"}
BALL = VALVE | {"code": "valve.ball", "parent": "valve", "name_zh": "球阀", "name_en": "Ball valve", "schema": SCHEMA}


@pytest.fixture
def folder(tmp_path):
    def write(*entries, name="valves.json"):
        content = {"cluster": "pumps_valves", "categories": list(entries)}
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def operator():
    return UserFactory(is_staff=True)


def test_load_catalogue_writes_parents_before_children(folder, now):
    written = categories.load_catalogue(folder=folder(BALL, VALVE), now=now)

    assert written == 2
    assert Category.objects.get(code="valve.ball").parent.code == "valve"
    assert Category.objects.get(code="valve.ball").cluster == "pumps_valves"


def test_load_catalogue_twice_updates_and_adds_nothing(folder, now):
    categories.load_catalogue(folder=folder(VALVE, BALL), now=now)

    categories.load_catalogue(folder=folder(VALVE, BALL | {"name_en": "Ball valves"}), now=now)

    assert Category.objects.count() == 2
    assert Category.objects.get(code="valve.ball").name_en == "Ball valves"


def test_load_catalogue_leaves_what_the_operator_edited(folder, now, operator):
    categories.load_catalogue(folder=folder(VALVE, BALL), now=now)
    ball = Category.objects.get(code="valve.ball")
    categories.edit_category(category=ball, by=operator, now=now, name_zh="浮动球阀")

    written = categories.load_catalogue(folder=folder(VALVE, BALL), now=now)

    ball.refresh_from_db()
    assert (written, ball.name_zh) == (1, "浮动球阀")


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ((VALVE, VALVE), "valves.json valve"),
        ((BALL,), "valve.ball"),
        ((VALVE | {"schema": {"type": "nothing"}},), "valves.json valve"),
        ((VALVE | {"schema": {"properties": {"DN": {"type": "number"}}}},), "valves.json valve"),
        (("no category",), "valves.json"),
    ],
)
def test_load_catalogue_names_what_is_wrong(folder, now, entries, field):
    with pytest.raises(InputRefused) as refusal:
        categories.load_catalogue(folder=folder(*entries), now=now)

    assert list(refusal.value.errors) == [field]


def test_load_catalogue_refuses_a_circle(folder, now):
    with pytest.raises(categories.CategoryIsItsOwnAncestor):
        categories.load_catalogue(folder=folder(VALVE | {"parent": "valve.ball"}, BALL), now=now)


def test_catalogue_is_kept_until_a_category_changes(now, operator, django_assert_num_queries):
    ball = CategoryFactory(code="valve.ball")
    Category.objects.catalogue()

    with django_assert_num_queries(1):
        kept = Category.objects.catalogue()
    categories.edit_category(category=ball, by=operator, now=now, name_zh="新球阀")

    assert kept.named("新球阀") is None
    assert Category.objects.catalogue().named("新球阀").code == "valve.ball"


def test_category_branch_holds_all_below():
    valve = CategoryFactory(code="valve")
    ball = CategoryFactory(code="valve.ball", parent=valve)
    CategoryFactory(code="valve.ball.mini", parent=ball)
    CategoryFactory(code="pump")

    assert sorted(Category.objects.branch("valve")) == ["valve", "valve.ball", "valve.ball.mini"]
    assert Category.objects.branch("nothing") == []


def test_edit_category_refuses_bad_schemas_circles_and_strangers(now, operator):
    valve = CategoryFactory(code="valve")
    ball = CategoryFactory(code="valve.ball", parent=valve)

    with pytest.raises(InputRefused) as refusal:
        categories.edit_category(category=ball, by=operator, now=now, schema={"type": "nothing"})
    with pytest.raises(categories.CategoryIsItsOwnAncestor):
        categories.edit_category(category=valve, by=operator, now=now, parent=ball)
    with pytest.raises(InputRefused):
        categories.edit_category(category=ball, by=operator, now=now, code="other")
    with pytest.raises(organisations.OnlyPlatformOperatorMay):
        categories.edit_category(category=ball, by=UserFactory(), now=now, name_zh="x")

    assert list(refusal.value.errors) == ["schema"]


def test_add_and_retire_category(now, operator):
    valve = categories.add_category(code="valve", by=operator, now=now, name_zh="阀门", name_en="Valve", family="valve")
    ball = categories.add_category(
        code="valve.ball", by=operator, now=now, parent=valve, name_zh="球阀", name_en="Ball valve", family="valve"
    )

    with pytest.raises(categories.CategoryInUse):
        categories.retire_category(category=valve, by=operator, now=now)
    categories.retire_category(category=ball, by=operator, now=now)

    assert [category.code for category in Category.objects.current()] == ["valve"]
