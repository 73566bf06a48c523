import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import Application, Consent, CoverQuote, CreditLine, Guarantee, OfflineAct, Partnership
from finance.runs.covers import watch_covers
from finance.services import covers, partnerships
from finance.services.partner_people import AnotherPersonMust
from marketplace.models import Membership, Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_cover import GuarantorFactory, PartnershipFactory, cover_scene
from tests.races import race

pytestmark = pytest.mark.django_db
D = Decimal
DAY = dt.timedelta(days=1)
TERMS = {
    "share_percent": "80",
    "cap": "10000000",
    "waiting_days": "30",
    "claim_days": "180",
    "valid_from": "2026-03-01",
    "valid_until": "2027-03-01",
}


@pytest.fixture
def scene(now):
    return cover_scene(now)


def propose(scene, now, **changes):
    return partnerships.propose_partnership(
        bank=scene.bank, partner=scene.partner, said={**TERMS, **changes}, by=scene.maker, now=now
    )


# Partnerships


def test_partnership_is_proposed_and_signed_by_three_people(scene, now):
    made = propose(scene, now)
    partnerships.sign_for_bank(partnership=made, by=scene.checker, now=now)
    partnerships.sign_for_partner(partnership=made, by=scene.releaser, now=now)

    assert made.status == Partnership.Status.ACTIVE
    assert Partnership.objects.in_force(now.date()).filter(pk=made.pk).exists()
    assert Notification.objects.filter(user=scene.releaser, event="partnership.offered").exists()


def test_partnership_is_not_signed_by_who_proposed_it(scene, now):
    made = propose(scene, now)
    scene.bank.memberships.filter(user=scene.maker).update(role=Membership.Role.CHECKER)

    with pytest.raises(AnotherPersonMust):
        partnerships.sign_for_bank(partnership=made, by=scene.maker, now=now)


def test_partnership_is_not_signed_by_one_person_for_both(scene, now):
    made = propose(scene, now)
    partnerships.sign_for_bank(partnership=made, by=scene.checker, now=now)
    scene.partner.memberships.create(user=scene.checker, role=Membership.Role.OWNER, created_at=now)

    with pytest.raises(AnotherPersonMust):
        partnerships.sign_for_partner(partnership=made, by=scene.checker, now=now)


def test_partnership_waits_for_the_banks_signature(scene, now):
    with pytest.raises(partnerships.PartnershipNotInStateForThis):
        partnerships.sign_for_partner(partnership=propose(scene, now), by=scene.releaser, now=now)


def test_partnership_refused_and_ended_with_reasons(scene, now):
    made = propose(scene, now)
    with pytest.raises(InputRefused):
        partnerships.refuse_partnership(partnership=made, reason="", by=scene.checker, now=now)
    partnerships.refuse_partnership(partnership=made, reason="Too dear", by=scene.checker, now=now)
    assert (made.status, made.end_reason) == (Partnership.Status.REFUSED, "Too dear")

    partnerships.end_partnership(partnership=scene.partnership, reason="Over", by=scene.releaser, now=now)
    assert scene.partnership.status == Partnership.Status.ENDED


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"share_percent": "101"}, "share_percent"),
        ({"share_percent": "all"}, "share_percent"),
        ({"cap": "0"}, "cap"),
        ({"waiting_days": "-1"}, "waiting_days"),
        ({"claim_days": "0"}, "claim_days"),
        ({"valid_until": "2026-02-01"}, "valid_until"),
        ({"premium_payer": "firm"}, "premium_payer"),
        ({"premium_payer": "core"}, "core_enterprise"),
    ],
)
def test_partnership_terms_that_cannot_be_are_refused(scene, now, said, field):
    with pytest.raises(InputRefused) as refused:
        propose(scene, now, **said)

    assert list(refused.value.errors) == [field]


def test_partnership_is_with_an_insurer_or_guarantor(scene, now):
    with pytest.raises(InputRefused) as refused:
        partnerships.propose_partnership(
            bank=scene.bank, partner=OrganisationFactory(), said=TERMS, by=scene.maker, now=now
        )

    assert list(refused.value.errors) == ["partner"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"used": D(20_000_000)}, "partnership_carries_no_more_than_its_cap"),
        ({"used": D(-1)}, "partnership_carries_no_more_than_its_cap"),
        ({"share_percent": 101}, "partnership_share_is_a_percentage"),
        ({"premium_payer": "firm"}, "partnership_premium_is_paid_by_bank_or_core_enterprise"),
        ({"premium_payer": "core"}, "partnership_premium_is_paid_by_bank_or_core_enterprise"),
        ({"partner_signed_by": None}, "partnership_active_is_signed_by_both"),
        ({"valid_until": dt.date(2020, 1, 1)}, "partnership_ends_after_it_begins"),
    ],
)
def test_partnership_constraints_are_the_databases(changes, name):
    made = PartnershipFactory()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Partnership.objects.filter(pk=made.pk).update(**changes)


