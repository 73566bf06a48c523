"""A bank's own models: taken in once, signed, never changed; lines drawn by two."""

import json

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import CutOffs, LogLeaf, Scorecard
from finance.runs import scorecards as registry
from finance.scoring.default import default_scorecard
from finance.services import scorecards
from marketplace.services.organisations import OnlyMembersMay, OnlyPlatformOperatorMay
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_assessment import CutOffsFactory, PromotionRuleFactory, ScorecardFactory, boosted, card, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


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


def upload(bank, by, content=None):
    return scorecards.upload_scorecard(bank=bank, name="Own", content=content or card(), by=by, now=NOON)


# Taking in


def test_uploaded_model_is_a_signed_draft(bank, owner):
    row = upload(bank, owner, json.dumps(card()).encode())

    row.refresh_from_db()
    assert (row.status, row.version, row.made_by) == ("draft", 1, owner)
    assert registry.load(row) == card()
    assert LogLeaf.objects.get().content["sha256"] == row.sha256


def test_uploaded_models_are_numbered_per_tenant(bank, owner):
    other = OrganisationFactory(kind="bank", members=[owner])

    versions = [upload(bank, owner, card(weight)).version for weight in (-0.1, -0.2)]

    assert [*versions, upload(other, owner).version] == [1, 2, 1]


def test_same_model_is_taken_in_once(bank, owner):
    upload(bank, owner)

    with pytest.raises(scorecards.ScorecardKnownAlready):
        upload(bank, owner)


def test_the_shipped_model_can_be_handed_in_as_ones_own(bank, owner):
    row = upload(bank, owner, default_scorecard().to_json().encode())

    assert row.sha256 == registry.digest(default_scorecard().to_dict())


def test_boosted_trees_are_taken_in_as_their_family(bank, owner):
    row = upload(bank, owner, boosted())

    assert (row.family, row.gives_reasons) == ("boosted", False)


def broken(**changes):
    return card() | changes


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"{", "This is no JSON"),
        (b"\xff\xfe", "This is no JSON"),
        (b'{"prior": NaN}', "This is no JSON"),
        (b"[]", "$: "),
        (broken(prior=2), "$.prior"),
        (broken(format="other"), "$.format"),
        (broken(terms=[]), "$.terms"),
        (broken(terms=[card()["terms"][0] | {"feature": "rating"}]), "$.terms[0].feature"),
        (broken(terms=[card()["terms"][0] | {"weight": 0.5}]), "$.terms[0].weight"),
        (broken(terms=[card()["terms"][0] | {"sd": 0}]), "$.terms[0].sd"),
        (broken(grades=[{"grade": "LONGER", "highest_pd": 1}, {"grade": "B", "highest_pd": 1}]), "$.grades[0].grade"),
        (broken(grades=[{"grade": "A", "highest_pd": 0.1}, {"grade": "B", "highest_pd": 0.5}]), "$.grades"),
        (broken(scale=card()["scale"] | {"pdo": "forty"}), "$.scale.pdo"),
        (broken(scale={"points": 600}), "$.scale"),
        (boosted() | {"tables": [boosted()["tables"][0] | {"edges": [0.2, 0.1]}]}, "$.tables[0]"),
        (boosted() | {"tables": [boosted()["tables"][0] | {"steps": [1.0, 0.0, 0.0]}]}, "$.tables[0].steps"),
    ],
)
def test_what_is_no_model_is_refused_by_its_path(bank, owner, content, path):
    with pytest.raises(InputRefused) as refused:
        upload(bank, owner, content)

    assert refused.value.errors["content"][0].startswith(path)
    assert not Scorecard.objects.exists()


def test_too_large_a_file_is_refused(bank, owner):
    with pytest.raises(InputRefused):
        upload(bank, owner, b" " * 1_000_001)


def test_upload_by_a_checker_or_a_stranger_is_refused(bank, checker):
    for user in (checker, UserFactory()):
        with pytest.raises(OnlyMembersMay):
            upload(bank, user)


def test_upload_for_the_platform_is_its_operators(owner):
    with pytest.raises(OnlyPlatformOperatorMay):
        upload(None, owner)

    assert upload(None, UserFactory(is_staff=True)).bank is None


def test_only_a_bank_has_models(owner):
    with pytest.raises(InputRefused):
        upload(OrganisationFactory(members=[owner]), owner)


# Trusting


@pytest.mark.parametrize(
    "change",
    [
        "content = jsonb_set(content, '{intercept}', '-9')",
        "sha256 = repeat('a', 64)",
        "signature = repeat('ab', 64)",
        "version = 99",
        "bank_id = NULL",
    ],
)
def test_a_tampered_model_is_not_loaded(bank, change):
    row = ScorecardFactory(bank=bank)
    tamper(f"UPDATE finance_scorecard SET {change}")

    row = Scorecard.objects.get(pk=row.pk)
    with pytest.raises(registry.ScorecardTampered):
        registry.load(row)


