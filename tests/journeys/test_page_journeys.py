"""What only a browser can show: a file imported, another language, a phone's width."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from marketplace.models import Channel, Listing, User
from tests.factories import ListingFactory, NotificationFactory, OrganisationFactory, WebhookEndpointFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FILE = """外部编号,方向,类别,标题,数量,单位,属性:DN
A1,供应,球阀,304 不锈钢法兰球阀 PN16,100,只,50
A2,供应,球阀,304 不锈钢法兰球阀 PN16,-5,只,80
A3,供应,没有的类别,阀门,5,只,
"""


@pytest.mark.usefixtures("worker", "catalogue")
def test_a_file_is_imported_and_its_bad_rows_are_named(page, live_server, person, enter):
    OrganisationFactory(members=[person("seller")])
    enter(page, "seller")

    page.goto(live_server.url + reverse("marketplace:import_list"))
    page.set_input_files("[name=file]", {"name": "stock.csv", "mimeType": "text/csv", "buffer": FILE.encode("gb18030")})
    page.click(".form-actions button")

    rows = page.locator("#import tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("3")
    assert [listing.external_id for listing in Listing.objects.all()] == ["A1"]


def test_the_language_is_switched_and_kept_with_the_account(page, new_context, live_server, person, enter):
    person("reader")
    enter(page, "reader")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")

    page.click("header button[name=language][value=en]")

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Workspace")
    assert User.objects.get().language == "en"
    elsewhere = new_context().new_page()
    enter(elsewhere, "reader")
    expect(elsewhere.locator("html")).to_have_attribute("lang", "en")


def test_menus_close_on_escape_and_on_a_click_elsewhere(page, live_server, person, enter):
    person("reader")
    enter(page, "reader")

    page.click("header details.menu summary")
    expect(page.locator(".menu-panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".menu-panel")).to_be_hidden()
    page.click("header details.menu summary")
    page.click("h1")
    expect(page.locator(".menu-panel")).to_be_hidden()


def test_no_page_is_wider_than_its_window_or_complains(page, live_server, person, enter):
    # English words are the longer ones.
    user = person("buyer", is_staff=True, language="en")
    organisation = OrganisationFactory(members=[user], contact_email="a-very-long-address-of-a-person@example.com")
    listing = ListingFactory(
        organisation=organisation,
        text_zh="很长的说明。" * 60,
        title_en="Averylongwordthatnobodybreaks" * 4,
        price_min=1,
        price_max=12_345_678,
        price_unit="piece",
    )
    endpoint = WebhookEndpointFactory(organisation=organisation)
    notification = NotificationFactory(user=None, endpoint=endpoint, channel=Channel.WEBHOOK)
    notification.attempts.create(at=notification.requested_at, error="x" * 300, duration_ms=10_000)
    NotificationFactory(user=user, channel=Channel.IN_APP, status="done", title_zh="匹配" * 60)
    OrganisationFactory(state="pending", reviewed_at=None, name_zh="很长的名字" * 10)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    enter(page, "buyer")

    too_wide = []
    names = [
        "home",
        "listing_list",
        "listing_create",
        "my_listing_list",
        "import_list",
        "workspace",
        "organisation_list",
    ]
    names += ["organisation_create", "notification_list", "subscription_list", "review_queue", "password_change"]
    with_organisation = ["organisation_detail", "organisation_edit", "membership_list", "webhook_list", "block_list"]
    paths = [reverse(f"marketplace:{name}") for name in names]
    paths += [reverse(f"marketplace:{name}", args=[organisation.pk]) for name in with_organisation]
    paths += [reverse(f"marketplace:{name}", args=[listing.pk]) for name in ("listing_detail", "listing_edit")]
    paths += [reverse("marketplace:webhook_detail", args=[endpoint.pk]), "/search/?q=ball valve"]
    for path in paths:
        page.goto(live_server.url + path)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                too_wide.append((path, width))

    assert too_wide == []
    assert complaints == []
