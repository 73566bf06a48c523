"""Measure and fit the scoring of firms on an economy over time whose last ninety days are held back.

A folder holds firms.csv (id, industry, region, name_zh, name_en), supplies.csv (id, firm, category, region, text) and
needs.csv (firm, category, day, is_posted, reach_km), as ``manage.py simulate_economy`` writes them. Seen are only the
needs that were posted before the last ninety days; a hit is a firm that needs the goods in those ninety days, whether
it posts that or not, and takes them from so far away.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from marketplace.parsing.industries import industries
from matching.leads.book import Book, Firm
from matching.leads.features import HORIZON_DAYS, Asked, firm_features
from matching.leads.measures import DEPTH, interval, precision_at
from matching.leads.model import Weights
from matching.retrieval.encoder import Encoder

# A supply of goods that so few firms need soon says little about a list of fifty.
FEWEST_HITS = 20
METHODS = ("model", "industry", "history", "popularity", "random")
# A model may not count on what an economy without calls does not know.
UNKNOWN_HERE = ("ours", "experience", "lost")


class EconomyUnreadable(ValueError):  # noqa: N818 - named for the fact
    """A file of the folder is missing or says something else; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Query:
    """A supply, the features of all firms for it, which of them are hits, and which had posted such a demand."""

    supply: int
    firm: int
    features: np.ndarray
    is_hit: np.ndarray
    has_posted: np.ndarray
    is_candidate: np.ndarray
    activity: np.ndarray


def is_economy(folder: Path) -> bool:
    return (folder / "needs.csv").is_file()


def read_queries(folder: Path, encoder: Encoder, *, queries: int, random_state: int = 0) -> Iterator[Query]:
    """Yield supplies, drawn at random, with the features of every firm and what came of it.

    :raises EconomyUnreadable: naming file and line
    """
    firms, supplies = _rows(folder / "firms.csv"), _rows(folder / "supplies.csv")
    needs = [
        (int(row["firm"]), row["category"], int(row["day"]), row["is_posted"] == "1", float(row["reach_km"] or "inf"))
        for row in _rows(folder / "needs.csv")
    ]
    today = max(day for _firm, _category, day, _posted, _reach in needs) + 1 - int(HORIZON_DAYS)
    book = _book(firms, supplies, [need for need in needs if need[3] and need[2] < today], encoder)
    later = defaultdict(lambda: defaultdict(float))
    for firm, category, day, _posted, reach in needs:
        if day >= today:
            later[category][firm] = max(later[category][firm], reach)
    asked = [row for row in supplies if len(later[row["category"]]) >= FEWEST_HITS]
    Random(f"queries {random_state}").shuffle(asked)  # noqa: S311 -- a sample, not a secret
    activity = np.bincount(book.wanted_by, weights=book.wanted_count, minlength=len(book))
    for row in asked[:queries]:
        vector = encoder.encode([row["text"]])[0]
        features, facts = firm_features(book, Asked(row["category"], row["region"], vector, today))
        reach = np.array([later[row["category"]].get(firm, -1.0) for firm in book.ids.tolist()])
        yield Query(
            supply=int(row["id"]),
            firm=int(row["firm"]),
            features=features,
            is_hit=(reach >= 0) & (np.nan_to_num(facts.km, nan=0.0) <= reach),
            has_posted=facts.count > 0,
            is_candidate=book.ids != int(row["firm"]),
            activity=activity,
        )


def evaluate(queries: Iterator[Query], weights: Weights, *, random_state: int = 0) -> dict:
    """Return precision among the first fifty with its 95 % interval by firm, for all firms and for those that posted nothing."""
    random = np.random.default_rng(random_state)
    place = {name: number for number, name in enumerate(weights.features)}
    found: dict[str, dict[str, list[float]]] = {task: defaultdict(list) for task in ("all", "posted_nothing")}
    firms: dict[str, list[int]] = {task: [] for task in found}
    for query in queries:
        scores = {
            "model": weights.chances(query.features),
            "industry": query.features[:, place["industry"]],
            "history": query.features[:, place["due"]] + 1e-3 * query.features[:, place["demands"]],
            "popularity": query.activity,
            "random": random.random(len(query.is_hit)),
        }
        for task, eligible in (
            ("all", query.is_candidate),
            ("posted_nothing", query.is_candidate & ~query.has_posted),
        ):
            hits = query.is_hit[eligible]
            if hits.sum() < 1:
                continue
            firms[task].append(query.firm)
            found[task]["ceiling"].append(min(DEPTH, int(hits.sum())) / DEPTH)
            found[task]["base_rate"].append(float(hits.mean()))
            for method in METHODS:
                found[task][method].append(precision_at(scores[method][eligible], hits))
    return {task: _figures(measured, firms[task]) for task, measured in found.items()}


