"""Improve an allocation: empty a neighbourhood, fill it again in another order, keep what gained."""

import random
from collections.abc import Callable

from matching.clearing.ledger import Ledger

# Small neighbourhoods tried often gain more in the same time than large ones (measured on simulated markets).
SIZES, NEAR, MOST_TAKERS, LACKING = (1, 1, 2, 3), 8, 16, 2


def improve(ledger: Ledger, *, is_over: Callable[[], bool], rounds: int, random_state: int = 0) -> float:
    """Ruin and recreate (Schrimpf et al., 2000) until the time is over; return the weight gained, never below 0."""
    rng = random.Random(random_state)  # noqa: S311 - not for secrets
    askers: list[list[int]] = [[] for _ in ledger.supply_left]
    for i, choices in enumerate(ledger.choices):
        for j, _ in choices:
            askers[j].append(i)
    weight = [dict(choices) for choices in ledger.choices]
    able = [i for i, choices in enumerate(ledger.choices) if choices]
    total = 0.0
    for each in range(rounds if able else 0):
        if not each % 16 and is_over():
            break
        seed = able[rng.randrange(len(able))]
        # Whoever has all it wants is of less interest than whoever lacks something.
        if not ledger.demand_left[seed]:
            seed = able[rng.randrange(len(able))]
        total += _renewed(ledger, weight, askers, seed, rng)
    return total


def _renewed(
    ledger: Ledger, weight: list[dict[int, float]], askers: list[list[int]], seed: int, rng: random.Random
) -> float:
    near = [j for j, _ in ledger.choices[seed][:NEAR]]
    emptied = rng.sample(near, min(rng.choice(SIZES), len(near)))
    before = {i: dict(ledger.taken[i]) for i in _neighbours(ledger, askers, seed, emptied, rng)}
    lost = 0.0
    for i, taken in before.items():
        worth = weight[i]
        for j, steps in taken.items():
            lost += worth[j] * steps
        ledger.empty(i)
    gained = 0.0
    for i in _order(list(before), ledger, weight, rng):
        # Now and then a supply is passed over, so that not always the same one comes first.
        skipped = frozenset([rng.choice(emptied)]) if rng.random() < 0.15 else frozenset()
        gained += ledger.serve(i, skipped)
    for i in before:
        gained += ledger.serve(i)
    if gained >= lost and not _leaves_short(ledger, before):
        return gained - lost
    for i in before:
        ledger.empty(i)
    for i, taken in before.items():
        ledger.restore(i, taken)
    return 0.0


def _neighbours(
    ledger: Ledger, askers: list[list[int]], seed: int, emptied: list[int], rng: random.Random
) -> dict[int, None]:
    """Return the seed, those who take from the supplies to be emptied, and some who would like to and lack something."""
    found = {seed: None}
    for j in emptied:
        found.update(dict.fromkeys(sorted(ledger.takers[j])[:MOST_TAKERS]))
        asked = rng.sample(askers[j], min(LACKING, len(askers[j])))
        found.update(dict.fromkeys(i for i in asked if ledger.demand_left[i]))
    return found


def _order(members: list[int], ledger: Ledger, weight: list[dict[int, float]], rng: random.Random) -> list[int]:
    rng.shuffle(members)
    chance = rng.random()
    if chance < 0.4:
        # Large lumps first: they fit nowhere later.
        members.sort(key=lambda i: -ledger.demand_left[i])
    elif chance < 0.7:
        members.sort(key=lambda i: -max(weight[i].values()))
    return members


def _leaves_short(ledger: Ledger, before: dict[int, dict[int, int]]) -> bool:
    if ledger.pooled_minimum is None:
        return False
    touched = {j for i, taken in before.items() for j in (*taken, *ledger.taken[i])}
    return any(ledger.is_short(j) for j in touched)
