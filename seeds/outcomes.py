"""Outcomes of matches, drawn from a stated choice model until real deals exist (no Django, no clock here).

A market of made-up firms and listings is drawn (`make_listings`). A listing is the query; shown to its firm are
counterparts that the hard rules allow, in no order, so that a place in a list biases nothing. For each pair of a supply
and a demand the firms' utility is

    u = 2.0 category + 2.0 attributes + 1.2 text + 4.5 price + 1.2 quantity + 1.6 nearness + 0.9 punctuality
        + 5.0 record + e,    e ~ Logistic(0, 0.45)

category     1 for the same category, 0.4 within one family
attributes   share of the attributes that both state on which they agree, an attribute that only ranks counting half
text         share of the demand title's character pairs that the supply's title has too
price        room under the most the buyer pays, as a share of it, within ±0.5; 0 where it is open
quantity     square root of the part of the wanted quantity that is there, at most 1
nearness     exp(-km / 350)
punctuality  1 / (1 + exp(-slack / 5)), slack in days between the earliest arrival and the latest wanted
record       (on-time rate - 0.9) × min(1, deliveries / 20): few deliveries convince nobody

The grade is how far the two get: 0 nothing, 1 the offer is opened (u > 7.9), 2 they negotiate (u > 8.7), 3 they
close an order (u > 9.4), 4 it is also delivered on time, which happens at the supplier's own rate.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from random import Random

from marketplace.parsing.places import distance_km
from marketplace.parsing.units import convert, same_dimension
from matching.ranking.agreement import attribute_agreements
from matching.ranking.facts import ListingFacts
from matching.ranking.outcomes import as_record
from matching.retrieval.eligibility import why_not
from seeds.firms import Firm, make_firms
from seeds.generate import DemoListing, make_listings
from seeds.trades import catalogue

COEFFICIENTS = {
    "category": 2.0,
    "attributes": 2.0,
    "text": 1.2,
    "price": 4.5,
    "quantity": 1.2,
    "nearness": 1.6,
    "punctuality": 0.9,
    "record": 5.0,
}
NOISE, THRESHOLDS = 0.45, (7.9, 8.7, 9.4)
NEAR_KM, PATIENT_DAYS, KNOWN_DELIVERIES, USUAL_RATE = 350, 5, 20, 0.9
# A market of so many listings for each pair asked for gives queries enough counterparts, and no more repeats.
LISTINGS_PER_PAIR, FIRMS = 0.5, 400
SHOWN, FEWEST_SHOWN, TRIED = 12, 3, 48
DEMAND_SHARE = 0.7

HEADER = {
    "model": {
        "name": "choice model of the demo data",
        "coefficients": COEFFICIENTS,
        "noise": {"kind": "logistic", "scale": NOISE},
        "thresholds": THRESHOLDS,
        "nearness_km": NEAR_KM,
        "patience_days": PATIENT_DAYS,
        "grades": ["nothing", "opened", "negotiated", "ordered", "delivered on time"],
        "documented_in": "seeds/outcomes.py",
    }
}


def draw_outcomes(pairs: int, *, random_state: int = 0, today: date) -> Iterator[dict[str, object]]:
    """Yield what came of queries, until that many pairs are out: {"day", "query", "candidates": [{…, "grade"}]}."""
    random = Random(f"outcomes {random_state}")  # noqa: S311 -- made-up data, not a secret
    firms = make_firms(FIRMS, random_state=random_state)
    count = max(1_500, int(pairs * LISTINGS_PER_PAIR))
    listings = [
        as_facts(number, listing, firms)
        for number, listing in enumerate(make_listings(firms, count, random_state=random_state, today=today), start=1)
    ]
    shelves: dict[tuple[str, str], list[ListingFacts]] = {}
    for listing in listings:
        shelves.setdefault((listing.family, listing.side), []).append(listing)
    out = 0
    while out < pairs:
        side = "demand" if random.random() < DEMAND_SHARE else "supply"
        query = listings[int(len(listings) * random.random())]
        if query.side != side:
            continue
        shown = _shown(
            query, shelves.get((query.family, "supply" if side == "demand" else "demand"), ()), random, today
        )
        if len(shown) < FEWEST_SHOWN:
            continue
        shown = shown[: pairs - out]
        out += len(shown)
        yield {
            "day": today.isoformat(),
            "query": as_record(query),
            "candidates": [
                as_record(candidate) | {"grade": draw_grade(*_pair(query, candidate), random, today)}
                for candidate in shown
            ],
        }


def _pair(query: ListingFacts, candidate: ListingFacts) -> tuple[ListingFacts, ListingFacts]:
    return (query, candidate) if query.side == "supply" else (candidate, query)


def _shown(
    query: ListingFacts, counterparts: Sequence[ListingFacts], random: Random, today: date
) -> list[ListingFacts]:
    tried = random.sample(counterparts, min(TRIED, len(counterparts)))
    allowed = [candidate for candidate in tried if not why_not(*_pair(query, candidate), today)]
    return allowed[:SHOWN]


def draw_grade(supply: ListingFacts, demand: ListingFacts, random: Random, today: date) -> int:
    """Return how far the two get, 0 to 4."""
    chance = min(max(random.random(), 1e-12), 1 - 1e-12)
    felt = utility(supply, demand, today) + NOISE * math.log(chance / (1 - chance))
    grade = sum(felt > threshold for threshold in THRESHOLDS)
    return grade + (grade == len(THRESHOLDS) and random.random() < (supply.on_time_rate or USUAL_RATE))


def utility(supply: ListingFacts, demand: ListingFacts, today: date) -> float:
    """Return the two firms' utility without its noise: the weighted sum of `terms`."""
    return sum(COEFFICIENTS[name] * value for name, value in terms(supply, demand, today).items())


