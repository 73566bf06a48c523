"""The life of an application through its services: the good way, what each refuses, races, the clock."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from config.errors import InputRefused
from finance import tasks
from finance.models import (
    Application,
    ApplicationDocument,
    Authority,
    Consent,
    CreditLine,
    Decision,
    LogLeaf,
    OfflineAct,
    ProgrammeInvitation,
    RecordRead,
)
from finance.runs import applications as clock
from finance.services import agreements, applications, authorities, decisions, replays, reviews
from finance.services.agreements import SignedAtTheBranch
from finance.services.applications import AlreadyApplied, ConsentNeeded, FirmCannotBorrow, ProductNotOffered
from finance.services.authorities import AuthorityAlreadyEnded, NoAuthority, NotToOneself
from finance.services.consents import OnlyAnOwnerConsents, withdraw_consent
from finance.services.credit_actions import (
    ApplicationChanged,
    ApplicationNotInStateForThis,
    InterestedParty,
    MakerMayNotCheck,
)
from finance.services.decisions import SecondCheckerIsTheFirst
from marketplace.models import Attachment, Notification
from marketplace.services.organisations import OnlyOwnersMay
from tests.factories import MembershipFactory, OrganisationFactory
from tests.factories_application import (
    ApplicationFactory,
    AuthorityFactory,
    BankFactory,
    CreditProductFactory,
    approval,
    consent,
    member,
    refused,
    scene,
)

pytestmark = pytest.mark.django_db
D = Decimal
Status = Application.Status


@pytest.fixture
def made(now):
    return scene(now)


@pytest.fixture
def real_now():
    return timezone.now()


def told(event, organisation):
    rows = Notification.objects.filter(event=event, organisation=organisation, channel="in_app")
    return set(rows.values_list("user__username", flat=True))


def kinds(application):
    return [event.kind for event in application.events.order_by("pk")]


def test_life_goes_from_draft_to_an_open_line(made):
    application = made.open()

    assert application.status == Status.ACTIVE
    line = CreditLine.objects.get(application=application)
    assert (line.limit, line.rate_bp, line.least_score) == (D(2_000_000), 420, 600)
    assert kinds(application) == [
        "begun",
        "submitted",
        "taken",
        "proposed",
        "approved",
        "accepted",
        "signed",
        "line_opened",
    ]
    decision = Decision.objects.get(application=application)
    assert (decision.recommended, decision.is_override) == ("approve", False)
    assert (decision.maker, decision.checker, decision.authority.user) == (made.maker, made.checker, made.checker)
    leaves = LogLeaf.objects.filter(content__application=application.number).order_by("index")
    assert [leaf.kind for leaf in leaves] == ["credit.submitted", "credit.decided", "credit.accepted", "credit.agreed"]


def test_life_tells_who_must_act_next(made):
    made.open()

    assert told("credit.submitted", made.bank) == {made.maker.username, made.bank_owner.username}
    assert told("credit.proposed", made.bank) == {made.checker.username}
    assert told("credit.decided", made.firm) == {made.owner.username, made.trader.username}


def test_begin_application_refuses_what_the_product_does_not_lend(made):
    with pytest.raises(InputRefused) as refusal:
        made.begin(amount=D(9_000_000), days=10, repayment="at_maturity", use=" ")

    assert set(refusal.value.errors) == {"amount", "days", "repayment", "use"}


def test_begin_application_refuses_a_second_one_for_the_product(made):
    made.begin()

    with pytest.raises(AlreadyApplied):
        made.begin()


def test_begin_application_refuses_a_lender(made):
    bank = BankFactory(members__trader=made.trader)

    with pytest.raises(FirmCannotBorrow):
        applications.begin_application(firm=bank, product=made.product, fields={}, by=made.trader, now=made.now)


def test_begin_application_refuses_what_is_not_offered(made):
    made.product.is_open = False
    made.product.save()

    with pytest.raises(ProductNotOffered):
        made.begin()


def test_submit_application_needs_a_consent(made):
    application = made.begin()

    with pytest.raises(ConsentNeeded):
        applications.submit_application(application=application, by=made.owner, now=made.now)

    application.refresh_from_db()
    assert application.status == Status.DRAFT


def test_submit_application_by_a_trader_gives_no_consent(made):
    application = made.begin()

    with pytest.raises(OnlyAnOwnerConsents):
        applications.submit_application(
            application=application, by=made.trader, now=made.now, consent_until=made.now + dt.timedelta(days=9)
        )


def test_submit_application_takes_a_consent_that_stands(made):
    given = consent(made)

    application = applications.submit_application(application=made.begin(), by=made.trader, now=made.now)

    assert application.consent == given
    assert [ground["code"] for ground in application.eligibility] == [
        "min_score",
        "min_months_of_records",
        "max_percent_of_sales",
        "regions",
    ]
    assert application.terms["base_rate_bp"] == 300


def test_submit_application_gives_what_the_product_needs(made):
    application = made.submit()

    assert set(Consent.objects.get().groups) >= set(made.product.consent_groups)
    assert application.act_by == made.now + dt.timedelta(days=2)


def test_ask_more_waits_for_the_firm_and_goes_on_with_its_answer(made):
    application = reviews.ask_more(application=made.take(), text="请补充对账单", by=made.maker, now=made.now)
    assert (application.status, application.waits_for) == (Status.MORE_ASKED, "firm")
    assert told("credit.more_asked", made.firm) == {made.owner.username, made.trader.username}

    application = applications.answer_questions(application=application, text="附上", by=made.trader, now=made.now)

    assert (application.status, application.waits_for, application.maker) == (Status.IN_REVIEW, "maker", made.maker)
    assert told("credit.answered", made.bank) == {made.maker.username}


def test_ask_more_refuses_to_ask_nothing(made):
    with pytest.raises(InputRefused):
        reviews.ask_more(application=made.take(), text=" ", by=made.maker, now=made.now)


def test_take_over_goes_to_another_maker(made):
    application = made.take()
    second = member(made.bank, "maker")

    application = reviews.take_over(application=application, by=second, now=made.now)

    assert application.maker == second


def test_propose_decision_reads_under_the_consent_and_leaves_rows(made):
    made.propose()

    read = set(RecordRead.objects.filter(by=made.maker).values_list("group", flat=True))
    assert read == {"score", "sales", "findings"}


def test_propose_decision_on_an_older_version_is_refused(made):
    application = made.take()

    with pytest.raises(ApplicationChanged):
        decisions.propose_decision(
            application=application, said=approval(), by=made.maker, now=made.now, version=application.version - 1
        )


def test_propose_decision_names_each_bad_field(made):
    with pytest.raises(InputRefused) as refusal:
        made.propose(amount="3000000", days="9", rate_bp="x")

    assert set(refusal.value.errors) == {"amount", "days", "rate_bp"}


@pytest.mark.parametrize(
    ("changes", "score"),
    [({}, 590), ({"rate_bp": "400"}, 640), ({"outcome": "refuse", "reasons": ["policy"]}, 640)],
)
def test_propose_decision_against_the_recommendation_needs_a_coded_reason(now, changes, score):
    made = scene(now, score=score)

    with pytest.raises(InputRefused) as refusal:
        made.propose(**changes)

    assert set(refusal.value.errors) == {"override_reason", "override_text"}


def test_override_is_kept_as_one(now):
    made = scene(now, score=590)
    Authority.objects.update(may_override=True)
    said = {"override_reason": "known_customer", "override_text": "十年往来"}

    application = made.confirm(made.propose(**said))

    decision = Decision.objects.overrides().get()
    assert (decision.recommended, decision.outcome, decision.is_generous) == ("refuse", "approve", True)
    assert "overridden" in kinds(application)


def test_override_needs_an_authority_that_extends_to_it(now):
    made = scene(now, score=590)
    decision = made.propose(override_reason="other", override_text="-")

    with pytest.raises(NoAuthority):
        made.confirm(decision)


def test_refusal_gives_the_firm_its_exact_reasons(now):
    made = scene(now, score=590)
    application = made.take()
    decisions.propose_decision(
        application=application,
        said=refused(reasons=["score"], reason_text="半年后再来"),
        by=made.maker,
        now=made.now,
        version=application.version,
    )

    application = made.confirm(application.decisions.get())

    assert application.status == Status.REFUSED
    reason = application.decisions.get().refusal_reasons[0]
    assert reason["en"] == "The score is below what the bank asks for: Score 590, 600 needed: 10 points are missing"
    assert reason["note"] == "半年后再来"


def test_confirm_decision_by_its_maker_is_refused_even_as_checker(made):
    decision = made.propose()
    made.maker.memberships.update(role="checker")
    AuthorityFactory(bank=made.bank, user=made.maker, given_at=made.now)

    with pytest.raises(MakerMayNotCheck):
        made.confirm(decision, by=made.maker)


def test_confirm_decision_by_somebody_of_the_firm_is_refused(made):
    decision = made.propose()
    MembershipFactory(organisation=made.firm, user=made.checker, role="viewer")

    with pytest.raises(InterestedParty):
        made.confirm(decision)


def test_confirm_decision_without_authority_is_refused(made):
    authorities.end_authority(authority=Authority.objects.get(), by=made.bank_owner, now=made.now)

    with pytest.raises(NoAuthority):
        made.confirm()


def test_confirm_decision_beyond_ones_authority_is_refused(made):
    Authority.objects.update(up_to_amount=1_000_000, jointly_up_to=1_500_000)

    with pytest.raises(NoAuthority):
        made.confirm()


def test_confirm_decision_beyond_one_person_takes_two(made):
    Authority.objects.update(up_to_amount=1_000_000, jointly_up_to=3_000_000)
    second = member(made.bank, "checker")
    AuthorityFactory(bank=made.bank, user=second, up_to_amount=1_000_000, jointly_up_to=3_000_000, given_at=made.now)
    application = made.confirm()
    assert application.status == Status.PROPOSED

    with pytest.raises(SecondCheckerIsTheFirst):
        made.confirm(application.decisions.get())
    application = made.confirm(application.decisions.get(), by=second)

    decision = application.decisions.get()
    assert (application.status, decision.first_checker, decision.checker) == (Status.APPROVED, made.checker, second)


def test_confirm_many_answers_each_by_itself(made):
    first = made.propose().application
    other = CreditProductFactory(bank=made.bank)
    second = ApplicationFactory(firm=made.firm, product=other, status="in_review", maker=made.maker)
    first.refresh_from_db()

    done = decisions.confirm_many(
        applications=[(first, first.version), (second, second.version)], by=made.checker, now=made.now
    )

    assert [type(one.refusal) for one in done] == [type(None), ApplicationNotInStateForThis]
    assert Application.objects.get(pk=first.pk).status == Status.APPROVED


def test_confirm_many_refuses_the_maker_in_each(made):
    application = made.propose().application
    made.maker.memberships.update(role="checker")
    AuthorityFactory(bank=made.bank, user=made.maker, given_at=made.now)

    done = decisions.confirm_many(applications=[(application, application.version)], by=made.maker, now=made.now)

    assert type(done[0].refusal) is MakerMayNotCheck


def test_send_back_lets_the_maker_propose_anew(made):
    application = made.propose().application
    application.refresh_from_db()
    decisions.send_back(
        application=application, reason="期限太长", by=made.checker, now=made.now, version=application.version
    )
    application.refresh_from_db()

    application = made.confirm(made.propose(application, days="90"))

    assert list(application.decisions.order_by("pk").values_list("verdict", "days")) == [
        ("returned", 180),
        ("confirmed", 90),
    ]


def test_withdraw_application_drops_the_proposal(made):
    application = made.propose().application
    application.refresh_from_db()

    applications.withdraw_application(application=application, reason="", by=made.trader, now=made.now)

    assert application.decisions.get().verdict == "dropped"


def test_accept_offer_after_its_time_is_refused(made):
    application = made.confirm()

    with pytest.raises(ApplicationNotInStateForThis):
        agreements.accept_offer(application=application, by=made.owner, now=made.now + dt.timedelta(days=31))


def test_accept_offer_may_let_the_bank_watch_the_line(made):
    application = made.confirm()
    until = made.now + dt.timedelta(days=400)

    agreements.accept_offer(application=application, by=made.owner, now=made.now, watched_until=until)

    given = Consent.objects.get(purpose="monitoring")
    assert (given.reader, given.valid_until, set(given.groups)) == (made.bank, until, set(application.consent.groups))


def invited(made, **changes):
    """Return a programme of a core enterprise at the bank that the firm has said yes to."""
    bank_node = CreditLine.objects.get(bank=made.bank, kind="bank")
    common = {
        "bank": made.bank,
        "limit": D(10_000_000),
        "starts_on": made.now.date(),
        "ends_on": made.now.date() + dt.timedelta(days=900),
        "opened_by": made.bank_owner,
        "opened_at": made.now,
    }
    core = CreditLine.objects.create(
        number="C-1", kind="core", parent=bank_node, borrower=OrganisationFactory(), **common
    )
    programme = CreditLine.objects.create(number="P-1", kind="programme", parent=core, **common)
    for line in (core, programme):
        line.path = [*line.parent.path, line.pk]
        line.save(update_fields=["path"])
    ProgrammeInvitation.objects.create(
        programme=programme,
        firm=made.firm,
        suggested_limit=D(2_000_000),
        status="accepted",
        invited_by=made.owner,
        invited_at=made.now,
        answered_by=made.owner,
        answered_at=made.now,
        **changes,
    )
    return programme


def test_application_under_a_programme_opens_a_member_line_there(now):
    made = scene(now, kind="core_line", eligibility={"min_score": 600, "needs_core_enterprise": True})
    programme = invited(made)
    application = made.confirm(made.propose(made.take(programme=programme)))
    agreements.accept_offer(application=application, by=made.owner, now=now)

    agreements.countersign(application=application, by=made.checker, now=now)

    line = CreditLine.objects.get(application=application)
    assert (line.kind, line.parent) == ("member", programme)


def test_application_under_a_programme_of_others_is_refused(made):
    programme = invited(made)
    ProgrammeInvitation.objects.update(status="open", answered_by=None, answered_at=None)

    with pytest.raises(InputRefused) as refusal:
        made.begin(programme=programme)

    assert set(refusal.value.errors) == {"programme"}


def test_contract_on_paper_is_expected_as_an_act_and_opens_the_line(now):
    made = scene(now, signing="branch")
    application = made.accept()
    act = OfflineAct.objects.get(application=application)
    with pytest.raises(SignedAtTheBranch):
        agreements.countersign(application=application, by=made.checker, now=now)

    agreements.contract_confirmed(act=act, by=made.checker, now=now)

    application.refresh_from_db()
    assert application.status == Status.ACTIVE
    assert CreditLine.objects.filter(application=application).exists()


def test_contract_on_paper_is_not_confirmed_by_the_maker_of_the_decision(now):
    made = scene(now, signing="branch")
    act = OfflineAct.objects.get(application=made.accept())
    made.maker.memberships.update(role="checker")

    with pytest.raises(MakerMayNotCheck):
        agreements.contract_confirmed(act=act, by=made.maker, now=now)


def test_replay_shows_what_was_known_and_that_nothing_changed(made):
    decision = made.confirm().decisions.get()

    replay = replays.replay_decision(decision=decision)

    assert replay.is_intact is True
    assert replay.known["score"]["score"] == 640
    assert replay.known["months"] == 11


def test_replay_finds_a_changed_decision(made):
    decision = made.confirm().decisions.get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE finance_decision DISABLE TRIGGER decision_stands")
    Decision.objects.update(conditions="改过")

    replay = replays.replay_decision(decision=Decision.objects.with_names().get(pk=decision.pk))

    assert replay.is_intact is False


def test_decision_stands_as_it_was_written(made):
    application = made.confirm()

    for change in (
        lambda: application.decisions.update(amount=1),
        lambda: application.decisions.update(verdict="returned"),
        lambda: application.decisions.all().delete(),
        lambda: application.events.update(note="改过"),
        lambda: application.events.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_decision_that_waits_changes_in_nothing_but_its_check(made):
    decision = made.propose()

    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(rate_bp=1)


def test_withdrawn_consent_leaves_the_rules_without_knowledge(made):
    application = made.take()
    withdraw_consent(consent=Consent.objects.get(), by=made.owner, now=made.now)

    with pytest.raises(InputRefused):
        made.propose(application)


def test_lapse_due_ends_what_the_firm_left_unanswered(made):
    application = reviews.ask_more(application=made.take(), text="？", by=made.maker, now=made.now)
    late = made.now + dt.timedelta(days=11)

    assert clock.lapse_due(now=late) == 1
    assert clock.lapse_due(now=late) == 0

    application.refresh_from_db()
    assert (application.status, application.ended_at) == (Status.LAPSED, late)
    assert told("credit.lapsed", made.bank) == {made.maker.username, made.bank_owner.username}


def test_lapse_due_leaves_a_paper_that_waits_for_its_second_person(now):
    made = scene(now, signing="branch")
    application = made.accept()
    paper = Attachment.objects.create(
        name="a.pdf", content_type="application/pdf", size=1, sha256="0" * 64, uploaded_by=made.maker, created_at=now
    )
    OfflineAct.objects.filter(application=application).update(
        status="recorded",
        reference="HT-1",
        occurred_on=now.date(),
        recorded_by=made.maker,
        recorded_at=now,
        attachment=paper,
    )

    assert clock.lapse_due(now=now + dt.timedelta(days=16)) == 0


def test_watch_applications_does_all_that_the_clock_does(made, real_now):
    application = made.submit()
    Application.objects.filter(pk=application.pk).update(act_by=real_now - dt.timedelta(days=1))
    draft = ApplicationFactory(act_by=real_now - dt.timedelta(days=1))

    tasks.watch_applications()
    tasks.watch_applications()

    draft.refresh_from_db()
    assert draft.status == Status.LAPSED
    assert told("credit.left_waiting", made.bank) >= {made.maker.username}


def test_tell_left_waiting_tells_the_bank_once_a_day(made):
    made.submit()
    late = made.now + dt.timedelta(days=3)

    clock.tell_left_waiting(now=late)
    clock.tell_left_waiting(now=late + dt.timedelta(hours=1))

    told_rows = Notification.objects.filter(event="credit.left_waiting", user=made.maker, channel="in_app")
    assert told_rows.count() == 1


def test_close_finished_closes_with_the_line(made):
    application = made.open()
    CreditLine.objects.filter(application=application).update(status="closed", closed_at=made.now)

    clock.close_finished(now=made.now)

    application.refresh_from_db()
    assert application.status == Status.CLOSED


def test_give_authority_to_oneself_is_refused(made):
    with pytest.raises(NotToOneself):
        authorities.give_authority(
            bank=made.bank,
            user=made.bank_owner,
            up_to_amount=D(1),
            jointly_up_to=None,
            by=made.bank_owner,
            now=made.now,
        )


def test_give_authority_by_another_than_the_owner_is_refused(made):
    with pytest.raises(OnlyOwnersMay):
        authorities.give_authority(
            bank=made.bank, user=made.checker, up_to_amount=D(1), jointly_up_to=None, by=made.maker, now=made.now
        )


def test_give_authority_to_no_checker_is_refused(made):
    with pytest.raises(InputRefused) as refusal:
        authorities.give_authority(
            bank=made.bank, user=made.maker, up_to_amount=D(5), jointly_up_to=D(4), by=made.bank_owner, now=made.now
        )

    assert set(refusal.value.errors) == {"user", "jointly_up_to"}


def test_give_authority_ends_the_one_before(made):
    authorities.give_authority(
        bank=made.bank, user=made.checker, up_to_amount=D(9), jointly_up_to=None, by=made.bank_owner, now=made.now
    )

    assert [row.ended_by for row in Authority.objects.order_by("pk")] == [made.bank_owner, None]


def test_end_authority_twice_is_refused(made):
    authority = Authority.objects.get()
    authorities.end_authority(authority=authority, by=made.bank_owner, now=made.now)

    with pytest.raises(AuthorityAlreadyEnded):
        authorities.end_authority(authority=authority, by=made.bank_owner, now=made.now)


def refuses(name, change):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        change()


def test_decision_constraints_are_the_databases(made):
    application = ApplicationFactory(product=made.product, status="proposed", maker=made.maker)
    authority = Authority.objects.get()
    good = {
        "application": application,
        "outcome": "approve",
        "amount": D(1),
        "days": 90,
        "rate_bp": 400,
        "recommended": "approve",
        "version": 1,
        "maker": made.maker,
        "made_at": made.now,
    }
    checked = {"verdict": "confirmed", "checked_at": made.now, "authority": authority, "checked_version": 1}

    for name, changes in {
        "decision_maker_is_not_its_checker": {"checker": made.maker, **checked},
        "decision_maker_is_not_its_first_checker": {
            "first_checker": made.maker,
            "first_checked_at": made.now,
            "first_authority": authority,
        },
        "decision_two_checkers_are_two_people": {
            "first_checker": made.checker,
            "first_checked_at": made.now,
            "first_authority": authority,
            "checker": made.checker,
            **checked,
        },
        "decision_first_checker_acts_under_an_authority": {"first_checker": made.checker},
        "decision_is_confirmed_under_an_authority": {"checker": made.checker, **checked, "authority": None},
        "decision_checked_at_goes_with_verdict": {"verdict": "confirmed", "authority": authority, "checked_version": 1},
        "decision_approval_says_amount_term_and_rate": {"amount": None},
        "decision_override_says_why": {"is_override": True},
        "decision_against_the_recommendation_is_an_override": {"recommended": "refuse"},
        "decision_beyond_the_rules_is_an_override": {"recommended_rate_bp": 500},
        "decision_refusal_gives_reasons": {"outcome": "refuse", "recommended": "refuse"},
    }.items():
        refuses(name, lambda changes=changes: Decision.objects.create(**good | changes))


def test_application_constraints_are_the_databases(made):
    rows = Application.objects.filter(pk=ApplicationFactory(product=made.product, firm=made.firm).pk)

    for name, changes in {
        "application_is_between_two": {"firm": made.bank},
        "application_amount_is_positive": {"amount": 0},
        "application_submitted_at_goes_with_status": {"status": "submitted"},
        "application_in_review_has_a_maker": {"status": "in_review", "submitted_at": made.now},
        "application_ended_at_goes_with_status": {"ended_at": made.now},
    }.items():
        refuses(name, lambda changes=changes: rows.update(**changes))


def test_authority_constraints_are_the_databases(made):
    rows = Authority.objects.all()

    for name, changes in {
        "authority_is_not_given_to_oneself": {"given_by": made.checker},
        "authority_amounts_are_in_order": {"jointly_up_to": 1},
        "authority_ended_at_goes_with_ended_by": {"ended_at": made.now},
    }.items():
        refuses(name, lambda changes=changes: rows.update(**changes))
    refuses(
        "authority_one_stands_per_person_and_currency",
        lambda: AuthorityFactory(bank=made.bank, user=made.checker),
    )


def test_product_constraints_are_the_databases(made):
    rows = type(made.product).objects.filter(pk=made.product.pk)

    for name, changes in {
        "credit_product_amounts_are_in_order": {"max_amount": 1},
        "credit_product_terms_are_in_order": {"max_days": 1},
        "credit_product_is_repaid_somehow": {"repayment_methods": []},
        "credit_product_ends_after_it_begins": {"offered_until": dt.date(2020, 1, 1)},
    }.items():
        refuses(name, lambda changes=changes: rows.update(**changes))


def test_agreement_constraints_are_the_databases(made):
    application = made.accept()
    rows = type(application.agreement).objects.filter(application=application)

    for name, changes in {
        "agreement_bank_signed_at_goes_with_bank_signed_by": {"bank_signed_at": made.now},
        "agreement_is_signed_by_two_people": {"bank_signed_at": made.now, "bank_signed_by": made.owner},
        "agreement_is_known_by_its_hash": {"sha256": "x"},
    }.items():
        refuses(name, lambda changes=changes: rows.update(**changes))


def test_add_documents_keeps_them_from_everybody_but_the_firm(made):
    application = made.submit()
    file = SimpleUploadedFile("流水.txt", "对账单".encode())

    applications.add_documents(application=application, uploads=[file], by=made.trader, now=made.now)

    document = ApplicationDocument.objects.get()
    assert list(document.attachment.organisation_readers.all()) == [made.firm]


def test_stranger_sees_no_application(made):
    application = made.submit()
    stranger = member(OrganisationFactory(), "owner")

    assert not Application.objects.visible_to(stranger).filter(pk=application.pk).exists()
