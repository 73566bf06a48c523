"""Lives of orders, made up step by step, driven through the real services on the database.

Beside the rows a ledger is kept by plain arithmetic; after each step every line must be where the ledger says, to a
thousandth, and wholly somewhere.
"""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from marketplace.models import Dispute, OrderLine, OrderMove, Proposal
from marketplace.services import disputes, orders, proposals
from marketplace.services.order_lines import NotThatMuchThere, move
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_order import NegotiationFactory, OfferFactory, OrderFactory, OrderLineFactory

D = Decimal
STEP = D("0.001")
PLACES = OrderLine.PLACES
parts = st.integers(min_value=1, max_value=1000)
quantities = st.integers(min_value=1, max_value=2_000_000).map(lambda thousandths: thousandths * STEP)


class People:
    """Two firms with a person each, and the platform operator; the same for all lives."""

    def __init__(self):
        self.buyer_user, self.seller_user = UserFactory(), UserFactory()
        self.operator = UserFactory(is_staff=True)
        self.buyer = OrganisationFactory(members=[self.buyer_user])
        self.seller = OrganisationFactory(members=[self.seller_user])
        self.offer = OfferFactory(negotiation=NegotiationFactory(buyer=self.buyer, seller=self.seller))


class Undone(Exception):  # noqa: N818 - named for the fact
    """Ends a life and all that it wrote."""


