"""Designations with figures in a text: sizes, pressures, threads, counts, hardness, purity, standards."""

import re

from stdnum import casrn

from marketplace.parsing.codes import Code, Rule, number, plain

_F = r"\d+(?:\.\d+)?"
_B = r"(?<![a-z0-9.])"
_E = r"(?![a-z0-9])"
_TO = r"[ ]?(?:-|~|至|到|to)[ ]?"


def _figure(
    kind: str, match: re.Match[str], token: str, value: float, unit: str | None, names: tuple[str, str]
) -> Code:
    figure = plain(value)
    zh, en = (name.format(figure) for name in names)
    return Code(kind, token, match.start(), match.end(), value, unit, zh, en)


def _read_cas(match: re.Match[str]) -> Code | None:
    digits = match["cas"]
    if not casrn.is_valid(digits):
        return None
    return Code("cas", f"cas{digits}", match.start(), match.end(), zh=f"CAS {digits}", en=f"CAS {digits}")


INCHES = {
    "1/4": 8, "3/8": 10, "1/2": 15, "3/4": 20, "1": 25, "1-1/4": 32, "1 1/4": 32, "1.25": 32, "1-1/2": 40, "1 1/2": 40, "1.5": 40,
    "2": 50, "2-1/2": 65, "2 1/2": 65, "2.5": 65, "3": 80, "4": 100, "5": 125, "6": 150, "8": 200, "10": 250, "12": 300, "14": 350,
    "16": 400, "18": 450, "20": 500, "24": 600, "28": 700, "30": 750, "32": 800, "36": 900, "40": 1000, "48": 1200,
}  # fmt: skip
_INCH_FIGURE = r"\d{1,2}(?:[- ]\d/\d|/\d|\.\d{1,2})?"


def _dn(match: re.Match[str], first: float, last: float | None = None) -> Code:
    if last is not None and last > first:
        a, b = plain(first), plain(last)
        names = (f"公称直径 {a} 至 {b} mm", f"Nominal diameter {a} to {b} mm")
        return Code("dn", f"dn{a} dn{b}", match.start(), match.end(), (first, last), "mm", *names)
    return _figure("dn", match, f"dn{plain(first)}", first, "mm", ("公称直径 {} mm", "Nominal diameter {} mm"))


def _read_dn(match: re.Match[str]) -> Code | None:
    first, last = int(match["first"]), match["last"]
    if last is not None and int(last) <= first:
        return None
    return _dn(match, first, int(last) if last else None)


def _read_inches(match: re.Match[str]) -> Code | None:
    diameter = INCHES.get(match["inches"])
    return _dn(match, diameter) if diameter else None


# 2寸球阀 and 2" ball valve are sizes of pipe; 57/58" cloth and a 14" screen are lengths.
_PIPEWORK = re.compile(
    r"阀|法兰|弯头|三通|管件|管道|水管|钢管|接头|水泵|离心泵|valve|flange|elbow|fitting|pipe|coupling|strainer"
)
_OUTSIDE = re.compile(r"外径|内径|(?<![a-z])(?:od|id)(?![a-z])|diameter|thick|long|length|长|厚")
_FEN = {"2": 8, "3": 10, "4": 15, "6": 20}


def _read_bare_inches(match: re.Match[str]) -> Code | None:
    around = match.string[max(0, match.start() - 20) : match.end() + 24]
    if not _PIPEWORK.search(around) or _OUTSIDE.search(around):
        return None
    return _read_inches(match)


def _read_fen(match: re.Match[str]) -> Code | None:
    """Read 4分 of a pipe as half an inch: an eighth of an inch is a fen."""
    return _dn(match, _FEN[match["fen"]])


def _pn(match: re.Match[str], bar: float) -> Code | None:
    bar = round(bar, 1)
    if not 1 <= bar <= 4200:
        return None
    return _figure("pn", match, f"pn{plain(bar)}", bar, "bar", ("公称压力 PN{}", "Nominal pressure PN{}"))


def _read_pn(match: re.Match[str]) -> Code | None:
    value, unit = number(match["value"]), match["unit"]
    if unit in {"mpa", "兆帕"}:
        return _pn(match, value * 10)
    # PN1.6 and PN4.0 are written in MPa, PN16 and PN12.5 in bar; 2.5 is far more often the first.
    if unit is None and "." in match["value"] and (value < 10 or (match["value"].endswith(".0") and value <= 42)):
        return _pn(match, value * 10)
    return _pn(match, value)


