"""Lives of loans under one tree of limits, made up step by step, driven through the real services on the database.

After each step no node has less than nothing available, reserved or used, and what is used is what the loans below owe;
at the end of a life the ledger, the lines and the loans tell the same, debits equal credits, to the fen.
"""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Sum
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config.errors import InputRefused
from finance.lending.schedule import METHODS
from finance.models import CreditLine, Drawdown, Entry, Instalment, Reservation
from finance.runs.lending import free_reservations, lapse_drawdowns
from finance.runs.lines import LineExhausted, free, hold
from finance.runs.overdue import watch_loans
from finance.services import drawdowns, line_changes, repayments
from finance.services.ledger import check_ledger
from finance.services.lines import LineNotUsable
from tests.factories import NOON, OrganisationFactory
from tests.factories_lending import make_bank, make_firm

D = Decimal
ZERO = D(0)
amounts = st.integers(min_value=1, max_value=60_000_00).map(lambda fen: D(fen) / 100)
shares = st.integers(min_value=1, max_value=1200)


class People:
    """A bank with its tree: 200,000 in all, a core enterprise of 150,000, a programme, two members and a firm.

    Each way of repayment has a loan that is paid out: where every life begins.
    """

    def __init__(self):
        self.bank = make_bank(limit=200_000)
        self.supplier = OrganisationFactory()
        core = make_firm()
        self.core = self.bank.line("core", limit=150_000, borrower=core.organisation)
        self.programme = self.bank.line("programme", limit=100_000, parent=self.core)
        self.firms, self.lines = [], []
        for kind, parent, revolves in (
            ("member", self.programme, True),
            ("member", self.programme, False),
            ("single", None, True),
        ):
            firm = make_firm()
            terms = {"parent": parent, "borrower": firm.organisation, "is_revolving": revolves}
            self.firms.append(firm)
            self.lines.append(self.bank.line(kind, limit=80_000, **terms))
        self.nodes = [self.bank.root, self.core, self.programme, *self.lines]
        self.loans = []
        for place, (method, amount) in enumerate(zip(METHODS, ("12345.67", "9000", "31000.01", "777.77"), strict=True)):
            asking = {"days": 100, "repayment": method, "payee": self.supplier}
            asked = self.firms[place % 3].draw(self.lines[place % 3], amount, **asking)
            self.loans.append(self.bank.pay_out(self.bank.approve(asked)))
        # Nobody else is to be told of each step: what is told has tests of its own.
        self.bank.organisation.memberships.exclude(user__in=[self.bank.maker, self.bank.checker]).delete()


class Undone(Exception):  # noqa: N818 - named for the fact
    """Ends a life and all that it wrote."""


