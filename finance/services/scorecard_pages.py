"""What a bank sees of its models: what serves, what rides beside it and where they disagree, and who signed what."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import Abs

from finance.models import CreditAssessment, CutOffs, PromotionRule, Scorecard, ShadowScore
from finance.runs import scorecards as registry
from finance.scoring.features import BY_NAME
from finance.scoring.reasons import FAMILIES
from finance.services import charts_score, promotions
from marketplace.models import Organisation, User

# Disagreements older than a year say little of the models of today; so many of the greatest are shown.
LOOKED_BACK = timedelta(days=365)
SHOWN = 15
PAST = 20


@dataclass
class ModelsPage:
    """A tenant's registry; ``bank`` None is the platform's."""

    bank: Organisation | None
    serving: Scorecard
    own: list[Scorecard]
    may_make: bool
    may_sign: bool
    cut_offs: CutOffs | None = None
    cut_offs_waiting: list[CutOffs] = field(default_factory=list)
    cut_offs_past: list[CutOffs] = field(default_factory=list)
    rules: list[PromotionRule] = field(default_factory=list)
    challengers: list[Scorecard] = field(default_factory=list)
    # How many firms each model scored for this tenant.
    scored: dict[int, int] = field(default_factory=dict)
    beside: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TermRow:
    """One feature of a model: what it is worth, which way it goes and why."""

    name: str
    family_zh: str
    family_en: str
    sign: int
    # Points that a firm gains or loses one standard deviation from the usual.
    points: float
    why_zh: str
    why_en: str


@dataclass(frozen=True)
class Disagreements:
    """Where a challenger says otherwise than the model that served."""

    firms: int
    same_grade: int
    other_verdict: int | None
    chart: dict[str, Any] | None
    rows: list[tuple[str, list[int]]]
    grades: list[str]
    greatest: list[ShadowScore]

    @property
    def other_grade(self) -> int:
        return self.firms - self.same_grade


@dataclass
class ScorecardPage:
    scorecard: Scorecard
    bank: Organisation | None
    is_whole: bool
    may_make: bool
    may_sign: bool
    terms: list[TermRow] = field(default_factory=list)
    bands: list[tuple[str, int, int, str]] = field(default_factory=list)
    card: list[tuple[str, str]] = field(default_factory=list)
    disagreements: Disagreements | None = None
    rule: PromotionRule | None = None
    standing: promotions.Standing | None = None
    rules_past: list[PromotionRule] = field(default_factory=list)


def tenants_of(user: User) -> list[Organisation | None]:
    """Return whose models this user may look at: those of the user's banks; the platform's is its operator's."""
    banks: list[Organisation | None] = list(
        Organisation.objects.of(user).filter(kind=Organisation.Kind.BANK).order_by("pk")
    )
    return [*banks, None] if user.is_staff else banks


def may(user: User, bank: Organisation | None, roles: tuple[str, ...]) -> bool:
    if bank is None:
        return user.is_staff
    return bank.memberships.filter(user=user, role__in=roles).exists()


