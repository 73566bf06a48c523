from django.contrib import admin
from unfold.admin import ModelAdmin

from finance.models import (
    Agreement,
    Alarm,
    Application,
    Assignment,
    Authority,
    BankFile,
    Checkpoint,
    Claim,
    CoverQuote,
    CreditAssessment,
    CreditLine,
    CreditProduct,
    CreditVoucher,
    CutOffs,
    Decision,
    Drawdown,
    EarlyWarning,
    Finding,
    Guarantee,
    LineChange,
    LogLeaf,
    MonitoringRun,
    OfflineAct,
    Partnership,
    Posting,
    PromotionRule,
    Receivable,
    ReconciliationBreak,
    RecordImport,
    Repayment,
    Scorecard,
    WarningRun,
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


@admin.register(Partnership)
class PartnershipAdmin(ReadOnly):
    list_display = ("number", "bank", "partner", "share_percent", "cap", "used", "status", "valid_until")
    list_filter = ("status",)
    list_select_related = ("bank", "partner")
    search_fields = ("number",)
    ordering = ("-id",)


@admin.register(CoverQuote)
class CoverQuoteAdmin(ReadOnly):
    list_display = ("number", "partnership", "amount", "status", "waits_for", "act_by", "is_signed_alone")
    list_filter = ("status", "is_signed_alone")
    list_select_related = ("partnership",)
    search_fields = ("number",)
    ordering = ("-id",)


@admin.register(Guarantee)
class GuaranteeAdmin(ReadOnly):
    list_display = ("number", "bank", "partner", "payer", "amount", "paid_amount", "status", "ends_on")
    list_filter = ("status",)
    list_select_related = ("bank", "partner", "payer")
    search_fields = ("number",)
    ordering = ("-id",)


@admin.register(Claim)
class ClaimAdmin(ReadOnly):
    list_display = ("number", "guarantee", "amount", "accepted_amount", "status", "waits_for", "act_by")
    list_filter = ("status", "refusal_reason")
    list_select_related = ("guarantee",)
    search_fields = ("number",)
    ordering = ("-id",)


@admin.register(OfflineAct)
class OfflineActAdmin(ReadOnly):
    list_display = ("id", "kind", "recorder", "confirmer", "status", "due_by", "recorded_by", "confirmed_by")
    list_filter = ("kind", "status")
    list_select_related = ("recorder", "confirmer", "recorded_by", "confirmed_by")
    search_fields = ("reference",)
    ordering = ("-id",)


@admin.register(BankFile)
class BankFileAdmin(ReadOnly):
    list_display = (
        "name",
        "bank",
        "status",
        "posting",
        "rows",
        "matched",
        "to_post",
        "refused",
        "loaded_by",
        "checked_by",
    )
    list_filter = ("status", "posting")
    list_select_related = ("bank", "loaded_by", "checked_by")
    ordering = ("-id",)


@admin.register(ReconciliationBreak)
class ReconciliationBreakAdmin(ReadOnly):
    list_display = ("id", "file", "kind", "resolution", "resolved_by", "resolved_at")
    list_filter = ("kind", "resolution")
    list_select_related = ("file", "resolved_by")
    ordering = ("-id",)


@admin.register(Scorecard)
class ScorecardAdmin(ReadOnly):
    list_display = ("name", "version", "bank", "family", "status", "made_by", "made_at", "served_from", "retired_at")
    list_filter = ("status", "family")
    list_select_related = ("bank", "made_by")
    ordering = ("-id",)


@admin.register(CutOffs)
class CutOffsAdmin(ReadOnly):
    list_display = ("bank", "scorecard", "approve_from", "refuse_below", "proposed_by", "confirmed_by", "ended_at")
    list_select_related = ("bank", "scorecard", "proposed_by", "confirmed_by")
    ordering = ("-id",)


@admin.register(PromotionRule)
class PromotionRuleAdmin(ReadOnly):
    list_display = ("scorecard", "champion", "bank", "basis", "metric", "made_by", "promoted_at", "withdrawn_at")
    list_filter = ("basis",)
    list_select_related = ("scorecard", "champion", "bank", "made_by")
    ordering = ("-id",)


@admin.register(CreditAssessment)
class CreditAssessmentAdmin(ReadOnly):
    """Which scores were asked for and whether they were made; what they say is the firm's, and is not shown here."""

    fields = list_display = ("organisation", "bank", "scorecard", "status", "requested_at", "finished_at", "failure")
    list_filter = ("status",)
    list_select_related = ("organisation", "bank", "scorecard")
    ordering = ("-id",)


@admin.register(CreditLine)
class CreditLineAdmin(ReadOnly):
    list_display = ("number", "kind", "bank", "borrower", "limit", "reserved", "used", "status")
    list_filter = ("kind", "status")
    list_select_related = ("bank", "borrower")
    search_fields = ("number", "name")
    ordering = ("-id",)


@admin.register(LineChange)
class LineChangeAdmin(ReadOnly):
    list_display = ("kind", "bank", "line", "limit", "verdict", "made_by", "made_at", "checked_by", "checked_at")
    list_filter = ("kind", "verdict")
    list_select_related = ("bank", "line", "made_by", "checked_by")
    ordering = ("-id",)


@admin.register(Drawdown)
class DrawdownAdmin(ReadOnly):
    list_display = ("number", "borrower", "amount", "principal_left", "status", "risk_class", "maker", "checker")
    list_filter = ("status", "risk_class")
    list_select_related = ("borrower", "maker", "checker")
    search_fields = ("number",)
    ordering = ("-id",)


@admin.register(Repayment)
class RepaymentAdmin(ReadOnly):
    list_display = ("number", "drawdown", "amount", "paid_on", "status", "recorded_by", "checked_by")
    list_filter = ("status",)
    list_select_related = ("drawdown", "recorded_by", "checked_by")
    search_fields = ("number", "reference")
    ordering = ("-id",)


@admin.register(Posting)
class PostingAdmin(ReadOnly):
    list_display = ("key", "kind", "bank", "line", "drawdown", "booked_on", "at")
    list_filter = ("kind",)
    list_select_related = ("bank", "line", "drawdown")
    search_fields = ("key",)
    ordering = ("-id",)


@admin.register(MonitoringRun)
class MonitoringRunAdmin(ReadOnly):
    list_display = ("bank", "scorecard", "until", "status", "requested_by", "requested_at", "finished_at", "failure")
    list_filter = ("status",)
    list_select_related = ("bank", "scorecard", "requested_by")
    ordering = ("-id",)


@admin.register(Alarm)
class AlarmAdmin(ReadOnly):
    list_display = ("bank", "kind", "subject", "light", "status", "opened_at", "answer", "answered_by")
    list_filter = ("kind", "light", "status")
    list_select_related = ("bank", "answered_by")
    ordering = ("-id",)


@admin.register(WarningRun)
class WarningRunAdmin(ReadOnly):
    list_display = ("bank", "day", "status", "firms", "unseen", "opened", "passed", "failure")
    list_filter = ("status",)
    list_select_related = ("bank",)
    ordering = ("-id",)


@admin.register(EarlyWarning)
class EarlyWarningAdmin(ReadOnly):
    """Which warnings wait and who answered them; what was seen is the firm's and its bank's, and is not shown here."""

    fields = list_display = ("bank", "line", "severity", "status", "opened_at", "act_by", "answered_by", "answered_at")
    list_filter = ("severity", "status")
    list_select_related = ("bank", "line", "answered_by")
    ordering = ("-id",)


@admin.register(RecordImport)
class RecordImportAdmin(ReadOnly):
    """What was handed in, and how much of it; the records themselves are the firm's."""

    list_display = ("name", "organisation", "kind", "status", "rows", "added", "known", "refused")
    list_filter = ("kind", "status")
    list_select_related = ("organisation",)
    fields = ("name", "organisation", "kind", "status", "sha256", "rows", "added", "known", "refused", "root")
    ordering = ("-id",)


@admin.register(Finding)
class FindingAdmin(ReadOnly):
    """Which looks raise findings, and how many; what was found is the firm's."""

    list_display = ("kind", "severity", "organisation", "found_at", "discount")
    list_filter = ("kind", "severity")
    list_select_related = ("organisation",)
    fields = ("kind", "severity", "organisation", "found_at", "discount")
    ordering = ("-id",)
