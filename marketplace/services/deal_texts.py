"""What a record of a deal says, as people read it: on the page, and on the paper in the archive, in either language."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation

from marketplace.models import Attachment, DealRecord, Order, User
from marketplace.models.deal_record import labels_of
from marketplace.papers import Paper
from marketplace.parsing.units import unit_name
from marketplace.services.deal_words import FIRST_KEYS, KEYS, PAIRS, WORDS

ZONE = ZoneInfo("Asia/Shanghai")
TRUE_FALSE = {True: ("是", "yes"), False: ("否", "no")}
# More than this nobody reads on paper; ``deal.json`` has them all.
MOST_ON_PAPER = 1000
TIMELINE = {
    "zh": ("交易档案", "时间线", ("序号", "时间", "事件", "经办", "内容"), "仅列出前 %(count)d 条，其余见 deal.json。"),
    "en": (
        "Deal file",
        "Timeline",
        ("No.", "Time", "Event", "By", "Content"),
        "The first %(count)d only; deal.json has the rest.",
    ),
}


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[1] if language == "en" else pair[0]


def label_of(kind: str, language: str) -> str:
    return _in(language, labels_of(kind))


def rows_of(payload: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """Return label and text of everything a payload says, without what is empty."""
    # The database keeps keys by their length; people expect what it is before how much of it.
    ordered = sorted(
        payload.items(), key=lambda item: FIRST_KEYS.index(item[0]) if item[0] in FIRST_KEYS else len(FIRST_KEYS)
    )
    rows = [(_in(language, KEYS.get(key, (key, key))), _text(key, value, language)) for key, value in ordered]
    return [(label, text) for label, text in rows if text]


def _text(key: str, value: Any, language: str) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return _in(language, TRUE_FALSE[value])
    if isinstance(value, Mapping):
        return _text_of_mapping(value, language)
    if isinstance(value, list):
        return "\n".join(filter(None, (_text(key, item, language) for item in value)))
    return _word(key, str(value), language)


def _word(key: str, value: str, language: str) -> str:
    """Return a unit or a word of ours by its name; anything else stays as it is, but for moments."""
    if key == "unit":
        return unit_name(value, language, plural=False)
    if value in PAIRS.get(key, {}):
        return _in(language, PAIRS[key][value])
    for words in WORDS.get(key, ()):
        if value in words.values:
            with translation.override("en" if language == "en" else "zh-hans"):
                return str(words(value).label)
    return _moment(value)


def _text_of_mapping(value: Mapping[str, Any], language: str) -> str:
    """Return one line: of texts in both languages the reader's, of a party or a file its name."""
    for name in ("", "name_", "title_"):
        pair = (value.get(f"{name}zh"), value.get(f"{name}en"))
        if any(pair):
            text = _in(language, pair) or pair[0] or pair[1]
            return f"{text} ({value['points']:+})" if "points" in value else str(text)
    if "sha256" in value:
        return f"{value.get('name')} (SHA-256 {value['sha256']})"
    colon, comma = (": ", ", ") if language == "en" else ("：", "，")
    return comma.join(f"{label}{colon}{text}" for label, text in rows_of(value, language))


def _moment(text: str) -> str:
    """Return a moment as people here read the clock; anything else stays as it is."""
    if len(text) > 20 and text[10:11] == "T":
        try:
            return f"{datetime.fromisoformat(text).astimezone(ZONE):%Y-%m-%d %H:%M}"
        except ValueError:
            pass
    return text


@dataclass(frozen=True)
class Entry:
    """A record with what it says, and the files it names that the reader may open."""

    record: DealRecord
    rows: list[tuple[str, str]]
    attachments: list[Attachment]


def entries_of(records: Iterable[DealRecord], *, language: str, reader: User) -> list[Entry]:
    records = list(records)
    named = {one.pk: sorted(set(attachment_ids(one.payload))) for one in records}
    wanted = {number for numbers in named.values() for number in numbers}
    readable = Attachment.objects.readable_by(reader).in_bulk(wanted) if wanted else {}
    return [
        Entry(one, rows_of(one.payload, language), [readable[number] for number in named[one.pk] if number in readable])
        for one in records
    ]


def attachment_ids(payload: Any) -> Iterator[int]:
    """Find what a record says of attachments, however deep."""
    if isinstance(payload, list):
        for item in payload:
            yield from attachment_ids(item)
    elif isinstance(payload, dict):
        if "sha256" in payload and isinstance(payload.get("attachment"), int):
            yield payload["attachment"]
        for item in payload.values():
            yield from attachment_ids(item)


def timeline_paper(order: Order, records: list[DealRecord], language: str) -> bytes:
    """Return all records of a deal as a PDF."""
    title, heading, header, more = TIMELINE[language]
    paper = Paper(title, language, number=order.number)
    paper.facts(
        [
            (
                _in(language, KEYS["buyer"]),
                _in(language, (order.buyer.name_zh, order.buyer.name_en)) or order.buyer.name,
            ),
            (
                _in(language, KEYS["seller"]),
                _in(language, (order.seller.name_zh, order.seller.name_en)) or order.seller.name,
            ),
        ]
    )
    paper.heading(heading).table(header, list(_table_rows(records[:MOST_ON_PAPER], language)))
    if len(records) > MOST_ON_PAPER:
        paper.note(more % {"count": MOST_ON_PAPER})
    return paper.pdf()


def _table_rows(records: list[DealRecord], language: str) -> Iterator[tuple[object, ...]]:
    colon = ": " if language == "en" else "："
    for record in records:
        said = "\n".join(f"{label}{colon}{text}" for label, text in rows_of(record.payload, language))
        moment = f"{record.at.astimezone(ZONE):%Y-%m-%d %H:%M}"
        yield record.sequence, moment, label_of(record.kind, language), record.by_name, said
