import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from config.errors import InputRefused
from marketplace.models import Attachment, Block, Membership, Notification, RequestForQuotation, RfqInvitation
from marketplace.services import organisations, rfq_invitations, rfqs
from marketplace.services.rfq_invitations import Invitee
from tests.factories import NOON, ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_rfq import (
    AFTER,
    DEADLINE,
    close,
    make_quote,
    make_rfq,
    member_of,
    rfq_fields,
    rfq_line,
    suppliers_of,
)

pytestmark = pytest.mark.django_db
Status = RequestForQuotation.Status


def told(event):
    return list(Notification.objects.filter(event=event, channel="in_app").order_by("user_id"))


def create(buyer=None, lines=None, suppliers=(), **changes):
    buyer = buyer or OrganisationFactory(members=[UserFactory()])
    return rfqs.create_rfq(
        buyer=buyer, by=member_of(buyer), fields=rfq_fields(**changes), lines=[rfq_line()] if lines is None else lines,
        suppliers=suppliers, now=NOON,
    )  # fmt: skip


def refused(**changes):
    with translation.override("en"), pytest.raises(InputRefused) as refusal:
        create(**changes)
    return refusal.value.errors


def test_create_rfq_keeps_lines_in_the_units_of_the_house_with_their_tiers():
    rfq = create(lines=[rfq_line(tiers="1000; 500", specification="软密封"), rfq_line(description="垫片", unit="打")])

    first, second = rfq.lines.order_by("position")
    assert rfq.status == Status.DRAFT
    assert (first.unit, first.quantities, first.largest_quantity) == ("piece", [100, 500, 1000], 1000)
    assert first.specification == {"attributes": {}, "text": "软密封"}
    assert (second.position, second.unit) == (2, "dozen")


def test_create_rfq_ends_a_day_at_its_end():
    rfq = create(closes_at="2026-03-09")

    assert rfq.closes_at == dt.datetime(2026, 3, 9, 15, 59, 59, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"closes_at": "2026-03-01"}, "closes_at"),
        ({"closes_at": "2029-03-01"}, "closes_at"),
        ({"closes_at": "soon"}, "closes_at"),
        ({"window_end": "2026-02-01"}, "window_end"),
        ({"window_end": "2026-03-05", "window_start": "2026-03-06"}, "window_end"),
        ({"currency": "yuan?"}, "currency"),
        ({"tax_rate": "130"}, "tax_rate"),
        ({"incoterm": "teleport"}, "incoterm"),
        ({"incoterm": "park_handover"}, "park"),
        ({"park": "999999"}, "park"),
        ({"payment_term": "deposit"}, "deposit_percent"),
        ({"opens_with_two": True}, "opens_with_two"),
        ({"opens_with_two": True, "is_sealed": True}, "opens_with_two"),
        ({"is_sealed": "perhaps"}, "is_sealed"),
        ({"lines": []}, "lines"),
        ({"lines": [rfq_line(), rfq_line(), rfq_line(unit="furlong")]}, "lines.2.unit"),
        ({"lines": [rfq_line(quantity="-5")]}, "lines.0.quantity"),
        ({"lines": [rfq_line(quantity="1.0005")]}, "lines.0.quantity"),
        ({"lines": [rfq_line(tiers="5; many")]}, "lines.0.tiers"),
        ({"lines": [rfq_line(description="")]}, "lines.0.description"),
        ({"lines": [rfq_line(specification={"colour": "red"})]}, "lines.0.specification"),
        ({"suppliers": ["No Such Works"]}, "suppliers"),
    ],
)
def test_create_rfq_names_the_field_that_is_wrong_and_writes_nothing(changes, field):
    assert list(refused(**changes)) == [field]
    assert not RequestForQuotation.objects.exists()


def test_create_rfq_refuses_somebody_elses_demand_and_people_who_may_not_trade():
    buyer = OrganisationFactory(members__viewer=UserFactory(), members=[UserFactory()])
    viewer = buyer.memberships.get(role="viewer").user
    theirs = ListingFactory(side="demand")

    with pytest.raises(InputRefused) as refusal:
        rfqs.create_rfq(
            buyer=buyer, by=member_of(buyer), fields=rfq_fields(), lines=[rfq_line()], demand=theirs, now=NOON
        )
    with pytest.raises(organisations.OnlyMembersMay):
        rfqs.create_rfq(buyer=buyer, by=viewer, fields=rfq_fields(), lines=[rfq_line()], now=NOON)

    assert list(refusal.value.errors) == ["demand"]


