"""What held-out queries say of a ranker, and for what it is refused."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple, Self

# A part of the market with fewer lists decides nothing.
ENOUGH_LISTS = 50


@dataclass(frozen=True)
class Comparison:
    """Mean nDCG@10 of both methods on the same held-out queries; the 95 % interval is of their difference.

    Where many parts are looked at together, one of twenty seems to lose by chance: ``ceiling`` is the upper end that the
    interval has when all of them together are to be right in 95 of 100 cases.
    """

    queries: int
    fused: float
    ranked: float
    difference: float
    low: float
    high: float
    ceiling: float | None = None

    @property
    def is_loss(self) -> bool:
        return (self.high if self.ceiling is None else self.ceiling) < 0


class Refusal(NamedTuple):
    """One thing for which a ranker is refused, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Verdict:
    """What the held-out queries say of a ranker; without ``refusals`` it may serve.

    ``comparisons`` are with the tuned fusion, by source, ``slices`` the same on outcomes by kind and part of the
    market. In ``serving`` the ranker in use stands in the place of the fusion.
    """

    comparisons: dict[str, Comparison] = field(default_factory=dict)
    slices: dict[str, dict[str, Comparison]] = field(default_factory=dict)
    serving: Comparison | None = None
    margin: float = 0.0
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_promoted(self) -> bool:
        return not self.refusals

    @property
    def refusal(self) -> str:
        return " ".join(one.en for one in self.refusals)

    def refused_for(self, refusals: Sequence[Refusal]) -> Self:
        return replace(self, refusals=tuple(refusals))

    def to_dict(self) -> dict:
        """Return plain values, as the card of a ranker and its row keep them."""
        return {
            "promoted": self.is_promoted,
            "comparisons": {source: asdict(one) for source, one in self.comparisons.items()},
            "slices": {kind: {part: asdict(one) for part, one in parts.items()} for kind, parts in self.slices.items()},
            "serving": asdict(self.serving) if self.serving else None,
            "margin": self.margin,
            "refusals": [one._asdict() for one in self.refusals],
        }


def refusals_of(verdict: Verdict, *, must_gain: Sequence[str], texts_are_safe: bool = True) -> list[Refusal]:
    """Return everything for which the ranker is refused.

    On each source of ``must_gain`` the mean gain must reach the margin with its whole interval above 0; no other source,
    no part of the market with enough lists and not the ranker in use may be lost to for certain; and texts, where they
    were not measured, must come in the order of the fusion (``texts_are_safe``).
    """
    found = []
    for source, one in verdict.comparisons.items():
        if source in must_gain:
            found += _gain_refusals(source, one, verdict.margin)
        elif one.is_loss:
            found.append(_loss(source, f"“{SOURCES_ZH.get(source, source)}”", one))
    for kind, parts in verdict.slices.items():
        found += [
            _loss(f"{kind} {part}", f"{KINDS_ZH.get(kind, kind)}“{PARTS_ZH.get(part, part)}”", one)
            for part, one in parts.items()
            if one.queries >= ENOUGH_LISTS and one.is_loss
        ]
    if verdict.serving is not None and verdict.serving.is_loss:
        span = _span(verdict.serving)
        found.append(Refusal(f"它不如正在使用的排序模型（{span}）。", f"It loses to the ranker in use ({span})."))
    if not texts_are_safe:
        found.append(
            Refusal(
                "它会改变纯文本的顺序，而这里没有可供衡量的评判文本。",
                "It reorders plain texts, and there are no judged texts to measure that on.",
            )
        )
    if missing := [source for source in must_gain if source not in verdict.comparisons]:
        names = ", ".join(missing)
        found.append(Refusal(f"没有可供衡量的数据：{names}。", f"There is nothing to measure it on: {names}."))
    return found


# What readers of Chinese call the sources and parts; an industry goes by its code.
SOURCES_ZH = {"outcomes": "匹配结果", "substitutes": "可替代商品", "translations": "翻译", "query_title": "查询与标题"}
KINDS_ZH = {"industry": "行业", "language": "语言", "firm": "企业"}
PARTS_ZH = {"zh": "中文", "en": "英文", "both": "中英文", "new": "新企业", "known": "有记录的企业"}


def _gain_refusals(source: str, one: Comparison, margin: float) -> list[Refusal]:
    span, zh = _span(one), SOURCES_ZH.get(source, source)
    if one.low <= 0:
        return [
            Refusal(
                f"在“{zh}”上相对融合排序的提升不能确定高于 0（{span}）。",
                f"On {source} the gain over the fusion is not above 0 ({span}).",
            )
        ]
    if one.difference < margin:
        return [
            Refusal(
                f"在“{zh}”上的提升 {one.difference:+.4f} 未达到要求的 {margin:+.2f}。",
                f"On {source} the gain of {one.difference:+.4f} does not reach {margin:+.2f}.",
            )
        ]
    return []


def _loss(en: str, zh: str, one: Comparison) -> Refusal:
    span = _span(one)
    return Refusal(f"在{zh}上不如融合排序（{span}）。", f"On {en} it loses to the fusion ({span}).")


def _span(one: Comparison) -> str:
    return f"{one.low:+.4f} … {one.high:+.4f}"
