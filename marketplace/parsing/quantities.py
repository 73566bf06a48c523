"""Amounts of trade in a text: 500 只, 20 吨, 3万米, 1.5k pcs, "一百台", 300 吨/月, MOQ 100 pcs."""

import re
from dataclasses import dataclass

from marketplace.parsing.codes import Claims
from marketplace.parsing.figures import NUMBER, read_number
from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.units import canonical_unit, convert, format_quantity, same_dimension, spellings

__all__ = [
    "Quantity",
    "canonical_unit",
    "convert",
    "find_quantities",
    "find_quantity",
    "format_quantity",
    "same_dimension",
]

# What goods, work and room are counted in; millimetres and kilowatts describe goods, they do not count them.
COUNTED = frozenset(
    [
        "piece",
        "set",
        "pair",
        "dozen",
        "kg",
        "t",
        "g",
        "mg",
        "jin",
        "lb",
        "oz",
        "m",
        "km",
        "yd",
        "ft",
        "m2",
        "mu",
        "ha",
        "sqft",
        "m3",
        "L",
        "mL",
        "gal",
        "roll",
        "bolt",
        "carton",
        "bag",
        "drum",
        "pallet",
        "bottle",
        "box",
        "bundle",
        "spool",
        "container",
        "truckload",
        "hour",
        "day",
        "month",
        "year",
        "shift",
        "person_day",
        "kWh",
        "MWh",
        "GWh",
        "time",
        "sample",
        "batch",
        "job",
        "seat",
        "record",
        "account",
        "TB",
        "GB",
        "IU",
    ]
)
# Alone these say when; they count only what is let or licensed by them.
WHEN = frozenset({"day", "month", "year", "week"})
PERIODS = {"day": "day", "week": "week", "month": "month", "year": "year", "hour": "hour", "shift": "shift"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount at folded text[start:end]; `low` is the lower end where a range is written."""

    value: float
    unit: str
    start: int
    end: int
    low: float | None = None
    is_minimum: bool = False
    has_cue: bool = False
    is_package: bool = False
    package: str | None = None


def _unit_pattern() -> str:
    names = [name for name, token in spellings().items() if token in COUNTED]
    names.sort(key=lambda name: (-len(name), name))
    return "|".join(re.escape(name) + ("s?(?![a-z0-9])" if name[-1].isascii() and name[-1].isalpha() else r"(?![a-z0-9^])" if name[-1].isascii() else "") for name in names)  # fmt: skip


_UNIT = _unit_pattern()
_PERIOD = r"(?:[ ]?(?:/|每|per|a|each)[ ]?(?P<period>日|天|周|星期|月|个月|年|小时|班|day|week|month|year|annum|hour|shift)(?![a-z]))"
_PATTERN = re.compile(
    rf"(?<![a-z\d./第])(?P<value>{NUMBER})(?:[ ]?余|多|\+|[ ]plus)?(?:(?:[ ]?(?:-|~|至|到|to)[ ]?)(?P<last>{NUMBER}))?[ ]?(?P<middle>(?:{_UNIT})[ ]?(?:-|~|至|到|to)[ ]?(?P<last_too>{NUMBER})[ ]?)?"
    rf"(?P<unit>{_UNIT})(?P<over>[ ]?·[ ]?(?:天|日|月|年))?(?:{_PERIOD})?"
)
_MINIMUM_BEFORE = re.compile(
    r"(?:起订量?|最小(?:起订|订)(?:量|单)?|最低起?订(?:购|货)?量?|起批量?|起售量?|moq|minimum order(?: quantity| qty)?|min(?:\.|imum)?[ ]?order(?: qty| quantity)?|min\.?[ ]?qty|order minimum|最少|at least)[ ]?(?:为|是|of|is|:|≥|>=)*[ ]?$"
)
_MINIMUM_AFTER = re.compile(
    r"[ ]?(?:起(?:订|批|售|卖|购|做)(?!量|[ :]*\d)|起(?![重动升源订批售卖购做])|minimum|min\.?(?: order|(?![a-z])|$)|moq)"
)
_CUE_BEFORE = re.compile(
    r"(?:数量|需求量?|需要|需|采购量?|求购|收购|共计?|合计|总计|约|大约|现货|现有|库存|供应量?|产能|月供|年供|订购|订|购|要|买|出售|转让|可供|余|剩余|闲置|面积|qty|quantity|need(?:ed|s)?|require[sd]?|want(?:ed)?|buy(?:ing)?|purchase|order(?:ing)?|total|about|approx\.?|around|looking for|offer(?:ing)?|supply|sell(?:ing)?|stock(?: of)?|available|in stock|capacity(?: of)?|up to|area)[ :为是of]*$"
)
_CUE_AFTER = re.compile(
    r"[ ]?(?:现货|库存|在库|可供|待售|on hand|in all|出租|招租|in stock|available|needed|required|wanted|of (?!dn)|on hand)"
)
_MONTHLY_BEFORE = re.compile(
    r"(?P<period>日|天|周|月|年|每日|每天|每周|每月|每年|daily|weekly|monthly|annual(?:ly)?|yearly)(?:产能?|产量|供应?量?|可供|需求?量?|用量|加工能?力?|处理|生产(?:能力)?|output|capacity|supply|demand|consumption|production)?[ ]?(?:可供|可产|可加工|可|为|约|达|是|需要?|of|:)*[ ]?$"
)
_PERIOD_WORD = {
    "日": "day", "天": "day", "周": "week", "星期": "week", "月": "month", "个月": "month", "年": "year", "小时": "hour", "班": "shift",
    "annum": "year", "daily": "day", "weekly": "week", "monthly": "month", "annual": "year", "annually": "year", "yearly": "year",
    "每日": "day", "每天": "day", "每周": "week", "每月": "month", "每年": "year",
}  # fmt: skip
_CONTAINERS = "袋|桶|箱|包|卷|匹|瓶|盒|托|轴|筒|支|片|罐|车|柜|只|个|件|bag|drum|carton|roll|bolt|bottle|box|pallet|spool|cone|can|ibc|truck|piece|pcs"
_PACKAGE_AFTER = re.compile(
    rf"[ ]?(?:/|每|per |a )[ ]?(?P<in>{_CONTAINERS}|装)|[ ]?(?:装(?![修配卸机])|包装|规格|塑料桶|铁桶|吨袋|编织袋|drum|bag|ibc|bottle|packing|packag|pack)"
    r"|[ ]?[x*]?[ ]?(?=\d{1,7}[ ]?(?:瓶|桶|袋|盒|支装|bottles|vials|drums|bags|cartons))"
)
_PACKAGE_BEFORE = re.compile(
    r"(?:包装|规格|净重|净含量|每袋|每桶|每箱|每包|每卷|每匹|packed in|packing|packaging|net weight|bags of|drums of)[ :为]*$"
)
_MEASURED_BEFORE = re.compile(
    r"(?<![米mc])(?:幅宽|门幅|宽度?|长度?|高度?|厚度?|直径|外径|内径|壁厚|深度?|净高|层高|跨度|柱距|扬程|流量|吸程|锁模力|吨位|公称力|压铸机|注塑机|冲床|压力机|容积|容量|载重|承重|起重|行车|吊车|距|离|行程|width|length|height|thick(?:ness)?|diameter|wide|long|clear height|head|flow|depth|load|volume|weight|wt)[ :为约≥≤>=<]*$"
)
_MEASURED_AFTER = re.compile(
    r"[ ]?(?:宽|长|高|厚|深|门幅|幅宽|以内|范围|width|wide|long|high|thick|tall|diameter|clear|行车|吊车|起重|crane|扬程|head(?![a-z]))"
)


def find_quantities(folded: Folded, claims: Claims) -> list[Quantity]:
    """Return the amounts of trade in the text that nothing has claimed yet, in its order; claims nothing.

    >>> text = fold("采购 500 只, 起订100只, 25kg/袋")
    >>> [(q.value, q.unit, q.is_minimum, q.is_package) for q in find_quantities(text, Claims(99))]
    [(500.0, 'piece', False, False), (100.0, 'piece', True, False), (25.0, 'kg', False, True)]
    """
    text = folded.text
    found, position = [], 0
    while match := _PATTERN.search(text, position):
        quantity = _read(text, match, claims)
        position = match.end() if quantity else match.start() + 1
        if quantity:
            found.append(quantity)
    return found


def _read(text: str, match: re.Match[str], claims: Claims) -> Quantity | None:
    value, last = read_number(match["value"]), match["last"] or match["last_too"]
    if value is None or value <= 0 or value > 1e12 or not claims.free(match.start(), match.end()):
        return None
    low = None
    if last is not None:
        upper = read_number(last)
        if upper is None:
            return None
        # 3-5万: the first figure shares the multiple of the last.
        if (
            upper > value
            and re.fullmatch(r"[\d.]+", match["value"].strip())
            and (more := re.search(r"[十百千万亿kw]+$", last.strip()))
        ):
            value *= read_number("1" + more[0]) or 1
        if upper < value:
            return None
        low, value = value, upper
    unit = spellings()[_bare(match["unit"])]
    before, after = text[max(0, match.start() - 32) : match.start()], text[match.end() : match.end() + 24]
    unit = _with_period(unit, match, before)
    if match["over"]:
        unit = f"{unit}·{_PERIOD_WORD[match['over'].strip(' ·')]}"
    if not _fits(match, unit, before, after):
        return None
    is_minimum = bool(_MINIMUM_BEFORE.search(before) or _MINIMUM_AFTER.match(after))
    packed = _PACKAGE_AFTER.match(after)
    is_package = bool(packed or _PACKAGE_BEFORE.search(before)) and unit != "piece"
    package = canonical_unit(packed["in"]) if is_package and packed and packed["in"] else None
    has_cue = bool(_CUE_BEFORE.search(before) or _CUE_AFTER.match(after))
    return Quantity(value, unit, match.start(), match.end(), low, is_minimum, has_cue, is_package, package)


def _bare(unit: str) -> str:
    known = spellings()
    return unit if unit in known else unit.removesuffix("s")


def _with_period(unit: str, match: re.Match[str], before: str) -> str:
    if match["period"]:
        return f"{unit}/{_PERIOD_WORD.get(match['period'], match['period'])}"
    if unit not in PERIODS and (monthly := _MONTHLY_BEFORE.search(before)):
        word = monthly["period"]
        # 12月20吨 is a date before an amount.
        if not re.search(r"\d[ ]?$", before[: monthly.start()]):
            return f"{unit}/{_PERIOD_WORD.get(word, word)}"
    return unit


_LONE_DIGITS = frozenset("一二两三四五六七八九十半千万")
_SELDOM_COUNTED = frozenset(
    {"方", "车", "度", "时", "班", "节", "头", "样", "组", "对", "双", "轴", "片", "条", "座", "单", "项"}
)


def _fits(match: re.Match[str], unit: str, before: str, after: str) -> bool:
    """Say whether the amount counts goods: 1.5米宽 and 扬程20米 describe them."""
    described = unit in _DESCRIBING and (_MEASURED_BEFORE.search(before) or _MEASURED_AFTER.match(after))
    # 4.5 oz/yd2 and 187 g/eq: the unit goes on; 4.6x250mm and 3 x 1.5 m are sizes; 2026年 is a year.
    goes_on = re.match(r"[ ]?/[ ]?[^\W_]", after) and not _PACKAGE_AFTER.match(after)
    is_size = re.search(r"\d[ ]?[x*][ ]?$", before) or re.match(r"[ ]?[x*][ ]?\d", after)
    is_year = unit == "year" and (read_number(match["value"]) or 0) > 100
    if described or goes_on or is_size or is_year or _is_other_word(match["unit"], after):
        return False
    written = match["unit"]
    if written == "轴" and match["value"] in set("3456"):
        return False  # 5轴 is how a machine moves
    if match["value"] in _LONE_DIGITS and written in _SELDOM_COUNTED:
        return written in {"车", "组", "对", "双"} and bool(_CUE_BEFORE.search(before))
    return True


_DESCRIBING = frozenset({"m", "km", "m3", "L", "t", "kg", "mL", "ft"})


def _is_other_word(written: str, after: str) -> bool:
    """Say whether the character of a unit begins another word: 一台 in 一台阶, 三方 in 三方检测, 一个月."""
    following = _WORDS_AFTER.get(written)
    return bool(following and re.match(rf"(?:{following})", after))


_WORDS_AFTER = {
    "个": "月|工作日|性|人|别", "台": "阶|州|湾", "片": "区", "件": "套", "条": "件|款", "方": "便|案|式|法|向|面|检|形|通|管|钢|圆|的", "节": "能|约",
    "度": "以|上|的|范|左", "平": "台|方米?|均|时|面|板|整|纹", "批": "次|发|量|准", "次": "年|日|级|品", "项": "目", "天": "然|津|丝|内|里", "包": "装|邮|含|括|边|覆",
    "张": "家|力", "把": "手", "头": "部", "单": "价|位|独|向|色|组", "支": "架|持|撑|付|链", "根": "据|部", "车": "间|型|用|载|床|桥|身|规|企|速", "箱": "体|式|变",
    "米": "色|白|兰", "条记": "", "时": "间|效", "桶": "装", "瓶": "装|片", "袋": "装|式", "卷": "材|帘|筒|料|板", "套": "管|筒|装|餐", "对": "苯|位|二|接|应|外|比|于",
    "双": "相|向|层|面|组|头|作|金|螺|氧|酚|色", "架": "子|构", "组": "分|件|合|装|织|胺", "座": "式|椅", "颗": "粒", "粒": "径|度|子", "班": "次|组", "样": "品|板|本|机|件", "打": "印|磨|样|包|孔|标|码",
    "轴": "承|加工|联动|数控|机床|铣|车|中心|流|向|类|径|封", "席": "位", "柜": "体|式", "匹": "配|马", "斤": "顶", "亩": "产", "吨": "级|位|包|桶|袋", "t": "级", "克": "重|拉", "升": "级|降|温|压", "码": "头|垛",
}  # fmt: skip


def find_quantity(text: str) -> tuple[float, str] | None:
    """Return the amount that a short text says, or None if it says none.

    >>> find_quantity("500 只"), find_quantity("2.5 t"), find_quantity("many")
    ((500.0, 'piece'), (2.5, 't'), None)
    """
    folded = fold(text)
    found = [quantity for quantity in find_quantities(folded, Claims(len(folded.text))) if quantity.unit not in WHEN]
    return (found[0].value, found[0].unit) if found else None
