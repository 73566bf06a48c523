"""Shipments, lots, stock, inspections and receipts."""

from django.contrib import admin

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import FulfilmentEvent, Inspection, Lot, Receipt, ScanConflict, Shipment, StockMove


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
    list_display = ("number", "seller", "park", "status", "vehicle", "is_weight_off", "expected_at", "created_at")
    list_filter = ("status", "is_weight_off")
    list_select_related = ("seller", "park")
    search_fields = ("number", "vehicle", "seller__name_zh", "seller__uscc")
    ordering = ("-id",)


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = ("number", "shipment", "order_line", "quantity", "unit", "status", "location", "stored_quantity")
    list_filter = ("status",)
    list_select_related = ("shipment", "order_line", "location")
    search_fields = ("number", "shipment__number")
    ordering = ("-id",)


@admin.register(FulfilmentEvent)
class FulfilmentEventAdmin(ReadOnlyAdmin):
    list_display = ("shipment", "lot", "kind", "recorded_at", "received_at", "by", "organisation", "device")
    list_filter = ("kind",)
    list_select_related = ("shipment", "lot", "by", "organisation")
    search_fields = ("shipment__number", "key")
    ordering = ("-id",)


@admin.register(ScanConflict)
class ScanConflictAdmin(ReadOnlyAdmin):
    list_display = ("shipment", "lot", "kind", "recorded_at", "by", "device", "message", "outcome", "settled_by")
    list_filter = ("kind", "outcome")
    list_select_related = ("shipment", "lot", "by", "settled_by")
    ordering = ("-id",)


@admin.register(StockMove)
class StockMoveAdmin(ReadOnlyAdmin):
    list_display = ("lot", "facility", "kind", "quantity", "balance", "reason", "by", "at")
    list_filter = ("kind",)
    list_select_related = ("lot", "facility", "by")
    ordering = ("-id",)


@admin.register(Inspection)
class InspectionAdmin(ReadOnlyAdmin):
    list_display = ("number", "lot", "verdict", "inspected_quantity", "rejected_quantity", "concession_status", "at")
    list_filter = ("verdict", "concession_status", "remedy")
    list_select_related = ("lot",)
    search_fields = ("number", "lot__number")
    ordering = ("-id",)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("number", "order", "shipment", "status", "receiver_name", "issued_at", "signed_at")
    list_filter = ("status",)
    list_select_related = ("order", "shipment")
    search_fields = ("number", "order__number", "shipment__number")
    ordering = ("-id",)
