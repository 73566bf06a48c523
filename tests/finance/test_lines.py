"""The tree of limits: opened and changed by two people, and never more taken than there is."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import CreditLine, LineChange, Reservation
from finance.runs.lines import LineExhausted, Shift, free, hold, shift, shrink
from finance.services import line_changes
from finance.services.ledger import check_ledger
from finance.services.lines import BankHasNoLimit, LineNotUsable, available_in, bank_node, require_usable
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay, OnlyOwnersMay
from tests.factories import NOON
from tests.factories_lending import TERMS, make_bank, make_firm, make_tree

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
D = Decimal
LATER = NOON + dt.timedelta(days=30)


def test_line_is_opened_by_two_people():
    tree = make_tree()

    assert tree.line.path == [tree.bank.root.pk, tree.core_line.pk, tree.programme.pk, tree.line.pk]
    assert tree.line.available == D(1_000_000)
    assert tree.line.opened_by == tree.bank.checker
    assert LineChange.objects.waiting().count() == 0
    assert check_ledger() == []
    told = Notification.objects.filter(event="credit.line_opened", user=tree.member.owner, channel="in_app")
    assert told.count() == 1


def test_line_is_not_opened_by_the_one_who_proposed_it():
    bank = make_bank()
    bank.organisation.memberships.filter(user=bank.maker).update(role="checker")
    change = line_changes.propose_line(
        bank=bank.organisation,
        kind="single",
        borrower=make_firm().organisation,
        limit=D(1000),
        terms=TERMS,
        reason="x",
        by=bank.owner,
        at=NOON,
    )
    bank.organisation.memberships.filter(user=bank.owner).update(role="checker")

    with pytest.raises(line_changes.SecondPersonNeeded):
        line_changes.confirm_change(change=change, by=bank.owner, at=NOON)
    with pytest.raises(IntegrityError, match="line_change_maker_is_not_its_checker"), transaction.atomic():
        LineChange.objects.filter(pk=change.pk).update(verdict="confirmed", checked_by=bank.owner, checked_at=NOON)


def test_line_change_is_answered_once():
    bank = make_bank(limit=0)
    said = {"bank": bank.organisation, "kind": "bank", "limit": D(5000), "terms": TERMS, "reason": "x"}
    change = line_changes.propose_line(**said, by=bank.maker, at=NOON)
    line_changes.confirm_change(change=change, by=bank.checker, at=NOON)

    with pytest.raises(line_changes.ChangeAlreadyAnswered):
        line_changes.confirm_change(change=change, by=bank.other_checker, at=NOON)
    with pytest.raises(line_changes.ChangeAlreadyAnswered):
        line_changes.refuse_change(change=change, by=bank.other_checker, at=NOON, note="x")


def test_line_change_is_no_strangers():
    bank, other = make_bank(), make_bank()

    with pytest.raises(OnlyMembersMay):
        line_changes.propose_change(line=bank.root, kind="freeze", reason="x", by=other.maker, at=NOON)
    change = line_changes.propose_change(line=bank.root, kind="freeze", reason="x", by=bank.maker, at=NOON)
    with pytest.raises(OnlyMembersMay):
        line_changes.confirm_change(change=change, by=other.checker, at=NOON)
    with pytest.raises(OnlyMembersMay):
        line_changes.confirm_change(change=change, by=bank.owner, at=NOON)
    with pytest.raises(line_changes.ChangeAlreadyWaiting):
        line_changes.propose_change(line=bank.root, kind="close", reason="x", by=bank.maker, at=NOON)
    with pytest.raises(InputRefused):
        line_changes.refuse_change(change=change, by=bank.checker, at=NOON, note=" ")
    refused = line_changes.refuse_change(change=change, by=bank.checker, at=NOON, note="no")
    assert (refused.verdict, CreditLine.objects.get(pk=bank.root.pk).status) == ("refused", "open")


def test_bank_has_no_limit_until_it_says_so():
    bank = make_bank(limit=0)

    with pytest.raises(BankHasNoLimit):
        bank_node(bank.organisation)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("limit", {"limit": D("0.001")}),
        ("limit", {"limit": D(10) ** 12}),
        ("parent", {"kind": "programme"}),
        ("borrower", {"borrower": None}),
        ("rate_bp", {"rate_bp": 9999}),
        ("max_days", {"max_days": "x"}),
        ("repayment", {"repayment": "weekly"}),
        ("ends_on", {"ends_on": "2020-01-01"}),
        ("starts_on", {"starts_on": "today"}),
        ("least_score", {"least_score": 5000}),
    ],
)
def test_line_with_impossible_terms_is_refused(field, changes):
    bank = make_bank()
    said = {"limit": D(1000), "borrower": make_firm().organisation, **changes}

    with pytest.raises(InputRefused) as refused:
        bank.line(said.pop("kind", "single"), **said)

    assert field in refused.value.errors


def test_programme_is_proposed_by_the_core_enterprise_and_confirmed_by_the_bank():
    bank, core = make_bank(), make_firm()
    core_line = bank.line("core", limit=1000, borrower=core.organisation)
    said = {"bank": bank.organisation, "kind": "programme", "parent": core_line, "limit": D(500), "terms": TERMS}

    with pytest.raises(OnlyOwnersMay):
        line_changes.propose_line(**said, reason="x", by=core.trader, at=NOON)
    change = line_changes.propose_line(**said, reason="x", by=core.owner, at=NOON)
    line = line_changes.confirm_change(change=change, by=bank.checker, at=NOON)

    assert (line.kind, line.parent_id) == ("programme", core_line.pk)


def test_reservation_counts_at_every_node_above():
    tree = make_tree()

    kept = hold(line=tree.line, amount=D(300_000), by=tree.member.trader, at=NOON, expires_at=LATER)

    assert [node.reserved for node in tree.nodes()] == [D(300_000)] * 4
    assert available_in(tree.line) == D(700_000)
    assert shrink(kept, to=D(100_000), reason="x", at=NOON)
    assert not shrink(kept, to=D(100_000), reason="x", at=NOON)
    assert [node.reserved for node in tree.nodes()] == [D(100_000)] * 4
    assert free(kept, reason="x", at=NOON)
    assert not free(kept, reason="x", at=NOON)
    assert [node.reserved for node in tree.nodes()] == [D(0)] * 4
    assert check_ledger() == []


def test_reservation_above_any_node_takes_nothing_anywhere():
    tree = make_tree()
    tree.bank.change(tree.programme, "limit", limit=D(200_000))

    with pytest.raises(LineExhausted, match="Programme"), transaction.atomic():
        hold(line=tree.line, amount=D(200_001), by=tree.member.trader, at=NOON, expires_at=LATER)
    tree.bank.change(tree.programme, "limit", limit=D(10_000_000))
    with pytest.raises(LineExhausted, match=tree.line.number), transaction.atomic():
        hold(line=tree.line, amount=D(1_000_001), by=tree.member.trader, at=NOON, expires_at=LATER)

    assert [node.reserved for node in tree.nodes()] == [D(0)] * 4
    assert Reservation.objects.count() == 0


def test_line_gives_no_more_than_its_limit_whatever_writes_it():
    tree = make_tree()

    for changes in ({"reserved": D(1_000_001)}, {"used": D(-1)}, {"limit": D(-1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CreditLine.objects.filter(pk=tree.line.pk).update(**changes)


def test_limit_is_not_lowered_below_what_is_taken():
    tree = make_tree()
    hold(line=tree.line, amount=D(300_000), by=tree.member.trader, at=NOON, expires_at=LATER)

    with pytest.raises(line_changes.LimitBelowWhatIsTaken), transaction.atomic():
        tree.bank.change(tree.line, "limit", limit=D(299_999))
    lowered = tree.bank.change(tree.line, "limit", limit=D(300_000))

    assert (lowered.limit, lowered.available) == (D(300_000), D(0))
    assert check_ledger() == []


def test_frozen_node_stops_draws_below_it():
    tree = make_tree()
    tree.bank.change(tree.core_line, "freeze")

    with pytest.raises(LineNotUsable):
        require_usable(tree.line, at=NOON)
    tree.bank.change(tree.core_line, "unfreeze")
    require_usable(tree.line, at=NOON)
    with pytest.raises(LineNotUsable):
        require_usable(tree.line, at=NOON + dt.timedelta(days=800))
    with pytest.raises(line_changes.LineNotInStateForThis), transaction.atomic():
        tree.bank.change(tree.core_line, "unfreeze")


def test_line_in_use_is_not_closed():
    tree = make_tree()
    kept = hold(line=tree.line, amount=D(1), by=tree.member.trader, at=NOON, expires_at=LATER)

    with pytest.raises(line_changes.LineStillInUse), transaction.atomic():
        tree.bank.change(tree.line, "close")
    free(kept, reason="x", at=NOON)
    with pytest.raises(line_changes.LineStillInUse), transaction.atomic():
        tree.bank.change(tree.programme, "close")
    closed = tree.bank.change(tree.line, "close")

    assert (closed.status, closed.limit) == ("closed", D(0))
    assert check_ledger() == []


def test_repaid_part_of_a_line_that_does_not_revolve_is_gone():
    bank, firm = make_bank(), make_firm()
    line = bank.line(borrower=firm.organisation, limit=1000, is_revolving=False)
    shift([Shift(line, used=D(600))])
    shift([Shift(line, used=D(-200))])

    line.refresh_from_db()
    bank.root.refresh_from_db()

    assert (line.limit, line.used, line.available) == (D(800), D(400), D(400))
    assert (bank.root.limit, bank.root.used) == (D(1_000_000_000), D(400))