# Quotes


def test_cover_is_asked_for_quoted_released_and_accepted(scene, now):
    guarantee = scene.accept()

    assert (guarantee.status, guarantee.amount, guarantee.payer) == ("promised", D("800000.00"), scene.bank)
    # 800,000 at 100 basis points a year for 180 days of 360.
    assert guarantee.premium == D("4000.00")
    scene.partnership.refresh_from_db()
    assert scene.partnership.used == D(800_000)
    assert guarantee.offline_acts.get().kind == OfflineAct.Kind.GUARANTEE_ISSUED
    assert list(Guarantee.objects.covering(scene.application)) == [guarantee]


def test_cover_request_is_told_to_the_partner(scene):
    scene.request()

    assert Notification.objects.filter(user=scene.writer, event="cover.requested").exists()


def test_cover_needs_the_firms_consent_to_the_partner(scene, now):
    Consent.objects.update(withdrawn_at=now, withdrawn_by=scene.owner)

    with pytest.raises(covers.PartnerMayNotRead):
        scene.request()


def test_cover_is_under_a_partnership_in_force(scene, now):
    partnerships.end_partnership(partnership=scene.partnership, reason="Over", by=scene.checker, now=now)

    with pytest.raises(covers.PartnershipNotInForce):
        scene.request()


def test_cover_is_never_paid_by_the_firm(scene):
    Partnership.objects.update(premium_payer="core", core_enterprise=scene.firm)
    scene.partnership.refresh_from_db()

    with pytest.raises(covers.PremiumWouldFallOnTheFirm):
        scene.request()


def test_cover_is_for_an_application_that_is_being_decided(scene):
    Application.objects.update(status=Application.Status.SUBMITTED)
    scene.application.refresh_from_db()

    with pytest.raises(covers.CreditNotOpenToCover):
        scene.request()


def test_cover_of_another_banks_application_is_refused(scene, now):
    with pytest.raises(covers.CreditNotOpenToCover):
        scene.request(application=cover_scene(now).application)


def test_cover_is_asked_for_once_at_a_time(scene):
    scene.request()

    with pytest.raises(covers.QuoteNotInStateForThis):
        scene.request()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"amount": "3000000"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"days": "0"}, "days"),
        ({"note": "x" * 1001}, "note"),
    ],
)
def test_cover_request_that_cannot_be_is_refused(scene, said, field):
    with pytest.raises(InputRefused) as refused:
        scene.request(said=said)

    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"share_percent": "90"}, "share_percent"),
        ({"premium_bp": "2001"}, "premium_bp"),
        ({"premium_bp": "1.5"}, "premium_bp"),
        ({"valid_until": "2026-03-01"}, "valid_until"),
        ({"conditions": "x" * 2001}, "conditions"),
    ],
)
def test_quote_that_cannot_be_is_refused(scene, said, field):
    with pytest.raises(InputRefused) as refused:
        scene.draft(**said)

    assert list(refused.value.errors) == [field]


def test_quote_is_released_by_another_person(scene, now):
    quote = scene.draft()
    scene.partner.memberships.filter(user=scene.writer).update(role=Membership.Role.OWNER)

    with pytest.raises(AnotherPersonMust):
        covers.release_quote(quote=quote, by=scene.writer, now=now)


def test_quote_of_a_partner_with_one_person_says_so(scene, now):
    scene.partner.memberships.filter(user=scene.releaser).delete()
    scene.partner.memberships.filter(user=scene.writer).update(role=Membership.Role.OWNER)

    quote = scene.draft()

    assert (quote.status, quote.is_signed_alone, quote.released_by) == ("released", True, scene.writer)


def test_quote_returned_is_drafted_anew(scene, now):
    quote = scene.draft()
    covers.return_quote(quote=quote, reason="Too cheap", by=scene.releaser, now=now)

    covers.draft_quote(quote=quote, said=scene.quote_terms(premium_bp="150"), by=scene.writer, now=now)

    assert (quote.status, quote.premium_bp, quote.reason) == ("drafted", 150, "")


