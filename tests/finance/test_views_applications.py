"""Pages of products, applications, the bank's queue and decisions."""

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from finance.models import Application, Authority, Consent, CreditProduct, RecordRead
from finance.services import reviews
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_application import ApplicationFactory, CreditProductFactory, member, scene

pytestmark = pytest.mark.django_db
Status = Application.Status


def page(name, *args):
    return reverse(f"finance:{name}", args=args)


@pytest.fixture
def real_now():
    """Return the moment itself: pages read the clock."""
    return timezone.now()


@pytest.fixture
def made(real_now):
    return scene(real_now)


@pytest.fixture
def enter(client):
    def enter(user):
        user.language = "en"
        user.save(update_fields=["language"])
        client.force_login(user)
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
        return client

    return enter


def text(response):
    return response.content.decode()


def test_product_list_shows_what_fits_first(made, enter):
    dear = CreditProductFactory(bank=made.bank, name_en="Far credit", eligibility={"min_score": 700})

    response = enter(made.trader).get(page("product_list"))

    offers = response.context["offers"]
    assert [(offer.product, offer.fits) for offer in offers] == [(made.product, True), (dear, False)]
    assert [ground.en for ground in offers[1].missing] == ["Score 640, 700 needed: 60 points are missing"]
    assert offers[0].price.rate_bp == 420
    assert "4.20 %" in text(response)


def test_product_list_is_nothing_for_a_bank(made, enter):
    assert enter(made.maker).get(page("product_list")).status_code == 404


def test_product_list_asks_the_same_number_of_queries_for_one_and_three(made, enter, count_queries):
    enter(made.trader)
    one = count_queries(page("product_list"))
    CreditProductFactory.create_batch(2, bank=made.bank)

    assert count_queries(page("product_list")) == one


def test_bank_products_are_the_banks(made, enter):
    CreditProductFactory()

    response = enter(made.maker).get(page("bank_products"))

    assert list(response.context["products"]) == [made.product]


def test_bank_products_of_a_stranger_are_not_found(enter):
    assert enter(UserFactory()).get(page("bank_products")).status_code == 404


def product_said(**changes):
    return {
        "code": "P-1",
        "name_zh": "订单贷",
        "kind": "order_finance",
        "min_amount": "100000",
        "max_amount": "3000000",
        "min_days": "30",
        "max_days": "180",
        "repayment_methods": ["bullet"],
        "base_rate_bp": "300",
        "guarantee_discount_bp": "20",
        "penalty_bp": "50",
        "signing": "electronic",
        "consent_groups": ["score", "sales"],
        "grade_0_name": "A",
        "grade_0_bp": "50",
        "eligibility_min_score": "620",
        "eligibility_regions": "33，3205",
        "offered_from": str(timezone.localdate()),
        **changes,
    }


def test_product_create_adds_to_the_catalogue(made, enter):
    response = enter(made.bank_owner).post(page("product_create"), product_said(bank=made.bank.pk))

    assert response.status_code == 302, response.context["form"].errors
    product = CreditProduct.objects.get(code="P-1")
    assert product.eligibility == {"min_score": 620, "regions": ["33", "3205"]}
    assert product.spread_bp == {"A": 50}


def test_product_create_names_bad_fields(made, enter):
    said = product_said(bank=made.bank.pk, max_amount="1", grade_0_bp="", eligibility_min_score="9999")

    response = enter(made.bank_owner).post(page("product_create"), said)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"max_amount", "grade_0_bp", "eligibility_min_score"}


def test_product_create_is_for_owners(made, enter):
    assert enter(made.maker).get(page("product_create")).status_code == 404


def test_product_edit_changes_it(made, enter):
    client = enter(made.bank_owner)
    assert client.get(page("product_edit", made.product.pk)).status_code == 200

    client.post(page("product_edit", made.product.pk), product_said(name_zh="改名"))

    made.product.refresh_from_db()
    assert made.product.name_zh == "改名"


