import datetime as dt

import pytest
from django.urls import reverse

from finance.models import Claim, CoverQuote, EarlyWarning, Guarantee, Partnership, Purpose, RecordRead, WarningRun
from finance.services import claims, covers
from tests.factories import UserFactory
from tests.factories_assessment import AssessmentFactory
from tests.factories_consent import ConsentFactory, TransactionRecordFactory
from tests.factories_cover import GuarantorFactory, PartnershipFactory, cover_scene, paper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
DAY = dt.timedelta(days=1)
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def scene(now):
    return cover_scene(now)


def open_page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"finance:{name}", args=args), query, headers=ENGLISH)


def send(client, user, name, *args, **said):
    client.force_login(user)
    return client.post(reverse(f"finance:{name}", args=args), said, headers=ENGLISH)


def prepared(scene, now):
    guarantee = scene.active()
    said = {"amount": "400000", "note": "Unpaid since January"}
    loan = scene.loan(overdue_days=40)
    return claims.prepare_claim(guarantee=guarantee, drawdown=loan, said=said, by=scene.maker, now=now)


def test_whole_cover_goes_by_the_pages(client, scene, now):
    """Partnership, request, quote, release, acceptance, letter: six people's clicks on two sides."""
    terms = {
        "bank": scene.bank.pk,
        "partner": scene.partner.pk,
        "share_percent": "70",
        "cap": "5000000",
        "premium_payer": "bank",
        "waiting_days": "30",
        "claim_days": "180",
        "valid_from": "2026-03-01",
        "valid_until": "2027-03-01",
    }
    assert send(client, scene.maker, "partnership_create", **terms).status_code == 302
    made = Partnership.objects.exclude(pk=scene.partnership.pk).get()
    send(client, scene.checker, "partnership_act", made.pk, "sign-for-bank")
    send(client, scene.releaser, "partnership_act", made.pk, "sign")
    made.refresh_from_db()
    assert made.status == Partnership.Status.ACTIVE

    url = f"{reverse('finance:quote_create')}?application={scene.application.pk}"
    client.force_login(scene.maker)
    assert b"Ask the partner" in client.get(url, headers=ENGLISH).content
    asked = {"partnership": made.pk, "amount": "1000000", "days": "180"}
    assert client.post(url, asked).status_code == 302
    quote = CoverQuote.objects.get()
    said = {"share_percent": "70", "premium_bp": "120", "valid_until": "2026-06-01"}
    assert send(client, scene.writer, "quote_draft", quote.pk, **said).status_code == 302
    assert send(client, scene.releaser, "quote_act", quote.pk, "release").status_code == 302
    assert send(client, scene.checker, "quote_act", quote.pk, "accept").status_code == 302
    guarantee = Guarantee.objects.get()

    act = guarantee.offline_acts.get()
    letter = {"reference": "BH-1", "occurred_on": "2026-03-02", "file": paper()}
    assert send(client, scene.writer, "act_record", act.pk, **letter).status_code == 302
    assert send(client, scene.checker, "act_confirm", act.pk).status_code == 302
    guarantee.refresh_from_db()
    assert guarantee.status == Guarantee.Status.ISSUED


def test_whole_claim_goes_by_the_pages(client, scene, now):
    guarantee = scene.active()
    loan = scene.loan(overdue_days=40)
    assert open_page(client, scene.maker, "claim_create", guarantee.pk, loan.pk).status_code == 200
    send(client, scene.maker, "claim_create", guarantee.pk, loan.pk, amount="400000", note="Unpaid")
    claim = Claim.objects.get()
    send(client, scene.checker, "claim_act", claim.pk, "file")
    send(client, scene.writer, "claim_act", claim.pk, "ask", reason="The contract")
    send(client, scene.maker, "claim_documents", claim.pk, note="Here", files=paper())
    send(client, scene.writer, "claim_answer", claim.pk, accepted_amount="400000")
    send(client, scene.releaser, "claim_act", claim.pk, "decide")
    act = claim.offline_acts.get()
    send(client, scene.writer, "act_record", act.pk, reference="DC-1", occurred_on="2026-03-02", amount="400000")
    send(client, scene.checker, "act_confirm", act.pk)
    send(client, scene.maker, "recovery_create", claim.pk, amount="1000", reference="ZS", received_on="2026-03-02")
    send(client, scene.checker, "recovery_confirm", claim.recoveries.get().pk)

    claim.refresh_from_db()
    assert (claim.status, claim.recovered) == (Claim.Status.PAID, 800)
    for user in (scene.maker, scene.checker, scene.writer, scene.releaser):
        assert open_page(client, user, "claim_detail", claim.pk).status_code == 200


