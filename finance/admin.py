from django.contrib import admin
from unfold.admin import ModelAdmin

from finance.models import (
    Agreement,
    Application,
    Assignment,
    Authority,
    Checkpoint,
    CreditProduct,
    CreditVoucher,
    Decision,
    LogLeaf,
    Receivable,
)


class ReadOnly(ModelAdmin):
    """Services write these rows, with four eyes; the platform operator looks at them."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(CreditProduct)
class CreditProductAdmin(ReadOnly):
    list_display = ("code", "bank", "name_zh", "kind", "min_amount", "max_amount", "is_open")
    list_filter = ("kind", "is_open")
    list_select_related = ("bank",)
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("-id",)


@admin.register(Authority)
class AuthorityAdmin(ReadOnly):
    list_display = ("bank", "user", "up_to_amount", "jointly_up_to", "may_override", "given_by", "given_at", "ended_at")
    list_select_related = ("bank", "user", "given_by")
    ordering = ("-id",)


@admin.register(Application)
class ApplicationAdmin(ReadOnly):
    """What stands between firm and bank; neither the score nor the firm's data is shown here."""

    list_display = ("number", "firm", "bank", "product", "amount", "status", "waits_for", "act_by")
    list_filter = ("status",)
    list_select_related = ("firm", "bank", "product")
    search_fields = ("number",)
    ordering = ("-id",)
    exclude = ("assessment", "eligibility", "consent")


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = ("application", "outcome", "verdict", "is_override", "maker", "checker", "made_at")
    list_filter = ("outcome", "verdict", "is_override", "override_reason")
    list_select_related = ("application", "maker", "checker")
    ordering = ("-id",)
    exclude = ("assessment", "grounds", "known")


@admin.register(Agreement)
class AgreementAdmin(ReadOnly):
    list_display = ("application", "signing", "firm_signed_at", "bank_signed_by", "bank_signed_at", "sha256")
    list_select_related = ("application", "bank_signed_by")
    ordering = ("-id",)


@admin.register(LogLeaf)
class LogLeafAdmin(ReadOnly):
    list_display = ("index", "kind", "at", "hash_hex")
    list_filter = ("kind",)
    ordering = ("-index",)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly):
    list_display = ("size", "root", "at")
    ordering = ("-size",)


@admin.register(CreditVoucher)
class CreditVoucherAdmin(ReadOnly):
    # The token and its disclosures are the firm's; the operator sees that they are there.
    exclude = ("token", "disclosures")
    list_display = ("number", "subject", "bank", "issued_at", "expires_at", "revoked_at")
    list_select_related = ("subject", "bank")
    search_fields = ("number", "subject__name_zh", "bank__name_zh")
    ordering = ("-id",)


@admin.register(Receivable)
class ReceivableAdmin(ReadOnly):
    list_display = ("number", "seller", "buyer", "face", "currency", "assigned", "status", "due_on")
    list_filter = ("status",)
    list_select_related = ("seller", "buyer")
    search_fields = ("number", "invoice_number", "fingerprint")
    ordering = ("-id",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    list_display = ("receivable", "bank", "kind", "amount", "status", "act_by")
    list_filter = ("status", "kind")
    list_select_related = ("receivable", "bank")
    ordering = ("-id",)