@pytest.mark.parametrize("field", ["sha256", "signature", "version"])
def test_database_lets_nobody_change_a_model(field):
    row = ScorecardFactory()

    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Scorecard.objects.filter(pk=row.pk).update(**{field: 7})


def test_the_shipped_model_is_taken_in_once_and_serves():
    first = registry.platform_scorecard(now=NOON)
    second = registry.platform_scorecard(now=NOON)

    assert (first, first.status, first.is_shipped, Scorecard.objects.count()) == (second, "serving", True, 1)


def test_a_newer_shipped_model_rides_in_shadow():
    serving = ScorecardFactory(made_by=None)

    found = registry.platform_scorecard(now=NOON)

    newer = Scorecard.objects.exclude(pk=serving.pk).get()
    assert (found, newer.status) == (serving, "shadow")


def test_a_shipped_file_that_was_changed_is_refused(monkeypatch):
    default_scorecard.cache_clear()
    monkeypatch.setattr("finance.scoring.default.SHA256", "0" * 64)

    with pytest.raises(registry.ScorecardTampered):
        registry.platform_scorecard(now=NOON)


def test_a_bank_is_served_by_its_own_else_by_the_platforms(bank):
    platform = ScorecardFactory(made_by=None)
    before = registry.serving_for(bank, now=NOON)
    own = ScorecardFactory(bank=bank)

    assert (before, registry.serving_for(bank, now=NOON)) == (platform, own)


# Shadow and end


def test_put_in_shadow_once(bank, owner):
    row = ScorecardFactory(bank=bank, status="draft")

    scorecards.put_in_shadow(scorecard=row, by=owner, now=NOON)

    assert row.status == "shadow"
    with pytest.raises(scorecards.ScorecardNotInStateForThis):
        scorecards.put_in_shadow(scorecard=row, by=owner, now=NOON)


def test_a_tampered_draft_does_not_ride(bank, owner):
    row = ScorecardFactory(bank=bank, status="draft")
    tamper("UPDATE finance_scorecard SET signature = 'ab'")

    with pytest.raises(registry.ScorecardTampered):
        scorecards.put_in_shadow(scorecard=Scorecard.objects.get(pk=row.pk), by=owner, now=NOON)


def test_retiring_what_serves_takes_two(bank, maker, checker):
    row = ScorecardFactory(bank=bank)
    with pytest.raises(InputRefused):
        scorecards.retire_scorecard(scorecard=row, by=maker, now=NOON)
    asked = scorecards.retire_scorecard(scorecard=row, by=maker, now=NOON, why="It drifts")
    with pytest.raises(scorecards.SecondPersonNeeded):
        scorecards.retire_scorecard(scorecard=row, by=maker, now=NOON)

    done = scorecards.retire_scorecard(scorecard=row, by=checker, now=NOON)

    assert (asked.status, done.status, done.retired_by) == ("serving", "retired", checker)


def test_retiring_a_challenger_takes_one(bank, maker):
    row = ScorecardFactory(bank=bank, status="shadow")

    scorecards.retire_scorecard(scorecard=row, by=maker, now=NOON)

    row.refresh_from_db()
    assert row.status == "retired"
    with pytest.raises(scorecards.ScorecardNotInStateForThis):
        scorecards.retire_scorecard(scorecard=row, by=maker, now=NOON)


def test_the_platforms_serving_model_is_not_retired():
    operator = UserFactory(is_staff=True)

    with pytest.raises(scorecards.PlatformNeedsAModel):
        scorecards.retire_scorecard(scorecard=ScorecardFactory(), by=operator, now=NOON, why="why")


# Lines


def propose(bank, scorecard, by, **said):
    fields = {"approve_from": 620, "refuse_below": 540, "why": "The board"} | said
    return scorecards.propose_cut_offs(bank=bank, scorecard=scorecard, by=by, now=NOON, **fields)


def test_cut_offs_hold_when_another_confirms(bank, maker, checker):
    serving = ScorecardFactory(made_by=None)
    former = CutOffsFactory(bank=bank, scorecard=serving)
    proposed = propose(bank, serving, maker)
    with pytest.raises(scorecards.SecondPersonNeeded):
        scorecards.confirm_cut_offs(cut_offs=proposed, by=maker, now=NOON)

    scorecards.confirm_cut_offs(cut_offs=proposed, by=checker, now=NOON)

    former.refresh_from_db()
    assert (CutOffs.objects.of(bank, serving), former.ended_at) == (proposed, NOON)
    assert [proposed.verdict(score) for score in (620, 619, 540, 539)] == ["approve", "review", "review", "refuse"]
    with pytest.raises(scorecards.CutOffsNoLongerWait):
        scorecards.confirm_cut_offs(cut_offs=proposed, by=checker, now=NOON)