def lifecycles(people: People) -> type[RuleBasedStateMachine]:  # noqa: C901 - the machine's methods are its own
    """Return the machine that lives one order between these people and leaves nothing behind."""

    class Lifecycle(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.atomic = None
            self.now = NOON
            self.ledger = {}
            self.disputes = []
            self.running = False

        def teardown(self):
            if self.atomic:
                try:
                    self.check_the_moves()
                finally:
                    self.atomic.__exit__(Undone, Undone(), None)
                    self.atomic = None

        @initialize(quantity=quantities)
        def confirm(self, quantity):
            self.atomic = transaction.atomic()
            self.atomic.__enter__()
            total = quantity * 100
            amounts = {"net_amount": total, "tax_amount": 0, "total_amount": total, "payable_amount": total}
            # Of no listing: what these give and take back has tests of its own.
            self.order = OrderFactory(
                offer=people.offer, supply=None, demand=None, confirmed_by=people.buyer_user, tax_rate=D(0), **amounts
            )
            OrderLineFactory(order=self.order, quantity=quantity, listing_factor=0)
            self.ledger = {1: dict.fromkeys(PLACES, D(0)) | {"outstanding": quantity}}

        # --- what is there ---
        def is_running(self):
            # As it was seen after the last step: every rule asks before every step.
            return self.running

        def line_with(self, *places):
            return next((p for p, line in self.ledger.items() for place in places if line[place]), None)

        def some(self, position, place, part):
            """Return a part of what is in a place, at least a thousandth."""
            return max((self.ledger[position][place] * part / 1000).quantize(STEP), STEP)

        def line(self, position):
            return OrderLine.objects.select_related("order").get(order=self.order, position=position)

        def went(self, position, quantity, source, target):
            self.ledger[position][source] -= quantity
            self.ledger[position][target] += quantity

        def tick(self):
            self.now += dt.timedelta(hours=1)

        def carry(self, position, quantity, source, target, by):
            self.tick()
            move(line=self.line(position), quantity=quantity, source=source, target=target, by=by, at=self.now)
            orders.refresh_status(self.order, self.now)
            self.went(position, quantity, source, target)

        def agree(self, kind, said):
            """Propose as one side and confirm as the other, in turns."""
            self.tick()
            by_buyer = self.now.hour % 2
            mine, theirs = people.buyer_user, people.seller_user
            side = people.buyer
            if not by_buyer:
                mine, theirs, side = theirs, mine, people.seller
            proposal = proposals.propose(
                order=self.order, organisation=side, kind=kind, said=said, reason="x", by=mine, now=self.now
            )
            proposals.confirm_proposal(proposal=proposal, by=theirs, now=self.now)

        # --- what happens ---
        @precondition(lambda self: self.line_with("outstanding") and self.is_running())
        @rule(part=parts)
        def ship(self, part):
            position = self.line_with("outstanding")
            quantity = self.some(position, "outstanding", part)
            self.carry(position, quantity, "outstanding", "in_delivery", people.seller_user)

        @precondition(lambda self: self.line_with("in_delivery"))
        @rule(part=parts)
        def receive(self, part):
            position = self.line_with("in_delivery")
            quantity = self.some(position, "in_delivery", part)
            self.carry(position, quantity, "in_delivery", "accepted", people.buyer_user)

        @precondition(lambda self: self.line_with("in_delivery"))
        @rule(part=parts, replace=st.booleans())
        def reject(self, part, replace):
            position = self.line_with("in_delivery")
            quantity = self.some(position, "in_delivery", part)
            target = "outstanding" if replace else "returned"
            self.carry(position, quantity, "in_delivery", target, people.buyer_user)

        @precondition(lambda self: self.line_with("outstanding", "in_delivery") and self.is_running())
        @rule(part=parts)
        def fall_short(self, part):
            position = self.line_with("outstanding", "in_delivery")
            place = "outstanding" if self.ledger[position]["outstanding"] else "in_delivery"
            quantity = self.some(position, place, part)
            self.agree("shortage", {"line": position, "quantity": str(quantity), "place": place})
            self.went(position, quantity, place, "short")

        @precondition(lambda self: self.line_with("accepted") and self.is_running())
        @rule(part=parts, replace=st.booleans())
        def send_back(self, part, replace):
            position = self.line_with("accepted")
            quantity = self.some(position, "accepted", part)
            self.agree("return", {"line": position, "quantity": str(quantity), "replace": replace})
            self.went(position, quantity, "accepted", "outstanding" if replace else "returned")

        @precondition(lambda self: self.line_with("outstanding") and self.is_running())
        @rule(part=parts)
        def cancel(self, part):
            position = self.line_with("outstanding")
            quantity = self.some(position, "outstanding", part)
            self.agree("cancellation", {"lines": [{"line": position, "quantity": str(quantity)}]})
            self.went(position, quantity, "outstanding", "cancelled")

        @precondition(lambda self: self.line_with("outstanding") and self.is_running())
        @rule(more=quantities, fewer=parts, is_more=st.booleans())
        def amend_quantity(self, more, fewer, is_more):
            position = self.line_with("outstanding")
            line = self.ledger[position]
            before = sum(line.values())
            change = more if is_more else -min(self.some(position, "outstanding", fewer), before - STEP)
            if not change:
                return
            self.agree("amendment", {"lines": [{"line": position, "quantity": str(before + change)}]})
            line["outstanding"] += change

        @precondition(lambda self: self.line_with("outstanding") and self.is_running() and len(self.ledger) < 4)
        @rule(price=st.integers(min_value=1, max_value=10**6))
        def amend_price(self, price):
            position = self.line_with("outstanding")
            line, price = self.ledger[position], price * D("0.0001")
            if self.line(position).unit_price == price:
                return
            self.agree("amendment", {"lines": [{"line": position, "unit_price": str(price)}]})
            rest = line["outstanding"]
            if rest < sum(line.values()):
                line["outstanding"] = D(0)
                self.ledger[max(self.ledger) + 1] = dict.fromkeys(PLACES, D(0)) | {"outstanding": rest}

        @precondition(lambda self: self.line_with("accepted", "in_delivery") and self.is_running())
        @rule(part=parts, kind=st.sampled_from(Dispute.Kind.values))
        def dispute(self, part, kind):
            position = self.line_with("accepted", "in_delivery")
            source = "accepted" if self.ledger[position]["accepted"] else "in_delivery"
            quantity = self.some(position, source, part)
            self.tick()
            opened = disputes.open_dispute(
                line=self.line(position),
                organisation=people.buyer,
                quantity=quantity,
                kind=kind,
                text="x",
                source=source,
                by=people.buyer_user,
                now=self.now,
            )
            self.disputes.append((opened, position, source))
            self.went(position, quantity, source, "disputed")

        @precondition(lambda self: self.disputes)
        @rule(first=parts, second=parts, third=parts, way=st.sampled_from(["settle", "decide"]))
        def end_dispute(self, first, second, third, way):
            opened, position, _source = self.disputes.pop()
            accept = (opened.quantity * first / 1000).quantize(STEP)
            back = ((opened.quantity - accept) * second / 1000).quantize(STEP)
            replace = ((opened.quantity - accept - back) * third / 1000).quantize(STEP)
            short = opened.quantity - accept - back - replace
            said = {"accept": accept, "return": back, "replace": replace, "short": short}
            self.tick()
            if way == "settle":
                proposal = disputes.propose_settlement(
                    dispute=opened,
                    organisation=people.seller,
                    said=said,
                    reason="x",
                    by=people.seller_user,
                    now=self.now,
                )
                proposals.confirm_proposal(proposal=proposal, by=people.buyer_user, now=self.now)
            else:
                disputes.decide_dispute(dispute=opened, said=said, note="x", by=people.operator, now=self.now)
            targets = {"accept": "accepted", "return": "returned", "replace": "outstanding", "short": "short"}
            for name, target in targets.items():
                self.went(position, said[name], "disputed", target)

        @precondition(lambda self: self.disputes)
        @rule()
        def withdraw_dispute(self):
            opened, position, source = self.disputes.pop()
            self.tick()
            disputes.withdraw_dispute(dispute=opened, by=people.buyer_user, now=self.now)
            self.went(position, opened.quantity, "disputed", source)

        @precondition(lambda self: self.ledger)
        @rule(place=st.sampled_from(["outstanding", "in_delivery"]))
        def take_too_much(self, place):
            position = next(iter(self.ledger))
            target = {"outstanding": "in_delivery", "in_delivery": "accepted"}[place]
            quantity = self.ledger[position][place] + STEP
            try:
                move(
                    line=self.line(position),
                    quantity=quantity,
                    source=place,
                    target=target,
                    by=people.seller_user,
                    at=self.now,
                )
            except NotThatMuchThere:
                return
            raise AssertionError("more was taken than there is")

        # --- what always holds ---
        @invariant()
        def everything_is_somewhere(self):
            if not self.ledger:
                return
            rows = OrderLine.objects.filter(order=self.order).select_related("order")
            lines = {line.position: line for line in rows}
            assert {p: {place: getattr(line, place) for place in PLACES} for p, line in lines.items()} == self.ledger
            for line in lines.values():
                assert line.quantity == sum(self.ledger[line.position].values())
            order = lines[1].order
            self.running = order.is_running
            settled = not any(line[place] for line in self.ledger.values() for place in (*PLACES[:2], "disputed"))
            if settled:
                # Ordered is accepted, short, returned or cancelled: nothing else is left.
                assert order.status in ("accepted", "cancelled")
            assert order.payable_amount >= 0

        def moved(self):
            """Return by line what the written moves add up to."""
            found = {}
            for one in OrderMove.objects.filter(line__order=self.order).select_related("line"):
                there = found.setdefault(one.line.position, dict.fromkeys(PLACES, D(0)))
                there[one.source] -= one.quantity
                there[one.target] += one.quantity
            return found

        def check_the_moves(self):
            """At the end of a life: the written moves tell the same, and nothing waits that nobody answers."""
            assert not Proposal.objects.filter(order=self.order, status="open").exists()
            for position, there in self.moved().items():
                mine = self.ledger[position]
                assert {p: q for p, q in there.items() if p != "outstanding"} == {
                    p: q for p, q in mine.items() if p != "outstanding"
                }

    return Lifecycle
