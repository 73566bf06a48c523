"""A challenger comes to serve by a rule made before, by results, and by two who did not make it."""

import datetime as dt

import pytest

from config.errors import InputRefused
from finance.models import BadLoan, LogLeaf, Scorecard, ShadowScore
from finance.services import promotions
from marketplace.services.organisations import OnlyMembersMay, OnlyPlatformOperatorMay
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_assessment import AssessmentFactory, PromotionRuleFactory, ScorecardFactory, boosted, card, tamper
from tests.factories_monitoring import LineFactory, LoanFactory
from tests.races import race

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(days=200)
FIELDS = {"metric": "auc", "margin": 0.05, "minimum_firms": 12, "minimum_bad": 4, "why": "Ours ranks better"}


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def maker():
    return UserFactory()


@pytest.fixture
def checker():
    return UserFactory()


@pytest.fixture
def bank(owner, maker, checker):
    return OrganisationFactory(kind="bank", members=[owner], members__maker=maker, members__checker=checker)


@pytest.fixture
def champion(bank):
    return ScorecardFactory(bank=bank)


@pytest.fixture
def challenger(bank, owner):
    return ScorecardFactory(bank=bank, status="shadow", made_by=owner, content=card(-1.5))


@pytest.fixture
def rule(challenger, champion, maker):
    return promotions.make_rule(scorecard=challenger, fields=FIELDS, by=maker, now=NOON)


def scored(rule, *, champion, challenger, at=NOON):
    """Let a firm be scored by both, the probabilities as given."""
    one = AssessmentFactory(
        bank=rule.bank,
        organisation=OrganisationFactory(),
        scorecard=rule.champion,
        probability=champion,
        as_of=at,
    )
    ShadowScore.objects.create(assessment=one, scorecard=rule.scorecard, score=600, probability=challenger, grade="B")
    return one


def results(rule, *, firms=16, bad=6, at=NOON):
    """Let loans of firms turn out as the challenger foresaw, and the champion did not."""
    for place in range(firms):
        is_bad = place < bad
        one = scored(rule, champion=0.05 + 0.001 * (place * 7 % firms), challenger=0.5 if is_bad else 0.02, at=at)
        line = LineFactory(bank=rule.bank, borrower=one.organisation)
        loan(
            line,
            paid_out_at=at + dt.timedelta(days=10),
            status="paid_out" if is_bad else "repaid",
            risk_class="substandard" if is_bad else "normal",
        )


def loan(line, *, paid_out_at, status="paid_out", **fields):
    ended = {} if status == "paid_out" else {"principal_left": 0, "ended_at": LATER, "waits_for": "nobody"}
    return LoanFactory(line=line, paid_out_at=paid_out_at, status=status, **ended, **fields)


# Rules


def test_rule_names_what_it_would_take_the_place_of(rule, champion, challenger, owner, maker):
    assert (rule.champion, rule.model_made_by, rule.made_by, rule.is_open) == (champion, owner, maker, True)


def test_rule_by_who_made_the_model_is_refused(challenger, champion, owner):
    with pytest.raises(promotions.ModelMakerMayNotPromote):
        promotions.make_rule(scorecard=challenger, fields=FIELDS, by=owner, now=NOON)


def test_rule_for_a_draft_is_refused(bank, champion, maker):
    draft = ScorecardFactory(bank=bank, status="draft")

    with pytest.raises(promotions.ChallengerNotInShadow):
        promotions.make_rule(scorecard=draft, fields=FIELDS, by=maker, now=NOON)


def test_rule_for_a_model_that_cannot_say_why_is_refused(bank, champion, maker):
    tables = ScorecardFactory(bank=bank, status="shadow", family="boosted", content=boosted())

    with pytest.raises(promotions.ModelGivesNoReasons):
        promotions.make_rule(scorecard=tables, fields=FIELDS, by=maker, now=NOON)


def test_second_rule_is_refused_until_the_first_is_withdrawn(rule, challenger, maker, checker):
    with pytest.raises(promotions.PromotionRuleNotOpen):
        promotions.make_rule(scorecard=challenger, fields=FIELDS, by=checker, now=NOON)

    promotions.withdraw_rule(rule=rule, by=maker, now=NOON)

    assert promotions.make_rule(scorecard=challenger, fields=FIELDS, by=checker, now=NOON).is_open
    with pytest.raises(promotions.PromotionRuleNotOpen):
        promotions.withdraw_rule(rule=rule, by=maker, now=NOON)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metric": "luck"}, "metric"),
        ({"margin": -0.1}, "margin"),
        ({"minimum_firms": 0}, "minimum_firms"),
        ({"minimum_bad": None}, "minimum_bad"),
        ({"why": " "}, "why"),
        ({"basis": "validation"}, "basis"),
    ],
)
def test_rule_that_asks_for_nothing_is_refused(challenger, champion, maker, change, field):
    with pytest.raises(InputRefused) as refused:
        promotions.make_rule(scorecard=challenger, fields=FIELDS | change, by=maker, now=NOON)

    assert list(refused.value.errors) == [field]


