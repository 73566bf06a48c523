import datetime as dt
import io
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation
from openpyxl import load_workbook

from config.errors import InputRefused
from marketplace.models import (
    Approval,
    Award,
    AwardLine,
    Block,
    Membership,
    Notification,
    Offer,
    Order,
    RequestForQuotation,
    RfqLine,
)
from marketplace.runs import rfqs as runs
from marketplace.services import approvals, awards, comparison_sheets, comparisons, offers
from marketplace.services.holds import QuantityNoLongerAvailable
from marketplace.services.rfq_invitations import Invitee
from marketplace.services.rfqs import RfqNotInStatusForThis
from marketplace.tasks import close_rfqs, settle_rfqs
from tests.factories import NOON, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_rfq import AFTER, DEADLINE, answers, close, make_quote, make_rfq, member_of, rfq_line, suppliers_of
from tests.races import race

pytestmark = pytest.mark.django_db
Status = RequestForQuotation.Status


def told(event):
    return list(Notification.objects.filter(event=event, channel="in_app").order_by("user_id"))


def two_lines(**options):
    """Two suppliers quote valves and gaskets: the first is cheaper at valves, the second at gaskets."""
    rfq = make_rfq(lines=[rfq_line(), rfq_line(description="垫片", quantity=50)], **options)
    first, second = suppliers_of(rfq)
    quotes = make_quote(rfq, first, "10", "3"), make_quote(rfq, second, "11", "2")
    return (close(rfq), *quotes)


def award(rfq, *picks, **said):
    lines = list(rfq.lines.order_by("position"))
    chosen = [{"quote": quote.pk, "line": lines[place].pk, "quantity": quantity} for quote, place, quantity in picks]
    return awards.award_quotes(rfq=rfq, by=member_of(rfq.buyer), picks=chosen, now=AFTER, **said)


def refused(rfq, *picks, **said):
    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        award(rfq, *picks, **said)
    return list(refusal.value.errors)


def test_award_quotes_makes_an_order_per_supplier_from_its_own_terms():
    rfq, valves, gaskets = two_lines()

    made = award(rfq, (valves, 0, 100), (gaskets, 1, 50))

    rfq.refresh_from_db()
    orders = [one.offer.orders.get() for one in made]
    assert (rfq.status, rfq.settled_at) == (Status.AWARDED, AFTER)
    assert [(order.seller, order.total_amount) for order in orders] == [
        (valves.supplier, Decimal(1000)),
        (gaskets.supplier, Decimal(100)),
    ]
    assert orders[0].offer.negotiation.origin == "quotation"
    assert [line.description for line in orders[1].lines.all()] == ["垫片"]
    assert {row.user for row in told("quote.awarded")} == {member_of(valves.supplier), member_of(gaskets.supplier)}
    assert orders[0].deal_records.filter(kind="message.sent").count() == 1


def test_award_quotes_carries_freight_deviations_and_the_match_into_the_order():
    buyer = OrganisationFactory(members=[UserFactory()])
    supply = ListingFactory(organisation__members=[UserFactory()], quantity=1000)
    demand = ListingFactory(organisation=buyer, side="demand", quantity=500)
    match = {
        "reasons": [{"feature": "material", "points": 30, "zh": "材质一致", "en": "material equals"}],
        "score": 87.0,
    }
    rfq = make_rfq(buyer=buyer, suppliers=[Invitee(supply.organisation, supply, match)])
    rfq.demand = demand
    rfq.save()
    lines = answers(rfq, "10", deviations="阀杆 420 不锈钢")
    quote = make_quote(
        rfq, supply.organisation, lines=lines, freight_amount="50", charge_amount="20", charge_text="木箱"
    )

    (made,) = award(close(rfq), (quote, 0, 60))

    goods, freight, boxes = made.offer.lines.order_by("position")
    assert goods.specification["text"] == "阀杆 420 不锈钢"
    assert [(line.kind, line.unit_price) for line in (freight, boxes)] == [("charge", 30), ("charge", 12)]
    assert made.offer.negotiation.match_score == 87.0
    supply.refresh_from_db()
    demand.refresh_from_db()
    assert (supply.quantity, demand.quantity) == (940, 440)