def test_product_edit_of_another_bank_is_not_found(made, enter):
    assert enter(made.bank_owner).get(page("product_edit", CreditProductFactory().pk)).status_code == 404


def test_product_open_closes_it(made, enter):
    enter(made.bank_owner).post(page("product_open", made.product.pk), {"open": "no"})

    made.product.refresh_from_db()
    assert made.product.is_open is False


def test_authority_list_gives_and_authority_end_takes_back(made, enter):
    client = enter(made.bank_owner)
    said = {"user": made.checker.pk, "up_to_amount": "3000000", "jointly_up_to": "", "may_override": "on"}
    assert client.post(page("authority_list"), said).status_code == 302

    standing = Authority.objects.get(ended_at=None)
    client.post(page("authority_end", standing.pk))

    assert not Authority.objects.filter(ended_at=None).exists()
    assert client.get(page("authority_list")).status_code == 200


def test_authority_list_is_read_only_for_a_checker(made, enter):
    client = enter(made.checker)

    response = client.post(page("authority_list"), {"user": made.checker.pk, "up_to_amount": "9"})

    assert response.status_code == 409
    assert Authority.objects.count() == 1


def test_authority_end_by_a_checker_is_not_found(made, enter):
    assert enter(made.checker).post(page("authority_end", Authority.objects.get().pk)).status_code == 404


def test_application_goes_from_the_offer_to_the_bank(made, enter):
    client = enter(made.owner)
    address = page("application_create", made.product.pk)
    assert client.get(address).status_code == 200
    said = {"amount": "2000000", "days": "180", "repayment": "bullet", "use": "采购铜棒"}
    client.post(address, said)
    application = Application.objects.get()
    assert client.get(page("application_detail", application.pk)).status_code == 200

    client.post(
        page("application_submit", application.pk),
        {"version": application.version, "gives_consent": "on", "consent_days": "90", "groups": ["counterparties"]},
    )

    application.refresh_from_db()
    assert application.status == Status.SUBMITTED
    assert "counterparties" in Consent.objects.get().groups


def test_application_create_names_bad_fields(made, enter):
    said = {"amount": "1", "days": "180", "repayment": "bullet", "use": "x"}

    response = enter(made.trader).post(page("application_create", made.product.pk), said)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"amount"}


def test_application_submit_without_consent_is_shown_as_refused(made, enter):
    application = made.begin()

    response = enter(made.trader).post(page("application_submit", application.pk), {"version": application.version})

    assert response.status_code == 409


def test_application_edit_changes_a_draft(made, enter):
    application = made.begin()
    client = enter(made.trader)
    assert client.get(page("application_edit", application.pk)).status_code == 200

    client.post(
        page("application_edit", application.pk),
        {"amount": "900000", "days": "90", "repayment": "annuity", "use": "铜"},
    )

    application.refresh_from_db()
    assert (application.amount, application.days) == (900_000, 90)


def test_application_answer_and_documents_reach_the_bank(made, enter):
    application = reviews.ask_more(application=made.take(), text="？", by=made.maker, now=made.now)
    client = enter(made.trader)
    client.post(page("application_documents", application.pk), {"files": SimpleUploadedFile("执照.txt", "证".encode())})
    client.post(
        page("application_answer", application.pk),
        {"text": "附上", "version": application.version, "files": SimpleUploadedFile("流水.txt", "单".encode())},
    )

    application.refresh_from_db()
    assert application.status == Status.IN_REVIEW
    document = application.documents.order_by("pk").last()
    response = enter(made.maker).get(page("application_document", application.pk, document.pk))
    assert b"".join(response.streaming_content).decode() == "单"
    assert RecordRead.objects.filter(group="documents", by=made.maker).exists()


def test_application_document_is_closed_when_consent_is_withdrawn(made, enter):
    application = made.submit()
    enter(made.trader).post(
        page("application_documents", application.pk), {"files": SimpleUploadedFile("执照.txt", "证".encode())}
    )
    Consent.objects.update(withdrawn_at=made.now, withdrawn_by=made.owner)

    response = enter(made.maker).get(page("application_document", application.pk, application.documents.get().pk))

    assert response.status_code == 409


