"""Read building projects out of a table, row by row: what can be kept, or what is wrong with which column."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

from marketplace.parsing.draft_fields import EMPTY, ProblemError, date, decimal, one_of, storable, text
from marketplace.parsing.folding import fold
from marketplace.parsing.industries import industries
from marketplace.parsing.places import find_place
from marketplace.parsing.tables import read_table

MOST_PROJECTS = 20_000
# Column -> what people call it, in both languages; the first are the template's headings.
COLUMNS: dict[str, tuple[str, ...]] = {
    "external_id": ("编号", "external id", "id", "external_id", "项目编号", "项目代码"),
    "name": ("项目名称", "name", "project", "名称"),
    "owner_name": ("业主", "owner", "owner_name", "建设单位", "业主单位"),
    "owner_uscc": ("业主统一社会信用代码", "owner uscc", "owner_uscc"),
    "region": ("地区", "region", "place", "建设地点", "所在地"),
    "industry": ("行业", "industry", "行业代码"),
    "kind": ("类型", "kind", "type", "建设性质"),
    "stage": ("阶段", "stage", "项目阶段", "进展"),
    "investment": ("投资（万元）", "investment (10,000 CNY)", "investment", "投资额", "总投资", "投资(万元)", "投资"),
    "starts_on": ("开工日期", "start", "starts_on", "start date", "开工"),
    "finishes_on": ("完工日期", "finish", "finishes_on", "finish date", "竣工日期", "完工", "竣工"),
    "equipment": ("所需设备", "equipment", "equipment needed", "equipment_zh", "设备清单", "设备需求"),
    "equipment_en": ("所需设备（英文）", "equipment_en", "equipment (english)"),
    "contact_name": ("联系人", "contact", "contact_name"),
    "contact_phone": ("电话", "phone", "contact_phone", "联系电话"),
    "contact_email": ("邮箱", "e-mail", "email", "contact_email"),
    "source": ("来源", "source"),
    "url": ("网址", "url", "link", "链接"),
}
REQUIRED = ("external_id", "name", "owner_name", "region")
KINDS = {
    "new_plant": "new_plant", "new plant": "new_plant", "新建": "new_plant", "新建工厂": "new_plant", "新建厂房": "new_plant",
    "expansion": "expansion", "扩建": "expansion", "改扩建": "expansion", "扩能": "expansion",
    "renovation": "renovation", "技改": "renovation", "改造": "renovation", "技术改造": "renovation", "refit": "renovation",
    "renovation or refit": "renovation", "改造或技改": "renovation",
    "relocation": "relocation", "搬迁": "relocation", "迁建": "relocation",
    "infrastructure": "infrastructure", "园区基础设施": "infrastructure", "基础设施": "infrastructure",
    "park infrastructure": "infrastructure",
    "utility": "utility", "公用工程": "utility", "水务能源环保": "utility", "市政": "utility", "环保": "utility",
    "water, energy or environment": "utility",
    "other": "other", "其他": "other", "another kind": "other",
}  # fmt: skip
STAGES = {
    "announced": "announced", "公布": "announced", "签约": "announced", "拟建": "announced", "已公布": "announced",
    "approved": "approved", "环评": "approved", "立项": "approved", "备案": "approved", "核准": "approved", "已获批": "approved",
    "approved (eia, filing)": "approved", "已获批（环评、备案）": "approved", "已获批(环评、备案)": "approved", "环评公示": "approved",
    "design": "design", "设计": "design", "初步设计": "design", "施工图设计": "design",
    "tendering": "tendering", "招标": "tendering", "招投标": "tendering", "采购": "tendering", "招标采购": "tendering",
    "construction": "construction", "施工": "construction", "在建": "construction", "建设": "construction", "开工": "construction",
    "commissioning": "commissioning", "调试": "commissioning", "试生产": "commissioning", "试运行": "commissioning",
    "调试投产": "commissioning",
    "given_up": "given_up", "终止": "given_up", "given up": "given_up", "取消": "given_up", "已终止": "given_up",
}  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_URL = re.compile(r"https?://[^\s]+\.[^\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row, or with row 0 the file, was not taken; ``column`` is the heading as it was written."""

    row: int
    column: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """What a row says of a project, fit to be kept."""

    number: int
    fields: dict[str, Any] = field(default_factory=dict)


def read_projects_table(file: BinaryIO, name: str) -> tuple[list[ProjectRow], list[RowProblem]]:
    """Return the rows of a CSV or XLSX file that can be kept, and what is wrong with the others, in the file's order.

    Of two rows with one external id the second is refused.
    """
    try:
        rows = read_table(file, name)
        _number, headings = next(rows, (1, []))
        return _read(rows, _columns(headings))
    except ProblemError as problem:
        return [], [RowProblem(0, "", problem.code, problem.zh, problem.en)]


def _columns(headings: Sequence[object]) -> dict[str, tuple[int, str]]:
    """Return by field the place of its column and its heading."""
    names = {fold(alias).text: name for name, aliases in COLUMNS.items() for alias in aliases}
    found: dict[str, tuple[int, str]] = {}
    for place, heading in enumerate(headings):
        said = str(heading or "").strip()
        if (name := names.get(fold(said).text)) and name not in found:
            found[name] = place, said
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        zh = "、".join(COLUMNS[name][0] for name in missing)
        en = ", ".join(COLUMNS[name][1] for name in missing)
        raise ProblemError("missing_columns", f"缺少列：{zh}。", f"Columns are missing: {en}.")
    return found


