import numpy as np
import pytest

from matching.ranking.propensity import (
    FIRST_PLACES,
    LARGEST_WEIGHT,
    PositionCurve,
    learn_propensities,
    middle_places,
    power_law,
)


def simulated_shows(steepness: float, *, matches: int = 4000, seed: int = 0) -> list[list[tuple[int, bool]]]:
    """Return shows of matches that move between places, looked at with chance place ** -steepness."""
    random = np.random.default_rng(seed)
    shows = []
    for _ in range(matches):
        relevance, usual = random.beta(1, 2), random.integers(1, 25)
        places = np.clip(np.round(usual * np.exp(random.normal(0, 0.6, random.integers(2, 5)))), 1, 50).astype(int)
        shows.append([(int(place), bool(random.random() < relevance * place**-steepness)) for place in places])
    return shows


@pytest.mark.parametrize("steepness", [0.5, 1.0])
def test_propensities_of_simulated_acts_are_recovered_within_the_interval(steepness):
    curve = learn_propensities(simulated_shows(steepness), draws=12)

    # Of so few draws the ends are rough.
    assert curve.steepness_low - 0.05 <= steepness <= curve.steepness_high + 0.05
    truth = middle_places() ** -steepness
    covered = [low - 0.04 <= one <= high + 0.04 for one, low, high in zip(truth, curve.low, curve.high, strict=True)]
    assert sum(covered) >= len(FIRST_PLACES) - 2


def test_propensities_are_those_of_the_first_place_at_most():
    curve = learn_propensities(simulated_shows(0.7, matches=500), draws=0)

    assert curve.at(1) == 1.0
    assert all(0 < chance <= 1 for chance in curve.chances)


def test_propensities_do_not_depend_on_the_order_of_matches():
    shows = simulated_shows(0.7, matches=300)

    once, again = learn_propensities(shows, draws=0), learn_propensities(shows[::-1], draws=0)

    assert once.chances == pytest.approx(again.chances, abs=1e-6)


def test_propensities_of_nothing_fall_like_the_usual_power_of_the_place():
    curve = learn_propensities([], draws=2)

    assert curve.chances == pytest.approx(tuple(middle_places() ** -1.0), abs=1e-3)
    assert sum(curve.observed) == 0


def test_weight_is_clipped_and_grows_with_the_place():
    curve = power_law(1.0)

    assert curve.weight([1]) == 1.0
    assert curve.weight([2]) == pytest.approx(2.0)
    assert curve.weight([40]) == LARGEST_WEIGHT
    assert curve.weight([None, 40]) == 1.0


def test_position_curve_survives_being_written_down():
    curve = learn_propensities(simulated_shows(0.7, matches=200), draws=3)

    assert PositionCurve.from_dict(curve.to_dict()).at(3) == pytest.approx(curve.at(3), abs=1e-4)
