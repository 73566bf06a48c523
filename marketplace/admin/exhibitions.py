"""Exhibitions: booths, visits, meetings and leads."""

from django.contrib import admin

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import BoothBooking, Exhibition, Lead, Meeting, Visit


@admin.register(Exhibition)
class ExhibitionAdmin(ReadOnlyAdmin):
    list_display = ("title_zh", "park", "hall", "starts_at", "ends_at", "status")
    list_filter = ("status",)
    list_select_related = ("park", "hall")
    search_fields = ("title_zh", "title_en", "park__name_zh")
    ordering = ("-id",)


@admin.register(BoothBooking)
class BoothBookingAdmin(ReadOnlyAdmin):
    list_display = ("booth", "organisation", "booked_at", "cancelled_at")
    list_select_related = ("booth", "organisation")
    ordering = ("-id",)


@admin.register(Visit)
class VisitAdmin(ReadOnlyAdmin):
    list_display = ("exhibition", "organisation", "origin", "status", "score", "model_version", "answered_at")
    list_filter = ("origin", "status")
    list_select_related = ("exhibition", "organisation")
    ordering = ("-id",)


@admin.register(Meeting)
class MeetingAdmin(ReadOnlyAdmin):
    list_display = ("exhibition", "exhibitor", "visitor", "slot", "status")
    list_filter = ("status",)
    list_select_related = ("exhibition", "exhibitor", "visitor")
    ordering = ("-id",)


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "exhibition", "firm", "firm_name", "interest", "status", "follow_up_on")
    list_filter = ("interest", "status")
    list_select_related = ("organisation", "exhibition", "firm")
    ordering = ("-id",)