def _read_class(match: re.Match[str]) -> Code | None:
    value = int(match["value"])
    return _figure("class", match, f"class{value}", value, "lb", ("压力等级 Class {}", "Pressure class {}"))


def _read_gsm(match: re.Match[str]) -> Code | None:
    first, last = number(match["value"]), match["last"]
    if last:
        token = f"{plain(first)}-{plain(number(last))}gsm"
        names = (f"克重 {token[:-3]} g/m²", f"Weight {token[:-3]} g/m²")
        return Code("gsm", token, match.start(), match.end(), (first, number(last)), "gsm", *names)
    return _figure("gsm", match, f"{plain(first)}gsm", first, "gsm", ("克重 {} g/m²", "Weight {} g/m²"))


# ISO 261, first choice of pitch: M10×1.5 is M10, M10×1.25 is another thread.
_COARSE = {
    "1": "0.25", "1.2": "0.25", "1.6": "0.35", "2": "0.4", "2.5": "0.45", "3": "0.5", "3.5": "0.6", "4": "0.7", "5": "0.8", "6": "1", "8": "1.25",
    "10": "1.5", "12": "1.75", "14": "2", "16": "2", "18": "2.5", "20": "2.5", "22": "2.5", "24": "3", "27": "3", "30": "3.5", "33": "3.5", "36": "4",
    "39": "4", "42": "4.5", "45": "4.5", "48": "5", "52": "5", "56": "5.5", "60": "5.5", "64": "6",
}  # fmt: skip
_MEASURED = re.compile(r"(?:[\d十百千万k]|/|per|each|每|a)[ ]?$")


def _read_thread(match: re.Match[str]) -> Code | None:
    diameter, pitch = match["diameter"], match["pitch"]
    token = f"m{plain(number(diameter))}"
    if pitch and _COARSE.get(token[1:]) != plain(number(pitch)):
        token += f"x{plain(number(pitch))}"
    # 90 m2 and per m3 are no screws.
    if not pitch and token in {"m2", "m3"} and _MEASURED.search(match.string[: match.start()][-6:]):
        return None
    if not 1 <= number(diameter) <= 160 or (pitch and number(pitch) > 6):
        return None  # M8x50 is a bolt's length, not a pitch
    label = token.replace("x", "×").upper()
    return Code("thread", token, match.start(), match.end(), zh=f"螺纹 {label}", en=f"Thread {label}")


def _read_screw(match: re.Match[str]) -> Code | None:
    token = f"m{plain(number(match['diameter']))}"
    return Code(
        "thread", token, match.start("m"), match.end("m"), zh=f"螺纹 {token.upper()}", en=f"Thread {token.upper()}"
    )


def _read_pipe_thread(match: re.Match[str]) -> Code | None:
    family = {"bsp": "g", "bspp": "g", "bspt": "r", "zg": "r", "pt": "rc"}.get(match["family"], match["family"])
    token = f"{family}{match['size'].replace(' ', '-')}"
    return Code(
        "thread", token, match.start(), match.end(), zh=f"管螺纹 {token.upper()}", en=f"Pipe thread {token.upper()}"
    )


def _read_hardness(match: re.Match[str]) -> Code | None:
    scale, first, last = match["scale"], match["first"], match["last"]
    token = f"{scale}{first}" + (f"-{last}" if last else "")
    value = (float(first), float(last)) if last else float(first)
    label = f"{scale.upper()} {first}" + (f"–{last}" if last else "")
    return Code("hardness", token, match.start(), match.end(), value, scale, f"硬度 {label}", f"Hardness {label}")


def _read_shore(match: re.Match[str]) -> Code | None:
    scale, value = match["scale"] or match["scale_after"], match["value"]
    if scale is None:
        return None
    return _figure("hardness", match, f"shore{scale}{value}", float(value), f"shore{scale}", (f"邵氏硬度 {scale.upper()}{{}}", f"Shore {scale.upper()} {{}}"))  # fmt: skip


def _read_ip(match: re.Match[str]) -> Code | None:
    token = f"ip{match['figures']}"
    return Code(
        "ip", token, match.start(), match.end(), zh=f"防护等级 {token.upper()}", en=f"Protection {token.upper()}"
    )


