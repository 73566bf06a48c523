"""The life of a loan by API: the same rules as the pages, keys that draw once, strangers told nothing."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from finance.models import CreditLine, Drawdown, LineChange, Repayment, Reservation
from marketplace.models import Order, PurchasePool
from tests.factories_lending import make_bank, make_firm, make_loan, supplier
from tests.factories_negotiation import deal
from tests.finance.pool_on_credit import pool_of, supplier_offers

pytestmark = pytest.mark.django_db
D = Decimal
NOW = timezone.now()
BASE = "/api/v1/finance/"
LONG = {"starts_on": "2026-01-01", "ends_on": "2036-12-31"}


@pytest.fixture
def call(client):
    def ask(user, path, said=None, *, key="", method=None):
        client.force_login(user)
        headers = {"Idempotency-Key": key} if key else {}
        if said is None and method is None:
            return client.get(BASE + path)
        return client.post(BASE + path, said or {}, content_type="application/json", headers=headers)

    return ask


def test_loan_lives_by_api(call):
    bank, firm = make_bank(), make_firm()
    line, payee = bank.line(borrower=firm.organisation, **LONG), supplier()
    said = {"line": line.pk, "amount": "1000", "days": 90, "repayment": "bullet", "payee": payee.uscc, "use": "x"}

    made = call(firm.trader, "drawdowns/", said, key="k1")
    again = call(firm.trader, "drawdowns/", said, key="k1")
    other = call(firm.trader, "drawdowns/", {**said, "amount": "1001"}, key="k1")

    assert (made.status_code, again.json() == made.json(), other.status_code) == (201, True, 409)
    pk = made.json()["id"]
    for user, act, status in (
        (bank.maker, "propose", 200),
        (bank.maker, "approve", 409),
        (make_bank().checker, "approve", 404),
        (bank.checker, "return", 400),
        (bank.checker, "approve", 200),
        (firm.trader, "cancel", 409),
    ):
        assert call(user, f"drawdowns/{pk}/{act}/", {}, method="post").status_code == status, act
    loan = bank.pay_out(Drawdown.objects.with_names().get(pk=pk), now=NOW)
    shown = call(firm.trader, f"drawdowns/{pk}/").json()
    assert (len(shown["instalments"]), shown["owed"]["due"]) == (loan.instalments.count(), "0.00")
    assert 0.039 < shown["yearly_cost"] < 0.042
    repaid = call(bank.maker, f"drawdowns/{pk}/repayments/", {"amount": "1", "reference": "R1"})
    assert repaid.status_code == 201
    number = repaid.json()["id"]
    assert call(bank.maker, f"repayments/{number}/confirm/", {}).status_code == 409
    assert call(bank.checker, f"repayments/{number}/confirm/", {}).json()["status"] == "booked"
    assert call(bank.checker, f"repayments/{number}/refuse/", {"note": "x"}).status_code == 409
    assert call(make_firm().owner, f"drawdowns/{pk}/").status_code == 404
    assert Repayment.objects.count() == 1


def test_requests_are_named_by_their_fields(call):
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation, **LONG)

    answer = call(firm.trader, "drawdowns/", {"line": line.pk, "amount": "1000", "payee": "nobody"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["payee"])
    answer = call(firm.trader, "drawdowns/", {"line": line.pk, "amount": "1000"})
    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, ["payee", "repayment"])
    assert call(make_firm().owner, "drawdowns/", {"line": line.pk, "amount": "1000"}).status_code == 404


def test_lines_are_proposed_and_confirmed_by_api(call):
    bank, firm = make_bank(), make_firm()
    said = {"kind": "single", "borrower": firm.organisation.uscc, "limit": "1000", "reason": "x", **LONG}

    proposed = call(bank.maker, "line-changes/", said)
    pk = proposed.json()["id"]

    assert proposed.status_code == 201
    assert call(bank.maker, f"line-changes/{pk}/confirm/", {}).status_code == 409
    opened = call(bank.checker, f"line-changes/{pk}/confirm/", {}).json()
    assert (opened["available"], opened["borrower"]["id"]) == ("1000.00", firm.organisation.pk)
    change = call(bank.maker, f"lines/{opened['id']}/changes/", {"kind": "freeze", "reason": "x"}).json()
    assert call(bank.checker, f"line-changes/{change['id']}/refuse/", {"note": "no"}).json()["verdict"] == "refused"
    assert call(firm.owner, f"lines/{opened['id']}/").status_code == 200
    assert call(make_firm().owner, f"lines/{opened['id']}/").status_code == 404
    assert call(firm.owner, "lines/").json()["count"] == 1
    assert call(bank.maker, "line-changes/").json()["count"] == LineChange.objects.count()


def test_programmes_are_filled_by_api(call):
    bank, core, member = make_bank(), make_firm(), make_firm()
    core_line = bank.line("core", limit=1_000_000, borrower=core.organisation, **LONG)
    said = {"kind": "programme", "parent": core_line.pk, "name": "甲", "limit": "500000", "reason": "x", **LONG}
    pk = call(core.owner, "line-changes/", said).json()["id"]
    programme = call(bank.checker, f"line-changes/{pk}/confirm/", {}).json()["id"]

    asked = {"firm": member.organisation.uscc, "suggested_limit": "1000"}
    invited = call(core.owner, f"programmes/{programme}/invitations/", asked)

    number = invited.json()["id"]
    assert invited.status_code == 201
    assert call(member.trader, f"programme-invitations/{number}/accept/", {}).status_code == 409
    assert call(member.owner, f"programme-invitations/{number}/accept/", {}).json()["status"] == "accepted"
    assert call(member.owner, f"programme-invitations/{number}/decline/", {}).status_code == 409
    assert call(core.owner, f"programme-invitations/{number}/withdraw/", {}).json()["status"] == "withdrawn"
    assert call(member.owner, "programme-invitations/").json()["count"] == 1


def test_offers_orders_and_pools_are_bought_on_credit_by_api(call):
    found, bank = deal(), make_bank()
    line = bank.line(borrower=found.buyer, **LONG)
    today = timezone.localdate(NOW)
    window = {"window_start": today.isoformat(), "window_end": (today + dt.timedelta(days=30)).isoformat()}
    made = found.offer(now=NOW, **window)

    answer = call(found.purchaser, f"offers/{made.pk}/order/", {"line": line.pk})

    order = Order.objects.get()
    assert (answer.status_code, answer.json()["orders"]) == (201, [order.pk])
    kept = answer.json()["reservations"][0]["id"]
    assert call(found.salesman, f"reservations/{kept}/free/", {}).status_code == 404
    assert call(found.purchaser, f"reservations/{kept}/free/", {}).json()["status"] == "freed"
    assert call(found.purchaser, f"orders/{order.pk}/reserve/", {"line": line.pk}).status_code == 201
    assert call(found.purchaser, "reservations/").json()["count"] == 2
    assert call(found.salesman, f"offers/{made.pk}/order/", {"line": line.pk}).status_code == 404


def test_pool_is_ordered_on_credit_by_api(call):
    bank, member = make_bank(), make_firm()
    line = bank.line(borrower=member.organisation, **LONG)
    pool, organiser, _rows = pool_of([60, 100], members=[member.organisation], now=NOW)
    soon = {"closes_at": NOW + dt.timedelta(days=5), "window_start": NOW + dt.timedelta(days=30)}
    soon |= {"window_end": NOW + dt.timedelta(days=60), "visibility": "public"}
    PurchasePool.objects.filter(pk=pool.pk).update(**soon)
    pool.refresh_from_db()

    pledged = call(member.trader, f"pools/{pool.pk}/pledge/", {"line": line.pk, "amount": "20000"})
    made = supplier_offers(pool, organiser, quantity=160, now=NOW)
    ordered = call(organiser, f"pools/{pool.pk}/offers/{made.pk}/order/", {})

    assert (pledged.status_code, ordered.status_code, len(ordered.json()["orders"])) == (201, 201, 2)
    assert Reservation.objects.held().get().line == line
    assert CreditLine.objects.get(pk=line.pk).reserved > 0


def test_portfolio_is_the_banks_own_by_api(call):
    bank, firm, loan = make_loan(300_000, now=NOW)

    found = call(bank.maker, "portfolio/").json()

    assert (found["loans"], found["owed"], found["firms"][0]["name"]) == (1, "300000.00", loan.borrower.name)
    assert call(firm.owner, "portfolio/").status_code == 404
    assert call(make_bank().maker, f"portfolio/?bank={bank.organisation.pk}").status_code == 404
    assert call(bank.maker, "drawdowns/?status=paid_out").json()["count"] == 1
