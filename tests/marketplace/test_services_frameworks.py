import datetime as dt

import pytest

from config.errors import InputRefused
from marketplace.models import Order
from marketplace.runs import orders as clock
from marketplace.services import frameworks, orders
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def people():
    buyer, seller = UserFactory(), UserFactory()
    return buyer, seller, OrganisationFactory(members=[buyer]), OrganisationFactory(members=[seller])


@pytest.fixture
def order(people):
    return order_of(buyer=people[2], seller=people[3])


@pytest.fixture
def framework(people):
    order = order_of(buyer=people[2], seller=people[3], kind=Order.Kind.FRAMEWORK, payable_amount=0)
    order.lines.update(minimum_call=100)
    return order


def call(framework, people, quantity, now, window=("2026-03-10", "2026-03-20")):
    return frameworks.call_off(
        framework=framework, lines=[{"line": 1, "quantity": quantity}], window=window, by=people[0], now=now
    )


def test_call_off_takes_a_part_of_a_framework_order(framework, people, now):
    order = call(framework, people, "120", now)

    line = framework.lines.get()
    assert (line.outstanding, line.called_off) == (380, 120)
    assert (order.kind, order.total_amount, order.payable_amount) == ("call_off", 12000, 12000)
    assert order.lines.get().framework_line == line
    assert order.deal_records.order_by("sequence").first().kind == "framework.called_off"


@pytest.mark.parametrize(
    ("quantity", "window", "field"),
    [
        ("501", ("2026-03-10", "2026-03-20"), "lines.0.quantity"),
        ("99", ("2026-03-10", "2026-03-20"), "lines.0.quantity"),
        ("100", ("2026-03-10", "2026-04-20"), "window_end"),
        ("100", ("2026-03-01", "2026-03-20"), "window_start"),
        ("100", ("2026-03-20", "2026-03-10"), "window_end"),
        ("100", ("soon", "2026-03-10"), "window_start"),
    ],
)
def test_call_off_refuses_bad_input_at_its_field(framework, people, now, quantity, window, field):
    with pytest.raises(InputRefused) as refused:
        call(framework, people, quantity, now, window)

    assert list(refused.value.errors) == [field]


def test_call_off_takes_the_rest_though_it_is_less_than_the_minimum(framework, people, now):
    call(framework, people, "450", now)

    assert call(framework, people, "50", now).total_amount == 5000


def test_call_off_is_of_framework_orders(order, people, now):
    with pytest.raises(frameworks.NotAFramework):
        call(order, people, "100", now)


def test_a_framework_ends_with_its_window(framework, people, now):
    order = call(framework, people, "120", now)
    assert clock.end_frameworks(now=now) == 0

    assert clock.end_frameworks(now=now + 40 * DAY) == 1

    framework.refresh_from_db()
    assert (framework.status, framework.lines.get().cancelled) == ("closed", 380)
    assert Order.objects.get(pk=order.pk).status == "confirmed"
    with pytest.raises(orders.OrderHasEnded):
        call(framework, people, "100", now)


def test_end_framework_waits_for_its_call_offs(framework, people, now):
    order = call(framework, people, "500", now)
    with pytest.raises(frameworks.CallOffsStillRun):
        frameworks.end_framework(framework=framework, by=people[0], now=now)
    Order.objects.filter(pk=order.pk).update(status="closed", closed_at=now)

    frameworks.end_framework(framework=framework, by=people[0], now=now)

    framework.refresh_from_db()
    assert framework.status == "closed"


def test_repeat_order_makes_an_offer_of_the_same_terms(order, people, now):
    negotiation, offer = frameworks.repeat_order(order=order, organisation=people[2], by=people[0], now=now + DAY)

    assert (negotiation.origin, negotiation.buyer, negotiation.supply) == ("repeat", people[2], order.supply)
    assert (offer.status, offer.lines.get().quantity) == ("open", 500)
    assert offer.window_end - offer.window_start == order.window_end - order.window_start
    assert offer.window_start > order.window_start


def test_repeat_order_needs_an_open_listing(order, people, now):
    for listing in (order.supply, order.demand):
        listing.status = "closed"
        listing.save()

    with pytest.raises(orders.OrderNotInStateForThis):
        frameworks.repeat_order(order=order, organisation=people[2], by=people[0], now=now)
