from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models.attachment import Attachment
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.negotiation import Negotiation
from marketplace.models.organisation import Organisation
from marketplace.models.terms import Terms
from marketplace.models.user import User


class RequestForQuotationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the user's organisations' own and those they are invited to; the platform operator sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        return self.filter(Q(buyer__in=mine) | (~Q(status=RequestForQuotation.Status.DRAFT) & _invites(mine)))

    def bought_by(self, user: User) -> Self:
        """Return what the user's organisations ask for."""
        return self.filter(buyer__in=Organisation.objects.of(user))

    def received_by(self, user: User) -> Self:
        """Return what the user's organisations are asked to quote for."""
        return self.exclude(status=RequestForQuotation.Status.DRAFT).filter(_invites(Organisation.objects.of(user)))

    def editable_by(self, user: User) -> Self:
        return self.filter(buyer__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def openable_by(self, user: User) -> Self:
        """Return those whose sealed quotes the user may help to open."""
        return self.filter(buyer__in=Organisation.objects.of(user, *RequestForQuotation.OPENING_ROLES))

    def taking_quotes(self, now: datetime) -> Self:
        return self.filter(status=RequestForQuotation.Status.OPEN, closes_at__gt=now)

    def to_close(self, now: datetime) -> Self:
        return self.filter(status=RequestForQuotation.Status.OPEN, closes_at__lte=now)

    def close(self, *, now: datetime) -> int:
        """Take no more quotes for those that are open; a person or the clock may say so."""
        return self.filter(status=RequestForQuotation.Status.OPEN).update(
            status=RequestForQuotation.Status.CLOSED, closed_at=now, updated_at=now
        )

    def to_settle(self) -> Self:
        """Return awarded ones whose other suppliers were not told yet, and those with an award that fell through."""
        dead = ["declined", "withdrawn", "lapsed", "countered", "refused"]
        return self.filter(
            Q(status=RequestForQuotation.Status.AWARDED, settled_at=None)
            | Q(awards__voided_at=None, awards__offer__status__in=dead)
        ).distinct()

    def with_names(self) -> Self:
        return self.select_related("buyer__disclosure", "demand", "park")

    def with_details(self) -> Self:
        """Add lines, who is invited, questions and files, as one page shows them."""
        return self.with_names().prefetch_related(
            Prefetch("lines", RfqLine.objects.filter(is_removed=False).order_by("position", "pk")),
            Prefetch(
                "invitations", RfqInvitation.objects.select_related("supplier__disclosure", "supply").order_by("pk")
            ),
            Prefetch("questions", RfqQuestion.objects.select_related("asked_for").order_by("asked_at", "pk")),
            Prefetch("amendments", RfqAmendment.objects.order_by("-revision")),
            Prefetch("openings", RfqOpening.objects.select_related("by").order_by("at", "pk")),
            Prefetch("attachments", Attachment.objects.order_by("pk")),
        )

    def with_counts(self) -> Self:
        """Add how many firms are asked and how many quotes stand: ``invited_count`` and ``quote_count``."""
        standing = Q(quotes__status__in=["submitted", "awarded", "rejected"])
        return self.annotate(
            invited_count=Count("invitations", distinct=True),
            quote_count=Count("quotes", filter=standing, distinct=True),
        )


def _invites(organisations) -> Exists:
    return Exists(RfqInvitation.objects.filter(rfq=OuterRef("pk"), supplier__in=organisations))


class RequestForQuotation(Terms):
    """What a buyer asks several suppliers to quote for, with the terms it wishes.

    ``revision`` grows with each amendment; a quote says which one it was made for.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", pgettext_lazy("request for quotation", "Open")
        CLOSED = "closed", _("Closed")
        AWARDED = "awarded", _("Awarded")
        CANCELLED = "cancelled", _("Cancelled")

    # Who may break the seal: those who trade and those who control them.
    OPENING_ROLES = (*Membership.TRADING_ROLES, Membership.Role.APPROVER)

    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="rfqs", verbose_name=_("buyer"))
    demand = models.ForeignKey(
        Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="rfqs", verbose_name=_("demand")
    )
    copy_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="copies")
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), max_length=8000, blank=True)
    is_sealed = models.BooleanField(_("sealed until the deadline"), default=False)
    opens_with_two = models.BooleanField(_("two of us open the quotes together"), default=False)
    # Who can deduct input tax compares prices without it.
    recovers_tax = models.BooleanField(_("we recover input tax"), default=True)
    closes_at = models.DateTimeField(_("deadline"))
    # What one unit of another currency costs in this one's, as the buyer typed it: {"USD": "7.1"}.
    rates = models.JSONField(_("exchange rates"), default=dict, blank=True)
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="rfqs")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    cancel_reason = models.TextField(_("reason"), max_length=2000, blank=True)
    # What those who got nothing are told, and when they were.
    closing_note = models.TextField(_("note to the others"), max_length=2000, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = RequestForQuotationQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for quotation")
        verbose_name_plural = _("requests for quotation")
        indexes = [
            models.Index(name="rfq_of_buyer", fields=["buyer", "-updated_at"]),
            models.Index(name="rfq_to_close", fields=["closes_at"], condition=Q(status="open")),
            models.Index(name="rfq_to_settle", fields=["id"], condition=Q(status="awarded", settled_at=None)),
        ]
        constraints = [
            *Terms.Meta.constraints,
            models.CheckConstraint(name="rfq_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="rfq_published_at_goes_with_status",
                condition=Q(status="draft", published_at=None)
                | Q(status="cancelled")
                | Q(status__in=["open", "closed", "awarded"], published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rfq_closed_at_goes_with_status",
                condition=Q(status__in=["draft", "open"], closed_at=None)
                | Q(status__in=["closed", "awarded", "cancelled"], closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rfq_two_open_what_is_sealed", condition=Q(opens_with_two=False) | Q(is_sealed=True)
            ),
            # Nobody's clock and no mistake of ours opens a seal early.
            models.CheckConstraint(
                name="rfq_is_opened_after_its_deadline",
                condition=Q(opened_at=None) | Q(is_sealed=True, opened_at__gte=F("closes_at")),
            ),
            models.CheckConstraint(
                name="rfq_settled_once_awarded", condition=Q(settled_at=None) | Q(status__in=["awarded", "cancelled"])
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.title}"

    @property
    def number(self) -> str:
        """Return how people call it."""
        return f"RFQ-{self.pk:06d}" if self.pk else ""

    @property
    def shows_quotes(self) -> bool:
        """Say whether the buyer may look into the quotes: at once, or where sealed once they are opened."""
        return not self.is_sealed or self.opened_at is not None

    @property
    def openers_needed(self) -> int:
        return 2 if self.opens_with_two else 1


class RfqLine(models.Model):
    """One thing that is asked for. ``tiers`` are further quantities to quote for, beside ``quantity``."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField(_("line"))
    description = models.CharField(_("description"), max_length=300)
    specification = models.JSONField(_("specification"), default=dict, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    tiers = ArrayField(
        models.DecimalField(max_digits=18, decimal_places=3), verbose_name=_("also quote for"), default=list, blank=True
    )
    # The most that can be awarded: the largest quantity asked for. What was awarded is counted up against it.
    largest_quantity = models.DecimalField(max_digits=18, decimal_places=3)
    awarded = models.DecimalField(_("awarded"), max_digits=18, decimal_places=3, default=Decimal(0))
    # An amendment took it out; earlier quotes still speak of it.
    is_removed = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(
                name="rfq_line_position_once", fields=["rfq", "position"], condition=Q(is_removed=False)
            ),
            models.CheckConstraint(name="rfq_line_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="rfq_line_largest_is_no_less_than_quantity", condition=Q(largest_quantity__gte=F("quantity"))
            ),
            models.CheckConstraint(
                name="rfq_line_awards_at_most_what_is_asked",
                condition=Q(awarded__gte=0, awarded__lte=F("largest_quantity")),
            ),
        ]

    def __str__(self):
        return f"{self.rfq_id}.{self.position}: {self.description}"

    @property
    def quantities(self) -> list[Decimal]:
        """Return all quantities to quote for, smallest first."""
        return sorted({self.quantity, *self.tiers})

    @property
    def left(self) -> Decimal:
        """Return what may still be awarded."""
        return self.largest_quantity - self.awarded


class RfqInvitationQuerySet(models.QuerySet):
    def stages_of(self, organisations: Collection[int]) -> Iterator[tuple[int, int]]:
        """Yield the firms that these were asked by or ask, with how much that opens to them.

        To be asked is as much as an open negotiation; a quote that the buyer may read is an answer.
        """
        stage = Negotiation.Stage
        quoted = models.Q(rfq__quotes__supplier=F("supplier"), rfq__quotes__submitted_at__isnull=False)
        legible = Q(rfq__is_sealed=False) | Q(rfq__opened_at__isnull=False)
        asked = self.filter(invited_at__isnull=False).filter(
            Q(supplier__in=organisations) | Q(rfq__buyer__in=organisations)
        )
        reached = models.Case(models.When(quoted & legible, then=stage.ANSWERED), default=stage.OPENED)
        for buyer, supplier, how_far in asked.annotate(reached=reached).values_list(
            "rfq__buyer", "supplier", "reached"
        ):
            for other in {buyer, supplier} - set(organisations):
                yield other, how_far


class RfqInvitation(models.Model):
    """A supplier is asked to quote; with the supply that fits and why, where the matcher found it."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.CASCADE, related_name="invitations")
    supplier = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="rfq_invitations")
    supply = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    match_reasons = models.JSONField(default=list, blank=True)
    match_score = models.FloatField(null=True, blank=True)
    model_version = models.CharField(max_length=64, blank=True)
    # Empty while the request is a draft.
    invited_at = models.DateTimeField(null=True, blank=True)
    viewed_at = models.DateTimeField(null=True, blank=True)
    declined_at = models.DateTimeField(null=True, blank=True)
    decline_reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = RfqInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation to quote")
        verbose_name_plural = _("invitations to quote")
        indexes = [models.Index(name="rfq_invitation_of_supplier", fields=["supplier", "-invited_at"])]
        constraints = [
            models.UniqueConstraint(name="rfq_invitation_once_per_supplier", fields=["rfq", "supplier"]),
        ]

    def __str__(self):
        return f"{self.rfq_id} → {self.supplier_id}"


class RfqQuestion(models.Model):
    """A supplier asks; all who are invited read question and answer, and not who asked."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.CASCADE, related_name="questions")
    asked_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    text = models.TextField(_("question"), max_length=2000)
    answer = models.TextField(_("answer"), max_length=4000, blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.CheckConstraint(
                name="rfq_question_answered_at_goes_with_answer",
                condition=Q(answered_at=None, answered_by=None, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
            ),
        ]

    def __str__(self):
        return self.text[:80]


class RfqAmendment(models.Model):
    """What the buyer changed after publishing, with the values before and after."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.CASCADE, related_name="amendments")
    revision = models.PositiveSmallIntegerField()
    # Each with its field and the values before and after.
    changes = models.JSONField(default=list)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("amendment")
        verbose_name_plural = _("amendments")
        constraints = [
            models.UniqueConstraint(name="rfq_amendment_once_per_revision", fields=["rfq", "revision"]),
        ]

    def __str__(self):
        return f"{self.rfq_id} → {self.revision}"


class RfqOpening(models.Model):
    """A member of the buyer's says: open the sealed quotes; enough of them, and they are open."""

    rfq = models.ForeignKey(RequestForQuotation, on_delete=models.CASCADE, related_name="openings")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("opening of quotes")
        verbose_name_plural = _("openings of quotes")
        constraints = [
            models.UniqueConstraint(name="rfq_opening_takes_different_people", fields=["rfq", "by"]),
        ]

    def __str__(self):
        return f"{self.rfq_id}: {self.by_id}"