def _figures(measured: dict[str, list[float]], firms: list[int]) -> dict:
    figures: dict = {"queries": len(firms), "firms": len(set(firms))}
    for method, values in measured.items():
        mean, low, high = interval(values, firms)
        figures[method] = {"precision@50": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
    if firms:
        model, rest = np.array(measured["model"]), [name for name in METHODS if name != "model"]
        best = max(rest, key=lambda name: float(np.mean(measured[name])))
        mean, low, high = interval(model - np.array(measured[best]), firms)
        figures["gain"] = {"over": best, "mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
    return figures


def fit(queries: Iterator[Query], features: tuple[str, ...], *, random_state: int = 0) -> Weights:
    """Return the logistic model of being a hit, learnt from every hit and twenty times as many others of each query.

    The bias is put right for the drawing. Features that this economy does not know get weight 0.
    """
    # Costs seconds to import, and only who trains needs it.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    random = np.random.default_rng(random_state)
    rows, labels, importance = [], [], []
    for query in queries:
        hits = np.flatnonzero(query.is_hit & query.is_candidate)
        others = np.flatnonzero(~query.is_hit & query.is_candidate)
        drawn = random.choice(others, size=min(len(others), 20 * max(len(hits), 1)), replace=False)
        rows += [query.features[hits], query.features[drawn]]
        labels += [np.ones(len(hits)), np.zeros(len(drawn))]
        importance += [np.ones(len(hits)), np.full(len(drawn), len(others) / max(len(drawn), 1))]
    matrix, labels, importance = np.concatenate(rows), np.concatenate(labels), np.concatenate(importance)
    usual = np.average(np.nan_to_num(matrix, nan=0.0), axis=0, weights=importance)
    counts = np.average(~np.isnan(matrix), axis=0, weights=importance)
    usual = np.where(counts > 0, usual / np.maximum(counts, 1e-9), 0.0)
    steps = np.where(np.isnan(matrix), 0.0, matrix - usual)
    spread = np.maximum(steps.std(axis=0), 1e-9)
    known = np.array([name not in UNKNOWN_HERE for name in features])
    model = LogisticRegression(C=1.0, max_iter=500).fit((steps / spread)[:, known], labels, sample_weight=importance)
    learnt = np.zeros(len(features))
    learnt[known] = model.coef_[0] / spread[known]
    return Weights(features, learnt, usual, float(model.intercept_[0]))


def _book(firms: list[dict], supplies: list[dict], seen: list[tuple], encoder: Encoder) -> Book:
    sells, demands = defaultdict(set), defaultdict(dict)
    for row in supplies:
        sells[int(row["firm"])].add(row["category"])
    for firm, category, day, _posted, _reach in seen:
        count, first, last = demands[firm].get(category, (0, day, day))
        demands[firm][category] = (count + 1, min(first, day), max(last, day))
    words = defaultdict(list)
    for row in supplies:
        words[int(row["firm"])].append(row["text"])
    names = industries()
    texts = [
        "\n".join([row["name_zh"], row["name_en"], names.get(row["industry"], ""), *words[int(row["id"])]])
        for row in firms
    ]
    vectors = encoder.encode(texts)
    return Book(
        [
            Firm(
                id=int(row["id"]),
                industry=row["industry"],
                region=row["region"],
                sells=tuple(sorted(sells[int(row["id"])])),
                demands=demands[int(row["id"])],
                size=len(words[int(row["id"])]) + sum(count for count, _f, _l in demands[int(row["id"])].values()),
                vector=vectors[place],
            )
            for place, row in enumerate(firms)
        ],
        dim=encoder.dim,
    )


_COLUMNS = {
    "firms.csv": ("id", "industry", "region", "name_zh", "name_en"),
    "supplies.csv": ("id", "firm", "category", "region", "text"),
    "needs.csv": ("firm", "category", "day", "is_posted", "reach_km"),
}
_NUMBERS = {"id", "firm", "day"}


def _rows(path: Path) -> list[dict]:
    if not path.is_file():
        raise EconomyUnreadable(f"{path} is missing")
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := set(_COLUMNS[path.name]) - set(reader.fieldnames or ()):
            raise EconomyUnreadable(f"{path}: no column {', '.join(sorted(missing))}")
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        for name in _NUMBERS & row.keys():
            if not (row[name] or "").lstrip("-").isdigit():
                raise EconomyUnreadable(f"{path}, line {number}: {name} is no whole number: {row[name]!r}")
    if not rows:
        raise EconomyUnreadable(f"{path} has no rows")
    return rows
