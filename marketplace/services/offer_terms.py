"""What an offer says: checked as it comes in, drafted for who makes the next one, and compared with the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Incoterm, Listing, Message, Negotiation, Offer, Organisation, Park
from marketplace.models.terms import TermLine, Terms
from marketplace.parsing import draft_fields
from marketplace.parsing.deal_terms import read_deal_terms
from marketplace.parsing.draft_fields import ProblemError
from marketplace.services import holds
from marketplace.services.said_fields import in_my_language

LONGEST_VALIDITY = timedelta(days=180)
USUAL_VALIDITY = timedelta(days=7)
USUAL_DELIVERY = timedelta(days=30)
# Where several goods are dealt at once, not every line is of the listing's kind.
LENIENT_ORIGINS = (Negotiation.Origin.QUOTATION, Negotiation.Origin.POOL)


@dataclass(frozen=True, slots=True)
class CheckedOffer:
    """Cleaned terms, lines and validity, as the rows keep them."""

    terms: dict[str, Any]
    lines: list[dict[str, Any]]
    valid_until: datetime


def check_offer(
    *,
    negotiation: Negotiation,
    side: str,
    terms: Mapping[str, object],
    lines: Sequence[Mapping[str, object]],
    valid_until: object,
    now: datetime,
) -> CheckedOffer:
    """Return the offer as it can be kept.

    :raises InputRefused: naming each field that cannot be taken (``lines.0.quantity``)
    """
    terms = dict(terms)
    errors: dict[str, list[str]] = {}
    park = _park(terms.pop("park", None), errors)
    deal = read_deal_terms(terms, lines, today=timezone.localdate(now), has_park=park is not None or bool(errors))
    errors |= {name: [in_my_language(problem) for problem in found] for name, found in deal.problems.items()}
    until = _validity(valid_until, now, errors)
    for position, line in enumerate(deal.lines):
        if not {"quantity", "unit"} <= line.keys() or line["kind"] == TermLine.Kind.CHARGE:
            continue
        _check_quantity(negotiation, side, f"lines.{position}", line, errors)
    if not any(name.startswith("lines") for name in errors):
        _check_sum(negotiation, side, deal.lines, errors)
    if errors:
        raise InputRefused(errors)
    return CheckedOffer({**deal.terms, "park": park}, deal.lines, until)


def _park(said: object, errors: dict) -> Park | None:
    if said in (None, ""):
        return None
    known = Park.objects.open()
    number = said.pk if isinstance(said, Park) else said
    found = known.filter(pk=int(number)).first() if str(number).isdigit() and len(str(number)) < 18 else None
    if found is None:
        errors["park"] = [_("There is no such park in service.")]
    return found


def _validity(said: object, now: datetime, errors: dict) -> datetime | None:
    if said in (None, ""):
        errors["valid_until"] = [_("Say until when the offer holds.")]
        return None
    try:
        until = draft_fields.moment(said)
    except ProblemError as problem:
        errors["valid_until"] = [in_my_language(problem)]
        return None
    if until <= now:
        errors["valid_until"] = [_("This moment is past.")]
    elif until > now + LONGEST_VALIDITY:
        errors["valid_until"] = [_("At most %(count)d days from now.") % {"count": LONGEST_VALIDITY.days}]
    return until


def amount_of(listing: Listing | None, line: Mapping[str, Any], negotiation: Negotiation) -> Decimal:
    """Return how much of the listing a line is of, in the listing's unit; nothing for a charge.

    :raises UnitNotConvertible: if it cannot be counted so, where the negotiation is about this one listing
    """
    if listing is None or line["kind"] == TermLine.Kind.CHARGE:
        return holds.NOTHING
    try:
        return holds.in_unit_of(listing, quantity=line["quantity"], unit=line["unit"])
    except holds.UnitNotConvertible:
        if negotiation.origin in LENIENT_ORIGINS:
            return holds.NOTHING
        raise


def held_before(negotiation: Negotiation, side: str) -> Decimal:
    """Return what this side's open offer holds, which its next offer sets free."""
    before = negotiation.offers.filter(status=Offer.Status.OPEN, side=side).prefetch_related("lines").first()
    return sum((line.held for line in before.lines.all()), holds.NOTHING) if before else holds.NOTHING


def _listings(negotiation: Negotiation) -> list[tuple[str, Listing]]:
    pairs = [(Offer.Side.SELLER, negotiation.supply), (Offer.Side.BUYER, negotiation.demand)]
    return [(owner, listing) for owner, listing in pairs if listing is not None]


