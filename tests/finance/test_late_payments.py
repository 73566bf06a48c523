import datetime as dt
from decimal import Decimal

import pytest

from finance.runs.late_payments import late_chances, owed
from finance.services import late_payments
from marketplace.models import Invoice
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_monitoring import invoice, payment
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 2)


@pytest.fixture
def seller():
    owner = UserFactory()
    return OrganisationFactory(members=[owner]), owner


def day(days):
    return TODAY + dt.timedelta(days=days)


def history(order, *, late, count=6):
    """Write settled invoices of a year, each paid so many days after its due day."""
    for place in range(count):
        due = day(-300 + 30 * place)
        one = invoice(order, number=f"{order.pk}-{place}", issued=due - dt.timedelta(days=30), due=due)
        payment(order, amount="1000", on=due + dt.timedelta(days=late), invoice=one)


def test_invoice_is_settled_on_the_day_that_payments_cover_it():
    order = order_of(buyer=OrganisationFactory(), seller=OrganisationFactory())
    one = invoice(order, number="1", issued=day(-60), due=day(-30), amount="1000")
    payment(order, amount="400", on=day(-40), invoice=one)
    payment(order, amount="600", on=day(-20), invoice=one)

    [found] = owed(Invoice.objects.filter(pk=one.pk))

    assert (found.settled, found.left) == (day(-20), 0)


def test_payment_that_names_no_invoice_pays_the_oldest_debt():
    order = order_of(buyer=OrganisationFactory(), seller=OrganisationFactory())
    old = invoice(order, number="1", issued=day(-60), due=day(-30))
    new = invoice(order, number="2", issued=day(-50), due=day(-20))
    payment(order, amount="1500", on=day(-10))

    first, second = owed(Invoice.objects.filter(pk__in=[old.pk, new.pk]))

    assert (first.settled, second.settled, second.left) == (day(-10), None, Decimal(500))


def test_what_was_withdrawn_or_not_received_pays_nothing():
    order = order_of(buyer=OrganisationFactory(), seller=OrganisationFactory())
    one = invoice(order, number="1", issued=day(-60), due=day(-30))
    by = {"answered_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}
    payment(order, amount="1000", on=day(-40), invoice=one, status="withdrawn", **by)

    assert owed(Invoice.objects.filter(pk=one.pk))[0].left == 1000


def test_invoice_without_a_due_day_is_due_by_the_terms_of_its_order():
    order = order_of(buyer=OrganisationFactory(), seller=OrganisationFactory(), payment_term="net", payment_days=45)
    one = invoice(order, number="1", issued=day(-10), due=None)

    assert owed(Invoice.objects.filter(pk=one.pk))[0].due == day(35)


def test_customer_who_pays_late_is_likelier_to_pay_late(seller):
    firm, _owner = seller
    late = order_of(buyer=OrganisationFactory(), seller=firm)
    prompt = order_of(buyer=OrganisationFactory(), seller=firm)
    history(late, late=15)
    history(prompt, late=-10)
    asked = [invoice(order, number=f"{order.pk}-new", issued=day(-5), due=day(25)) for order in (late, prompt)]

    rows = owed(Invoice.objects.filter(pk__in=[one.pk for one in asked]))
    found = {one.invoice: one for one in late_chances(rows, today=TODAY)}

    assert found[asked[0].pk].chance > 0.6
    assert found[asked[1].pk].chance < 0.3
    assert found[asked[0].pk].paid_before == 6


def test_payments_after_the_issue_change_no_chance(seller):
    firm, _owner = seller
    order = order_of(buyer=OrganisationFactory(), seller=firm)
    history(order, late=15)
    asked = invoice(order, number="new", issued=day(-40), due=day(-10))
    [before] = late_chances(owed(Invoice.objects.filter(pk=asked.pk)), today=day(-40))

    other = invoice(order, number="other", issued=day(-60), due=day(-35))
    payment(order, amount="1000", on=day(-36), invoice=other)
    [after] = late_chances(owed(Invoice.objects.filter(pk=asked.pk)), today=TODAY)

    assert before == after


def test_list_shows_the_seller_unpaid_invoices_the_likeliest_late_first(client, clock, seller):
    firm, owner = seller
    order = order_of(buyer=OrganisationFactory(), seller=firm)
    history(order, late=15)
    coming = invoice(order, number="coming", issued=day(-5), due=day(25))
    overdue = invoice(order, number="overdue", issued=day(-40), due=day(-10))
    client.force_login(owner)

    page = client.get("/credit/late-payments/")

    assert [row.invoice.pk for row in page.context["page"]] == [overdue.pk, coming.pk]
    assert [row.light for row in page.context["page"]] == ["bad", "bad"]


def test_list_asks_as_many_queries_for_three_as_for_one(client, clock, seller, count_queries):
    firm, owner = seller
    client.force_login(owner)
    order = order_of(buyer=OrganisationFactory(), seller=firm)
    invoice(order, number="1", issued=day(-5), due=day(25))
    one = count_queries("/credit/late-payments/")
    for number in ("2", "3"):
        invoice(order_of(buyer=OrganisationFactory(), seller=firm), number=number, issued=day(-5), due=day(25))

    assert count_queries("/credit/late-payments/") == one


def test_invoice_late_payment_is_shown_to_its_seller_alone(client, clock, seller):
    firm, owner = seller
    order = order_of(buyer=OrganisationFactory(members=[UserFactory()]), seller=firm)
    one = invoice(order, number="1", issued=day(-5), due=day(25))
    buyer = order.buyer.memberships.get().user
    client.force_login(owner)

    assert client.get(f"/credit/late-payments/{one.pk}/").status_code == 200
    said = client.get(f"/api/v1/finance/late-payments/{one.pk}/").json()
    assert (said["invoice"], said["left"], said["is_overdue"]) == (one.pk, "1000.00", False)
    assert len(client.get("/api/v1/finance/late-payments/").json()) == 1

    client.force_login(buyer)
    assert client.get(f"/credit/late-payments/{one.pk}/").status_code == 404
    assert client.get(f"/api/v1/finance/late-payments/{one.pk}/").status_code == 404


def test_paid_invoice_has_no_chance(client, clock, seller):
    firm, owner = seller
    order = order_of(buyer=OrganisationFactory(), seller=firm)
    one = invoice(order, number="1", issued=day(-5), due=day(25))
    payment(order, amount="1000", on=day(-1), invoice=one)
    client.force_login(owner)

    assert client.get(f"/credit/late-payments/{one.pk}/").context["receivable"] is None
    assert client.get(f"/api/v1/finance/late-payments/{one.pk}/").status_code == 404
    assert late_payments.receivables(late_payments.sold_by(owner), now=dt.datetime(2026, 3, 2, tzinfo=dt.UTC)) == []