def terms(supply: ListingFacts, demand: ListingFacts, today: date) -> dict[str, float]:
    """Return each term of the utility before its coefficient, named as `COEFFICIENTS`."""
    return {
        "category": 1.0 if supply.category == demand.category else 0.4 if supply.family == demand.family else 0.0,
        "attributes": _attributes(supply, demand),
        "text": _text(supply.text, demand.text),
        "price": _price(supply, demand),
        "quantity": _quantity(supply, demand),
        "nearness": _nearness(supply, demand),
        "punctuality": _punctuality(supply, demand, today),
        "record": ((supply.on_time_rate or USUAL_RATE) - USUAL_RATE) * min(1.0, supply.deliveries / KNOWN_DELIVERIES),
    }


def _attributes(supply: ListingFacts, demand: ListingFacts) -> float:
    known = [one for one in attribute_agreements(supply, demand) if one.is_met is not None]
    weights = [0.5 if one.rule == "soft" else 1.0 for one in known]
    if not known:
        return 0.5
    return sum(weight for one, weight in zip(known, weights, strict=True) if one.is_met) / sum(weights)


def _text(supply: str, demand: str) -> float:
    asked, offered = (_pairs_of_characters(text.split("\n", 1)[0]) for text in (demand, supply))
    return len(asked & offered) / len(asked) if asked else 0.0


def _pairs_of_characters(text: str) -> set[str]:
    text = text.lower().replace(" ", "")
    return {text[place : place + 2] for place in range(len(text) - 1)}


def _price(supply: ListingFacts, demand: ListingFacts) -> float:
    if supply.price_min is None or not demand.price_max or supply.currency != demand.currency:
        return 0.0
    return max(-0.5, min(0.5, (demand.price_max - supply.price_min) / demand.price_max))


def _quantity(supply: ListingFacts, demand: ListingFacts) -> float:
    if supply.quantity is None or not demand.quantity or not same_dimension(supply.unit, demand.unit):
        return 0.5
    return math.sqrt(min(1.0, convert(supply.quantity, supply.unit, demand.unit) / demand.quantity))


def _nearness(supply: ListingFacts, demand: ListingFacts) -> float:
    kilometres = distance_km(supply.region, demand.region)
    return 0.3 if kilometres is None else math.exp(-kilometres / NEAR_KM)


def _punctuality(supply: ListingFacts, demand: ListingFacts, today: date) -> float:
    if demand.window_end is None or supply.lead_days is None:
        return 0.5
    slack = (demand.window_end - today).days - supply.lead_days
    return 1 / (1 + math.exp(-max(-60, min(60, slack)) / PATIENT_DAYS))


def as_facts(number: int, listing: DemoListing, firms: Sequence[Firm]) -> ListingFacts:
    """Return the listing as the hard rules and the ranker know it, with its firm's record."""
    fields, firm = listing.fields, firms[listing.firm - 1]
    spec = catalogue().get(fields["category"])
    texts = [fields.get(name, "") for name in ("title_zh", "title_en", "text_zh", "text_en")]
    is_supply = fields["side"] == "supply"
    return ListingFacts(
        id=number,
        organisation=firm.number,
        side=fields["side"],
        text="\n".join(filter(None, (*texts, spec.name_zh, spec.name_en))),
        kind=fields["kind"],
        category=spec.code,
        family=catalogue().family(spec.code),
        ancestors=tuple(above.code for above in catalogue().ancestors(spec.code)),
        attributes=fields["attributes"],
        properties={key: {"match": spec.attributes[key]["match"]} for key in fields["attributes"]},
        quantity=float(fields["quantity"]),
        unit=fields["unit"],
        minimum_order=fields.get("minimum_order"),
        price_min=fields.get("price_min"),
        price_max=fields.get("price_max"),
        currency=fields["currency"],
        price_unit=fields["price_unit"],
        region=fields["region"],
        delivery_regions=tuple(fields.get("delivery_regions", ())),
        window_start=fields.get("window_start"),
        window_end=fields["window_end"],
        lead_days=fields.get("lead_days"),
        certificates=frozenset(one["code"] for one in fields.get("certificates", ())),
        required_certificates=frozenset(fields.get("required_certificates", ())),
        on_time_rate=firm.on_time_rate if is_supply and firm.deliveries else None,
        deliveries=firm.deliveries if is_supply else 0,
    )
