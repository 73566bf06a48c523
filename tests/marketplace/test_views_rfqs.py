import datetime as dt
from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from marketplace.models import Award, Order, Quote, RequestForQuotation, RfqInvitation, RfqQuestion
from marketplace.services import rfq_invitations
from tests.factories import ListingFactory, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_rfq import make_quote, make_rfq, member_of, rfq_line, suppliers_of

pytestmark = pytest.mark.django_db
Status = RequestForQuotation.Status
ENGLISH = {"accept-language": "en"}


def page(name, *args):
    return reverse(f"marketplace:{name}", args=args)


def closed(rfq):
    """Let the deadline be past, as the clock of the page has it."""
    RequestForQuotation.objects.filter(pk=rfq.pk).update(
        status=Status.CLOSED, closed_at=rfq.created_at, closes_at=rfq.created_at
    )
    rfq.refresh_from_db()
    return rfq


@pytest.fixture
def rfq(real_now):
    return make_rfq(now=real_now, lines=[rfq_line(tiers=[500]), rfq_line(description="垫片", quantity=50)])


@pytest.fixture
def buyer(client, rfq):
    user = member_of(rfq.buyer)
    client.force_login(user)
    return user


@pytest.fixture
def supplier(rfq):
    return suppliers_of(rfq)[0]


@pytest.fixture
def seller(client, supplier):
    user = member_of(supplier)
    client.force_login(user)
    return user


@pytest.fixture
def stranger(client):
    user = UserFactory()
    OrganisationFactory(members=[user])
    client.force_login(user)
    return user


def rfq_form(now, **changes):
    today = now.date()
    form = {
        "title": "球阀一批",
        "closes_at": today + dt.timedelta(days=5),
        "window_start": today + dt.timedelta(days=6),
        "window_end": today + dt.timedelta(days=40),
        "currency": "CNY",
        "tax_rate": "13",
        "price_includes_tax": "on",
        "incoterm": "delivered",
        "region": "浙江 台州",
        "payment_term": "net",
        "payment_days": "30",
        "deposit_percent": "0",
        "line_count": "3",
        "lines_0_description": "球阀 DN50",
        "lines_0_quantity": "1,000",
        "lines_0_unit": "只",
        "lines_0_tiers": "2000; 5000",
        "lines_2_description": "垫片",
        "lines_2_quantity": "50",
        "lines_2_unit": "套",
    }
    return form | changes


def test_rfq_create_sends_several_lines_to_named_suppliers(client, real_now):
    user, one = UserFactory(), OrganisationFactory(name_zh="甲阀门厂")
    organisation = OrganisationFactory(members=[user])
    client.force_login(user)
    form = rfq_form(real_now, organisation=organisation.pk, suppliers="甲阀门厂\n", step="publish", form_key="k")
    form["files"] = SimpleUploadedFile("drawing.txt", b"DN50")

    first, again = client.post(page("rfq_create"), form), None
    form["files"] = SimpleUploadedFile("drawing.txt", b"DN50")
    again = client.post(page("rfq_create"), form)

    rfq = RequestForQuotation.objects.get()
    assert first.url == again.url == page("rfq_detail", rfq.pk)
    assert (rfq.status, rfq.region, suppliers_of(rfq)) == (Status.OPEN, "331000", [one])
    assert [(line.description, line.quantity) for line in rfq.lines.order_by("position")] == [
        ("球阀 DN50", 1000),
        ("垫片", 50),
    ]
    assert rfq.attachments.get().name == "drawing.txt"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"lines_2_unit": "furlong"}, "lines_2_unit"),
        ({"lines_0_tiers": "many"}, "lines_0_tiers"),
        ({"closes_at": "2020-01-01"}, "closes_at"),
        ({"suppliers": "没有这家"}, "suppliers"),
        (
            {
                "lines_0_description": "",
                "lines_0_quantity": "",
                "lines_0_unit": "",
                "lines_0_tiers": "",
                "line_count": "1",
            },
            "lines_0_description",
        ),
        ({"files": SimpleUploadedFile("a.exe", b"MZ")}, "files"),
    ],
)
def test_rfq_create_names_the_field_that_is_wrong(client, real_now, changes, field):
    user = UserFactory()
    organisation = OrganisationFactory(members=[user])
    client.force_login(user)

    response = client.post(page("rfq_create"), rfq_form(real_now, organisation=organisation.pk, **changes))

    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(response.context["form"].errors) == [field]
    assert not RequestForQuotation.objects.exists()


