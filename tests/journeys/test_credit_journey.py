"""Credit by four people in four browsers: consent, application, review, check, a collective order on credit, repayment."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from finance.models import Application, Consent, CreditLine, Drawdown, OfflineAct, RecordRead, Repayment, Reservation
from finance.services.repayments import owed_at
from marketplace.models import Organisation, PurchasePool
from seeds.banks import Lenders, open_bank
from seeds.books import hand_in_books, reckon_scores
from seeds.trade_books import STEADY
from tests.factories import MembershipFactory, OrganisationFactory
from tests.finance.pool_on_credit import pool_of, supplier_offers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]
PEOPLE = ("owner", "maker", "checker", "organiser")


@pytest.fixture(params=["zh-hans", "en"])
def language(request):
    return request.param


@dataclass
class Stage:
    """Who plays, each in a browser of their own, and what their browsers complained of."""

    address: str
    pages: dict[str, Page]
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        for page in self.pages.values():
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            page.on("response", self._listen)

    def _listen(self, response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, who: str, name: str, *args: object, query: str = "") -> Page:
        page = self.pages[who]
        answer = page.goto(f"{self.address}{reverse(f'finance:{name}', args=args)}{query}")
        assert answer.status == 200, (name, answer.status)
        return page

    def send(self, who: str, name: str, *args: object, **values: object) -> Page:
        """Fill in the form that this address answers, on the page that is open, and press its button."""
        page = self.pages[who]
        form = page.locator(f"form[action='{reverse(f'finance:{name}', args=args)}']")
        return press(page, form, **values)


def press(page: Page, form, **values: object) -> Page:
    for name, value in values.items():
        box = form.locator(f"[name={name}]")
        box.check() if value is True else box.fill(str(value))
    with page.expect_navigation():
        form.locator("button:not([type=button])").last.click()
    assert not page.locator(".errors").count(), page.locator(".errors").all_inner_texts()
    return page


@pytest.fixture
def cast(person, language):
    """Return the firm's owner, the bank's maker and checker, and who runs the collective purchase."""
    return {name: person(name, language=language) for name in PEOPLE}


@pytest.fixture
def lenders(cast, person):
    desk, underwriter = person("desk"), person("underwriter")
    bank = OrganisationFactory(
        kind=Organisation.Kind.BANK, members=[desk], members__maker=cast["maker"], members__checker=cast["checker"]
    )
    return Lenders(
        bank=bank,
        insurer=OrganisationFactory(kind=Organisation.Kind.INSURER, members=[underwriter]),
        guarantor=OrganisationFactory(kind=Organisation.Kind.GUARANTOR, members=[desk]),
        maker=cast["maker"],
        checker=cast["checker"],
        desk=desk,
        underwriter=underwriter,
    )


@pytest.fixture
def firm(cast):
    return OrganisationFactory(members=[cast["owner"]], is_demo=True)


@pytest.fixture
def product(lenders, firm, cast, real_now):
    """Open the bank, and let the firm hand in three years of books."""
    products, _core_line = open_bank(lenders, core=OrganisationFactory(), now=real_now - timedelta(days=1))
    books = {firm: (cast["owner"], STEADY)}
    hand_in_books(books, until=timezone.localdate(real_now), now=real_now - timedelta(hours=3))
    reckon_scores(books, now=real_now - timedelta(hours=2))
    return products["XD-800"]


@pytest.fixture
def stage(live_server, browser, enter, cast, language):
    pages = {}
    for name in PEOPLE:
        context = browser.new_context(locale={"zh-hans": "zh-CN", "en": "en-GB"}[language])
        context.set_default_timeout(20_000)
        pages[name] = context.new_page()
        enter(pages[name], name)
    yield Stage(live_server.url, pages)
    for page in pages.values():
        page.context.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_firm_borrows_for_a_collective_order_and_repays(stage, cast, firm, lenders, product, real_now):
    line = borrow(stage, product)

    assert line.available == line.limit
    assert Consent.objects.filter(firm=firm, reader=lenders.bank).exists()
    assert RecordRead.objects.filter(firm=firm, by=cast["maker"]).exists()
    assert cast["maker"].username in stage.open("owner", "read_list").content()

    kept = order_together(stage, firm, line, cast, real_now)

    assert (kept.status, kept.order.buyer) == ("held", firm)

    drawdown = draw(stage, line, kept)

    line.refresh_from_db()
    assert (drawdown.status, drawdown.payee) == ("paid_out", kept.order.seller)
    assert (line.used, line.reserved) == (drawdown.amount, 0)

    repay(stage, drawdown)

    drawdown.refresh_from_db()
    line.refresh_from_db()
    assert (drawdown.status, drawdown.principal_left, line.used) == ("repaid", 0, 0)
    assert stage.complaints == []


def borrow(stage: Stage, product) -> CreditLine:
    """Apply with consent, review, propose, check, accept, sign."""
    page = stage.open("owner", "product_list")
    page.click(f"a[href^='{reverse('finance:application_create', args=[product.pk])}']")
    press(page, page.locator("main form"), amount=1_000_000, days=180, use="采购铸件")
    application = Application.objects.get()
    stage.send("owner", "application_submit", application.pk, gives_consent=True)

    stage.open("maker", "bank_queue")
    stage.open("maker", "bank_application", application.pk)
    stage.send("maker", "application_take", application.pk)
    stage.open("maker", "bank_application", application.pk)
    page = stage.pages["maker"]
    page.locator("[name=outcome][value=approve]").check(force=True)
    stage.send("maker", "application_propose", application.pk)

    stage.open("checker", "bank_application", application.pk)
    stage.send("checker", "application_confirm", application.pk)

    stage.open("owner", "application_detail", application.pk)
    stage.send("owner", "application_accept", application.pk, agrees=True)
    stage.open("checker", "bank_application", application.pk)
    stage.send("checker", "application_countersign", application.pk)
    return CreditLine.objects.get(application=application)


def order_together(stage: Stage, firm, line: CreditLine, cast, now) -> Reservation:
    """Promise the firm's part of a collective purchase on its line, and let the organiser order for all."""
    pool, _organiser, _rows = pool_of([300, 100], members=[firm], now=now)
    MembershipFactory(organisation=pool.organiser, user=cast["organiser"])
    page = stage.open("owner", "pool_credit", pool.pk)
    press(page, page.locator("main form").first)
    offer = supplier_offers(pool, cast["organiser"], quantity=400, now=now)
    page = stage.open("organiser", "pool_order_credit", pool.pk, offer.pk)
    press(page, page.locator("main form"))
    assert PurchasePool.objects.get().status == PurchasePool.Status.ORDERED
    kept = Reservation.objects.select_related("order__buyer", "order__seller")
    return kept.get(line=line, status=Reservation.Status.HELD)


