"""The columns of an import file: how they are headed in Chinese and English, and what becomes of a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.parsing.draft_fields import ProblemError, mapping
from marketplace.parsing.folding import fold

ATTRIBUTE = ("attr:", "attr_", "属性:", "属性：")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the template: its field, how it is headed, what to write, and an example."""

    field: str
    zh: str
    en: str
    help_zh: str
    help_en: str
    example: str = ""
    also: tuple[str, ...] = ()


COLUMNS = (
    Column("external_id", "外部编号", "external_id", "您系统里的编号；再次导入同一编号即为修改", "your system's number; importing it again edits the listing", "BV-50-16-304", ("编号", "货号", "sku", "item number")),
    Column("side", "方向", "side", "供应 或 需求", "supply or demand", "供应", ("供需", "类型")),
    Column("kind", "品类性质", "kind", "产品、产能、服务、场地、数据", "product, capacity, service, space, data", "产品"),
    Column("category", "类别", "category", "类别代码或中英文名称", "code or name of the category", "球阀", ("品类", "分类")),
    Column("title", "标题", "title", "不填则取说明的第一句", "left empty: the first sentence of the text", "304 不锈钢法兰球阀 DN50 PN16", ("名称", "品名", "name")),
    Column("title_zh", "中文标题", "title_zh", "", "", ""),
    Column("title_en", "英文标题", "title_en", "", "", "Stainless steel 304 flanged ball valve DN50 PN16"),
    Column("text", "说明", "text", "一句话即可，缺的字段会从中读出", "a sentence is enough, what is missing is read out of it", "304 不锈钢法兰球阀 DN50 PN16，现货，台州交货", ("描述", "详情", "description")),
    Column("text_zh", "中文说明", "text_zh", "", "", ""),
    Column("text_en", "英文说明", "text_en", "", "", ""),
    Column("attributes", "属性", "attributes", "JSON，或每个属性一列，列名为 属性:DN", "JSON, or one column per attribute headed attr:DN", ""),
    Column("quantity", "数量", "quantity", "数字，可带单位", "a number, its unit may follow", "2000"),
    Column("unit", "单位", "unit", "只、吨、米……", "piece, t, m …", "只"),
    Column("minimum_order", "起订量", "minimum_order", "", "", "50", ("最小起订量", "moq")),
    Column("price_min", "最低价", "price_min", "", "", "98", ("价格", "单价", "price")),
    Column("price_max", "最高价", "price_max", "", "", "125"),
    Column("currency", "币种", "currency", "CNY、USD……", "CNY, USD …", "CNY", ("货币",)),
    Column("price_unit", "计价单位", "price_unit", "不填则同单位", "left empty: the unit", "只"),
    Column("region", "地区", "region", "行政区划代码或地名", "GB/T 2260 code or name", "玉环市", ("产地", "所在地")),
    Column("delivery_regions", "可交货地区", "delivery_regions", "多个用分号隔开；空为不限", "separated by semicolons; empty: everywhere", "浙江省;上海市"),
    Column("window_start", "开始日期", "window_start", "2026-03-01", "2026-03-01", ""),
    Column("window_end", "截止日期", "window_end", "2026-03-31", "2026-03-31", "", ("交货期限", "交期截止")),
    Column("lead_days", "交货天数", "lead_days", "整数", "a whole number", "15", ("交期",)),
    Column("certificates", "证书", "certificates", "多个用分号隔开", "separated by semicolons", "ISO 9001;CE"),
    Column("required_certificates", "要求证书", "required_certificates", "需求方要求的证书", "what a demand requires", ""),
    Column("visibility", "可见范围", "visibility", "公开、认证企业、指定", "public, verified, named", "公开"),
    Column("audience", "指定企业", "audience", "统一社会信用代码，多个用分号隔开", "USCCs separated by semicolons", ""),
    Column("expires_at", "有效期至", "expires_at", "2026-12-31", "2026-12-31", "2026-12-31", ("有效期",)),
)  # fmt: skip
_HEADINGS = {
    fold(heading).text: column.field
    for column in COLUMNS
    for heading in (column.field, column.zh, column.en, *column.also)
}


def read_header(cells: Sequence[object]) -> list[str | None]:
    """Return the field of each column (``attributes.DN`` for an attribute), None for one without a heading.

    >>> read_header(["外部编号", "Side", "attr:DN", ""])
    ['external_id', 'side', 'attributes.DN', None]

    :raises ProblemError: naming headings that are unknown or given twice
    """
    fields: list[str | None] = []
    unknown: list[str] = []
    for cell in cells:
        heading = fold(str(cell or "")).text.rstrip("*")
        prefix = next((mark for mark in ATTRIBUTE if heading.startswith(fold(mark).text)), None)
        if not heading:
            fields.append(None)
        elif prefix:
            # Keys of attributes keep their case: DN, PN.
            fields.append(f"attributes.{str(cell).strip()[len(prefix) :].strip().rstrip('*')}")
        elif field := _HEADINGS.get(heading) or _HEADINGS.get(heading.replace(" ", "_")):
            fields.append(field)
        else:
            unknown.append(str(cell).strip())
    if unknown:
        names = ", ".join(unknown[:10])
        raise ProblemError(
            "unknown_column",
            f"无法识别的列：{names}。请使用模板的列名，属性列写作 属性:DN。",
            f"Unknown columns: {names}. Use the headings of the template; an attribute's is attr:DN.",
        )
    given = [field for field in fields if field]
    if not given and not unknown:
        raise ProblemError("empty_file", "文件是空的。", "The file is empty.")
    if twice := sorted({field for field in given if given.count(field) > 1}):
        names = ", ".join(twice)
        raise ProblemError("column_given_twice", f"列重复：{names}。", f"These columns are given twice: {names}.")
    return fields


def read_row(fields: Sequence[str | None], cells: Sequence[object]) -> dict[str, object]:
    """Return what the row says, empty cells left out; attribute columns join the column of attributes.

    >>> read_row(["side", "attributes.DN", "unit"], ["supply", 50, ""])
    {'side': 'supply', 'attributes': {'DN': 50}}

    :raises ProblemError: if the column of attributes is no JSON object
    """
    said: dict[str, object] = {}
    attributes: dict[str, object] = {}
    for name, cell in zip(fields, cells, strict=False):
        if name is None or cell in (None, ""):
            continue
        if name == "attributes":
            attributes = mapping(cell) | attributes
        elif name.startswith("attributes."):
            attributes[name.removeprefix("attributes.")] = cell
        else:
            said[name] = cell
    if attributes:
        said["attributes"] = attributes
    return said
