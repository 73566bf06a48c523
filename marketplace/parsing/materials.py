"""Grades of materials and substances in a text: glossary words and the spellings that need their surroundings."""

import re

from marketplace.parsing.codes import Claims, Code, Rule, apply_rules
from marketplace.parsing.folding import Folded
from marketplace.parsing.glossary import grades, materials_book, names_of

_NAMED_STAINLESS = r"201|202|301|303|304h?|304l|310s|316|316l|316ti|317l|321|347|410|420|420j2|430|440c|904l|2205|2507"
_NUMBERS = {"630": "ss630"}
# 304法兰球阀 is certain; 304只阀门 is a quantity.
_STEEL_GOODS = r"(?=[ ]?(?![只个件台套根支米吨片张条块把卷桶年月日元页])[^\W\da-z_]{0,4}(?:阀|法兰|管|板|棒|泵|弯头|螺丝|螺栓|螺母|接头|网|钢|材))"
_STEEL_GOODS_EN = r"(?=[ ](?:ss\b|(?:[a-z-]+ ){0,2}(?:valve|flange|pipe|tube|sheet|plate|bar|pump|elbow|bolt|screw|fitting|body|coil)))"
_CHEMICAL_BEFORE = "甲乙丙丁戊己庚辛壬癸二三四五六聚氯溴氟碘硝磺氨羟苯环异正叔对邻间亚次过高偏焦酰基代酸"
_CHEMICAL_AFTER = "酸酯酐胺醇酮醛醚烯烷苯腈肟酚炔酰磺基肼"
_ALUMINIUM = "1050|1060|1070|1100|2014|2024|2a12|2a14|3003|3004|3a21|5005|5052|5083|5086|5182|5754|5a06|6005|6005a|6060|6061|6063|6082|6101|7050|7075|7a04|8011"
_TEMPER = r"(?:t\d{1,2}|h\d{2,3}|o|f)"


_PIECES_BEFORE = re.compile(r"(?:[\d十百千万/]|\d[ ]?k|per|each)[ ]?$")
_PLASTIC_AFTER = re.compile(r"[ ]?(?:聚碳|polycarb|树脂|resin|[/+-])")


def are_pieces(text: str, start: int, end: int) -> bool:
    """Say whether the letters there count pieces (500 pcs, $5/pc) and are not polycarbonate."""
    written = text[start:end]
    if written == "pcs":
        return True
    before = _PIECES_BEFORE.search(text[max(0, start - 6) : start])
    return written == "pc" and before is not None and not _PLASTIC_AFTER.match(text, end)


# Short names that are something else beside these words: what stands before, after, or anywhere in the text.
_NEVER = re.compile(r"(?!)")
_OTHERWISE = {
    "deg": (re.compile(r"\d[ ]?$"), re.compile(r"[ ]?[cf](?![a-z])"), _NEVER),  # degrees
    "ps": (re.compile(r"\d[ ]?$"), _NEVER, _NEVER),  # horsepower
    "px": (re.compile(r"\d[ ]?$"), _NEVER, _NEVER),  # pixels
    "h13": (_NEVER, _NEVER, re.compile(r"hepa|滤|filter")),  # a class of filters
    "ipa": (_NEVER, _NEVER, re.compile(r"beer|brew|啤酒|精酿")),
    "mma": (_NEVER, _NEVER, re.compile(r"weld|焊|inverter")),  # manual metal arc
    "dmc": (_NEVER, _NEVER, re.compile(r"硅氧烷|有机硅|silox|silicone")),  # dimethylcyclosiloxane
    "pe": (re.compile(r"(?:gmt|ph)[ ]?$"), re.compile(r"[ ]?(?:线端|接地|earth)"), _NEVER),  # protective earth
    "asa": (_NEVER, _NEVER, re.compile(r"film speed|胶卷")),
}


def _is_otherwise(text: str, start: int, end: int) -> bool:
    """Say whether a short name there means something else than the material."""
    senses = _OTHERWISE.get(text[start:end])
    if senses is None:
        return False
    before, after, anywhere = senses
    return bool(before.search(text[max(0, start - 6) : start]) or after.match(text, end) or anywhere.search(text))


def _named(kind: str, token: str, match: re.Match[str], group: int | str = 0) -> Code:
    zh, en = names_of(token) or (token.upper(), token.upper())
    return Code(kind, token, match.start(group), match.end(group), zh=zh, en=en)


def _read_stainless(match: re.Match[str]) -> Code | None:
    figure = match["grade"]
    token = _NUMBERS.get(figure, f"ss{figure}")
    return _named("grade", token, match, "whole") if token in grades() else None


