"""A category's attributes in a text: by their codes (DN50), their labels (门幅 150cm), their values (法兰) and units (75 kW)."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from marketplace.parsing.attribute_values import (
    COUNTED,
    AttributeReader,
    AttributeReading,
    attribute_reader,
    chosen_end,
    ends_of,
    in_unit_of,
    tell,
)
from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.codes import Claims, Code, plain
from marketplace.parsing.designations import INCHES
from marketplace.parsing.folding import Folded
from marketplace.parsing.units import canonical_unit, convert, same_dimension

# The kind of code a property is written as, and the kinds of codes that give its value.
_KINDS = {
    "dn": ("dn",), "pn": ("pn", "class"), "cas": ("cas",), "standard": ("standard",), "gsm": ("gsm",), "ip": ("ip",), "ne": ("yarn",),
    "denier": ("denier", "tex"), "dtex": ("tex", "denier"), "mesh": ("mesh",), "thread": ("thread",), "shore": ("hardness",),
    "hrc": ("hardness",), "percent": ("percent",),
}  # fmt: skip
# How a firm is run, not how goods are made.
_MANAGEMENT = frozenset(
    {"iso9001", "iso14001", "iso45001", "iatf16949", "iso13485", "iso22000", "iso27001", "iso50001", "iso17025"}
)
# Classes of ASME B16.34 and the PN that EN 1759 sets beside them.
_CLASS_PN = {150: 20, 300: 50, 600: 110, 900: 150, 1500: 260, 2500: 420}
_FIGURE = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_AFTER_LABEL = re.compile(
    rf"[ ]?(?:[:=为是≥≤><约在]|of|is|at least|at most|up to|min\.?|max\.?|不低于|不小于|不超过|不大于|大于|小于|达到?|可达|以上|\([^()]{{0,8}}\)|[ ]){{0,4}}φ?(?P<first>{_FIGURE})(?P<scale>[ ]?[万千亿百]|k(?![a-z]))?(?:[ ]?(?P<unit_low>[^\d\s\-~至到,;，；。]{{0,6}})[ ]?(?:-|~|至|到|to|\.\.)[ ]?(?P<last>{_FIGURE}))?"
)
_BEFORE_LABEL = re.compile(
    rf"(?P<first>{_FIGURE})(?:[ ]?(?:-|~|至|到)[ ]?(?P<last>{_FIGURE}))?[ ]?(?P<unit>[^\d\s,;，；。、]{{1,8}}|sq ?m)[ ]?(?:的)?$"
)
_WORD_AFTER_LABEL = re.compile(r"[ ](?P<words>[^,;，；。\n、|:：]{1,40})")
_TEXT_AFTER_LABEL = re.compile(r"[ ]?(?:[:=]|为|是)[ ]?(?P<words>[^,;，；。\n、|]{1,60})")
_OR = re.compile(r"[ ]?(?:/|或者?|or|、)[ ]?")
_PAPERS_BEFORE = re.compile(
    r"(?:持有|须有|具有|通过|提供|证书|认证|certificates?|required|certified|with)[ :][^。;；.]*$|(?:持有|须有|具有|通过)[^。;；.]*$"
)
_FROM_TO = re.compile(r"[ ]?(?:-|~|至|到|to|/|或者?|or|、|,|和|and)[ ]?")
_NO = re.compile(r"(?:不|无|非|未|没有|without|no|non|not)[ -]?$")
_SCALES_OF_TEN = {"百": 100, "千": 1000, "k": 1000, "万": 10_000, "亿": 100_000_000}
_NONE_AFTER = re.compile(r"[ ]?[:=]?[ ]?(?:0(?!\d)|无|否|不|no(?![a-z])|none)")
_OWN_FIGURE = re.compile(r"[ ]?[:=≤≥<>为是约]*[ ]?\d")


def find_attributes(
    folded: Folded, codes: Sequence[Code], spec: CategorySpec, claims: Claims, taken: Claims
) -> list[AttributeReading]:
    """Return the category's attributes in the text, each once, in its order.

    :param claims: characters that say something else; what is read here is added
    :param taken: characters that no value may be read from (places, dates), though a label may stand there
    """
    reader = attribute_reader(spec)
    found: dict[str, AttributeReading] = {}
    coded = Claims(len(folded.text))
    for code in codes:
        coded.take(code.start, code.end)
    labels = _outermost([(hit.start, hit.end, hit.value) for hit in reader.labels.find(folded.text, overlapping=True)])
    for reading in (
        *_by_code(folded.text, codes, spec, labels),
        *_by_label(folded, codes, labels, spec, taken),
        *_by_value(folded.text, codes, reader, labels, taken),
        *_by_unit(codes, spec, found),
    ):
        if reading.key not in found and _is_free(reading, coded, claims):
            found[reading.key] = reading
    for reading in _by_unit(codes, spec, found):
        found.setdefault(reading.key, reading)
    for reading in found.values():
        claims.take(reading.start, reading.end)
    return sorted(found.values(), key=lambda reading: (reading.start, reading.key))


def _outermost(labels: list) -> list:
    """Leave out labels inside longer ones: 电压 says nothing of its own in 线圈电压."""
    return [
        label
        for label in labels
        if not any(start <= label[0] and label[1] <= end and (start, end) != label[:2] for start, end, _ in labels)
    ]


def _is_free(reading: AttributeReading, coded: Claims, claims: Claims) -> bool:
    """Say whether a reading's characters say nothing else, codes aside: 304 不锈钢 is what 304 says."""
    return all(
        claims.free(place, place + 1) or not coded.free(place, place + 1) for place in range(reading.start, reading.end)
    )


