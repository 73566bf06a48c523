import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import Claim, Guarantee, OfflineAct, Recovery
from finance.runs.covers import tell_late_claims, watch_covers
from finance.services import claim_answers, claims, offline_acts, recoveries
from finance.services.claim_steps import ClaimNotInStateForThis
from finance.services.partner_people import AnotherPersonMust
from marketplace.models import Membership, Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import UserFactory
from tests.factories_cover import DrawdownFactory, cover_scene, paper

pytestmark = pytest.mark.django_db
D = Decimal
DAY = dt.timedelta(days=1)
Status = Claim.Status


@pytest.fixture
def scene(now):
    return cover_scene(now)


@pytest.fixture
def guarantee(scene):
    return scene.active()


def prepare(scene, guarantee, now, *, loan=None, by=None, uploads=(), **said):
    loan = loan or scene.loan(overdue_days=40)
    return claims.prepare_claim(
        guarantee=guarantee,
        drawdown=loan,
        said={"amount": "400000", "note": "Unpaid", **said},
        uploads=uploads,
        by=by or scene.maker,
        now=now,
    )


def filed(scene, guarantee, now):
    return claims.file_claim(claim=prepare(scene, guarantee, now), by=scene.checker, now=now)


def proposed(scene, guarantee, now, **said):
    said = said or {"accepted_amount": "400000"}
    return claim_answers.propose_answer(claim=filed(scene, guarantee, now), said=said, by=scene.writer, now=now)


def accepted(scene, guarantee, now, **said):
    return claim_answers.decide_claim(claim=proposed(scene, guarantee, now, **said), by=scene.releaser, now=now)


def paid(scene, guarantee, now):
    claim = accepted(scene, guarantee, now)
    act = claim.offline_acts.get()
    said = {"reference": "DC-1", "occurred_on": now.date(), "amount": "400000"}
    offline_acts.record_act(act=act, said=said, by=scene.writer, now=now)
    offline_acts.confirm_act(act=act, by=scene.checker, now=now)
    claim.refresh_from_db()
    return claim


def test_claim_is_prepared_filed_decided_and_paid_by_two_on_each_side(scene, guarantee, now):
    claim = paid(scene, guarantee, now)

    assert (claim.status, claim.paid_on, claim.accepted_amount) == (Status.PAID, now.date(), D(400_000))
    kinds = list(claim.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["prepared", "filed", "accepted", "paid"]
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.paid_amount) == (Guarantee.Status.CLAIMED, D(400_000))
    assert Notification.objects.filter(user=scene.writer, event="claim.filed").exists()
    assert Notification.objects.filter(user=scene.maker, event="claim.decided").exists()


def test_claim_says_who_acts_next_and_by_when(scene, guarantee, now):
    claim = prepare(scene, guarantee, now)
    assert (claim.waits_for, claim.act_by) == ("checker", now + claims.TIME_TO_FILE)

    claims.file_claim(claim=claim, by=scene.checker, now=now)
    assert (claim.waits_for, claim.act_by) == ("partner", now + claims.TIME_TO_ANSWER)


def test_claim_is_at_most_the_share_of_what_is_owed(scene, guarantee, now):
    with pytest.raises(InputRefused) as refused:
        prepare(scene, guarantee, now, amount="400000.01")

    assert list(refused.value.errors) == ["amount"]


def test_claims_together_stay_within_the_cover(scene, guarantee, now):
    first, second = scene.loan(overdue_days=40, amount=900_000), scene.loan(overdue_days=40, amount=900_000)
    prepare(scene, guarantee, now, loan=first, amount="720000")

    assert claims.claimable(guarantee, second) == D("80000.00")
    with pytest.raises(InputRefused):
        prepare(scene, guarantee, now, loan=second, amount="80000.01")


@pytest.mark.parametrize("days", [29, 211])
def test_claim_is_filed_within_its_window(scene, guarantee, now, days):
    with pytest.raises(claims.OutsideClaimWindow):
        prepare(scene, guarantee, now, loan=scene.loan(overdue_days=days))


@pytest.mark.parametrize("days", [30, 210])
def test_claim_may_be_filed_on_the_first_and_last_day(scene, guarantee, now, days):
    assert prepare(scene, guarantee, now, loan=scene.loan(overdue_days=days)).status == Status.PREPARED