def test_rfq_create_draws_more_lines_and_begins_with_the_demand(client, real_now):
    user = UserFactory()
    organisation = OrganisationFactory(members=[user])
    demand = ListingFactory(organisation=organisation, side="demand")
    client.force_login(user)
    path = f"{page('rfq_create')}?demand={demand.pk}"

    drawn = client.get(path)
    more = client.post(path, rfq_form(real_now, organisation=organisation.pk, step="more"))

    assert drawn.context["form"].line_rows()[0]["description"].value() == demand.title
    assert (drawn.context["form"].count, more.context["form"].count) == (3, 8)
    assert client.get(f"{page('rfq_create')}?demand={ListingFactory(side='demand').pk}").status_code == 404


def test_rfq_create_is_for_who_trades(client):
    client.force_login(UserFactory())

    assert client.get(page("rfq_create")).status_code == 404


def test_rfq_edit_amends_what_is_open(client, rfq, buyer, real_now):
    shown = client.get(page("rfq_edit", rfq.pk))
    form = {
        name: field.value() if field.value() is not None else ""
        for name in shown.context["form"].fields
        if name not in ("files", "organisation", "suppliers")
        for field in [shown.context["form"][name]]
    }
    form = {name: value for name, value in form.items() if value is not False} | {"line_count": 4, "revision": 1}

    response = client.post(page("rfq_edit", rfq.pk), form | {"lines_0_quantity": "120", "change_note": "多要"})
    stale = client.post(page("rfq_edit", rfq.pk), form)

    rfq.refresh_from_db()
    assert response.url == page("rfq_detail", rfq.pk)
    assert (rfq.revision, rfq.lines.get(position=1).quantity) == (2, 120)
    assert [change["field"] for change in rfq.amendments.get().changes] == ["lines.1.quantity"]
    assert stale.status_code == HTTPStatus.CONFLICT


def test_rfq_list_shows_ours_and_asks_the_same_for_one_and_three(client, count_queries, rfq, buyer, real_now):
    client.get(page("rfq_list"))
    one = count_queries(page("rfq_list"))
    for _ in range(2):
        make_rfq(buyer=rfq.buyer, now=real_now)

    assert count_queries(page("rfq_list")) == one
    assert len(client.get(page("rfq_list")).context["page"]) == 3
    assert len(client.get(page("rfq_list") + "?status=closed").context["page"]) == 0


def test_rfq_inbox_shows_what_we_are_asked_and_asks_the_same_for_one_and_three(
    client, count_queries, rfq, supplier, seller, real_now
):
    make_quote(rfq, supplier, "10", now=real_now)
    client.get(page("rfq_inbox"))
    one = count_queries(page("rfq_inbox"))
    for _ in range(2):
        make_quote(make_rfq(suppliers=[supplier], now=real_now), supplier, "9", now=real_now)

    assert count_queries(page("rfq_inbox")) == one
    assert [row["quote"].status for row in client.get(page("rfq_inbox")).context["rows"]] == ["submitted"] * 3


def test_rfq_detail_is_a_strangers_404(client, rfq, stranger):
    for name in ("rfq_detail", "rfq_edit", "rfq_suppliers", "quote_edit", "quote_comparison", "quote_comparison_sheet"):
        assert client.get(page(name, rfq.pk)).status_code == 404


def test_rfq_detail_asks_the_same_for_one_and_three(client, count_queries, rfq, buyer, real_now):
    make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    client.get(page("rfq_detail", rfq.pk))
    one = count_queries(page("rfq_detail", rfq.pk))
    many = make_rfq(
        buyer=rfq.buyer, suppliers=[OrganisationFactory(members=[UserFactory()]) for _ in range(3)], now=real_now
    )
    for supplier in suppliers_of(many):
        make_quote(many, supplier, "10", now=real_now)

    assert count_queries(page("rfq_detail", many.pk)) == one


