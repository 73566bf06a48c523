"""Parks, their facilities, bookings and fees."""

from django.contrib import admin
from unfold.admin import TabularInline

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import (
    Booking,
    BookingEvent,
    Facility,
    FacilityClosure,
    FacilityHours,
    Fee,
    HandOver,
    Park,
    PriceItem,
    Statement,
    WaitingEntry,
)


@admin.register(Park)
class ParkAdmin(ReadOnlyAdmin):
    list_display = ("id", "code", "name_zh", "name_en", "organisation", "region", "is_active", "created_at")
    list_filter = ("is_active",)
    list_select_related = ("organisation",)
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("code",)


class FacilityHoursInline(TabularInline):
    model = FacilityHours
    fields = readonly_fields = ("weekday", "opens", "closes")
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


class FacilityClosureInline(FacilityHoursInline):
    model = FacilityClosure
    fields = readonly_fields = ("period", "reason", "created_by")


class PriceItemInline(FacilityHoursInline):
    model = PriceItem
    fields = readonly_fields = ("kind", "per", "price", "currency", "valid_from", "valid_until")


@admin.register(Facility)
class FacilityAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "park",
        "code",
        "name_zh",
        "kind",
        "mode",
        "capacity",
        "unit",
        "requires_approval",
        "is_active",
    )
    list_filter = ("kind", "mode", "is_active")
    list_select_related = ("park",)
    search_fields = ("code", "name_zh", "name_en", "park__code")
    ordering = ("park", "code")
    inlines = [FacilityHoursInline, FacilityClosureInline, PriceItemInline]


class BookingEventInline(FacilityHoursInline):
    model = BookingEvent
    fields = readonly_fields = ("at", "kind", "by", "note", "data")


class HandOverInline(FacilityHoursInline):
    model = HandOver
    fields = readonly_fields = ("from_organisation", "to_organisation", "status", "offered_at", "answered_at")


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("number", "facility", "organisation", "slot", "quantity", "unit", "status", "order", "booked_at")
    list_filter = ("status", "mode")
    list_select_related = ("facility", "organisation", "order")
    search_fields = ("number", "organisation__name_zh", "organisation__uscc", "facility__code")
    ordering = ("-id",)
    inlines = [BookingEventInline, HandOverInline]


@admin.register(WaitingEntry)
class WaitingEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "facility", "organisation", "window", "minutes", "quantity", "unit", "status", "created_at")
    list_filter = ("status",)
    list_select_related = ("facility", "organisation")
    ordering = ("-id",)


@admin.register(Fee)
class FeeAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "park",
        "organisation",
        "kind",
        "quantity",
        "unit",
        "amount",
        "currency",
        "accrued_on",
        "statement",
    )
    list_filter = ("kind", "currency")
    list_select_related = ("park", "organisation", "statement")
    search_fields = ("key", "organisation__name_zh", "organisation__uscc")
    ordering = ("-id",)


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = ("number", "park", "organisation", "month", "total", "currency", "issued_at")
    list_filter = ("currency",)
    list_select_related = ("park", "organisation")
    search_fields = ("number", "organisation__name_zh", "organisation__uscc")
    ordering = ("-month", "-id")