def test_claim_prepared_too_late_is_not_filed(scene, guarantee, now):
    claim = prepare(scene, guarantee, now, loan=scene.loan(overdue_days=210))

    with pytest.raises(claims.OutsideClaimWindow):
        claims.file_claim(claim=claim, by=scene.checker, now=now + DAY)


def test_claim_is_for_a_loan_under_the_covered_line(scene, guarantee, now):
    other = cover_scene(now)
    with pytest.raises(claims.LoanNotCovered):
        prepare(scene, guarantee, now, loan=other.loan(overdue_days=40))
    with pytest.raises(claims.LoanNotCovered):
        prepare(scene, guarantee, now, loan=scene.loan())


def test_claim_is_for_a_loan_drawn_while_the_guarantee_was_in_force(scene, guarantee, now):
    before = DrawdownFactory(
        line=scene.line(),
        borrower=scene.firm,
        maker=scene.maker,
        checker=scene.checker,
        principal_left=D(500_000),
        starts_on=now.date() - DAY,
        overdue_since=now.date() - 40 * DAY,
    )

    with pytest.raises(claims.LoanNotCovered):
        prepare(scene, guarantee, now, loan=before)


def test_claim_on_a_guarantee_not_in_force_is_refused(scene, now):
    guarantee = scene.issue()

    with pytest.raises(claims.LoanNotCovered):
        prepare(scene, guarantee, now)


def test_claim_runs_once_per_loan(scene, guarantee, now):
    loan = scene.loan(overdue_days=40)
    prepare(scene, guarantee, now, loan=loan, amount="100")

    with pytest.raises(claims.ClaimAlreadyRunning):
        prepare(scene, guarantee, now, loan=loan, amount="100")


def test_claim_is_filed_by_another_person(scene, guarantee, now):
    claim = prepare(scene, guarantee, now)
    scene.bank.memberships.filter(user=scene.maker).update(role=Membership.Role.CHECKER)

    with pytest.raises(AnotherPersonMust):
        claims.file_claim(claim=claim, by=scene.maker, now=now)


def test_claim_is_filed_once(scene, guarantee, now):
    claim = filed(scene, guarantee, now)

    with pytest.raises(ClaimNotInStateForThis):
        claims.file_claim(claim=claim, by=scene.checker, now=now)


def test_claim_documents_are_asked_for_and_given(scene, guarantee, now):
    claim = filed(scene, guarantee, now)
    claim_answers.ask_for_documents(claim=claim, note="The contract", by=scene.writer, now=now)
    assert (claim.status, claim.waits_for) == (Status.DOCUMENTS_ASKED, "maker")

    claims.answer_with_documents(claim=claim, note="", uploads=[paper("contract.txt")], by=scene.maker, now=now)

    assert (claim.status, claim.waits_for) == (Status.NOTIFIED, "partner")
    file = claim.events.get(kind="documents_given").attachments.get()
    assert set(file.organisation_readers.all()) == {scene.bank, scene.partner}


def test_claim_documents_are_asked_for_and_given_in_words(scene, guarantee, now):
    claim = filed(scene, guarantee, now)
    with pytest.raises(InputRefused):
        claim_answers.ask_for_documents(claim=claim, note=" ", by=scene.writer, now=now)
    with pytest.raises(ClaimNotInStateForThis):
        claims.answer_with_documents(claim=claim, note="Here", by=scene.maker, now=now)
    claim_answers.ask_for_documents(claim=claim, note="The contract", by=scene.writer, now=now)
    with pytest.raises(InputRefused):
        claims.answer_with_documents(claim=claim, note=" ", by=scene.maker, now=now)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"accepted_amount": "400000.01"}, "accepted_amount"),
        ({"accepted_amount": ""}, "accepted_amount"),
        ({"accepted_amount": "300000"}, "answer"),
        ({"refusal_reason": "late"}, "answer"),
        ({"refusal_reason": "because", "answer": "So"}, "refusal_reason"),
        ({"refusal_reason": "late", "answer": "So", "accepted_amount": "1"}, "accepted_amount"),
    ],
)
def test_claim_answer_that_cannot_be_is_refused(scene, guarantee, now, said, field):
    with pytest.raises(InputRefused) as refused:
        proposed(scene, guarantee, now, **said)

    assert list(refused.value.errors) == [field]


