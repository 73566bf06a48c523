from django.contrib import admin
from unfold.admin import ModelAdmin

from matching.models import (
    Allotment,
    BalanceRun,
    IndexEntry,
    LearningRun,
    MarketProposal,
    Match,
    MatchEvent,
    MatchRun,
    PoolSuggestion,
    RankerModel,
)


class ReadOnly(ModelAdmin):
    """The matcher writes these rows; the platform operator looks at them."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(MatchRun)
class MatchRunAdmin(ReadOnly):
    list_display = ("id", "listing", "status", "requested_at", "finished_at", "found", "told", "duration_ms", "failure")
    list_filter = ("status",)
    list_select_related = ("listing",)
    search_fields = ("listing__title_zh", "listing__title_en")
    show_full_result_count = False


@admin.register(Match)
class MatchAdmin(ReadOnly):
    list_display = ("id", "supply", "demand", "score", "rank", "model_version", "updated_at")
    list_select_related = ("supply", "demand")
    search_fields = ("supply__title_zh", "demand__title_zh", "supply__title_en", "demand__title_en")
    show_full_result_count = False


@admin.register(MatchEvent)
class MatchEventAdmin(ReadOnly):
    list_display = ("id", "match", "side", "kind", "position", "day", "at", "model_version")
    list_filter = ("kind", "side")
    raw_id_fields = ("match",)
    list_select_related = ("match",)
    show_full_result_count = False


@admin.register(LearningRun)
class LearningRunAdmin(ReadOnly):
    list_display = ("id", "day", "status", "requested_at", "finished_at", "shown", "orders", "failure")
    list_filter = ("status",)


@admin.register(IndexEntry)
class IndexEntryAdmin(ReadOnly):
    list_display = ("listing", "revision", "model_version", "sequence")
    list_select_related = ("listing",)
    exclude = ("vector",)
    show_full_result_count = False


@admin.register(RankerModel)
class RankerModelAdmin(ReadOnly):
    list_display = ("version", "status", "judged_at", "promoted_at")
    list_filter = ("status",)


@admin.register(BalanceRun)
class BalanceRunAdmin(ReadOnly):
    list_display = ("id", "family", "status", "requested_at", "matches", "iterations", "duration_ms", "failure")
    list_filter = ("status",)


@admin.register(MarketProposal)
class MarketProposalAdmin(ReadOnly):
    list_display = ("id", "family", "category", "region", "status", "decision", "dial", "requested_at", "decided_by")
    list_filter = ("status", "decision")
    list_select_related = ("category", "decided_by")
    exclude = ("listings", "unmatched")


@admin.register(Allotment)
class AllotmentAdmin(ReadOnly):
    list_display = ("id", "proposal", "demand", "supply", "quantity", "unit", "fate", "dropped_because")
    list_filter = ("fate",)
    list_select_related = ("proposal", "demand", "supply")
    show_full_result_count = False


@admin.register(PoolSuggestion)
class PoolSuggestionAdmin(ReadOnly):
    list_display = ("id", "category", "total", "unit", "minimum", "unit_price", "base_price", "status", "found_at")
    list_filter = ("status",)
    list_select_related = ("category",)
