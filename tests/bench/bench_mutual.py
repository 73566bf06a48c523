"""Count expected matches when both sides' lists are ranked one-sided, by product, harmonic mean, and by the balance.

    .venv/bin/python -m tests.bench.bench_mutual

Simulated markets (random likings with a share of common opinion); the settings were chosen on other seeds. The interval
is the 95 % bootstrap interval over seeds of the ratio to the product.
"""

import argparse
import sys
import time

import numpy as np
from scipy import sparse

from matching.clearing.baselines import harmonic_mean, one_sided, product
from matching.clearing.mutual import balance
from matching.clearing.simulation import Likings, likings, outcome
from matching.retrieval.metrics import bootstrap_interval

MARKETS = [
    (500, 1000, 0.5),
    (500, 1000, 0.8),
    (1000, 1000, 0.5),
    (1000, 1000, 0.8),
    (2000, 4000, 0.5),
    (500, 1000, 0.0),
]


def balanced(beta: float):
    def scores(demand_likes, supply_likes):
        joint = demand_likes + supply_likes
        mu = balance(joint, beta=beta).scores(joint)
        return mu, mu

    return scores


METHODS = {
    "one-sided": one_sided,
    "product": product,
    "harmonic mean": harmonic_mean,
    "balance, beta 1": balanced(1.0),
    "balance": balanced(0.02),
}


def measure(market: Likings, method) -> tuple[float, float, float, float]:
    started = time.perf_counter()
    scores = method(market.demand_likes, market.supply_likes)
    seconds = time.perf_counter() - started
    found = outcome(market, *scores)
    return found.matches, found.gini, found.bottom_tenth, seconds


def bench_markets(seeds: int) -> None:
    line("market, popularity", "method", "matches", "x product", "95 %", "Gini", "bottom 10 %", "seconds")
    for demands, supplies, popularity in MARKETS:
        each = {name: [] for name in METHODS}
        for seed in range(seeds if demands < 2000 else min(seeds, 3)):
            market = likings(demands, supplies, popularity=popularity, random_state=seed)
            for name, method in METHODS.items():
                each[name].append(measure(market, method))
        base = np.array(each["product"])[:, 0]
        for name, rows in each.items():
            measured = np.array(rows)
            ratio = measured[:, 0] / base
            low, high = bootstrap_interval(ratio)
            matches, gini, least, _ = measured.mean(axis=0)
            line(
                f"{demands} x {supplies}, {popularity}",
                name,
                f"{matches:.0f}",
                f"{ratio.mean():.2f}",
                f"{low:.2f}-{high:.2f}",
                f"{gini:.2f}",
                f"{least:.3f}",
                f"{np.median(measured[:, 3]):.2f}",
            )


def bench_sparse(size: int, kept: int) -> None:
    rng = np.random.default_rng(0)
    columns = np.argsort(rng.random((size, size), dtype=np.float32), axis=1)[:, :kept]
    joint = sparse.csr_array(
        (rng.random(size * kept) * 2, (np.repeat(np.arange(size), kept), columns.ravel())), shape=(size, size)
    )
    started = time.perf_counter()
    found = balance(joint)
    print(  # noqa: T201
        f"sparse {size} x {size}, {kept} candidates each: {time.perf_counter() - started:.2f} s, "
        f"{found.iterations} iterations, sums off by {found.error:.1e}"
    )


def line(*cells: object) -> None:
    print(f"{cells[0]!s:22}{cells[1]!s:18}" + "".join(f"{cell:>13}" for cell in cells[2:]), flush=True)  # noqa: T201


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sparse", type=int, default=5000)
    options = parser.parse_args(arguments)
    bench_markets(options.seeds)
    if options.sparse:
        bench_sparse(options.sparse, 200)


if __name__ == "__main__":
    main(sys.argv[1:])