def test_claim_is_decided_by_another_person(scene, guarantee, now):
    claim = proposed(scene, guarantee, now)
    scene.partner.memberships.filter(user=scene.writer).update(role=Membership.Role.OWNER)

    with pytest.raises(AnotherPersonMust):
        claim_answers.decide_claim(claim=claim, by=scene.writer, now=now)
    with pytest.raises(AnotherPersonMust):
        claim_answers.return_answer(claim=claim, note="No", by=scene.writer, now=now)


def test_claim_answer_sent_back_is_unknown_to_the_bank(scene, guarantee, now):
    claim = proposed(scene, guarantee, now)
    claim_answers.return_answer(claim=claim, note="Look again", by=scene.releaser, now=now)

    assert (claim.status, claim.accepted_amount) == (Status.NOTIFIED, None)
    assert list(claim.events.order_by("pk").values_list("kind", flat=True)) == ["prepared", "filed"]


def test_claim_of_a_partner_with_one_person_says_so(scene, guarantee, now):
    scene.partner.memberships.filter(user=scene.releaser).delete()
    scene.partner.memberships.filter(user=scene.writer).update(role=Membership.Role.OWNER)

    claim = proposed(scene, guarantee, now)

    assert (claim.status, claim.is_signed_alone) == (Status.ACCEPTED, True)


def test_claim_refused_puts_the_guarantee_back_in_force(scene, guarantee, now):
    claim = accepted(scene, guarantee, now, refusal_reason="evidence", answer="No contract")

    guarantee.refresh_from_db()
    assert (claim.status, claim.waits_for, guarantee.status) == (Status.REFUSED, "nobody", Guarantee.Status.ACTIVE)
    assert not OfflineAct.objects.filter(claim=claim).exists()


def test_claim_withdrawn_puts_the_guarantee_back_in_force(scene, guarantee, now):
    claim = filed(scene, guarantee, now)
    claims.withdraw_claim(claim=claim, reason="The firm paid", by=scene.maker, now=now)

    guarantee.refresh_from_db()
    assert (claim.status, guarantee.status) == (Status.WITHDRAWN, Guarantee.Status.ACTIVE)
    with pytest.raises(ClaimNotInStateForThis):
        claims.withdraw_claim(claim=claim, reason="Again", by=scene.maker, now=now)


def test_claim_steps_are_for_those_whose_role_it_is(scene, guarantee, now):
    claim = filed(scene, guarantee, now)

    with pytest.raises(OnlyMembersMay):
        claim_answers.propose_answer(claim=claim, said={}, by=scene.maker, now=now)
    with pytest.raises(OnlyMembersMay):
        claim_answers.ask_for_documents(claim=claim, note="x", by=UserFactory(), now=now)
    with pytest.raises(OnlyMembersMay):
        prepare(scene, guarantee, now, by=scene.checker)


def test_claim_in_preparation_is_the_banks_own(scene, guarantee, now):
    claim = prepare(scene, guarantee, now)
    assert not Claim.objects.visible_to(scene.writer).exists()

    claims.file_claim(claim=claim, by=scene.checker, now=now)

    assert list(Claim.objects.visible_to(scene.writer)) == [claim]
    assert not Claim.objects.visible_to(scene.owner).exists()


def test_claim_late_is_told_once(scene, guarantee, now):
    filed(scene, guarantee, now)

    tell_late_claims(now=now + 11 * DAY)
    tell_late_claims(now=now + 12 * DAY)

    assert Notification.objects.filter(user=scene.writer, event="claim.late", channel="in_app").count() == 1


def test_recoveries_are_shared_as_the_loss_was_carried(scene, guarantee, now):
    claim = paid(scene, guarantee, now)
    said = {"amount": "100000.01", "reference": "ZS-1", "received_on": now.date()}
    recovery = recoveries.record_recovery(claim=claim, said=said, by=scene.maker, now=now)
    recoveries.confirm_recovery(recovery=recovery, by=scene.checker, now=now)

    # The partner paid 400,000 of 500,000: four fifths.
    assert (recovery.partner_part, recovery.bank_part) == (D("80000.01"), D("20000.00"))
    claim.refresh_from_db()
    assert (claim.recovered, claim.status) == (D("80000.01"), Status.PAID)


