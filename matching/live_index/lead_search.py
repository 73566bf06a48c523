"""From a supply to scored leads and their reasons, on what this process holds."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import Count, Max
from django.utils import timezone

from marketplace.models import Category, Listing, Order
from marketplace.parsing.industries import industries
from marketplace.parsing.regions import distance_km
from matching.leads import PROJECT_FEATURES, Asked, Projects, firm_features, project_features, shipped_model
from matching.leads.book import group_of
from matching.leads.experience import Closed, experience_by_industry
from matching.leads.features import LEAST_FIRMS, NEAR_KM
from matching.leads.reasons import explain_firm, explain_project
from matching.live_index.facts import category_book, index_text
from matching.live_index.lead_book import LeadBook, lead_book
from matching.live_index.trained import encoder
from matching.models import BuildingProject, IndexEntry, LeadContact
from matching.ranking.explanation import Reason
from matching.retrieval.tokens import tokenise

FIRM, PROJECT = "firm", "project"


@dataclass(frozen=True, slots=True)
class Scored:
    """A firm or a building project as the book holds it, with its score, 0 to 100."""

    kind: str
    id: int
    score: float
    industry: str
    region: str
    stage: str = ""

    @property
    def target(self) -> tuple[str, int]:
        return self.kind, self.id


class Scoring:
    """All that could need a supply, best first, and the way to tell why."""

    def __init__(self, book: LeadBook, asked: Asked, tokens: frozenset[str]) -> None:
        self._asked, self._model = asked, shipped_model()
        self._firms, self._projects = book.firms, book.projects
        self._firm_features, self._firm_facts = firm_features(self._firms, asked)
        self._project_features, self._project_facts = project_features(self._projects, self._firms, asked, tokens)
        self.version = self._model.version
        self._place = {FIRM: _places(self._firms.ids), PROJECT: _places(self._projects.ids)}
        chances = [
            self._model.firms.chances(self._firm_features),
            self._model.projects.chances(self._project_features),
        ]
        self._scores = 100.0 * np.concatenate(chances)
        # The best first; ties go to firms, then to the smaller id.
        self._order = np.lexsort((np.arange(len(self._scores)), -self._scores))

    def ordered(self) -> Iterator[Scored]:
        """Yield everybody, the best first: who needs the first thousand of many pays for no more."""
        for place in self._order.tolist():
            yield self._at(place)

    def one(self, target: tuple[str, int]) -> tuple[Scored, int] | None:
        """Return a firm or project with its place among all, from 1; None where the book does not hold it."""
        kind, pk = target
        if pk not in self._place[kind]:
            return None
        place = self._place[kind][pk] + (0 if kind == FIRM else len(self._firms))
        return self._at(place), int(np.flatnonzero(self._order == place)[0]) + 1

    def _at(self, place: int) -> Scored:
        firms, score = self._firms, float(self._scores[place])
        if place < len(firms):
            industry, region = firms.industries[firms.industry[place]], firms.regions[firms.region[place]]
            return Scored(FIRM, int(firms.ids[place]), score, industry, region)
        row = self._projects.rows[place - len(firms)]
        return Scored(PROJECT, row.id, score, row.industry, row.region, row.stage)

    def explain(self, targets: Sequence[tuple[str, int]]) -> list[list[dict]]:
        """Return for each target its reasons, [{feature, points, zh, en}], whose points sum to its score."""
        firms = [self._place[FIRM][pk] for kind, pk in targets if kind == FIRM]
        projects = [self._place[PROJECT][pk] for kind, pk in targets if kind == PROJECT]
        told_firms = iter(self._model.firms.contributions(self._firm_features[firms]))
        told_projects = iter(self._model.projects.contributions(self._project_features[projects]))
        names = {
            code: (spec.name_zh, spec.name_en) for spec, _above in category_book().values() for code in (spec.code,)
        }
        trades = industries()
        found = []
        for kind, pk in targets:
            place = self._place[kind][pk]
            if kind == FIRM:
                loudest = int(self._firm_facts.loudest[place])
                reasons = explain_firm(
                    place,
                    next(told_firms),
                    self._firm_facts,
                    names=names,
                    industries=trades,
                    industry=self._firms.industries[self._firms.industry[place]],
                    sold=self._firms.categories[loudest] if loudest >= 0 else "",
                    category=self._asked.category,
                )
            else:
                reasons = explain_project(
                    place,
                    next(told_projects),
                    self._project_facts,
                    names=names,
                    stage=self._projects.rows[place].stage,
                    category=self._asked.category,
                )
            found.append([_plain(reason) for reason in reasons])
        return found


def score_leads(*, supply: Listing, latest: Mapping[tuple[str, int], LeadContact], now: datetime) -> Scoring:
    """Score every firm and building project for a supply that has a category.

    :param latest: what was last written about each lead of its category
    """
    book = lead_book()
    book.refresh()
    return Scoring(book, _asked(supply, book, latest, now), _tokens(supply.category_id))


class ProjectScorer:
    """Scores of building projects for supplies of one category anywhere: what the category says is worked out once."""

    def __init__(self, category_id: int, project_ids: Collection[int], *, now: datetime) -> None:
        book, spec = lead_book(), category_book()[category_id][0]
        rows = [row for row in book.projects.rows if row.id in project_ids]
        self._projects = Projects(rows, dim=encoder().dim)
        vector = encoder().encode([f"{spec.name_zh}\n{spec.name_en}"])[0]
        asked = Asked(category=spec.code, region="", vector=vector, today=day_of(now).toordinal())
        self._features, _facts = project_features(self._projects, book.firms, asked, _tokens(category_id))

    def scores(self, region: str) -> dict[int, float]:
        """Return the score of each project for a supply that ships from this region, as far as it was read."""
        features = self._features.copy()
        km = [distance_km(region, row.region) for row in self._projects.rows]
        far = np.array([np.nan if each is None else each for each in km], dtype=np.float64)
        features[:, PROJECT_FEATURES.index("distance")] = np.exp(-far / NEAR_KM)
        chances = shipped_model().projects.chances(features)
        return dict(zip(self._projects.ids.tolist(), (100.0 * chances).tolist(), strict=True))


def score_supplies(*, supplies: Sequence[Listing], project: BuildingProject, now: datetime) -> dict[int, float]:
    """Return by supply the score of one building project; nothing where it was not read yet."""
    lead_book().refresh()
    scorers: dict[int, ProjectScorer] = {}
    found = {}
    for supply in supplies:
        if supply.category_id not in scorers:
            scorers[supply.category_id] = ProjectScorer(supply.category_id, {project.pk}, now=now)
        scores = scorers[supply.category_id].scores(place_of_supply(supply))
        if project.pk in scores:
            found[supply.pk] = scores[project.pk]
    return found


def place_of_supply(supply: Listing) -> str:
    return supply.region or supply.organisation.region


def _tokens(category_id: int) -> frozenset[str]:
    """Return the words by which goods of the category are called."""
    spec = category_book()[category_id][0]
    words = " ".join((spec.name_zh, spec.name_en, *spec.synonyms_zh[:3], *spec.synonyms_en[:3]))
    return frozenset(token for token in tokenise(words) if len(token) > 1)


def _asked(supply: Listing, book: LeadBook, latest: Mapping[tuple[str, int], LeadContact], now: datetime) -> Asked:
    code = category_book()[supply.category_id][0].code
    return Asked(
        category=code,
        region=place_of_supply(supply),
        vector=_vector_of(supply),
        today=day_of(now).toordinal(),
        ours=_own_orders(supply, code, now),
        experience=_experience(supply, is_project=False),
        experience_projects=_experience(supply, is_project=True),
        lost=_refusals(latest, FIRM, now),
        lost_projects=_refusals(latest, PROJECT, now),
        aggregate=book.bought.get(code, {}),
    )


def day_of(now: datetime) -> date:
    return timezone.localdate(now)


def _places(ids: np.ndarray) -> dict[int, int]:
    return {pk: place for place, pk in enumerate(ids.tolist())}


def _plain(reason: Reason) -> dict:
    return {"feature": reason.feature, "points": reason.points, "zh": reason.zh, "en": reason.en}


def _vector_of(supply: Listing) -> np.ndarray:
    entry = IndexEntry.objects.filter(pk=supply.pk, revision=supply.revision).first()
    if entry is not None and entry.model_version.split("-")[0] == encoder().version:
        return np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)
    return encoder().encode([index_text(supply, category_book().get(supply.category_id, (None, ()))[0])])[0]


def _own_orders(supply: Listing, category: str, now: datetime) -> dict[int, tuple[int, int]]:
    """Return by buyer how many orders of this group of goods it gave us, and how many days ago the last: our own sales."""
    same_group = [code for code in Category.objects.ids() if group_of(code) == group_of(category)]
    orders = Order.objects.filter(seller=supply.organisation_id, supply__category__code__in=same_group)
    rows = (
        orders.exclude(status=Order.Status.CANCELLED)
        .values_list("buyer")
        .annotate(n=Count("pk"), at=Max("confirmed_at"))
    )
    return {buyer: (count, max(0, (now - at).days)) for buyer, count, at in rows}


def _refusals(latest: Mapping[tuple[str, int], LeadContact], kind: str, now: datetime) -> dict[int, int]:
    return {
        pk: max(0, (now - row.at).days)
        for (of, pk), row in latest.items()
        if of == kind and row.outcome == LeadContact.Outcome.LOST
    }


def _experience(supply: Listing, *, is_project: bool) -> dict[str, float]:
    """Return by industry what calls about such goods led to, in log-odds: our own, and all firms' where five wrote some."""
    closed = LeadContact.objects.closed().filter(category=supply.category_id, project__isnull=not is_project)
    rows = list(
        closed.values_list("industry", "outcome").annotate(n=Count("pk"), firms=Count("organisation", distinct=True))
    )
    own = closed.filter(organisation=supply.organisation_id).values_list("industry", "outcome").annotate(n=Count("pk"))
    by_firms: dict[str, int] = {}
    for industry, _outcome, _count, firms in rows:
        by_firms[industry] = max(by_firms.get(industry, 0), firms)
    shared = [row[:3] for row in rows if by_firms[row[0]] >= LEAST_FIRMS]
    # Ours are among the shared ones where many firms wrote some.
    alone = [row for row in own if by_firms.get(row[0], 0) < LEAST_FIRMS]
    won = LeadContact.Outcome.WON
    return experience_by_industry(
        [Closed(industry, outcome == won, count) for industry, outcome, count in (*shared, *alone)]
    )
