from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Listing
from matching.models.market_proposal import MarketProposal


class AllotmentQuerySet(models.QuerySet):
    def published(self) -> Self:
        return self.filter(fate=Allotment.Fate.PUBLISHED)

    def dropped(self) -> Self:
        return self.filter(fate=Allotment.Fate.DROPPED)

    def with_listings(self) -> Self:
        names = "organisation__disclosure"
        return self.select_related(f"demand__{names}", f"supply__{names}", "demand__category", "supply__category")


class Allotment(models.Model):
    """What an approved market gives one demand of one supply, or why it no longer could.

    ``quantity`` is in ``unit``, the demand's own. A demand that one supply cannot cover has ``supplier_count`` suppliers,
    who together cover ``covered``; a demand below the supply's minimum order shares an order with
    ``pooled_count`` demands, itself among them.
    """

    class Fate(models.TextChoices):
        PUBLISHED = "published", pgettext_lazy("allotment", "Published")
        DROPPED = "dropped", pgettext_lazy("allotment", "Dropped")

    class Reason(models.TextChoices):
        DEMAND_CHANGED = "demand_changed", _("The demand was changed or closed")
        SUPPLY_CHANGED = "supply_changed", _("The supply was changed or closed")
        DEMAND_HELD = "demand_held", _("Less of the demand is still open")
        SUPPLY_HELD = "supply_held", _("Less of the supply is still to be had")
        NO_MATCH = "no_match", _("The two no longer match")
        BELOW_MINIMUM = "below_minimum", _("What was left of the order is below the minimum")

    proposal = models.ForeignKey(MarketProposal, on_delete=models.CASCADE, related_name="allotments")
    demand = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    supply = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    demand_revision = models.PositiveIntegerField()
    supply_revision = models.PositiveIntegerField()
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    value = models.FloatField(_("value"))
    supplier_count = models.PositiveSmallIntegerField(default=1)
    covered = models.DecimalField(max_digits=18, decimal_places=3)
    pooled_count = models.PositiveSmallIntegerField(default=1)
    fate = models.CharField(_("fate"), max_length=10, choices=Fate)
    dropped_because = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)

    # While it is decided whether it holds: the same quantity in the market's unit.
    market_quantity = Decimal(0)

    objects = AllotmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("allotment")
        verbose_name_plural = _("allotments")
        constraints = [
            models.UniqueConstraint(name="allotment_once_per_pair", fields=["proposal", "demand", "supply"]),
            models.CheckConstraint(name="allotment_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="allotment_covers_its_own", condition=Q(covered__gte=F("quantity"))),
            models.CheckConstraint(
                name="allotment_counts_itself", condition=Q(supplier_count__gte=1, pooled_count__gte=1)
            ),
            models.CheckConstraint(
                name="allotment_dropped_says_why",
                condition=Q(fate="published", dropped_because="") | (Q(fate="dropped") & ~Q(dropped_because="")),
            ),
        ]

    def __str__(self):
        return f"{self.demand_id} ← {self.supply_id}: {self.quantity} {self.unit}"
