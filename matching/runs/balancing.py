"""Who is wanted by how many: each family of goods is weighed as a whole, so that lists do not send all to the same few."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Exp
from scipy import sparse

from marketplace.models import Listing
from marketplace.services.holds import factor_between
from matching.clearing.mutual import balance
from matching.models import BalanceRun, ListingBalance, Match, MatchRun
from matching.models.listing_balance import FAMILY, USUAL_SCALE, joint_chance

# A tenth of the best chance there is outweighs a factor of e in competition: chosen on one simulated market, where smaller
# and larger steps led to fewer expected matches; tests/bench/bench_exposure.py shows what it does to lists.
SCALE = 0.1
# A supply of so many usual orders is as good as endless.
MOST_ORDERS = 50.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """The factors of the listings of one family, in (0, 1], and what they were weighed with."""

    factors: dict[int, float]
    scale: float
    iterations: int


def balance_family(run: BalanceRun, *, clock: Callable[[], datetime]) -> None:
    """Weigh all current matches of the run's family, and write what both sides may expect of each."""
    try:
        began, now = time.monotonic(), clock()
        matches = Match.objects.current(now).annotate(family=FAMILY).filter(family=run.family)
        pairs = list(
            matches.annotate(joint=joint_chance()).values_list(
                "demand", "supply", "joint",
                "demand__quantity", "demand__held", "demand__unit",
                "supply__quantity", "supply__held", "supply__unit",
            )
        )  # fmt: skip
        weighed = weigh(pairs)
        with transaction.atomic():
            if not BalanceRun.objects.finish(
                run,
                now=clock(),
                matches=len(pairs),
                iterations=weighed.iterations,
                duration_ms=round(1000 * (time.monotonic() - began)),
            ):
                return
            ListingBalance.objects.record(weighed.factors, scale=weighed.scale, now=now)
            ListingBalance.objects.weigh(matches)
    except Exception as error:
        BalanceRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise


def weigh(pairs: Sequence[tuple]) -> Weighed:
    """Return how free each listing is beside all that would take it.

    A demand is one order; a supply is as many as it has usual orders to give, up to ``MOST_ORDERS``. Factors are
    divided by the root of the capacity, so that without competition size alone puts nobody first.

    :param pairs: demand, supply, joint chance, then quantity, held and unit of the demand and of the supply
    """
    if not pairs:
        return Weighed({}, USUAL_SCALE, 0)
    demands, supplies = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    row = {pk: place for place, pk in enumerate(demands)}
    column = {pk: place for place, pk in enumerate(supplies)}
    joint = np.array([pair[2] for pair in pairs], dtype=float)
    scale = max(SCALE * float(np.quantile(joint, 0.995)), 1e-6)
    table = sparse.csr_array(
        (joint, ([row[pair[0]] for pair in pairs], [column[pair[1]] for pair in pairs])),
        shape=(len(demands), len(supplies)),
    )
    capacity = np.array([_orders(found) for found in _grouped(pairs, supplies)])
    found = balance(table, supply_capacity=capacity, beta=scale / 2)
    free = np.exp(found.log_b) / np.sqrt(capacity)
    factors = dict(zip(demands, found.a.tolist(), strict=True)) | dict(zip(supplies, free.tolist(), strict=True))
    # Kept as shares: rounding must not lift one above 1, nor let one vanish.
    return Weighed({pk: min(1.0, max(each, 1e-300)) for pk, each in factors.items()}, scale, found.iterations)


def _grouped(pairs: Sequence[tuple], supplies: Sequence[int]) -> list[list[tuple]]:
    grouped = defaultdict(list)
    for pair in pairs:
        grouped[pair[1]].append(pair)
    return [grouped[pk] for pk in supplies]


def _orders(pairs: Sequence[tuple]) -> float:
    """Return how many of the orders that are wanted of a supply it can serve; one that says no quantity, the most."""
    _demand, _supply, _joint, _wanted, _held, _unit, quantity, held, unit = pairs[0]
    if quantity is None:
        return MOST_ORDERS
    wanted = []
    for _d, _s, _j, asked, promised, asked_in, *_rest in pairs:
        factor = factor_between(asked_in, unit) if asked and asked_in else None
        if factor:
            wanted.append(float((asked - promised) * factor))
    usual = float(np.median(wanted)) if wanted else 0.0
    if usual <= 0:
        return MOST_ORDERS
    return min(MOST_ORDERS, max(1.0, float(quantity - held) / usual))


def place_in_market(run: MatchRun, listing: Listing, *, now: datetime) -> None:
    """Write what both sides may expect of the matches that this run wrote, by what is known of the market.

    A listing that was never weighed takes the factor that answers those of its counterparts until its family's turn:
    with the others as they are, ``a^2 + a * sum(exp(joint / scale) * b) = 1``. Else what is new would count as free of
    all competition, and come before everything.
    """
    matches = Match.objects.filter(run=run)
    if not ListingBalance.objects.filter(listing=listing).exists():
        other = "demand" if listing.side == Listing.Side.SUPPLY else "supply"
        known = matches.filter(**{f"{other}__balance__isnull": False})
        pressed = known.annotate(
            pull=Exp(joint_chance() / F(f"{other}__balance__scale")) * F(f"{other}__balance__factor")
        ).aggregate(sum=Sum("pull"), scale=Sum(f"{other}__balance__scale"), count=Sum(1))
        if pressed["sum"]:
            factor = 2.0 / (pressed["sum"] + math.sqrt(pressed["sum"] ** 2 + 4.0))
            scale = pressed["scale"] / pressed["count"]
            ListingBalance.objects.record({listing.pk: factor}, scale=scale, now=now)
    ListingBalance.objects.weigh(matches)
