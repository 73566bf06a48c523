"""Challenger models that ride beside the scorecard: plain tables that a worker reads without any learning library."""

import bisect
import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from finance.scoring.features import BY_NAME
from finance.scoring.scorecard import (
    GRADES,
    Scale,
    Scorecard,
    ScorecardUnreadable,
    prior_shift,
    read_grades,
    read_list,
    read_number,
    read_scale,
)
from finance.scoring.scored import log_odds as scorecard_log_odds
from finance.scoring.scored import probability

FORMAT = "tables/1"


@dataclass(frozen=True)
class Table:
    """A step function of one feature: ``steps[i]`` in log-odds where i edges lie below the value; never against the sign."""

    name: str
    edges: tuple[float, ...]
    steps: tuple[float, ...]
    unknown: float

    def log_odds(self, value: float) -> float:
        """Return what the value adds to the log-odds of default.

        >>> table = Table("void_sales", (0.1, 0.3), (-0.5, 0.0, 0.7), 0.0)
        >>> table.log_odds(0.1), table.log_odds(0.2), table.log_odds(0.9), table.log_odds(math.nan)
        (-0.5, 0.0, 0.7, 0.0)
        """
        return self.unknown if math.isnan(value) else self.steps[bisect.bisect_left(self.edges, value)]


@dataclass(frozen=True)
class Tables:
    """Boosted stumps added up to one table per feature: as readable as a scorecard, but free in the shape of each step."""

    tables: tuple[Table, ...]
    intercept: float
    prior: float
    scale: Scale = field(default_factory=Scale)
    grades: tuple[tuple[str, float], ...] = GRADES
    card: dict = field(default_factory=dict, compare=False)

    def log_odds(self, features: Mapping[str, float]) -> float:
        return self.intercept + math.fsum(table.log_odds(float(features[table.name])) for table in self.tables)

    def with_prior(self, rate: float) -> Self:
        """Return the same ranking calibrated to another default rate.

        :raises ValueError: if the rate is not between 0 and 1
        """
        return replace(self, intercept=self.intercept + prior_shift(self.prior, rate), prior=rate)

    def grade(self, pd: float) -> str:
        return next(grade for grade, highest in self.grades if pd <= highest)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_dict(self) -> dict:
        return {
            "format": FORMAT,
            "intercept": self.intercept,
            "prior": self.prior,
            "scale": self.scale.to_dict(),
            "grades": [{"grade": grade, "highest_pd": highest} for grade, highest in self.grades],
            "tables": [
                {"feature": one.name, "edges": list(one.edges), "steps": list(one.steps), "unknown": one.unknown}
                for one in self.tables
            ],
            "card": self.card,
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_dict(cls, document: Mapping) -> Self:
        """Return the tables that ``to_dict`` described.

        :raises ScorecardUnreadable: if a part is missing, or steps go against a declared sign
        """
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise ScorecardUnreadable(f"format: this is no model in the format {FORMAT}.")
        tables = tuple(_table(place, said) for place, said in enumerate(read_list(document, "tables")))
        if not tables or len({table.name for table in tables}) != len(tables):
            raise ScorecardUnreadable("tables: there is none, or a feature occurs twice.")
        prior = read_number(document, "prior")
        if not 0 < prior < 1:
            raise ScorecardUnreadable("prior: lies between 0 and 1.")
        card = document.get("card", {})
        if not isinstance(card, Mapping):
            raise ScorecardUnreadable("card: is not an object.")
        return cls(
            tables, read_number(document, "intercept"), prior, read_scale(document), read_grades(document), dict(card)
        )


def _table(place: int, said: Mapping) -> Table:
    at = f"tables[{place}]"
    if not isinstance(said, Mapping) or said.get("feature") not in BY_NAME:
        raise ScorecardUnreadable(f"{at}.feature: is none of {', '.join(BY_NAME)}.")
    edges, steps = (
        tuple(read_number({"number": number}, "number", f"{at}.{name}") for number in read_list(said, name, at))
        for name in ("edges", "steps")
    )
    if len(steps) != len(edges) + 1 or list(edges) != sorted(set(edges)):
        raise ScorecardUnreadable(f"{at}: needs rising edges and one step more than edges.")
    sign = BY_NAME[said["feature"]].sign
    if any((after - before) * sign < 0 for before, after in itertools.pairwise(steps)):
        raise ScorecardUnreadable(f"{at}.steps: go against the declared sign of {said['feature']}.")
    return Table(said["feature"], edges, steps, read_number(said, "unknown", at))


def model_of(document: Mapping) -> Scorecard | Tables:
    """Return the model of whichever family a document describes.

    :raises ScorecardUnreadable: if it is of no family, or not sound
    """
    families = {FORMAT: Tables.from_dict}
    read = families.get(document.get("format") if isinstance(document, Mapping) else None, Scorecard.from_dict)
    return read(document)


@dataclass(frozen=True)
class Judged:
    """What a model of any family says of a firm; what the disagreement list compares."""

    score: int
    pd: float
    grade: str


def judge(model: Scorecard | Tables, features: Mapping[str, float]) -> Judged:
    """Return score, PD and grade by a model of any family, on the model's own scale."""
    odds = scorecard_log_odds(model, features) if isinstance(model, Scorecard) else model.log_odds(features)
    scale = model.scale
    pd = min(max(probability(odds), scale.lowest_pd), scale.highest_pd)
    points = min(max(math.floor(scale.of_log_odds(odds) + 0.5), scale.lowest), scale.highest)
    return Judged(points, pd, model.grade(pd))
