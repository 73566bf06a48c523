"""Requests for quotation, quotes and awards."""

from django.contrib import admin
from django.utils import timezone

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import Award, Quote, RequestForQuotation


@admin.register(RequestForQuotation)
class RequestForQuotationAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "buyer", "status", "revision", "is_sealed", "closes_at", "opened_at")
    list_filter = ("status", "is_sealed")
    list_select_related = ("buyer",)
    search_fields = ("title", "buyer__name_zh", "buyer__uscc")
    ordering = ("-id",)


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    """Quotes as the platform operator may see them: none that is a draft or still sealed."""

    list_display = ("id", "rfq", "supplier", "version", "status", "currency", "submitted_at")
    list_filter = ("status",)
    list_select_related = ("rfq", "supplier")
    search_fields = ("supplier__name_zh", "supplier__uscc")
    ordering = ("-id",)

    def get_queryset(self, request):
        return Quote.objects.readable_by(request.user, timezone.now()).select_related("rfq", "supplier")


@admin.register(Award)
class AwardAdmin(ReadOnlyAdmin):
    list_display = ("id", "rfq", "quote", "is_cheapest", "reason", "made_by", "made_at", "voided_at")
    list_filter = ("is_cheapest",)
    list_select_related = ("rfq", "quote", "made_by")
    ordering = ("-id",)
