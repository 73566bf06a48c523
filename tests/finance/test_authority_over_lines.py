from decimal import Decimal

import pytest

from finance.services.authorities import NoAuthority, give_authority
from tests.factories_lending import make_bank, make_firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(now):
    bank = make_bank()
    for user, amount in ((bank.checker, 1_000_000), (bank.other_checker, 5_000_000)):
        give_authority(
            bank=bank.organisation, user=user, up_to_amount=Decimal(amount), jointly_up_to=None, by=bank.owner, now=now
        )
    return bank


def test_a_line_is_confirmed_within_the_checkers_authority(bank, now):
    assert bank.line(borrower=make_firm().organisation, limit=1_000_000, now=now).limit == 1_000_000


def test_a_line_above_the_checkers_authority_is_refused(bank, now):
    with pytest.raises(NoAuthority):
        bank.line(borrower=make_firm().organisation, limit=1_000_001, now=now)


def test_a_limit_is_raised_only_within_the_checkers_authority(bank, now):
    line = bank.line(borrower=make_firm().organisation, limit=1_000_000, now=now)

    with pytest.raises(NoAuthority):
        bank.change(line, "limit", limit=2_000_000, now=now)


def test_a_limit_is_lowered_whatever_the_checkers_authority(bank, now):
    bank.checker, bank.other_checker = bank.other_checker, bank.checker
    line = bank.line(borrower=make_firm().organisation, limit=4_000_000, now=now)
    bank.checker, bank.other_checker = bank.other_checker, bank.checker

    assert bank.change(line, "limit", limit=2_000_000, now=now).limit == 2_000_000


def test_a_drawdown_above_the_checkers_authority_is_another_checkers(bank, now):
    firm = make_firm()
    bank.checker, bank.other_checker = bank.other_checker, bank.checker
    line = bank.line(borrower=firm.organisation, limit=3_000_000, now=now)
    drawdown = firm.draw(line, 2_000_000, now=now)
    bank.checker, bank.other_checker = bank.other_checker, bank.checker

    with pytest.raises(NoAuthority):
        bank.approve(drawdown, now=now)
