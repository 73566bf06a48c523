"""Whether default probabilities were too low, grade by grade (ECB, Instructions for reporting the validation results of
internal models, February 2019, section 2.5.3.1: the Jeffreys test).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta

# Below the first the light is amber, below the second red: the customary 5 % and 1 %.
AMBER, RED = 0.05, 0.01
# Of the two-sided interval shown beside the mean probability.
COVERED = 0.95
ALL = ""


@dataclass(frozen=True)
class GradeTest:
    """One grade, or all (grade ""): firms, defaults, mean probability, and what the defaults say of it.

    ``p_low`` is the chance that the true rate lies below the mean probability: near 0 the model is too kind.
    ``p_high`` is the chance that it lies above: near 0 the model is too strict, which costs business, not money.
    """

    grade: str
    firms: int
    defaults: int
    mean_probability: float
    low: float
    high: float
    p_low: float
    p_high: float
    light: str

    def to_dict(self) -> dict:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"rate": self.rate}

    @property
    def rate(self) -> float | None:
        return self.defaults / self.firms if self.firms else None


def jeffreys_test(grade: str, *, firms: int, defaults: int, mean_probability: float) -> GradeTest:
    """Return the test of one grade: p = F(PD; D + 1/2, N - D + 1/2), F the Beta distribution function.

    :raises ValueError: if there are more defaults than firms, none at all, or no probability

    >>> test = jeffreys_test("B", firms=100, defaults=8, mean_probability=0.03)
    >>> round(test.p_low, 4), test.light
    (0.0059, 'red')
    >>> jeffreys_test("A", firms=100, defaults=1, mean_probability=0.02).light
    'green'
    """
    if not 0 <= defaults <= firms or firms == 0 or not 0 <= mean_probability <= 1:
        raise ValueError(f"Grade {grade}: {defaults} defaults of {firms} firms at {mean_probability}.")
    rate = beta(defaults + 0.5, firms - defaults + 0.5)
    p_low = float(rate.cdf(mean_probability))
    edge = (1 - COVERED) / 2
    return GradeTest(
        grade,
        firms,
        defaults,
        float(mean_probability),
        # At no default, or nothing but defaults, the interval reaches the end (Brown, Cai and DasGupta 2001).
        0.0 if defaults == 0 else float(rate.ppf(edge)),
        1.0 if defaults == firms else float(rate.ppf(1 - edge)),
        p_low,
        1 - p_low,
        light_of(p_low),
    )


def light_of(p: float) -> str:
    """Return green, amber or red.

    >>> [light_of(p) for p in (0.5, 0.03, 0.001)]
    ['green', 'amber', 'red']
    """
    if p < RED:
        return "red"
    return "amber" if p < AMBER else "green"


def jeffreys_tests(grades: Sequence[str], probabilities: Sequence[float], defaulted: Sequence[bool]) -> list[GradeTest]:
    """Return the test of each grade that has a firm, in the order of rising mean probability, and of all together last.

    :param grades: grade of each firm at the start of the period, shape (n,)
    :param probabilities: its probability of default over that period, shape (n,)
    :param defaulted: whether it did, shape (n,)

    >>> tests = jeffreys_tests(["B", "A", "A"], [0.2, 0.01, 0.03], [True, False, False])
    >>> [(test.grade, test.firms, test.defaults) for test in tests]
    [('A', 2, 0), ('B', 1, 1), ('', 3, 1)]
    """
    rows: dict[str, list[tuple[float, bool]]] = {}
    for grade, probability, bad in zip(grades, probabilities, defaulted, strict=True):
        rows.setdefault(grade, []).append((probability, bad))
    tests = [_of(grade, found) for grade, found in rows.items()]
    tests.sort(key=lambda test: (test.mean_probability, test.grade))
    return [*tests, _of(ALL, [row for found in rows.values() for row in found])] if rows else []


def _of(grade: str, rows: list[tuple[float, bool]]) -> GradeTest:
    mean = sum(probability for probability, _bad in rows) / len(rows)
    return jeffreys_test(grade, firms=len(rows), defaults=sum(bad for _probability, bad in rows), mean_probability=mean)
