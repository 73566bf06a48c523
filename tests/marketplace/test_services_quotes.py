import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import translation

from config.errors import InputRefused
from marketplace.models import Attachment, Membership, Notification, Quote, RequestForQuotation
from marketplace.services import quote_drafts, quote_openings, quotes, rfqs
from marketplace.services.rfqs import RfqNotInStatusForThis
from tests.factories import NOON, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_rfq import (
    AFTER,
    DEADLINE,
    HOLDS,
    answers,
    close,
    make_quote,
    make_rfq,
    member_of,
    rfq_line,
    suppliers_of,
)
from tests.races import race

pytestmark = pytest.mark.django_db
Status = Quote.Status


def told(event):
    return list(Notification.objects.filter(event=event, channel="in_app").order_by("user_id"))


def save(rfq, supplier, lines=(), now=NOON, **fields):
    return quote_drafts.save_draft(
        rfq=rfq, supplier=supplier, by=member_of(supplier), fields=fields, lines=lines, now=now
    )


def refusal_of(act, *args, **said):
    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        act(*args, **said)
    return refusal.value.errors


def test_save_draft_keeps_what_there_is_as_often_as_one_likes():
    rfq = make_rfq(lines=[rfq_line(tiers=[500]), rfq_line(description="垫片")])
    supplier = suppliers_of(rfq)[0]
    first = save(rfq, supplier, answers(rfq, "9.5")[:1])
    again = save(rfq, supplier, answers(rfq, "9.5", "9")[1:2], freight_amount="120")

    assert (first.pk, again.version, again.status, again.freight_amount) == (again.pk, 1, Status.DRAFT, 120)
    assert [line.unit_price for line in again.lines.all()] == [Decimal("9.5"), Decimal(9)]
    assert (again.incoterm, again.window_end) == (rfq.incoterm, rfq.window_end)


def test_a_draft_is_read_by_its_supplier_alone():
    rfq = make_rfq()
    supplier, rival = suppliers_of(rfq)
    draft = save(rfq, supplier)

    readers = [member_of(supplier), member_of(rfq.buyer), member_of(rival), UserFactory(is_staff=True)]
    assert [Quote.objects.readable_by(user, NOON).filter(pk=draft.pk).exists() for user in readers] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"unit_price": "-1"}, "lines.0.unit_price"),
        ({"unit_price": "1.00001"}, "lines.0.unit_price"),
        ({"unit_price": "much"}, "lines.0.unit_price"),
        ({"unit_price": "5", "is_declined": True}, "lines.0.unit_price"),
        ({"minimum_quantity": "101"}, "lines.0.minimum_quantity"),
        ({"lead_days": "99999"}, "lines.0.lead_days"),
        ({"quantity": "77"}, "lines.0.quantity"),
        ({"unit": "kg"}, "lines.0.unit"),
        ({"line": 0}, "lines.0.line"),
    ],
)
def test_save_draft_names_the_line_that_is_wrong(changes, field):
    rfq = make_rfq()
    (line,) = answers(rfq, "10")

    assert list(refusal_of(save, rfq, suppliers_of(rfq)[0], [line | changes])) == [field]
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"valid_until": DEADLINE}, "valid_until"),
        ({"valid_until": "2030-01-01"}, "valid_until"),
        ({"freight_amount": "-1"}, "freight_amount"),
        ({"charge_amount": "5"}, "charge_text"),
        ({"supply": "123456"}, "supply"),
        ({"currency": "???"}, "currency"),
    ],
)
def test_save_draft_names_the_field_that_is_wrong(fields, field):
    rfq = make_rfq()

    assert list(refusal_of(save, rfq, suppliers_of(rfq)[0], **fields)) == [field]


def test_save_draft_turns_a_price_per_another_unit_into_the_one_asked_for():
    rfq = make_rfq(lines=[rfq_line(unit="kg", quantity=500)])
    line = answers(rfq, "7000")[0] | {"unit": "t"}

    quote = save(rfq, suppliers_of(rfq)[0], [line])

    assert quote.lines.get().unit_price == 7


def test_save_draft_refuses_an_amount_that_no_column_holds():
    rfq = make_rfq(lines=[rfq_line(quantity="999999999999")])

    errors = refusal_of(save, rfq, suppliers_of(rfq)[0], answers(rfq, "99999999999"))

    assert list(errors) == ["lines.0.unit_price"]