def _read_aluminium(match: re.Match[str]) -> Code:
    temper = match["temper"]
    token = f"al{match['alloy']}" + (f"-{temper}" if temper else "")
    alloy = match["alloy"].upper() + (f"-{temper.upper()}" if temper else "")
    return Code("grade", token, match.start("whole"), match.end("whole"), zh=f"{alloy} 铝合金", en=f"Aluminium {alloy}")


def _read_steel(match: re.Match[str]) -> Code | None:
    token = f"steel{match['grade']}"
    return _named("grade", token, match, "whole") if token in grades() else None


_FILLERS = {
    "gf": ("gf", "玻纤", "glass-fibre"), "玻纤": ("gf", "玻纤", "glass-fibre"), "glass": ("gf", "玻纤", "glass-fibre"),
    "cf": ("cf", "碳纤", "carbon-fibre"), "碳纤": ("cf", "碳纤", "carbon-fibre"), "carbon": ("cf", "碳纤", "carbon-fibre"),
    "td": ("td", "滑石粉", "talc"), "t": ("td", "滑石粉", "talc"), "滑石粉": ("td", "滑石粉", "talc"), "talc": ("td", "滑石粉", "talc"),
    "md": ("md", "矿物", "mineral"), "矿物": ("md", "矿物", "mineral"),
}  # fmt: skip
_POLYMERS = {
    "尼龙66": "pa66", "尼龙6": "pa6", "nylon 66": "pa66", "nylon 6": "pa6", "聚丙烯": "pp", "pa6.6": "pa66", "pa-66": "pa66", "pa-6": "pa6", "聚碳酸酯": "pc", "pc/abs": "pc-abs",
}  # fmt: skip
_BASE = r"(?P<base>pa66|pa6\.6|pa-66|pa-6|pa6|pa46|pa12|ppa|pp|pbt|pet|pps|pc/abs|pc-abs|pc|abs|pom|peek|lcp|ppo|尼龙66|尼龙6|nylon 66|nylon 6|聚丙烯)"
_FILLER = r"(?P<filler>gf|cf|td|md|t|玻纤|碳纤|滑石粉|talc|矿物|glass|carbon)"


def _read_filled(match: re.Match[str]) -> Code | None:
    filler, zh, en = _FILLERS[match["filler"]]
    share = int(match["share"])
    if not 5 <= share <= 65:
        return None
    base = _POLYMERS.get(match["base"], match["base"])
    name_zh, name_en = base.upper(), base.upper()
    return Code(
        "grade", f"{base}-{filler}{share}", match.start(), match.end(),
        zh=f"{name_zh} + {share}% {zh}", en=f"{name_en} + {share}% {en}",
    )  # fmt: skip


