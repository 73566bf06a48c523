"""Orders and what is done about them: proposals, disputes, money, ratings, the deal file."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import (
    Attachment,
    DealRecord,
    Dispute,
    Invoice,
    Order,
    OrderLine,
    OrderRecord,
    Payment,
    Proposal,
    Rating,
)
from marketplace.services import disputes


class OrderLineInline(TabularInline):
    model = OrderLine
    fields = readonly_fields = (
        "position",
        "description",
        "quantity",
        "unit",
        "unit_price",
        *OrderLine.PLACES,
    )
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "buyer", "seller", "total_amount", "currency", "status", "confirmed_at")
    list_filter = ("status", "kind", "currency")
    list_select_related = ("buyer", "seller")
    search_fields = ("number", "buyer__name_zh", "seller__name_zh", "buyer__uscc", "seller__uscc")
    ordering = ("-id",)
    inlines = [OrderLineInline]


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "kind", "proposed_for", "status", "proposed_at", "answered_at")
    list_filter = ("kind", "status")
    list_select_related = ("order", "proposed_for")
    ordering = ("-id",)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Open ones are decided on their own page, part by part; here the two plain decisions."""

    list_display = ("id", "order", "line", "quantity", "kind", "opened_for", "status", "opened_at", "closed_by")
    list_filter = ("status", "kind")
    list_select_related = ("order", "line", "opened_for", "closed_by")
    ordering = ("-id",)
    actions = ["decide_accepted", "decide_returned"]

    def _decide(self, request, queryset, share, note):
        by, now = request.user, timezone.now()

        def decide(row):
            said = {share: row.quantity}
            disputes.decide_dispute(dispute=row, said=said, note=note, by=by, now=now)

        self.each(request, queryset, decide)

    @admin.action(description=gettext_lazy("Decide: all of it counts as accepted"))
    def decide_accepted(self, request, queryset):
        self._decide(request, queryset, "accept", _("Decided on the evidence: the goods count as accepted."))

    @admin.action(description=gettext_lazy("Decide: all of it is returned"))
    def decide_returned(self, request, queryset):
        self._decide(request, queryset, "return", _("Decided on the evidence: the goods are returned."))


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ("id", "number", "order", "kind", "amount", "status", "issued_on", "due_on")
    list_filter = ("status", "kind")
    list_select_related = ("order",)
    search_fields = ("number", "order__number")
    ordering = ("-id",)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "amount", "is_refund", "paid_on", "method", "status", "recorded_for")
    list_filter = ("status", "method", "is_refund")
    list_select_related = ("order", "recorded_for")
    ordering = ("-id",)


@admin.register(OrderRecord)
class OrderRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "organisation", "side", "on_time", "in_full", "in_spec", "days_late", "at")
    list_filter = ("side",)
    list_select_related = ("order", "organisation")
    ordering = ("-id",)


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "by_organisation", "organisation", "stars", "words", "at")
    list_filter = ("stars",)
    list_select_related = ("order", "by_organisation", "organisation")
    ordering = ("-id",)


@admin.register(DealRecord)
class DealRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "sequence", "kind", "by_name", "at", "hash")
    list_filter = ("kind",)
    list_select_related = ("order",)
    search_fields = ("order__number", "hash")
    ordering = ("-id",)


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    """What was uploaded, by whom and how large; what is in it is for its readers."""

    list_display = ("id", "name", "content_type", "size", "uploaded_by", "is_shown_to_operator", "created_at")
    list_filter = ("content_type", "is_shown_to_operator")
    list_select_related = ("uploaded_by",)
    search_fields = ("name", "sha256")
    ordering = ("-id",)
