import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from marketplace.models import Approval, Attachment, Disclosure, Listing, Message, Negotiation, Offer, Order
from marketplace.services import disclosures
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_negotiation import deal, trader_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(real_now):
    """Return a negotiation that pages can show, which read the clock themselves."""
    return deal()


def later(real_now, days: int = 10) -> str:
    return (real_now + dt.timedelta(days=days)).date().isoformat()


def page_of(client, case, user) -> str:
    client.force_login(user)
    response = client.get(reverse("marketplace:negotiation_detail", args=[case.negotiation.pk]))
    assert response.status_code == 200
    return response.content.decode()


def form_of(client, case, user) -> dict:
    """Return the next offer's form as a browser would send it."""
    client.force_login(user)
    response = client.get(reverse("marketplace:negotiation_detail", args=[case.negotiation.pk]))
    form = response.context["offer_form"]
    data = {field.html_name: field.value() for field in form}
    return {name: value for name, value in data.items() if value not in (None, False, [])} | {"step": "send"}


def send(client, case, user, **changes):
    data = form_of(client, case, user) | changes
    return client.post(reverse("marketplace:offer_make", args=[case.negotiation.pk]), data)


def offer_now(case, real_now, side="seller", **said):
    dates = {"window_start": later(real_now), "window_end": later(real_now, 30)}
    return case.offer(side, now=real_now, **dates, **said)


def test_negotiation_detail_is_filled_in_from_both_listings_and_sent_as_it_stands(client, case):
    response = send(client, case, case.salesman)

    assert response.status_code == 302
    offer = Offer.objects.get()
    line = offer.lines.get()
    assert (line.quantity, line.unit, line.unit_price) == (500, "piece", 101)
    assert line.specification["attributes"]["DN"] == {"value": 50, "unit": "mm"}
    assert (offer.region, offer.incoterm, offer.total_amount) == ("331002", "delivered", 50500)


def test_negotiation_detail_takes_a_tolerance_and_another_line(client, case):
    path = reverse("marketplace:offer_make", args=[case.negotiation.pk])
    data = form_of(client, case, case.salesman) | {"lines_0_tolerance_DN": "0.5"}

    more = client.post(path, data | {"step": "add_line"})
    assert (more.status_code, Offer.objects.count()) == (200, 0)
    added = {
        "line_count": more.context["offer_form"]["line_count"].value(),
        "lines_1_kind": "charge",
        "lines_1_description": "运费",
        "lines_1_quantity": "1",
        "lines_1_unit": "项",
        "lines_1_unit_price": "800",
    }
    client.post(path, data | added)

    offer = Offer.objects.get()
    assert offer.lines.get(position=1).specification["attributes"]["DN"]["tolerance"] == 0.5
    assert (offer.lines.get(position=2).kind, offer.total_amount) == ("charge", 51300)


def test_offer_make_shows_what_is_wrong_at_the_field(client, case):
    response = send(client, case, case.salesman, lines_0_quantity="1200", window_end="2020-01-01")

    assert response.status_code == 422
    form = response.context["offer_form"]
    assert set(form.errors) == {"lines_0_quantity", "window_end"}
    assert Offer.objects.count() == 0


def test_offer_make_sent_twice_makes_one_offer(client, case):
    data = form_of(client, case, case.salesman) | {"form_key": "one-drawing"}
    path = reverse("marketplace:offer_make", args=[case.negotiation.pk])

    answers = [client.post(path, data) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Offer.objects.count() == 1


def test_negotiation_detail_shows_the_counter_offer_beside_the_one_before(client, case, real_now):
    offer_now(case, real_now)
    offer_now(case, real_now, "buyer", unit_price="95", payment_days=60)

    client.force_login(case.salesman)
    response = client.get(reverse("marketplace:negotiation_detail", args=[case.negotiation.pk]))

    newest = response.context["chain"][0]
    assert [(one.clause, one.field, one.line) for one in newest["changes"]] == [
        ("price", "unit_price", 1),
        ("payment", "payment_days", None),
    ]
    assert response.context["is_mine_to_answer"]


def test_negotiation_detail_is_not_found_by_a_stranger(client, case, real_now):
    offer = offer_now(case, real_now)
    client.force_login(trader_of(OrganisationFactory()))

    for name, pk in [
        ("negotiation_detail", case.negotiation.pk),
        ("offer_make", case.negotiation.pk),
        ("message_say", case.negotiation.pk),
        ("negotiation_end", case.negotiation.pk),
        ("offer_accept", offer.pk),
        ("offer_decline", offer.pk),
        ("offer_withdraw", offer.pk),
    ]:
        path = reverse(f"marketplace:{name}", args=[pk])
        answer = client.get(path) if name == "negotiation_detail" else client.post(path)
        assert (name, answer.status_code) == (name, 404)


def test_negotiation_detail_lets_a_viewer_read_and_not_act(client, case, real_now):
    offer_now(case, real_now)
    viewer = trader_of(case.buyer, "viewer")

    page = page_of(client, case, viewer)

    assert "offer-form" not in page
    assert reverse("marketplace:offer_accept", args=[Offer.objects.get().pk]) not in page


def test_offer_accept_leads_to_the_order(client, case, real_now):
    offer = offer_now(case, real_now)
    client.force_login(case.purchaser)

    answer = client.post(reverse("marketplace:offer_accept", args=[offer.pk]))

    assert answer.url == reverse("marketplace:order_detail", args=[Order.objects.get().pk])


def test_offer_accept_of_a_lapsed_offer_says_so(client, case, now):
    offer = case.offer(now=now)
    client.force_login(case.purchaser)

    assert client.post(reverse("marketplace:offer_accept", args=[offer.pk])).status_code == 409


def test_offer_decline_keeps_the_note_and_withdraw_takes_back(client, case, real_now):
    first = offer_now(case, real_now)
    client.force_login(case.purchaser)
    client.post(reverse("marketplace:offer_decline", args=[first.pk]), {"note": "太贵"})
    second = offer_now(case, real_now)
    client.force_login(case.salesman)
    client.post(reverse("marketplace:offer_withdraw", args=[second.pk]))

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.answer_note, second.status) == ("declined", "太贵", "withdrawn")