def test_save_draft_refuses_strangers_and_what_comes_late():
    rfq = make_rfq()
    stranger = OrganisationFactory(members=[UserFactory()])

    with pytest.raises(quote_drafts.SupplierNotInvited):
        save(rfq, stranger)
    with pytest.raises(RfqNotInStatusForThis):
        save(rfq, suppliers_of(rfq)[0], now=DEADLINE)


def test_save_draft_adds_and_takes_off_files():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    uploads = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")]
    said = {"rfq": rfq, "supplier": supplier, "by": member_of(supplier), "fields": {}, "lines": [], "now": NOON}

    quote = quote_drafts.save_draft(uploads=uploads, **said)
    quote = quote_drafts.save_draft(dropped=[quote.attachments.get(name="a.txt")], **said)

    assert [file.name for file in quote.attachments.all()] == ["b.txt"]


def test_submit_quote_replaces_the_version_before_which_stays_readable():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    first = make_quote(rfq, supplier, "10", freight_amount="50")
    second = make_quote(rfq, supplier, "9")

    first.refresh_from_db()
    assert (first.status, second.version, second.status) == (Status.SUPERSEDED, 2, Status.SUBMITTED)
    assert (second.freight_amount, second.lines.get().unit_price) == (50, 9)
    assert Quote.objects.readable_by(member_of(rfq.buyer), NOON).count() == 2
    assert [(one["field"], one["before"], one["after"]) for one in quotes.differences(first, second)] == [
        ("unit_price", Decimal(10), Decimal(9))
    ]


def test_submit_quote_names_what_is_missing():
    rfq = make_rfq(lines=[rfq_line(tiers=[500]), rfq_line(description="垫片")])
    supplier = suppliers_of(rfq)[0]
    draft = save(rfq, supplier, answers(rfq, "9")[:1])

    errors = refusal_of(quotes.submit_quote, quote=draft, by=member_of(supplier), now=NOON)

    assert sorted(errors) == ["lines.1.unit_price", "lines.2.unit_price", "valid_until"]
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_submit_quote_refuses_to_supply_nothing():
    rfq = make_rfq()

    assert list(refusal_of(make_quote, rfq, suppliers_of(rfq)[0], None)) == ["lines"]


def test_submit_quote_refuses_twice_and_after_the_deadline():
    rfq = make_rfq()
    supplier, other = suppliers_of(rfq)
    quote = make_quote(rfq, supplier, "10")
    late = save(rfq, other, answers(rfq, "9"), valid_until=HOLDS)

    with pytest.raises(quotes.QuoteNotInStatusForThis):
        quotes.submit_quote(quote=quote, by=member_of(supplier), now=NOON)
    with pytest.raises(RfqNotInStatusForThis):
        quotes.submit_quote(quote=late, by=member_of(other), now=DEADLINE)


def test_submit_quote_above_the_members_limit_takes_an_approver():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    trader = MembershipFactory(organisation=supplier, role=Membership.Role.TRADER, approval_limit=999).user
    approver = MembershipFactory(organisation=supplier, role=Membership.Role.APPROVER).user
    draft = save(rfq, supplier, answers(rfq, "10"), valid_until=HOLDS)

    with pytest.raises(quotes.QuoteAboveLimit):
        quotes.submit_quote(quote=draft, by=trader, now=NOON)
    quote = quotes.submit_quote(quote=draft, by=approver, now=NOON)

    assert (quote.status, quote.submitted_by) == (Status.SUBMITTED, approver)


def test_quoting_takes_back_a_refusal_to_quote():
    rfq = make_rfq()
    invitation = rfq.invitations.first()
    rfq.invitations.filter(pk=invitation.pk).update(declined_at=NOON, decline_reason="no")

    make_quote(rfq, invitation.supplier, "10")

    invitation.refresh_from_db()
    assert (invitation.declined_at, invitation.decline_reason) == (None, "")


def test_withdraw_quote_throws_a_draft_away_and_keeps_a_submitted_one():
    rfq = make_rfq()
    supplier, other = suppliers_of(rfq)
    draft, quote = save(rfq, other), make_quote(rfq, supplier, "10")

    quotes.withdraw_quote(quote=draft, by=member_of(other), now=NOON)
    quote = quotes.withdraw_quote(quote=quote, by=member_of(supplier), now=NOON)

    assert list(Quote.objects.values_list("status", flat=True)) == [Status.WITHDRAWN]
    assert len(told("quote.withdrawn")) == 1
    with pytest.raises(quotes.QuoteNotInStatusForThis):
        quotes.withdraw_quote(quote=quote, by=member_of(supplier), now=NOON)


