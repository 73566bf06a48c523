"""Regions by GB/T 2260: codes, names in Chinese and English, centres and distances."""

import csv
import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "places"
EARTH_RADIUS_KM = 6371.0
_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|"
    "撒拉|毛南|仡佬|锡伯|塔吉克|怒|鄂温克|保安|裕固|独龙|普米|各"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{_PEOPLES})族?)*(?:自治州|自治县|自治旗)$")
_LEVEL_WORDS = ("特别行政区", "自治区", "新区", "地区", "林区", "省", "市", "盟", "县", "旗", "区")


@dataclass(frozen=True, slots=True)
class Region:
    """A province, prefecture or county; the centre of a county may be unknown."""

    code: str
    name_zh: str
    name_en: str
    centre: tuple[float, float] | None

    @property
    def level(self) -> int:
        return 1 if self.code.endswith("0000") else 2 if self.code.endswith("00") else 3


@dataclass(frozen=True, slots=True)
class Area:
    """Several provinces under one name; none means the whole country."""

    name_zh: str
    name_en: str
    codes: tuple[str, ...]


def rows(name: str, delimiter: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


@cache
def regions() -> dict[str, Region]:
    """Return the regions by code.

    >>> regions()["331083"].name_en
    'Yuhuan'
    """
    found = {}
    for row in rows("regions.csv", ","):
        centre = (float(row["latitude"]), float(row["longitude"])) if row["latitude"] else None
        found[row["code"]] = Region(row["code"], row["name_zh"], row["name_en"], centre)
    return found


@cache
def areas() -> dict[str, Area]:
    """Return the areas of several provinces by folded name, in both languages.

    >>> areas()["江浙沪"].codes
    ('310000', '320000', '330000')
    """
    found = {}
    for row in rows("areas.tsv", "\t"):
        zh, en = row["name_zh"].split(";"), row["name_en"].split(";")
        area = Area(zh[0], en[0].title(), tuple(filter(None, row["codes"].split(";"))))
        found |= dict.fromkeys((*zh, *en), area)
    return found


@cache
def homonyms() -> dict[str, str]:
    """Return the code that a name of several places means when nothing else tells."""
    return {row["name"]: row["code"] for row in rows("homonyms.tsv", "\t")}


def ancestors(code: str) -> tuple[str, ...]:
    """Return the codes of the regions around a region, the nearest first.

    >>> ancestors("331083"), ancestors("110105")
    (('331000', '330000'), ('110000',))
    """
    return tuple(around for around in (f"{code[:4]}00", f"{code[:2]}0000") if around != code and around in regions())


def is_within(code: str, around: str) -> bool:
    """Say whether a region is the other or lies in it.

    >>> is_within("331083", "330000"), is_within("330000", "331083")
    (True, False)
    """
    return code == around or around in ancestors(code)


def short_name(name: str) -> str:
    """Return a Chinese name without the word for its level.

    >>> short_name("台州市"), short_name("内蒙古自治区"), short_name("恩施土家族苗族自治州"), short_name("单县")
    ('台州', '内蒙古', '恩施', '单县')
    """
    if name.endswith("自治区"):
        return re.sub(r"(?:维吾尔|回族|壮族)?自治区$", "", name)
    plain = _AUTONOMOUS.sub("", name)
    if plain != name and len(plain) >= 2:
        return plain
    for word in _LEVEL_WORDS:
        if name.endswith(word) and len(name) - len(word) >= 2:
            return name[: -len(word)]
    return name


def place_name(code: str, language: str) -> str:
    """Return how a place is called, with what lies around it.

    >>> place_name("331083", "zh"), place_name("331083", "en"), place_name("330000", "en")
    ('浙江省台州市玉环市', 'Yuhuan, Taizhou, Zhejiang', 'Zhejiang')
    """
    known = regions()
    if code not in known:
        return code
    around = [known[code], *(known[other] for other in ancestors(code))]
    if language.startswith("zh"):
        return "".join(region.name_zh for region in reversed(around))
    return ", ".join(region.name_en for region in around)


def centre(code: str) -> tuple[float, float] | None:
    """Return latitude and longitude of a place, or of the nearest region around it that has them."""
    for around in (code, *ancestors(code)):
        region = regions().get(around)
        if region is not None and region.centre is not None:
            return region.centre
    return None


@lru_cache(maxsize=1 << 16)
def distance_km(code: str, other: str) -> float | None:
    """Return the kilometres between the centres of two places along the great circle, or None if one is unknown.

    >>> round(distance_km("331083", "331000")), distance_km("331083", "331083"), distance_km("331083", "999999")
    (61, 0.0, None)
    """
    here, there = centre(code), centre(other)
    return None if here is None or there is None else kilometres(here, there)


def kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the great circle between two points, each latitude and longitude in degrees."""
    (latitude, longitude), (other_latitude, other_longitude) = (map(math.radians, point) for point in (here, there))
    haversine = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin((other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, haversine)))
