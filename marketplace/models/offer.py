from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models.attachment import Attachment
from marketplace.models.membership import Membership
from marketplace.models.negotiation import Negotiation
from marketplace.models.organisation import Organisation
from marketplace.models.terms import TermLine, Terms
from marketplace.models.user import User


class OfferQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return offers of the user's negotiations; one that waits for its own side's approver is theirs alone."""
        if user.is_authenticated and user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        sent = ~Q(status__in=[Offer.Status.AWAITING_APPROVAL, Offer.Status.REFUSED])
        return self.filter(
            Q(made_for__in=mine) | (sent & (Q(negotiation__buyer__in=mine) | Q(negotiation__seller__in=mine)))
        )

    def open(self, now: datetime) -> Self:
        """Return what can be accepted now."""
        return self.filter(status=Offer.Status.OPEN, valid_until__gt=now)

    def lapsing(self, now: datetime) -> Self:
        """Return what nobody answered while it was valid: an open one still holds its quantity."""
        unanswered = [Offer.Status.OPEN, Offer.Status.AWAITING_APPROVAL]
        return self.filter(status__in=unanswered, valid_until__lte=now)

    def answer(self, status: str, *, now: datetime, by: User | None = None, note: str = "") -> int:
        """Close these offers if nobody did before; one UPDATE decides, whether a person or the clock is behind it."""
        unanswered = self.filter(status__in=[Offer.Status.OPEN, Offer.Status.AWAITING_APPROVAL])
        return unanswered.update(status=status, answered_at=now, answered_by=by, answer_note=note)

    def accept(self, *, now: datetime, by: User) -> int:
        """Accept what can be accepted now; of two who accept at once one finds nothing."""
        return self.open(now).update(status=Offer.Status.ACCEPTED, answered_at=now, answered_by=by)

    def sent(self) -> Self:
        """Return what the other side was shown."""
        return self.exclude(status__in=[Offer.Status.AWAITING_APPROVAL, Offer.Status.REFUSED])

    def with_lines(self) -> Self:
        lines = models.Prefetch("lines", OfferLine.objects.order_by("position"))
        return self.select_related("made_for", "park").prefetch_related(lines)


class Offer(Terms):
    """A full set of terms that one side puts to the other; never changed, only answered or followed by another.

    Total and tax are computed once and kept. A trigger of the database refuses to change a term once it is written.
    """

    class Side(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        SELLER = "seller", _("Seller")

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval", _("Waiting for approval")
        OPEN = "open", pgettext_lazy("offer", "Open")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")
        COUNTERED = "countered", _("Countered")
        REFUSED = "refused", _("Refused by the approver")

    negotiation = models.ForeignKey(Negotiation, on_delete=models.PROTECT, related_name="offers")
    number = models.PositiveSmallIntegerField(_("offer"))
    side = models.CharField(max_length=6, choices=Side)
    made_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="offers")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    is_framework = models.BooleanField(_("framework: called off in parts"), default=False)
    net_amount = models.DecimalField(_("amount without tax"), max_digits=20, decimal_places=2)
    tax_amount = models.DecimalField(_("tax"), max_digits=20, decimal_places=2)
    total_amount = models.DecimalField(_("total"), max_digits=20, decimal_places=2)
    valid_until = models.DateTimeField(_("valid until"))
    attachments = models.ManyToManyField(Attachment, blank=True, related_name="offers")
    status = models.CharField(_("status"), max_length=17, choices=Status, default=Status.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answer_note = models.TextField(_("note"), max_length=2000, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        indexes = [
            models.Index(
                name="offer_to_lapse",
                fields=["valid_until"],
                condition=Q(status__in=["open", "awaiting_approval"]),
            ),
        ]
        constraints = [
            *Terms.Meta.constraints,
            models.UniqueConstraint(name="offer_number_is_unique_in_its_negotiation", fields=["negotiation", "number"]),
            models.UniqueConstraint(
                name="offer_one_unanswered_per_negotiation", fields=["negotiation"], condition=Q(status="open")
            ),
            models.UniqueConstraint(
                name="offer_one_accepted_per_negotiation", fields=["negotiation"], condition=Q(status="accepted")
            ),
            models.CheckConstraint(name="offer_is_valid_for_a_while", condition=Q(valid_until__gt=models.F("made_at"))),
            models.CheckConstraint(
                name="offer_total_adds_up", condition=Q(total_amount=models.F("net_amount") + models.F("tax_amount"))
            ),
            models.CheckConstraint(
                name="offer_answered_at_goes_with_status",
                condition=Q(status__in=["open", "awaiting_approval"], answered_at=None)
                | Q(~Q(status__in=["open", "awaiting_approval"]), answered_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.negotiation_id}/{self.number}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def answered_for(self) -> Organisation:
        """Return the side that is to answer."""
        return self.negotiation.seller if self.side == self.Side.BUYER else self.negotiation.buyer


class OfferLine(TermLine):
    """``held`` is what it holds of the offering side's listing while the offer is open, in the listing's unit."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="lines")
    held = models.DecimalField(max_digits=18, decimal_places=3, default=Decimal(0))

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            *TermLine.Meta.constraints,
            models.UniqueConstraint(name="offer_line_position_once", fields=["offer", "position"]),
            models.CheckConstraint(name="offer_line_holds_no_less_than_nothing", condition=Q(held__gte=0)),
        ]

    def __str__(self):
        return f"{self.offer_id}.{self.position}: {self.description}"


class ApprovalQuerySet(models.QuerySet):
    def pending(self) -> Self:
        return self.filter(status=Approval.Status.PENDING)

    def decide(self, status: str, *, now: datetime, by: User | None = None, note: str = "") -> int:
        return self.pending().update(status=status, decided_at=now, decided_by=by, note=note)

    def visible_to(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user))

    def with_details(self) -> Self:
        return self.select_related(
            "organisation",
            "requested_by",
            "decided_by",
            "offer__made_for",
            "offer__negotiation__supply",
            "offer__negotiation__demand",
            "offer__negotiation__buyer__disclosure",
            "offer__negotiation__seller__disclosure",
            "offer__park",
        ).prefetch_related("offer__lines", "offer__attachments")

    def decidable_by(self, user: User) -> Self:
        """Return what waits for this approver or owner, except what they asked for themselves."""
        mine = Organisation.objects.of(user, Membership.Role.OWNER, Membership.Role.APPROVER)
        return self.pending().filter(organisation__in=mine).exclude(requested_by=user)


class Approval(models.Model):
    """An approver is asked because an offer made or about to be accepted is above the member's limit."""

    class Act(models.TextChoices):
        SEND = "send", _("Send the offer")
        ACCEPT = "accept", _("Accept the offer")

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        OVERTAKEN = "overtaken", _("Overtaken by events")

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="approvals")
    act = models.CharField(max_length=6, choices=Act)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="approvals")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(_("note"), max_length=2000, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                name="approval_one_pending_per_act", fields=["offer", "act"], condition=Q(status="pending")
            ),
            models.CheckConstraint(
                name="approval_takes_two_people",
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("requested_by")),
            ),
            models.CheckConstraint(
                name="approval_decided_at_goes_with_status",
                condition=Q(status="pending", decided_at=None) | Q(~Q(status="pending"), decided_at__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.offer_id}: {self.act}"
