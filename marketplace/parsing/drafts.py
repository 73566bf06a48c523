"""Turn what somebody says of a listing, in fields or in a sentence, into values that can be kept."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date

from marketplace.parsing import draft_fields as check
from marketplace.parsing import draft_rules as rules
from marketplace.parsing.catalogue import Catalogue, CategorySpec
from marketplace.parsing.certificates import certificate_code
from marketplace.parsing.codes import Claims
from marketplace.parsing.draft_fields import EMPTY, Draft, ProblemError, storable
from marketplace.parsing.folding import fold
from marketplace.parsing.places import find_place
from marketplace.parsing.quantities import find_quantities
from marketplace.parsing.sentence import parse
from marketplace.parsing.units import canonical_unit

__all__ = ["CHECKS", "FIELD_NAMES", "Draft", "by_language", "language_of", "read_draft", "title_of"]

TITLE_LENGTH = 80
_HAN = re.compile(r"[\u3400-\u9fff]")
_SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?=\s|$)")
_BREAKS = (re.compile(r"[,，;；、]"), re.compile(r" "))


def language_of(text: str) -> str:
    """Return zh where the text has Chinese characters, else en.

    >>> language_of("304 球阀"), language_of("ball valve")
    ('zh', 'en')
    """
    return "zh" if _HAN.search(text) else "en"


def title_of(text: str) -> str:
    """Return the first sentence, cut between words where it is long.

    >>> title_of("304 不锈钢法兰球阀 DN50 PN16, 500 只。急用！")
    '304 不锈钢法兰球阀 DN50 PN16, 500 只'
    """
    first = next((part.strip() for part in _SENTENCE_END.split(text) if part.strip()), text.strip())
    if len(first) <= TITLE_LENGTH:
        return first
    for ends in _BREAKS:
        if cuts := [match.start() for match in ends.finditer(first, TITLE_LENGTH // 2, TITLE_LENGTH)]:
            return first[: cuts[-1]].rstrip(",，;；、 ") + "…"
    return first[: TITLE_LENGTH - 1] + "…"


def _region(value: object) -> str:
    found = find_place(str(value))
    if found is None:
        raise ProblemError(
            "unknown_region",
            f"未知地区“{value}”：请填写行政区划代码或地名。",
            f"Unknown region “{value}”: give a GB/T 2260 code or a name.",
        )
    return found


def _regions(value: object) -> list[str]:
    return list(dict.fromkeys(_region(item) for item in check.several(value)))


def _unit(value: object) -> str:
    found = canonical_unit(str(value))
    if found is None:
        raise ProblemError("unknown_unit", f"未知单位“{value}”。", f"Unknown unit “{value}”.")
    return found


def _code(value: object) -> str:
    text = check.text(80)(value)
    return certificate_code(text) or text[:40]


def _codes(value: object) -> list[str]:
    return list(dict.fromkeys(_code(item) for item in check.several(value)))


def _certificates(value: object) -> list[dict[str, object]]:
    found = {}
    for item in check.several(value):
        given = item if isinstance(item, Mapping) else {"code": item}
        if unknown := set(given) - {"code", "issuer", "number", "expires_on"}:
            names = ", ".join(sorted(map(str, unknown)))
            raise ProblemError("unknown_field", f"证书没有这些字段：{names}。", f"A certificate has no: {names}.")
        if given.get("code") in EMPTY:
            raise ProblemError("required", "证书缺少 code。", "A certificate needs its code.")
        expires_on = given.get("expires_on")
        certificate = {
            "code": _code(given["code"]),
            "issuer": check.text(200)(given.get("issuer") or ""),
            "number": check.text(100)(given.get("number") or ""),
            "expires_on": None if expires_on in EMPTY else check.date(expires_on),
        }
        found[certificate["code"], certificate["number"]] = certificate
    return list(found.values())


CHECKS: dict[str, Callable[[object], object]] = {
    "side": check.one_of(check.SIDES),
    "kind": check.one_of(check.KINDS),
    "category": check.text(100),
    "title_zh": check.text(200),
    "title_en": check.text(200),
    "text_zh": check.text(20_000),
    "text_en": check.text(20_000),
    "attributes": check.mapping,
    "quantity": check.decimal(places=3),
    "unit": _unit,
    "minimum_order": check.decimal(places=3),
    "price_min": check.decimal(places=4, zero=True),
    "price_max": check.decimal(places=4, zero=True),
    "price_unit": _unit,
    "currency": check.currency,
    "region": _region,
    "delivery_regions": _regions,
    "window_start": check.date,
    "window_end": check.date,
    "lead_days": check.whole(largest=3650),
    "certificates": _certificates,
    "required_certificates": _codes,
    "visibility": check.one_of(check.VISIBILITIES),
    "expires_at": check.moment,
    "external_id": check.text(100),
}
# What may be given in one language without saying which.
IN_ONE_LANGUAGE = {"title": check.text(200), "text": check.text(20_000)}
FIELD_NAMES = (*CHECKS, *IN_ONE_LANGUAGE)


def read_draft(
    fields: Mapping[str, object],
    *,
    catalogue: Catalogue,
    today: date,
    region: str = "",
    must_be_complete: bool = True,
    read_text: bool = True,
    changed: Collection[str] | None = None,
    read_before: Collection[str] = (),
) -> Draft:
    """Check the fields, read what is missing out of the text, and say what is wrong.

    What was said in a field wins over what stands in the text; a reading that contradicts a field is dropped; a field
    given as None stays empty. ``region`` is where the organisation is: it stands in for a place that nobody said.
    Only ``changed`` fields (all, if None) must not lie in the past. The attributes that a category requires are asked
    of a supply whose category was said: whoever starts with a sentence, out of which it is read now or was
    ``read_before``, may leave them open. Without ``must_be_complete`` the side may be missing too.
    """
    draft = Draft()
    said = by_language(storable(fields))
    for name, value in said.items():
        if value not in EMPTY:
            _take(draft, name, value)
    attributes = draft.values.get("attributes", {})
    silent = {name for name, value in said.items() if value is None}
    silent |= {f"attributes.{key}" for key, value in attributes.items() if value is None}
    draft.values["attributes"] = {key: value for key, value in attributes.items() if value not in EMPTY}
    category = _category(draft, catalogue)
    source = _source(draft.values)
    if not source and not draft.problems.keys() & {"text", "title", "text_zh", "text_en", "title_zh", "title_en"}:
        draft.refuse("text", ProblemError("required", "请填写说明或标题。", "Give a text or a title."))
    if read_text and source:
        parsed = parse(
            source,
            today=today,
            catalogue=catalogue,
            category=category.code if category else None,
            side=draft.values.get("side"),
        )
        rules.add_readings(draft, parsed, checks=CHECKS, silent=silent | draft.problems.keys())
        category = category or catalogue.get(draft.values.get("category", ""))
    is_said = "category" not in read_before and not draft.is_read("category")
    rules.settle_category(draft, category, must_be_complete=must_be_complete and is_said)
    rules.settle_amounts(draft, category)
    rules.settle_times(draft, today, said if changed is None else changed)
    _settle_words(draft, region if "region" not in silent else "", must_be_complete=must_be_complete)
    return draft


def _settle_words(draft: Draft, region: str, *, must_be_complete: bool) -> None:
    values = draft.values
    if region and "region" not in draft.problems:
        values.setdefault("region", region)
    for language in ("zh", "en"):
        if (words := values.get(f"text_{language}")) and f"title_{language}" not in draft.problems:
            values.setdefault(f"title_{language}", title_of(words))
    if must_be_complete and "side" not in values and "side" not in draft.problems:
        draft.refuse(
            "side", ProblemError("required", "请说明是供应还是需求。", "Say whether this is supply or demand.")
        )
    draft.certificates = values.pop("certificates", [])


def by_language(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields with ``title`` and ``text`` where their language belongs, unless that place is taken.

    >>> by_language({"text": "304 球阀", "side": "supply"})
    {'side': 'supply', 'text_zh': '304 球阀'}
    """
    said = dict(fields)
    for name in IN_ONE_LANGUAGE:
        value = said.get(name)
        if value in EMPTY and name in said:
            # Said to be nothing: in both languages.
            del said[name]
            if value is None:
                said = {f"{name}_zh": None, f"{name}_en": None} | said
        elif isinstance(value, str) and said.get(place := f"{name}_{language_of(value)}") in EMPTY:
            del said[name]
            said[place] = value
    return said