def test_message_say_hangs_a_message_with_a_file_on_its_clause(client, case):
    client.force_login(case.purchaser)
    path = reverse("marketplace:message_say", args=[case.negotiation.pk])
    file = SimpleUploadedFile("图纸.txt", "公差 ±0.5".encode(), content_type="text/plain")
    answer = client.post(path, {"clause": "specification", "text": "请看图纸", "files": [file]})

    assert answer.status_code == 302
    message = Message.objects.get()
    assert (message.clause, message.text, message.organisation) == ("specification", "请看图纸", case.buyer)
    attachment = Attachment.objects.get()
    assert Attachment.objects.readable_by(case.salesman).get() == attachment
    assert not Attachment.objects.readable_by(trader_of(OrganisationFactory())).exists()
    assert client.post(path, {"clause": "whole", "text": " "}).status_code == 422


def test_negotiation_end_ends_it(client, case):
    client.force_login(case.purchaser)

    client.post(reverse("marketplace:negotiation_end", args=[case.negotiation.pk]))

    case.negotiation.refresh_from_db()
    assert case.negotiation.status == "ended"


def test_negotiation_open_offers_ones_own_listings_and_opens(client, real_now):
    supply = ListingFactory()
    buyer = OrganisationFactory()
    user = trader_of(buyer)
    own = ListingFactory(organisation=buyer, side="demand")
    ListingFactory(side="demand")
    client.force_login(user)
    path = reverse("marketplace:negotiation_open", args=[supply.pk])

    assert list(client.get(path).context["form"].fields["own"].queryset) == [own]
    answer = client.post(path, {"organisation": buyer.pk, "own": own.pk})

    negotiation = Negotiation.objects.get()
    assert answer.url == reverse("marketplace:negotiation_detail", args=[negotiation.pk])
    assert (negotiation.supply, negotiation.demand, negotiation.buyer) == (supply, own, buyer)
    assert client.get(answer.url).status_code == 200


def test_negotiation_open_is_not_found_for_what_one_may_not_see(client):
    hidden = ListingFactory(visibility="named")
    client.force_login(trader_of(OrganisationFactory()))

    assert client.get(reverse("marketplace:negotiation_open", args=[hidden.pk])).status_code == 404
    client.force_login(UserFactory())
    assert client.get(reverse("marketplace:negotiation_open", args=[ListingFactory().pk])).status_code == 404


def test_negotiation_invite_invites_about_ones_own_listing(client):
    seller, buyer = OrganisationFactory(), OrganisationFactory()
    demand = ListingFactory(organisation=buyer, side="demand")
    client.force_login(trader_of(buyer))
    path = reverse("marketplace:negotiation_invite", args=[seller.pk])

    assert client.get(path).status_code == 200
    client.post(path, {"own": demand.pk})

    negotiation = Negotiation.objects.get()
    assert (negotiation.seller, negotiation.demand, negotiation.supply, negotiation.origin) == (
        seller,
        demand,
        None,
        "invitation",
    )


def test_negotiation_list_shows_whose_turn_it_is(client, real_now):
    ours, theirs = deal(), None
    user = ours.purchaser
    offer_now(ours, real_now)
    theirs = deal(demand=ListingFactory(organisation=ours.buyer, side="demand", quantity=500))
    client.force_login(user)
    path = reverse("marketplace:negotiation_list")

    assert list(client.get(path).context["page"]) == [ours.negotiation, theirs.negotiation]
    assert list(client.get(path, {"turn": "ours"}).context["page"]) == [ours.negotiation]
    assert list(client.get(path, {"turn": "theirs"}).context["page"]) == [theirs.negotiation]
    assert list(client.get(path, {"status": "agreed"}).context["page"]) == []


def test_negotiation_list_asks_as_many_queries_for_three_as_for_one(client, count_queries, real_now):
    first = deal()
    client.force_login(first.purchaser)
    path = reverse("marketplace:negotiation_list")
    count_queries(path)
    one = count_queries(path)

    for _ in range(2):
        deal(demand=ListingFactory(organisation=first.buyer, side="demand", quantity=500))

    assert count_queries(path) == one