def test_rfq_detail_shows_the_buyer_no_sealed_quote_and_the_supplier_no_rival(client, real_now):
    rfq = make_rfq(is_sealed=True, now=real_now)
    first, second = suppliers_of(rfq)
    make_quote(rfq, first, "123.45", now=real_now)
    seen = {}
    for user in (member_of(rfq.buyer), member_of(second)):
        client.force_login(user)
        seen[user] = client.get(page("rfq_detail", rfq.pk))

    assert [len(response.context["quotes"]) for response in seen.values()] == [0, 0]
    assert first.name_zh not in seen[member_of(second)].content.decode()
    assert RfqInvitation.objects.get(rfq=rfq, supplier=second).viewed_at is not None
    assert client.get(page("quote_detail", Quote.objects.get().pk)).status_code == 404


def test_rfq_publish_extend_close_cancel_and_copy(client, real_now):
    rfq = make_rfq(publish=False, now=real_now)
    client.force_login(member_of(rfq.buyer))
    later = rfq.closes_at.date() + dt.timedelta(days=3)

    client.post(page("rfq_publish", rfq.pk))
    refused = client.post(page("rfq_extend", rfq.pk), {"closes_at": "2020-01-01"})
    client.post(page("rfq_extend", rfq.pk), {"closes_at": later})
    rfq.refresh_from_db()
    extended = rfq.closes_at
    client.post(page("rfq_close", rfq.pk))
    client.post(page("rfq_copy", rfq.pk), {"form_key": "k"})
    client.post(page("rfq_copy", rfq.pk), {"form_key": "k"})
    no_reason = client.post(page("rfq_cancel", rfq.pk), {"reason": ""})
    client.post(page("rfq_cancel", rfq.pk), {"reason": "不做了"})

    rfq.refresh_from_db()
    assert refused.status_code == no_reason.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert extended.date() == later
    assert (rfq.status, rfq.copies.count()) == (Status.CANCELLED, 1)


def test_rfq_suppliers_finds_firms_by_name_and_asks_them(client, rfq, buyer):
    found = OrganisationFactory(name_zh="台州球阀厂", members=[UserFactory()])

    shown = client.get(page("rfq_suppliers", rfq.pk) + "?q=台州球阀")
    client.post(page("rfq_suppliers", rfq.pk), {"supplier": [found.pk]})
    refused = client.post(page("rfq_suppliers", rfq.pk), {"supplier": [rfq.buyer_id]})

    assert list(shown.context["found"]) == [found]
    assert suppliers_of(rfq)[-1] == found
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_questions_are_asked_and_answered(client, rfq, supplier):
    client.force_login(member_of(supplier))
    empty = client.post(page("rfq_question_ask", rfq.pk), {"text": " "})
    client.post(page("rfq_question_ask", rfq.pk), {"text": "法兰？", "form_key": "k"})
    client.post(page("rfq_question_ask", rfq.pk), {"text": "法兰？", "form_key": "k"})
    question = RfqQuestion.objects.get()
    own_answer = client.post(page("rfq_question_answer", question.pk), {"answer": "x"})
    client.force_login(member_of(rfq.buyer))
    client.post(page("rfq_question_answer", question.pk), {"answer": "HG/T 20592"})

    question.refresh_from_db()
    assert (empty.status_code, own_answer.status_code) == (HTTPStatus.UNPROCESSABLE_ENTITY, 404)
    assert question.answer == "HG/T 20592"


def test_rfq_invitation_decline_and_remove(client, rfq, supplier, seller, real_now):
    invitation = rfq.invitations.get(supplier=supplier)
    client.post(page("rfq_invitation_decline", invitation.pk), {"reason": "满产"})
    draft = make_rfq(publish=False, now=real_now)
    foreign = client.post(page("rfq_invitation_remove", draft.invitations.first().pk))
    client.force_login(member_of(draft.buyer))
    client.post(page("rfq_invitation_remove", draft.invitations.first().pk))

    invitation.refresh_from_db()
    assert (invitation.decline_reason, foreign.status_code, draft.invitations.count()) == ("满产", 404, 1)


def quote_form(client, rfq, **changes):
    form = client.get(page("quote_edit", rfq.pk)).context["form"]
    said = {name: form[name].value() for name in form.fields if name not in ("files", "dropped")}
    said = {name: value for name, value in said.items() if value not in (None, False)}
    until = rfq.closes_at.date() + dt.timedelta(days=30)
    return said | {"valid_until": until, "lines_0_unit_price": "10", "lines_1_unit_price": "9"} | changes