def draw(stage: Stage, line: CreditLine, kept: Reservation) -> Drawdown:
    """Ask for what was kept, propose, approve, and record with a second person that the supplier was paid."""
    page = stage.open("owner", "line_draw", line.pk, query=f"?reservation={kept.pk}")
    press(page, page.locator("main form"))
    drawdown = Drawdown.objects.get()
    stage.open("maker", "loan_detail", drawdown.pk)
    stage.send("maker", "drawdown_propose", drawdown.pk)
    stage.open("checker", "loan_detail", drawdown.pk)
    stage.send("checker", "drawdown_approve", drawdown.pk)
    act = OfflineAct.objects.get(drawdown=drawdown)
    said = {"reference": "STZF-1", "occurred_on": timezone.localdate().isoformat(), "amount": drawdown.amount}
    stage.open("maker", "act_detail", act.pk)
    stage.send("maker", "act_record", act.pk, **said)
    stage.open("checker", "act_detail", act.pk)
    stage.send("checker", "act_confirm", act.pk)
    return Drawdown.objects.select_related("payee").get()


def repay(stage: Stage, drawdown: Drawdown) -> None:
    """Record all that is owed as repaid early, and confirm it by a second person."""
    today = timezone.localdate()
    said = {"amount": owed_at(drawdown, today)["to_end"], "paid_on": today.isoformat(), "reference": "HK-1"}
    stage.open("maker", "loan_detail", drawdown.pk)
    stage.send("maker", "repayment_record", drawdown.pk, **said, is_early=True)
    repayment = Repayment.objects.get()
    stage.open("checker", "loan_detail", drawdown.pk)
    stage.send("checker", "repayment_confirm", repayment.pk)
    stage.open("owner", "loan_detail", drawdown.pk)
