"""The main story: a sentence is posted, ranked counterparts appear with reasons, and the other side's bell rings."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from marketplace.models import Listing, Membership, Organisation
from marketplace.services import listings
from tests.factories import OrganisationFactory, uscc
from tests.journeys.conftest import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker", "catalogue"),
]
OFFER = "现货供应 304 不锈钢法兰球阀 DN50 PN16，5000 只，95-120 元/只，玉环发货，15 天交货"
WISH = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"


@pytest.fixture
def seller(person, real_now):
    user = person("seller")
    organisation = OrganisationFactory(members=[user], name_zh="玉环阀门厂", region="331083")
    listings.post_listing(organisation=organisation, by=user, fields={"side": "supply", "text": OFFER}, now=real_now)
    return user


def test_a_newcomer_posts_a_sentence_and_both_sides_are_told(page, new_context, live_server, person, enter, seller):
    person("operator", is_staff=True)
    seller_page, operator_page = new_context().new_page(), new_context().new_page()
    enter(seller_page, "seller")
    expect(seller_page.locator(".bell-count")).to_have_count(0)

    # Sign up, and register the firm.
    page.goto(live_server.url + reverse("marketplace:sign_up"))
    page.fill("[name=username]", "buyer")
    page.fill("[name=email]", "buyer@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**" + reverse("marketplace:organisation_create"))
    page.fill("[name=name_zh]", "台州泵业有限公司")
    page.fill("[name=uscc]", uscc(777)[:-1] + ("0" if uscc(777)[-1] != "0" else "1"))
    page.fill("[name=region]", "台州")
    page.click(".form-actions button")
    expect(page.locator("#id_uscc_error")).to_be_visible()
    page.fill("[name=uscc]", uscc(777))
    page.click(".form-actions button")
    expect(page.locator(".notice.is-warning")).to_be_visible()

    # The platform operator approves it.
    enter(operator_page, "operator")
    operator_page.goto(live_server.url + reverse("marketplace:review_queue"))
    operator_page.click("button[value=approve]")
    expect(operator_page.locator(".notice.is-success")).to_be_visible()
    organisation = Organisation.objects.get(name_zh="台州泵业有限公司")
    assert organisation.state == Organisation.State.APPROVED
    assert organisation.memberships.get().role == Membership.Role.OWNER

    # One sentence; what was read is shown, and posted with a click.
    page.goto(live_server.url + reverse("marketplace:listing_create"))
    page.fill("[name=text]", WISH)
    page.click("button[value=read]")
    expect(page.locator("[name=attributes_DN]")).to_have_value("50")
    expect(page.locator("[name=quantity]")).to_have_value("500")
    page.click("button[name=side][value=demand]")
    page.wait_for_url(re.compile(r"/listings/\d+/$"))

    # The match appears by itself, with its reasons.
    match = page.locator("#matches .match").first
    expect(match).to_contain_text("玉环阀门厂")
    expect(match.locator(".reasons li")).not_to_have_count(0)
    assert Listing.objects.get(side="demand").region == "331000"

    # The seller's bell rings on the page that was open all the time, and leads to the match.
    expect(seller_page.locator(".bell-count")).to_have_text("1")
    seller_page.click("#news .link-button")
    expect(seller_page.locator("#matches .match").first).to_contain_text("台州泵业有限公司")
    expect(page.locator(".bell-count")).to_have_text(re.compile(r"\d+"))


def test_a_sentence_is_posted_and_matched_without_scripts(new_context, live_server, person, enter, seller):
    buyer = person("buyer")
    OrganisationFactory(members=[buyer], name_zh="台州泵业有限公司", region="331000")
    page = new_context(java_script_enabled=False).new_page()
    enter(page, "buyer")

    page.goto(live_server.url + reverse("marketplace:listing_create"))
    page.check("[name=side][value=demand]", force=True)
    page.fill("[name=text]", WISH)
    page.click("button[value=read]")
    page.select_option("[name=category]", "valve.gate")
    page.click("noscript button")
    page.select_option("[name=category]", "valve.ball")
    page.click("noscript button")
    page.click("button[value=post] >> nth=-1")
    page.click("#matches noscript a")
    for _ in range(40):
        if page.locator("#matches .match").count():
            break
        page.wait_for_timeout(250)
        page.reload()

    expect(page.locator("#matches .match").first).to_contain_text("玉环阀门厂")