def test_first_fields_and_lines_say_what_the_demand_says():
    demand = ListingFactory(side="demand", window_end=dt.date(2026, 4, 1))

    fields = rfqs.first_fields(demand=demand, now=NOON)
    (line,) = rfqs.first_lines(demand)

    assert (fields["title"], fields["region"], fields["window_end"]) == (demand.title, "331083", dt.date(2026, 4, 1))
    assert (line["quantity"], line["unit"]) == (1000, "piece")
    assert line["specification"]["attributes"]["DN"] == {"value": 50}


def test_suppliers_are_found_by_name_code_or_id():
    by_name, by_code, by_id = OrganisationFactory(name_zh="甲厂"), OrganisationFactory(), OrganisationFactory()

    rfq = create(suppliers=["甲厂", by_code.uscc.lower(), str(by_id.pk), "甲厂"])

    assert suppliers_of(rfq) == [by_name, by_code, by_id]


def test_suppliers_of_one_name_are_told_apart_by_their_code():
    one, _other = [OrganisationFactory(name_zh="甲厂") for _ in range(2)]

    errors = refused(suppliers=["甲厂"])

    assert errors == {"suppliers": ["Several firms have this name, use the credit code: 甲厂"]}
    assert suppliers_of(create(suppliers=[one.uscc])) == [one]


def test_suppliers_who_are_blocked_or_oneself_are_refused():
    buyer = OrganisationFactory(members=[UserFactory()])
    blocked, blocking = OrganisationFactory(), OrganisationFactory()
    Block.objects.create(organisation=buyer, blocked=blocked, by=UserFactory(), created_at=NOON)
    Block.objects.create(organisation=blocking, blocked=buyer, by=UserFactory(), created_at=NOON)

    for supplier in (blocked, blocking, buyer, OrganisationFactory(state="suspended")):
        assert list(refused(buyer=buyer, suppliers=[Invitee(supplier)])) == ["suppliers"]


def test_a_supply_of_another_firm_is_refused():
    assert list(refused(suppliers=[Invitee(OrganisationFactory(), supply=ListingFactory())])) == ["suppliers"]


def test_publish_rfq_tells_the_invited_and_shows_them_the_files():
    supplier = OrganisationFactory(members=[UserFactory()])
    rfq = make_rfq(suppliers=[supplier], publish=False)
    upload = SimpleUploadedFile("drawing.txt", b"DN50")
    rfqs.amend_rfq(rfq=rfq, by=member_of(rfq.buyer), fields={}, uploads=[upload], now=NOON)

    rfq = rfqs.publish_rfq(rfq=rfq, by=member_of(rfq.buyer), now=NOON)

    assert rfq.status == Status.OPEN
    assert [row.user for row in told("rfq.received")] == [member_of(supplier)]
    assert Attachment.objects.readable_by(member_of(supplier)).count() == 1
    assert rfq.invitations.get().invited_at == NOON


def test_publish_rfq_refuses_without_suppliers_twice_and_past_its_deadline():
    by_nobody = make_rfq(suppliers=[], publish=False)
    late = make_rfq(publish=False)
    twice = make_rfq()

    with pytest.raises(rfqs.RfqHasNoSuppliers):
        rfqs.publish_rfq(rfq=by_nobody, by=member_of(by_nobody.buyer), now=NOON)
    with pytest.raises(InputRefused) as refusal:
        rfqs.publish_rfq(rfq=late, by=member_of(late.buyer), now=AFTER)
    with pytest.raises(rfqs.RfqNotInStatusForThis):
        rfqs.publish_rfq(rfq=twice, by=member_of(twice.buyer), now=NOON)

    assert list(refusal.value.errors) == ["closes_at"]


def test_invite_suppliers_tells_only_the_new_ones():
    rfq = make_rfq()
    new = OrganisationFactory(members=[UserFactory()])

    rfqs.invite_suppliers(rfq=rfq, by=member_of(rfq.buyer), suppliers=[new.uscc, suppliers_of(rfq)[0].uscc], now=NOON)

    assert suppliers_of(rfq)[-1] == new
    assert len(told("rfq.received")) == 3


def test_remove_invitation_works_on_a_draft_only():
    draft, sent = make_rfq(publish=False), make_rfq()

    rfqs.remove_invitation(invitation=draft.invitations.first(), by=member_of(draft.buyer), now=NOON)

    assert draft.invitations.count() == 1
    with pytest.raises(rfqs.RfqNotInStatusForThis):
        rfqs.remove_invitation(invitation=sent.invitations.first(), by=member_of(sent.buyer), now=NOON)


