"""A bank's pages of its models and their API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from finance.models import CutOffs, PromotionRule, Scorecard, ShadowScore
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, CutOffsFactory, PromotionRuleFactory, ScorecardFactory, card

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def owner():
    return UserFactory(language="en")


@pytest.fixture
def maker(client):
    user = UserFactory(language="en")
    client.force_login(user)
    return user


@pytest.fixture
def checker():
    return UserFactory(language="en")


@pytest.fixture
def bank(owner, maker, checker):
    return OrganisationFactory(kind="bank", members=[owner], members__maker=maker, members__checker=checker)


def page(client, name, /, *args, **query):
    return client.get(reverse(f"finance:{name}", args=args), query, headers=ENGLISH)


def act(client, name, /, *args, **said):
    return client.post(reverse(f"finance:{name}", args=args), said, headers=ENGLISH)


def beside(bank, serving, challenger, *, times=1):
    for _ in range(times):
        one = AssessmentFactory(bank=bank, scorecard=serving, score=700, grade="A", as_of=NOON)
        ShadowScore.objects.create(assessment=one, scorecard=challenger, score=500, probability=0.2, grade="C")


def test_bank_models_of_a_bank_without_its_own_shows_the_platforms(client, bank):
    said = page(client, "bank_models").content.decode()

    assert "none of its own yet" in said
    assert "No lines are drawn" in said


def test_bank_models_shows_what_serves_and_what_waits(client, bank, owner):
    serving = ScorecardFactory(bank=bank, name="Valley")
    CutOffsFactory(bank=bank, scorecard=serving)
    CutOffsFactory(bank=bank, scorecard=serving, confirmed_by=None, confirmed_at=None, why="Losses rose")
    PromotionRuleFactory(scorecard__bank=bank, champion=serving)

    said = page(client, "bank_models").content.decode()

    assert "Valley" in said
    assert "Losses rose" in said
    assert "It ranks better in our own tests" in said


def test_bank_models_asks_as_often_for_three_as_for_one(client, bank, django_assert_max_num_queries):
    serving = ScorecardFactory(bank=bank)
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            challenger = ScorecardFactory(bank=bank, status="shadow")
            PromotionRuleFactory(scorecard=challenger, champion=serving)
            beside(bank, serving, challenger)
            CutOffsFactory(bank=bank, scorecard=challenger, confirmed_by=None, confirmed_at=None)
        page(client, "bank_models")
        with django_assert_max_num_queries(60) as asked:
            page(client, "bank_models")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_pages_of_models_are_not_a_firms(client):
    user = UserFactory()
    OrganisationFactory(members=[user])
    client.force_login(user)
    row = ScorecardFactory()

    answers = [
        page(client, "bank_models"),
        page(client, "bank_models", tenant="platform"),
        page(client, "scorecard_create"),
        page(client, "scorecard_detail", row.pk),
        page(client, "scorecard_download", row.pk),
        act(client, "scorecard_shadow", row.pk),
        act(client, "scorecard_retire", row.pk),
        page(client, "promotion_rule_create", row.pk),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8


def test_another_banks_model_is_not_found(client, bank):
    theirs = ScorecardFactory(bank=OrganisationFactory(kind="bank"))
    lines = CutOffsFactory(scorecard=theirs, bank=theirs.bank, confirmed_by=None, confirmed_at=None)
    rule = PromotionRuleFactory(scorecard__bank=theirs.bank, champion=theirs)

    answers = [
        page(client, "bank_models", tenant=theirs.bank_id),
        page(client, "scorecard_detail", theirs.pk),
        page(client, "cut_offs_create", bank.pk, theirs.pk),
        page(client, "cut_offs_create", theirs.bank_id, theirs.pk),
        act(client, "cut_offs_confirm", lines.pk),
        act(client, "cut_offs_withdraw", lines.pk),
        act(client, "promotion_rule_sign", rule.pk),
        act(client, "promotion_rule_withdraw", rule.pk),
        client.get(f"/api/v1/finance/scorecards/{theirs.pk}/"),
        client.get(f"/api/v1/finance/promotion-rules/{rule.pk}/standing/"),
        client.post(f"/api/v1/finance/cut-offs/{lines.pk}/confirm/"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 11


def test_model_is_handed_in_by_page(client, bank):
    file = SimpleUploadedFile("model.json", json.dumps(card()).encode())

    answer = act(client, "scorecard_create", name="Valley", content=file)

    row = Scorecard.objects.get(bank=bank)
    assert answer.url == reverse("finance:scorecard_detail", args=[row.pk])
    assert (row.name, row.status) == ("Valley", "draft")


def test_model_that_is_none_is_shown_beside_the_form(client, bank):
    answer = act(client, "scorecard_create", name="Valley", content=SimpleUploadedFile("model.json", b"{}"))

    assert answer.status_code == 422
    assert "&#x27;terms&#x27; is a required property" in answer.content.decode()


def test_scorecard_detail_explains_the_model_and_where_it_disagrees(client, bank):
    serving = ScorecardFactory(bank=bank)
    CutOffsFactory(bank=bank, scorecard=serving)
    challenger = ScorecardFactory(bank=bank, status="shadow")
    beside(bank, serving, challenger, times=3)

    said = page(client, "scorecard_detail", challenger.pk).content.decode()

    assert "Cancelled invoices are cancelled deals" in said
    assert "Where it says otherwise" in said
    assert "Would be decided otherwise" in said
    assert "700 A" in said
    assert "500 C" in said


def test_scorecard_detail_of_the_platforms_as_a_bank_meets_it(client, bank):
    platforms = ScorecardFactory()
    own = ScorecardFactory(bank=bank)
    beside(bank, own, platforms)

    said = page(client, "scorecard_detail", platforms.pk, tenant=bank.pk).content.decode()

    assert "700 A" in said


def test_scorecard_download_is_what_was_handed_in(client, bank):
    row = ScorecardFactory(bank=bank)

    answer = page(client, "scorecard_download", row.pk)

    assert (answer.json(), "attachment" in answer["Content-Disposition"]) == (row.content, True)


def test_model_rides_and_retires_by_page(client, bank):
    row = ScorecardFactory(bank=bank, status="draft")

    act(client, "scorecard_shadow", row.pk)
    rides = Scorecard.objects.get(pk=row.pk).status
    act(client, "scorecard_retire", row.pk)

    assert (rides, Scorecard.objects.get(pk=row.pk).status) == ("shadow", "retired")


def test_retiring_what_serves_asks_for_words_and_a_second_person(client, bank, checker):
    row = ScorecardFactory(bank=bank)

    unsaid = act(client, "scorecard_retire", row.pk)
    said = act(client, "scorecard_retire", row.pk, why="It drifts")
    again = act(client, "scorecard_retire", row.pk)
    client.force_login(checker)
    act(client, "scorecard_retire", row.pk)

    assert (unsaid.status_code, said.status_code, again.status_code) == (422, 302, 409)
    assert Scorecard.objects.get(pk=row.pk).status == "retired"


def test_cut_offs_are_proposed_and_confirmed_by_page(client, bank, checker):
    serving = ScorecardFactory()
    form = page(client, "cut_offs_create", bank.pk, serving.pk).content.decode()
    wrong = act(client, "cut_offs_create", bank.pk, serving.pk, approve_from=600, refuse_below=700, why="x")
    act(
        client,
        "cut_offs_create",
        bank.pk,
        serving.pk,
        approve_from=640,
        refuse_below=560,
        why="The board",
        grades="1 0.02\n2 1",
    )
    proposed = CutOffs.objects.get()
    own = act(client, "cut_offs_confirm", proposed.pk)
    client.force_login(checker)
    act(client, "cut_offs_confirm", proposed.pk)

    proposed.refresh_from_db()
    assert "Grades of the model" in form
    assert (wrong.status_code, own.status_code) == (422, 409)
    assert (proposed.confirmed_by, proposed.grades[0]) == (checker, {"grade": "1", "below": 0.02})


def test_grades_that_are_no_lines_are_refused(client, bank):
    serving = ScorecardFactory()

    answer = act(
        client, "cut_offs_create", bank.pk, serving.pk, approve_from=640, refuse_below=560, why="x", grades="one"
    )

    assert (answer.status_code, CutOffs.objects.count()) == (422, 0)


def test_rule_is_made_signed_and_withdrawn_by_page(client, bank, owner, checker):
    ScorecardFactory(made_by=None)
    own = ScorecardFactory(bank=bank, status="shadow", made_by=owner)
    act(client, "promotion_rule_create", own.pk, basis="validation", why="Report 7")
    rule = PromotionRule.objects.get()
    shown = page(client, "scorecard_detail", own.pk).content.decode()
    act(client, "promotion_rule_sign", rule.pk)
    client.force_login(checker)
    act(client, "promotion_rule_sign", rule.pk)
    late = act(client, "promotion_rule_withdraw", rule.pk)

    assert "Report 7" in shown
    assert (Scorecard.objects.get(pk=own.pk).status, late.status_code) == ("serving", 409)


def test_the_models_maker_is_shown_no_way_to_promote_it(client, bank, maker):
    own = ScorecardFactory(bank=bank, status="shadow", made_by=maker)

    said = page(client, "scorecard_detail", own.pk).content.decode()
    refused = act(client, "promotion_rule_create", own.pk, basis="validation", why="Mine is best")

    assert "Make a rule of promotion" not in said
    assert refused.status_code == 409


def test_operator_sees_the_platforms(client):
    client.force_login(UserFactory(is_staff=True, language="en"))

    said = page(client, "bank_models", tenant="platform").content.decode()

    assert "came with the program" in said


# API


def test_api_takes_a_model_in_and_names_what_is_wrong(client, bank):
    said = {"content_type": "application/json"}
    wrong = client.post("/api/v1/finance/scorecards/", {"bank": bank.pk, "name": "V", "content": {}}, **said)
    right = client.post("/api/v1/finance/scorecards/", {"bank": bank.pk, "name": "V", "content": card()}, **said)
    pk = right.json()["id"]
    rides = client.post(f"/api/v1/finance/scorecards/{pk}/shadow/", **said)
    detail = client.get(f"/api/v1/finance/scorecards/{pk}/").json()
    listed = client.get("/api/v1/finance/scorecards/").json()["results"]

    assert (wrong.status_code, right.status_code) == (400, 201)
    assert "$: " in wrong.json()["errors"]["content"][0]
    assert (rides.json()["status"], detail["content"]) == ("shadow", card())
    assert [one["id"] for one in listed] == [pk]


def test_api_retires_a_model(client, bank):
    row = ScorecardFactory(bank=bank)

    answer = client.post(
        f"/api/v1/finance/scorecards/{row.pk}/retire/", {"why": "It drifts"}, content_type="application/json"
    )

    assert (answer.json()["status"], answer.json()["retirement_reason"]) == ("serving", "It drifts")


def test_api_shows_disagreements(client, bank):
    serving, challenger = ScorecardFactory(bank=bank), ScorecardFactory(bank=bank, status="shadow")
    none = client.get(f"/api/v1/finance/scorecards/{challenger.pk}/disagreements/")
    beside(bank, serving, challenger)

    found = client.get(f"/api/v1/finance/scorecards/{challenger.pk}/disagreements/").json()

    assert none.status_code == 204
    assert (found["grades"], found["counts"], found["other_grade"]) == (["A", "C"], [[0, 1], [0, 0]], 1)
    assert found["greatest"][0]["serving_score"] == 700


def test_api_draws_lines_with_four_eyes(client, bank, checker):
    serving = ScorecardFactory()
    said = {"bank": bank.pk, "scorecard": serving.pk, "approve_from": 640, "refuse_below": 560, "why": "x"}
    made = client.post("/api/v1/finance/cut-offs/", said, content_type="application/json").json()
    own = client.post(f"/api/v1/finance/cut-offs/{made['id']}/confirm/")
    client.force_login(checker)
    theirs = client.post(f"/api/v1/finance/cut-offs/{made['id']}/confirm/")
    listed = client.get("/api/v1/finance/cut-offs/").json()["results"]
    late = client.post(f"/api/v1/finance/cut-offs/{made['id']}/withdraw/")

    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    assert (theirs.json()["confirmed_by"], late.status_code) == (checker.username, 409)
    assert [one["id"] for one in listed] == [made["id"]]


def test_api_makes_rules_and_shows_how_they_stand(client, bank, owner):
    serving = ScorecardFactory(bank=bank)
    challenger = ScorecardFactory(bank=bank, status="shadow", made_by=owner)
    said = {
        "scorecard": challenger.pk,
        "metric": "auc",
        "margin": 0.01,
        "minimum_firms": 5,
        "minimum_bad": 2,
        "why": "Ours",
    }
    made = client.post("/api/v1/finance/promotion-rules/", said, content_type="application/json").json()
    standing = client.get(f"/api/v1/finance/promotion-rules/{made['id']}/standing/").json()
    signed = client.post(f"/api/v1/finance/promotion-rules/{made['id']}/sign/")
    listed = client.get("/api/v1/finance/promotion-rules/").json()["results"]
    withdrawn = client.post(f"/api/v1/finance/promotion-rules/{made['id']}/withdraw/")

    assert made["champion"] == serving.pk
    assert (standing["firms"], standing["is_earned"]) == (0, False)
    assert (signed.status_code, signed.json()["code"]) == (409, "promotion_not_earned")
    assert ([one["id"] for one in listed], withdrawn.status_code) == ([made["id"]], 200)
