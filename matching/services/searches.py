from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Listing, User
from marketplace.parsing.drafts import Draft
from marketplace.services.listings import draft_from_text, refuse_problems
from matching.live_index import Answer, Found, facts_of, facts_of_text, find, with_facts
from matching.live_index.facts import blocked_with, organisation_of
from matching.retrieval.eligibility import ACCESS_RULES

LONGEST_QUERY = 2000
# Among so many of the best that miss a rule, those are shown that miss the fewest.
NEAR = 40


@dataclass(frozen=True, slots=True)
class Search:
    """The answer to a search: what was read in the question, on which side was looked, and what was found."""

    draft: Draft
    side: str
    answer: Answer


def search(
    *,
    text: str,
    user: User,
    now: datetime,
    side: str = "",
    fields: Mapping[str, object] | None = None,
    limit: int = 20,
) -> Search:
    """Return the listings that fit what somebody typed but did not post, best first, with reasons.

    The sentence is read as a listing would be; ``fields`` say more, or better, and make it a draft: then all hard
    rules exclude. Of a mere sentence only those do that say what the user may see; what breaks another stands behind
    the rest, with the rule. ``side`` is the side to look on: where it is not said, a wish looks among supplies and an
    offer among demands.

    :raises InputRefused: if there is nothing to look for, or a field cannot be taken
    """
    text, fields = text.strip(), dict(fields or {})
    _refuse_unsearchable(text, side)
    organisation = organisation_of(user)
    draft = draft_from_text(text=text, now=now, organisation=organisation, **fields)
    # What the sentence leaves unsaid or says oddly is no obstacle to a search; what a field says must be right.
    refuse_problems(
        Draft(problems={name: found for name, found in draft.problems.items() if name.split(".")[0] in fields})
    )
    own_side = _other(side) if side else draft.values.get("side") or Listing.Side.DEMAND
    answer = find(
        facts_of_text(draft, text, side=own_side, organisation=organisation),
        among=Listing.objects.open(now).shown_to(user),
        now=now,
        limit=limit,
        rules=None if fields else ACCESS_RULES,
    )
    return Search(draft, _other(own_side), answer)


def look_from(
    *, listing: Listing, user: User, now: datetime, limit: int = 20, rules: Collection[str] | None = None
) -> Answer:
    """Return the counterparts of a listing as the index knows them at this moment, without keeping anything."""
    (row,) = with_facts(Listing.objects.filter(pk=listing.pk))
    (query,) = facts_of([row], now=now, blocked=blocked_with(row.organisation_id))
    among = Listing.objects.open(now).shown_to(user)
    return find(query, among=among, now=now, limit=limit, rules=rules)


def nearly_fitting(*, listing: Listing, user: User, now: datetime, limit: int = 5) -> list[Found]:
    """Return the counterparts that some hard rule keeps from matching, each with the rules: the fewest first.

    Each would match if what its refusals name were changed, on either side. Only goods of one family can come near.
    """
    if listing.category_id is None:
        return []
    answer = look_from(listing=listing, user=user, now=now, limit=NEAR, rules=(*ACCESS_RULES, "kind", "family"))
    near = [one for one in answer.found if one.refusals]
    return sorted(near, key=lambda one: len(one.refusals))[:limit]


def _other(side: str) -> str:
    return Listing.Side.DEMAND if side == Listing.Side.SUPPLY else Listing.Side.SUPPLY


def _refuse_unsearchable(text: str, side: str) -> None:
    errors = {}
    if not text:
        errors["q"] = [_("Say what you are looking for.")]
    elif len(text) > LONGEST_QUERY:
        errors["q"] = [_("A search has at most %(limit)s characters.") % {"limit": LONGEST_QUERY}]
    if side and side not in Listing.Side.values:
        errors["side"] = [_("The side is supply or demand.")]
    if errors:
        raise InputRefused(errors)
