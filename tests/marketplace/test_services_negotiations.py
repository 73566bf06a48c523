import pytest
from django.core.files.base import ContentFile

from config.errors import InputRefused
from marketplace.models import (
    Attachment,
    Block,
    DealRecord,
    Disclosure,
    Negotiation,
    Notification,
    Organisation,
)
from marketplace.models.disclosure import Reader
from marketplace.services import (
    disclosures,
    negotiation_rules,
    negotiations,
)
from marketplace.services.attachments import store_attachment
from marketplace.services.organisations import OnlyMembersMay, OnlyOwnersMay
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_negotiation import deal, trader_of
from tests.races import race

pytestmark = pytest.mark.django_db
REASONS = [{"feature": "material", "points": 12.5, "zh": "材质相同", "en": "same material"}]


def upload(by, organisation, now, name="图纸.txt"):
    file = ContentFile("公差".encode(), name=name)
    return store_attachment(upload=file, by=by, readers=[organisation], now=now)


def test_open_negotiation_keeps_why_the_two_were_matched(now):
    case = deal(match={"reasons": REASONS, "score": 87.5, "model_version": "v7"})

    kept = case.negotiation
    assert (kept.match_reasons, kept.match_score, kept.model_version) == (REASONS, 87.5, "v7")
    assert (kept.status, kept.stage, kept.opened_for) == ("open", 1, case.buyer)
    told = Notification.objects.get(event="negotiation.opened", channel="in_app")
    assert (told.user, told.url) == (case.salesman, f"/negotiations/{kept.pk}/")


def test_open_negotiation_returns_the_one_that_is_open_about_the_pair(now):
    case = deal()

    again = negotiations.open_negotiation(
        by=case.salesman, organisation=case.seller, supply=case.supply, demand=case.demand, origin="browse", now=now
    )

    assert again == case.negotiation


def test_open_negotiation_about_one_listing_makes_the_other_side_of_who_asks(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    firm = OrganisationFactory()
    user = trader_of(firm)

    buying = negotiations.open_negotiation(by=user, organisation=firm, supply=supply, origin="browse", now=now)
    selling = negotiations.open_negotiation(by=user, organisation=firm, demand=demand, origin="browse", now=now)

    assert (buying.buyer, buying.seller) == (firm, supply.organisation)
    assert (selling.buyer, selling.seller) == (demand.organisation, firm)


def test_open_negotiation_is_refused_where_the_two_do_not_trade(now):
    supply = ListingFactory()
    firm = OrganisationFactory()
    user = trader_of(firm)

    def opening(**said):
        call = {"by": user, "organisation": firm, "supply": supply, "origin": "browse", "now": now}
        return negotiations.open_negotiation(**call | said)

    with pytest.raises(InputRefused):
        opening(supply=None)
    with pytest.raises(InputRefused):
        opening(supply=ListingFactory(side="demand"))
    with pytest.raises(InputRefused):
        opening(supply=ListingFactory(organisation=firm))
    with pytest.raises(InputRefused):
        opening(demand=ListingFactory(side="demand"))
    with pytest.raises(negotiations.OwnListingNotNegotiable):
        opening(supply=ListingFactory(organisation=firm), demand=ListingFactory(organisation=firm, side="demand"))
    with pytest.raises(negotiations.ListingNotNegotiable):
        opening(supply=ListingFactory(status="paused"))
    with pytest.raises(negotiations.ListingNotNegotiable):
        opening(supply=ListingFactory(visibility="named"))
    with pytest.raises(OnlyMembersMay):
        opening(by=trader_of(firm, "viewer"))
    Block.objects.create(organisation=supply.organisation, blocked=firm, by=user, created_at=now)
    with pytest.raises(negotiations.OrganisationsDoNotTrade):
        opening()
    Organisation.objects.filter(pk=firm.pk).update(state="suspended")
    firm.refresh_from_db()
    with pytest.raises(negotiation_rules.OrganisationMayNotTrade):
        opening()


@pytest.mark.django_db(transaction=True)
def test_open_negotiation_by_both_sides_at_once_opens_one(now):
    supply, demand = ListingFactory(), ListingFactory(side="demand")
    sides = [(trader_of(one.organisation), one.organisation) for one in (supply, demand)]

    opened = race(
        *(
            lambda by=by, organisation=organisation: negotiations.open_negotiation(
                by=by, organisation=organisation, supply=supply, demand=demand, origin="browse", now=now
            )
            for by, organisation in sides * 2
        )
    )

    assert {one.pk for one in opened} == {Negotiation.objects.get().pk}


def test_say_names_the_field_it_refuses(now):
    case = deal()
    case.offer()
    stranger = upload(trader_of(OrganisationFactory()), OrganisationFactory(), now)

    for said, field in [
        ({"text": " "}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "?", "clause": "weather"}, "clause"),
        ({"text": "?", "line": 2}, "line"),
        ({"text": "?", "offer": deal().offer()}, "offer"),
        ({"text": "?", "attachments": [stranger]}, "attachments"),
    ]:
        with pytest.raises(InputRefused) as refusal:
            negotiations.say(negotiation=case.negotiation, by=case.purchaser, organisation=case.buyer, now=now, **said)
        assert list(refusal.value.errors) == [field]


