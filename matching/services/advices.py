from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Listing, User
from marketplace.services.listings import edit_listing
from matching.live_index import Found, encoder, facts_of, find, live_index, with_facts
from matching.live_index.facts import blocked_with
from matching.ranking import ListingFacts
from matching.ranking.explanation import definition_of_both
from matching.retrieval.advice import Advice, advise, quantity_of
from matching.retrieval.change_texts import change_texts
from matching.retrieval.changes import Change, plain
from matching.retrieval.eligibility import ACCESS_RULES

# So many of the closest counterparts are looked at, matched or not, and so much advice is put to the proof.
LOOKED_AT, TRIED = 300, 10
# What neither side could change to please the other stays a rule: only goods of one family come near.
FIXED_RULES = (*ACCESS_RULES, "kind", "family", "unit")


class SuggestionOutOfDate(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Changes of a listing, as texts and as values, and the matches that they were seen to make.

    ``quantity`` is what those counterparts trade, in the listing's unit, 0 where they do not say. ``is_applicable``
    says whether it takes only an edit: a certificate has to be held first, and another variant is another listing.
    """

    key: str
    changes: tuple[Change, ...]
    texts: list[dict]
    found: list[Found]
    quantity: float
    is_applicable: bool


def suggest_changes(*, listing: Listing, user: User, now: datetime, limit: int = 6) -> list[Suggestion]:
    """Return the nearest changes of a listing that would make matches, the most worthwhile first.

    Each is put to the proof: the search runs once more with the changed listing, and only counterparts that it then
    finds among its matches, and did not find before, are counted. Only what the user may see is looked at.
    """
    if listing.category_id is None:
        return []
    (row,) = with_facts(Listing.objects.filter(pk=listing.pk))
    (own,) = facts_of([row], now=now, blocked=blocked_with(row.organisation_id))
    among, today = Listing.objects.open(now).shown_to(user), timezone.localdate(now)
    vector = encoder().encode([own.text])[0]
    index = live_index()
    index.refresh(now)
    near = index.candidates(own, vector, today, limit=LOOKED_AT, rules=FIXED_RULES)
    others = facts_of(with_facts(among.filter(pk__in=near.ids.tolist())), now=now)
    before = {one.listing.pk for one in find(own, among=among, now=now, vector=vector).found}
    suggestions = []
    for advice in advise(own, others, today, limit=TRIED):
        if len(suggestions) == limit:
            break
        promised = set(advice.counterparts) - before
        then = find(advice.apply(own), among=among, now=now, vector=vector)
        made = [one for one in then.found if one.listing.pk in promised]
        if made:
            suggestions.append(_suggestion(advice, own, made, {other.id: other for other in others}))
    return suggestions


def _suggestion(
    advice: Advice, own: ListingFacts, made: Sequence[Found], others: dict[int, ListingFacts]
) -> Suggestion:
    # A code that only the counterpart's category has is called as that category calls it.
    theirs = others[made[0].listing.pk]
    asked = [change.attribute for change in advice.changes if change.attribute]
    both = {name: definition_of_both(name, theirs, own) for name in asked}
    told = replace(own, properties={**own.properties, **both})
    texts = [dict(zip(("zh", "en"), change_texts(change, told), strict=True)) for change in advice.changes]
    return Suggestion(
        key=advice.key,
        changes=advice.changes,
        texts=texts,
        found=list(made),
        quantity=quantity_of(own, (others[one.listing.pk] for one in made)),
        is_applicable=all(_is_edit(change, own) for change in advice.changes),
    )


def _is_edit(change: Change, own: ListingFacts) -> bool:
    return change.field != "certificates" and not (change.attribute and own.side == Listing.Side.SUPPLY)


@transaction.atomic
def apply_suggestion(*, listing: Listing, key: str, by: User, now: datetime) -> Listing:
    """Edit a listing as a suggestion said; its matches are looked for again by themselves.

    :raises SuggestionOutOfDate: if the market has moved, and that change would no longer make a match
    """
    suggestions = {one.key: one for one in suggest_changes(listing=listing, user=by, now=now) if one.is_applicable}
    if key not in suggestions:
        raise SuggestionOutOfDate(_("The market has changed: this is no longer suggested."))
    changes = {}
    for change in suggestions[key].changes:
        if change.attribute:
            changes["attributes"] = {**changes.get("attributes", listing.attributes), change.attribute: change.then}
        else:
            changes[change.field] = Decimal(str(change.then)) if isinstance(change.then, float) else plain(change.then)
    return edit_listing(listing=listing, by=by, changes=changes, revision=listing.revision, now=now)
