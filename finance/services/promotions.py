"""Let a challenger serve by a rule made before anybody knew, when results prove it and two who did not make it sign."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import BadLoan, CreditAssessment, Drawdown, PromotionRule, Scorecard, ShadowScore
from finance.runs import scorecards as registry
from finance.scoring import measures
from finance.services import evidence
from finance.services.scorecards import require_tenant, tenant_in_log
from marketplace.models import Organisation, User

# A firm's result is known when a loan of the year after its score went bad, or all were repaid, or the year is over.
WATCHED = timedelta(days=365)
MEASURES = {
    PromotionRule.Metric.AUC: measures.auc,
    PromotionRule.Metric.BRIER: measures.brier,
    PromotionRule.Metric.LOG_LOSS: measures.log_loss,
}
LOWER_IS_BETTER = (PromotionRule.Metric.BRIER, PromotionRule.Metric.LOG_LOSS)


class ModelMakerMayNotPromote(RuleBroken):
    pass


class PromotionNotEarned(RuleBroken):
    pass


class PromotionRuleNotOpen(RuleBroken):
    pass


class SignedAlready(RuleBroken):
    pass


class ChallengerNotInShadow(RuleBroken):
    pass


class ModelGivesNoReasons(RuleBroken):
    pass


class ChampionHasChanged(RuleBroken):
    pass


@dataclass(frozen=True)
class Standing:
    """How a challenger stands under its rule; ``difference`` is how much better it is, with its 95 % interval."""

    firms: int
    bad: int
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    has_enough: bool = False
    is_earned: bool = False


@transaction.atomic
def make_rule(*, scorecard: Scorecard, fields: Mapping[str, Any], by: User, now: datetime) -> PromotionRule:
    """Say what a challenger in shadow must show before it may serve; only firms scored from now on count.

    ``fields``: basis, metric, margin, minimum_firms, minimum_bad, why.

    :raises ModelMakerMayNotPromote: if ``by`` made the model
    :raises ChallengerNotInShadow: if it does not ride in shadow
    :raises ModelGivesNoReasons: if it is of a family that cannot say why
    :raises PromotionRuleNotOpen: if an open rule of it stands already
    :raises InputRefused: naming each field that cannot be taken
    """
    require_tenant(by, scorecard.bank, *Scorecard.SIGNING_ROLES)
    _require_another(scorecard, by)
    registry.load(scorecard)
    if scorecard.status != Scorecard.Status.SHADOW:
        raise ChallengerNotInShadow(_("Let it ride in shadow first: a rule is about what it says beside the other."))
    if not scorecard.gives_reasons:
        raise ModelGivesNoReasons(
            _("This model cannot tell a firm why: it rides beside the one that serves, and never serves itself.")
        )
    champion = registry.serving_for(scorecard.bank, now=now)
    said = _read(fields, champion, scorecard)
    try:
        with transaction.atomic():
            return PromotionRule.objects.create(
                bank=scorecard.bank,
                scorecard=scorecard,
                champion=champion,
                model_made_by=scorecard.made_by,
                made_by=by,
                made_at=now,
                **said,
            )
    except IntegrityError as error:
        raise PromotionRuleNotOpen(_("A rule for this model stands already; withdraw it first.")) from error


def _read(fields: Mapping[str, Any], champion: Scorecard, challenger: Scorecard) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    why = str(fields.get("why") or "").strip()
    if not why:
        errors["why"] = [_("Say why, so that others understand it later.")]
    basis = fields.get("basis") or PromotionRule.Basis.OUTCOMES
    if basis == PromotionRule.Basis.VALIDATION:
        # Whoever has results of its own to compare with compares.
        if champion.bank_id is not None or challenger.bank_id is None:
            errors["basis"] = [_("Only a bank's first own model is taken on its validation report.")]
        if errors:
            raise InputRefused(errors)
        return {"basis": basis, "why": why[:2000]}
    said = {"basis": PromotionRule.Basis.OUTCOMES, "why": why[:2000]}
    if fields.get("metric") in PromotionRule.Metric.values:
        said["metric"] = fields["metric"]
    else:
        errors["metric"] = [_("Choose one of the measures.")]
    for name, least in (("minimum_firms", 1), ("minimum_bad", 1)):
        said[name] = int(fields.get(name) or 0)
        if said[name] < least:
            errors[name] = [_("At least %(least)d.") % {"least": least}]
    said["margin"] = float(fields.get("margin") or 0)
    if not 0 <= said["margin"] < 1:
        errors["margin"] = [_("A number from 0 to below 1.")]
    if errors:
        raise InputRefused(errors)
    return said


def sign_rule(*, rule: PromotionRule, by: User, now: datetime) -> PromotionRule:
    """Sign that the challenger has earned it; the second signature lets it serve, in every process from then on.

    :raises ModelMakerMayNotPromote: if ``by`` made the model
    :raises SignedAlready: if ``by`` has signed
    :raises PromotionNotEarned: if the results do not show, or do not yet show, what the rule asks for
    :raises PromotionRuleNotOpen: if it was withdrawn, or the model serves already
    :raises ChampionHasChanged: if meanwhile another model serves than the rule was made against
    """
    require_tenant(by, rule.bank, *Scorecard.SIGNING_ROLES)
    _require_another(rule.scorecard, by)
    # Before the transaction: drawing samples takes a moment, and results only grow.
    standing = standing_of(rule, now=now)
    with transaction.atomic():
        return _sign(rule, standing, by, now)


def _sign(rule: PromotionRule, standing: Standing, by: User, now: datetime) -> PromotionRule:
    # Two who sign at once wait for each other.
    rule = PromotionRule.objects.select_for_update(of=("self",)).with_names().get(pk=rule.pk)
    if not rule.is_open:
        raise PromotionRuleNotOpen(_("This rule is no longer open."))
    if by.pk == rule.first_signed_by_id:
        raise SignedAlready(_("You have signed: another person signs too."))
    if not standing.is_earned:
        raise PromotionNotEarned(_not_earned(rule, standing))
    if rule.first_signed_by_id is None:
        rule.first_signed_by, rule.first_signed_at = by, now
        rule.save(update_fields=["first_signed_by", "first_signed_at"])
        return rule
    _take_over(rule, now)
    rule.second_signed_by, rule.promoted_at, rule.result = by, now, asdict(standing)
    rule.save(update_fields=["second_signed_by", "promoted_at", "result"])
    content = {
        "tenant": tenant_in_log(rule.bank),
        "scorecard": rule.scorecard.sha256,
        "in_place_of": rule.champion.sha256,
        "rule": rule.pk,
        "firms": standing.firms,
    }
    evidence.append(kind="scorecard.promoted", content=content, at=now)
    return rule


def _take_over(rule: PromotionRule, now: datetime) -> None:
    """Let the challenger serve in place of the champion; one conditional UPDATE each, and a constraint: only one serves."""
    if rule.bank_id:
        # A bank that has no model of its own yet has no row of one to wait for.
        Organisation.objects.select_for_update(no_key=True).get(pk=rule.bank_id)
    registry.load(Scorecard.objects.get(pk=rule.scorecard_id))
    own = Scorecard.objects.of(rule.bank).serving().select_for_update().first()
    if (own or registry.platform_scorecard(now=now)).pk != rule.champion_id:
        raise ChampionHasChanged(
            _("Another model serves now than this rule was made against. Withdraw it and make a new one.")
        )
    if own:
        Scorecard.objects.filter(pk=own.pk).serving().update(status=Scorecard.Status.RETIRED, retired_at=now)
    challenger = Scorecard.objects.filter(pk=rule.scorecard_id, status__in=Scorecard.TRANSITIONS["serving"])
    if not challenger.update(status=Scorecard.Status.SERVING, served_from=now):
        raise ChallengerNotInShadow(_("This model no longer rides in shadow."))


@transaction.atomic
def withdraw_rule(*, rule: PromotionRule, by: User, now: datetime) -> None:
    """Let a rule stand no more; it stays readable.

    :raises PromotionRuleNotOpen: if it is open no longer
    """
    require_tenant(by, rule.bank, *Scorecard.SIGNING_ROLES)
    if not PromotionRule.objects.open().filter(pk=rule.pk).update(withdrawn_by=by, withdrawn_at=now):
        raise PromotionRuleNotOpen(_("This rule is no longer open."))


def _require_another(scorecard: Scorecard, by: User) -> None:
    if scorecard.made_by_id == by.pk:
        raise ModelMakerMayNotPromote(_("You made this model: two others decide whether it serves."))


def standing_of(rule: PromotionRule, *, now: datetime) -> Standing:
    """Return how the challenger stands now: firms scored by both since the rule was made, of which the result is known."""
    if rule.basis == PromotionRule.Basis.VALIDATION:
        return Standing(firms=0, bad=0, has_enough=True, is_earned=True)
    scored = _scored_by_both(rule)
    results = outcomes({firm: as_of for firm, (as_of, _one, _other) in scored.items()}, bank=rule.bank, now=now)
    firms = sorted(results)
    labels = np.array([results[firm] for firm in firms], dtype=int)
    bad = int(labels.sum())
    has_enough = len(firms) >= rule.minimum_firms and bad >= rule.minimum_bad
    if not has_enough or bad == len(firms):
        return Standing(firms=len(firms), bad=bad)
    champion = np.array([scored[firm][1] for firm in firms])
    challenger = np.array([scored[firm][2] for firm in firms])
    measure = MEASURES[rule.metric]
    found = measures.difference(measure, labels, challenger, champion)
    value, low, high = found.value, found.low, found.high
    if rule.metric in LOWER_IS_BETTER:
        value, low, high = -value, -high, -low
    return Standing(
        firms=len(firms),
        bad=bad,
        champion=measure(labels, champion),
        challenger=measure(labels, challenger),
        difference=value,
        low=low,
        high=high,
        has_enough=True,
        # Better by the margin, and by more than chance.
        is_earned=value >= rule.margin and low > 0,
    )


def _scored_by_both(rule: PromotionRule) -> dict[int, tuple[datetime, float, float]]:
    """Return per firm its first score by both since the rule was made: when, the champion's and the challenger's PD."""
    made = CreditAssessment.objects.done().filter(bank=rule.bank, as_of__gte=rule.made_at, scorecard=rule.champion)
    beside = ShadowScore.objects.filter(scorecard=rule.scorecard, assessment__in=made).select_related("assessment")
    found: dict[int, tuple[datetime, float, float]] = {}
    for shadow in beside.order_by("assessment__as_of", "assessment_id"):
        one = shadow.assessment
        found.setdefault(one.organisation_id, (one.as_of, one.probability, shadow.probability))
    return found


def outcomes(scored: Mapping[int, datetime], *, bank: Organisation | None, now: datetime) -> dict[int, int]:
    """Return 1 for each firm that defaulted on a loan of the year after its score, 0 where it did not; else it is absent.

    :param scored: when each firm (by its id) was scored
    :param bank: count this bank's loans; None: every bank's here
    """
    paid = Drawdown.objects.filter(borrower__in=scored, paid_out_at__isnull=False).select_related("bad")
    if bank is not None:
        paid = paid.filter(line__bank=bank)
    loans: dict[int, list[Drawdown]] = {}
    for loan in paid:
        if scored[loan.borrower_id] < loan.paid_out_at <= scored[loan.borrower_id] + WATCHED:
            loans.setdefault(loan.borrower_id, []).append(loan)
    found = {}
    for firm, drawn in loans.items():
        if any(_has_defaulted(loan, now) for loan in drawn):
            found[firm] = 1
        elif scored[firm] + WATCHED <= now or all(loan.status == Drawdown.Status.REPAID for loan in drawn):
            found[firm] = 0
    return found


def _has_defaulted(loan: Drawdown, now: datetime) -> bool:
    """Tell whether a loan is known to have gone bad, or would be at the next look; a later cure undoes nothing."""
    if hasattr(loan, "bad") or loan.status == Drawdown.Status.WRITTEN_OFF or loan.risk_class in BadLoan.CLASSES:
        return True
    return loan.overdue_since is not None and (now.date() - loan.overdue_since).days >= BadLoan.DAYS


def _not_earned(rule: PromotionRule, standing: Standing) -> str:
    if not standing.has_enough:
        return _(
            "The results do not show it yet: %(firms)d firms with a result of %(least_firms)d, "
            "%(bad)d defaults of %(least_bad)d."
        ) % {
            "firms": standing.firms,
            "least_firms": rule.minimum_firms,
            "bad": standing.bad,
            "least_bad": rule.minimum_bad,
        }
    return _(
        "The results do not show it: better by %(difference).3f (95 %% interval %(low).3f to %(high).3f), "
        "asked for was %(margin).3f and more than chance."
    ) % {
        "difference": standing.difference or 0.0,
        "low": standing.low or 0.0,
        "high": standing.high or 0.0,
        "margin": rule.margin,
    }