def _read(
    rows: Iterator[tuple[int, list[object]]], columns: Mapping[str, tuple[int, str]]
) -> tuple[list[ProjectRow], list[RowProblem]]:
    kept, problems, seen = [], [], {}
    for number, cells in rows:
        if len(kept) >= MOST_PROJECTS:
            problems.append(
                RowProblem(number, "", "too_many_rows", f"最多 {MOST_PROJECTS} 行。", f"At most {MOST_PROJECTS} rows.")
            )
            break
        said = {name: cells[place] if place < len(cells) else "" for name, (place, _heading) in columns.items()}
        fields, wrong = read_project(said)
        if not wrong and fields["external_id"] in seen:
            again = seen[fields["external_id"]]
            wrong = {
                "external_id": ProblemError("given_twice", f"与第 {again} 行编号相同。", f"The same id as row {again}.")
            }
        if wrong:
            problems += [
                RowProblem(number, columns[name][1] if name in columns else "", each.code, each.zh, each.en)
                for name, each in wrong.items()
            ]
            continue
        seen[fields["external_id"]] = number
        kept.append(ProjectRow(number, fields))
    return kept, problems


def read_project(said: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, ProblemError]]:
    """Return the fields of one project as they can be kept, and what is wrong with which.

    >>> fields, wrong = read_project({"external_id": 7, "name": "某厂", "owner_name": "某公司", "region": "台州", "stage": "招标"})
    >>> fields["region"], fields["stage"], wrong
    ('331000', 'tendering', {})
    """
    fields: dict[str, Any] = {}
    wrong: dict[str, ProblemError] = {}
    for name, check in _CHECKS.items():
        value = storable(said.get(name))
        value = value.strip() if isinstance(value, str) else value
        if value in EMPTY:
            fields[name] = _DEFAULTS.get(name, "")
            if name in REQUIRED:
                wrong[name] = ProblemError("required", "必填。", "This field is required.")
            continue
        try:
            fields[name] = check(value)
        except ProblemError as problem:
            wrong[name] = problem
    start, finish = fields.get("starts_on"), fields.get("finishes_on")
    if start and finish and finish < start:
        wrong["finishes_on"] = ProblemError("before_start", "早于开工日期。", "It is before the start.")
    english = fields.pop("equipment_en", "")
    if english and not wrong:
        fields["equipment"] = "\n".join(filter(None, (fields["equipment"], english)))[:4000]
    return fields, wrong


def _region(value: object) -> str:
    said = str(int(value)) if isinstance(value, float) else str(value)
    if code := find_place(said):
        return code
    raise ProblemError("no_such_place", "没有这个地名或代码。", "No place has this name or code.")


def _industry(value: object) -> str:
    said = str(int(value)) if isinstance(value, float) else str(value).strip()
    known = industries()
    if isinstance(value, int | float) and said not in known:
        said = said.zfill(4)
    if said in known and not said.isalpha():
        return said
    found = sorted((code for code, name in known.items() if name == said and not code.isalpha()), key=len)
    if found:
        return found[-1]
    raise ProblemError(
        "no_such_industry", "没有这个行业（GB/T 4754 代码或名称）。", "No industry has this code or name (GB/T 4754)."
    )


def _investment(value: object) -> Decimal:
    """Read an amount in 10,000 CNY; with 亿 or 万 written behind it in CNY."""
    if isinstance(value, str):
        value = re.sub(r"元(?:人民币)?$|(?:人民币|cny|rmb)", "", value.strip(), flags=re.IGNORECASE).strip()
        if value.endswith(("万", "亿")):
            return decimal(places=2, digits=18)(value) / 10_000
    return decimal(places=2, digits=14)(value)


def _email(value: object) -> str:
    said = text(254)(value)
    if not _EMAIL.fullmatch(said):
        raise ProblemError("not_an_email", "不是有效的邮箱。", "This is no e-mail address.")
    return said


def _url(value: object) -> str:
    said = text(200)(value)
    if not _URL.fullmatch(said):
        raise ProblemError(
            "not_an_address", "网址应以 http:// 或 https:// 开头。", "An address begins with http:// or https://."
        )
    return said


def _uscc(value: object) -> str:
    said = text(18)(value).upper()
    if not re.fullmatch(r"[0-9A-HJ-NPQRTUWXY]{18}", said):
        raise ProblemError(
            "not_a_uscc", "应为 18 位统一社会信用代码。", "A unified social credit code has 18 characters."
        )
    return said


_CHECKS: dict[str, Callable[[object], Any]] = {
    "external_id": text(100),
    "name": text(200),
    "owner_name": text(200),
    "owner_uscc": _uscc,
    "region": _region,
    "industry": _industry,
    "kind": one_of(KINDS),
    "stage": one_of(STAGES),
    "investment": _investment,
    "starts_on": date,
    "finishes_on": date,
    "equipment": text(4000),
    "equipment_en": text(4000),
    "contact_name": text(100),
    "contact_phone": text(30),
    "contact_email": _email,
    "source": text(200),
    "url": _url,
}
_DEFAULTS: dict[str, Any] = {
    "kind": "other",
    "stage": "announced",
    "investment": None,
    "starts_on": None,
    "finishes_on": None,
}