def test_quote_edit_keeps_a_draft_then_hands_it_in_once(client, rfq, supplier, seller):
    draft = client.post(page("quote_edit", rfq.pk), quote_form(client, rfq, step="draft"))
    complete = quote_form(client, rfq, step="submit", lines_2_is_declined="on", freight_amount="100", form_key="k")
    first, again = [client.post(page("quote_edit", rfq.pk), complete) for _ in range(2)]

    quote = Quote.objects.get()
    assert draft.url == page("quote_edit", rfq.pk)
    assert first.url == again.url == page("quote_detail", quote.pk)
    assert (quote.status, quote.version, quote.freight_amount) == ("submitted", 1, 100)
    assert [line.unit_price for line in quote.lines.order_by("pk")] == [10, 9, None]


def test_quote_edit_names_the_line_that_is_missing_or_wrong(client, rfq, seller):
    missing = client.post(page("quote_edit", rfq.pk), quote_form(client, rfq, step="submit"))
    wrong = client.post(page("quote_edit", rfq.pk), quote_form(client, rfq, lines_1_unit_price="-3"))

    assert list(missing.context["form"].errors) == ["lines_2_unit_price"]
    assert list(wrong.context["form"].errors) == ["lines_1_unit_price"]
    assert (missing.status_code, Quote.objects.count()) == (HTTPStatus.UNPROCESSABLE_ENTITY, 0)


def test_quote_edit_takes_files(client, rfq, seller):
    said = quote_form(client, rfq, step="draft")
    client.post(page("quote_edit", rfq.pk), said | {"files": SimpleUploadedFile("iso.txt", b"ISO 9001")})
    kept = Quote.objects.get().attachments.get()
    client.post(page("quote_edit", rfq.pk), said | {"dropped": [kept.pk]})

    assert Quote.objects.get().attachments.count() == 0


def test_quote_detail_shows_the_versions_and_what_changed(client, rfq, supplier, seller, real_now):
    make_quote(rfq, supplier, "10", now=real_now)
    second = make_quote(rfq, supplier, "9", now=real_now)

    shown = client.get(page("quote_detail", second.pk), headers=ENGLISH)
    client.force_login(UserFactory())

    assert len(shown.context["versions"]) == 2
    assert [one["field"] for one in shown.context["differences"]] == ["unit_price"] * 3
    assert client.get(page("quote_detail", second.pk)).status_code == 404


