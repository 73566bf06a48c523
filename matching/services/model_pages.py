"""What the operator's pages show of rankers, replays and proofs, made ready for templates and the API."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.models import Category, Listing
from marketplace.parsing.catalogue import Catalogue
from matching.live_index import ranker
from matching.models import RankerModel, RecallProof, Replay
from matching.ranking.promotion import OUTCOMES
from matching.ranking.text import shipped_ranker
from matching.ranking.verdict import ENOUGH_LISTS

SOURCES = {
    OUTCOMES: _("What came of matches"),
    "substitutes": _("Substitute goods (texts)"),
    "translations": _("Translations (texts)"),
    "query_title": _("Queries and titles (texts)"),
}
KINDS = {"industry": _("Industries"), "language": _("Languages"), "firm": _("New and known firms")}
PARTS = {
    "zh": _("Chinese"),
    "en": _("English"),
    "both": _("Both languages"),
    "new": _("New firms"),
    "known": pgettext_lazy("firms with a record", "Known firms"),
}
ORIGINS = {
    "choice model of the demo data": _("Simulated results (choice model of the demo)"),
    "deals of this market": _("Deals of this market"),
}
# What the gate was tried with: each must be refused.
TRIALS = {
    "shuffled": _("trial of the gate: results shuffled"),
    "texts": _("trial: points for single text scores"),
}
FEATURE_NAMES = {
    "fused": _("Texts, fused"),
    "embedding": _("Meaning of the texts"),
    "keyword": _("Words of the texts"),
    "category": _("Category"),
    "attributes": _("Attributes that fit"),
    "attributes_unknown": _("Attributes not stated"),
    "price": _("Price"),
    "quantity": _("Quantity"),
    "distance": _("Distance"),
    "slack": _("Time left"),
    "on_time": _("Deliveries on time"),
    "deliveries": _("Number of deliveries"),
}
GRADES = {
    1: _("opened by a firm"),
    2: _("negotiated"),
    3: _("ordered"),
    4: _("delivered on time and in full"),
}


@dataclass(frozen=True)
class Interval:
    """A gain with its 95 % interval, also as places on a bar 100 wide whose scale all bars of a page share."""

    name: str | Promise
    queries: int
    fused: float
    ranked: float
    difference: float
    low: float
    high: float
    start: float = 0.0
    middle: float = 0.0
    width: float = 0.0
    zero: float = 0.0

    @property
    def gain(self) -> str:
        return f"{self.difference:+.3f}"

    @property
    def span(self) -> str:
        return f"{self.low:+.3f} … {self.high:+.3f}"

    @property
    def verdict(self) -> str:
        return "good" if self.low > 0 else "bad" if self.high < 0 else "even"

    @property
    def is_enough(self) -> bool:
        return self.queries >= ENOUGH_LISTS


@dataclass(frozen=True)
class ModelRow:
    """A ranker as the list shows it; ``key`` names it in addresses: its version, or "shipped"."""

    key: str
    version: str
    status: str
    status_label: str | Promise
    serves: bool
    refusal: str
    learned_on: str
    judged_at: datetime | None
    lists: int
    gain: Interval | None
    model: RankerModel | None
    origin: str | Promise = ""
    trial: str | Promise = ""

    @property
    def is_outdated(self) -> bool:
        """Whether it was promoted on text scores of before: another embedding or fusion is in use now."""
        return self.status == RankerModel.Status.PROMOTED and not self.serves


@dataclass(frozen=True)
class ModelPage:
    """Everything about one ranker."""

    row: ModelRow
    sources: list[Interval]
    slices: list[tuple[str | Promise, list[Interval]]]
    serving: Interval | None
    margin: float | None
    left_out: int
    points: list[tuple[str | Promise, float, float]]
    trained_on: Mapping[str, object]


def serving_version() -> str:
    """Return the version of the ranker that answers the next question."""
    return ranker().version


def shipped_row() -> ModelRow:
    """Return the ranker that came with the program."""
    shipped = shipped_ranker()
    serves = ranker().version == shipped.version
    is_promoted = serves and not RankerModel.objects.in_use().exists()
    return ModelRow(
        key=Replay.SHIPPED,
        version=shipped.version,
        status="promoted" if is_promoted else "shipped",
        status_label=RankerModel.Status.PROMOTED.label if is_promoted else _("Shipped with the program"),
        serves=serves,
        refusal="",
        learned_on=shipped.card.get("trained_at", ""),
        judged_at=None,
        lists=_lists_of(shipped.card.get("held_out")),
        gain=_gain_of(shipped.card.get("held_out")),
        model=None,
        **_origin_of(shipped.card.get("outcomes")),
    )


def rows_of(models: Iterable[RankerModel]) -> list[ModelRow]:
    """Return the rows of these rankers in their order."""
    serving = ranker().version
    return [row_of(model, serving) for model in models]


def row_of(model: RankerModel, serving: str) -> ModelRow:
    comparisons = model.verdict.get("comparisons", {})
    return ModelRow(
        key=model.version,
        version=model.version,
        status=model.status,
        status_label=model.get_status_display(),
        serves=model.version == serving and model.status == RankerModel.Status.PROMOTED,
        refusal=model.refusal,
        learned_on=model.trained_on.get("trained_at") or "",
        judged_at=model.judged_at,
        lists=_lists_of(comparisons),
        gain=_gain_of(comparisons),
        model=model,
        **_origin_of(model.trained_on.get("outcomes")),
    )


def model_page(key: str) -> ModelPage | None:
    """Return everything about the ranker of this version, or the shipped one; None where there is none."""
    if key == Replay.SHIPPED:
        card = shipped_ranker().card
        row, document, trained_on = shipped_row(), shipped_ranker().to_dict(), card
        verdict = {
            "comparisons": card.get("held_out", {}),
            **{name: card.get(name) for name in ("slices", "serving", "margin")},
        }
    else:
        model = RankerModel.objects.filter(version=key).first()
        if model is None:
            return None
        row, document, verdict, trained_on = (
            row_of(model, ranker().version),
            model.document,
            model.verdict,
            model.trained_on,
        )
    sources = [_interval(SOURCES.get(name, name), one) for name, one in (verdict.get("comparisons") or {}).items()]
    parts = {
        kind: [_interval(_part_name(kind, part), one) for part, one in found.items()]
        for kind, found in (verdict.get("slices") or {}).items()
    }
    shown = {
        kind: sorted((one for one in found if one.is_enough), key=lambda one: -one.queries)
        for kind, found in parts.items()
    }
    serving = [_interval(_("The ranker in use then"), verdict["serving"])] if verdict.get("serving") else []
    everything = [*sources, *serving, *(one for found in shown.values() for one in found)]
    placed = _placed(everything)
    return ModelPage(
        row=row,
        sources=[placed[id(one)] for one in sources],
        slices=[(KINDS.get(kind, kind), [placed[id(one)] for one in found]) for kind, found in shown.items() if found],
        serving=placed[id(serving[0])] if serving else None,
        margin=verdict.get("margin"),
        left_out=sum(not one.is_enough for found in parts.values() for one in found),
        points=_points(document),
        trained_on=trained_on or {},
    )


def _origin_of(outcomes: Mapping | None) -> dict[str, str | Promise]:
    said = outcomes or {}
    name, trial = said.get("name", ""), said.get("trial", "")
    return {"origin": ORIGINS.get(name, name), "trial": TRIALS.get(trial, trial)}


def _lists_of(comparisons: Mapping | None) -> int:
    return (comparisons or {}).get(OUTCOMES, {}).get("queries", 0)


def _gain_of(comparisons: Mapping | None) -> Interval | None:
    found = (comparisons or {}).get(OUTCOMES)
    return _interval(SOURCES[OUTCOMES], found) if found else None


def _interval(name: str | Promise, one: Mapping) -> Interval:
    return Interval(name, **{key: one[key] for key in ("queries", "fused", "ranked", "difference", "low", "high")})


def _placed(intervals: Sequence[Interval]) -> dict[int, Interval]:
    """Place the bars on one scale, from the lowest low to the highest high, 0 always on it."""
    least = min([0.0, *(one.low for one in intervals)]) - 0.005
    most = max([0.0, *(one.high for one in intervals)]) + 0.005
    scale = 100 / (most - least)

    def at(value: float) -> float:
        return round((value - least) * scale, 2)

    return {
        id(one): Interval(
            one.name, one.queries, one.fused, one.ranked, one.difference, one.low, one.high,
            start=at(one.low), middle=at(one.difference), width=max(0.4, at(one.high) - at(one.low)), zero=at(0.0),
        )
        for one in intervals
    }  # fmt: skip


def _part_name(kind: str, part: str) -> str | Promise:
    return _family_name(part) if kind == "industry" else PARTS.get(part, part)


def _family_name(code: str) -> str:
    catalogue: Catalogue = Category.objects.catalogue()
    spec = catalogue.named_after(code)
    if spec is None:
        return code
    names = (spec.name_en, spec.name_zh) if get_language() == "en" else (spec.name_zh, spec.name_en)
    return names[0] or names[1] or code


def _points(document: Mapping) -> list[tuple[str | Promise, float, float]]:
    """Return by how many points each feature can move a score, the strongest first, and its share of the strongest."""
    found = {name: max(steps) - min(steps) for name, steps in document["points"].items()}
    found["fused"] += document["slope"]
    most = max(found.values()) or 1.0
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return [
        (FEATURE_NAMES.get(name, name), round(span, 2), round(100 * span / most, 1)) for name, span in ordered if span
    ]


def choices() -> list[tuple[str, str]]:
    """Return the models that a replay may be of, with how a form calls them."""
    versions = RankerModel.objects.newest().values_list("version", "status")
    labels = dict(RankerModel.Status.choices)
    return [
        (Replay.SHIPPED, str(_("Shipped with the program"))),
        (Replay.FUSION, str(_("Texts alone (fusion)"))),
        *((version, f"{version} · {labels[status]}") for version, status in versions),
    ]


def model_name(key: str) -> str | Promise:
    return {Replay.SHIPPED: _("Shipped with the program"), Replay.FUSION: _("Texts alone (fusion)")}.get(key, key)


@dataclass(frozen=True)
class ReplayedList:
    """One list of a replay with the listings that its places stand for."""

    demand: Listing | None
    overlap: float
    model: float | None
    against: float | None
    places: list[tuple[Mapping, Listing | None, str | Promise]]


def replayed_lists(lists: Sequence[Mapping]) -> list[ReplayedList]:
    """Return these lists with their listings, fetched together; a listing may be gone by now."""
    wanted = {one["demand"] for one in lists} | {place["id"] for one in lists for place in one["places"]}
    listings = {one.pk: one for one in Listing.objects.filter(pk__in=wanted).with_names()}
    return [
        ReplayedList(
            demand=listings.get(one["demand"]),
            overlap=one["overlap"],
            model=one["model"],
            against=one["against"],
            places=[(place, listings.get(place["id"]), GRADES.get(place["grade"], "")) for place in one["places"]],
        )
        for one in lists
    ]


@dataclass(frozen=True)
class ShapeHistory:
    """The proofs of one filter, newest last, as points of a plot 300 wide and 60 high from ``floor`` up to 1."""

    shape: str
    label: str | Promise
    latest: RecallProof
    points: str
    dots: list[tuple[float, float, bool, date, float]]
    floor: float
    promised_y: float

    @property
    def allowed(self) -> str:
        return f"{self.latest.allowed:.2%}"


def recall_histories(proofs: Sequence[RecallProof]) -> list[ShapeHistory]:
    """Return the history of each filter of these proofs, fetched with their runs, oldest first."""
    by_shape: dict[str, list[RecallProof]] = {}
    for one in proofs:
        by_shape.setdefault(one.shape, []).append(one)
    floor = round(min([0.9, *(one.recall - 0.02 for one in proofs)]), 2)
    return [
        _history(shape, label, by_shape[shape], floor)
        for shape, label in RecallProof.Shape.choices
        if shape in by_shape
    ]


def _history(shape: str, label: str | Promise, proofs: Sequence[RecallProof], floor: float) -> ShapeHistory:
    def at(place: int, recall: float) -> tuple[float, float]:
        x = 294 if len(proofs) == 1 else 6 + 288 * place / (len(proofs) - 1)
        return round(x, 1), round(54 - 48 * (recall - floor) / (1 - floor), 1)

    dots = [(*at(place, one.recall), one.is_kept, one.run.day, one.recall) for place, one in enumerate(proofs)]
    return ShapeHistory(
        shape=shape,
        label=label,
        latest=proofs[-1],
        points=" ".join(f"{x},{y}" for x, y, *_rest in dots),
        dots=dots,
        floor=floor,
        promised_y=at(0, proofs[-1].promised)[1],
    )