def _check_quantity(negotiation: Negotiation, side: str, prefix: str, line: Mapping, errors: dict) -> None:
    for _owner, listing in _listings(negotiation):
        try:
            amount = amount_of(listing, line, negotiation)
        except holds.UnitNotConvertible as refusal:
            errors.setdefault(f"{prefix}.unit", []).append(str(refusal))
            continue
        if not amount and holds.is_counted(listing, line["unit"]):
            message = _("This is less than a thousandth of the listing's unit.")
            errors.setdefault(f"{prefix}.quantity", []).append(message)


def _check_sum(negotiation: Negotiation, side: str, lines: Sequence[Mapping], errors: dict) -> None:
    """Refuse more than is left: of what one's own listing has free, and of all that the other's has."""
    for owner, listing in _listings(negotiation):
        if listing.quantity is None:
            continue
        left = listing.quantity
        if owner == side:
            left = holds.left_of(listing) + held_before(negotiation, side)
        wanted = holds.NOTHING
        for position, line in enumerate(lines):
            wanted += amount_of(listing, line, negotiation)
            if wanted > left:
                refusal = _("Only %(left)s of “%(title)s” are left.") % {
                    "left": holds.said(left, listing.unit),
                    "title": listing.title,
                }
                errors.setdefault(f"lines.{position}.quantity", []).append(refusal)
                break


@dataclass(frozen=True, slots=True)
class Draft:
    """The terms, the lines and the validity that a form begins with."""

    terms: dict[str, Any]
    lines: list[dict[str, Any]]
    valid_until: datetime


def draft_terms(*, negotiation: Negotiation, organisation: Organisation, now: datetime) -> Draft:
    """Return sensible next terms: those of the last offer that was sent, or what the two listings say."""
    last = negotiation.offers.sent().with_lines().order_by("-number").first()
    until = timezone.localtime(now + USUAL_VALIDITY).replace(hour=18, minute=0, second=0, microsecond=0)
    if last is not None:
        lines = [{name: getattr(line, name) for name in TermLine.LINE_FIELDS} for line in last.lines.all()]
        return Draft(_not_past(last.terms(), timezone.localdate(now)), lines, until)
    supply, demand = negotiation.supply, negotiation.demand
    return Draft(_first_terms(supply, demand, timezone.localdate(now)), [_first_line(supply, demand)], until)


def _not_past(terms: dict[str, Any], today: date) -> dict[str, Any]:
    start = max(terms["window_start"], today)
    return {**terms, "window_start": start, "window_end": max(terms["window_end"], start)}


def _first_terms(supply: Listing | None, demand: Listing | None, today: date) -> dict[str, Any]:
    """Take place and dates from who needs the goods, the earliest date and the currency from who has them."""
    ready = today + timedelta(days=supply.lead_days or 0) if supply else today
    start, end = [], []
    for listing in filter(None, (supply, demand)):
        start.append(listing.window_start or today)
        end.append(listing.window_end)
    begins = max([today, *start])
    ends = min([day for day in end if day and day >= begins], default=max(begins, ready) + USUAL_DELIVERY)
    place = (demand.region or demand.organisation.region) if demand else ""
    is_delivered = bool(place)
    return {
        "currency": (supply or demand).currency,
        "tax_rate": Decimal(13),
        "price_includes_tax": True,
        "incoterm": Incoterm.DELIVERED if is_delivered else Incoterm.PICKUP,
        "park": None,
        "region": place or (supply.region if supply else ""),
        "address": demand.organisation.address if demand else "",
        "window_start": begins,
        "window_end": max(ends, begins),
        "payment_term": "net",
        "payment_days": 30,
        "deposit_percent": Decimal(0),
        "note": "",
    }


def _first_line(supply: Listing | None, demand: Listing | None) -> dict[str, Any]:
    """Take what is wanted from the demand and the price from the supply, each from the other where it is silent."""
    wanted = demand or supply
    quantity, unit = wanted.quantity, wanted.unit
    if supply and demand and supply.quantity is not None:
        quantity, unit = _the_lesser(demand, supply)
    priced = supply if supply and _price_of(supply) is not None else wanted
    price = _price_of(priced)
    if price is not None and priced.price_unit and unit and priced.price_unit != unit:
        price = _price_per(price, priced.price_unit, unit)
    facts = {**(supply.attributes if supply else {}), **(demand.attributes if demand else {})}
    schema = (wanted.category.schema if wanted.category else {}).get("properties", {})
    return {
        "kind": TermLine.Kind.GOODS,
        "description": wanted.title[:300],
        "specification": {
            "attributes": {key: _specified(value, schema.get(key, {})) for key, value in facts.items()},
            "text": "",
        },
        "quantity": quantity,
        "unit": unit or (wanted.category.unit if wanted.category else ""),
        "unit_price": price,
    }