def test_award_quotes_asks_why_a_cheaper_quote_is_passed_over():
    rfq, _cheap, dear = two_lines()

    assert refused(rfq, (dear, 0, 100)) == ["reason"]
    (made,) = award(rfq, (dear, 0, 100), reason="交期更短")

    assert (made.reason, made.is_cheapest) == ("交期更短", False)


def test_award_quotes_tells_the_others_what_the_buyer_chose_to_say():
    rfq, chosen, other = two_lines()

    award(rfq, (chosen, 0, 100), closing_note="下次请报更短交期")

    other.refresh_from_db()
    assert (other.status, other.answer_note) == ("rejected", "下次请报更短交期")
    (row,) = told("quote.rejected")
    assert row.user == member_of(other.supplier)
    assert "下次请报更短交期" in row.body_zh
    assert chosen.supplier.name_zh not in row.title_zh + row.body_zh


def test_a_line_is_split_between_suppliers_up_to_what_was_asked():
    rfq, first, second = two_lines()

    award(rfq, (first, 0, 60), is_final=False)
    assert refused(rfq, (second, 0, "40.001"), reason="x") == ["picks.0.quantity"]
    award(rfq, (second, 0, 40), reason="风险分散")

    assert rfq.lines.order_by("position").first().awarded == 100
    assert Order.objects.count() == 2


@pytest.mark.parametrize(
    ("pick", "field"),
    [
        ({"quantity": "0"}, "picks.0.quantity"),
        ({"quantity": "some"}, "picks.0.quantity"),
        ({"quantity": 101}, "picks.0.quantity"),
        ({"quote": 0}, "picks.0.quote"),
        ({"line": 0}, "picks.0.line"),
        ({"line": ""}, "picks.0.line"),
    ],
)
def test_award_quotes_names_the_pick_that_is_wrong(pick, field):
    rfq, quote, _other = two_lines()
    good = {"quote": quote.pk, "line": rfq.lines.get(position=1).pk, "quantity": 100}

    with pytest.raises(InputRefused) as refusal:
        awards.award_quotes(rfq=rfq, by=member_of(rfq.buyer), picks=[good | pick], now=AFTER)

    assert field in refusal.value.errors
    assert not Order.objects.exists()
    assert not RfqLine.objects.filter(awarded__gt=0).exists()


def test_award_quotes_refuses_nothing_twice_the_expired_the_declined_and_the_blocked():
    rfq, quote, other = two_lines()

    assert refused(rfq) == ["picks"]
    assert refused(rfq, (quote, 0, 10), (quote, 0, 10)) == ["picks.1.line"]
    with pytest.raises(InputRefused) as expired:
        awards.award_quotes(
            rfq=rfq,
            by=member_of(rfq.buyer),
            picks=[{"quote": quote.pk, "line": rfq.lines.first().pk, "quantity": 1}],
            now=DEADLINE + dt.timedelta(days=31),
        )
    assert list(expired.value.errors) == ["picks.0.quote"]
    Block.objects.create(organisation=other.supplier, blocked=rfq.buyer, by=UserFactory(), created_at=NOON)
    assert refused(rfq, (other, 1, 50)) == ["picks.0.quote"]


def test_award_quotes_below_the_minimum_order_is_refused():
    rfq = make_rfq()
    quote = make_quote(rfq, suppliers_of(rfq)[0], lines=answers(rfq, "10", minimum_quantity=80))

    assert refused(close(rfq), (quote, 0, 79)) == ["picks.0.quantity"]


def test_a_larger_tier_may_be_taken_at_its_price():
    rfq = make_rfq(lines=[rfq_line(tiers=[500])])
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10", "8")

    (made,) = award(close(rfq), (quote, 0, 500))

    assert [(line.quantity, line.unit_price) for line in made.lines.all()] == [(500, 8)]


def test_award_quotes_waits_until_it_is_closed_and_ends_once_settled():
    rfq = make_rfq()
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10")

    with pytest.raises(RfqNotInStatusForThis):
        award(rfq, (quote, 0, 100))
    award(close(rfq), (quote, 0, 50))
    with pytest.raises(RfqNotInStatusForThis):
        award(rfq, (quote, 0, 50))