def lifecycles(people: People) -> type[RuleBasedStateMachine]:  # noqa: C901 - the machine's methods are its own
    """Return the machine that lives some loans between these people and leaves nothing behind."""

    class Lifecycle(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.atomic = None
            self.now = NOON
            self.asked, self.open, self.kept = [], [], []
            self.sent = 0

        def teardown(self):
            if self.atomic:
                try:
                    self.the_books_agree()
                finally:
                    self.atomic.__exit__(Undone, Undone(), None)
                    self.atomic = None

        @initialize(first=st.integers(0, 3))
        def begin(self, first):
            """A life begins with a loan that was paid out; the last of the list is the one that is repaid."""
            self.atomic = transaction.atomic()
            self.atomic.__enter__()
            self.open = [*people.loans[first + 1 :], *people.loans[: first + 1]]

        def request(self, place, amount, days, method):
            asking = {"days": days, "repayment": method, "payee": people.supplier, "now": self.now}
            with transaction.atomic():
                self.asked.append(people.firms[place].draw(people.lines[place], amount, **asking))

        def pay(self, drawdown):
            drawdown = Drawdown.objects.with_names().get(pk=drawdown.pk)
            with transaction.atomic():
                drawdown = people.bank.approve(drawdown, now=self.now)
                self.open.append(people.bank.pay_out(drawdown, now=self.now))

        # --- what happens ---
        @rule(place=st.integers(0, 2), amount=amounts, days=st.integers(1, 200), method=st.sampled_from(METHODS))
        def draw(self, place, amount, days, method):
            line = people.lines[place]
            room = min(node.available for node in CreditLine.objects.filter(pk__in=line.path))
            frozen = CreditLine.objects.filter(pk__in=line.path).exclude(status="open").exists()
            try:
                self.request(place, amount, days, method)
            except LineExhausted:
                assert amount > room
            except LineNotUsable:
                assert frozen
            else:
                assert amount <= room
                assert not frozen

        @precondition(lambda self: self.asked)
        @rule(pays=st.booleans())
        def answer(self, pays):
            """The bank pays what was asked for, or the firm takes it back."""
            drawdown = self.asked.pop()
            firm = people.firms[people.lines.index(drawdown.line)]
            try:
                if pays:
                    self.pay(drawdown)
                else:
                    with transaction.atomic():
                        drawdowns.cancel_drawdown(drawdown=drawdown, by=firm.trader, at=self.now)
            except (LineNotUsable, drawdowns.DrawdownNotInStateForThis):
                # Frozen, or lapsed while it waited.
                return

        @precondition(lambda self: self.open)
        @rule(share=shares, again=st.booleans())
        def repay_early(self, share, again):
            self.repay(share, again, early=True)

        @precondition(lambda self: self.open)
        @rule(days=st.integers(1, 60), share=st.sampled_from([300, 1000, 1001]), again=st.booleans())
        def repay_later(self, days, share, again):
            self.wait(days)
            self.repay(share, again, early=False)

        def repay(self, share, again, *, early):
            loan = self.open[-1]
            loan.refresh_from_db()
            owed = repayments.owed_at(loan, self.now.date())
            whole = owed["to_end"] if early else owed["due"] + owed["next"]
            amount = (whole * share / 1000).quantize(D("0.01"))
            self.sent += 1
            said = {"on": self.now.date(), "reference": f"R{self.sent}", "early": early, "now": self.now}
            try:
                with transaction.atomic():
                    first = people.bank.repay(loan, amount, **said)
            except (InputRefused, repayments.LoanNotOpen):
                return
            # What was due is paid before anything that was not.
            assert repayments.owed_at(loan, self.now.date())["due"] == max(owed["due"] - amount, ZERO)
            assert amount == first.penalty_part + first.interest_part + first.principal_part
            if again:
                assert people.bank.repay(loan, amount, **said).pk == first.pk

        @rule(days=st.integers(1, 120))
        def wait(self, days):
            self.now += dt.timedelta(days=days)
            watch_loans(now=self.now)
            lapse_drawdowns(now=self.now)
            free_reservations(now=self.now)

        @rule(place=st.integers(0, 5), amount=amounts, what=st.sampled_from(["keep", "limit", "freeze", "unfreeze"]))
        def manage(self, place, amount, what):
            """Something is kept or given back, or two people of the bank change a node."""
            try:
                with transaction.atomic():
                    getattr(self, f"{what}_node")(place, amount)
            except (LineExhausted, line_changes.LineNotInStateForThis):
                return

        def keep_node(self, place, amount):
            if self.kept:
                held = self.kept.pop()
                was = Reservation.objects.get(pk=held.pk).status
                assert free(held, reason="x", at=self.now) == (was == "held")
                return
            until = self.now + dt.timedelta(days=30)
            line = people.lines[place % 3]
            self.kept.append(hold(line=line, amount=amount, by=None, at=self.now, expires_at=until))

        def limit_node(self, place, amount):
            node = people.nodes[place]
            taken = CreditLine.objects.filter(pk=node.pk).values_list(F("reserved") + F("used"), flat=True).get()
            try:
                with transaction.atomic():
                    people.bank.change(node, "limit", limit=amount, now=self.now)
            except line_changes.LimitBelowWhatIsTaken:
                assert amount < taken
            except InputRefused:
                assert amount > node.parent.limit

        def freeze_node(self, place, _amount):
            people.bank.change(people.nodes[place], "freeze", now=self.now)

        def unfreeze_node(self, place, _amount):
            people.bank.change(people.nodes[place], "unfreeze", now=self.now)

        # --- what always holds ---
        @invariant()
        def nothing_is_below_nothing(self):
            if self.atomic is None:
                return
            nodes = list(CreditLine.objects.filter(bank=people.bank.organisation))
            owed = dict(Drawdown.objects.open().values_list("line").annotate(Sum("principal_left")).order_by())
            held = dict(Reservation.objects.held().values_list("line").annotate(Sum("amount")).order_by())
            for node in nodes:
                below = [line.pk for line in nodes if node.pk in line.path]
                assert node.available >= 0
                assert node.used == sum((owed.get(pk, ZERO) for pk in below), ZERO)
                assert node.reserved == sum((held.get(pk, ZERO) for pk in below), ZERO)

        def the_books_agree(self):
            """At the end of a life."""
            assert check_ledger() == []
            sides = Entry.objects.aggregate(debits=Sum("debit"), credits=Sum("credit"))
            assert sides["debits"] == sides["credits"]
            assert not Instalment.objects.filter(principal_paid__gt=F("principal")).exists()
            for loan in self.open:
                loan.refresh_from_db()
                assert (loan.status == "repaid") == (loan.principal_left == 0 and not loan.instalments.open().exists())

    return Lifecycle
