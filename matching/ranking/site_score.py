"""How well a space keeps what a firm asks of it, wish by wish; the points of the reasons sum to the score.

The ranker learned from trade in goods knows one share of attributes that are met. Who looks for a place asks for ten
things of unlike kinds and takes a compromise: here each wish counts by itself, and a number by how far it is missed.
"""

from collections.abc import Mapping

from marketplace.parsing.regions import distance_km
from matching.ranking.agreement import bounds, meets
from matching.ranking.closeness import AT_LEAST, AT_MOST
from matching.ranking.explanation import Reason, value_label
from matching.ranking.facts import ListingFacts

# What no wish weighs alone: a limit that a rule keeps hard counts double a soft one.
HARD, SOFT = 2.0, 1.0
AREA, RENT, PLACE, WORDS = 2.0, 3.0, 3.0, 0.5
# What is not said may be so: the parks leave much unsaid.
UNSAID = 0.45
# A miss of a fifth of the limit halves what a wish counts, 40 km off what the place counts.
HALVED, HALF_WAY_KM = 0.2, 40.0


def site_score(
    wish: ListingFacts, site: ListingFacts, *, words: float, ratio: float | None
) -> tuple[float, list[Reason]]:
    """Return the score in 0 … 100 and its reasons, the weightiest first.

    Each part p has a weight w_p and is kept to the share u_p in [0, 1]; its points are 100 w_p u_p / Σ w.

    :param words: how close the texts are, in [0, 1]
    :param ratio: the site's rent over the highest the firm pays, None where one of them does not say
    """
    parts = [("text", WORDS, max(0.0, min(1.0, words)), f"文字相近 {words:.0%}", f"Texts are close: {words:.0%}")]
    parts += [_wish(key, wish, site) for key in sorted(wish.attributes)]
    if wish.quantity:
        parts.append(_area(wish, site))
    if wish.price_max:
        parts.append(_rent(ratio))
    if wish.region:
        parts.append(_place(wish, site))
    total = sum(weight for _name, weight, *_rest in parts)
    reasons = [Reason(name, 100 * weight * kept / total, zh, en) for name, weight, kept, zh, en in parts]
    # The smaller share is no reason to shorten: what got nothing is told too, last.
    reasons.sort(key=lambda reason: -reason.points)
    return sum(reason.points for reason in reasons), reasons


def kept(offered: object, wanted: object, rule: str) -> float:
    """Return how far a wish is kept, in [0, 1]: 1 / (1 + (m / (L / 5))²) for a limit L that is missed by m.

    >>> kept(10, 10, "at_least"), kept(8, 10, "at_least"), kept("a", "b", "equal"), kept(None, 1, "soft") == UNSAID
    (1.0, 0.5, 0.0, True)
    """
    if offered is None:
        return UNSAID
    if meets(offered, wanted, rule):
        return 1.0
    low, high = bounds(offered), bounds(wanted)
    if low is None or high is None or rule == "equal":
        return 0.0
    if rule in AT_LEAST:
        missed, limit = high[0] - low[1], high[0]
    elif rule in AT_MOST:
        missed, limit = low[0] - high[1], high[1]
    else:
        missed, limit = max(high[0] - low[1], low[0] - high[1]), high[1]
    return 1 / (1 + (missed / (HALVED * abs(limit) or 1.0)) ** 2)


def _wish(key: str, wish: ListingFacts, site: ListingFacts) -> tuple[str, float, float, str, str]:
    rules: Mapping = wish.properties.get(key) or site.properties.get(key) or {}
    rule = str(rules.get("match", "soft"))
    wanted, offered = wish.attributes[key], site.attributes.get(key)
    weight = HARD if rule in ("equal", "at_least", "at_most", "overlap") else SOFT
    share = kept(offered, wanted, rule)
    texts = []
    for language, fits, differs, silent in (
        ("zh", "{title}符合：{offered}", "{title}：要 {wanted}，供 {offered}", "{title}未注明（要 {wanted}）"),
        (
            "en",
            "{title} fits: {offered}",
            "{title}: {wanted} wanted, {offered} offered",
            "{title} is not stated ({wanted} wanted)",
        ),
    ):
        pattern = silent if offered is None else fits if share == 1.0 else differs
        title = str(rules.get(f"title_{language}") or key)
        values = {
            name: value_label(value, rules, language) for name, value in (("wanted", wanted), ("offered", offered))
        }
        texts.append(pattern.format(title=title, **values))
    return f"attribute.{key}", weight, share, texts[0], texts[1]


def _area(wish: ListingFacts, site: ListingFacts) -> tuple[str, float, float, str, str]:
    if site.quantity is None or site.unit != wish.unit:
        return "quantity", AREA, UNSAID, "面积未注明", "The area is not stated"
    zh = f"面积：要 {wish.quantity:g}，供 {site.quantity:g}"
    en = f"Area: {wish.quantity:g} wanted, {site.quantity:g} offered"
    return "quantity", AREA, kept(site.quantity, wish.quantity, "at_least"), zh, en


def _rent(ratio: float | None) -> tuple[str, float, float, str, str]:
    if ratio is None:
        return "price", RENT, UNSAID, "租金未注明", "The rent is not stated"
    # At the limit a rent is just bearable; a third below it nobody asks for less.
    share = max(0.0, min(1.0, 0.6 + 1.2 * (1 - ratio)))
    if ratio > 1:
        return "price", RENT, share, f"租金高于上限 {ratio - 1:.0%}", f"The rent is {ratio - 1:.0%} above the limit"
    return "price", RENT, share, f"租金低于上限 {1 - ratio:.0%}", f"The rent is {1 - ratio:.0%} below the limit"


def _place(wish: ListingFacts, site: ListingFacts) -> tuple[str, float, float, str, str]:
    km = distance_km(site.region, wish.region) if site.region else None
    if km is None:
        return "distance", PLACE, UNSAID, "位置未注明", "The place is not stated"
    share = 1 / (1 + (km / HALF_WAY_KM))
    return "distance", PLACE, share, f"距所要的地点约 {km:.0f} km", f"About {km:.0f} km from where it is wanted"