def test_award_quotes_is_refused_while_the_quotes_are_sealed():
    rfq = make_rfq(is_sealed=True)
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10")

    with pytest.raises(comparisons.QuotesSealed):
        award(close(rfq), (quote, 0, 100))


def test_award_quotes_is_refused_where_the_supply_has_no_longer_what_was_quoted():
    supply = ListingFactory(organisation__members=[UserFactory()], quantity=40)
    rfq = make_rfq(suppliers=[Invitee(supply.organisation, supply)])
    quote = make_quote(rfq, supply.organisation, "10")

    with pytest.raises(QuantityNoLongerAvailable):
        award(close(rfq), (quote, 0, 100))

    assert not Award.objects.exists()
    assert rfq.lines.get().awarded == 0


def limited(rfq):
    """Return a trader of the buyer's who may not spend this much, and another owner who may."""
    trader = MembershipFactory(organisation=rfq.buyer, role=Membership.Role.TRADER, approval_limit=10).user
    return trader, member_of(rfq.buyer)


def test_above_the_members_limit_the_award_and_the_losers_wait_for_the_approver():
    rfq, quote, other = two_lines()
    trader, owner = limited(rfq)
    line = rfq.lines.get(position=1)

    (made,) = awards.award_quotes(
        rfq=rfq, by=trader, picks=[{"quote": quote.pk, "line": line.pk, "quantity": 100}], now=AFTER
    )
    other.refresh_from_db()
    waiting = (made.offer.status, Order.objects.count(), other.status, len(told("quote.awarded")))
    approvals.approve(approval=Approval.objects.get(), by=owner, now=AFTER)
    settle_rfqs()
    settle_rfqs()

    other.refresh_from_db()
    rfq.refresh_from_db()
    assert waiting == ("open", 0, "submitted", 0)
    assert (Order.objects.count(), other.status, len(told("quote.awarded"))) == (1, "rejected", 1)
    assert rfq.settled_at is not None


def test_an_award_that_waits_can_be_called_off_and_made_anew():
    rfq, quote, _other = two_lines()
    trader, owner = limited(rfq)
    pick = {"quote": quote.pk, "line": rfq.lines.get(position=1).pk, "quantity": 100}
    (made,) = awards.award_quotes(rfq=rfq, by=trader, picks=[pick], now=AFTER)

    awards.void_award(award=made, by=trader, now=AFTER)
    rfq.refresh_from_db()
    quote.refresh_from_db()
    after = (rfq.status, quote.status, rfq.lines.get(position=1).awarded)
    with pytest.raises(awards.AwardNotWaiting):
        awards.void_award(award=made, by=trader, now=AFTER)
    awards.award_quotes(rfq=rfq, by=owner, picks=[pick], now=AFTER)

    assert after == (Status.CLOSED, "submitted", 0)
    assert Order.objects.count() == 1


def test_settle_frees_what_the_supplier_withdrew_while_it_waited():
    rfq, quote, _other = two_lines()
    trader, _owner = limited(rfq)
    pick = {"quote": quote.pk, "line": rfq.lines.get(position=1).pk, "quantity": 100}
    (made,) = awards.award_quotes(rfq=rfq, by=trader, picks=[pick], now=AFTER)
    offers.withdraw_offer(offer=made.offer, by=member_of(quote.supplier), now=AFTER)

    runs.settle_due(now=AFTER)
    runs.settle_due(now=AFTER)

    rfq.refresh_from_db()
    made.refresh_from_db()
    assert (rfq.status, rfq.lines.get(position=1).awarded, made.voided_at) == (Status.CLOSED, 0, AFTER)
    assert {row.user for row in told("award.fallen")} == {trader, member_of(rfq.buyer)}


def test_close_rfqs_closes_what_is_due_and_tells_the_buyer_once():
    rfq, early = make_rfq(), make_rfq(now=AFTER)
    make_quote(rfq, suppliers_of(rfq)[0], "10")

    assert (runs.close_due(now=AFTER), runs.close_due(now=AFTER)) == (1, 0)

    early.refresh_from_db()
    (row,) = told("rfq.closed")
    assert (early.status, row.user, row.data["quotes"]) == (Status.OPEN, member_of(rfq.buyer), 1)


