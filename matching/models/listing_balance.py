from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection, models
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Exp, Greatest, Least
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import Listing
from matching.models.match import Match

# How much of a joint chance outweighs how much competition, until a family was weighed: a tenth of certainty.
USUAL_SCALE = 0.1
# Of which family of goods a match is.
FAMILY = Coalesce("demand__category__family", "supply__category__family", Value(""))


def joint_chance() -> Coalesce:
    """Return that the buyer accepts, the seller accepts and the goods come; from the score where no model told these."""
    told = F("buyer_chance") * F("seller_chance") * F("fulfilment_chance")
    return Coalesce(told, Greatest(Value(0.0), Least(Value(1.0), F("score") / Value(100.0))))


class BalanceRunQuerySet(RunQuerySet):
    def request(self, families: Iterable[str], *, now: datetime) -> list[int]:
        """Make sure that each of these families has an unfinished run; return those that wait for a worker."""
        asked = sorted(families)
        # Two may ask at once: the constraint lets one row stand.
        self.bulk_create([self.model(family=family, requested_at=now) for family in asked], ignore_conflicts=True)
        waiting = self.filter(family__in=asked, status=Run.Status.WAITING)
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def unheard(self, *, since: datetime) -> list[int]:
        """Return the runs whose bell nobody has answered, the longest waiting first."""
        waiting = self.filter(status=Run.Status.WAITING, requested_at__lt=since)
        return list(waiting.order_by("requested_at", "pk").values_list("pk", flat=True))

    def latest_starts(self) -> dict[str, datetime]:
        """Return, for each family, when the run began that last balanced it."""
        done = self.filter(status=Run.Status.DONE).values_list("family")
        return dict(done.annotate(began=Max("started_at")))

    def forget_before(self, moment: datetime) -> int:
        """Delete the finished runs of long ago."""
        return self.filter(finished_at__lt=moment).delete()[0]


class BalanceRun(Run):
    """One weighing of all current matches of a family of goods against each other: who is wanted by how many."""

    family = models.CharField(_("family of goods"), max_length=80, blank=True)
    matches = models.PositiveIntegerField(_("matches"), default=0)
    iterations = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)

    objects = BalanceRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("balance run")
        verbose_name_plural = _("balance runs")
        indexes = [models.Index(name="balance_run_of_family", fields=["family", "-started_at"])]
        constraints = [
            models.UniqueConstraint(
                name="balance_run_one_unfinished_per_family",
                fields=["family"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]

    def __str__(self):
        return f"{self.family}: {self.status}"


class ListingBalanceQuerySet(models.QuerySet):
    def record(self, factors: Mapping[int, float], *, scale: float, now: datetime) -> None:
        """Write the factors of these listings in one statement, in the order of their ids."""
        ids = sorted(factors)
        with connection.cursor() as cursor:
            # A listing may have been deleted since its matches were read.
            cursor.execute(
                """
                INSERT INTO matching_listingbalance (listing_id, factor, scale, at)
                SELECT balance.listing, balance.factor, %s, %s
                FROM unnest(%s::bigint[], %s::float[]) AS balance (listing, factor)
                JOIN marketplace_listing ON marketplace_listing.id = balance.listing
                ON CONFLICT (listing_id) DO UPDATE
                SET factor = excluded.factor, scale = excluded.scale, at = excluded.at
                """,
                [scale, now, ids, [factors[pk] for pk in ids]],
            )

    def weigh(self, matches: QuerySet[Match]) -> int:
        """Write what both sides may expect of these matches; return of how many that changed by more than a hair.

        That grows with the exponential of the joint chance, and with the factors of both listings: of two counterparts
        the one that is less sought after may come first, as it is likelier to be free. A listing that was never
        weighed counts as free.
        """
        of = {side: self.filter(listing=OuterRef(side)) for side in ("supply", "demand")}
        scale = Coalesce(*(Subquery(of[side].values("scale")) for side in of), Value(USUAL_SCALE))
        factors = [Coalesce(Subquery(of[side].values("factor")), Value(1.0)) for side in of]
        weighed = matches.annotate(expected=Exp(joint_chance() / scale) * factors[0] * factors[1])
        # A row with its reasons is long: what moved by less than anybody sees is not written again.
        moved = Q(mutual=None) | Q(expected__gt=F("mutual") * 1.005) | Q(expected__lt=F("mutual") * 0.995)
        return weighed.filter(moved).update(mutual=F("expected"))


class ListingBalance(models.Model):
    """How much of a listing is left to whoever comes: 1 where nothing matches it, towards 0 where much presses on it.

    The expected mutual success of a pair grows with its own chance and with the factors of both its listings.
    """

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, primary_key=True, related_name="balance")
    factor = models.FloatField()
    # In how large steps of a joint chance its family is weighed.
    scale = models.FloatField(default=USUAL_SCALE)
    at = models.DateTimeField()

    objects = ListingBalanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("balance of a listing")
        verbose_name_plural = _("balances of listings")
        constraints = [
            models.CheckConstraint(
                name="listing_balance_is_a_share", condition=Q(factor__gt=0, factor__lte=1, scale__gt=0)
            )
        ]

    def __str__(self):
        return f"{self.listing_id}: {self.factor:.3f}"


def families_to_balance(now: datetime) -> list[str]:
    """Return the to-do list: families of goods in which matches were written since they were last weighed."""
    written = Match.objects.current(now).annotate(family=FAMILY).values_list("family")
    began = BalanceRun.objects.latest_starts()
    newest = written.annotate(newest=Max(F("updated_at"))).order_by("family")
    return [family for family, moment in newest if family not in began or moment >= began[family]]