def test_say_after_the_order_goes_into_its_deal_file(now):
    case = deal()
    order = case.accept(case.offer())

    negotiations.say(
        negotiation=case.negotiation,
        by=case.salesman,
        organisation=case.seller,
        text="明天发货",
        clause="window",
        now=now,
    )

    assert DealRecord.objects.filter(order=order).latest("sequence").payload["text"] == "明天发货"
    assert Notification.objects.filter(event="message.received", channel="in_app").get().user == case.purchaser


def test_end_negotiation_closes_what_is_open_and_frees_what_it_held(now):
    case = deal()
    offer = case.offer()

    negotiations.end_negotiation(negotiation=case.negotiation, by=case.purchaser, organisation=case.buyer, now=now)

    offer.refresh_from_db()
    case.negotiation.refresh_from_db()
    assert (offer.status, case.negotiation.status, case.held()) == ("declined", "ended", (0, 0))
    for refused in (
        case.offer,
        lambda: negotiations.say(
            negotiation=case.negotiation, by=case.purchaser, organisation=case.buyer, text="?", now=now
        ),
    ):
        with pytest.raises(negotiation_rules.NegotiationNoLongerOpen):
            refused()


def test_set_disclosure_shows_documents_from_their_stage(now):
    case = deal()
    owner = trader_of(case.seller, "owner")
    document = upload(owner, case.seller, now)

    disclosures.set_disclosure(
        organisation=case.seller, by=owner, name_from=0, contact_from=2, documents_from=2, documents=[document], now=now
    )
    assert not Attachment.objects.readable_by(case.purchaser).exists()
    case.offer("buyer", quantity=100)
    case.offer("seller", quantity=100)

    assert Attachment.objects.readable_by(case.purchaser).get() == document


def test_set_disclosure_names_the_field_it_refuses(now):
    firm = OrganisationFactory()
    owner = trader_of(firm, "owner")
    foreign = upload(UserFactory(), OrganisationFactory(), now)

    def choose(by=owner, **said):
        call = {"name_from": 1, "contact_from": 2, "documents_from": 2} | said
        return disclosures.set_disclosure(organisation=firm, by=by, now=now, **call)

    for said, fields in [
        ({"name_from": 9}, ["name_from"]),
        ({"name_from": 3}, ["contact_from", "documents_from"]),
        ({"documents": [foreign]}, ["documents"]),
    ]:
        with pytest.raises(InputRefused) as refusal:
            choose(**said)
        assert list(refusal.value.errors) == fields
    with pytest.raises(OnlyOwnersMay):
        choose(by=trader_of(firm))
    assert choose() == Disclosure.objects.get()


def test_reader_knows_a_firm_from_the_stage_it_chose(now):
    case = deal()
    owner = trader_of(case.seller, "owner")
    disclosures.set_disclosure(
        organisation=case.seller, by=owner, name_from=3, contact_from=3, documents_from=3, now=now
    )

    def knows(user) -> tuple[bool, bool]:
        seller = Organisation.objects.get(pk=case.seller.pk)
        return Reader(user).knows(seller), Reader(user).sees_contact(seller)

    assert (knows(owner), knows(case.purchaser)) == ((True, True), (False, False))
    told = Notification.objects.filter(event="offer.received", organisation=case.buyer)
    offer = case.offer()
    assert set(told.values_list("title_zh", flat=True)) == {f"台州市企业就“{case.demand.title_zh}”向您发来报价"}
    case.accept(offer)
    assert (knows(case.purchaser), knows(UserFactory()), knows(UserFactory(is_staff=True))) == (
        (True, True),
        (False, False),
        (True, True),
    )


def test_certificate_numbers_open_with_the_documents(client, now):
    case = deal()
    case.supply.certificates.create(code="ce", issuer="TÜV", number="CE-4711")
    page, api = f"/listings/{case.supply.pk}/", f"/api/v1/listings/{case.supply.pk}/"

    def seen(user) -> tuple[bool, bool]:
        client.force_login(user)
        return "CE-4711" in client.get(page).content.decode(), client.get(api).json()["certificates"][0]["number"] != ""

    assert (seen(case.purchaser), seen(case.salesman)) == ((False, False), (True, True))
    case.offer("buyer", quantity=100)
    case.offer("seller", quantity=100)
    assert (seen(case.purchaser), seen(UserFactory())) == ((True, True), (False, False))


def test_deal_file_begins_with_match_offers_and_messages(now):
    case = deal(match={"reasons": REASONS, "score": 87.5, "model_version": "v7"})
    negotiations.say(negotiation=case.negotiation, by=case.purchaser, organisation=case.buyer, text="你好", now=now)

    order = case.accept(case.offer())

    kinds = list(DealRecord.objects.filter(order=order).order_by("sequence").values_list("kind", flat=True))
    assert set(kinds[:4]) == {"match.found", "negotiation.opened", "message.sent", "offer.made"}