def test_recoveries_give_the_partner_no_more_than_it_paid(scene, guarantee, now):
    claim = paid(scene, guarantee, now)
    for number, amount in enumerate(("499999.99", "0.01", "1000")):
        if claim.status == Status.PAID:
            said = {"amount": amount, "reference": f"ZS-{number}", "received_on": now.date()}
            recovery = recoveries.record_recovery(claim=claim, said=said, by=scene.maker, now=now)
            recoveries.confirm_recovery(recovery=recovery, by=scene.checker, now=now)
            claim.refresh_from_db()

    assert (claim.status, claim.recovered) == (Status.RECOVERED, D(400_000))
    guarantee.refresh_from_db()
    assert guarantee.status == Guarantee.Status.ACTIVE
    with pytest.raises(ClaimNotInStateForThis):
        recoveries.record_recovery(claim=claim, said={}, by=scene.maker, now=now)


def test_recovery_is_confirmed_by_another_person_and_once(scene, guarantee, now):
    claim = paid(scene, guarantee, now)
    said = {"amount": "1000", "reference": "ZS-1", "received_on": now.date()}
    recovery = recoveries.record_recovery(claim=claim, said=said, by=scene.maker, now=now)
    with pytest.raises(InputRefused):
        recoveries.record_recovery(claim=claim, said=said, by=scene.maker, now=now)
    recoveries.confirm_recovery(recovery=recovery, by=scene.checker, now=now)
    with pytest.raises(ClaimNotInStateForThis):
        recoveries.confirm_recovery(recovery=recovery, by=scene.checker, now=now)
    scene.bank.memberships.filter(user=scene.maker).update(role=Membership.Role.CHECKER)
    with pytest.raises(AnotherPersonMust):
        recoveries.confirm_recovery(recovery=recovery, by=scene.maker, now=now)


@pytest.mark.parametrize(
    ("said", "field"),
    [({"amount": "0"}, "amount"), ({"reference": " "}, "reference"), ({"received_on": "2026-03-03"}, "received_on")],
)
def test_recovery_that_cannot_be_is_refused(scene, guarantee, now, said, field):
    claim = paid(scene, guarantee, now)
    fields = {"amount": "1000", "reference": "ZS-1", "received_on": now.date(), **said}

    with pytest.raises(InputRefused) as refused:
        recoveries.record_recovery(claim=claim, said=fields, by=scene.maker, now=now)

    assert list(refused.value.errors) == [field]


def test_claim_closed_ends_and_what_was_paid_stays_used(scene, guarantee, now):
    claim = paid(scene, guarantee, now)
    claims.close_claim(claim=claim, note="Insolvent", by=scene.checker, now=now)
    assert claim.status == Status.CLOSED

    type(claim.drawdown).objects.filter(pk=claim.drawdown_id).update(
        status="written_off", principal_left=0, ended_at=now
    )
    watch_covers(now=now + 400 * DAY)

    guarantee.refresh_from_db()
    scene.partnership.refresh_from_db()
    assert (guarantee.status, scene.partnership.used) == (Guarantee.Status.ENDED, D(400_000))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"amount": D(400_001)}, "claim_is_at_most_the_share_of_what_is_owed"),
        ({"accepted_amount": D(400_001)}, "claim_accepts_at_most_what_was_claimed"),
        ({"recovered": D(400_001)}, "claim_recovers_at_most_what_was_paid"),
        ({"status": "refused"}, "claim_refused_says_why"),
        ({"accepted_amount": None}, "claim_"),
    ],
)
def test_claim_constraints_are_the_databases(scene, guarantee, now, changes, name):
    claim = accepted(scene, guarantee, now)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(**changes)


def test_claim_with_one_person_on_a_side_is_refused_by_the_database(scene, guarantee, now):
    claim = accepted(scene, guarantee, now)

    with pytest.raises(IntegrityError, match="claim_is_notified_by_a_second_person"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(notified_by=scene.maker)
    with pytest.raises(IntegrityError, match="claim_is_decided_by_a_second_person"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(decided_by=scene.writer)


def test_recovery_confirmed_by_its_recorder_is_refused_by_the_database(scene, guarantee, now):
    claim = paid(scene, guarantee, now)
    said = {"amount": "1000", "reference": "ZS-1", "received_on": now.date()}
    recovery = recoveries.record_recovery(claim=claim, said=said, by=scene.maker, now=now)

    with pytest.raises(IntegrityError, match="recovery_is_confirmed_by_a_second_person"), transaction.atomic():
        Recovery.objects.filter(pk=recovery.pk).update(confirmed_by=scene.maker, confirmed_at=now)
    with pytest.raises(IntegrityError, match="recovery_is_shared_whole"), transaction.atomic():
        Recovery.objects.filter(pk=recovery.pk).update(bank_part=0)