def _the_lesser(demand: Listing, supply: Listing) -> tuple[Decimal, str]:
    if demand.quantity is None:
        return supply.quantity, supply.unit
    try:
        there = holds.in_unit_of(demand, quantity=holds.left_of(supply), unit=supply.unit)
    except holds.UnitNotConvertible:
        return demand.quantity, demand.unit
    return (min(there, demand.quantity) or demand.quantity), demand.unit


def _price_of(listing: Listing) -> Decimal | None:
    """Return the price a first offer names: the middle of the range, or the end that is said."""
    low, high = listing.price_min, listing.price_max
    if low is not None and high is not None:
        return ((low + high) / 2).quantize(Decimal("0.0001"))
    return low if high is None else high


def _price_per(price: Decimal, unit: str, other: str) -> Decimal | None:
    """Return a price per one unit as the price per another, or nothing where they cannot be compared."""
    factor = holds.factor_between(other, unit)
    return (price * factor).quantize(Decimal("0.0001")) if factor else None


def _specified(value: object, rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute as inspection reads it: a range as its ends, the rest as a value, with the schema's unit."""
    unit = {"unit": rules["unit"]} if rules.get("unit") else {}
    if isinstance(value, Mapping):
        return {**{end: value[end] for end in ("min", "max") if value.get(end) is not None}, **unit}
    return {"value": value, **unit}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two offers say differently; ``line`` counts from one, None is the whole; None: not there."""

    clause: str
    field: str
    line: int | None
    before: Any
    after: Any


Clause = Message.Clause
CLAUSE_OF = {
    "currency": Clause.PRICE,
    "tax_rate": Clause.TAX,
    "price_includes_tax": Clause.TAX,
    "incoterm": Clause.INCOTERM,
    "park": Clause.PLACE,
    "region": Clause.PLACE,
    "address": Clause.PLACE,
    "window_start": Clause.WINDOW,
    "window_end": Clause.WINDOW,
    "payment_term": Clause.PAYMENT,
    "payment_days": Clause.PAYMENT,
    "deposit_percent": Clause.PAYMENT,
    "note": Clause.WHOLE,
    "kind": Clause.WHOLE,
    "description": Clause.SPECIFICATION,
    "specification": Clause.SPECIFICATION,
    "quantity": Clause.QUANTITY,
    "unit": Clause.QUANTITY,
    "unit_price": Clause.PRICE,
    "is_framework": Clause.WHOLE,
    "valid_until": Clause.VALIDITY,
}


def said_in(offer: Offer) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what an offer says as values: its terms, and its lines in their order."""
    terms = {**offer.terms(), "is_framework": offer.is_framework, "valid_until": offer.valid_until}
    lines = sorted(offer.lines.all(), key=lambda line: line.position)
    return terms, [{name: getattr(line, name) for name in TermLine.LINE_FIELDS} for line in lines]


Said = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]


def difference(before: Said, after: Said) -> list[Difference]:
    """Return clause by clause what the later terms and lines say differently, in the order in which people read them.

    Lines are compared by their place; one that was added or left out stands as a whole, by its description.
    """
    found = []
    names = [*Terms.TERM_FIELDS, *(name for name in after[0] if name not in Terms.TERM_FIELDS)]
    for position in range(max(len(before[1]), len(after[1]))):
        number = position + 1
        if position >= len(before[1]):
            found.append(Difference(Clause.WHOLE, "line", number, None, after[1][position]["description"]))
        elif position >= len(after[1]):
            found.append(Difference(Clause.WHOLE, "line", number, before[1][position]["description"], None))
        else:
            found += _changed(before[1][position], after[1][position], TermLine.LINE_FIELDS, number)
    found += _changed(before[0], after[0], names, None)
    order = list(Clause)
    return sorted(found, key=lambda one: (order.index(one.clause), one.line or 0))


def _changed(before: Mapping, after: Mapping, names: Sequence[str], line: int | None) -> list[Difference]:
    return [
        Difference(CLAUSE_OF[name], name, line, before.get(name), after.get(name))
        for name in names
        if name in CLAUSE_OF and before.get(name) != after.get(name)
    ]