def test_quote_is_accepted_by_another_person_of_the_bank(scene, now):
    quote = scene.release()
    scene.bank.memberships.filter(user=scene.maker).update(role=Membership.Role.CHECKER)

    with pytest.raises(AnotherPersonMust):
        covers.accept_quote(quote=quote, by=scene.maker, now=now)


def test_quote_past_its_day_is_not_accepted(scene, now):
    quote = scene.release(valid_until="2026-03-02")

    with pytest.raises(covers.QuoteNoLongerValid):
        covers.accept_quote(quote=quote, by=scene.checker, now=now + DAY)


def test_quote_beyond_the_cap_is_not_accepted(scene, now):
    quote = scene.release()
    Partnership.objects.update(used=D("9200000.01"))

    with pytest.raises(covers.CapExceeded):
        covers.accept_quote(quote=quote, by=scene.checker, now=now)
    quote.refresh_from_db()
    assert not Guarantee.objects.exists()


def test_quote_is_accepted_while_the_partnership_is_in_force(scene, now):
    quote = scene.release()
    partnerships.end_partnership(partnership=scene.partnership, reason="Over", by=scene.checker, now=now)

    with pytest.raises(covers.PartnershipNotInForce):
        covers.accept_quote(quote=quote, by=scene.checker, now=now)


def test_quote_is_accepted_once(scene, now):
    quote = scene.release()
    covers.accept_quote(quote=quote, by=scene.checker, now=now)

    with pytest.raises(covers.QuoteNotInStateForThis):
        covers.accept_quote(quote=quote, by=scene.checker, now=now)


def test_quote_declined_refused_and_withdrawn_with_reasons(scene, now):
    declined = covers.decline_quote(quote=scene.request(), reason="No appetite", by=scene.writer, now=now)
    refused = covers.refuse_quote(quote=scene.release(), reason="Too dear", by=scene.maker, now=now)
    withdrawn = covers.withdraw_request(quote=scene.request(), reason="Not needed", by=scene.maker, now=now)

    assert [one.status for one in (declined, refused, withdrawn)] == ["declined", "refused", "withdrawn"]
    with pytest.raises(InputRefused):
        covers.withdraw_request(quote=scene.request(), reason=" ", by=scene.maker, now=now)


def test_quote_steps_are_for_those_whose_role_it_is(scene, now):
    stranger = UserFactory()
    quote = scene.release()

    with pytest.raises(OnlyMembersMay):
        covers.accept_quote(quote=quote, by=stranger, now=now)
    with pytest.raises(OnlyMembersMay):
        covers.draft_quote(quote=quote, said={}, by=scene.maker, now=now)
    with pytest.raises(OnlyMembersMay):
        scene.request(by=scene.checker)


def test_quote_nobody_answers_lapses(scene, now):
    quote = scene.request()

    watch_covers(now=now + 8 * DAY)

    quote.refresh_from_db()
    assert (quote.status, quote.act_by) == ("lapsed", None)


def test_quote_accepted_by_who_asked_is_refused_by_the_database(scene, now):
    quote = scene.accept().quote

    with pytest.raises(IntegrityError, match="cover_quote_is_accepted_by_a_second_person"), transaction.atomic():
        CoverQuote.objects.filter(pk=quote.pk).update(answered_by=scene.maker)
    with pytest.raises(IntegrityError, match="cover_quote_is_released_by_a_second_person"), transaction.atomic():
        CoverQuote.objects.filter(pk=quote.pk).update(released_by=scene.writer)


# Guarantees


def test_guarantee_is_in_force_when_its_line_is_open(scene, now):
    guarantee = scene.issue()
    assert guarantee.status == Guarantee.Status.ISSUED

    scene.line()
    watch_covers(now=now + DAY)

    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.line, guarantee.starts_on) == ("active", scene.line(), dt.date(2026, 3, 3))
    assert Notification.objects.filter(user=scene.writer, event="cover.changed").count() >= 2


def test_guarantee_of_an_open_line_is_in_force_with_its_letter(scene):
    assert scene.active().status == Guarantee.Status.ACTIVE


