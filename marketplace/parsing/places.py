"""Places in a text: which region is meant, and whether goods come from there or go there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.phrases import Found, PhraseBook
from marketplace.parsing.regions import (
    Area,
    ancestors,
    areas,
    distance_km,
    homonyms,
    is_within,
    place_name,
    regions,
    short_name,
)

__all__ = [
    "PlaceMention",
    "ancestors",
    "distance_km",
    "find_place",
    "find_places",
    "is_within",
    "place_name",
    "regions",
]

ORIGIN, DESTINATION, LOCATED = "origin", "destination", "located"
# Short names that are everyday words: they count only with their level (白银市) or inside a chain (甘肃白银).
_EVERYDAY = frozenset(
    {"来宾", "白银", "阿里", "玉树", "海东", "海西", "海北", "黄南", "山南", "河池", "中卫", "海南藏族", "朝阳", "三明"}
)
_EVERYDAY_ENGLISH = frozenset({"aba", "ili", "hami", "dali", "baise", "china"})
# 西湖龙井, 普洱茶, 大理石, 哈密瓜: a name of goods, not where they are.
_GOODS_AFTER = re.compile(
    r"[ ]?(?:度|石|瓜|玉|毛峰|毛尖|龙井|瓜片|白茶|红茶|绿茶|黑茶|茶|岩茶|铁观音|大红袍|祁门|火腿|大米|陶瓷|路|街|大道|银行|大学|(?:white |black |green |red )?teas?(?![a-z])|longjing|ham(?![a-z]))"
)
_AND = r"[ ]?(?:、|,|/|和|及|与|或|以及|and|or|&)[ ]?"
_DESTINATION_BEFORE = re.compile(
    r"(?:送货?[到至往]?|运[到至往]|发[到至往货]*[到至往]|寄[到至]|交货?(?:地[点址]?|到|至|于)|交付(?:地[点址]?|到|至|于)|配送(?:[到至]|范围|区域|地[点址]?)?|收货地[点址]?|到货地[点址]?|到货|目的地|目的港|送达|抵达|销往|供货(?:范围|区域|到|至)?|供应(?:到|至)|服务(?:范围|区域|于)|覆盖|面向|可[送到发]|包送|包邮|运[费输][到至]|[到至往]"
    r"|(?<![a-z])(?:to|deliver(?:y|ed|ies|s)?(?: to| in| at| address| place| within)?|ship(?:ped|ping|s)?(?: to)?|destination|cif|cfr|ddp|dap|dat|cpt|cip|serv(?:ing|es|e|ice area)|covering|send to|sent to|bound for|arriv(?:e|ing)(?: at| in)?|buyer in|customers? in|needed in|required in|wanted in|for (?:our )?(?:plant|factory|site|warehouse) in))[ :]*$"
)
_ORIGIN_BEFORE = re.compile(
    r"(?:产地|原产地|原产|货源地?|发货地[点址]?|出货地|起运地|起运港|提货地[点址]?|装货地|仓库[在位于]*|[从自]|来自|出自|产自|产于"
    r"|(?<![a-z])(?:from|origin|origins?(?: of)?|made in|produced in|manufactured in|fob|exw|fca|fas|ex[ -]?works|ex|ex[ -]warehouse|out of))[ :]*$"
)
# Where somebody is: a supply's goods start there, a demand's end there.
_LOCATED_BEFORE = re.compile(
    r"(?:位于|坐落[于在]?|地处|地址|所在地|地点|工厂在|厂在|在"
    r"|(?<![a-z])(?:located (?:in|at|near)|situated in|in|at|near|based in|warehouse in|stock in|factory in|plant in))[ :]*$"
)
_DESTINATION_AFTER = re.compile(
    r"[省市县区港]?[ ]?(?:交货|到货|收货|签收|送达|验收|交付|到岸|使用|项目|工地|delivery(?![a-z])|destination)"
)
_ORIGIN_AFTER = re.compile(
    r"[省市县区港]?[ ]?(?:自提|提货|发货|出货|出厂|发运|起运|装运|产(?![能量品业])|生产|制造|厂家|工厂|厂|仓库|仓|现货|库存|基地|本地|离岸|origin|made|based|factory|warehouse|pickup|pick-up|manufacturer|supplier)"
)
_CHAIN = re.compile(
    r"[ ]?,?[ ]?(?:(?:province|city|prefecture|county|district|prov\.?)[ ]?,?[ ]?)?(?:[省市县区州盟][ ]?,?)?[ ]?$"
)
_LIST = re.compile(rf"[省市县区]?(?:{_AND})+$|[ ]?$")
_LEVEL_AFTER = re.compile(r"[ ]?(?:province|city|prefecture|county|district)(?![a-z])|[省市县区州](?![内外政场])")


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """Places named at folded text[start:end]; `role` is origin, destination, located (who speaks is there) or None."""

    codes: tuple[str, ...]
    start: int
    end: int
    role: str | None
    zh: str
    en: str
    is_ambiguous: bool = False
    is_everywhere: bool = False


@dataclass(frozen=True, slots=True)
class _Name:
    """What a spelling may mean; `is_full` says the level is in the name (台州市)."""

    codes: tuple[str, ...]
    is_full: bool = False
    area: Area | None = None


@cache
def _book() -> PhraseBook[_Name]:
    found: dict[str, dict[str, bool]] = {}

    def say(spelling: str, code: str, *, is_full: bool) -> None:
        if len(spelling) >= 2:
            codes = found.setdefault(fold(spelling).text, {})
            codes[code] = codes.get(code, False) or is_full

    for region in regions().values():
        short = short_name(region.name_zh)
        say(region.name_zh, region.code, is_full=True)
        if short != region.name_zh:
            say(short, region.code, is_full=False)
            if region.level == 3 and len(short) == 2 and short.endswith(("江", "海", "山", "州", "阳")):
                say(f"{short}县", region.code, is_full=True)  # a county before it became a city
        english = region.name_en
        say(english, region.code, is_full=False)
        if "'" in english:
            say(english.replace("'", ""), region.code, is_full=False)
        if "v" in english:
            say(english.replace("v", "u"), region.code, is_full=False)
    for other, code in {"xizang": "540000", "nei mongol": "150000", "neimenggu": "150000", "macau": "820000", "hongkong": "810000", "香港": "810000", "澳门": "820000", "台湾": "710000", "内蒙": "150000", "两江新区": "500000", "前海": "440300", "滨海新区": "120116", "pudong new area": "310115", "binhai new area": "120116"}.items():  # fmt: skip
        say(other, code, is_full=False)
    phrases = {spelling: _Name(tuple(codes), all(codes.values())) for spelling, codes in found.items()}
    phrases |= {spelling: _Name(area.codes, area=area) for spelling, area in areas().items()}
    return PhraseBook(phrases)


def _narrow(codes: tuple[str, ...], spelling: str) -> tuple[str, ...]:
    """Return the outermost of the places a name may mean: 朝阳 the city before 朝阳 the district."""
    if spelling in homonyms():
        return (homonyms()[spelling], *(code for code in codes if code != homonyms()[spelling]))
    level = min(regions()[code].level for code in codes)
    outer = tuple(code for code in codes if regions()[code].level == level)
    return outer + tuple(code for code in codes if code not in outer)


def find_places(folded: Folded) -> list[PlaceMention]:
    """Return the places of the text in its order; a chain (浙江台州玉环; Yuhuan, Taizhou, Zhejiang) is one.

    >>> [(place.codes, place.role) for place in find_places(fold("玉环发货, 30 天内到台州"))]
    [(('331083',), 'origin'), (('331000',), 'destination')]
    """
    mentions: list[PlaceMention] = []
    for chain in _chains(folded.text):
        mention = _settle(folded.text, chain, mentions)
        if mention is not None:
            mentions.append(mention)
    return mentions


def _chains(text: str) -> Iterator[list[Found[_Name]]]:
    """Yield the names that stand side by side, each within the other or around it."""
    chain: list[Found[_Name]] = []
    for found in _book().find(text):
        if chain and _CHAIN.match(text[chain[-1].end : found.start] + "") and _related(chain, found):
            chain.append(found)
            continue
        if chain:
            yield chain
        chain = [found]
    if chain:
        yield chain


def _related(chain: list[Found[_Name]], found: Found[_Name]) -> bool:
    if found.value.area or chain[-1].value.area:
        return False
    return any(
        is_within(one, other) or is_within(other, one) for one in chain[-1].value.codes for other in found.value.codes
    )


def _settle(text: str, chain: list[Found[_Name]], before: list[PlaceMention]) -> PlaceMention | None:
    first, end = chain[0], chain[-1].end
    role = _role(text, first.start, end, before)
    if first.value.area:
        area = first.value.area
        if first.phrase in _EVERYDAY_ENGLISH and role is None:
            return None
        return PlaceMention(
            area.codes, first.start, end, role, area.name_zh, area.name_en, is_everywhere=not area.codes
        )
    codes = _consistent(chain) if len(chain) > 1 else _narrow(first.value.codes, first.phrase)
    if not codes or _GOODS_AFTER.match(text, end) or (len(chain) == 1 and not _is_certain(text, first, codes, role)):
        return None
    level = regions()[codes[0]].level
    rivals = [code for code in codes[1:] if regions()[code].level == level]
    # 鼓楼区 is in five cities: no guess is better than a wrong one.
    if rivals and level == 3 and first.phrase not in homonyms():
        return None
    is_ambiguous = bool(rivals) or (first.phrase in homonyms() and len(chain) == 1 and len(codes) > 1)
    zh, en = _note(rivals) if is_ambiguous else ("", "")
    names = place_name(codes[0], "zh") + zh, place_name(codes[0], "en") + en
    return PlaceMention((codes[0],), first.start, end, role, *names, is_ambiguous)


def _note(rivals: list[str]) -> tuple[str, str]:
    if not rivals:
        return "", ""
    zh = "、".join(place_name(code, "zh") for code in rivals[:3])
    en = "; ".join(place_name(code, "en") for code in rivals[:3])
    return f"（也可能是{zh}）", f" (could also be {en})"


def _consistent(chain: list[Found[_Name]]) -> tuple[str, ...]:
    """Return the places that lie in all names of a chain; of a city and its district of one name, the city."""
    candidates = sorted({code for found in chain for code in found.value.codes}, key=lambda c: (regions()[c].level, c))
    fitting = tuple(
        code
        for code in candidates
        if all(any(is_within(code, around) for around in found.value.codes) for found in chain)
    )
    if not fitting:
        return ()
    level = regions()[fitting[0]].level
    return tuple(code for code in fitting if regions()[code].level == level)


def _is_certain(text: str, found: Found[_Name], codes: tuple[str, ...], role: str | None) -> bool:
    """Say whether a name that stands alone is really a place."""
    region = regions()[codes[0]]
    has_level = found.value.is_full or bool(_LEVEL_AFTER.match(text, found.end))
    if found.phrase in _EVERYDAY or found.phrase in _EVERYDAY_ENGLISH:
        return has_level or role is not None
    if text[found.start - 1 : found.start] == "长" and found.phrase == "白山":
        return False
    if region.level < 3:
        return True
    # County names are often words (平安, 和平, 资源): the industrial ones, their level or what stands around them decides.
    if found.value.is_full and len(found.phrase) >= 3:
        return True
    if region.centre is not None:
        return True
    return has_level or (role is not None and not found.phrase.isascii())


def _role(text: str, start: int, end: int, before: list[PlaceMention]) -> str | None:
    left = text[max(0, start - 40) : start]
    if _DESTINATION_AFTER.match(text, end):
        return DESTINATION
    if _DESTINATION_BEFORE.search(left):
        return DESTINATION
    if _ORIGIN_AFTER.match(text, end) or _ORIGIN_BEFORE.search(left):
        return ORIGIN
    if _LOCATED_BEFORE.search(left):
        return LOCATED
    # 送浙江、江苏和上海: a list goes where its first goes.
    if (
        before
        and before[-1].role
        and _LIST.fullmatch(text[before[-1].end : start])
        and text[before[-1].end : start].strip()
    ):
        return before[-1].role
    return None


@lru_cache(maxsize=4096)
def find_place(text: str) -> str | None:
    """Return the code of the place that a code or a name means, or None if none does; the innermost place wins.

    >>> find_place("台州"), find_place("浙江台州玉环"), find_place("Taizhou, Jiangsu"), find_place("321200"), find_place("Atlantis")
    ('331000', '331083', '321200', '321200', None)
    """
    plain = fold(text).text
    if re.fullmatch(r"\d{2}|\d{4}|\d{6}", plain) and (code := plain.ljust(6, "0")) in regions():
        return code
    whole = _book().get(plain)
    if whole is not None and not whole.area:
        codes = _narrow(whole.codes, plain)
        level = regions()[codes[0]].level
        rivals = [code for code in codes[1:] if regions()[code].level == level]
        return codes[0] if not rivals or plain in homonyms() or level < 3 else None
    found = [place for place in find_places(fold(text)) if len(place.codes) == 1]
    return found[0].codes[0] if len(found) == 1 else None