@pytest.mark.parametrize("name", ["partnership_list", "partner_quotes", "partner_covers", "claim_list", "bank_acts"])
def test_lists_are_for_banks_and_partners(client, scene, name):
    for user in (scene.maker, scene.writer):
        assert open_page(client, user, name).status_code == 200
    assert open_page(client, scene.owner, name).status_code == 404


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("partnership_detail", lambda scene: scene.partnership),
        ("quote_detail", lambda scene: CoverQuote.objects.get()),
        ("guarantee_detail", lambda scene: Guarantee.objects.get()),
        ("claim_detail", lambda scene: Claim.objects.get()),
        ("act_detail", lambda scene: Guarantee.objects.get().offline_acts.get()),
    ],
)
def test_pages_are_closed_to_strangers(client, scene, now, name, of):
    prepared(scene, now)
    stranger = UserFactory()
    GuarantorFactory(members=[stranger])

    assert open_page(client, scene.maker, name, of(scene).pk).status_code == 200
    assert open_page(client, stranger, name, of(scene).pk).status_code == 404


def test_claim_in_preparation_is_closed_to_the_partner(client, scene, now):
    claim = prepared(scene, now)

    assert open_page(client, scene.writer, "claim_detail", claim.pk).status_code == 404


def test_acts_of_others_are_closed_to_strangers(client, scene, now):
    claim = prepared(scene, now)
    stranger = UserFactory()
    GuarantorFactory(members=[stranger])

    for name, args in (
        ("partnership_act", (scene.partnership.pk, "end")),
        ("quote_act", (CoverQuote.objects.get().pk, "accept")),
        ("guarantee_release", (Guarantee.objects.get().pk,)),
        ("claim_act", (claim.pk, "file")),
        ("claim_answer", (claim.pk,)),
        ("act_confirm", (Guarantee.objects.get().offline_acts.get().pk,)),
    ):
        assert send(client, stranger, name, *args).status_code == 404


def test_quote_shows_the_partner_only_what_the_firm_consented_to(client, scene, now):
    AssessmentFactory(organisation=scene.firm, score=640, as_of=now - DAY)
    TransactionRecordFactory(organisation=scene.firm, net_amount=123456, tax_amount=0, total_amount=123456)
    scene.firm.consents_given.update(groups=["score"])
    quote = scene.request()

    page = open_page(client, scene.writer, "quote_detail", quote.pk).content.decode()

    assert "640" in page
    assert "123,456" not in page
    read = RecordRead.objects.get()
    assert (read.group, read.purpose, read.subject) == ("score", Purpose.COVER, quote.number)


def test_quote_shows_nothing_once_the_consent_is_withdrawn(client, scene, now):
    AssessmentFactory(organisation=scene.firm, score=640, as_of=now - DAY)
    quote = scene.request()
    scene.firm.consents_given.update(withdrawn_at=now, withdrawn_by=scene.owner)

    page = open_page(client, scene.writer, "quote_detail", quote.pk)

    assert page.status_code == 200
    assert "640" not in page.content.decode()
    assert not RecordRead.objects.exists()


def test_quote_in_draft_is_unknown_to_the_bank(client, scene):
    quote = scene.draft(conditions="Pledge the lathe")

    assert "Pledge the lathe" not in open_page(client, scene.maker, "quote_detail", quote.pk).content.decode()
    assert "Pledge the lathe" in open_page(client, scene.releaser, "quote_detail", quote.pk).content.decode()
    answer = client.get("/api/v1/finance/quotes/").json()["results"][0]
    assert answer["conditions"] is None


def test_covers_show_exposure_and_warnings_that_may_be_known(client, scene, now):
    guarantee = scene.active()
    scene.loan(amount=500_000)
    run = WarningRun.objects.create(bank=scene.bank, day=now.date(), requested_at=now)
    for kind, group in (("overdue", ""), ("sales_drop", "sales")):
        EarlyWarning.objects.create(
            bank=scene.bank,
            firm=scene.firm,
            line=guarantee.line,
            run=run,
            kind=kind,
            group=group,
            severity="serious",
            evidence={"zh": f"seen {kind}", "en": f"seen {kind}"},
            opened_at=now,
            seen_at=now,
            act_by=now + DAY,
        )
    scene.firm.consents_given.update(groups=["score"])

    page = open_page(client, scene.writer, "guarantee_detail", guarantee.pk).content.decode()

    assert "400,000.00" in page
    assert "seen overdue" in page
    assert "seen sales_drop" not in page


def test_firm_sees_that_it_is_covered_and_no_claims(client, scene, now):
    claim = prepared(scene, now)

    page = open_page(client, scene.owner, "guarantee_detail", claim.guarantee_id)

    assert page.status_code == 200
    assert claim.number not in page.content.decode()


def test_quote_form_that_is_refused_comes_back(client, scene):
    quote = scene.request()

    answer = send(
        client, scene.writer, "quote_draft", quote.pk, share_percent="99", premium_bp="1", valid_until="2026-06-01"
    )

    assert answer.status_code == 422
    assert "at most 80" in answer.content.decode()


