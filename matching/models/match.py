import json
import math
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Self

from django.db import connection, models
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, Value, When
from django.utils.translation import gettext_lazy as _

from marketplace.models import Listing, Organisation, User
from matching.models.match_run import MatchRun


class ScoredPair(NamedTuple):
    """A supply and a demand in the revisions that were compared, with what came out."""

    supply: int
    demand: int
    supply_organisation: int
    demand_organisation: int
    supply_revision: int
    demand_revision: int
    score: float
    rank: int
    reasons: list[dict]
    # Chances in [0, 1] that the buyer accepts, that the seller does, and that what is ordered is delivered.
    buyer_chance: float | None = None
    seller_chance: float | None = None
    fulfilment_chance: float | None = None


def _allotted_first() -> Case:
    # What was allotted stands as long as both listings still say what they said then.
    still = {f"allotment__{side}_revision": F(f"{side}_revision") for side in ("supply", "demand")}
    return Case(When(**still, then=Value(0)), default=Value(1))


class MatchQuerySet(models.QuerySet):
    def current(self, now: datetime) -> Self:
        """Return the matches of listings that can be traded now and still say what was compared."""
        tradable = Listing.objects.open(now)
        return self.filter(
            Exists(tradable.filter(pk=OuterRef("supply"), revision=OuterRef("supply_revision"))),
            Exists(tradable.filter(pk=OuterRef("demand"), revision=OuterRef("demand_revision"))),
        )

    def for_listing(self, listing: Listing) -> Self:
        """Return the matches of this listing, best first."""
        here = Q(supply=listing) if listing.side == Listing.Side.SUPPLY else Q(demand=listing)
        return self.filter(here).order_by("-score", "pk")

    def by_mutual_success(self) -> Self:
        """Order them by what both sides may expect; what the platform operator allotted comes first."""
        return self.order_by(_allotted_first(), F("mutual").desc(nulls_last=True), "-score", "pk")

    def by_score(self) -> Self:
        """Order them by how well they fit; what the platform operator allotted comes first."""
        return self.order_by(_allotted_first(), "-score", "pk")

    def with_allotments(self) -> Self:
        return self.select_related("allotment")

    def visible_to(self, user: User) -> Self:
        """Return the matches of the user's own listings whose counterpart is shown to the user."""
        if not user.is_authenticated:
            return self.none()
        own = list(user.memberships.values_list("organisation", flat=True))
        shown = Listing.objects.shown_to(user)
        return self.filter(
            Q(Exists(shown.filter(pk=OuterRef("demand"))), supply_organisation__in=own)
            | Q(Exists(shown.filter(pk=OuterRef("supply"))), demand_organisation__in=own)
        )

    def with_listings(self) -> Self:
        # Fetched apart: joined, all matches of a firm would be sorted with all that their listings say.
        listings = Listing.objects.with_names()
        return self.prefetch_related(Prefetch("supply", listings), Prefetch("demand", listings))

    def record(self, pairs: Sequence[ScoredPair], *, run: MatchRun, now: datetime) -> list[tuple[int, int]]:
        """Write what a run found about these pairs; return the pairs that were not known before.

        Rows are written in the order of their pair, so that two runs that share pairs wait for each other instead of
        locking each other out. What was compared in an older revision never replaces what was in a newer one. Of the
        same revisions the demand's run has the last word, as its words are what the supply's are measured by: a score
        must not depend on who was matched last.
        """
        is_asked_by_demand = run.listing.side == Listing.Side.DEMAND
        if not pairs:
            return []
        in_order = sorted(pairs, key=lambda pair: (pair.supply, pair.demand))
        columns = dict(zip(ScoredPair._fields, map(list, zip(*in_order, strict=True)), strict=True))
        columns["reasons"] = [json.dumps(each, ensure_ascii=False) for each in columns["reasons"]]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO matching_match (
                    supply_id, demand_id, supply_organisation_id, demand_organisation_id,
                    supply_revision, demand_revision, score, rank, reasons,
                    buyer_chance, seller_chance, fulfilment_chance,
                    model_version, run_id, first_seen_at, updated_at
                )
                SELECT supply, demand, supply_organisation, demand_organisation,
                       supply_revision, demand_revision, score, rank, reasons::jsonb,
                       buyer_chance, seller_chance, fulfilment_chance, %s, %s, %s, %s
                FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                            %s::int[], %s::int[], %s::float[], %s::int[], %s::text[],
                            %s::float[], %s::float[], %s::float[])
                     AS pair (supply, demand, supply_organisation, demand_organisation,
                              supply_revision, demand_revision, score, rank, reasons,
                              buyer_chance, seller_chance, fulfilment_chance)
                ON CONFLICT (supply_id, demand_id) DO UPDATE SET
                    supply_revision = excluded.supply_revision, demand_revision = excluded.demand_revision,
                    score = excluded.score, rank = excluded.rank, reasons = excluded.reasons,
                    buyer_chance = excluded.buyer_chance, seller_chance = excluded.seller_chance,
                    fulfilment_chance = excluded.fulfilment_chance,
                    model_version = excluded.model_version, run_id = excluded.run_id, updated_at = excluded.updated_at
                WHERE matching_match.supply_revision <= excluded.supply_revision
                  AND matching_match.demand_revision <= excluded.demand_revision
                  AND (
                      %s
                      OR matching_match.supply_revision < excluded.supply_revision
                      OR matching_match.demand_revision < excluded.demand_revision
                      OR matching_match.model_version <> excluded.model_version
                  )
                RETURNING supply_id, demand_id, xmax = 0
                """,
                [
                    run.ranker_version,
                    run.pk,
                    now,
                    now,
                    *columns.values(),
                    is_asked_by_demand,
                ],
            )
            # A row that no other transaction touched before has xmax 0: it was inserted.
            return [(supply, demand) for supply, demand, is_new in cursor.fetchall() if is_new]


class Match(models.Model):
    """One supply and one demand that could trade, with the score and the reasons of the run that last compared them.

    Runs of either listing write the same row. It is current while both listings are open and in the revisions that
    were compared; ``rank`` is the place in the list of the run that wrote it.
    """

    supply = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+", db_index=False)
    demand = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+", db_index=False)
    # Whose they are: a listing never changes hands, and whoever asks for all matches of a firm finds them here.
    supply_organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    demand_organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    supply_revision = models.PositiveIntegerField()
    demand_revision = models.PositiveIntegerField()
    score = models.FloatField(_("score"))
    rank = models.PositiveIntegerField(_("rank"))
    # [{feature, points, zh, en}]; the points sum to the score.
    reasons = models.JSONField(_("reasons"), default=list)
    # Calibrated chances in [0, 1] of the run's model, None where it had none: the buyer accepts, the seller accepts, what
    # is ordered is delivered on time and in full.
    buyer_chance = models.FloatField(_("chance that the buyer accepts"), null=True, blank=True)
    seller_chance = models.FloatField(_("chance that the seller accepts"), null=True, blank=True)
    fulfilment_chance = models.FloatField(_("chance that it is delivered"), null=True, blank=True)
    # What both sides may expect of it beside all that compete for either, to compare with others alone; a later weighing
    # of the family of goods changes it. None: never weighed.
    mutual = models.FloatField(_("expected mutual success"), null=True, blank=True)
    # What the platform operator published for this pair; it stands while the match is of the revisions that it names.
    allotment = models.OneToOneField(
        "Allotment", on_delete=models.SET_NULL, null=True, blank=True, related_name="match"
    )
    model_version = models.CharField(_("model version"), max_length=64)
    run = models.ForeignKey(MatchRun, on_delete=models.RESTRICT, related_name="matches")
    first_seen_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    # When each side's people were told; None: not told.
    supply_told_at = models.DateTimeField(null=True, blank=True)
    demand_told_at = models.DateTimeField(null=True, blank=True)

    objects = MatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        indexes = [
            models.Index(name="match_best_of_supply", fields=["supply", "-score", "id"]),
            models.Index(name="match_best_of_demand", fields=["demand", "-score", "id"]),
            models.Index(name="match_newest_of_seller", fields=["supply_organisation", "-first_seen_at"]),
            models.Index(name="match_newest_of_buyer", fields=["demand_organisation", "-first_seen_at"]),
            models.Index(
                name="match_told_to_seller",
                fields=["supply_organisation", "supply_told_at"],
                condition=Q(supply_told_at__isnull=False),
            ),
            models.Index(
                name="match_told_to_buyer",
                fields=["demand_organisation", "demand_told_at"],
                condition=Q(demand_told_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(name="match_once_per_pair", fields=["supply", "demand"]),
            models.CheckConstraint(name="match_is_of_two_listings", condition=~Q(supply=F("demand"))),
            models.CheckConstraint(name="match_rank_counts_from_one", condition=Q(rank__gte=1)),
            models.CheckConstraint(
                name="match_mutual_success_is_not_negative", condition=Q(mutual=None) | Q(mutual__gte=0)
            ),
            models.CheckConstraint(
                name="match_chances_are_chances",
                condition=(Q(buyer_chance=None) | Q(buyer_chance__gte=0, buyer_chance__lte=1))
                & (Q(seller_chance=None) | Q(seller_chance__gte=0, seller_chance__lte=1))
                & (Q(fulfilment_chance=None) | Q(fulfilment_chance__gte=0, fulfilment_chance__lte=1)),
            ),
        ]

    def __str__(self):
        return f"{self.supply_id} × {self.demand_id}: {self.score:.1f}"

    @property
    def joint_chance(self) -> float | None:
        """Return the chance that both accept and the goods come, None where no model told it."""
        told = (self.buyer_chance, self.seller_chance, self.fulfilment_chance)
        return None if None in told else math.prod(told)

    @property
    def standing_allotment(self):
        """Return what the platform operator allotted, as long as neither listing was changed since."""
        given, here = self.allotment, (self.supply_revision, self.demand_revision)
        return given if given and (given.supply_revision, given.demand_revision) == here else None

    @property
    def chances(self) -> dict[str, float | None]:
        """Return the chances that the buyer takes it up, that the seller does, and that an order is fulfilled."""
        return {"buyer": self.buyer_chance, "seller": self.seller_chance, "fulfilled": self.fulfilment_chance}

    def sides(self, organisation_ids: Collection[int]) -> tuple[Listing, Listing]:
        """Return the listing of these organisations and its counterpart."""
        pair = (self.supply, self.demand)
        return pair if self.supply.organisation_id in organisation_ids else pair[::-1]

    def other_than(self, listing: Listing) -> Listing:
        """Return the counterpart of this listing."""
        return self.demand if listing.pk == self.supply_id else self.supply