def read_models(*, bank: Organisation | None, user: User, now: datetime) -> ModelsPage:
    """Return what the page of a tenant's models shows."""
    serving = registry.serving_for(bank, now=now)
    own = list(Scorecard.objects.of(bank).with_names().order_by("-version"))
    page = ModelsPage(
        bank=bank,
        serving=serving,
        own=own,
        may_make=may(user, bank, Scorecard.MAKING_ROLES),
        may_sign=may(user, bank, Scorecard.SIGNING_ROLES),
    )
    page.challengers = list(Scorecard.objects.riding_with(serving, bank).select_related("bank"))
    if bank is not None:
        lines = CutOffs.objects.filter(bank=bank).select_related("scorecard", "proposed_by", "confirmed_by")
        page.cut_offs = lines.in_force().filter(scorecard=serving).first()
        page.cut_offs_waiting = list(lines.waiting().order_by("pk"))
        page.cut_offs_past = list(lines.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")[:PAST])
    page.rules = list(PromotionRule.objects.of(bank).with_names().order_by("-made_at", "-pk")[:PAST])
    made = CreditAssessment.objects.done().filter(bank=bank)
    page.scored = dict(made.values_list("scorecard").annotate(n=Count("organisation", distinct=True)).order_by())
    beside = ShadowScore.objects.of_tenant(bank).values_list("scorecard")
    page.beside = dict(beside.annotate(n=Count("assessment__organisation", distinct=True)).order_by())
    return page


def read_scorecard(*, scorecard: Scorecard, bank: Organisation | None, user: User, now: datetime) -> ScorecardPage:
    """Return what the page of one model shows to a tenant: its own, or the platform's as this tenant meets it."""
    page = ScorecardPage(
        scorecard=scorecard,
        bank=bank,
        is_whole=_is_whole(scorecard),
        may_make=may(user, scorecard.bank, Scorecard.MAKING_ROLES),
        may_sign=may(user, scorecard.bank, Scorecard.SIGNING_ROLES),
    )
    page.terms = _terms(scorecard.content)
    page.bands = bands_of(scorecard)
    page.card = _card(scorecard.content)
    page.disagreements = disagreements(scorecard, bank=bank, now=now)
    rules = PromotionRule.objects.filter(scorecard=scorecard).with_names().order_by("-made_at", "-pk")
    page.rule = rules.open().first()
    page.rules_past = [rule for rule in rules[:PAST] if not rule.is_open]
    if page.rule:
        page.standing = promotions.standing_of(page.rule, now=now)
    return page


def disagreements(scorecard: Scorecard, *, bank: Organisation | None, now: datetime) -> Disagreements | None:
    """Return where this challenger says otherwise than the models that served this tenant; None where it rode with none.

    Firms are not named: who validates a model needs their figures only, and no firm's data is opened for it.
    """
    beside = ShadowScore.objects.of_tenant(bank).filter(scorecard=scorecard, assessment__as_of__gte=now - LOOKED_BACK)
    pairs = beside.values_list("assessment__grade", "grade").annotate(n=Count("pk")).order_by()
    counts = {(mine, theirs): n for mine, theirs, n in pairs}
    if not counts:
        return None
    # The grades of the model first, in its order; what a bank named otherwise follows.
    named = [one["grade"] for one in scorecard.content.get("grades", [])]
    seen = {grade for pair in counts for grade in pair}
    grades = [grade for grade in named if grade in seen] + sorted(seen - set(named))
    other = None
    lines = CutOffs.objects.in_force().filter(bank=bank).order_by("-confirmed_at").first()
    if lines:
        one, two = Q(assessment__score__gte=lines.approve_from), Q(score__gte=lines.approve_from)
        other = beside.filter((one & ~two) | (~one & two)).count()
    greatest = beside.annotate(gap=Abs(F("score") - F("assessment__score"))).filter(gap__gt=0)
    return Disagreements(
        firms=sum(counts.values()),
        same_grade=sum(n for (mine, theirs), n in counts.items() if mine == theirs),
        other_verdict=other,
        chart=charts_score.disagreement(counts, grades),
        rows=[(mine, [counts.get((mine, theirs), 0) for theirs in grades]) for mine in grades],
        grades=grades,
        greatest=list(greatest.select_related("assessment").order_by("-gap", "pk")[:SHOWN]),
    )


def _is_whole(scorecard: Scorecard) -> bool:
    try:
        registry.load(scorecard)
    except registry.ScorecardTampered:
        return False
    return True


def _terms(content: Mapping[str, Any]) -> list[TermRow]:
    """Return what a model weighs, most first: of a scorecard by its weights, of tables by how far their steps reach."""
    factor = content["scale"]["pdo"] / math.log(2)
    reach = {term["feature"]: abs(term["weight"]) for term in content.get("terms", ())}
    reach |= {one["feature"]: (max(one["steps"]) - min(one["steps"])) / 2 for one in content.get("tables", ())}
    rows = []
    for name, weight in reach.items():
        feature = BY_NAME[name]
        en, zh = FAMILIES[feature.family]
        rows.append(
            TermRow(
                name=name,
                family_zh=zh,
                family_en=en,
                sign=feature.sign,
                points=round(factor * weight, 1),
                why_zh=feature.why_zh,
                why_en=feature.why_en,
            )
        )
    return sorted(rows, key=lambda row: (-row.points, row.name))


def bands_of(scorecard: Scorecard) -> list[tuple[str, int, int, str]]:
    """Return each grade of a model with the scores and the highest probability (in percent) it reaches to, best first."""
    content = scorecard.content
    highest = {one["grade"]: f"{100 * one['highest_pd']:g} %" for one in content["grades"]}
    return [(grade, low, high, highest[grade]) for grade, low, high in reversed(charts_score.band_edges(content))]


def _card(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the model says of itself: its texts, and its figures with their intervals."""
    card = content.get("card", {})
    rows = [(name.replace("_", " "), text) for name, text in card.items() if isinstance(text, str) and name != "name"]
    figures = card.get("figures", {})
    for name in ("auc", "brier", "calibration_slope"):
        found = figures.get(name) if isinstance(figures, Mapping) else None
        if isinstance(found, Mapping) and {"value", "low", "high"} <= set(found):
            rows.append((name, f"{found['value']:.3f} ({found['low']:.3f} … {found['high']:.3f})"))
    return rows
