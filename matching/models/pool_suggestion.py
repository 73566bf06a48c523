from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import Category, Listing, Membership, Organisation, PurchasePool, User


class PoolingRunQuerySet(RunQuerySet):
    def request(self, *, now: datetime) -> list[int]:
        """Make sure that a search for pools is unfinished; return it if it waits for a worker."""
        self.bulk_create([self.model(requested_at=now)], ignore_conflicts=True)
        return self.unheard(since=None)

    def unheard(self, *, since: datetime | None) -> list[int]:
        """Return the run whose bell nobody has answered since then."""
        waiting = self.filter(status=Run.Status.WAITING)
        if since is not None:
            waiting = waiting.filter(requested_at__lt=since)
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def forget_before(self, moment: datetime) -> int:
        """Delete the finished runs of long ago that found nothing that is still kept."""
        return self.filter(finished_at__lt=moment, suggestions=None).delete()[0]


class PoolingRun(Run):
    """One search for demands that would cost less bought together."""

    found = models.PositiveIntegerField(_("suggestions"), default=0)
    expired = models.PositiveIntegerField(_("expired"), default=0)
    duration_ms = models.PositiveIntegerField(default=0)

    objects = PoolingRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("search for pools")
        verbose_name_plural = _("searches for pools")
        constraints = [
            # One row without an end: the index is of one constant.
            models.UniqueConstraint(
                models.Value(1), name="pooling_run_one_unfinished", condition=Q(status__in=["waiting", "running"])
            ),
        ]

    def __str__(self):
        return f"{self.requested_at:%Y-%m-%d %H:%M}: {self.status}"


class PoolSuggestionQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(status=PoolSuggestion.Status.OPEN)

    def of(self, organisations: "models.QuerySet[Organisation] | Collection[int]") -> Self:
        """Return those in which a demand of these firms is, unless they declined."""
        mine = PoolSuggestionMember.objects.filter(
            suggestion=OuterRef("pk"), demand__organisation__in=organisations, declined_at=None
        )
        return self.filter(Exists(mine))

    def visible_to(self, user: User) -> Self:
        """Return what was suggested to the user's firms and is open or led to a pool."""
        return self.of(Organisation.objects.of(user)).exclude(status=PoolSuggestion.Status.EXPIRED)

    def made_to(self, user: User) -> Self:
        """Return those, whatever became of them, that the user may act on for a firm."""
        return self.of(Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def out_of_date(self, now: datetime) -> Self:
        """Return the open ones of which a listing is closed or says something else than was looked at."""
        tradable = Listing.objects.open(now)
        gone = PoolSuggestionMember.objects.filter(
            ~Exists(tradable.filter(pk=OuterRef("demand"), revision=OuterRef("demand_revision"))),
            suggestion=OuterRef("pk"),
        )
        supplied = tradable.filter(pk=OuterRef("supply"), revision=OuterRef("supply_revision"))
        return self.open().filter(Exists(gone) | ~Exists(supplied))

    def become(self, status: str, **changes) -> int:
        """End these suggestions where they are open; one UPDATE decides."""
        return self.open().update(status=status, **changes)

    def with_details(self) -> Self:
        members = PoolSuggestionMember.objects.select_related("demand__organisation").order_by("pk")
        return self.select_related("category", "supply__organisation__disclosure", "pool").prefetch_related(
            Prefetch("members", members)
        )


class PoolSuggestion(models.Model):
    """Demands of one grade, near each other in place and time, that together pass a break none passes alone.

    ``total`` is in ``unit``. ``base_price`` is what the cheapest supply costs that the smallest of them could buy from
    alone; None: nobody sells so little. ``members_key`` names the set: its demands and the supply.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Suggested")
        STARTED = "started", _("Started")
        WITHDRAWN = "withdrawn", _("Too few are left")
        EXPIRED = "expired", _("Out of date")

    run = models.ForeignKey(PoolingRun, on_delete=models.PROTECT, related_name="suggestions")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    supply = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    supply_revision = models.PositiveIntegerField()
    members_key = models.CharField(max_length=64)
    unit = models.CharField(_("unit"), max_length=20)
    total = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    minimum = models.DecimalField(_("minimum order"), max_digits=18, decimal_places=3)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4)
    base_price = models.DecimalField(_("price alone"), max_digits=18, decimal_places=4, null=True, blank=True)
    window_start = models.DateField(_("from"))
    window_end = models.DateField(_("until"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    pool = models.OneToOneField(
        PurchasePool, on_delete=models.PROTECT, null=True, blank=True, related_name="suggestion"
    )

    objects = PoolSuggestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suggested pool")
        verbose_name_plural = _("suggested pools")
        indexes = [models.Index(name="pool_suggestion_open", fields=["status"], condition=Q(status="open"))]
        constraints = [
            models.UniqueConstraint(name="pool_suggestion_once_per_set", fields=["members_key"]),
            models.CheckConstraint(
                name="pool_suggestion_reaches_the_break", condition=Q(total__gte=F("minimum"), minimum__gt=0)
            ),
            models.CheckConstraint(
                name="pool_suggestion_price_is_below_the_price_alone",
                condition=Q(unit_price__gt=0) & (Q(base_price=None) | Q(base_price__gt=F("unit_price"))),
            ),
            models.CheckConstraint(
                name="pool_suggestion_window_is_ordered", condition=Q(window_end__gte=F("window_start"))
            ),
            models.CheckConstraint(
                name="pool_suggestion_started_has_its_pool",
                condition=Q(status="started", pool__isnull=False) | (~Q(status="started") & Q(pool=None)),
            ),
            models.CheckConstraint(
                name="pool_suggestion_ended_at_goes_with_status",
                condition=Q(status="open", ended_at=None) | (~Q(status="open") & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self):
        return f"{self.category_id}: {self.total} {self.unit}, {self.status}"


class PoolSuggestionMember(models.Model):
    """A demand that is in a suggested pool, how much of it, and what buying together saves it."""

    suggestion = models.ForeignKey(PoolSuggestion, on_delete=models.CASCADE, related_name="members")
    demand = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    demand_revision = models.PositiveIntegerField()
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    # None: nobody sells so little, so there is no price to compare with.
    saving = models.DecimalField(_("saving"), max_digits=20, decimal_places=2, null=True, blank=True)
    declined_at = models.DateTimeField(null=True, blank=True)
    declined_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("member of a suggested pool")
        verbose_name_plural = _("members of suggested pools")
        constraints = [
            models.UniqueConstraint(name="pool_suggestion_member_once", fields=["suggestion", "demand"]),
            models.CheckConstraint(name="pool_suggestion_member_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="pool_suggestion_member_saving_is_no_loss", condition=Q(saving=None) | Q(saving__gt=0)
            ),
            models.CheckConstraint(
                name="pool_suggestion_member_declined_says_who",
                condition=Q(declined_at=None, declined_by=None)
                | Q(declined_at__isnull=False, declined_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.suggestion_id}: {self.demand_id}"
