from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, Self

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Listing
from matching.models.match import Match


class Happening(NamedTuple):
    """What is to be written of a match: who acted or saw, what, where in a list, and when."""

    match: int
    side: str
    kind: str
    at: datetime
    position: int | None = None
    model_version: str = ""

    @property
    def day(self) -> date:
        return timezone.localdate(self.at)


class MatchEventQuerySet(models.QuerySet):
    def shown_since(self, moment: datetime) -> Self:
        """Return who was shown which match since then, in a list or by a message, once a day."""
        return self.filter(kind=MatchEvent.Kind.SHOWN, at__gte=moment)

    def since(self, moment: datetime) -> Self:
        return self.filter(at__gte=moment)

    def until(self, moment: datetime) -> Self:
        return self.filter(at__lt=moment)

    def latest_at(self, kind: str) -> datetime | None:
        """Return when the newest event of this kind happened."""
        return self.filter(kind=kind).order_by("-at").values_list("at", flat=True).first()

    def record_shown(self, matches: Sequence[Match], side: str, first_position: int, now: datetime) -> int:
        """Note that people of this side were shown these matches, one below the other; return how many were news.

        One statement, so that a page can afford it; drawn twice in a day, a match counts once.
        """
        return self.record(
            Happening(match.pk, side, MatchEvent.Kind.SHOWN, now, position, match.model_version)
            for position, match in enumerate(matches, start=first_position)
        )

    def record(self, happenings: Iterable[Happening]) -> int:
        """Write what is not written yet, in one statement; return how many rows that were.

        Of a match, a side and a kind there is one event a day. One that was told without a place in a list takes the
        first place that it is seen at. A match that was deleted meanwhile has no events.
        """
        # Sorted, so that two who write the same rows wait for each other instead of locking each other out.
        once = {(one.match, one.side, one.kind, one.day): one for one in sorted(happenings, key=_by_row, reverse=True)}
        if not once:
            return 0
        rows = [once[key] for key in sorted(once)]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO matching_matchevent (match_id, side, kind, position, model_version, at, day)
                SELECT seen.match, seen.side, seen.kind, seen.position, seen.model_version, seen.at, seen.day
                FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::date[])
                     AS seen (match, side, kind, position, model_version, at, day)
                JOIN matching_match ON matching_match.id = seen.match
                FOR KEY SHARE OF matching_match
                ON CONFLICT (match_id, side, kind, day) DO UPDATE SET position = excluded.position
                WHERE matching_matchevent.position IS NULL AND excluded.position IS NOT NULL
                RETURNING xmax = 0
                """,
                [
                    [one.match for one in rows],
                    [one.side for one in rows],
                    [one.kind for one in rows],
                    [one.position for one in rows],
                    [one.model_version for one in rows],
                    [one.at for one in rows],
                    [one.day for one in rows],
                ],
            )
            return sum(is_new for (is_new,) in cursor.fetchall())


def _by_row(one: Happening) -> tuple:
    # Read backwards: of two of one key the one higher up in the list stands, and any place before none.
    return one.match, one.side, one.kind, one.day, one.position is None, one.position or 0, one.at


class MatchEvent(models.Model):
    """What became of a match, once a day: what its pages showed and what its two firms then did.

    ``side`` says whose people acted or saw. ``position`` is the place in the list that it was seen at, from 1, None
    where there was no list (a message told of it). ``model_version`` is the ranker that had put it there.
    """

    class Kind(models.TextChoices):
        SHOWN = "shown", _("Shown")
        OPENED = "opened", pgettext_lazy("event of a match", "Opened")
        CONTACTED = "contacted", _("Contacted")
        QUOTED = "quoted", _("Quoted")
        ACCEPTED = "accepted", pgettext_lazy("event of a match", "Accepted")
        DELIVERED = "delivered", _("Delivered on time and in full")
        DELIVERED_LATE = "delivered_late", _("Delivered late")
        DELIVERED_SHORT = "delivered_short", _("Delivered short")
        DISPUTED = "disputed", pgettext_lazy("event of a match", "Disputed")

    match = models.ForeignKey(Match, on_delete=models.CASCADE, related_name="events", db_index=False)
    side = models.CharField(_("side"), max_length=6, choices=Listing.Side)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind)
    position = models.PositiveIntegerField(_("place in the list"), null=True, blank=True)
    model_version = models.CharField(_("model version"), max_length=64, blank=True)
    at = models.DateTimeField()
    day = models.DateField()

    objects = MatchEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event of a match")
        verbose_name_plural = _("events of matches")
        indexes = [models.Index(name="match_event_newest_of_kind", fields=["kind", "at"])]
        constraints = [
            models.UniqueConstraint(name="match_event_once_a_day", fields=["match", "side", "kind", "day"]),
            models.CheckConstraint(
                name="match_event_position_is_of_what_was_seen",
                condition=Q(position=None) | Q(position__gte=1, kind__in=["shown", "opened"]),
            ),
        ]

    def __str__(self):
        return f"{self.match_id}: {self.kind}"