def test_quote_withdraw_confirm_and_extend(client, rfq, supplier, seller, real_now):
    quote = make_quote(rfq, supplier, "10", now=real_now)
    until = quote.valid_until.date() + dt.timedelta(days=10)
    client.post(page("quote_extend", quote.pk), {"valid_until": until})
    refused = client.post(page("quote_extend", quote.pk), {"valid_until": "2020-01-01"})
    RequestForQuotation.objects.update(revision=2)
    client.post(page("quote_confirm", quote.pk))
    quote.refresh_from_db()
    confirmed = quote.rfq_revision
    client.post(page("quote_withdraw", quote.pk))

    quote.refresh_from_db()
    assert (quote.valid_until.date(), refused.status_code) == (until, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert (confirmed, quote.status) == (2, "withdrawn")


def test_rfq_open_shows_the_comparison_after_the_deadline(client, real_now):
    rfq = make_rfq(is_sealed=True, now=real_now)
    make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    client.force_login(member_of(rfq.buyer))
    early = client.post(page("rfq_open", rfq.pk))
    sealed = client.get(page("quote_comparison", rfq.pk))
    closed(rfq)

    response = client.post(page("rfq_open", rfq.pk))

    assert (early.status_code, sealed.status_code) == (HTTPStatus.CONFLICT, HTTPStatus.CONFLICT)
    assert response.url == page("quote_comparison", rfq.pk)
    assert client.get(response.url).status_code == HTTPStatus.OK


def test_quote_comparison_asks_the_same_for_one_and_three(client, count_queries, rfq, buyer, real_now):
    make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    client.get(page("quote_comparison", rfq.pk))
    one = count_queries(page("quote_comparison", rfq.pk))
    more = [OrganisationFactory(members=[UserFactory()]) for _ in range(2)]
    for supplier in more:
        rfq.invitations.create(supplier=supplier, invited_at=real_now)
        make_quote(rfq, supplier, "9", now=real_now)

    assert count_queries(page("quote_comparison", rfq.pk)) == one
    sheet = client.get(page("quote_comparison_sheet", rfq.pk))
    assert sheet["Content-Disposition"] == f'attachment; filename="{rfq.number}.xlsx"'


def test_rfq_rates_are_kept(client, rfq, buyer, real_now):
    make_quote(rfq, suppliers_of(rfq)[0], "10", currency="USD", now=real_now)

    client.post(page("rfq_rates", rfq.pk), {"rate_USD": "7.1"})

    wrong = client.post(page("rfq_rates", rfq.pk), {"rate_USD": "much"})

    rfq.refresh_from_db()
    assert (rfq.rates, wrong.status_code) == ({"USD": "7.1"}, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_rfq_award_orders_the_best_mix(client, rfq, buyer, real_now):
    first, second = suppliers_of(rfq)
    one = make_quote(rfq, first, "10", "9", "3", now=real_now)
    two = make_quote(rfq, second, "11", "10", "2", now=real_now)
    closed(rfq)
    valves, gaskets = rfq.lines.order_by("position")

    shown = client.get(page("quote_comparison", rfq.pk) + "?choose=mix")
    form = shown.context["form"]
    chosen = {name: form[name].value() for name in form.fields if name.startswith("take_") and form[name].value()}
    response = client.post(page("rfq_award", rfq.pk), chosen | {"is_final": "on", "form_key": "k"})
    client.post(page("rfq_award", rfq.pk), chosen | {"is_final": "on", "form_key": "k"})

    assert chosen == {f"take_{valves.pk}_{one.pk}": "100", f"take_{gaskets.pk}_{two.pk}": "50"}
    assert response.url == page("rfq_detail", rfq.pk)
    assert Order.objects.count() == Award.objects.count() == 2
    assert client.get(response.url).status_code == HTTPStatus.OK


def test_what_was_awarded_of_several_goods_is_shown_in_negotiation_and_order(client, rfq, buyer, real_now):
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    closed(rfq)
    fields = {f"take_{line.pk}_{quote.pk}": "50" for line in rfq.lines.all()}
    client.post(page("rfq_award", rfq.pk), fields | {"is_final": "on"})
    order = Order.objects.get()

    for user in (buyer, member_of(quote.supplier)):
        client.force_login(user)
        assert client.get(page("negotiation_detail", order.offer.negotiation_id)).status_code == HTTPStatus.OK
        assert client.get(page("negotiation_list")).status_code == HTTPStatus.OK
        assert client.get(page("order_detail", order.pk)).status_code == HTTPStatus.OK
        assert list(client.get(page("quote_detail", quote.pk)).context["orders"]) == [order]


def test_rfq_award_asks_for_a_reason_and_names_a_quantity_that_is_too_much(client, rfq, buyer, real_now):
    first, second = suppliers_of(rfq)
    make_quote(rfq, first, "10", now=real_now)
    dear = make_quote(rfq, second, "11", now=real_now)
    closed(rfq)
    field = f"take_{rfq.lines.get(position=1).pk}_{dear.pk}"

    no_reason = client.post(page("rfq_award", rfq.pk), {field: "100"})
    too_much = client.post(page("rfq_award", rfq.pk), {field: "501", "reason": "x"})

    assert no_reason.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(no_reason.context["form"].errors) == ["reason"]
    assert list(too_much.context["form"].errors) == [field]
    assert not Order.objects.exists()


def test_rfq_award_is_a_suppliers_404(client, rfq, seller):
    assert client.post(page("rfq_award", rfq.pk), {}).status_code == 404


def test_award_void_calls_off_what_waits(client, rfq, real_now):
    trader = MembershipFactory(organisation=rfq.buyer, role="trader", approval_limit=1).user
    quote = make_quote(rfq, suppliers_of(rfq)[0], "10", now=real_now)
    closed(rfq)
    client.force_login(trader)
    field = f"take_{rfq.lines.get(position=1).pk}_{quote.pk}"
    client.post(page("rfq_award", rfq.pk), {field: "100", "is_final": "on"})
    award = Award.objects.get()

    response = client.post(page("award_void", award.pk))

    award.refresh_from_db()
    assert award.voided_at is not None
    assert response.url == page("quote_comparison", rfq.pk)


def test_who_is_asked_by_two_pages_is_asked_once(rfq, supplier, real_now):
    rfq_invitations.add_invitees(rfq, [supplier.uscc], now=real_now)

    assert rfq.invitations.filter(supplier=supplier).count() == 1
