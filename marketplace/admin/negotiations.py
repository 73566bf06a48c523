"""Negotiations, their offers, approvals and what a firm discloses."""

from django.contrib import admin
from unfold.admin import TabularInline

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import Approval, Disclosure, Negotiation, Offer, OfferLine


@admin.register(Negotiation)
class NegotiationAdmin(ReadOnlyAdmin):
    list_display = ("id", "__str__", "buyer", "seller", "origin", "status", "stage", "model_version", "updated_at")
    list_filter = ("status", "origin", "stage")
    list_select_related = ("buyer", "seller", "supply", "demand")
    search_fields = ("buyer__name_zh", "seller__name_zh", "buyer__uscc", "seller__uscc")
    ordering = ("-id",)


class OfferLineInline(TabularInline):
    model = OfferLine
    fields = readonly_fields = ("position", "kind", "description", "quantity", "unit", "unit_price", "held")
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = ("id", "negotiation", "number", "made_for", "total_amount", "currency", "status", "valid_until")
    list_filter = ("status", "side", "is_framework")
    list_select_related = ("negotiation__supply", "negotiation__demand", "made_for")
    search_fields = ("made_for__name_zh", "made_for__uscc")
    ordering = ("-id",)
    inlines = [OfferLineInline]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("id", "offer", "act", "organisation", "requested_by", "status", "decided_by", "decided_at")
    list_filter = ("status", "act")
    list_select_related = ("offer", "organisation", "requested_by", "decided_by")
    ordering = ("-id",)


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "name_from", "contact_from", "documents_from", "updated_by", "updated_at")
    list_select_related = ("organisation", "updated_by")
    ordering = ("-updated_at",)
