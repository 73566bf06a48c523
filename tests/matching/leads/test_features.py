import numpy as np

from matching.leads import Asked, Book, Firm, firm_features, shipped_model
from matching.leads.affinity import industry_rates, selling_rates
from matching.leads.features import FIRM_FEATURES
from matching.leads.history import due, own_history

TODAY = 1000


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def market() -> list[Firm]:
    """Ten pump makers of which six asked for ball valves, ten tea firms that never did."""
    pumps = [
        Firm(
            id=number,
            industry="3441",
            region="331083",
            sells=("pump.magnetic",),
            demands={"valve.ball": (2, 700, 900)} if number <= 6 else {},
            vector=unit(1, 0.1 * number),
        )
        for number in range(1, 11)
    ]
    teas = [
        Firm(id=number, industry="1530", region="371103", sells=("tea_leaf.black",), vector=unit(-1, 0.1 * number))
        for number in range(11, 21)
    ]
    return pumps + teas


def asked(**more) -> Asked:
    return Asked(**({"category": "valve.ball", "region": "331083", "vector": unit(1, 0), "today": TODAY} | more))


def scores(book: Book, query: Asked) -> dict[int, float]:
    features, _facts = firm_features(book, query)
    return dict(zip(book.ids.tolist(), shipped_model().firms.chances(features), strict=True))


def test_industry_rates_are_drawn_towards_the_class_above():
    book = Book([*market(), Firm(id=40, industry="3499")], dim=2)

    rates = industry_rates(book, "valve.ball")

    # Six of ten pump makers asked, no tea firm did; of an industry of one the class above speaks.
    assert rates[0] == rates[6] > rates[-1] > rates[10]
    assert rates[0] < 0.6


def test_industry_rates_take_counts_of_five_firms_but_not_of_four():
    firms = [Firm(id=number, industry="3441") for number in range(1, 21)]
    book = Book(firms, dim=2)

    five, _facts = firm_features(book, asked(aggregate={"3441": 5}))
    four, _facts = firm_features(book, asked(aggregate={"3441": 4}))
    none, _facts = firm_features(book, asked())

    place = FIRM_FEATURES.index("industry")
    assert five[0, place] > none[0, place]
    assert four[0, place] == none[0, place]


def test_selling_rates_know_nothing_of_a_firm_that_sells_nothing():
    book = Book([*market(), Firm(id=30)], dim=2)

    rates, loudest = selling_rates(book, "valve.ball")

    assert np.isnan(rates[-1])
    assert loudest[-1] == -1
    assert rates[6] > rates[10]


def test_own_history_counts_days_since_the_last_demand():
    book = Book(market(), dim=2)

    count, since, chance = own_history(book, "valve.ball", TODAY, horizon=90.0)

    assert (count[0], since[0]) == (2, 100)
    assert (count[6], chance[6]) == (0, 0)
    assert np.isnan(since[6])


def test_due_falls_when_a_firm_stays_silent():
    day = np.array
    fresh, silent = (float(due(day([6]), day([0]), day([500]), today, horizon=90.0)[0]) for today in (560, 3000))

    assert fresh > silent > 0


def test_firm_features_rank_those_that_never_asked_by_what_their_kind_needs():
    found = scores(Book(market(), dim=2), asked())

    assert min(found[number] for number in range(7, 11)) > max(found[number] for number in range(11, 21))


def test_firm_features_do_not_depend_on_the_order_of_the_firms():
    firms = market()

    assert scores(Book(firms, dim=2), asked()) == scores(Book(firms[::-1], dim=2), asked())


def test_firm_features_do_not_look_at_a_pattern_of_fewer_than_six_buyers():
    firms = [firm if firm.id != 6 else Firm(id=6, industry="3441", vector=firm.vector) for firm in market()]

    similar = firm_features(Book(firms, dim=2), asked())[1].similar

    assert np.isnan(similar).all()


def test_firm_features_push_down_who_said_no_and_up_who_ordered():
    book = Book(market(), dim=2)
    usual, refused, ordered = (
        scores(book, asked()),
        scores(book, asked(lost={8: 3})),
        scores(book, asked(ours={8: (2, 30)})),
    )

    assert refused[8] < usual[8] < ordered[8]
    assert refused[9] == usual[9]


def test_firm_features_forget_a_refusal_with_time():
    book = Book(market(), dim=2)

    assert scores(book, asked(lost={8: 3}))[8] < scores(book, asked(lost={8: 700}))[8]


def test_book_may_be_empty():
    features, _facts = firm_features(Book([], dim=2), asked())

    assert features.shape == (0, len(FIRM_FEATURES))
