"""Pages of lines, loans, programmes and the portfolio: the good way, a stranger's 404, and as many queries for three."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from finance.models import CreditLine, Drawdown, LineChange, ProgrammeInvitation, Repayment, Reservation
from finance.services import repayments
from marketplace.models import Order, PurchasePool
from tests.factories import UserFactory
from tests.factories_lending import make_bank, make_firm, make_loan, make_tree, supplier
from tests.factories_negotiation import deal
from tests.finance.pool_on_credit import pool_of, supplier_offers

pytestmark = pytest.mark.django_db
D = Decimal
NOW = timezone.now()
LONG = {"starts_on": "2026-01-01", "ends_on": "2036-12-31"}


@pytest.fixture
def show(client):
    """Ask for a page by name as somebody, or send its form; return the answer."""

    def ask(user, view, *args, query="", **said):
        client.force_login(user)
        url = reverse(f"finance:{view}", args=args) + query
        return client.post(url, said) if said else client.get(url)

    return ask


@pytest.fixture
def press(client):
    """Press a button that needs nothing said."""

    def ask(user, name, *args, **said):
        client.force_login(user)
        return client.post(reverse(f"finance:{name}", args=args), said)

    return ask


@pytest.fixture
def loan():
    return make_loan(300_000, now=NOW)


@pytest.fixture
def line():
    bank, firm = make_bank(), make_firm()
    return bank, firm, bank.line(borrower=firm.organisation, **LONG)


def test_loan_list_shows_lines_and_loans(show, loan):
    _bank, firm, drawdown = loan

    answer = show(firm.trader, "loan_list")

    assert answer.status_code == 200
    assert drawdown.number in answer.content.decode()


def test_loan_list_asks_as_much_for_three_loans(client, line):
    bank, firm, credit = line
    client.force_login(firm.trader)

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("finance:loan_list")).status_code == 200
        return len(asked)

    firm.draw(credit, 100, now=NOW)
    count()
    one = count()
    firm.draw(credit, 100, now=NOW)
    bank.pay_out(bank.approve(firm.draw(bank.line(borrower=firm.organisation, **LONG), 100, now=NOW), now=NOW), now=NOW)

    assert count() == one


def test_loan_detail_is_shown_to_firm_and_bank_and_nobody_else(show, loan):
    bank, firm, drawdown = loan

    for user in (firm.trader, bank.maker, bank.checker):
        answer = show(user, "loan_detail", drawdown.pk)
        assert (answer.status_code, "300,000.00" in answer.content.decode()) == (200, True)
    for user in (make_bank().maker, make_firm().owner, UserFactory()):
        assert show(user, "loan_detail", drawdown.pk).status_code == 404


def test_line_draw_asks_the_bank(show, line):
    _bank, firm, credit = line
    payee = supplier()
    said = {"amount": "1000", "days": "90", "repayment": "bullet", "payee": payee.uscc, "use": "valves"}

    assert show(firm.trader, "line_draw", credit.pk).status_code == 200
    answer = show(firm.trader, "line_draw", credit.pk, **said, form_key="abc")
    again = show(firm.trader, "line_draw", credit.pk, **said, form_key="abc")

    drawdown = Drawdown.objects.get()
    assert (answer.url, again.url) == (reverse("finance:loan_detail", args=[drawdown.pk]),) * 2
    assert (drawdown.payee, drawdown.amount, drawdown.key) == (payee, D(1000), "abc")
    refused = show(firm.trader, "line_draw", credit.pk, **{**said, "amount": "9999999"})
    assert refused.status_code == 409
    assert show(firm.trader, "line_draw", credit.pk, **{**said, "payee": "nobody"}).status_code == 422
    assert show(make_firm().owner, "line_draw", credit.pk).status_code == 404


def test_drawdown_goes_from_desk_to_desk(show, press, line):
    bank, firm, credit = line
    drawdown = firm.draw(credit, 1000, now=NOW)

    assert drawdown.number in show(bank.maker, "bank_drawdowns").content.decode()
    assert press(bank.maker, "drawdown_propose", drawdown.pk).status_code == 302
    assert press(bank.maker, "drawdown_approve", drawdown.pk).status_code == 409
    assert press(bank.checker, "drawdown_return", drawdown.pk, note="").status_code == 422
    assert press(bank.checker, "drawdown_return", drawdown.pk, note="paper").status_code == 302
    assert press(bank.maker, "drawdown_propose", drawdown.pk).status_code == 302
    assert press(bank.checker, "drawdown_approve", drawdown.pk).status_code == 302
    assert press(make_bank().checker, "drawdown_approve", drawdown.pk).status_code == 404
    assert show(bank.maker, "loan_detail", drawdown.pk).status_code == 200
    drawdown.refresh_from_db()
    assert drawdown.status == "approved"


def test_drawdown_is_taken_back_or_refused(press, line):
    bank, firm, credit = line
    one, other = firm.draw(credit, 1000, now=NOW), firm.draw(credit, 1000, now=NOW)

    assert press(bank.maker, "drawdown_cancel", one.pk).status_code == 404
    assert press(firm.trader, "drawdown_cancel", one.pk).status_code == 302
    assert press(bank.maker, "drawdown_decline", other.pk, note="no").status_code == 302
    assert set(Drawdown.objects.values_list("status", flat=True)) == {"cancelled"}


def test_repayment_goes_from_maker_to_checker(press, loan):
    bank, _firm, drawdown = loan
    today = timezone.localdate().isoformat()
    said = {"amount": "100", "paid_on": today, "reference": "R1"}

    assert press(bank.maker, "repayment_record", drawdown.pk, **{**said, "amount": "99999999"}).status_code == 422
    assert press(bank.maker, "repayment_record", drawdown.pk, **said).status_code == 302
    repayment = Repayment.objects.get()
    assert press(bank.checker, "repayment_refuse", repayment.pk, note="").status_code == 422
    assert press(make_bank().checker, "repayment_confirm", repayment.pk).status_code == 404
    assert press(bank.checker, "repayment_confirm", repayment.pk).status_code == 302
    repayment.refresh_from_db()
    assert repayment.status == "booked"
    repayments.record_repayment(drawdown=drawdown, said={**said, "reference": "R2"}, by=bank.maker, at=timezone.now())
    second = Repayment.objects.get(reference="R2")
    assert press(bank.checker, "repayment_refuse", second.pk, note="not ours").status_code == 302


def test_offer_is_ordered_on_credit(show, press):
    found = deal()
    credit = make_bank().line(borrower=found.buyer, **LONG)
    today = timezone.localdate(NOW)
    window = {"window_start": today.isoformat(), "window_end": (today + dt.timedelta(days=30)).isoformat()}
    made = found.offer(now=NOW, **window)

    assert show(found.purchaser, "offer_credit", made.pk).status_code == 200
    assert show(found.salesman, "offer_credit", made.pk).status_code == 404
    assert press(found.purchaser, "offer_credit", made.pk, line="0").status_code == 404
    answer = press(found.purchaser, "offer_credit", made.pk, line=str(credit.pk))
    order = Order.objects.get()
    assert answer.url == reverse("marketplace:order_detail", args=[order.pk])
    shown = show(found.purchaser, "order_credit", order.pk)
    assert (shown.status_code, credit.number in shown.content.decode()) == (200, True)
    kept = Reservation.objects.get()
    assert show(found.purchaser, "line_draw", credit.pk, query=f"?reservation={kept.pk}").status_code == 200
    assert press(found.purchaser, "reservation_free", kept.pk).status_code == 302
    assert press(found.purchaser, "order_credit", order.pk, line=str(credit.pk)).status_code == 302
    assert show(UserFactory(), "order_credit", order.pk).status_code == 404


def test_pool_is_bought_on_credit(show, press):
    tree = make_tree()
    credit = tree.bank.line("single", borrower=tree.member.organisation, **LONG)
    pool, organiser, _rows = pool_of([60, 100], members=[tree.member.organisation], now=NOW)
    soon = {"closes_at": NOW + dt.timedelta(days=5), "window_start": NOW + dt.timedelta(days=30)}
    soon |= {"window_end": NOW + dt.timedelta(days=60), "visibility": "public"}
    PurchasePool.objects.filter(pk=pool.pk).update(**soon)
    pool.refresh_from_db()

    assert show(tree.member.trader, "pool_credit", pool.pk).status_code == 200
    assert press(tree.member.trader, "pool_credit", pool.pk, line=credit.pk, amount="x").status_code == 422
    assert press(tree.member.trader, "pool_credit", pool.pk, line=credit.pk, amount="20000").status_code == 302
    pool.refresh_from_db()
    made = supplier_offers(pool, organiser, quantity=160, now=NOW)
    assert show(organiser, "pool_order_credit", pool.pk, made.pk).status_code == 200
    assert show(tree.member.trader, "pool_order_credit", pool.pk, made.pk).status_code == 409
    assert press(organiser, "pool_order_credit", pool.pk, made.pk).status_code == 302
    assert Reservation.objects.held().get().line == credit


def test_programme_is_proposed_filled_and_watched(show, press):
    bank, core, member = make_bank(), make_firm(), make_firm()
    core_line = bank.line("core", limit=1_000_000, borrower=core.organisation, **LONG)
    said = {"core": core_line.pk, "name": "甲", "limit": "500000", "ends_on": "2035-01-01", "reason": "x"}

    assert show(core.owner, "programme_list").status_code == 200
    assert show(core.trader, "programme_create").status_code == 404
    assert show(core.owner, "programme_create").status_code == 200
    assert show(core.owner, "programme_create", **said).status_code == 302
    change = LineChange.objects.waiting().get()
    assert press(bank.checker, "change_confirm", change.pk).status_code == 302
    programme = CreditLine.objects.get(kind="programme")
    assert show(core.owner, "programme_detail", programme.pk).status_code == 200
    assert show(member.owner, "programme_detail", programme.pk).status_code == 404
    invite = {"firm": member.organisation.uscc, "suggested_limit": "100000"}
    assert press(core.owner, "programme_invite", programme.pk, **invite).status_code == 302
    assert press(core.owner, "programme_invite", programme.pk, **invite).status_code == 409
    invitation = ProgrammeInvitation.objects.get()
    assert show(member.owner, "loan_list").status_code == 200
    assert press(member.trader, "invitation_answer", invitation.pk, "accept").status_code == 404
    assert press(member.owner, "invitation_answer", invitation.pk, "accept").status_code == 302
    assert show(bank.maker, "bank_programmes").status_code == 200
    bank.line("member", parent=programme, limit=100_000, borrower=member.organisation, **LONG)
    invitation.refresh_from_db()
    assert invitation.status == "member"
    assert show(core.owner, "programme_detail", programme.pk).status_code == 200
    assert press(core.owner, "invitation_withdraw", invitation.pk).status_code == 409


def test_line_is_proposed_and_changed_on_the_banks_pages(show, press):
    bank, firm = make_bank(), make_firm()
    said = {
        "kind": "single",
        "borrower": firm.organisation.uscc,
        "limit": "1000",
        "rate_bp": "400",
        "max_days": "90",
        "starts_on": "2026-01-01",
        "ends_on": "2035-01-01",
        "reason": "x",
    }

    assert show(bank.maker, "bank_line_propose").status_code == 200
    assert show(firm.owner, "bank_line_propose").status_code == 404
    assert show(bank.maker, "bank_line_propose", **{**said, "borrower": ""}).status_code == 422
    assert show(bank.maker, "bank_line_propose", **said).status_code == 302
    change = LineChange.objects.waiting().get()
    assert press(bank.maker, "change_confirm", change.pk).status_code == 409
    assert press(firm.owner, "change_confirm", change.pk).status_code == 404
    assert press(bank.checker, "change_confirm", change.pk).status_code == 302
    line = CreditLine.objects.get(borrower=firm.organisation)
    assert show(bank.maker, "bank_line_detail", line.pk).status_code == 200
    assert show(firm.owner, "bank_line_detail", line.pk).status_code == 404
    assert show(bank.maker, "bank_line_detail", line.pk, kind="freeze", reason="x").status_code == 302
    waiting = LineChange.objects.waiting().get()
    assert show(bank.checker, "bank_programmes").status_code == 200
    assert press(bank.checker, "change_refuse", waiting.pk, note="no").status_code == 302
    assert show(bank.maker, "bank_line_detail", line.pk, kind="limit", limit="", reason="x").status_code == 422


def test_bank_portfolio_shows_exposure_classes_and_vintages(show, client, loan):
    bank, firm, drawdown = loan

    shown = show(bank.checker, "bank_portfolio").content.decode()
    exported = show(bank.checker, "portfolio_export")

    assert drawdown.borrower.name in shown
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert drawdown.number in b"".join(exported.streaming_content).decode("utf-8-sig")
    assert show(firm.owner, "bank_portfolio").status_code == 404
    other = make_bank()
    assert show(other.maker, "bank_portfolio", query=f"?bank={bank.organisation.pk}").status_code == 404
    assert drawdown.number not in show(other.maker, "bank_portfolio").content.decode()


def test_bank_portfolio_asks_as_much_for_three_loans(client, loan):
    bank, firm, drawdown = loan
    client.force_login(bank.maker)

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("finance:bank_portfolio")).status_code == 200
        return len(asked)

    count()
    one = count()
    for _ in range(2):
        other = make_firm()
        credit = bank.line(borrower=other.organisation, **LONG)
        bank.pay_out(bank.approve(other.draw(credit, 100, now=NOW), now=NOW), now=NOW)

    assert count() == one
    assert firm.organisation == drawdown.borrower


def test_queues_ask_as_much_for_three_rows(client, line):
    bank, firm, credit = line
    client.force_login(bank.maker)
    counts = {}
    for rows in (1, 3):
        while Drawdown.objects.count() < rows:
            firm.draw(credit, 10, now=NOW)
            CreditLine.objects.filter(pk=bank.line(borrower=make_firm().organisation, **LONG).pk).exists()
        for name in ("bank_drawdowns", "bank_programmes"):
            client.get(reverse(f"finance:{name}"))
            with CaptureQueriesContext(connection) as asked:
                client.get(reverse(f"finance:{name}"))
            counts.setdefault(name, []).append(len(asked))

    assert all(one == three for one, three in counts.values())