def _by_code(text: str, codes: Sequence[Code], spec: CategorySpec, labels: list) -> list[AttributeReading]:
    """Return what designations say: DN50, PN16, 67-64-1, GB/T 12237, 150 gsm, IP65."""
    found = []
    for key, rules in spec.attributes.items():
        kinds = _KINDS.get(rules.get("codes", ""), ())
        fitting = [code for code in codes if code.kind in kinds and code.token not in _MANAGEMENT]
        # A percentage is the purity only where its label stands by it or nothing else is said in percent.
        if rules.get("codes") == "percent":
            fitting = [code for code in fitting if not _labelled_otherwise(text, code, key, labels)]
        elif rules.get("codes") in {"cas", "standard"}:
            fitting = _as_said(text, fitting, key, labels)
        if rules.get("match") == "equal" and _is_choice(text, fitting):
            continue
        for code in fitting:
            value = _value_of(code, rules)
            if value is not None and (reading := tell(spec, key, value, code.start, code.end)):
                found.append(reading)
                break
    return found


def _as_said(text: str, codes: Sequence[Code], key: str, labels: list) -> list[Code]:
    """Put a code beside its label first, then those written out (64044-51-5 before 乳糖); papers are no standards."""
    own = [code for code in codes if any(key in keys and 0 <= code.start - end <= 3 for _, end, keys in labels)]
    written = [code for code in codes if code not in own and re.search(r"\d", text[code.start : code.end])]
    rest = [code for code in codes if code not in own and code not in written]
    return own + [
        code for code in written + rest if not _PAPERS_BEFORE.search(text[max(0, code.start - 80) : code.start])
    ]


def _is_choice(text: str, codes: Sequence[Code]) -> bool:
    """Say whether the codes are a range or a choice (DN15-DN100, PN16/PN25): no single one can be asked for."""
    if any(isinstance(code.value, tuple) and code.kind == "dn" for code in codes):
        return True
    return any(
        one.token != other.token and _FROM_TO.fullmatch(text[one.end : other.start]) for one, other in pairwise(codes)
    )


def _labelled_otherwise(text: str, code: Code, key: str, labels: list) -> bool:
    near = [
        keys
        for start, end, keys in labels
        if 0 <= code.start - end <= 4 or (0 <= start - code.end <= 1 and not _OWN_FIGURE.match(text, end))
    ]
    return bool(near) and not any(key in keys for keys in near)


_SCALES = {"shorea": "shore_a", "shored": "shore_d", "hrc": "HRC", "hb": "HB", "hv": "HV"}
_LINEAR = frozenset({"denier", "dtex", "tex", "mm", "bar"})


def _value_of(code: Code, rules: Mapping) -> object:
    """Return a code's value in the attribute's type and unit, or None if it is none of it."""
    wanted = rules.get("codes")
    if wanted == "cas":
        return code.token.removeprefix("cas")
    if wanted == "standard":
        return code.en.removeprefix("Standard ")
    if wanted == "thread":
        return code.token.upper().replace("X", "×")
    if wanted == "ip":
        return int(code.token[2:4]) if rules.get("type") in {"integer", "number"} else code.token.upper()
    return _figure_of(code, rules)


def _figure_of(code: Code, rules: Mapping) -> float | None:
    if code.value is None:
        return None
    if code.kind == "class":
        return _CLASS_PN.get(int(ends_of(code.value)[0]))
    if code.kind == "hardness" and _SCALES.get(code.unit or "") != rules.get("unit"):
        return None
    chosen = chosen_end(rules, *ends_of(code.value))
    return None if chosen is None else in_unit_of(chosen, code.unit if code.unit in _LINEAR else None, rules)