def test_a_newer_proposal_takes_the_place_of_the_waiting_one(bank, maker):
    serving = ScorecardFactory(made_by=None)
    propose(bank, serving, maker)

    second = propose(bank, serving, maker, approve_from=700)

    assert list(CutOffs.objects.waiting()) == [second]


def test_a_proposal_is_turned_down(bank, maker, checker):
    proposed = propose(bank, ScorecardFactory(made_by=None), maker)

    scorecards.withdraw_cut_offs(cut_offs=proposed, by=checker, now=NOON)

    with pytest.raises(scorecards.CutOffsNoLongerWait):
        scorecards.withdraw_cut_offs(cut_offs=proposed, by=checker, now=NOON)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"refuse_below": 621}, "refuse_below"),
        ({"why": " "}, "why"),
        ({"grades": [{"grade": "", "below": 1}]}, "grades.0.grade"),
        ({"grades": [{"grade": "1", "below": 0.5}, {"grade": "2", "below": 0.2}]}, "grades.1.below"),
        ({"grades": [{"grade": "1", "below": 0.5}]}, "grades"),
    ],
)
def test_cut_offs_that_make_no_sense_are_refused(bank, maker, said, field):
    with pytest.raises(InputRefused) as refused:
        propose(bank, ScorecardFactory(made_by=None), maker, **said)

    assert list(refused.value.errors) == [field]


def test_cut_offs_on_another_banks_model_are_refused(bank, maker):
    theirs = ScorecardFactory(bank=OrganisationFactory(kind="bank"))

    with pytest.raises(InputRefused):
        propose(bank, theirs, maker)


def test_cut_offs_by_a_viewer_are_refused(bank):
    viewer = MembershipFactory(organisation=bank, role="viewer").user

    with pytest.raises(OnlyMembersMay):
        propose(bank, ScorecardFactory(made_by=None), viewer)


# What the database refuses


def test_two_serve_in_no_tenant(bank):
    ScorecardFactory(bank=bank)
    ScorecardFactory()

    for tenant in (bank, None):
        with pytest.raises(IntegrityError, match="scorecard_one_serves_per_tenant"), transaction.atomic():
            ScorecardFactory(bank=tenant)


def test_retirement_by_who_asked_is_refused(owner):
    with pytest.raises(IntegrityError, match="retirement_is_asked_for_by_another"), transaction.atomic():
        ScorecardFactory(retirement_asked_by=owner, retirement_reason="x", retired_by=owner)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("cut_offs_refuse_at_most_where_they_approve", {"refuse_below": 900}),
        ("cut_offs_say_why", {"why": ""}),
        ("cut_offs_confirmed_at_goes_with_confirmed_by", {"confirmed_at": None}),
    ],
)
def test_cut_offs_are_refused(constraint, fields):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        CutOffsFactory(**fields)


def test_cut_offs_confirmed_by_who_proposed_are_refused(owner):
    with pytest.raises(IntegrityError, match="cut_offs_are_confirmed_by_another"), transaction.atomic():
        CutOffsFactory(proposed_by=owner, confirmed_by=owner)


def test_cut_offs_in_force_are_one_per_model():
    first = CutOffsFactory()

    with pytest.raises(IntegrityError, match="cut_offs_one_in_force_per_model"), transaction.atomic():
        CutOffsFactory(bank=first.bank, scorecard=first.scorecard)


def test_rules_by_the_models_maker_are_refused(bank, owner):
    champion = ScorecardFactory(made_by=None)
    challenger = ScorecardFactory(bank=bank, made_by=owner, status="shadow")
    for constraint, fields in (
        ("promotion_rule_is_not_the_model_makers", {"made_by": owner}),
        ("first_signer_did_not_make_the_model", {"first_signed_by": owner}),
        ("promotion_rule_challenger_is_not_the_champion", {"champion": challenger}),
        ("promotion_rule_by_outcomes_says_what_and_how_many", {"minimum_firms": 0}),
        ("promotion_rule_says_why", {"why": ""}),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            PromotionRuleFactory(**{"scorecard": challenger, "champion": champion} | fields)


def test_rules_signed_twice_by_one_are_refused(bank, checker):
    challenger = ScorecardFactory(bank=bank, status="shadow")
    fields = {"scorecard": challenger, "champion": ScorecardFactory(made_by=None), "first_signed_by": checker}

    with pytest.raises(IntegrityError, match="promotion_rule_is_signed_by_two"), transaction.atomic():
        PromotionRuleFactory(**fields, second_signed_by=checker, promoted_at=NOON)
