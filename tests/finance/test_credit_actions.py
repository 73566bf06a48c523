"""Walks every cell of role × state × action through the services themselves."""

import copy
import datetime as dt
import functools
import io
import json
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction

from config.errors import RuleBroken
from finance.models import Agreement, Application, Decision
from finance.services import agreements, applications, decisions, reviews
from finance.services.credit_actions import ACTIONS, MakerMayNotCheck, allowed
from marketplace.models import Attachment, Membership, Organisation
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_application import (
    ApplicationFactory,
    AuthorityFactory,
    BankFactory,
    approval,
    consent,
    member,
    scene,
)

pytestmark = pytest.mark.django_db
D = Decimal
Status = Application.Status

TRADERS = {"owner", "trader"}
AT_BANK = {Status.SUBMITTED, Status.IN_REVIEW, Status.MORE_ASKED, Status.PROPOSED, Status.APPROVED, Status.AGREED}
# Written by hand, not read from the table: who may do it, and in which states.
EXPECTED = {
    "edit": (TRADERS, {Status.DRAFT}),
    "submit": (TRADERS, {Status.DRAFT}),
    "add_documents": (TRADERS, {Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.MORE_ASKED}),
    "answer": (TRADERS, {Status.MORE_ASKED}),
    "withdraw": (TRADERS, (AT_BANK | {Status.DRAFT}) - {Status.AGREED}),
    "accept": ({"owner"}, {Status.APPROVED}),
    "take": ({"maker", "second_maker"}, {Status.SUBMITTED}),
    "take_over": ({"second_maker"}, {Status.IN_REVIEW, Status.MORE_ASKED}),
    "ask_more": ({"maker"}, {Status.IN_REVIEW}),
    "propose": ({"maker"}, {Status.IN_REVIEW}),
    "note": ({"maker", "second_maker", "checker", "bank_owner"}, AT_BANK),
    "confirm": ({"checker"}, {Status.PROPOSED}),
    "send_back": ({"checker"}, {Status.PROPOSED}),
    "countersign": ({"checker"}, {Status.AGREED}),
}


@pytest.fixture
def made(now):
    return scene(now)


@pytest.fixture
def people(made):
    """Return everybody who might try, by what they are."""
    other_bank = BankFactory()
    found = {
        "owner": made.owner,
        "trader": made.trader,
        "firm_viewer": member(made.firm, "viewer"),
        "firm_approver": member(made.firm, "approver"),
        "maker": made.maker,
        "second_maker": member(made.bank, "maker"),
        "checker": made.checker,
        "bank_owner": made.bank_owner,
        "bank_viewer": member(made.bank, "viewer"),
        "stranger": member(OrganisationFactory(), "owner"),
        "other_maker": member(other_bank, "maker"),
        "other_checker": member(other_bank, "checker"),
        "insurer": member(OrganisationFactory(kind=Organisation.Kind.INSURER), "maker"),
        "superuser": UserFactory(is_staff=True, is_superuser=True),
        "maker_of_both": member(made.bank, "maker"),
        "checker_of_both": member(made.bank, "checker"),
    }
    for name in ("maker_of_both", "checker_of_both"):
        MembershipFactory(organisation=made.firm, user=found[name], role="viewer")
    AuthorityFactory(bank=made.bank, user=found["checker_of_both"], given_at=made.now)
    return found


def decision(application, made, **changes):
    fields = {
        "outcome": "approve",
        "amount": D(1_000_000),
        "days": 180,
        "rate_bp": 420,
        "recommended": "approve",
        "version": application.version,
        "maker": made.maker,
        "made_at": made.now,
    }
    return Decision.objects.create(application=application, **(fields | changes))


def at(status, made):
    """Return an application in this state with what belongs to it."""
    application = ApplicationFactory(
        firm=made.firm,
        product=made.product,
        status=status,
        maker=None if status in (Status.DRAFT, Status.SUBMITTED) else made.maker,
        act_by=made.now + dt.timedelta(days=3),
        terms={"eligibility": {}},
    )
    if status == Status.PROPOSED:
        decision(application, made)
    if status in (Status.APPROVED, Status.AGREED, Status.ACTIVE, Status.CLOSED):
        authority = AuthorityFactory(bank=made.bank, given_at=made.now)
        confirmed = decision(
            application,
            made,
            verdict="confirmed",
            checker=made.checker,
            checked_at=made.now,
            authority=authority,
            checked_version=1,
        )
        if status == Status.AGREED:
            content = agreements.contract_of(application, confirmed)
            Agreement.objects.create(
                application=application,
                decision=confirmed,
                signing="electronic",
                content=content,
                sha256="0" * 64,
                firm_signed_by=made.owner,
                firm_signed_at=made.now,
            )
    return application