def _read_unit(text: str, start: int, rules: Mapping) -> tuple[str | None, int]:
    """Return the longest unit at text[start:] that the attribute can be measured in, and where it ends."""
    position = start + (1 if text[start : start + 1] == " " else 0)
    wanted = rules.get("unit")
    for length in range(min(12, len(text) - position), 0, -1):
        written = text[position : position + length]
        following = text[position + length : position + length + 1]
        if written[-1:].isascii() and written[-1:].isalpha() and following.isascii() and following.isalpha():
            continue
        if written.strip() != written or (unit := canonical_unit(written)) is None:
            continue
        if wanted is None or same_dimension(unit, wanted):
            return unit, position + length
    return None, start


def _by_label(
    folded: Folded, codes: Sequence[Code], labels: list, spec: CategorySpec, taken: Claims
) -> list[AttributeReading]:
    """Return what stands beside a label: 门幅 150cm, 层高9米, 9米层高, 品牌: 中核."""
    text, found = folded.text, []
    # A full label before a mere sign: 直径 before φ.
    for start, end, keys in sorted(labels, key=lambda label: label[0] - label[1]):
        # Words end where the next label or designation begins: 品牌 中核 DN50.
        stops = [stop for stop, _, _ in labels if stop > end] + [code.start for code in codes if code.start > end + 1]
        for key in keys:
            rules = spec.attributes[key]
            reading = None
            if rules.get("type") in {"number", "integer"}:
                reading = _number_after(text, start, end, key, spec, taken) or _number_before(
                    text, start, end, key, spec, taken
                )
            elif rules.get("type") == "boolean":
                denied = _NO.search(text[max(0, start - 8) : start]) or _NONE_AFTER.match(text, end)
                reading = tell(spec, key, denied is None, start, end)
            elif "enum" not in rules and rules.get("codes") not in _KINDS:
                reading = _words_after(folded, start, end, min(stops, default=len(text)), key, spec)
            if reading is not None:
                found.append(reading)
    return found


def _number_after(
    text: str, start: int, end: int, key: str, spec: CategorySpec, taken: Claims
) -> AttributeReading | None:
    match = _AFTER_LABEL.match(text, end)
    if match is None or not taken.free(match.start("first"), match.end("first")):
        return None
    rules = spec.attributes[key]
    scale = _SCALES_OF_TEN.get((match["scale"] or "").strip(), 1)
    if re.match(r"[ ]?/[ ]?\d", text[match.end() :]):
        return None  # 门幅57/58 is written in inches by custom, not in the category's unit
    unit, unit_end = _read_unit(text, match.end(), rules)
    following = text[match.end() : match.end() + 2].strip()
    # Without a unit the label must be certain, and no other unit may follow: 长度 5 台 is not a length.
    if (
        unit is None
        and rules.get("unit")
        and (canonical_unit(following[:1]) or (following[:1].isalpha() and following[:1].isascii()))
    ):
        return None
    if (
        unit is None
        and text[end : match.start("first")].strip() == ""
        and rules.get("unit")
        and len(text[start:end]) < 3
        and text[start:end].isascii()
    ):
        return None
    low = float(match["first"].replace(",", ""))
    high = float(match["last"].replace(",", "")) if match["last"] else low
    chosen = chosen_end(rules, min(low, high), max(low, high))
    value = None if chosen is None else in_unit_of(chosen * scale, unit, rules)
    return None if value is None else tell(spec, key, value, start, unit_end if unit else match.end())


def _number_before(
    text: str, start: int, end: int, key: str, spec: CategorySpec, taken: Claims
) -> AttributeReading | None:
    before = text[max(0, start - 24) : start]
    match = _BEFORE_LABEL.search(before)
    if match is None:
        return None
    offset = start - len(before)
    rules = spec.attributes[key]
    unit = canonical_unit(match["unit"].strip())
    if unit is None or not rules.get("unit") or not same_dimension(unit, rules["unit"]):
        return None
    if not taken.free(offset + match.start("first"), offset + match.end("first")) or (
        match.start() and before[match.start() - 1] in ".,:："
    ):
        return None
    low = float(match["first"].replace(",", ""))
    high = float(match["last"].replace(",", "")) if match["last"] else low
    chosen = chosen_end(rules, min(low, high), max(low, high))
    value = None if chosen is None else in_unit_of(chosen, unit, rules)
    return None if value is None else tell(spec, key, value, offset + match.start(), end)


