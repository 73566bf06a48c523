"""A scorecard a bank can read: per feature a weight, and points that add up exactly to the score."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from finance.scoring.features import BY_NAME, Feature

FORMAT = "scorecard/1"


class ScorecardUnreadable(ValueError):  # noqa: N818 - named for the fact, as all our refusals
    """A scorecard's JSON is not what it should be; the message names the place."""


@dataclass(frozen=True)
class Term:
    """How one feature enters: logged if it has a scale, cut to [low, high], standardised, bent, times its weight.

    Bending, ``bend * tanh(z / bend)``, lets ever more of one thing bring ever less, so that no single feature can carry a
    firm or sink it, and no bought volume can move the score without limit; a bend of 0 leaves the line straight.
    """

    name: str
    sign: int
    scale: float
    low: float
    high: float
    mean: float
    sd: float
    weight: float  # log-odds of default per standard deviation at the mean; never against the sign
    bend: float = 0.0

    @property
    def feature(self) -> Feature:
        return BY_NAME[self.name]

    def moved(self, value: float) -> float:
        """Return how far the value lies from usual, in standard deviations, bent; unknown is usual.

        >>> term = Term("sales_history", -1, 0.0, 0.0, 36.0, 30.0, 6.0, -0.4)
        >>> term.moved(24.0), term.moved(math.nan), term.moved(90.0)
        (-1.0, 0.0, 1.0)
        """
        if math.isnan(value):
            return 0.0
        logged = math.log1p(value / self.scale) if self.scale else value
        far = (min(max(logged, self.low), self.high) - self.mean) / self.sd
        return self.bend * math.tanh(far / self.bend) if self.bend else far

    def usual(self) -> float:
        """Return the value of the feature at which it moves nothing, in the feature's own unit."""
        return math.expm1(self.mean) * self.scale if self.scale else self.mean


@dataclass(frozen=True)
class Scale:
    """Points: ``points`` at good:bad odds of ``odds`` to 1, and ``pdo`` points more double the odds.

    No probability is stated beyond ``lowest_pd`` and ``highest_pd``: few firms cannot prove less than 0.05 %, which is
    also the floor that Basel III sets for firms.
    """

    points: float = 600.0
    odds: float = 20.0
    pdo: float = 40.0
    lowest: int = 300
    highest: int = 850
    lowest_pd: float = 0.0005
    highest_pd: float = 0.99

    @property
    def factor(self) -> float:
        return self.pdo / math.log(2)

    def to_dict(self) -> dict:
        return {name: getattr(self, name) for name in SCALE}

    def of_log_odds(self, log_odds: float) -> float:
        """Return points of the log-odds of default.

        >>> round(Scale().of_log_odds(-math.log(20)), 9), round(Scale().of_log_odds(-math.log(40)), 9)
        (600.0, 640.0)
        """
        return self.points - self.factor * (log_odds + math.log(self.odds))


