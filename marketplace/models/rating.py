from typing import Self

from django.db import models
from django.db.models import Avg, F, Q, Sum
from django.utils.translation import gettext_lazy as _

from marketplace.models.order import Order
from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class OrderRecordQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.visible_to(user))

    def as_seller(self, organisation: Organisation) -> dict:
        """Sum up an organisation's record as a seller: shares are means over its closed orders."""
        return self._summed(organisation, OrderRecord.Side.SELLER)

    def as_buyer(self, organisation: Organisation) -> dict:
        return self._summed(organisation, OrderRecord.Side.BUYER)

    def _summed(self, organisation: Organisation, side: str) -> dict:
        return self.filter(organisation=organisation, side=side).aggregate(
            count=models.Count("pk"),
            on_time=Avg("on_time"),
            in_full=Avg("in_full"),
            in_spec=Avg("in_spec"),
            days_late=Avg("days_late"),
            deliveries=Sum("deliveries"),
        )


class OrderRecord(models.Model):
    """What the records say of one side of an order, computed once when it closes; nobody can type it.

    Of a seller: which share came on time, in full, in specification. Of a buyer: which share was paid on time and in
    full.
    """

    class Side(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        SELLER = "seller", _("Seller")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="records")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="order_records")
    side = models.CharField(max_length=6, choices=Side)
    on_time = models.DecimalField(_("on time"), max_digits=5, decimal_places=4, null=True)
    in_full = models.DecimalField(_("in full"), max_digits=5, decimal_places=4, null=True)
    in_spec = models.DecimalField(_("in specification"), max_digits=5, decimal_places=4, null=True)
    days_late = models.PositiveIntegerField(_("days late"), default=0)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0)
    deliveries_on_time = models.PositiveIntegerField(_("deliveries on time"), default=0)
    disputes = models.PositiveIntegerField(_("disputes"), default=0)
    at = models.DateTimeField()

    objects = OrderRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("order record")
        verbose_name_plural = _("order records")
        constraints = [
            models.UniqueConstraint(name="order_record_once_per_side", fields=["order", "side"]),
            models.CheckConstraint(
                name="order_record_shares_are_shares",
                condition=(Q(on_time=None) | Q(on_time__gte=0, on_time__lte=1))
                & (Q(in_full=None) | Q(in_full__gte=0, in_full__lte=1))
                & (Q(in_spec=None) | Q(in_spec__gte=0, in_spec__lte=1)),
            ),
            models.CheckConstraint(
                name="order_record_on_time_at_most_all", condition=Q(deliveries_on_time__lte=F("deliveries"))
            ),
        ]

    def __str__(self):
        return f"{self.order_id}: {self.side}"


class RatingQuerySet(models.QuerySet):
    def of(self, organisation: Organisation) -> Self:
        return self.filter(organisation=organisation)

    def with_names(self) -> Self:
        return self.select_related("by_organisation", "organisation", "order")


class Rating(models.Model):
    """What one side of an order says of the other in words and stars, beside the facts."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ratings")
    by_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="ratings")
    stars = models.PositiveSmallIntegerField(_("stars"))
    words = models.TextField(_("words"), max_length=2000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = RatingQuerySet.as_manager()

    class Meta:
        verbose_name = _("rating")
        verbose_name_plural = _("ratings")
        indexes = [models.Index(name="rating_newest_of", fields=["organisation", "-at"])]
        constraints = [
            models.UniqueConstraint(name="rating_one_per_side", fields=["order", "by_organisation"]),
            models.CheckConstraint(name="rating_of_one_to_five_stars", condition=Q(stars__gte=1, stars__lte=5)),
            models.CheckConstraint(name="rating_is_of_the_other", condition=~Q(organisation=F("by_organisation"))),
        ]

    def __str__(self):
        return f"{self.order_id}: {self.stars}"