def _words_after(
    folded: Folded, start: int, end: int, stop: int, key: str, spec: CategorySpec
) -> AttributeReading | None:
    text = folded.text
    match = _TEXT_AFTER_LABEL.match(text, end)
    if match is None and not text[start:end].isascii() and end - start > 1:
        match = _WORD_AFTER_LABEL.match(text, end)  # 品牌 上海赛科
    if match is None:
        return None
    first = match.start("words")
    last = first + len(text[first : min(match.end("words"), stop)].rstrip())
    if first >= last:
        return None
    source_start, source_end = folded.span(first, last)
    return tell(spec, key, folded.source[source_start:source_end], start, last)


def _by_value(
    text: str, codes: Sequence[Code], reader: AttributeReader, labels: list, taken: Claims
) -> list[AttributeReading]:
    """Return the allowed values that stand in the text by name, synonym or grade."""
    named = [hit for hit in reader.values.find(text) if taken.free(hit.start, hit.end)]
    hits: list[tuple[int, int, tuple[tuple[str, object], ...]]] = []
    around = {place: hit for hit in named for place in range(hit.start, hit.end)}
    coded = Claims(len(text))
    for code in codes:
        # 再生涤纶 is more than the 涤纶 in it.
        hit = around.get(code.start)
        within = hit is not None and code.end <= hit.end and hit.end - hit.start > code.end - code.start
        if (choices := reader.tokens.get(code.token)) and not within:
            hits.append((code.start, code.end, choices))
            coded.take(code.start, code.end)
        elif code.kind in {"dn", "pn", "class", "cas", "standard", "thread", "percent"}:
            coded.take(code.start, code.end)
    hits += [
        (hit.start, hit.end, hit.value)
        for hit in named
        if coded.free(hit.start, hit.end) and not _NO.search(text[max(0, hit.start - 8) : hit.start])
    ]
    hits.sort(key=lambda hit: (hit[0], hit[1]))
    spec, found, labelled = reader.spec, [], []
    for start, end, choices in hits:
        near = _label_beside(start, end, labels)
        chosen = [choice for choice in choices if choice[0] in near] or list(choices)
        for key, value in chosen:
            if reading := tell(spec, key, value, start, end):
                (labelled if key in near else found).append(reading)
    return labelled + _without_rivals(text, found)


def _label_beside(start: int, end: int, labels: list) -> set[str]:
    return {
        key
        for label_start, label_end, keys in labels
        for key in keys
        if (0 <= start - label_end <= 2 and label_end > label_start) or 0 <= label_start - end <= 1
    }


def _without_rivals(text: str, found: list[AttributeReading]) -> list[AttributeReading]:
    """Leave out an attribute for which the text names two values with "or" between: 304/316L."""
    rivals = {
        one.key
        for one in found
        for other in found
        if one.key == other.key
        and one.value != other.value
        and one.end <= other.start
        and _OR.fullmatch(text[one.end : other.start])
    }
    return [reading for reading in found if reading.key not in rivals]


def _by_unit(
    codes: Sequence[Code], spec: CategorySpec, found: Mapping[str, AttributeReading]
) -> list[AttributeReading]:
    """Return the measures whose unit only one attribute has: 75 kW, 280 Ah, 2.5 g/10min."""
    readings = []
    used = {(reading.start, reading.end) for reading in found.values()}
    for code in codes:
        if code.kind != "measure" or code.value is None or code.unit is None:
            continue
        if any(start < code.end and code.start < end for start, end in used):
            continue
        unit = canonical_unit(code.unit)
        if unit is None or unit in COUNTED:
            continue
        fitting = [
            key
            for key, rules in spec.attributes.items()
            if rules.get("unit") and rules.get("type") in {"number", "integer"} and same_dimension(unit, rules["unit"])
        ]
        exact = [key for key in fitting if spec.attributes[key]["unit"] == unit]
        fitting = fitting if len(fitting) == 1 else exact
        if len(fitting) != 1 or fitting[0] in found:
            continue
        rules = spec.attributes[fitting[0]]
        chosen = chosen_end(rules, *ends_of(code.value))
        if rules.get("codes") in {"dn", "pn"}:
            value = _named_size(chosen, unit, rules)
        else:
            value = None if chosen is None else in_unit_of(chosen, unit, rules)
        if value is not None and (reading := tell(spec, fitting[0], value, code.start, code.end)):
            readings.append(reading)
    return readings


def _named_size(value: float | None, unit: str, rules: Mapping) -> float | None:
    """Return a nominal size or pressure for a bare measure: 2 in is DN50; 50 mm may be any length."""
    if value is None:
        return None
    if rules["codes"] == "dn":
        return float(INCHES[plain(value)]) if unit == "in" and plain(value) in INCHES else None
    return round(convert(value, unit, "bar"), 1) if unit in {"bar", "MPa"} else None
