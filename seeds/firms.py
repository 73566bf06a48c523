"""Firms that could exist: names, codes, places, what they make and what they need (no Django here)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from marketplace.parsing.regions import regions
from seeds.trades import VOCABULARY, trades_named

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# A firm's catalogue is narrower than its trade.
MOST_SOLD, MOST_BOUGHT, MOST_OF_EVERYONES = 14, 14, 2


@dataclass(frozen=True, slots=True)
class Firm:
    """An organisation of the demo: every name ends with （演示） or (demo), every code has DEM in it.

    ``sells`` and ``buys`` are codes of categories; ``price_level`` multiplies what its goods cost; ``share`` says how
    much of the market's posts are its own; ``on_time_rate`` is the share of its ``deliveries`` that came on time.
    """

    number: int
    kind: str
    key: str
    cluster: str
    name_zh: str
    name_en: str
    uscc: str
    region: str
    industry: str
    contact_name: str
    contact_phone: str
    contact_email: str
    about_zh: str
    about_en: str
    sells: tuple[str, ...] = ()
    buys: tuple[str, ...] = ()
    price_level: float = 1.0
    share: float = 1.0
    on_time_rate: float = 0.9
    deliveries: int = 0


@cache
def vocabulary() -> dict:
    return json.loads((VOCABULARY / "firms.json").read_text("utf-8"))


def make_uscc(number: int, region: str) -> str:
    """Return the valid code of the nth made-up firm; DEM stands where real firms have their own characters.

    The 17th character is the check digit of the firm's register number (GB 11714), the 18th of the whole (GB 32100).

    >>> make_uscc(1, "331083")
    '91331083DEM000014P'
    """
    register = f"DEM{_base31(number):0>5}"
    total = sum(int(char, 36) * weight for char, weight in zip(register, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    body = f"91{region}{register}{'0123456789X'[-total % 11]}"
    return body + ALPHABET[-sum(ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body)) % 31]


def _base31(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 31)
        digits = ALPHABET[digit] + digits
    return digits


def make_firms(count: int, *, random_state: int = 0) -> list[Firm]:
    """Return that many firms, always the same ones for one seed; the first are those of `special_firms`."""
    random = Random(f"firms {random_state}")  # noqa: S311 -- made-up data, not a secret
    firms, taken = special_firms(), set()
    businesses = [
        (cluster, name, business)
        for name, cluster in vocabulary()["clusters"].items()
        for business in cluster["businesses"]
    ]
    shares = {
        name: cluster["share"] / sum(business["share"] for business in cluster["businesses"])
        for name, cluster in vocabulary()["clusters"].items()
    }
    weights = list(accumulate(shares[name] * business["share"] for _, name, business in businesses))
    while len(firms) < count:
        number = len(firms) + 1
        # Each business is there once before chance decides.
        place = number - len(special_firms()) - 1
        chosen = businesses[place] if place < len(businesses) else random.choices(businesses, cum_weights=weights)[0]
        firms.append(_firm(number, *chosen, random, taken))
    return firms[:count]


def special_firms() -> list[Firm]:
    """Return the park operators, the bank, the insurer, the guarantor, the studio, and the two of the main story."""
    entries = vocabulary()["special"] + vocabulary()["story"]
    return [
        _named(number, entry, cluster=entry.get("cluster", "pumps_valves"), random=Random(number))  # noqa: S311
        for number, entry in enumerate(entries, start=1)
    ]


def _named(number: int, entry: dict, *, cluster: str, random: Random) -> Firm:
    slug = entry.get("key") or f"firm{number}"
    surname = random.choice(vocabulary()["surnames"])
    place = regions()[entry["region"]]
    sells, buys = sorted(entry.get("sells", ())), sorted(set(entry.get("buys", ())))
    return Firm(
        number=number,
        kind=entry.get("kind", "enterprise"),
        key=entry.get("key", ""),
        cluster=cluster,
        name_zh=f"{entry['name_zh']}（演示）",
        name_en=f"{entry['name_en']} (demo)",
        uscc=make_uscc(number, entry["region"]),
        region=entry["region"],
        industry=entry["industry"],
        contact_name=f"{surname}{random.choice(('先生', '女士'))}",
        # 170-0000 is not assigned to anybody, example.com to nobody.
        contact_phone=f"+86 170 0000 {number % 10000:04d}",
        contact_email=f"{slug.replace('_', '-')}@demo.example.com",
        about_zh=entry.get("about_zh") or f"演示数据：{entry['name_zh']}，位于{place.name_zh}，并非真实企业。",
        about_en=entry.get("about_en")
        or f"Demo data: {entry['name_en']}, in {place.name_en}. This firm does not exist.",
        sells=tuple(sells),
        buys=tuple(buys),
        price_level=entry.get("price_level") or float(f"{random.lognormvariate(0, 0.06):.3f}"),
        share=float(f"{random.lognormvariate(0, 0.7):.3f}") if sells or buys else 0.0,
        on_time_rate=entry.get("on_time_rate") or float(f"{min(0.99, random.betavariate(18, 2)):.3f}"),
        deliveries=entry.get("deliveries") or int(random.lognormvariate(3, 1)),
    )


def _firm(number: int, cluster: dict, cluster_name: str, business: dict, random: Random, taken: set[str]) -> Firm:
    places = vocabulary()["customers"] if business.get("away") or random.random() < 0.15 else cluster["places"]
    weights = list(places.values()) if isinstance(places, dict) else None
    region = random.choices(list(places), weights)[0]
    place, number_of_syllables = regions()[region], 2
    while True:
        brand = random.sample(vocabulary()["syllables"], number_of_syllables)
        name_zh = f"{_short(place.name_zh)}{''.join(zh for zh, _ in brand)}{business['zh']}有限公司"
        if name_zh not in taken:
            break
        # More firms than two syllables can tell apart.
        number_of_syllables = 3
    taken.add(name_zh)
    brand_en = "".join(en for _, en in brand).capitalize()
    return _named(
        number,
        {
            "name_zh": name_zh,
            "name_en": f"{place.name_en} {brand_en} {business['en']} Co., Ltd.",
            "region": region,
            "industry": business["industry"],
            "sells": _some(business["sells"], MOST_SOLD, random, "" if business.get("away") else region),
            "buys": _some(business["buys"], MOST_BOUGHT, random, "")
            + random.sample(vocabulary()["everyone_buys"], MOST_OF_EVERYONES),
        },
        cluster=cluster_name,
        random=random,
    )


@cache
def _codes(patterns: tuple[str, ...]) -> list[str]:
    return [trade.category.code for trade in trades_named(patterns)]


def _grows(code: str, region: str) -> bool:
    """Return whether a place has these goods of its own (no place: any); Rizhao's tea comes from Rizhao."""
    places = vocabulary()["only_from"].get(code)
    return not region or places is None or region.startswith(tuple(places))


def _some(patterns: Sequence[str], most: int, random: Random, region: str) -> list[str]:
    codes = [code for code in _codes(tuple(patterns)) if _grows(code, region)]
    return random.sample(codes, min(len(codes), most))


def _short(name: str) -> str:
    if name.endswith("新区"):
        return name[:-2]
    return name[:-1] if len(name) > 2 and name[-1] in "市县区" else name
