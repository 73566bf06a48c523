from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.membership import Membership
from marketplace.models.order import Order, OrderLine
from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class ProposalQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(order__in=Order.objects.visible_to(user))

    def open(self) -> Self:
        return self.filter(status=Proposal.Status.OPEN)

    def withdrawable_by(self, user: User) -> Self:
        """Return the proposals that the user's own side made."""
        return self.filter(proposed_for__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def answerable_by(self, user: User) -> Self:
        """Return the proposals that the user's side is to answer."""
        mine = Organisation.objects.of(user, *Membership.TRADING_ROLES)
        return self.filter(
            Q(proposed_for=models.F("order__buyer"), order__seller__in=mine)
            | Q(proposed_for=models.F("order__seller"), order__buyer__in=mine)
        )

    def with_details(self) -> Self:
        return self.select_related("order__buyer", "order__seller", "proposed_for", "proposed_by", "line", "dispute")

    def answer(self, status: str, *, by: User | None, now, note: str = "") -> int:
        """Close these proposals if they are still open; one UPDATE decides."""
        return self.open().update(status=status, answered_by=by, answered_at=now, answer_note=note)


class Proposal(models.Model):
    """What one side of an order proposes to change, and the other confirms or declines.

    ``terms`` are what is proposed; ``effects`` what confirming does, as both sides were shown it.
    """

    class Kind(models.TextChoices):
        AMENDMENT = "amendment", _("Amendment")
        CANCELLATION = "cancellation", _("Cancellation")
        SHORTAGE = "shortage", _("Short delivery")
        RETURN = "return", _("Return")
        SETTLEMENT = "settlement", _("Settlement of a dispute")

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting for an answer")
        CONFIRMED = "confirmed", _("Confirmed")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        OVERTAKEN = "overtaken", _("Overtaken by events")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="proposals")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, null=True, blank=True, related_name="proposals")
    dispute = models.ForeignKey("Dispute", on_delete=models.PROTECT, null=True, blank=True, related_name="proposals")
    proposed_for = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    # The order's revision it was made for: another amendment, confirmed first, overtakes it.
    revision = models.PositiveIntegerField()
    terms = models.JSONField(default=dict)
    effects = models.JSONField(default=dict, blank=True)
    reason = models.TextField(_("reason"), max_length=2000)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_note = models.TextField(_("note"), max_length=2000, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        constraints = [
            models.UniqueConstraint(
                name="proposal_one_open_per_kind_and_line",
                fields=["order", "kind", "line", "dispute"],
                condition=Q(status="open"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="proposal_answered_at_goes_with_status",
                condition=Q(status="open", answered_at=None) | Q(~Q(status="open"), answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="proposal_settles_a_dispute",
                condition=Q(kind="settlement", dispute__isnull=False) | Q(~Q(kind="settlement"), dispute=None),
            ),
            models.CheckConstraint(
                name="proposal_is_about_a_line_where_it_must",
                condition=Q(kind__in=["shortage", "return", "settlement"], line__isnull=False)
                | Q(kind__in=["amendment", "cancellation"], line=None),
            ),
        ]

    def __str__(self):
        return f"{self.order_id}: {self.kind}"

    @property
    def answered_for(self) -> Organisation:
        """Return the side that is to answer."""
        return self.order.other(self.proposed_for)