def test_negotiation_detail_asks_as_many_queries_for_three_offers_as_for_two(client, case, count_queries, real_now):
    offer_now(case, real_now)
    offer_now(case, real_now, "buyer")
    client.force_login(case.salesman)
    path = reverse("marketplace:negotiation_detail", args=[case.negotiation.pk])
    count_queries(path)
    two = count_queries(path)

    offer_now(case, real_now, unit_price=99)
    offer_now(case, real_now, "buyer", unit_price=97)

    assert count_queries(path) == two


def test_approval_list_lets_an_approver_send_what_waits(client, case, real_now):
    small = trader_of(case.seller, limit=1000)
    approver = trader_of(case.seller, "approver")
    offer = offer_now(case, real_now, by=small)
    client.force_login(approver)

    waiting = client.get(reverse("marketplace:approval_list"))
    assert [row.offer for row in waiting.context["waiting"]] == [offer]
    client.post(reverse("marketplace:approval_decide", args=[Approval.objects.get().pk]), {"answer": "approve"})

    offer.refresh_from_db()
    assert (offer.status, case.held()) == ("open", (500, 0))


def test_approval_decide_is_not_found_by_a_stranger(client, case, real_now):
    offer_now(case, real_now, by=trader_of(case.seller, limit=1000))
    client.force_login(case.purchaser)

    path = reverse("marketplace:approval_decide", args=[Approval.objects.get().pk])
    assert client.post(path, {"answer": "approve"}).status_code == 404


def test_membership_set_limit_is_the_owners(client, case):
    owner = trader_of(case.seller, "owner")
    membership = case.seller.memberships.get(user=case.salesman)
    path = reverse("marketplace:membership_set_limit", args=[membership.pk])

    client.force_login(case.salesman)
    assert client.post(path, {"approval_limit": "1"}).status_code == 404
    client.force_login(owner)
    client.post(path, {"approval_limit": "5 万"})
    membership.refresh_from_db()
    assert membership.approval_limit == 50_000
    client.post(path, {"approval_limit": "much"})
    membership.refresh_from_db()
    assert membership.approval_limit == 50_000
    client.post(path, {"approval_limit": ""})
    membership.refresh_from_db()
    assert membership.approval_limit is None


def test_disclosure_edit_hides_the_name_until_the_stage_it_says(client, case, real_now):
    owner = trader_of(case.seller, "owner")
    client.force_login(owner)
    path = reverse("marketplace:disclosure_edit", args=[case.seller.pk])
    assert client.get(path).status_code == 200

    refused = client.post(path, {"name_from": 2, "contact_from": 1, "documents_from": 3})
    saved = client.post(path, {"name_from": 2, "contact_from": 2, "documents_from": 3})

    assert (refused.status_code, saved.status_code) == (422, 302)
    assert Disclosure.objects.get().name_from == 2
    stranger = trader_of(OrganisationFactory())
    client.force_login(stranger)
    shop = client.get(reverse("marketplace:listing_detail", args=[case.supply.pk])).content.decode()
    assert (case.seller.name_zh in shop, "台州市企业" in shop) == (False, True)
    profile = client.get(reverse("marketplace:organisation_detail", args=[case.seller.pk]))
    assert list(profile.context["page"]) == []
    assert case.seller.name_zh not in page_of(client, case, case.purchaser)
    offer_now(case, real_now)
    offer_now(case, real_now, "buyer")
    assert case.seller.name_zh in page_of(client, case, case.purchaser)
    client.force_login(stranger)
    assert client.get(path).status_code == 404


def test_listing_list_names_no_firm_that_hides_and_asks_no_more_for_it(client, count_queries, now):
    path = reverse("marketplace:listing_list")
    client.force_login(trader_of(OrganisationFactory()))

    def hidden() -> Listing:
        organisation = OrganisationFactory()
        disclosures.set_disclosure(
            organisation=organisation,
            by=trader_of(organisation, "owner"),
            name_from=1,
            contact_from=2,
            documents_from=2,
            now=now,
        )
        return ListingFactory(organisation=organisation)

    listing = hidden()
    count_queries(path)
    one = count_queries(path)
    hidden(), hidden()

    assert count_queries(path) == one
    assert listing.organisation.name_zh not in client.get(path).content.decode()
    api = client.get(reverse("marketplace:api_listing_detail", args=[listing.pk])).json()["organisation"]
    assert (api["id"], api["uscc"], api["name_zh"]) == (None, None, "台州市企业")
    by_firm = client.get(reverse("marketplace:api_listing_list"), {"organisation": listing.organisation_id}).json()
    assert by_firm["count"] == 0


def test_listing_report_reports_the_firm_that_its_page_does_not_name(client):
    listing = ListingFactory()
    client.force_login(UserFactory())
    path = reverse("marketplace:listing_report", args=[listing.pk])

    assert client.get(path).status_code == 200
    client.post(path, {"reason": "fraud", "text": "假货"})

    assert listing.organisation.reports.get().listing == listing
    assert client.get(reverse("marketplace:listing_report", args=[10**9])).status_code == 404