def test_rule_by_a_viewer_or_of_the_platform_is_refused(bank, challenger, champion, maker):
    viewer = MembershipFactory(organisation=bank, role="viewer").user
    with pytest.raises(OnlyMembersMay):
        promotions.make_rule(scorecard=challenger, fields=FIELDS, by=viewer, now=NOON)

    platforms = ScorecardFactory(status="shadow")
    with pytest.raises(OnlyPlatformOperatorMay):
        promotions.make_rule(scorecard=platforms, fields=FIELDS, by=maker, now=NOON)


# Results


def test_challenger_that_foresaw_better_is_promoted_by_two(rule, champion, challenger, maker, checker):
    results(rule)

    once = promotions.sign_rule(rule=rule, by=maker, now=LATER)
    status_between = Scorecard.objects.get(pk=challenger.pk).status
    twice = promotions.sign_rule(rule=rule, by=checker, now=LATER)

    champion.refresh_from_db()
    challenger.refresh_from_db()
    assert (once.promoted_at, status_between) == (None, "shadow")
    assert (champion.status, challenger.status, twice.promoted_at) == ("retired", "serving", LATER)
    assert (twice.result["firms"], twice.result["bad"]) == (16, 6)
    assert LogLeaf.objects.get(kind="scorecard.promoted").content["in_place_of"] == champion.sha256


def test_signing_twice_or_by_the_models_maker_is_refused(rule, owner, maker):
    results(rule)
    promotions.sign_rule(rule=rule, by=maker, now=LATER)

    with pytest.raises(promotions.SignedAlready):
        promotions.sign_rule(rule=rule, by=maker, now=LATER)
    with pytest.raises(promotions.ModelMakerMayNotPromote):
        promotions.sign_rule(rule=rule, by=owner, now=LATER)


def test_too_few_results_are_no_proof(rule, maker):
    results(rule, firms=5, bad=2)

    with pytest.raises(promotions.PromotionNotEarned, match="5"):
        promotions.sign_rule(rule=rule, by=maker, now=LATER)


def test_results_of_before_the_rule_do_not_count(rule):
    results(rule, at=NOON - dt.timedelta(days=1))

    assert promotions.standing_of(rule, now=LATER).firms == 0


def test_a_challenger_that_foresaw_no_better_is_not_promoted(rule, maker):
    for place in range(16):
        one = scored(rule, champion=0.5 if place < 6 else 0.02, challenger=0.05 + 0.001 * (place * 7 % 16))
        line = LineFactory(bank=rule.bank, borrower=one.organisation)
        loan(
            line,
            paid_out_at=NOON + dt.timedelta(days=10),
            status="paid_out" if place < 6 else "repaid",
            risk_class="loss" if place < 6 else "normal",
        )

    standing = promotions.standing_of(rule, now=LATER)

    assert (standing.has_enough, standing.is_earned) == (True, False)
    assert standing.high < 0
    with pytest.raises(promotions.PromotionNotEarned):
        promotions.sign_rule(rule=rule, by=maker, now=LATER)


def test_result_of_a_firm(bank):
    firms = [LineFactory(bank=bank, borrower=OrganisationFactory()) for _ in range(7)]
    day = dt.timedelta(days=1)
    loan(firms[0], status="repaid", paid_out_at=NOON + day)
    loan(firms[1], overdue_since=(LATER - 91 * day).date(), paid_out_at=NOON + day)
    loan(firms[2], overdue_since=(LATER - 30 * day).date(), paid_out_at=NOON + day)
    cured = loan(firms[3], status="repaid", paid_out_at=NOON + day)
    BadLoan.objects.create(drawdown=cured, since=LATER.date(), known_at=LATER)
    loan(firms[4], status="repaid", paid_out_at=NOON - day)
    loan(firms[5], status="written_off", paid_out_at=NOON + day)
    loan(LineFactory(borrower=firms[6].borrower), status="repaid", paid_out_at=NOON + day)
    scored_at = {line.borrower_id: NOON for line in firms}

    theirs = promotions.outcomes(scored_at, bank=bank, now=LATER)
    after_a_year = promotions.outcomes(scored_at, bank=bank, now=NOON + 366 * day)

    # Repaid; 91 days late; late but not that late; paid after it was bad; drawn before the score; written off; another's.
    assert [theirs.get(line.borrower_id) for line in firms] == [0, 1, None, 1, None, 1, None]
    assert after_a_year[firms[2].borrower_id] == 1
    assert promotions.outcomes(scored_at, bank=None, now=LATER)[firms[6].borrower_id] == 0