_FIRST = (
    Rule(
        ("gf", "cf", "td", "md", "玻纤", "碳纤", "滑石", "talc", "矿物", "glass", "carbon", "pp-t", "pp+t"),
        re.compile(rf"(?<![a-z0-9]){_BASE}[ ]?[-+/ 加]?[ ]?(?:{_FILLER}[ ]?(?P<share>\d\d)[ ]?%?)(?![a-z0-9.])"),
        _read_filled,
    ),
    Rule(
        ("gf", "cf", "玻纤", "碳纤", "滑石", "talc", "矿物", "glass", "carbon"),
        re.compile(
            rf"(?<![a-z0-9]){_BASE}[ ]?[-+/ 加]?[ ]?(?P<share>\d\d)[ ]?%[ ]?{_FILLER}(?:[ -]?(?:fib(?:er|re)|filled|reinforced|增强|填充))*(?![a-z0-9])"
        ),
        _read_filled,
    ),
    Rule(
        ("gf", "cf", "glass", "carbon", "talc", "玻纤", "碳纤"),
        re.compile(
            rf"(?<![a-z0-9.])(?P<share>\d\d)[ ]?%[ ]?{_FILLER}(?:[ -]?(?:fib(?:er|re)|filled|reinforced|增强|填充))*[ ]?{_BASE}(?![a-z0-9])"
        ),
        _read_filled,
    ),
)
_AFTER = (
    Rule(
        ("不锈", "stainless", "ss", "sus", "inox", "aisi", "材质", "material", "f304", "f316", "304", "316", "321", "2205", "2507"),
        re.compile(
            rf"(?<![a-z0-9.])(?P<whole>(?:(?:sus|ss|aisi|inox)[ -]?)(?P<grade>{_NAMED_STAINLESS}|630))(?![a-z0-9.])"
        ),
        _read_stainless,
    ),
    Rule(
        ("不锈", "stainless", "材质", "material", "双相"),
        re.compile(
            rf"(?<![a-z0-9.])(?:(?<=不锈钢)|(?<=不锈钢 )|(?<=不锈钢-)|(?<=stainless steel )|(?<=stainless )|(?<=材质)|(?<=材质:)|(?<=材质: )|(?<=材质为)|(?<=材料:)|(?<=material: )|(?<=material )|(?<=双相钢))(?P<whole>(?P<grade>{_NAMED_STAINLESS}))(?![a-z0-9.%])(?![ ]?(?:mm|毫米|只|个|件|台|套|pcs))"
        ),
        _read_stainless,
    ),
    Rule(
        ("不锈", "stainless", "ss", "双相", "duplex"),
        re.compile(
            rf"(?<![a-z0-9.])(?P<whole>(?P<grade>{_NAMED_STAINLESS}|630))(?=[ -]?(?:不锈|双相|超级双相|stainless|ss(?![a-z0-9])|duplex|super duplex|grade stainless))"
        ),
        _read_stainless,
    ),
    Rule(
        ("304", "316", "321", "2205", "2507"),
        re.compile(
            rf"(?<![a-z0-9.,/x*~-])(?P<whole>(?P<grade>304l?|316l?|316ti|321|2205|2507))(?![a-z0-9.,%])(?:{_STEEL_GOODS}|{_STEEL_GOODS_EN})"
        ),
        _read_stainless,
    ),
    # A letter after the figures leaves no doubt.
    Rule(
        ("304l", "316l", "316ti", "310s", "904l", "317l", "440c", "304h", "420j2"),
        re.compile(r"(?<![a-z0-9.])(?P<whole>(?P<grade>304l|304h|316l|316ti|310s|317l|904l|440c|420j2))(?![a-z0-9.])"),
        _read_stainless,
    ),
    # 304/316L: the grade before a slash is one when the grade after it is.
    Rule(
        ("304/316", "316/304", "304,316", "304、316"),
        re.compile(r"(?<![a-z0-9.])(?P<whole>(?P<grade>304|316))(?=[ ]?[/、,][ ]?(?:304|316)l?(?![a-z0-9.%]))"),
        _read_stainless,
    ),
    Rule(
        ("-t", "-h", "-o", " t", "t6", "t5", "t651"),
        re.compile(
            rf"(?<![a-z0-9.])(?P<whole>(?:(?:aa|al|en aw)[ -]?)?(?P<alloy>{_ALUMINIUM})[ -]?(?P<temper>{_TEMPER}))(?![a-z0-9])"
        ),
        _read_aluminium,
    ),
    Rule(
        ("al", "aa", "铝", "en aw"),
        re.compile(
            rf"(?<![a-z0-9.])(?P<whole>(?:(?:aa|al|en aw)[ -]?|(?<=铝)|(?<=铝合金)|(?<=铝合金 )|(?<=aluminium )|(?<=aluminum ))(?P<alloy>{_ALUMINIUM})(?P<temper>))(?![a-z0-9.])"
        ),
        _read_aluminium,
    ),
    Rule(
        ("铝", "alu"),
        re.compile(rf"(?<![a-z0-9.])(?P<whole>(?P<alloy>{_ALUMINIUM})(?P<temper>))(?=[ -]?(?:铝|alumin|alloy))"),
        _read_aluminium,
    ),
    Rule(
        ("#", "号"),
        re.compile(r"(?<![a-z0-9.])(?P<whole>(?P<grade>10|20|35|45)(?:#|号))(?=[ ]?(?:钢|圆钢|碳钢|优质|锻|调质|无缝|steel(?!\d)|carbon))"),
        _read_steel,
    ),
    Rule(
        ("材质", "material"),
        re.compile(r"(?:材质|材料|material)[ :为]*(?P<whole>(?P<grade>10|20|35|45)#)(?![a-z0-9])"),
        _read_steel,
    ),
)  # fmt: skip


def find_materials(folded: Folded, claims: Claims) -> list[Code]:
    """Return the grades and substances of the text, in no particular order, and claim their characters."""
    found = apply_rules(folded, _FIRST, claims)
    text = folded.text
    for hit in materials_book().find(text):
        entry = hit.value.entry
        before, after = text[hit.start - 1 : hit.start], text[hit.end : hit.end + 1]
        if hit.value.keeps_word and not hit.phrase.isascii():
            # 丙酮 inside 丙酮酸 is another substance.
            if after and after in _CHEMICAL_AFTER:
                continue
            if entry.kind in ("cas", "plastic") and before and before in _CHEMICAL_BEFORE:
                continue
        elif are_pieces(text, hit.start, hit.end):
            continue  # 500 pc are pieces
        elif _is_otherwise(text, hit.start, hit.end) or (before == "." and hit.phrase[0].isdigit()):
            continue
        if claims.take(hit.start, hit.end):
            keeps = hit.value.keeps_word and hit.phrase != entry.code
            kind = "cas" if entry.kind == "cas" else "grade"
            found.append(Code(kind, entry.code, hit.start, hit.end, zh=entry.zh, en=entry.en, keeps_word=keeps))
    return found + apply_rules(folded, _AFTER, claims)
