"""The API of products, applications and decisions: the same rules as the pages."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from finance.models import Application, Authority, CreditProduct, Decision
from tests.factories import OrganisationFactory
from tests.factories_application import AuthorityFactory, member, scene

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/finance/"
Status = Application.Status


@pytest.fixture
def made():
    return scene(timezone.now())


@pytest.fixture
def api():
    cache.clear()

    def api(user):
        client = APIClient(headers={"Accept-Language": "en"})
        client.force_authenticate(user)
        return client

    return api


def act(made, api, application, user, name, **said):
    application.refresh_from_db()
    return api(user).post(f"{ROOT}applications/{application.pk}/{name}/", {"version": application.version, **said})


def test_application_lives_its_whole_life_over_the_api(made, api):
    answer = api(made.trader).post(
        f"{ROOT}applications/",
        {
            "firm": made.firm.pk,
            "product": made.product.pk,
            "amount": "2000000",
            "days": 180,
            "repayment": "bullet",
            "use": "铜棒",
        },
    )
    assert answer.status_code == 201, answer.data
    application = Application.objects.get(pk=answer.data["id"])
    until = made.now + dt.timedelta(days=90)
    for user, name, said in (
        (made.owner, "submit", {"consent_until": until.isoformat()}),
        (made.maker, "take", {}),
        (made.maker, "note", {"text": "老客户"}),
        (made.maker, "ask", {"text": "流水？"}),
        (made.trader, "answer", {"text": "附上"}),
        (made.maker, "propose", {"outcome": "approve", "amount": "2000000", "days": 180, "rate_bp": 420}),
        (made.checker, "send-back", {"reason": "期限"}),
        (made.maker, "propose", {"outcome": "approve", "amount": "2000000", "days": 90, "rate_bp": 420}),
        (made.checker, "confirm", {}),
        (made.owner, "accept", {}),
        (made.checker, "sign", {}),
    ):
        answer = act(made, api, application, user, name, **said)
        assert answer.status_code in (200, 201), (name, answer.data)

    application.refresh_from_db()
    assert application.status == Status.ACTIVE
    shown = api(made.trader).get(f"{ROOT}applications/{application.pk}/").data
    assert shown["decision"]["rate_bp"] == 420
    assert "noted" not in [event["kind"] for event in shown["events"]]
    assert "noted" in [
        event["kind"] for event in api(made.maker).get(f"{ROOT}applications/{application.pk}/").data["events"]
    ]


def test_application_refuses_the_maker_as_checker(made, api):
    application = made.propose().application
    made.maker.memberships.update(role="checker")
    AuthorityFactory(bank=made.bank, user=made.maker, given_at=made.now)

    answer = act(made, api, application, made.maker, "confirm")

    assert (answer.status_code, answer.data["code"]) == (409, "maker_may_not_check")


def test_application_refuses_a_superuser_as_checker(made, api):
    application = made.propose().application
    made.maker.is_superuser = made.maker.is_staff = True
    made.maker.save()

    assert act(made, api, application, made.maker, "confirm").status_code == 409


def test_application_refuses_a_version_that_has_changed(made, api):
    application = made.propose().application
    application.refresh_from_db()
    said = {"version": application.version - 1}

    answer = api(made.checker).post(f"{ROOT}applications/{application.pk}/confirm/", said)

    assert (answer.status_code, answer.data["code"]) == (409, "application_changed")


def test_application_of_others_is_not_found(made, api):
    application = made.submit()
    stranger = member(OrganisationFactory(), "owner")

    assert api(stranger).get(f"{ROOT}applications/{application.pk}/").status_code == 404
    assert act(made, api, application, stranger, "withdraw").status_code == 404


def test_application_draft_is_hidden_from_the_bank(made, api):
    application = made.begin()

    assert api(made.maker).get(f"{ROOT}applications/{application.pk}/").status_code == 404


def test_application_confirm_many_answers_each(made, api):
    application = made.propose().application
    application.refresh_from_db()
    items = [{"application": application.pk, "version": application.version}]

    refused = api(made.maker).post(f"{ROOT}applications/confirm/", {"items": items}, format="json")
    done = api(made.checker).post(f"{ROOT}applications/confirm/", {"items": items}, format="json")

    assert [row["code"] for row in refused.data] == ["only_members_may"]
    assert [row["verdict"] for row in done.data] == ["confirmed"]


def test_application_created_twice_with_one_key_is_one(made, api):
    client = api(made.trader)
    said = {
        "firm": made.firm.pk,
        "product": made.product.pk,
        "amount": "2000000",
        "days": 180,
        "repayment": "bullet",
        "use": "铜棒",
    }

    answers = [
        client.post(f"{ROOT}applications/", said, headers={"Idempotency-Key": "a"}).data["id"] for _time in range(2)
    ]

    assert len(set(answers)) == 1


def test_application_review_shows_the_rules_and_the_score(made, api):
    application = made.take()

    answer = api(made.maker).get(f"{ROOT}applications/{application.pk}/review/")

    assert (answer.data["recommended"], answer.data["score"], answer.data["rate_bp"]) == ("approve", 640, 420)


def test_decision_replay_says_whether_it_is_intact(made, api):
    made.confirm()

    answer = api(made.checker).get(f"{ROOT}decisions/{Decision.objects.get().pk}/")

    assert (answer.data["is_intact"], answer.data["decision"]["kind"]) == (True, "approve")


def test_decision_names_an_override_as_one(api):
    made = scene(timezone.now(), score=590)
    application = made.take()

    answer = act(
        made,
        api,
        application,
        made.maker,
        "propose",
        outcome="approve",
        amount="2000000",
        days=180,
        rate_bp=420,
        override_reason="known_customer",
        override_text="十年往来",
    )

    assert answer.data["kind"] == "override_up"


def product_said(**changes):
    return {
        "code": "P-9",
        "name_zh": "订单贷",
        "min_amount": "100000",
        "max_amount": "300000",
        "repayment_methods": ["bullet"],
        "spread_bp": {"A": 40},
        "eligibility": {"min_score": 600, "regions": ["33"]},
        "offered_from": str(timezone.localdate()),
        **changes,
    }


def test_products_are_made_changed_and_closed_by_the_owner(made, api):
    client = api(made.bank_owner)
    answer = client.post(f"{ROOT}products/", product_said(bank=made.bank.pk), format="json")
    assert answer.status_code == 201, answer.data
    address = f"{ROOT}products/{answer.data['id']}/"

    changed = client.put(address, product_said(name_zh="改名"), format="json")
    closed = client.post(f"{address}open/", {"is_open": False})

    assert (changed.data["name_zh"], closed.data["is_open"]) == ("改名", False)
    assert api(made.trader).get(address).status_code == 404


def test_products_of_a_bank_are_not_made_by_its_maker(made, api):
    answer = api(made.maker).post(f"{ROOT}products/", product_said(bank=made.bank.pk), format="json")

    assert answer.status_code == 409
    assert not CreditProduct.objects.filter(code="P-9").exists()


def test_products_name_what_cannot_be(made, api):
    said = product_said(bank=made.bank.pk, max_amount="1", eligibility={"min_score": 9999})

    answer = api(made.bank_owner).post(f"{ROOT}products/", said, format="json")

    assert answer.status_code == 400
    assert set(answer.data["errors"]) == {"max_amount", "eligibility.min_score"}


def test_offers_say_what_fits_a_firm(made, api):
    answer = api(made.trader).get(f"{ROOT}offers/?firm={made.firm.pk}")

    assert [(offer["fits"], offer["rate_bp"]) for offer in answer.data] == [(True, 420)]


def test_offers_for_a_firm_of_others_are_not_found(made, api):
    assert api(made.maker).get(f"{ROOT}offers/?firm={made.firm.pk}").status_code == 404


def test_authorities_are_given_and_ended_by_the_owner(made, api):
    client = api(made.bank_owner)
    said = {"bank": made.bank.pk, "user": made.checker.username, "up_to_amount": "9000000"}
    given = client.post(f"{ROOT}authorities/", said)
    ended = client.post(f"{ROOT}authorities/{given.data['id']}/end/")

    assert (given.status_code, ended.data["ended_at"] is not None) == (201, True)
    assert not Authority.objects.filter(ended_at=None).exists()
    assert api(made.checker).post(f"{ROOT}authorities/", said).status_code == 409
