from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.pooling.ladder import Bid, Rung, price_at, saving, savings, staying

CASES = settings(max_examples=200, deadline=None)
BASE = Decimal(100)
AMOUNTS = st.decimals(min_value=0, max_value=5000, places=3)


@st.composite
def ladders(draw):
    """Draw rungs on which more costs less."""
    starts = sorted(draw(st.lists(st.integers(1, 4000), min_size=1, max_size=5, unique=True)))
    prices = sorted(draw(st.lists(st.integers(1, 99), min_size=len(starts), max_size=len(starts))), reverse=True)
    return [Rung(Decimal(start), Decimal(price)) for start, price in zip(starts, prices, strict=True)]


@CASES
@given(ladders(), AMOUNTS, AMOUNTS)
def test_price_never_rises_with_the_quantity(ladder, quantity, more):
    assert price_at(ladder, quantity + more, BASE) <= price_at(ladder, quantity, BASE)


@CASES
@given(ladders(), AMOUNTS, AMOUNTS)
def test_savings_grow_from_rung_to_rung(ladder, committed, own):
    outcomes = savings(ladder, committed=committed, own=own, base_price=BASE)

    assert [one.saving for one in outcomes] == sorted(one.saving for one in outcomes)
    assert all((one.missing == 0) == one.is_reached for one in outcomes)
    assert sum(one.is_current for one in outcomes) == int(any(one.is_reached for one in outcomes))


@CASES
@given(ladders(), st.lists(st.tuples(AMOUNTS, st.none() | st.decimals(1, 120, places=2)), max_size=8))
def test_staying_leaves_everybody_content_and_sends_nobody_away_for_nothing(ladder, drawn):
    bids = [Bid(number, quantity, maximum) for number, (quantity, maximum) in enumerate(drawn)]

    price, stay = staying(ladder, bids, BASE)

    assert price == price_at(ladder, sum((bid.quantity for bid in stay), Decimal(0)), BASE)
    assert all(bid.maximum is None or bid.maximum >= price for bid in stay)
    # Whoever left would not have stayed at the price that there is without them.
    assert all(bid.maximum is not None for bid in bids if bid not in stay)
    assert staying(ladder, bids[::-1], BASE) == (price, stay)


def test_saving_is_never_negative_and_rounds_halves_up():
    assert saving(Decimal("0.5"), Decimal("100.01"), Decimal(100)) == Decimal("0.01")
    assert saving(Decimal(3), Decimal(90), Decimal(100)) == 0
