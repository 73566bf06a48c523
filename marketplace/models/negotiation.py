from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models.attachment import Attachment
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class NegotiationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the negotiations of the user's organisations; the platform operator sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def editable_by(self, user: User) -> Self:
        """Return the negotiations in which the user trades for one side."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def open(self) -> Self:
        return self.filter(status=Negotiation.Status.OPEN)

    def of(self, user: User) -> Self:
        """Return the negotiations of the user's own organisations, also for the platform operator."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(buyer__in=mine) | Q(seller__in=mine))

    def with_names(self) -> Self:
        return self.select_related("buyer__disclosure", "seller__disclosure", "supply", "demand")

    def with_details(self) -> Self:
        return self.with_names().select_related("supply__category", "demand__category")

    def with_turn(self, user: User) -> Self:
        """Add ``is_our_turn``: the user's side is to answer an open offer, or to make the first one it was asked for.

        And ``last_total`` and ``last_number``: what was said last.
        """
        mine = list(user.memberships.values_list("organisation", flat=True))
        sent = Negotiation.offers.rel.related_model.objects.sent().filter(negotiation=OuterRef("pk"))
        is_open = Q(status=Negotiation.Status.OPEN)
        theirs = sent.filter(status="open").exclude(made_for__in=mine)
        unbegun = ~Exists(sent) & ~Q(opened_for__in=mine)
        last = sent.order_by("-number")
        return self.annotate(
            is_our_turn=ExpressionWrapper(is_open & (Exists(theirs) | unbegun), output_field=models.BooleanField()),
            last_number=Subquery(last.values("number")[:1]),
            last_total=Subquery(last.values("total_amount")[:1]),
            last_currency=Subquery(last.values("currency")[:1]),
        )

    def end(self, *, now: datetime) -> int:
        return self.open().update(status=Negotiation.Status.ENDED, closed_at=now, updated_at=now)

    def agree(self, *, now: datetime) -> int:
        return self.open().update(
            status=Negotiation.Status.AGREED, stage=Negotiation.Stage.AGREED, closed_at=now, updated_at=now
        )


class Negotiation(models.Model):
    """Two firms about a pair of listings.

    Who opens it from a browse page may have no listing of their own, so one of the pair may be missing. ``stage`` says
    how far it has come, and with it what each side sees of the other.
    """

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("negotiation", "Open")
        AGREED = "agreed", _("Agreed")
        ENDED = "ended", _("Ended")

    class Origin(models.TextChoices):
        MATCH = "match", _("Match")
        BROWSE = "browse", _("Market")
        INVITATION = "invitation", _("Invitation")
        QUOTATION = "quotation", _("Request for quotation")
        POOL = "pool", _("Collective purchase")
        REPEAT = "repeat", _("Ordered again")

    class Stage(models.IntegerChoices):
        """Later stages show more: each includes the ones before."""

        OPENED = 1, _("When a negotiation opens")
        ANSWERED = 2, _("When both sides have made an offer")
        AGREED = 3, _("When an offer is accepted")

    supply = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    demand = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="negotiations_as_buyer")
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="negotiations_as_seller")
    opened_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(_("opened from"), max_length=10, choices=Origin)
    # What the matcher said when it began, kept though the match itself moves on.
    match_reasons = models.JSONField(default=list, blank=True)
    match_score = models.FloatField(null=True, blank=True)
    model_version = models.CharField(max_length=40, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    stage = models.PositiveSmallIntegerField(choices=Stage, default=Stage.OPENED)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = NegotiationQuerySet.as_manager()

    class Meta:
        verbose_name = _("negotiation")
        verbose_name_plural = _("negotiations")
        indexes = [
            models.Index(name="negotiation_of_buyer", fields=["buyer", "-updated_at"]),
            models.Index(name="negotiation_of_seller", fields=["seller", "-updated_at"]),
        ]
        constraints = [
            models.CheckConstraint(name="negotiation_is_between_two", condition=~Q(buyer=models.F("seller"))),
            models.CheckConstraint(
                # What was asked for by quotation may be no listing at all.
                name="negotiation_is_about_a_listing",
                condition=Q(supply__isnull=False) | Q(demand__isnull=False) | Q(origin="quotation"),
            ),
            models.CheckConstraint(
                name="negotiation_is_opened_by_a_side",
                condition=Q(opened_for=models.F("buyer")) | Q(opened_for=models.F("seller")),
            ),
            models.UniqueConstraint(
                name="negotiation_one_open_per_pair",
                fields=["supply", "demand", "buyer", "seller"],
                condition=Q(status="open", origin__in=["match", "browse", "invitation"]),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="negotiation_closed_at_goes_with_status",
                condition=Q(status="open", closed_at=None) | Q(~Q(status="open"), closed_at__isnull=False),
            ),
        ]

    def __str__(self):
        return str(self.listing or self.get_origin_display())

    @property
    def listing(self) -> Listing | None:
        """Return the listing it is about: the demand where there is one; None where a quotation was about none."""
        return self.demand or self.supply

    def has(self, organisation: Organisation) -> bool:
        return organisation.pk in (self.buyer_id, self.seller_id)

    def side_of(self, organisation: Organisation) -> str:
        return "buyer" if organisation.pk == self.buyer_id else "seller"

    def other(self, organisation: Organisation) -> Organisation:
        return self.seller if organisation.pk == self.buyer_id else self.buyer

    def listing_of(self, organisation: Organisation) -> Listing | None:
        """Return what this side offers or wants, where it posted it."""
        return self.demand if organisation.pk == self.buyer_id else self.supply


class Message(models.Model):
    """What one side says to the other, about a clause of the terms or about the whole."""

    class Clause(models.TextChoices):
        WHOLE = "whole", _("The whole")
        QUANTITY = "quantity", _("Quantity")
        PRICE = "price", _("Price and currency")
        TAX = "tax", _("Tax")
        SPECIFICATION = "specification", _("Specification")
        WINDOW = "window", _("Delivery window")
        PLACE = "place", _("Place of delivery")
        INCOTERM = "incoterm", _("Delivery term")
        PAYMENT = "payment", _("Payment terms")
        VALIDITY = "validity", _("Validity")

    negotiation = models.ForeignKey(Negotiation, on_delete=models.PROTECT, related_name="messages")
    offer = models.ForeignKey("Offer", on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    clause = models.CharField(_("about"), max_length=15, choices=Clause, default=Clause.WHOLE)
    line = models.PositiveSmallIntegerField(_("line"), null=True, blank=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("message"), max_length=4000, blank=True)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="messages")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [models.Index(name="message_of_negotiation", fields=["negotiation", "created_at"])]

    def __str__(self):
        return self.text[:80]