def test_close_rfqs_may_be_heard_twice():
    rfq = make_rfq()

    close_rfqs()
    close_rfqs()

    rfq.refresh_from_db()
    assert rfq.status == Status.CLOSED
    assert len(told("rfq.closed")) == 1


def test_compare_quotes_sets_rates_typed_by_the_buyer():
    rfq = make_rfq()
    first, second = suppliers_of(rfq)
    yuan, dollars = make_quote(rfq, first, "10"), make_quote(rfq, second, "1", currency="USD")
    by = member_of(rfq.buyer)

    before = comparisons.compare_quotes(rfq=rfq, by=by, now=NOON)
    rfq = comparisons.set_rates(rfq=rfq, by=by, rates={"USD": "7.1"}, now=NOON)
    after = comparisons.compare_quotes(rfq=rfq, by=by, now=NOON)

    line = rfq.lines.get().pk
    assert before.table.cells[line, 100, dollars.pk].landed is None
    assert after.table.cells[line, 100, dollars.pk].landed == Decimal("628.32")
    assert (after.mix()[0][1], after.currencies()) == (dollars, [("USD", "7.1")])
    assert yuan in after.quotes
    for rates, field in [({"USD": "-1"}, "rates.USD"), ({"yuan?": "1"}, "rates.yuan?")]:
        with pytest.raises(InputRefused) as refusal:
            comparisons.set_rates(rfq=rfq, by=by, rates=rates, now=NOON)
        assert list(refusal.value.errors) == [field]


def test_compare_quotes_keeps_apart_what_was_not_confirmed_to_the_present_revision():
    rfq, quote, other = two_lines()
    RequestForQuotation.objects.filter(pk=rfq.pk).update(revision=2)
    type(other).objects.filter(pk=other.pk).update(rfq_revision=2)
    rfq.refresh_from_db()

    comparison = comparisons.compare_quotes(rfq=rfq, by=member_of(rfq.buyer), now=AFTER)

    assert (comparison.quotes, comparison.unconfirmed) == ([other], [quote])


def test_comparison_sheet_has_every_line_and_no_formula_of_others():
    rfq = make_rfq(lines=[rfq_line(description="=1+1", tiers=[500])])
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10", "9")
    comparison = comparisons.compare_quotes(rfq=rfq, by=member_of(rfq.buyer), now=NOON)

    book = load_workbook(io.BytesIO(comparison_sheets.comparison_sheet(comparison)))

    lines, totals = book.worksheets
    assert [cell.value for cell in lines["C"]][1:] == [100, 500]
    assert [cell.value for cell in lines["E"]][1:] == [10, 9]
    assert (lines["B2"].value, lines["B2"].data_type) == ("=1+1", "s")
    assert totals["A2"].value == quote.supplier.name


@pytest.mark.parametrize("quantity", [0, -1])
def test_the_database_refuses_an_award_of_nothing(quantity):
    rfq, quote, _other = two_lines()
    award(rfq, (quote, 0, 100))

    with pytest.raises(IntegrityError, match="award_line_quantity_is_positive"), transaction.atomic():
        AwardLine.objects.update(quantity=quantity)


def test_the_database_refuses_more_awards_than_was_asked_and_a_dear_award_without_reason():
    rfq, quote, _other = two_lines()
    award(rfq, (quote, 0, 100))

    with pytest.raises(IntegrityError, match="rfq_line_awards_at_most_what_is_asked"), transaction.atomic():
        RfqLine.objects.update(awarded=101)
    with pytest.raises(IntegrityError, match="award_of_a_dearer_quote_has_a_reason"), transaction.atomic():
        Award.objects.update(is_cheapest=False, reason="")


@pytest.mark.django_db(transaction=True)
def test_two_who_award_at_once_never_award_more_than_was_asked():
    rfq = make_rfq()
    first, second = suppliers_of(rfq)
    quotes = make_quote(rfq, first, "10"), make_quote(rfq, second, "10")
    close(rfq)

    outcomes = race(*[lambda quote=quote: award(rfq, (quote, 0, 100), is_final=False) for quote in quotes])

    assert sum(isinstance(one, list) for one in outcomes) == 1
    assert sum(isinstance(one, InputRefused) for one in outcomes) == 1
    assert Offer.objects.filter(status="accepted").count() == Order.objects.count() == 1