def test_amend_rfq_counts_a_revision_keeps_what_changed_and_tells_the_invited():
    rfq = make_rfq(lines=[rfq_line(), rfq_line(description="垫片")])
    line, gone = rfq.lines.order_by("position")

    rfq = rfqs.amend_rfq(
        rfq=rfq,
        by=member_of(rfq.buyer),
        fields={"payment_days": 60},
        lines=[{**rfq_line(quantity=200), "id": line.pk}, rfq_line(description="法兰")],
        note="数量加倍",
        now=NOON,
    )

    amendment = rfq.amendments.get()
    assert rfq.revision == amendment.revision == 2
    changed = {one["field"]: (one["before"], one["after"]) for one in amendment.changes}
    assert changed["payment_days"] == ("30", "60")
    assert changed["lines.1.quantity"] == ("100", "200")
    assert [line.description for line in rfq.lines.filter(is_removed=False).order_by("position")] == [
        "球阀 DN50",
        "法兰",
    ]
    assert not rfq.lines.filter(pk=gone.pk).exists()
    assert len(told("rfq.changed")) == 2


def test_amend_rfq_keeps_a_line_that_quotes_speak_of():
    rfq = make_rfq(lines=[rfq_line(), rfq_line(description="垫片")])
    make_quote(rfq, suppliers_of(rfq)[0], "10")
    first, second = rfq.lines.order_by("position")

    rfqs.amend_rfq(
        rfq=rfq, by=member_of(rfq.buyer), fields={}, lines=[{**rfq_line(description="垫片"), "id": second.pk}], now=NOON
    )

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_removed, second.is_removed, second.position) == (True, False, 1)


def test_amend_rfq_refuses_what_was_promised_an_earlier_deadline_and_a_stale_page():
    rfq = make_rfq()
    by = member_of(rfq.buyer)

    for fields, field in [({"is_sealed": True}, "is_sealed"), ({"closes_at": "2026-03-04"}, "closes_at")]:
        with pytest.raises(InputRefused) as refusal:
            rfqs.amend_rfq(rfq=rfq, by=by, fields=fields, now=NOON)
        assert list(refusal.value.errors) == [field]
    with pytest.raises(rfqs.RfqChangedMeanwhile):
        rfqs.amend_rfq(rfq=rfq, by=by, fields={}, revision=7, now=NOON)
    with pytest.raises(rfqs.RfqNotInStatusForThis):
        rfqs.amend_rfq(rfq=rfq, by=by, fields={"title": "x"}, now=AFTER)


def test_extend_rfq_gives_more_time_without_a_new_revision():
    rfq = make_rfq()

    rfq = rfqs.extend_rfq(rfq=rfq, by=member_of(rfq.buyer), closes_at="2026-03-20", now=NOON)

    assert (rfq.revision, rfq.closes_at.date()) == (1, dt.date(2026, 3, 20))
    assert len(told("rfq.changed")) == 2


def test_close_rfq_ends_it_before_its_deadline():
    rfq = make_rfq(is_sealed=True)

    rfq = rfqs.close_rfq(rfq=rfq, by=member_of(rfq.buyer), now=NOON)

    assert (rfq.status, rfq.closes_at) == (Status.CLOSED, NOON)
    with pytest.raises(rfqs.RfqNotInStatusForThis):
        rfqs.close_rfq(rfq=rfq, by=member_of(rfq.buyer), now=NOON)


def test_cancel_rfq_tells_the_suppliers_why():
    rfq = make_rfq()
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10")
    by = member_of(rfq.buyer)

    with pytest.raises(InputRefused):
        rfqs.cancel_rfq(rfq=rfq, by=by, reason=" ", now=NOON)
    rfq = rfqs.cancel_rfq(rfq=rfq, by=by, reason="项目取消", now=NOON)

    quote.refresh_from_db()
    assert (rfq.status, quote.status) == (Status.CANCELLED, "rejected")
    assert {row.body_zh for row in told("rfq.cancelled")} == {"项目取消"}
    with pytest.raises(rfqs.RfqNotInStatusForThis):
        rfqs.cancel_rfq(rfq=rfq, by=by, reason="again", now=NOON)