def attempt(name, application, by, made):
    """Do it through its service."""
    common = {"application": application, "by": by, "now": made.now}
    version = application.version
    request = {"amount": D(500_000), "days": 90, "repayment": "bullet", "use": "铜棒"}
    until = made.now + dt.timedelta(days=90)
    do = {
        "edit": lambda: applications.edit_application(fields=request, **common),
        "submit": lambda: applications.submit_application(consent_until=until if by == made.owner else None, **common),
        "add_documents": lambda: applications.add_documents(attachments=[made.file], **common),
        "answer": lambda: applications.answer_questions(text="附上", **common),
        "withdraw": lambda: applications.withdraw_application(reason="", **common),
        "accept": lambda: agreements.accept_offer(**common),
        "take": lambda: reviews.take_application(**common),
        "take_over": lambda: reviews.take_over(**common),
        "ask_more": lambda: reviews.ask_more(text="对账单？", **common),
        "propose": lambda: decisions.propose_decision(
            said=approval(amount="1000000", override_reason="other", override_text="-"), version=version, **common
        ),
        "note": lambda: reviews.write_note(text="看过", **common),
        "confirm": lambda: decisions.confirm_decision(version=version, **common),
        "send_back": lambda: decisions.send_back(reason="利率", version=version, **common),
        "countersign": lambda: agreements.countersign(**common),
    }
    return do[name]()


def is_done(name, application, by, made):
    """Tell whether the service does it; whatever it did is undone."""
    with transaction.atomic():
        try:
            attempt(name, copy.copy(application), by, made)
        except RuleBroken:
            return False
        finally:
            transaction.set_rollback(True)
    return True


def cells(ask, made, people):
    """Return (state, action, who) of every cell where ``ask`` says yes."""
    found = set()
    for status in Status:
        with transaction.atomic():
            application = Application.objects.with_names().get(pk=at(status, made).pk)
            found |= {
                (status, name, who)
                for who, user in people.items()
                for name in ACTIONS
                if ask(name, application, user, made)
            }
            transaction.set_rollback(True)
    return found


def expected(people):
    return {
        (status, name, who)
        for name, (whom, states) in EXPECTED.items()
        for who in whom
        for status in states
        if who in people
    }


def test_credit_action_is_done_in_the_expected_cells_only(made, people, now):
    made.file = Attachment.objects.create(
        name="a.pdf", content_type="application/pdf", size=1, sha256="0" * 64, uploaded_by=made.owner, created_at=now
    )
    made.file.organisation_readers.add(made.firm)
    consent(made)

    assert cells(is_done, made, people) == expected(people)


def test_allowed_buttons_are_what_the_services_do(made, people):
    @functools.cache
    def buttons(application, user):
        return allowed(user, application).names

    def is_shown(name, application, user, _made):
        return name in buttons(application, user)

    assert cells(is_shown, made, people) == expected(people)


@pytest.mark.parametrize(
    ("status", "name"),
    [(Status.PROPOSED, "confirm"), (Status.PROPOSED, "send_back"), (Status.AGREED, "countersign")],
)
def test_credit_action_of_a_checker_is_refused_to_the_maker_who_became_one(made, status, name):
    application = at(status, made)
    Membership.objects.filter(user=made.maker, organisation=made.bank).update(role="checker")
    AuthorityFactory(bank=made.bank, user=made.maker, given_at=made.now)

    with pytest.raises(MakerMayNotCheck):
        attempt(name, application, made.maker, made)


def test_credit_actions_command_prints_the_table():
    out = io.StringIO()
    call_command("credit_actions", json=True, stdout=out)

    rows = {row["action"]: row for row in json.loads(out.getvalue())}
    assert set(rows) == set(EXPECTED)
    assert [name for name, row in rows.items() if not row["maker_may"]] == ["confirm", "send_back", "countersign"]


def test_credit_actions_command_prints_a_line_for_each_action():
    out = io.StringIO()
    call_command("credit_actions", stdout=out)

    assert len(out.getvalue().splitlines()) == len(ACTIONS) + 2