def test_an_amended_request_is_confirmed_or_quoted_anew():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    quote = make_quote(rfq, supplier, "10")
    by = member_of(rfq.buyer)
    rfq = rfqs.amend_rfq(rfq=rfq, by=by, fields={"note": "木箱包装"}, now=NOON)
    confirmed = Quote.objects.confirmed().count()

    quote = quotes.confirm_quote(quote=quote, by=member_of(supplier), now=NOON)

    assert (confirmed, quote.rfq_revision) == (0, 2)
    line = rfq.lines.get()
    rfq = rfqs.amend_rfq(rfq=rfq, by=by, fields={}, lines=[{**rfq_line(quantity=300), "id": line.pk}], now=NOON)
    with pytest.raises(quotes.QuoteDoesNotFitAnyMore):
        quotes.confirm_quote(quote=quote, by=member_of(supplier), now=NOON)
    revised = make_quote(rfq, supplier, "9")
    assert (revised.rfq_revision, [line.quantity for line in revised.lines.all()]) == (3, [300])


def test_extend_validity_goes_only_further_also_after_the_deadline():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    quote = make_quote(rfq, supplier, "10")
    close(rfq)

    quote = quotes.extend_validity(quote=quote, by=member_of(supplier), valid_until="2026-05-31", now=AFTER)

    assert quote.valid_until.date() == dt.date(2026, 5, 31)
    errors = refusal_of(
        quotes.extend_validity, quote=quote, by=member_of(supplier), valid_until="2026-05-01", now=AFTER
    )
    assert list(errors) == ["valid_until"]


def test_the_buyer_is_told_of_each_quote_and_of_a_sealed_one_only_that_it_came():
    open_rfq, sealed = make_rfq(), make_rfq(is_sealed=True)
    make_quote(open_rfq, suppliers_of(open_rfq)[0], "10")
    supplier = suppliers_of(sealed)[0]
    make_quote(sealed, supplier, "10")
    make_quote(sealed, supplier, "9")

    titles = [row.title_zh for row in told("quote.received")]
    assert len(titles) == 2
    assert sum(supplier.name_zh in title for title in titles) == 0
    assert sum(suppliers_of(open_rfq)[0].name_zh in title for title in titles) == 1


def test_sealed_quotes_are_nobodys_until_they_are_opened_after_the_deadline():
    rfq = make_rfq(is_sealed=True)
    supplier, rival = suppliers_of(rfq)
    upload = SimpleUploadedFile("certificate.txt", b"ISO 9001")
    quotes.submit_at_once(
        rfq=rfq,
        supplier=supplier,
        by=member_of(supplier),
        fields={"valid_until": HOLDS},
        lines=answers(rfq, "10"),
        uploads=[upload],
        now=NOON,
    )
    buyer, staff = member_of(rfq.buyer), UserFactory(is_staff=True)

    def readers(now):
        return [Quote.objects.readable_by(user, now).count() for user in (buyer, staff, member_of(rival))]

    before, file_before = readers(AFTER), Attachment.objects.readable_by(buyer).count()
    with pytest.raises(quote_openings.DeadlineNotPast):
        quote_openings.open_quotes(rfq=rfq, by=buyer, now=NOON)
    rfq = quote_openings.open_quotes(rfq=rfq, by=buyer, now=AFTER)

    assert (before, file_before) == ([0, 0, 0], 0)
    assert (readers(AFTER), Attachment.objects.readable_by(buyer).count()) == ([1, 1, 0], 1)
    assert (rfq.status, rfq.opened_at) == (RequestForQuotation.Status.CLOSED, AFTER)
    with pytest.raises(quote_openings.QuotesNotSealed):
        quote_openings.open_quotes(rfq=rfq, by=buyer, now=AFTER)


