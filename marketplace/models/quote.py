from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.offer import Offer
from marketplace.models.organisation import Organisation
from marketplace.models.rfq import RequestForQuotation, RfqLine
from marketplace.models.terms import Terms, amount
from marketplace.models.user import User


class QuoteQuerySet(models.QuerySet):
    def readable_by(self, user: User, now: datetime) -> Self:
        """Return the suppliers' own in every status, and to the buyer those that were handed in and are not sealed.

        A sealed quote is nobody's but its supplier's until the deadline has passed and the buyer's people opened it,
        also not the platform operator's; and one that was replaced or withdrawn under seal stays so for good.
        """
        shown = Q(rfq__is_sealed=False) & ~Q(status=Quote.Status.DRAFT)
        shown |= Q(rfq__opened_at__isnull=False, rfq__closes_at__lte=now, status__in=Quote.STANDING)
        mine = Organisation.objects.of(user)
        if not (user.is_authenticated and user.is_staff):
            shown &= Q(rfq__buyer__in=mine)
        return self.filter(Q(supplier__in=mine) | shown)

    def of(self, user: User) -> Self:
        """Return what the user's organisations quoted."""
        return self.filter(supplier__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(supplier__in=Organisation.objects.of(user, *Quote.SUBMITTING_ROLES))

    def standing(self) -> Self:
        """Return each supplier's last word: handed in, not replaced and not withdrawn."""
        return self.filter(status__in=Quote.STANDING)

    def confirmed(self) -> Self:
        """Return those made for, or confirmed to, the present revision of what is asked."""
        return self.filter(rfq_revision=F("rfq__revision"))

    def with_lines(self) -> Self:
        lines = QuoteLine.objects.select_related("line").order_by("line__position", "quantity", "pk")
        return self.select_related("supplier__disclosure", "park", "submitted_by").prefetch_related(
            Prefetch("lines", lines), Prefetch("attachments", Attachment.objects.order_by("pk"))
        )

    def with_names(self) -> Self:
        return self.select_related("supplier__disclosure", "rfq", "rfq__buyer__disclosure")


class Quote(Terms):
    """What one supplier answers to a request; each submission is a version, and the earlier ones stay readable."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        SUPERSEDED = "superseded", _("Superseded")
        AWARDED = "awarded", _("Awarded")
        REJECTED = "rejected", _("Not chosen")

    # A supplier's last word, whatever came of it.
    STANDING = (Status.SUBMITTED, Status.AWARDED, Status.REJECTED)
    # A quote above a trader's limit is handed in by an approver.
    SUBMITTING_ROLES = (*Membership.TRADING_ROLES, Membership.Role.APPROVER)

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.PROTECT, related_name="quotes")
    supplier = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="quotes")
    # The listing the goods are taken from, where they are taken from one.
    supply = models.ForeignKey(
        Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("from our listing")
    )
    version = models.PositiveSmallIntegerField(_("version"))
    rfq_revision = models.PositiveSmallIntegerField()
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    freight_amount = models.DecimalField(_("freight"), max_digits=18, decimal_places=2, default=Decimal(0))
    charge_amount = models.DecimalField(_("other charges"), max_digits=18, decimal_places=2, default=Decimal(0))
    charge_text = models.CharField(_("charges for"), max_length=200, blank=True)
    lead_days = models.PositiveSmallIntegerField(_("lead time in days"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="quotes")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # What the buyer chose to tell who got nothing.
    answer_note = models.TextField(_("note"), max_length=2000, blank=True)

    objects = QuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        constraints = [
            *Terms.Meta.constraints,
            models.UniqueConstraint(name="quote_version_once", fields=["rfq", "supplier", "version"]),
            models.UniqueConstraint(
                name="quote_one_draft_per_supplier", fields=["rfq", "supplier"], condition=Q(status="draft")
            ),
            # However often it is sent, a supplier has one word that counts.
            models.UniqueConstraint(
                name="quote_one_standing_per_supplier",
                fields=["rfq", "supplier"],
                condition=Q(status__in=["submitted", "awarded", "rejected"]),
            ),
            models.CheckConstraint(
                name="quote_submitted_at_goes_with_status",
                condition=Q(status="draft", submitted_at=None, submitted_by=None)
                | Q(
                    ~Q(status="draft"),
                    submitted_at__isnull=False,
                    submitted_by__isnull=False,
                    valid_until__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="quote_charges_are_not_negative", condition=Q(freight_amount__gte=0, charge_amount__gte=0)
            ),
            models.CheckConstraint(
                name="quote_charge_says_what_for", condition=Q(charge_amount=0) | ~Q(charge_text="")
            ),
        ]

    def __str__(self):
        return f"{self.rfq_id}/{self.supplier_id} v{self.version}"


class QuoteLine(models.Model):
    """A supplier's price for one line of the request at one of its quantities, in the request's unit."""

    quote = models.ForeignKey(Quote, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(RfqLine, on_delete=models.PROTECT, related_name="quote_lines")
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4, null=True, blank=True)
    minimum_quantity = models.DecimalField(_("minimum order"), max_digits=18, decimal_places=3, null=True, blank=True)
    lead_days = models.PositiveSmallIntegerField(_("lead time in days"), null=True, blank=True)
    deviations = models.CharField(_("deviations"), max_length=1000, blank=True)
    is_declined = models.BooleanField(_("we cannot supply this"), default=False)

    class Meta:
        verbose_name = _("line of a quote")
        verbose_name_plural = _("lines of quotes")
        constraints = [
            models.UniqueConstraint(name="quote_line_once_per_quantity", fields=["quote", "line", "quantity"]),
            models.CheckConstraint(name="quote_line_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="quote_line_price_is_not_negative", condition=Q(unit_price=None) | Q(unit_price__gte=0)
            ),
            models.CheckConstraint(
                name="quote_line_declined_has_no_price", condition=Q(is_declined=False) | Q(unit_price=None)
            ),
            models.CheckConstraint(
                name="quote_line_minimum_is_within_quantity",
                condition=Q(minimum_quantity=None) | Q(minimum_quantity__gt=0, minimum_quantity__lte=F("quantity")),
            ),
        ]

    def __str__(self):
        return f"{self.quote_id}: {self.line_id} × {self.quantity}"

    @property
    def amount(self) -> Decimal | None:
        return None if self.unit_price is None else amount(self.quantity, self.unit_price)


class AwardQuerySet(models.QuerySet):
    def live(self) -> Self:
        return self.filter(voided_at=None)

    def waiting(self) -> Self:
        """Return those whose order still waits for an approver."""
        return self.live().filter(offer__status=Offer.Status.OPEN)

    def fallen(self) -> Self:
        """Return those that can become no order any more: declined, withdrawn or lapsed before an approver agreed."""
        return self.live().exclude(offer__status__in=[Offer.Status.OPEN, Offer.Status.ACCEPTED])

    def with_details(self) -> Self:
        lines = AwardLine.objects.select_related("line").order_by("line__position", "pk")
        return self.select_related("quote__supplier__disclosure", "offer", "made_by").prefetch_related(
            Prefetch("lines", lines), "offer__orders"
        )


class Award(models.Model):
    """The buyer takes a supplier's quote, or parts of it; the offer made of it becomes the order."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.PROTECT, related_name="awards")
    quote = models.ForeignKey(Quote, on_delete=models.PROTECT, related_name="awards")
    offer = models.OneToOneField(Offer, on_delete=models.PROTECT, related_name="award")
    reason = models.TextField(_("reason"), max_length=2000, blank=True)
    # Why a reason was asked for: a cheaper quote was there.
    is_cheapest = models.BooleanField(_("cheapest"), default=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = AwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")
        constraints = [
            models.CheckConstraint(
                name="award_of_a_dearer_quote_has_a_reason", condition=Q(is_cheapest=True) | ~Q(reason="")
            ),
        ]

    def __str__(self):
        return f"{self.rfq_id} → {self.quote_id}"


class AwardLine(models.Model):
    award = models.ForeignKey(Award, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(RfqLine, on_delete=models.PROTECT, related_name="award_lines")
    quote_line = models.ForeignKey(QuoteLine, on_delete=models.PROTECT, related_name="award_lines")
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4)

    class Meta:
        verbose_name = _("awarded line")
        verbose_name_plural = _("awarded lines")
        constraints = [
            models.UniqueConstraint(name="award_line_once", fields=["award", "line"]),
            models.CheckConstraint(name="award_line_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="award_line_price_is_not_negative", condition=Q(unit_price__gte=0)),
        ]

    def __str__(self):
        return f"{self.award_id}: {self.line_id} × {self.quantity}"
