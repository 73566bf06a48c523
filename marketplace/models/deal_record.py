"""What happened in a deal, in the order in which it happened; each record carries the hash of the one before."""

import hashlib
from datetime import UTC
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.order import Order
from marketplace.models.user import User
from marketplace.verify_dealfile import FORMAT, canonical

# What each kind of record is called on pages and in the archive; a kind that is not here goes by its own name.
LABELS = {
    "match.found": ("匹配依据", "Why they were matched"),
    "negotiation.opened": ("开始洽谈", "Negotiation opened"),
    "negotiation.ended": ("洽谈结束", "Negotiation ended"),
    "message.sent": ("条款留言", "Message on a clause"),
    "offer.made": ("提出报价", "Offer made"),
    "offer.accepted": ("接受报价", "Offer accepted"),
    "offer.declined": ("拒绝报价", "Offer declined"),
    "offer.withdrawn": ("撤回报价", "Offer withdrawn"),
    "offer.lapsed": ("报价失效", "Offer lapsed"),
    "offer.countered": ("还价", "Offer countered"),
    "framework.called_off": ("框架订单提货", "Called off from a framework order"),
    "pool.allocated": ("集采分配", "Allocated by the collective purchase"),
    "order.confirmed": ("订单生效", "Order confirmed"),
    "order.changed": ("订单变更", "Order changed"),
    "order.closed": ("订单完结", "Order closed"),
    "order.cancelled": ("订单取消", "Order cancelled"),
    "delivery.confirmed": ("卖方确认交付", "Delivery confirmed by the seller"),
    "delivery.accepted": ("买方验收", "Delivery accepted by the buyer"),
    "proposal.made": ("提出变更", "Change proposed"),
    "proposal.confirmed": ("同意变更", "Change confirmed"),
    "proposal.declined": ("拒绝变更", "Change declined"),
    "proposal.withdrawn": ("撤回变更", "Change withdrawn"),
    "proposal.lapsed": ("变更失效", "Change lapsed"),
    "price.reduced": ("减价", "Price reduced"),
    "dispute.opened": ("提出争议", "Dispute opened"),
    "dispute.argued": ("争议陈述", "Statement in the dispute"),
    "dispute.settled": ("争议和解", "Dispute settled"),
    "dispute.decided": ("争议裁决", "Dispute decided"),
    "dispute.withdrawn": ("撤回争议", "Dispute withdrawn"),
    "invoice.requested": ("申请开票", "Invoice requested"),
    "invoice.issued": ("开具发票", "Invoice issued"),
    "invoice.received": ("收到发票", "Invoice received"),
    "invoice.voided": ("发票作废", "Invoice voided"),
    "invoice.refused": ("退回发票", "Invoice refused"),
    "payment.recorded": ("登记付款", "Payment recorded"),
    "payment.confirmed": ("确认收款", "Payment confirmed"),
    "payment.disputed": ("对付款有争议", "Payment disputed"),
    "payment.withdrawn": ("撤回付款登记", "Payment withdrawn"),
    "refund.recorded": ("登记退款", "Refund recorded"),
    "rating.given": ("评价", "Rating given"),
    "booking.held": ("候补时段待确认", "Slot offered from the waiting list"),
    "booking.requested": ("申请预约", "Booking requested"),
    "booking.confirmed": ("预约确认", "Booking confirmed"),
    "booking.refused": ("预约被拒", "Booking refused"),
    "booking.moved": ("预约改期", "Booking moved"),
    "booking.cancelled": ("预约取消", "Booking cancelled"),
    "booking.started": ("预约开始", "Booking began"),
    "booking.completed": ("预约完成", "Booking completed"),
    "booking.missed": ("预约未到", "Nobody came to the booking"),
    "booking.lapsed": ("预约失效", "Booking lapsed"),
    "booking.offered": ("预约转让中", "Booking offered to another firm"),
    "booking.handed_over": ("预约已转让", "Booking handed over"),
    "shipment.planned": ("计划发货", "Shipment planned"),
    "shipment.dispatched": ("发货", "Shipment dispatched"),
    "shipment.arrived": ("到达园区", "Shipment arrived"),
    "shipment.weighed": ("过磅", "Shipment weighed"),
    "shipment.handed_over": ("移交", "Shipment handed over"),
    "shipment.received": ("收货", "Shipment received"),
    "shipment.cancelled": ("发货取消", "Shipment cancelled"),
    "shipment.noted": ("运输备注", "Note on a shipment"),
    "lot.inspected": ("质检", "Lot inspected"),
    "lot.decided": ("拒收货物的处理", "Decided on rejected goods"),
    "concession.agreed": ("同意让步接收", "Concession agreed"),
    "concession.refused": ("拒绝让步接收", "Concession refused"),
    "lot.stored": ("入库", "Lot stored"),
    "lot.counted": ("盘点", "Lot counted"),
    "lot.released": ("出库放行", "Lot released"),
    "lot.returned": ("退货", "Lot returned"),
    "receipt.issued": ("出具签收单", "Receipt issued"),
    "receipt.signed": ("签收", "Receipt signed"),
    "receipt.withdrawn": ("签收单作废", "Receipt withdrawn"),
}


def first_hash(order_number: str) -> str:
    """Return what the first record of an order's chain follows: no record fits into the chain of another order."""
    return hashlib.sha256(f"{FORMAT}:{order_number}".encode()).hexdigest()


class DealRecordQuerySet(models.QuerySet):
    def in_order(self) -> Self:
        return self.order_by("sequence")


class DealRecord(models.Model):
    """One thing that happened in a deal. Rows are only ever added: a trigger of the database sees to it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="deal_records")
    sequence = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("event"), max_length=60)
    at = models.DateTimeField(_("time"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # As it was then: a name that changes later breaks no chain.
    by_name = models.CharField(_("by"), max_length=200, blank=True)
    payload = models.JSONField(_("content"), default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = DealRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("deal record")
        verbose_name_plural = _("deal records")
        constraints = [
            models.UniqueConstraint(name="deal_record_has_its_place_in_the_chain", fields=["order", "sequence"]),
            models.UniqueConstraint(name="deal_record_follows_one_record", fields=["order", "previous_hash"]),
            models.CheckConstraint(name="deal_record_counts_from_one", condition=Q(sequence__gte=1)),
            models.CheckConstraint(name="deal_record_is_of_a_kind", condition=Q(kind__regex=r"^[a-z_]+\.[a-z_]+$")),
            models.CheckConstraint(
                name="deal_record_is_hashed",
                condition=Q(hash__regex="^[0-9a-f]{64}$", previous_hash__regex="^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self):
        return f"{self.order_id}#{self.sequence} {self.kind}"

    def content(self) -> dict[str, Any]:
        """Return what is hashed, as the archive has it."""
        return {
            "sequence": self.sequence,
            "kind": self.kind,
            "at": self.at.astimezone(UTC).isoformat(),
            "by": self.by_name,
            "payload": self.payload,
            "previous_hash": self.previous_hash,
        }

    def seal(self) -> Self:
        """Compute the hash over the previous one and everything this record says; nothing is saved."""
        self.hash = hashlib.sha256((self.previous_hash + canonical(self.content())).encode()).hexdigest()
        return self

    @property
    def label(self) -> str:
        chinese, english = labels_of(self.kind)
        return english if get_language() == "en" else chinese


def labels_of(kind: str) -> tuple[str, str]:
    return LABELS.get(kind, (kind, kind))