def test_what_was_replaced_or_withdrawn_under_seal_is_never_shown():
    rfq = make_rfq(is_sealed=True)
    supplier, other = suppliers_of(rfq)
    make_quote(rfq, supplier, "12", now=NOON)
    last = make_quote(rfq, supplier, "10", now=NOON)
    quotes.withdraw_quote(quote=make_quote(rfq, other, "9", now=NOON), by=member_of(other), now=NOON)

    quote_openings.open_quotes(rfq=rfq, by=member_of(rfq.buyer), now=AFTER)

    assert list(Quote.objects.readable_by(member_of(rfq.buyer), AFTER)) == [last]
    assert Quote.objects.readable_by(member_of(supplier), AFTER).count() == 2


def test_two_people_open_together_where_that_was_promised():
    buyer = OrganisationFactory(members=[UserFactory()])
    second = MembershipFactory(organisation=buyer, role=Membership.Role.APPROVER).user
    rfq = make_rfq(buyer=buyer, is_sealed=True, opens_with_two=True)
    first = member_of(buyer)

    rfq = quote_openings.open_quotes(rfq=rfq, by=first, now=AFTER)
    shown_after_one = rfq.shows_quotes
    with pytest.raises(quote_openings.AnotherHasToOpen):
        quote_openings.open_quotes(rfq=rfq, by=first, now=AFTER)
    rfq = quote_openings.open_quotes(rfq=rfq, by=second, now=AFTER)

    assert (shown_after_one, rfq.shows_quotes) == (False, True)
    assert [opening.by for opening in rfq.openings.order_by("pk")] == [first, second]


def test_the_database_refuses_to_open_a_seal_early():
    rfq = make_rfq(is_sealed=True)

    with pytest.raises(IntegrityError, match="rfq_is_opened_after_its_deadline"), transaction.atomic():
        RequestForQuotation.objects.filter(pk=rfq.pk).update(opened_at=NOON)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"status": "submitted"}, "quote_submitted_at_goes_with_status"),
        ({"freight_amount": -1}, "quote_charges_are_not_negative"),
        ({"charge_amount": 1}, "quote_charge_says_what_for"),
    ],
)
def test_the_database_refuses_a_quote_that_cannot_be(changes, constraint):
    rfq = make_rfq()
    draft = save(rfq, suppliers_of(rfq)[0])

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Quote.objects.filter(pk=draft.pk).update(**changes)


def test_the_database_keeps_a_quote_as_it_was_handed_in():
    rfq = make_rfq()
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10")

    with pytest.raises(IntegrityError, match="handed in is never changed"), transaction.atomic():
        Quote.objects.filter(pk=quote.pk).update(freight_amount=1)
    with pytest.raises(IntegrityError, match="handed in is never changed"), transaction.atomic():
        quote.lines.update(unit_price=1)
    with pytest.raises(IntegrityError, match="handed in is never changed"), transaction.atomic():
        quote.lines.all().delete()


def test_the_database_keeps_amendments_and_openings():
    rfq = make_rfq(is_sealed=True)
    rfqs.amend_rfq(rfq=rfq, by=member_of(rfq.buyer), fields={"note": "木箱"}, now=NOON)
    rfq = quote_openings.open_quotes(rfq=rfq, by=member_of(rfq.buyer), now=AFTER)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rfq.amendments.update(note="x")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rfq.openings.update(at=NOON)


def test_the_database_refuses_two_words_of_one_supplier():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    make_quote(rfq, supplier, "10")
    make_quote(rfq, supplier, "9")

    with pytest.raises(IntegrityError, match="quote_one_standing_per_supplier"), transaction.atomic():
        Quote.objects.filter(rfq=rfq).update(status=Status.SUBMITTED)


def test_a_supply_is_kept_where_the_goods_are_taken_from():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    supply = ListingFactory(organisation=supplier)

    quote = save(rfq, supplier, supply=str(supply.pk))

    assert quote.supply == supply


@pytest.mark.django_db(transaction=True)
def test_two_who_hand_in_at_once_make_one_submitted_quote():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]
    by = member_of(supplier)
    draft = save(rfq, supplier, answers(rfq, "10"), valid_until=HOLDS)

    outcomes = race(*[lambda: quotes.submit_quote(quote=draft, by=by, now=NOON)] * 4)

    assert sum(isinstance(one, Quote) for one in outcomes) == 1
    assert sum(isinstance(one, quotes.QuoteNotInStatusForThis) for one in outcomes) == 3
    assert Quote.objects.standing().count() == 1