# What may come between


def test_rule_against_a_champion_that_serves_no_longer_is_refused(rule, champion, bank, maker, checker):
    results(rule)
    promotions.sign_rule(rule=rule, by=maker, now=LATER)
    Scorecard.objects.filter(pk=champion.pk).update(status="retired")
    ScorecardFactory(bank=bank)

    with pytest.raises(promotions.ChampionHasChanged):
        promotions.sign_rule(rule=rule, by=checker, now=LATER)

    rule.refresh_from_db()
    assert (rule.second_signed_by, rule.promoted_at) == (None, None)


def test_a_challenger_that_was_retired_is_not_promoted(rule, challenger, champion, maker, checker):
    results(rule)
    promotions.sign_rule(rule=rule, by=maker, now=LATER)
    Scorecard.objects.filter(pk=challenger.pk).update(status="retired")

    with pytest.raises(promotions.ChallengerNotInShadow):
        promotions.sign_rule(rule=rule, by=checker, now=LATER)

    champion.refresh_from_db()
    assert champion.status == "serving"


def test_a_tampered_challenger_is_not_promoted(rule, challenger, maker, checker):
    results(rule)
    promotions.sign_rule(rule=rule, by=maker, now=LATER)
    tamper(f"UPDATE finance_scorecard SET signature = 'ab' WHERE id = {challenger.pk}")

    with pytest.raises(promotions.registry.ScorecardTampered):
        promotions.sign_rule(rule=rule, by=checker, now=LATER)


def test_a_withdrawn_rule_is_signed_by_nobody(rule, maker, checker):
    results(rule)
    promotions.withdraw_rule(rule=rule, by=maker, now=NOON)

    with pytest.raises(promotions.PromotionRuleNotOpen):
        promotions.sign_rule(rule=rule, by=checker, now=LATER)


def test_a_banks_first_own_model_is_taken_on_its_validation(bank, owner, maker, checker):
    platforms = ScorecardFactory(made_by=None)
    own = ScorecardFactory(bank=bank, status="shadow", made_by=owner)
    fields = {"basis": "validation", "why": "Report 2026-7 of our validation unit"}
    rule = promotions.make_rule(scorecard=own, fields=fields, by=maker, now=NOON)

    promotions.sign_rule(rule=rule, by=maker, now=NOON)
    promotions.sign_rule(rule=rule, by=checker, now=NOON)

    own.refresh_from_db()
    platforms.refresh_from_db()
    assert (own.status, platforms.status) == ("serving", "serving")


def test_of_two_first_models_of_a_bank_one_comes_to_serve(bank, owner, maker, checker):
    ScorecardFactory(made_by=None)
    rules = []
    for _ in range(2):
        own = ScorecardFactory(bank=bank, status="shadow", made_by=owner)
        fields = {"basis": "validation", "why": "Report"}
        rules.append(promotions.make_rule(scorecard=own, fields=fields, by=maker, now=NOON))
        promotions.sign_rule(rule=rules[-1], by=maker, now=NOON)

    promotions.sign_rule(rule=rules[0], by=checker, now=NOON)

    with pytest.raises(promotions.ChampionHasChanged):
        promotions.sign_rule(rule=rules[1], by=checker, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_two_who_sign_at_once_promote_once():
    owner, maker, checker = (UserFactory() for _ in range(3))
    bank = OrganisationFactory(kind="bank", members=[owner], members__maker=maker, members__checker=checker)
    ScorecardFactory(made_by=None)
    own = ScorecardFactory(bank=bank, status="shadow", made_by=owner)
    rule = PromotionRuleFactory(
        scorecard=own,
        champion=Scorecard.objects.get(bank=None),
        basis="validation",
        metric="",
        made_by=maker,
        first_signed_by=maker,
        first_signed_at=NOON,
    )

    other = MembershipFactory(organisation=bank, role="checker").user
    race(
        lambda: promotions.sign_rule(rule=rule, by=checker, now=NOON),
        lambda: promotions.sign_rule(rule=rule, by=other, now=NOON),
    )

    assert LogLeaf.objects.filter(kind="scorecard.promoted").count() == 1
    assert list(Scorecard.objects.of(bank).serving()) == [own]