def _take(draft: Draft, name: str, value: object) -> None:
    cleaner = CHECKS.get(name) or IN_ONE_LANGUAGE.get(name)
    if cleaner is None:
        draft.refuse(name, ProblemError("unknown_field", "没有这个字段。", "A listing has no such field."))
        return
    if name in ("quantity", "minimum_order") and isinstance(value, str):
        # 500 只 in the column of quantities says the unit too.
        folded = fold(value)
        if len(found := find_quantities(folded, Claims(len(folded.text)))) == 1 and found[0].low is None:
            value = found[0].value
            draft.values.setdefault("unit", found[0].unit)
    try:
        value = cleaner(value)
    except ProblemError as problem:
        draft.refuse(name, problem)
        return
    if value not in EMPTY:
        draft.values[name] = value


def _category(draft: Draft, catalogue: Catalogue) -> CategorySpec | None:
    said = draft.values.pop("category", None)
    if said is None:
        return None
    category = catalogue.get(said) or catalogue.named(said)
    if category is None:
        draft.refuse(
            "category", ProblemError("unknown_category", f"没有类别“{said}”。", f"There is no category “{said}”.")
        )
        return None
    draft.values["category"] = category.code
    return category


def _source(values: Mapping[str, object]) -> str:
    """Return what is read: the text in one language, its title before it where that says more."""
    for language in ("zh", "en"):
        title, text = values.get(f"title_{language}", ""), values.get(f"text_{language}", "")
        if text:
            return text if not title or title in text else f"{text}\n{title}"
    return values.get("title_zh") or values.get("title_en") or ""