def test_application_withdraw_ends_it(made, enter):
    application = made.submit()

    enter(made.trader).post(page("application_withdraw", application.pk), {"reason": "不需要了"})

    application.refresh_from_db()
    assert (application.status, application.end_reason) == (Status.WITHDRAWN, "不需要了")


def test_application_accept_signs(made, enter):
    application = made.confirm()
    client = enter(made.owner)
    assert "4.20 %" in text(client.get(page("application_detail", application.pk)))

    client.post(page("application_accept", application.pk), {"version": application.version, "agrees": "on"})

    application.refresh_from_db()
    assert application.status == Status.AGREED


@pytest.mark.parametrize("name", ["application_detail", "application_edit"])
def test_application_pages_of_a_stranger_are_not_found(made, enter, name):
    application = made.submit()

    assert enter(member(OrganisationFactory(), "owner")).get(page(name, application.pk)).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "application_take",
        "application_take_over",
        "application_ask",
        "application_note",
        "application_propose",
        "application_confirm",
        "application_send_back",
        "application_countersign",
    ],
)
def test_bank_acts_of_another_bank_are_not_found(made, enter, name):
    application = made.submit()
    other = scene(made.now)

    assert enter(other.maker).post(page(name, application.pk)).status_code == 404


def test_application_list_asks_the_same_number_of_queries_for_one_and_three(made, enter, count_queries):
    ApplicationFactory(firm=made.firm, product=made.product)
    enter(made.trader)
    one = count_queries(page("application_list"))
    for _number in range(2):
        ApplicationFactory(firm=made.firm, product=CreditProductFactory(bank=made.bank))

    assert count_queries(page("application_list")) == one


def test_bank_queue_asks_the_same_number_of_queries_for_one_and_three(made, enter, count_queries):
    ApplicationFactory(product=made.product, status="submitted")
    enter(made.maker)
    one = count_queries(page("bank_queue"))
    ApplicationFactory.create_batch(2, product=made.product, status="submitted")

    assert count_queries(page("bank_queue")) == one


def test_bank_queue_narrows_and_counts(made, enter):
    late = ApplicationFactory(
        product=made.product, status="submitted", act_by=made.now - dt.timedelta(days=1), firm__name_en="Copper Ltd"
    )
    ApplicationFactory(product=made.product, status="in_review", maker=made.maker)
    ApplicationFactory(product=made.product, status="draft")
    client = enter(made.maker)

    assert client.get(page("bank_queue")).context["counts"] == {
        "waiting": 2,
        "firm": 0,
        "active": 0,
        "over": 0,
        "late": 1,
    }
    assert [row.pk for row, _clock in client.get(page("bank_queue") + "?late=1").context["rows"]] == [late.pk]
    assert [row.pk for row, _clock in client.get(page("bank_queue") + "?q=copper").context["rows"]] == [late.pk]
    assert len(client.get(page("bank_queue") + "?mine=1").context["rows"]) == 1


def test_bank_queue_of_a_firm_is_not_found(made, enter):
    assert enter(made.owner).get(page("bank_queue")).status_code == 404


def test_bank_queue_export_marks_overrides_and_leaves_out_what_is_not_consented(real_now, enter):
    made = scene(real_now, score=590)
    Authority.objects.update(may_override=True)
    made.confirm(made.propose(override_reason="other", override_text="-"))
    client = enter(made.checker)
    address = page("bank_queue_export", "xlsx") + "?status=approved"

    with_score = load_workbook(io.BytesIO(b"".join(client.get(address).streaming_content))).active
    Consent.objects.update(withdrawn_at=made.now, withdrawn_by=made.owner)
    without = load_workbook(io.BytesIO(b"".join(client.get(address).streaming_content))).active

    row, bare = [cell.value for cell in with_score[2]], [cell.value for cell in without[2]]
    assert (row[11], row[12], row[13], row[14]) == (590, "B", "OVERRIDE: Approve", "yes")
    assert (bare[11] or "", bare[12] or "") == ("", "")


