from random import Random

import pytest

from marketplace.parsing.catalogue import CategorySpec
from matching.ranking.site_evaluation import evaluate, grades
from matching.ranking.site_simulation import Place, Request, draw_place, draw_request, worth

SPEC = CategorySpec(
    "space.workshop",
    "space",
    "space",
    "厂房",
    "Workshop",
    unit="m2",
    family="space.workshop",
    schema={
        "required": ["height"],
        "properties": {
            "height": {"type": "number", "unit": "m", "title_zh": "净高", "title_en": "Clear height", "match": "at_least", "examples": [6, 8, 10]},
            "canteen": {"type": "boolean", "title_zh": "食堂", "title_en": "Canteen", "match": "soft"},
        },
    },
)  # fmt: skip


def place(**said) -> Place:
    values = {
        "category": SPEC,
        "region": "331083",
        "quantity": 1000,
        "price": 20.0,
        "values": {"height": 8},
        "stated": ("height",),
    }
    return Place(**values | said)


def request(**said) -> Request:
    values = {
        "category": SPEC,
        "region": "331083",
        "quantity": 1000,
        "price_max": 40.0,
        "wishes": {"height": 8},
        "weights": {"height": 4.0},
    }
    return Request(**values | said)


def test_worth_is_1_where_every_wish_is_kept():
    assert worth(place(), request()) == 1.0


def test_worth_falls_with_what_is_missed():
    # Weights: area 2, price 3, place 3, height 4. Six metres of eight wanted miss half of what is forgiven.
    assert worth(place(values={"height": 6}), request()) == pytest.approx((2 + 3 + 3 + 4 * 0.5) / 12)
    # At the very limit of the budget half the price's part is left.
    assert worth(place(), request(price_max=20.0)) == pytest.approx((2 + 1.5 + 3 + 4) / 12)


def test_draws_are_the_same_for_one_random_state():
    one, other = (draw_place(SPEC, "331083", Random(3)) for _ in range(2))

    assert one == other
    assert draw_request([one], Random(3)) == draw_request([other], Random(3))


def test_evaluate_gives_the_best_order_1_and_no_answer_0():
    places = [draw_place(SPEC, "331083", Random(number)) for number in range(40)]
    asked = [draw_request(places, Random(number)) for number in range(5)]
    of_query = dict(enumerate(asked))

    def best(query):
        graded = grades(places, of_query[-query.id - 1])
        return sorted(range(40), key=lambda number: -graded[number])

    figures = evaluate(places, asked, {"best": best, "none": lambda _query: []})

    assert [row["ndcg@10"] for row in figures["methods"].values()] == [1.0, 0.0]
    assert figures["gain"]["none"]["mean"] == 1.0