def _read_strength(match: re.Match[str]) -> Code:
    figure = match["named"] or match["before"]
    return Code(
        "strength", f"grade{figure}", match.start(), match.end(), zh=f"{figure} 级", en=f"Property class {figure}"
    )


def _read_percent(match: re.Match[str]) -> Code | None:
    first, last = number(match["value"]), match["last"]
    if last:
        token = f"{plain(first)}-{plain(number(last))}%"
        return Code("percent", token, match.start(), match.end(), (first, number(last)), "%", token, token)
    return _figure("percent", match, f"{plain(first)}%", first, "%", ("{}%", "{}%"))


# Within a text about yarn or cloth 40支 and 40S are counts; elsewhere 支 counts pieces and s may be seconds.
_CLOTH = re.compile(r"[布绸绒]|面料|坯|针织|梭织|斜纹|平纹|fabric|knit|woven|poplin|twill|denim|jersey|fleece")
_TEXTILE = re.compile(
    r"[纱棉布织纺绸绒衬]|涤纶|涤棉|人棉|梭|yarn|fabric|cotton|textile|spun|knit|woven|poplin|twill|denim"
)


def _read_cloth_weight(match: re.Match[str]) -> Code | None:
    """Read 180克 as the weight of a square metre where the text is about cloth."""
    return _read_gsm(match) if _CLOTH.search(match.string) and 20 <= int(match["value"]) <= 900 else None


def _read_count(match: re.Match[str]) -> Code | None:
    if not _TEXTILE.search(match.string):
        return None
    value = float(match["count"] or match["count_before"])
    if not 3 <= value <= 300:
        return None
    ply = match["ply"]
    token = f"{plain(value)}s" + (f"/{ply}" if ply else "")
    label = plain(value) + (f"/{ply}" if ply else "")
    return Code(
        "yarn", token, match.start(), match.end(), value, "s", f"{label} 支纱（英制）", f"Yarn count Ne {label}"
    )


def _read_denier(match: re.Match[str]) -> Code | None:
    filaments = match["filaments"]
    value = number(match["value"])
    token = f"{plain(value)}d" + (f"/{filaments}f" if filaments else "")
    label = plain(value) + " D" + (f" / {filaments} F" if filaments else "")
    return Code(
        "denier", token, match.start(), match.end(), value, "denier", f"纤度 {label}", f"Linear density {label}"
    )


def _read_tex(match: re.Match[str]) -> Code | None:
    unit = "dtex" if match["unit"] in ("dtex", "分特") else "tex"
    value = number(match["value"])
    return _figure(
        "tex", match, f"{plain(value)}{unit}", value, unit, (f"纤度 {{}} {unit}", f"Linear density {{}} {unit}")
    )


def _read_mesh(match: re.Match[str]) -> Code | None:
    value = number(match["value"])
    return _figure("mesh", match, f"{plain(value)}mesh", value, "mesh", ("{} 目", "{} mesh"))


def _read_flame(match: re.Match[str]) -> Code | None:
    token = f"ul94v-{match['grade']}"
    return Code(
        "flame", token, match.start(), match.end(), zh=f"阻燃 UL94 V-{match['grade']}", en=f"UL 94 V-{match['grade']}"
    )


def _read_explosion(match: re.Match[str]) -> Code | None:
    token = re.sub(r"\s+", "", match[0])
    return Code("explosion", token, match.start(), match.end(), zh=f"防爆 {token}", en=f"Explosion proof {token}")


_ADOPTED = re.compile(r"^(?:(?:din|bs|nf)?en|din)(iso/iec|iso|iec)$|^(?:din|bs|nf)(?=en$)")


def _read_standard(match: re.Match[str]) -> Code | None:
    issuer = re.sub(r"\s", "", match["issuer"])
    if issuer == "en" and not re.match(r"\d{3}", match["figure"]):
        return None
    # A charging gun of GB/T and 250A: the letters of national standards stand before their figures.
    if issuer.startswith("gb") and match["figure"][-1:].isalpha():
        return None
    # API is an active ingredient too: 6D, 598, 20E are standards, 500 may be kilograms.
    if issuer == "api" and not re.match(r"\d{1,2}[a-z]|[56]\d\d$|[56]\d\d\D", match["figure"]):
        return None
    # A European standard is the international one with a cover, and DIN EN, BS EN the European one with another.
    issuer = _ADOPTED.sub(lambda adopted: adopted[1] or "", issuer)
    issuer = {"gbt": "gb/t", "gb-t": "gb/t", "hgt": "hg/t", "jbt": "jb/t"}.get(issuer, issuer)
    token = issuer + match["figure"].strip().replace(" ", "")
    label = f"{issuer.upper()} {match['figure'].strip().upper()}"
    return Code("standard", token, match.start(), match.end(), zh=f"标准 {label}", en=f"Standard {label}")