def test_guarantee_is_released_and_gives_the_cap_back(scene, now):
    guarantee = scene.active()

    covers.release_guarantee(guarantee=guarantee, reason="Repaid", by=scene.checker, now=now)

    scene.partnership.refresh_from_db()
    assert (guarantee.status, scene.partnership.used) == ("released", D(0))
    with pytest.raises(covers.QuoteNotInStateForThis):
        covers.release_guarantee(guarantee=guarantee, reason="Again", by=scene.checker, now=now)


def test_guarantee_of_an_open_loan_is_not_released(scene, now):
    guarantee = scene.active()
    scene.loan()

    with pytest.raises(covers.LoansStillOpen):
        covers.release_guarantee(guarantee=guarantee, reason="Please", by=scene.checker, now=now)


def test_guarantee_of_a_refused_application_falls_away(scene, now):
    guarantee = scene.accept()
    Application.objects.filter(pk=scene.application.pk).update(status="refused", ended_at=now)

    watch_covers(now=now)

    guarantee.refresh_from_db()
    assert guarantee.status == Guarantee.Status.RELEASED
    assert guarantee.offline_acts.get().status == OfflineAct.Status.CANCELLED


def test_guarantee_ends_after_its_period_once_nothing_is_owed(scene, now):
    guarantee = scene.active()
    loan = scene.loan()
    later = now + 400 * DAY
    watch_covers(now=later)
    guarantee.refresh_from_db()
    assert guarantee.status == Guarantee.Status.ACTIVE

    type(loan).objects.filter(pk=loan.pk).update(status="repaid", principal_left=0, ended_at=later)
    watch_covers(now=later)

    guarantee.refresh_from_db()
    scene.partnership.refresh_from_db()
    assert (guarantee.status, scene.partnership.used) == ("ended", D(0))


def test_guarantee_paid_for_by_the_firm_is_refused_by_the_database(scene):
    guarantee = scene.accept()

    with pytest.raises(IntegrityError, match="guarantee_premium_is_never_the_firms"), transaction.atomic():
        Guarantee.objects.filter(pk=guarantee.pk).update(payer=scene.firm)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"amount": D(900_000)}, "guarantee_covers_its_share"),
        ({"paid_amount": D(900_000)}, "guarantee_pays_no_more_than_it_covers"),
        ({"status": "active"}, "guarantee_in_force_has_line_and_period"),
        ({"status": "ended"}, "guarantee_ended_at_goes_with_status"),
    ],
)
def test_guarantee_constraints_are_the_databases(scene, changes, name):
    guarantee = scene.accept()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Guarantee.objects.filter(pk=guarantee.pk).update(**changes)


def test_cover_of_an_open_line(scene, now):
    line = scene.line()
    quote = scene.request(application=None, line=line)
    covers.draft_quote(quote=quote, said=scene.quote_terms(), by=scene.writer, now=now)
    covers.release_quote(quote=quote, by=scene.releaser, now=now)

    guarantee = covers.accept_quote(quote=quote, by=scene.checker, now=now)

    assert list(Guarantee.objects.covering_line(line)) == [guarantee]
    assert CreditLine.objects.filter(pk=guarantee.line_id).exists()


def test_partnership_shown_to_its_own_people(scene):
    stranger = GuarantorFactory(members=[UserFactory()])

    assert list(Partnership.objects.visible_to(scene.maker)) == [scene.partnership]
    assert list(Partnership.objects.visible_to(scene.writer)) == [scene.partnership]
    assert not Partnership.objects.visible_to(stranger.memberships.get().user).exists()


@pytest.mark.django_db(transaction=True)
def test_cap_is_taken_once_by_those_who_race(now):
    scene = cover_scene(now, cap=D(1_000_000))
    first = scene.release()
    other = cover_scene(now)
    Application.objects.filter(pk=other.application.pk).update(product=scene.application.product, bank=scene.bank)
    other.application.refresh_from_db()
    other.firm.consents_given.update(reader=scene.partner)
    second = covers.request_cover(
        partnership=scene.partnership,
        application=other.application,
        said={"amount": "1000000", "days": "180"},
        by=scene.maker,
        now=now,
    )
    covers.draft_quote(quote=second, said=scene.quote_terms(), by=scene.writer, now=now)
    covers.release_quote(quote=second, by=scene.releaser, now=now)

    outcomes = race(
        *(lambda quote=quote: covers.accept_quote(quote=quote, by=scene.checker, now=now) for quote in (first, second))
    )

    assert sorted(isinstance(one, Guarantee) for one in outcomes) == [False, True]
    scene.partnership.refresh_from_db()
    assert scene.partnership.used == D(800_000)
