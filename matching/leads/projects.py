"""What speaks for a building project as a lead, one column each."""

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from marketplace.parsing.regions import distance_km
from matching.leads.affinity import LEAST, curated_rate, industry_rates
from matching.leads.book import Book, group_of
from matching.leads.features import NEAR_KM, Asked, fading, log_odds

STAGE_NEEDS = Path(__file__).parent.parent / "data" / "leads" / "stage_needs.tsv"
STAGES = ("announced", "approved", "design", "tendering", "construction", "commissioning")
PROJECT_FEATURES = (
    "equipment",
    "words",
    "text",
    "industry",
    "stage",
    "ending",
    "investment",
    "distance",
    "experience",
    "lost",
)
# How near the named equipment comes: the very category, another of its group, none of it.
SAME, SAME_GROUP, ANOTHER = 1.0, 0.5, 0.0
# With so many days left nearly everything is bought.
ENDING_DAYS = 120


@dataclass(frozen=True, slots=True)
class Project:
    """A building project; ``categories`` and ``tokens`` were read in the equipment it needs, ``finishes`` is an ordinal."""

    id: int
    region: str
    industry: str = ""
    stage: str = ""
    categories: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset()
    has_equipment: bool = False
    finishes: int | None = None
    investment: float | None = None
    vector: np.ndarray | None = None


@dataclass(frozen=True)
class ProjectFacts:
    """What the features were made of; arrays over the projects. ``named`` is the category that fits best, or ""."""

    equipment: np.ndarray
    named: list[str]
    words: np.ndarray
    text: np.ndarray
    industry_rate: np.ndarray
    stage: np.ndarray
    days_left: np.ndarray
    investment: np.ndarray
    km: np.ndarray


class Projects:
    """Building projects, sorted by id, with where each word stands; immutable."""

    def __init__(self, projects: Sequence[Project], *, dim: int) -> None:
        self.rows = sorted(projects, key=lambda project: project.id)
        self.ids = np.array([project.id for project in self.rows], dtype=np.int64)
        self.vectors = np.zeros((len(self.rows), dim), dtype=np.float32)
        for place, project in enumerate(self.rows):
            if project.vector is not None:
                self.vectors[place] = project.vector
        self.has_vector = self.vectors.any(axis=1)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def places_of(self) -> dict[str, np.ndarray]:
        """Return by token the places of the projects whose equipment names it."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, project in enumerate(self.rows):
            for token in project.tokens:
                found[token].append(place)
        return {token: np.array(places) for token, places in found.items()}

    def overlap(self, tokens: frozenset[str]) -> np.ndarray:
        """Return which part of the tokens each project names, rare ones counting more, float (n,), 0 to 1."""
        found, whole = np.zeros(len(self)), 0.0
        for token in sorted(tokens):
            places = self.places_of.get(token)
            weight = math.log1p(len(self) / (1 + (0 if places is None else len(places))))
            whole += weight
            if places is not None:
                found[places] += weight
        return found / whole if whole else found


@cache
def _stage_table() -> dict[str, dict[str, float]]:
    with STAGE_NEEDS.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
        return {row["goods"]: {stage: float(row[stage]) for stage in STAGES} for row in rows}


def stage_fit(category: str, stage: str) -> float:
    """Return how much a project at this stage looks for such goods, 0 to 1.

    >>> stage_fit("valve.ball", "tendering"), stage_fit("valve.ball", "announced")
    (1.0, 0.15)
    """
    table = _stage_table()
    fitting = [goods for goods in table if category == goods or category.startswith(f"{goods}.")]
    return table[max(fitting, key=len, default="")].get(stage, 0.0)


def project_features(
    projects: Projects, book: Book, asked: Asked, tokens: frozenset[str]
) -> tuple[np.ndarray, ProjectFacts]:
    """Return the features of each project, float (n, len(PROJECT_FEATURES)), NaN where unknown, and what they stand for.

    :param tokens: the words of the supply and its category, in normal form
    """
    n = len(projects)
    fits = [_fit(asked.category, project) for project in projects.rows]
    equipment = np.array([fit for fit, _named in fits])
    words = np.where([project.has_equipment for project in projects.rows], projects.overlap(tokens), np.nan)
    text = np.where(projects.has_vector, projects.vectors @ asked.vector.astype(np.float32), np.nan)
    rates = _rates(book, asked.category)
    rate = np.array([_rate(rates, project.industry, asked.category) for project in projects.rows])
    stage = np.array([stage_fit(asked.category, project.stage) for project in projects.rows])
    left = np.array(
        [np.nan if project.finishes is None else project.finishes - asked.today for project in projects.rows]
    )
    money = np.array([np.nan if project.investment is None else project.investment for project in projects.rows])
    near = {code: distance_km(asked.region, code) for code in {project.region for project in projects.rows}}
    km = np.array([np.nan if near[project.region] is None else near[project.region] for project in projects.rows])
    lost = np.array([fading(asked.lost_projects.get(project.id, 10**6)) for project in projects.rows])
    columns = {
        "equipment": equipment,
        "words": words,
        "text": text,
        "industry": log_odds(rate),
        "stage": stage,
        "ending": np.where(np.isnan(left), np.nan, np.clip(1 - left / ENDING_DAYS, 0, 1)),
        "investment": np.log1p(money),
        "distance": np.exp(-km / NEAR_KM),
        "experience": np.array([asked.experience_projects.get(project.industry, 0.0) for project in projects.rows]),
        "lost": np.where(lost < 1e-6, 0.0, lost),
    }
    facts = ProjectFacts(equipment, [named for _fit, named in fits], words, text, rate, stage, left, money, km)
    return np.column_stack([columns[name] for name in PROJECT_FEATURES]).reshape(n, len(PROJECT_FEATURES)), facts


def _fit(category: str, project: Project) -> tuple[float, str]:
    if category in project.categories:
        return SAME, category
    group = group_of(category)
    for named in project.categories:
        # A project that asks for "valves" asks for ball valves too.
        if named == group:
            return SAME, named
    for named in project.categories:
        if group_of(named) == group:
            return SAME_GROUP, named
    return (ANOTHER if project.has_equipment else math.nan), ""


def _rates(book: Book, category: str) -> dict[str, float]:
    """Return the mean rate of the firms' industries by the first two digits."""
    if not len(book):
        return {}
    rate, count = defaultdict(float), defaultdict(int)
    for place, value in zip(book.industry, industry_rates(book, category), strict=True):
        start = book.industries[place][:2]
        rate[start] += float(value)
        count[start] += 1
    return {start: rate[start] / count[start] for start in rate}


def _rate(rates: dict[str, float], industry: str, category: str) -> float:
    learnt = rates.get(industry[:2], 0.0) if industry else 0.0
    return min(max(learnt, curated_rate(industry, category), 10 * LEAST), 1 - LEAST)