_ISSUERS = (
    r"gb/t|gb/z|gbt|gb-t|gb|hg/t|hgt|jb/t|jbt|jb|yy/t|yy|fz/t|fz|qc/t|sh/t|nb/t|dl/t|cj/t|jc/t|ny/t|sn/t|gh/t|yb/t|sy/t|qb/t|wb/t|jg/t|ls/t|"
    r"(?:din|bs|nf)? ?en iso(?:/iec)?|din iso|(?:din|bs|nf)? ?en iec|(?:din|bs|nf) en|din|iso/iec|iso/ts|iso|iec|en|astm|asme|ansi|api|jis|bs|ul|sae|ieee|iatf|mss sp|aatcc|gjb|db\d\d/t"
)
_STANDARD = rf"{_B}(?P<issuer>{_ISSUERS})[ ]?-?[ ]?(?P<figure>(?:(?!dn|pn|cl)[a-z]{{1,2}}[ ]?)?\d{{1,6}}[a-z]?(?:\.\d{{1,3}})*(?:-(?:[a-z]\d\d|\d{{1,2}}(?:-\d{{1,2}})?)(?!\d))?)(?![ ]?(?:kg|吨|公斤|pcs|[只个件台套桶天]|mm|days|tons?|sets))(?:[-:/ ]?(?<=[-:])?(?:19|20)\d\d)?{_E}"

