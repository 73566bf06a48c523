"""Outcomes of shown matches, drawn or observed, as groups to learn from."""

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import TextIO

import numpy as np

from matching.ranking.facts import ListingFacts
from matching.ranking.features import pair_features
from matching.ranking.labels import Label
from matching.ranking.promotion import OUTCOMES, JudgedGroup
from matching.ranking.slices import slices_of
from matching.retrieval.encoder import Encoder
from matching.retrieval.fusion import ScoreFusion
from matching.retrieval.keyword import KeywordIndex

DATES = ("window_start", "window_end")
TUPLES = ("ancestors", "delivery_regions")
SETS = ("certificates", "required_certificates")
FIELDS = frozenset(field.name for field in fields(ListingFacts))


class OutcomesUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The file of outcomes is not as its format says; the message names the line."""


@dataclass(frozen=True)
class Outcome:
    """A listing, the counterparts that it was shown on a day, and what came of each: 0 nothing … 4 fulfilled.

    ``labels`` say more of each candidate where events were noted, else there are none; ``in_full`` is the chance with
    which each pair's supplier was expected to deliver in full, NaN where it had no record.
    """

    day: date
    query: ListingFacts
    candidates: Sequence[ListingFacts]
    grades: np.ndarray
    labels: Sequence[Label] = ()
    in_full: np.ndarray | None = None

    @property
    def weights(self) -> np.ndarray | None:
        """Return what undoes the place in the list, shape (n,), None where places are not known."""
        return np.array([label.weight for label in self.labels]) if self.labels else None


def read_outcomes(path: Path) -> tuple[dict, list[Outcome]]:
    """Return what the file says of its origin, and its outcomes (JSON lines, plain or .gz).

    The first line is ``{"model": …}``; each other is ``{"day", "query": facts, "candidates": [{…facts, "grade"}]}``
    with facts named as the fields of ``ListingFacts``. Where it was noted how they were shown, each candidate also has
    ``position`` (null: told by a message), ``weight``, ``acted``, ``asked``, ``settled``, ``fulfilled`` as `Label` says, and
    ``in_full``, the chance with which the pair's supplier was expected to deliver in full.

    :raises OutcomesUnreadable: if a line is not so
    """
    with _opened(path) as file:
        try:
            model = json.loads(next(file))["model"]
        except (StopIteration, KeyError, ValueError, TypeError) as error:
            raise OutcomesUnreadable(f"{path}, line 1: must say where the outcomes come from, as model") from error
        return model, [_outcome(path, number, line) for number, line in enumerate(file, start=2)]


def _opened(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _outcome(path: Path, number: int, line: str) -> Outcome:
    try:
        record = json.loads(line)
        return Outcome(
            day=date.fromisoformat(record["day"]),
            query=_facts(record["query"]),
            candidates=[_facts(candidate) for candidate in record["candidates"]],
            grades=np.array([int(candidate["grade"]) for candidate in record["candidates"]]),
            labels=[_label(candidate) for candidate in record["candidates"] if "position" in candidate],
            in_full=np.array([_float(candidate.get("in_full")) for candidate in record["candidates"]]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OutcomesUnreadable(f"{path}, line {number}: {error!r}") from error


def _label(candidate: dict) -> Label:
    return Label(
        grade=int(candidate["grade"]),
        position=candidate["position"],
        acted=bool(candidate.get("acted")),
        asked=bool(candidate.get("asked")),
        fulfilled=candidate.get("fulfilled"),
        weight=float(candidate.get("weight", 1.0)),
        settled=bool(candidate.get("settled")),
        would=candidate.get("would"),
    )


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _facts(record: dict) -> ListingFacts:
    values = {name: value for name, value in record.items() if name in FIELDS}
    for name in DATES:
        values[name] = date.fromisoformat(values[name]) if values.get(name) else None
    for names, kind in ((TUPLES, tuple), (SETS, frozenset)):
        values |= {name: kind(values[name]) for name in names if name in values}
    return ListingFacts(**values)


def record_of(outcome: Outcome) -> dict[str, object]:
    """Return the outcome as a line of a file says it."""
    labels = [_told(label) for label in outcome.labels] or [{"grade": int(grade)} for grade in outcome.grades]
    in_full = [math.nan] * len(labels) if outcome.in_full is None else outcome.in_full.tolist()
    return {
        "day": outcome.day.isoformat(),
        "query": as_record(outcome.query),
        "candidates": [
            as_record(candidate) | label | ({} if math.isnan(chance) else {"in_full": round(chance, 4)})
            for candidate, label, chance in zip(outcome.candidates, labels, in_full, strict=True)
        ],
    }


def _told(label: Label) -> dict[str, object]:
    told = asdict(label)
    return {name: value for name, value in told.items() if value is not None or name in _ALWAYS_TOLD}


def as_record(facts: ListingFacts) -> dict[str, object]:
    """Return the facts that differ from their defaults, as JSON can hold them."""
    record = {}
    for name, value in asdict(facts).items():
        if value is None or (name not in _ALWAYS and value in ("", 0, (), frozenset())):
            continue
        if isinstance(value, date):
            record[name] = value.isoformat()
        else:
            record[name] = sorted(value) if isinstance(value, (frozenset, set)) else value
    return {name: value for name, value in record.items() if name not in _UNUSED}


_ALWAYS_TOLD = {"position", "fulfilled"}
_ALWAYS = {"id", "organisation", "side", "text", "deliveries"}
# Who may see a listing has been decided before it was shown.
_UNUSED = {"is_open", "open_until", "visibility", "audience", "is_verified", "blocked", "normal"}


def outcome_groups(outcomes: Sequence[Outcome], encoder: Encoder, fusion: ScoreFusion) -> Iterator[JudgedGroup]:
    """Yield each outcome with the features its candidates had; words are weighed by how rare they are in all of them."""
    texts = {one.id: one.text for outcome in outcomes for one in (outcome.query, *outcome.candidates)}
    ids = sorted(texts)
    row_of = {pk: row for row, pk in enumerate(ids)}
    words = KeywordIndex().build(np.arange(len(ids)), [texts[pk] for pk in ids])
    vectors = encoder.encode([texts[pk] for pk in ids])
    for outcome in outcomes:
        rows = np.array([row_of[candidate.id] for candidate in outcome.candidates])
        keyword = words.scores(outcome.query.text, rows)
        embedding = vectors[rows] @ vectors[row_of[outcome.query.id]]
        features = pair_features(
            outcome.query,
            outcome.candidates,
            keyword=keyword,
            embedding=embedding,
            fused=fusion.fuse(keyword, embedding),
            today=outcome.day,
        )
        yield JudgedGroup(
            OUTCOMES,
            str(outcome.query.organisation),
            features,
            outcome.grades,
            weights=outcome.weights,
            slices=slices_of(outcome.query),
            day=outcome.day,
        )