def test_bank_queue_export_as_csv_has_a_head_and_a_row(made, enter):
    made.submit()

    lines = b"".join(enter(made.maker).get(page("bank_queue_export", "csv")).streaming_content).decode().splitlines()

    assert len(lines) == 2


def test_bank_application_shows_what_the_firm_lets_the_bank_read(made, enter):
    application = made.take()
    client = enter(made.maker)

    response = client.get(page("bank_application", application.pk))

    assert response.context["page"].assessment.score == 640
    assert {"gauge", "waterfall", "trade"} <= set(response.context["charts"])
    read = RecordRead.objects.filter(by=made.maker)
    assert set(read.values_list("group", flat=True)) >= {"score", "sales", "findings"}


def test_bank_application_shows_nothing_once_consent_is_withdrawn(made, enter):
    application = made.take()
    Consent.objects.update(withdrawn_at=made.now, withdrawn_by=made.owner)

    response = enter(made.maker).get(page("bank_application", application.pk))

    shown = response.context["page"]
    assert (shown.assessment, shown.findings, shown.documents, shown.records.is_empty) == (None, [], [], True)


def test_bank_application_of_another_bank_is_not_found(made, enter):
    application = made.submit()

    assert enter(scene(made.now).maker).get(page("bank_application", application.pk)).status_code == 404


def test_bank_application_is_worked_through_by_two_people(made, enter):
    application = made.submit()

    def post(user, name, **said):
        application.refresh_from_db()
        response = enter(user).post(page(name, application.pk), {"version": application.version, **said})
        assert response.status_code == 302, text(response)

    post(made.maker, "application_take")
    post(made.maker, "application_note", text="老客户")
    post(made.maker, "application_ask", text="流水？")
    post(made.trader, "application_answer", text="附上")
    post(made.maker, "application_propose", outcome="approve", amount="2000000", days="180", rate="4.20")
    assert enter(made.checker).get(page("bank_application", application.pk)).status_code == 200
    post(made.checker, "application_send_back", reason="降期限")
    post(made.maker, "application_propose", outcome="approve", amount="2000000", days="90", rate="4.20")
    post(made.checker, "application_confirm", note="同意")
    post(made.owner, "application_accept", agrees="on")
    assert enter(made.checker).get(page("bank_application", application.pk)).status_code == 200
    post(made.checker, "application_countersign")

    application.refresh_from_db()
    assert application.status == Status.ACTIVE
    assert enter(made.trader).get(page("application_detail", application.pk)).status_code == 200
    assert "老客户" not in text(enter(made.trader).get(page("application_detail", application.pk)))


def test_application_confirm_on_an_older_version_answers_409(made, enter):
    application = made.propose().application
    version = application.version

    response = enter(made.checker).post(page("application_confirm", application.pk), {"version": version - 1})

    assert response.status_code == 409


def test_application_confirm_by_the_maker_answers_409(made, enter):
    application = made.propose().application
    made.maker.memberships.update(role="checker")

    response = enter(made.maker).post(page("application_confirm", application.pk), {"version": application.version})

    assert response.status_code == 409


def test_application_take_over_by_its_holder_answers_409(made, enter):
    application = made.take()

    response = enter(made.maker).post(page("application_take_over", application.pk), {"version": application.version})

    assert response.status_code == 409


def test_decision_replay_shows_model_and_authority(made, enter):
    decision = made.confirm().decisions.get()

    response = enter(made.checker).get(page("decision_replay", decision.pk))

    assert response.status_code == 200
    assert response.context["replay"].is_intact is True


def test_decision_replay_of_another_bank_is_not_found(made, enter):
    decision = made.confirm().decisions.get()

    assert enter(scene(made.now).checker).get(page("decision_replay", decision.pk)).status_code == 404
