"""Both sides are told of a new match: in the transaction that records it, so exactly when it is there."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count
from django.urls import reverse

from marketplace.models import Announcement, Listing
from marketplace.models.disclosure import ALWAYS, disclosure_of, names_at
from marketplace.services.notifications import notify_many
from matching.live_index import Found
from matching.models import Match, MatchEvent, MatchRun
from matching.models.match_event import Happening

# A match of fewer points stands in the list, but nobody is disturbed for it.
TOLD_FROM = 50.0
# An import of thousands must not become thousands of mails: so many matches of one run are told one by one, and so
# many to one organisation in an hour; the rest wait in the lists.
TOLD_PER_RUN, TOLD_PER_HOUR = 10, 30
REASONS_TOLD = 3


def tell_new_matches(
    listing: Listing,
    found: Sequence[Found],
    *,
    new: Collection[tuple[int, int]],
    known: Mapping[int, float],
    run: MatchRun,
    now: datetime,
) -> int:
    """Tell both sides of the best matches that are new, or newly good enough; return how many matches that are."""
    news = [
        one
        for one in found
        if one.score >= TOLD_FROM and (_pair(listing, one) in new or known.get(one.listing.pk, TOLD_FROM) < TOLD_FROM)
    ][:TOLD_PER_RUN]
    if not news:
        return 0
    counterparts = [one.listing.pk for one in news]
    matches = {match.other_than(listing).pk: match for match in _matches(listing, counterparts)}
    left = _budgets({listing.organisation_id, *(one.listing.organisation_id for one in news)}, now)
    announcements, told = [], {"supply": [], "demand": []}
    for one in news:
        for own, other in ((listing, one.listing), (one.listing, listing)):
            if left[own.organisation_id] > 0:
                left[own.organisation_id] -= 1
                match = matches[one.listing.pk]
                announcements.append(_announcement(match, own, other, one, run))
                told[own.side].append(match.pk)
    notify_many(announcements, now=now)
    Match.objects.filter(pk__in=told["supply"]).update(supply_told_at=now)
    Match.objects.filter(pk__in=told["demand"]).update(demand_told_at=now)
    # Who is told is shown it, though in no list.
    MatchEvent.objects.record(
        Happening(pk, side, MatchEvent.Kind.SHOWN, now, model_version=run.ranker_version)
        for side, pks in told.items()
        for pk in pks
    )
    return len({*told["supply"], *told["demand"]})


def _pair(listing: Listing, one: Found) -> tuple[int, int]:
    pair = (listing.pk, one.listing.pk)
    return pair if listing.side == Listing.Side.SUPPLY else pair[::-1]


def _matches(listing: Listing, counterparts: Sequence[int]) -> Sequence[Match]:
    other = "demand__in" if listing.side == Listing.Side.SUPPLY else "supply__in"
    return Match.objects.for_listing(listing).filter(**{other: counterparts}).select_related("supply", "demand")


def _budgets(organisations: Collection[int], now: datetime) -> Counter:
    """Return how many more matches each organisation may be told of in this hour."""
    left = Counter(dict.fromkeys(organisations, TOLD_PER_HOUR))
    for side in ("supply", "demand"):
        told = Match.objects.filter(
            **{f"{side}_told_at__gt": now - timedelta(hours=1), f"{side}_organisation__in": organisations}
        )
        left.subtract(dict(told.values_list(f"{side}_organisation").annotate(n=Count("pk"))))
    return left


def _announcement(match: Match, own: Listing, other: Listing, found: Found, run: MatchRun) -> Announcement:
    reasons = [each for each in found.reasons if each["points"] > 0 and each["feature"] != "base"][:REASONS_TOLD]
    own_zh, own_en = own.title_zh or own.title_en, own.title_en or own.title_zh
    other_zh, other_en = other.title_zh or other.title_en, other.title_en or other.title_zh
    firm = other.organisation
    firm_zh, firm_en = names_at(firm, ALWAYS)
    is_named = disclosure_of(firm).name_from == ALWAYS
    return Announcement(
        event="match.created",
        deduplication_key=f"match:{match.supply_id}:{match.demand_id}",
        organisation=own.organisation,
        title_zh=f"新匹配（{found.score:.0f} 分）：{other_zh}",
        title_en=f"New match ({found.score:.0f} points): {other_en}",
        body_zh="\n".join([f"您的“{own_zh}”与 {firm_zh} 的“{other_zh}”匹配。", *(each["zh"] for each in reasons)]),
        body_en="\n".join(
            [
                f"Your “{own_en}” matches “{other_en}” of {firm_en}.",
                *(each["en"] for each in reasons),
            ]
        ),
        url=reverse("matching:listing_matches", args=[own.pk]),
        data={
            "match": match.pk,
            "listing": own.pk,
            "supply": match.supply_id,
            "demand": match.demand_id,
            "counterpart": {
                "listing": other.pk,
                "title_zh": other.title_zh,
                "title_en": other.title_en,
                "organisation": firm.pk if is_named else None,
                "organisation_zh": firm_zh,
                "organisation_en": firm_en,
            },
            "score": round(found.score, 4),
            "reasons": match.reasons,
            "model_version": run.ranker_version,
        },
    )