SCALE = ("points", "odds", "pdo", "lowest", "highest", "lowest_pd", "highest_pd")
# (grade, highest PD of it): each is about twice the one above, so a grade is about one PDO wide.
GRADES = (
    ("AAA", 0.005), ("AA", 0.01), ("A", 0.02), ("BBB", 0.04), ("BB", 0.08),
    ("B", 0.16), ("CCC", 0.32), ("CC", 0.64), ("C", 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Scorecard:
    """The model: terms, intercept, scale, grades, and the card that says where it comes from and how good it is."""

    terms: tuple[Term, ...]
    intercept: float
    prior: float  # the default rate that its probabilities are calibrated to
    scale: Scale = field(default_factory=Scale)
    grades: tuple[tuple[str, float], ...] = GRADES
    card: dict = field(default_factory=dict, compare=False)

    def grade(self, pd: float) -> str:
        """Return the first grade whose highest PD is not below this one.

        >>> Scorecard((), 0.0, 0.2).grade(0.013)
        'A'
        """
        return next(grade for grade, highest in self.grades if pd <= highest)

    @cached_property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(term.feature.family for term in self.terms))

    @cached_property
    def sha256(self) -> str:
        """Return the hash of everything that moves a score, and of the card: what a bank pins and signs."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def version(self) -> str:
        return self.sha256[:12]

    def with_prior(self, rate: float) -> Self:
        """Return the same ranking calibrated to another default rate, such as the bank's own portfolio (a prior shift).

        :raises ValueError: if the rate is not between 0 and 1

        >>> card = Scorecard((), math.log(0.2 / 0.8), 0.2)
        >>> round(1 / (1 + math.exp(-card.with_prior(0.05).intercept)), 6)
        0.05
        """
        return replace(self, intercept=self.intercept + prior_shift(self.prior, rate), prior=rate)

    def to_dict(self) -> dict:
        return {
            "format": FORMAT,
            "intercept": self.intercept,
            "prior": self.prior,
            "scale": self.scale.to_dict(),
            "grades": [{"grade": grade, "highest_pd": highest} for grade, highest in self.grades],
            "terms": [
                {
                    "feature": term.name,
                    "family": term.feature.family,
                    "unit": term.feature.unit,
                    "sign": term.sign,
                    "scale": term.scale,
                    "low": term.low,
                    "high": term.high,
                    "mean": term.mean,
                    "sd": term.sd,
                    "weight": term.weight,
                    "bend": term.bend,
                    "why_en": term.feature.why_en,
                    "why_zh": term.feature.why_zh,
                }
                for term in self.terms
            ],
            "card": self.card,
        }

    def to_json(self) -> str:
        """Return the one JSON text of this card: what is hashed is what is written."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_dict(cls, document: Mapping) -> Self:
        """Return the scorecard that ``to_dict`` described; a bank's own may use some of the features, in its own grades.

        :raises ScorecardUnreadable: if a part is missing, a number makes no sense, or a weight goes against its sign
        """
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise ScorecardUnreadable(f"format: this is no scorecard in the format {FORMAT}.")
        terms = tuple(_term(place, said) for place, said in enumerate(read_list(document, "terms")))
        if len({term.name for term in terms}) != len(terms):
            raise ScorecardUnreadable("terms: a feature occurs twice.")
        if not terms:
            raise ScorecardUnreadable("terms: there is none.")
        prior = read_number(document, "prior")
        if not 0 < prior < 1:
            raise ScorecardUnreadable("prior: lies between 0 and 1.")
        card = document.get("card", {})
        if not isinstance(card, Mapping):
            raise ScorecardUnreadable("card: is not an object.")
        return cls(
            terms, read_number(document, "intercept"), prior, read_scale(document), read_grades(document), dict(card)
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the scorecard of a JSON file.

        :raises ScorecardUnreadable: if it cannot be read, or is none
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ScorecardUnreadable(f"{path} cannot be read: {error}") from error


def prior_shift(before: float, rate: float) -> float:
    """Return what a change of the default rate adds to every firm's log-odds.

    :raises ValueError: if the rate is not between 0 and 1

    >>> round(prior_shift(0.2, 0.5), 6) == round(math.log(4), 6)
    True
    """
    if not 0 < rate < 1:
        raise ValueError("A default rate lies between 0 and 1.")
    return math.log(rate / (1 - rate)) - math.log(before / (1 - before))


def _term(place: int, said: Mapping) -> Term:
    at = f"terms[{place}]"
    if not isinstance(said, Mapping) or said.get("feature") not in BY_NAME:
        raise ScorecardUnreadable(f"{at}.feature: is none of {', '.join(BY_NAME)}.")
    feature = BY_NAME[said["feature"]]
    numbers = {name: read_number(said, name, at) for name in ("sign", "scale", "low", "high", "mean", "sd", "weight")}
    if numbers["sign"] != feature.sign:
        raise ScorecardUnreadable(f"{at}.sign: {feature.name} is declared as {feature.sign:+d}.")
    if numbers["weight"] * feature.sign < 0:
        raise ScorecardUnreadable(f"{at}.weight: goes against the declared sign of {feature.name}.")
    bend = read_number(said, "bend", at) if "bend" in said else 0.0
    if numbers["sd"] <= 0 or numbers["low"] > numbers["high"] or numbers["scale"] < 0 or bend < 0:
        raise ScorecardUnreadable(f"{at}: needs sd > 0, low <= high, scale >= 0 and bend >= 0.")
    shape = (numbers[name] for name in ("scale", "low", "high", "mean", "sd", "weight"))
    return Term(feature.name, feature.sign, *shape, bend)


def read_scale(document: Mapping) -> Scale:
    """Return the scale of a model's document.

    :raises ScorecardUnreadable: if it makes no sense
    """
    said = document.get("scale")
    if not isinstance(said, Mapping):
        raise ScorecardUnreadable("scale: is missing.")
    numbers = {name: read_number(said, name, "scale") for name in SCALE}
    if numbers["odds"] <= 0 or numbers["pdo"] <= 0 or numbers["lowest"] >= numbers["highest"]:
        raise ScorecardUnreadable("scale: needs odds > 0, pdo > 0 and lowest < highest.")
    if not 0 <= numbers["lowest_pd"] < numbers["highest_pd"] <= 1:
        raise ScorecardUnreadable("scale: needs 0 <= lowest_pd < highest_pd <= 1.")
    return Scale(**numbers | {name: int(numbers[name]) for name in ("lowest", "highest")})


def read_grades(document: Mapping) -> tuple[tuple[str, float], ...]:
    """Return the grades of a model's document.

    :raises ScorecardUnreadable: if they do not cover every PD in order
    """
    grades = []
    for place, said in enumerate(read_list(document, "grades")):
        at = f"grades[{place}]"
        if not isinstance(said, Mapping) or not isinstance(said.get("grade"), str) or not said["grade"].strip():
            raise ScorecardUnreadable(f"{at}.grade: is missing.")
        grades.append((said["grade"], read_number(said, "highest_pd", at)))
    limits = [limit for _, limit in grades]
    if not grades or limits != sorted(set(limits)) or limits[0] <= 0 or limits[-1] != 1:
        raise ScorecardUnreadable("grades: their highest PDs must rise, and the last be 1.")
    if len({grade for grade, _ in grades}) != len(grades):
        raise ScorecardUnreadable("grades: a grade occurs twice.")
    return tuple(grades)


def read_list(document: Mapping, name: str, at: str = "") -> list:
    if not isinstance(document.get(name), list):
        raise ScorecardUnreadable(f"{at + '.' if at else ''}{name}: is missing.")
    return document[name]


def read_number(said: Mapping, name: str, at: str = "") -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ScorecardUnreadable(f"{at + '.' if at else ''}{name}: is no number.")
    return float(value)
