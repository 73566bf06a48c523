from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import Listing

# Time moves windows, certificates and records even where nobody edits: look again after so long.
LOOK_AGAIN_AFTER = timedelta(days=1)
# A listing whose runs failed so often in one revision waits for its next edit, or for a person to ask.
FAILURES_ENDURED = 3
KEPT_FOR = timedelta(days=30)
# A long queue needs patience, not the same bells once more.
RUNG_AGAIN = 500


class MatchRunQuerySet(RunQuerySet):
    def latest_of(self, listing: Listing) -> "MatchRun | None":
        return self.filter(listing=listing).order_by("-pk").first()

    def request(self, listing_ids: list[int], *, now: datetime) -> list[int]:
        """Make sure that each of these listings has an unfinished run; return those that are waiting for a worker."""
        # Two may ask at once: the constraint lets one row stand, and both get it.
        self.bulk_create(
            [self.model(listing_id=pk, requested_at=now) for pk in sorted(listing_ids)], ignore_conflicts=True
        )
        waiting = self.filter(listing__in=listing_ids, status=Run.Status.WAITING)
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def unheard(self, *, since: datetime) -> list[int]:
        """Return the longest waiting runs whose bell nobody has answered, not more than are soon done."""
        waiting = self.filter(status=Run.Status.WAITING, requested_at__lt=since)
        return list(waiting.order_by("requested_at", "pk").values_list("pk", flat=True)[:RUNG_AGAIN])

    def forget_old(self, listing: Listing, *, now: datetime) -> None:
        """Delete a listing's finished runs of long ago that wrote no match that still stands."""
        finished = self.filter(listing=listing, status__in=[Run.Status.DONE, Run.Status.FAILED])
        finished.filter(finished_at__lt=now - KEPT_FOR, matches=None).delete()


class MatchRun(Run):
    """One search for the counterparts of a listing, by the index and the models of that moment."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="match_runs")
    # What was served: set when the run is done.
    revision = models.PositiveIntegerField(null=True, blank=True)
    embedding_version = models.CharField(max_length=64, blank=True)
    fusion_version = models.CharField(max_length=64, blank=True)
    ranker_version = models.CharField(max_length=64, blank=True)
    allowed = models.PositiveIntegerField(_("counterparts that the hard rules allow"), default=0)
    found = models.PositiveIntegerField(_("matches"), default=0)
    told = models.PositiveIntegerField(_("matches announced"), default=0)
    duration_ms = models.PositiveIntegerField(default=0)

    objects = MatchRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("match run")
        verbose_name_plural = _("match runs")
        indexes = [
            models.Index(name="match_run_latest_of_listing", fields=["listing", "-id"]),
            models.Index(
                name="match_run_unfinished",
                fields=["status", "requested_at"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="match_run_one_unfinished_per_listing",
                fields=["listing"],
                condition=Q(status__in=["waiting", "running"]),
            ),
            models.CheckConstraint(
                name="match_run_done_says_what_it_served", condition=~Q(status="done") | Q(revision__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.listing_id}: {self.status}"


def progress_of(listing: Listing, run: MatchRun | None, now: datetime) -> str:
    """Return how far the matching of a listing is: a run's status, or "none" where nothing was or will be looked for.

    What was posted or edited a moment ago waits, though nobody has asked for its run yet: the to-do list has it.
    """
    if run and (not run.is_finished or run.revision == listing.revision or run.status == Run.Status.FAILED):
        return run.status
    is_open = listing.status == Listing.Status.OPEN and (listing.expires_at is None or listing.expires_at > now)
    if is_open and listing.organisation.is_approved:
        return Run.Status.WAITING
    return run.status if run else "none"


def listings_to_match(now: datetime) -> "models.QuerySet[Listing]":
    """Return the to-do list of the matcher: listings that can be traded and lack a run for what they say now."""
    runs = MatchRun.objects.filter(listing=OuterRef("pk"))
    served = runs.filter(status=Run.Status.DONE, revision=OuterRef("revision"))
    recently = served.filter(finished_at__gt=now - LOOK_AGAIN_AFTER)
    # Failures are counted from the last edit on.
    failures = runs.filter(status=Run.Status.FAILED, requested_at__gte=OuterRef("updated_at")).order_by()
    return (
        Listing.objects.open(now)
        .filter(~Exists(runs.unfinished()), ~Exists(recently))
        .annotate(
            failure_count=Coalesce(Subquery(failures.values("listing").annotate(n=Count("pk")).values("n")), 0),
            was_served=Exists(served),
        )
        .filter(failure_count__lt=FAILURES_ENDURED)
        # Who was never served comes before who waits for the daily look.
        .order_by("was_served", "updated_at", "pk")
    )