def test_act_unknown_is_not_found(client, scene):
    quote = scene.request()

    assert send(client, scene.writer, "quote_act", quote.pk, "explode").status_code == 404
    assert send(client, scene.maker, "partnership_act", scene.partnership.pk, "explode").status_code == 404


def test_rule_broken_is_a_conflict(client, scene):
    quote = scene.release()

    assert send(client, scene.maker, "quote_act", quote.pk, "accept").status_code == 409


@pytest.mark.parametrize("name", ["partnership_list", "partner_quotes", "partner_covers", "claim_list", "bank_acts"])
def test_lists_ask_as_often_for_three_rows_as_for_one(client, scene, now, count_queries, name):
    first = prepared(scene, now)
    client.force_login(scene.maker)
    path = f"{reverse(f'finance:{name}')}?show=all"
    if name == "bank_acts":
        path = f"{reverse('finance:bank_acts')}?show=done"
    one = count_queries(path)
    for _number in range(2):
        more = cover_scene(now)
        for org in (more.bank, more.partner):
            org.memberships.all().delete()
        more.bank.memberships.create(user=scene.maker, role="maker", created_at=now)
        more.bank.memberships.create(user=scene.checker, role="checker", created_at=now)
        more.partner.memberships.create(user=scene.writer, role="maker", created_at=now)
        more.partner.memberships.create(user=scene.releaser, role="checker", created_at=now)
        more.maker, more.checker, more.writer, more.releaser = scene.maker, scene.checker, scene.writer, scene.releaser
        prepared(more, now)

    assert first is not None
    assert count_queries(path) == one


# The API


def test_api_walks_a_cover_and_a_claim(client, scene, now):
    base = "/api/v1/finance"

    def call(user, path, **said):
        client.force_login(user)
        return client.post(f"{base}{path}", said, content_type="application/json")

    asked = {"partnership": scene.partnership.pk, "application": scene.application.pk, "amount": "1000000", "days": 180}
    quote = call(scene.maker, "/quotes/", **asked).json()["id"]
    assert call(scene.maker, f"/quotes/{quote}/quote/", share_percent="80").status_code == 404
    call(scene.writer, f"/quotes/{quote}/quote/", share_percent="80", premium_bp=100, valid_until="2026-06-01")
    assert call(scene.releaser, f"/quotes/{quote}/release/").json()["status"] == "released"
    assert call(scene.maker, f"/quotes/{quote}/accept/").status_code == 409
    scene.line()
    guarantee = call(scene.checker, f"/quotes/{quote}/accept/").json()["guarantee"]
    act = client.get(f"{base}/acts/?kind=guarantee_issued").json()["results"][0]["id"]
    client.force_login(scene.writer)
    letter = {"reference": "BH-1", "occurred_on": "2026-03-02", "file": paper()}
    assert client.post(f"{base}/acts/{act}/record/", letter).json()["status"] == "recorded"
    assert call(scene.checker, f"/acts/{act}/confirm/").json()["status"] == "confirmed"
    assert client.get(f"{base}/guarantees/{guarantee}/").json()["status"] == "active"

    loan = scene.loan(overdue_days=40)
    claim = call(scene.maker, "/claims/", guarantee=guarantee, drawdown=loan.pk, amount="400000").json()["id"]
    assert call(scene.checker, f"/claims/{claim}/file/").json()["status"] == "notified"
    answer = call(scene.writer, f"/claims/{claim}/answer/", refusal_reason="evidence", answer="No contract").json()
    assert (answer["status"], answer["answer"]) == ("proposed", "")
    assert call(scene.releaser, f"/claims/{claim}/decide/").json()["answer"] == "No contract"


def test_api_shows_strangers_nothing(client, scene, now):
    prepared(scene, now)
    client.force_login(scene.owner)

    for path in ("partnerships", "quotes", "claims", "acts", "bank-files", "breaks"):
        assert client.get(f"/api/v1/finance/{path}/").json()["results"] == []
    assert client.get(f"/api/v1/finance/claims/{Claim.objects.get().pk}/").status_code == 404


def test_api_cover_is_for_an_application_or_a_line(client, scene):
    client.force_login(scene.maker)

    answer = client.post("/api/v1/finance/quotes/", {"partnership": scene.partnership.pk, "amount": "1", "days": 1})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["application"])


def test_partnership_of_another_partner_is_hidden(client, scene):
    other = PartnershipFactory(bank=scene.bank)

    assert open_page(client, scene.writer, "partnership_detail", other.pk).status_code == 404
    assert open_page(client, scene.maker, "partnership_detail", other.pk).status_code == 200


def test_consent_of_another_purpose_opens_nothing(scene, now):
    scene.firm.consents_given.all().delete()
    ConsentFactory(firm=scene.firm, reader=scene.partner, purpose=Purpose.REVIEW)

    with pytest.raises(covers.PartnerMayNotRead):
        scene.request()
