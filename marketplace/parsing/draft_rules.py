"""What the fields of a listing say of one another, and what a text says of the fields that nobody filled in."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal

from marketplace.parsing.catalogue import CategorySpec
from marketplace.parsing.draft_fields import EMPTY, ZONE, Draft, ProblemError
from marketplace.parsing.schema import validate_attributes
from marketplace.parsing.sentence import ParsedListing
from marketplace.parsing.units import convert, same_dimension

Checks = Mapping[str, Callable[[object], object]]


class _Reader:
    """Puts what was read where nothing was said."""

    def __init__(self, draft: Draft, parsed: ParsedListing, checks: Checks, silent: Collection[str]) -> None:
        self._draft, self._parsed, self._checks, self._silent = draft, parsed, checks, silent

    def is_open(self, name: str) -> bool:
        return name not in self._draft.values and name not in self._silent

    def put(self, name: str, value: object, span: str = "") -> None:
        """Keep a reading unless the field was said, is to stay empty, or would not pass its own check."""
        if value in EMPTY or not self.is_open(name):
            return
        try:
            self._draft.values[name] = self._checks[name](value)
        except ProblemError:
            return
        self._note(name, self._draft.values[name], span or name)

    def put_attribute(self, key: str, value: object) -> None:
        attributes = self._draft.values["attributes"]
        name = f"attributes.{key}"
        if key not in attributes and name not in self._silent and "attributes" not in self._silent:
            attributes[key] = value
            self._note(name, value, name)

    def _note(self, name: str, value: object, span: str) -> None:
        found = self._parsed.spans.get(span)
        if found is None:
            return
        reading = {"field": name, "value": _plain(value), "start": found.start, "end": found.end}
        self._draft.readings.append(reading | {"zh": found.zh, "en": found.en, "is_ambiguous": found.is_ambiguous})


def _plain(value: object) -> object:
    """Return a value as JSON keeps it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [item["code"] if isinstance(item, dict) else item for item in value]
    return value


def add_readings(draft: Draft, parsed: ParsedListing, *, checks: Checks, silent: Collection[str]) -> None:
    """Fill what was not said with what was read; ``silent`` fields stay as they are."""
    reader = _Reader(draft, parsed, checks, silent)
    reader.put("side", parsed.side)
    reader.put("category", parsed.category)
    if "category" not in draft.values:
        reader.put("kind", parsed.kind)
    for key, value in parsed.attributes.items():
        reader.put_attribute(key, value)
    _read_amounts(draft, parsed, reader)
    if reader.is_open("price_min") and reader.is_open("price_max"):
        reader.put("price_min", parsed.price_min)
        reader.put("price_max", parsed.price_max)
        if draft.is_read("price_min") or draft.is_read("price_max"):
            reader.put("currency", parsed.currency)
            reader.put("price_unit", parsed.price_unit)
    is_demand = draft.values.get("side") == "demand"
    if is_demand:
        # Where a demand is delivered to is its place.
        reader.put("region", next(iter(parsed.delivery_regions), None), "delivery_regions")
    else:
        reader.put("region", parsed.origin_region, "origin_region")
        reader.put("delivery_regions", list(parsed.delivery_regions))
    reader.put("window_start", parsed.window_start)
    reader.put("window_end", parsed.window_end)
    reader.put("lead_days", parsed.lead_days)
    name = "required_certificates" if is_demand else "certificates"
    reader.put(name, list(parsed.certificates), "certificates")


def _read_amounts(draft: Draft, parsed: ParsedListing, reader: _Reader) -> None:
    said = draft.values.get("unit")
    if not parsed.unit or (said and not same_dimension(said, parsed.unit)):
        return
    for name in ("quantity", "minimum_order"):
        amount = getattr(parsed, name)
        if amount is not None:
            reader.put(name, convert(amount, parsed.unit, said) if said else amount)
    if draft.values.keys() & {"quantity", "minimum_order"}:
        reader.put("unit", parsed.unit)


def settle_category(draft: Draft, category: CategorySpec | None, *, must_be_complete: bool) -> None:
    """Check kind and attributes against the category; numbers come out in its units."""
    values = draft.values
    if category is None:
        values.setdefault("kind", "product")
        if values["attributes"] and "category" not in draft.problems:
            draft.refuse(
                "category", ProblemError("required", "填写属性时必须给出类别。", "Attributes need a category.")
            )
        return
    if values.setdefault("kind", category.kind) != category.kind:
        if draft.is_read("kind") or draft.is_read("category"):
            draft.drop("kind" if draft.is_read("kind") else "category")
            values.setdefault("kind", category.kind)
        else:
            draft.refuse(
                "kind",
                ProblemError(
                    "other_kind", f"该类别的性质是 {category.kind}。", f"The category is of the kind {category.kind}."
                ),
            )
    clean, errors = validate_attributes(category.schema, values["attributes"])
    for key, found in errors.items():
        name = f"attributes.{key}"
        if draft.is_read(name):
            draft.drop(name)
            continue
        for code, zh, en in found:
            # A buyer may leave open what a seller must state.
            if code == "required" and (not must_be_complete or values.get("side") == "demand"):
                continue
            draft.refuse(name, ProblemError(code, zh, en))
    values["attributes"] = {key: value for key, value in clean.items() if key not in errors}


def settle_amounts(draft: Draft, category: CategorySpec | None) -> None:
    """Give amounts and prices their units, and see that minimum and maximum are in order."""
    values, usual = draft.values, category.unit if category else ""
    if values.keys() & {"quantity", "minimum_order"} and "unit" not in draft.problems and not values.get("unit"):
        if usual:
            values["unit"] = usual
        else:
            draft.refuse("unit", ProblemError("required", "请填写数量的单位。", "Say in which unit the quantity is."))
    if values.keys() & {"price_min", "price_max"}:
        values.setdefault("currency", "CNY")
        if unit := values.get("unit") or usual:
            values.setdefault("price_unit", unit)
    _in_order(
        draft, "minimum_order", "quantity",
        ProblemError("above_quantity", "起订量不能大于数量。", "The minimum order cannot exceed the quantity."),
    )  # fmt: skip
    _in_order(
        draft, "price_min", "price_max",
        ProblemError("above_maximum", "最低价不能高于最高价。", "The lowest price cannot exceed the highest."),
    )  # fmt: skip


def settle_times(draft: Draft, today: date, changed: Collection[str]) -> None:
    """See that the window is in order and that nothing new lies in the past."""
    _in_order(
        draft, "window_start", "window_end",
        ProblemError("after_end", "开始日期不能晚于截止日期。", "The window cannot start after its end."),
    )  # fmt: skip
    past = ProblemError("past", "日期已过。", "This date is past.")
    end, expiry = draft.values.get("window_end"), draft.values.get("expires_at")
    if end is not None and end < today:
        if draft.is_read("window_end"):
            draft.drop("window_end")
        elif "window_end" in changed:
            draft.refuse("window_end", past)
    if expiry is not None and "expires_at" in changed and expiry.astimezone(ZONE).date() < today:
        draft.refuse("expires_at", past)


def _in_order(draft: Draft, low: str, high: str, problem: ProblemError) -> None:
    """Refuse the lower end if it is above the higher; of two that do not agree, what was said beats what was read."""
    values = draft.values
    if values.get(low) is None or values.get(high) is None or values[low] <= values[high]:
        return
    for name in (low, high):
        if draft.is_read(name):
            draft.drop(name)
            return
    draft.refuse(low, problem)
