"""Purchase pools and what firms committed to."""

from django.contrib import admin

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import PoolCommitment, PurchasePool


@admin.register(PurchasePool)
class PurchasePoolAdmin(ReadOnlyAdmin):
    list_display = ("number", "organiser", "title_zh", "category", "status", "minimum_quantity", "unit", "closes_at")
    list_filter = ("status", "shortage_rule", "visibility")
    list_select_related = ("organiser", "category")
    search_fields = ("number", "title_zh", "title_en", "organiser__name_zh")
    ordering = ("-id",)


@admin.register(PoolCommitment)
class PoolCommitmentAdmin(ReadOnlyAdmin):
    list_display = ("pool", "organisation", "quantity", "maximum_price", "status", "allocated_quantity", "order")
    list_filter = ("status",)
    list_select_related = ("pool", "organisation", "order")
    search_fields = ("pool__number", "organisation__name_zh")
    ordering = ("-id",)