DESIGNATIONS = (
    Rule(("-",), re.compile(r"(?<![a-z\d-])(?:cas[ ]?(?:no\.?|号|#|number)?[ :]*)?(?P<cas>\d{2,7}-\d\d-\d)(?![a-z\d-])"), _read_cas),
    Rule(
        ("npt", "bsp", "rc", "zg", "g1", "g2", "g3", "g4", "r1", "r2", "r3", "g 1", "g 3", "pt"),
        re.compile(rf"{_B}(?P<family>npt|bspp|bspt|bsp|rc|zg|g|r|pt)[ ]?(?P<size>\d/\d|\d[- ]\d/\d)\"?(?![\d/a-z])"),
        _read_pipe_thread,
    ),
    Rule(
        ("npt", "bsp"),
        re.compile(r"(?<![a-z0-9./])(?P<size>\d[- ]\d/\d|\d/\d|\d)[ ]?(?:\"|inch|in)?[ ]?(?P<family>npt|bspp|bspt|bsp)(?![a-z0-9])"),
        _read_pipe_thread,
    ),
    Rule(("v-", "v0", "v1", "v2"), re.compile(rf"{_B}(?:ul[ -]?94[ -]*)?v[- ]?(?P<grade>[012])级?(?![a-z0-9]|\.\d)"), _read_flame),
    Rule(
        ("gb", "hg", "jb", "yy", "fz", "/t", "iso", "iec", "din", "en", "astm", "asme", "ansi", "api", "jis", "bs", "ul", "sae", "ieee", "iatf", "mss", "aatcc"),
        re.compile(_STANDARD),
        _read_standard,
    ),
    Rule(
        ("dn",),
        re.compile(rf"{_B}dn[ ]?[-_:=]?[ ]?(?P<first>\d{{1,4}})(?:{_TO}(?P<last>\d{{1,4}})(?:mm)?(?![a-z0-9]|/\d))?(?:mm)?(?:(?=pn)|(?![a-z0-9]))"),
        _read_dn,
    ),
    Rule(("dn",), re.compile(rf"{_B}dn[ ]?[-_:=]?[ ]?(?P<first>\d{{1,4}})(?P<last>)(?:mm)?(?:(?=pn)|(?![a-z0-9]))"), lambda m: _dn(m, int(m["first"]))),
    Rule(
        ("公称", "通径", "口径"),
        re.compile(rf"(?:公称(?:直径|通径|口径|尺寸)|通径|口径)[ :为=]*(?P<first>\d{{1,4}})(?:{_TO}(?P<last>\d{{1,4}}))?[ ]?(?:mm|毫米)?(?![\d/.寸英\"吋a-z])"),
        _read_dn,
    ),
    Rule(
        ("nominal", "bore"),
        re.compile(rf"nominal (?:diameter|size|bore)[ :of]*(?P<first>\d{{1,4}})(?:{_TO}(?P<last>\d{{1,4}}))?[ ]?mm{_E}"),
        _read_dn,
    ),
    Rule(("nps",), re.compile(rf"{_B}nps[ ]?(?P<inches>{_INCH_FIGURE})(?![\d/.])[ ]?(?:\"|in\b|inch(?:es)?)?"), _read_inches),
    Rule(
        ("寸", "吋", '"', "inch"),
        re.compile(rf"(?<![a-z0-9./x*])(?P<inches>{_INCH_FIGURE})[ -]?(?:英寸|寸|吋|\"|inch(?:es)?(?![a-z]))(?![ ]?[x*/\d])"),
        _read_bare_inches,
    ),
    Rule(("分",), re.compile(r"(?<![a-z0-9.,第])(?P<fen>[2346])分(?=[ ]?(?:球|闸|截止|止回|角|蝶|针)?(?:阀|管|接头|弯头|三通|内丝|外丝|丝|内螺纹|外螺纹|水龙头|龙头))"), _read_fen),
    Rule(
        ("口径", "通径", "公称"),
        re.compile(rf"(?:公称(?:直径|通径|口径)|通径|口径)[ :为=]*(?P<inches>{_INCH_FIGURE})[ ]?(?:英寸|寸|吋|\"|inch(?:es)?)"),
        _read_inches,
    ),
    Rule(
        ("pn",),
        re.compile(r"(?<![a-z.])pn[ ]?[-_:=]?[ ]?(?P<value>\d{1,4}(?:\.\d{1,2})?)[ ]?(?P<unit>mpa|bar|兆帕|公斤|kgf?/cm2)?(?![a-z0-9.])"),
        _read_pn,
    ),
    Rule(("公称压力", "压力等级", "nominal pressure", "pressure rating"), re.compile(rf"(?:公称压力|压力等级|nominal pressure|pressure rating)[ :为=of]*(?P<value>{_F})[ ]?(?P<unit>mpa|bar|兆帕|公斤|kgf?/cm2)(?![a-z0-9])"), _read_pn),
    Rule(("cl",), re.compile(rf"{_B}(?:class|cl)[ .]?(?P<value>150|300|400|600|800|900|1500|2500|4500)[ ]?(?:lbs?|#)?(?![a-z0-9.])"), _read_class),
    Rule(("lb", "磅级"), re.compile(rf"{_B}(?P<value>150|300|600|800|900|1500|2500)(?:lb|[ ]?磅级)(?![a-z0-9])"), _read_class),
    Rule(("#",), re.compile(r"(?<![a-z0-9.])(?P<value>150|300|600|900|1500|2500)#(?![a-z0-9])(?![ ]?(?:[砂目油汽柴胶白溶]|grit))"), _read_class),
    Rule(
        ("gsm", "g/m", "平米", "平方米", "克重", "square met", "sqm", "g/sq"),
        re.compile(
            rf"{_B}(?:克重[ :为]*)?(?P<value>{_F})(?:{_TO}(?P<last>{_F}))?[ ]?(?:gsm|g/m\^?2|g/sqm|g/sq\.? ?m|g/square met(?:er|re)|grams? per square met(?:er|re)|g per (?:sqm|square met(?:er|re))|g/平方米|g/平米|克/平方米|克/平米|克/m2|克每平(?:方)?米|克平方米)(?![a-z0-9])"
        ),
        _read_gsm,
    ),
    Rule(("克重",), re.compile(rf"克重[ :为]*(?P<value>{_F})(?:{_TO}(?P<last>{_F}))?[ ]?(?:g|克)?(?![a-z0-9./])"), _read_gsm),
    Rule(("g", "克"), re.compile(rf"{_B}(?P<value>\d{{2,3}})(?P<last>)[ ]?(?:g|克)(?![a-z0-9/装重每])"), _read_cloth_weight),
    Rule(("hr", "hb", "hv"), re.compile(rf"{_B}(?P<scale>hrc|hrb|hra|hbw|hb|hv)[ ]?(?P<first>\d{{1,4}})(?:{_TO}(?:hrc|hrb|hb|hv)?(?P<last>\d{{1,4}}))?(?![a-z0-9./])"), _read_hardness),
    Rule(("hr", "hb", "hv"), re.compile(rf"{_B}(?P<first>\d{{1,4}})(?:{_TO}(?P<last>\d{{1,4}}))?[ ]?(?P<scale>hrc|hrb|hra|hbw|hb|hv)(?![a-z0-9])"), _read_hardness),
    Rule(("shore", "邵"), re.compile(r"(?:shore|邵氏?)(?:硬度)?[ ]?(?P<scale>[ad])?(?:硬度)?[ :]?(?P<value>\d{1,3})[ ]?(?P<scale_after>[ad])?(?![a-z0-9.])"), _read_shore),
    Rule(
        ("级", "grade", "class", "gr"),
        re.compile(
            r"(?<![a-z0-9.])(?:(?:grade|class|gr\.?)[ ]?(?P<named>4\.6|4\.8|5\.6|5\.8|6\.8|8\.8|9\.8|10\.9|12\.9)(?![\d.])"
            r"|(?P<before>4\.6|4\.8|5\.6|5\.8|6\.8|8\.8|9\.8|10\.9|12\.9)[ ]?(?:级|grade(?![a-z])|class(?![a-z])))"
        ),
        _read_strength,
    ),
    Rule(("ip",), re.compile(rf"{_B}ip[ -]?(?P<figures>\d\d[a-z]?)(?![a-z0-9])"), _read_ip),
    Rule(("ex",), re.compile(rf"{_B}ex[ ]?(?:d|de|e|i|ia|ib|nA|p|t|tb)[ ]?(?:ii[abc]|iii[abc])[ ]?t?\d?{_E}"), _read_explosion),
    Rule(
        ("m",),
        re.compile(r"(?<![a-z0-9./*x-])m[ ]?(?P<diameter>\d{1,3}(?:\.\d)?)(?:[ ]?[x*][ ]?(?P<pitch>\d(?:\.\d{1,2})?))?(?![a-z0-9./%*]|[ ]?[x*][ ]?\d)"),
        _read_thread,
    ),
    Rule(("m",), re.compile(r"(?<![a-z0-9./*x-])(?P<m>m(?P<diameter>\d{1,2}))(?=[ ]?[x*][ ]?\d{2,4}(?!\d))"), _read_screw),
    Rule(
        ("支", "s", "ne"),
        re.compile(
            rf"(?:{_B}(?P<count>\d{{1,3}})[ ]?(?:s|英支|支)(?:/(?P<ply>[2-9]))?|{_B}ne[ ]?(?P<count_before>\d{{1,3}}))(?![a-z0-9/])"
        ),
        _read_count,
    ),
    Rule(("d", "旦", "denier"), re.compile(rf"{_B}(?P<value>{_F})[ ]?(?:d|denier|旦(?:尼尔)?)(?:[ ]?/[ ]?(?P<filaments>\d{{1,4}})[ ]?f)?(?![a-z0-9])(?![ -]?(?:打印|扫描|建模|设计|视觉|相机|眼镜|动画|print|scan|model|design|vision|camera|glass))"), _read_denier),
    Rule(("tex", "特"), re.compile(rf"{_B}(?P<value>{_F})[ ]?(?P<unit>dtex|tex|分特)(?![a-z0-9])"), _read_tex),
    Rule(("目",), re.compile(rf"{_B}(?P<value>\d{{1,5}})[ ]?目(?![的标前录])"), _read_mesh),
    Rule(("mesh",), re.compile(rf"{_B}(?P<value>\d{{1,5}})[ -]?mesh(?![a-z0-9])"), _read_mesh),
    Rule(
        ("%", "percent"),
        re.compile(rf"(?:(?:≥|>=|>|不低于|不小于|至少|min\.?)[ ]?)?(?<![a-z\d.])(?P<value>{_F})(?:%?{_TO}(?P<last>{_F}))?[ ]?(?:%|percent(?![a-z]))"),
        _read_percent,
    ),
)  # fmt: skip
