"""Many people at the same moment, on PostgreSQL: nothing drawn above a limit, nothing booked twice, no deadlock."""

import time
from decimal import Decimal

import pytest

from finance.models import CreditLine, Drawdown, Entry, Posting, Repayment
from finance.runs.lines import LineExhausted
from finance.services import drawdowns
from finance.services.ledger import check_ledger
from tests.factories import NOON
from tests.factories_lending import make_bank, make_firm, make_loan, make_tree, supplier
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
THREADS = 50


def test_fifty_draws_at_once_on_one_line_stay_within_it():
    bank, firm = make_bank(limit=100_000_000), make_firm()
    line = bank.line(borrower=firm.organisation, limit=100_000_000)
    payee, amount = supplier(), 3_000_000

    started = time.perf_counter()
    outcomes = race(*([lambda: firm.draw(line, amount, payee=payee)] * THREADS))
    seconds = time.perf_counter() - started

    drawn = [one for one in outcomes if isinstance(one, Drawdown)]
    assert len(drawn) == 33
    assert {type(one) for one in outcomes} == {Drawdown, LineExhausted}
    line.refresh_from_db()
    assert line.reserved == 33 * amount
    assert check_ledger() == []
    assert seconds < 5


def test_draws_at_once_on_lines_of_one_tree_wait_in_no_circle():
    tree = make_tree()
    others = [make_firm() for _ in range(5)]
    lines = [
        (firm, tree.bank.line("member", limit=1_000_000, parent=tree.programme, borrower=firm.organisation))
        for firm in others
    ]
    tree.bank.change(tree.programme, "limit", limit=D(700_000))
    payee = supplier()

    outcomes = race(*(lambda f=f, one=one: f.draw(one, 100_000, payee=payee) for f, one in lines * 3))

    assert len([one for one in outcomes if isinstance(one, Drawdown)]) == 7
    assert {type(one) for one in outcomes} == {Drawdown, LineExhausted}
    assert check_ledger() == []


def test_fifty_requests_with_one_key_draw_once():
    bank, firm = make_bank(), make_firm()
    line, payee = bank.line(borrower=firm.organisation), supplier()

    outcomes = race(*([lambda: firm.draw(line, 1000, payee=payee, key="k")] * THREADS))

    assert len({one.pk for one in outcomes}) == 1
    assert (Drawdown.objects.count(), CreditLine.objects.get(pk=line.pk).reserved) == (1, D(1000))


def test_fifty_repayments_with_one_reference_are_booked_once():
    bank, _firm, loan = make_loan(300_000)
    day = NOON.date()

    outcomes = race(*([lambda: bank.repay(loan, "1033.33", on=day, reference="R1")] * THREADS))

    assert {type(one) for one in outcomes} == {Repayment}
    assert len({one.pk for one in outcomes}) == 1
    assert Posting.objects.filter(kind="repayment.booked").count() == 1
    assert Entry.objects.filter(account="received").balances() == {"received": D("1033.33")}
    assert check_ledger() == []


def test_two_checkers_at_once_approve_once():
    bank, firm = make_bank(), make_firm()
    drawdown = firm.draw(bank.line(borrower=firm.organisation), 1000)
    proposed = drawdowns.propose_drawdown(drawdown=drawdown, by=bank.maker, at=NOON)

    outcomes = race(
        *(
            lambda by=by: drawdowns.approve_drawdown(drawdown=proposed, by=by, at=NOON)
            for by in (bank.checker, bank.other_checker)
        )
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["Drawdown", "DrawdownNotInStateForThis"]


def test_request_taken_back_while_it_is_approved_is_one_or_the_other():
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation)
    for _ in range(5):
        proposed = drawdowns.propose_drawdown(drawdown=firm.draw(line, 1000), by=bank.maker, at=NOON)

        outcomes = race(
            lambda one=proposed: drawdowns.approve_drawdown(drawdown=one, by=bank.checker, at=NOON),
            lambda one=proposed: drawdowns.cancel_drawdown(drawdown=one, by=firm.trader, at=NOON),
        )

        assert sorted(type(one).__name__ for one in outcomes) == ["Drawdown", "DrawdownNotInStateForThis"]
    assert check_ledger() == []
