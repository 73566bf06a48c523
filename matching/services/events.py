"""What people saw of a match is noted where it is shown to them; what their firms did is gathered by a run."""

from collections.abc import Collection, Sequence
from datetime import datetime

from marketplace.models import Listing, User
from matching.models import Match, MatchEvent
from matching.models.match_event import Happening


def note_shown(*, matches: Sequence[Match], listing: Listing, first_position: int, by: User, now: datetime) -> int:
    """Note that one who belongs to this listing's firm was shown these matches in its list; return how many were news.

    The platform's own people look at everything, and that says nothing about a firm's wishes.
    """
    if by.is_staff:
        return 0
    return MatchEvent.objects.record_shown(matches, listing.side, first_position, now)


def note_seen_in_list(
    *, matches: Sequence[Match], mine: Collection[int], first_position: int, by: User, now: datetime
) -> int:
    """Note the same of a list over all listings of these organisations, in which each match is of its own side."""
    if by.is_staff:
        return 0
    return MatchEvent.objects.record(
        Happening(match.pk, match.sides(mine)[0].side, MatchEvent.Kind.SHOWN, now, position, match.model_version)
        for position, match in enumerate(matches, start=first_position)
    )


def note_opened(*, match: Match, mine: Collection[int], by: User, now: datetime) -> int:
    """Note that one who belongs to one side of the match looked at both beside each other; return 1 if that is news."""
    if by.is_staff:
        return 0
    side = match.sides(mine)[0].side
    seen = MatchEvent.objects.filter(match=match, side=side, kind=MatchEvent.Kind.SHOWN).order_by("-at")
    position = seen.values_list("position", flat=True).first()
    return MatchEvent.objects.record(
        [Happening(match.pk, side, MatchEvent.Kind.OPENED, now, position, match.model_version)]
    )