def test_copy_rfq_issues_it_again_with_fresh_dates_and_without_the_blocked():
    rfq = make_rfq(lines=[rfq_line(tiers=[500])])
    kept, blocked = suppliers_of(rfq)
    Block.objects.create(organisation=rfq.buyer, blocked=blocked, by=UserFactory(), created_at=NOON)
    later = NOON + dt.timedelta(days=100)

    copy = rfqs.copy_rfq(rfq=rfq, by=member_of(rfq.buyer), now=later)

    assert (copy.status, copy.copy_of, suppliers_of(copy)) == (Status.DRAFT, rfq, [kept])
    assert copy.closes_at > later
    assert copy.window_end - copy.window_start == rfq.window_end - rfq.window_start
    assert copy.lines.get().tiers == [Decimal(500)]


def test_decline_invitation_tells_the_buyer_once():
    rfq = make_rfq()
    invitation = rfq.invitations.first()
    by = member_of(invitation.supplier)

    rfq_invitations.decline_invitation(invitation=invitation, by=by, reason="产能已满", now=NOON)

    assert [row.body_zh for row in told("rfq.declined")] == ["产能已满"]
    with pytest.raises(rfq_invitations.InvitationNotOpen):
        rfq_invitations.decline_invitation(invitation=invitation, by=by, reason="", now=NOON)


def test_questions_are_answered_to_all_without_saying_who_asked():
    rfq = make_rfq()
    asker, other = suppliers_of(rfq)

    question = rfq_invitations.ask_question(
        rfq=rfq, by=member_of(asker), organisation=asker, text="法兰标准？", now=NOON
    )
    rfq_invitations.answer_question(question=question, by=member_of(rfq.buyer), answer="HG/T 20592", now=NOON)

    assert {row.user for row in told("question.answered")} == {member_of(asker), member_of(other)}
    assert not any(asker.name_zh in row.title_zh + row.body_zh for row in told("question.answered"))
    with pytest.raises(rfq_invitations.QuestionAlreadyAnswered):
        rfq_invitations.answer_question(question=question, by=member_of(rfq.buyer), answer="x", now=NOON)


def test_ask_question_refuses_the_uninvited_the_empty_and_the_late():
    rfq = make_rfq()
    asker, stranger = suppliers_of(rfq)[0], OrganisationFactory(members=[UserFactory()])

    for organisation, text, field in [
        (stranger, "?", "organisation"),
        (asker, "  ", "text"),
        (asker, "x" * 2001, "text"),
    ]:
        with pytest.raises(InputRefused) as refusal:
            rfq_invitations.ask_question(
                rfq=rfq, by=member_of(organisation), organisation=organisation, text=text, now=NOON
            )
        assert list(refusal.value.errors) == [field]
    with pytest.raises(rfq_invitations.InvitationNotOpen):
        rfq_invitations.ask_question(rfq=rfq, by=member_of(asker), organisation=asker, text="?", now=AFTER)


def test_rfqs_are_visible_to_the_buyer_and_once_sent_to_the_invited():
    draft, sent = make_rfq(publish=False), make_rfq()
    visible = RequestForQuotation.objects.visible_to

    assert visible(member_of(suppliers_of(draft)[0])).count() == 0
    assert visible(member_of(suppliers_of(sent)[0])).get() == sent
    assert visible(member_of(sent.buyer)).get() == sent
    assert visible(UserFactory()).count() == 0


def test_to_close_and_close_work_once():
    rfq = make_rfq()

    assert RequestForQuotation.objects.to_close(DEADLINE - dt.timedelta(seconds=1)).count() == 0
    close(rfq)

    assert RequestForQuotation.objects.filter(pk=rfq.pk).close(now=AFTER) == 0


def test_mark_viewed_keeps_the_first_look():
    rfq = make_rfq()
    supplier = suppliers_of(rfq)[0]

    rfq_invitations.mark_viewed(rfq=rfq, by=member_of(supplier), now=NOON)
    rfq_invitations.mark_viewed(rfq=rfq, by=member_of(supplier), now=AFTER)

    assert [one.viewed_at for one in RfqInvitation.objects.order_by("pk")] == [NOON, None]


def test_two_openers_are_taken_where_there_are_two():
    buyer = OrganisationFactory(members=[UserFactory()])
    MembershipFactory(organisation=buyer, role=Membership.Role.APPROVER)

    rfq = create(buyer=buyer, is_sealed=True, opens_with_two=True)

    assert rfq.openers_needed == 2
