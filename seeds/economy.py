"""An economy of made-up firms over time: who needs what and when, whether they post it or not (no Django, no clock here).

Each firm of `make_firms` needs the goods its trade buys, and one that no trade explains. A need comes back at intervals
drawn from a gamma distribution of shape 2 whose mean is the firm's own for these goods, exp(N(ln 110, 0.6)) days, shorter
for firms of a larger share; a fifth of the needs begins in the time that is watched, and each ends after an
exponential time of five years. 45 % of the firms never post a demand; the others post each with a chance of their own,
Beta(2, 3). A buyer considers suppliers of any distance with chance 0.4, else those within an exponential reach of
500 km. Nothing here knows how leads are scored.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from seeds.firms import Firm, make_firms
from seeds.trades import trades

MEAN_DAYS, SPREAD, SHAPE = 110.0, 0.6, 2.0
BEGINS_LATE, LASTS_DAYS = 0.2, 5 * 365.0
NEVER_POSTS, ANY_DISTANCE, REACH_KM = 0.45, 0.4, 500.0
OFFERED = 0.6


@dataclass(frozen=True, slots=True)
class Need:
    """A firm needs goods of a category on a day; ``reach_km`` is how far it looks for them, None: anywhere."""

    firm: int
    category: str
    day: int
    is_posted: bool
    reach_km: float | None


@dataclass(frozen=True, slots=True)
class Supply:
    """What a firm offers all the time."""

    id: int
    firm: int
    category: str
    region: str
    text: str


@dataclass(frozen=True)
class Economy:
    firms: Sequence[Firm]
    supplies: Sequence[Supply]
    needs: Sequence[Need]


def simulate_economy(count: int, *, days: int, random_state: int) -> Economy:
    """Return that many firms with what they offer and what they need in that many days, the same for one random state.

    >>> economy = simulate_economy(40, days=200, random_state=1)
    >>> len(economy.firms), all(0 <= need.day < 200 for need in economy.needs)
    (40, True)
    """
    random = Random(f"economy {random_state}")  # noqa: S311 -- made-up data, not a secret
    firms = make_firms(count, random_state=random_state)
    codes = sorted(trades())
    needs = [need for firm in firms for need in _needs(firm, random.choice(codes), days, random)]
    needs.sort(key=lambda need: (need.day, need.firm, need.category))
    supplies = []
    for firm in firms:
        for code in firm.sells:
            if random.random() < OFFERED:
                category = trades()[code].category
                text = f"{category.name_zh}\n{category.name_en}"
                supplies.append(Supply(len(supplies) + 1, firm.number, code, firm.region, text))
    return Economy(firms, supplies, needs)


def _needs(firm: Firm, unexplained: str, days: int, random: Random) -> Iterator[Need]:
    if not firm.buys:
        return
    posts = 0.0 if random.random() < NEVER_POSTS else random.betavariate(2, 3)
    for code in (*firm.buys, unexplained):
        mean = MEAN_DAYS * math.exp(random.gauss(0, SPREAD)) / math.sqrt(max(firm.share, 0.2))
        begin = random.uniform(0, days) if random.random() < BEGINS_LATE else -random.uniform(0, mean)
        end = begin + random.expovariate(1 / LASTS_DAYS)
        day = begin + random.gammavariate(SHAPE, mean / SHAPE) * random.random()
        while day < min(days, end):
            if day >= 0:
                reach = None if random.random() < ANY_DISTANCE else random.expovariate(1 / REACH_KM)
                yield Need(firm.number, code, int(day), random.random() < posts, reach)
            day += max(1.0, random.gammavariate(SHAPE, mean / SHAPE))
