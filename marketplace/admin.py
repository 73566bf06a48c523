"""The platform operator's desk: it reads, or calls a service. No back door."""

from functools import partial

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from knox.models import AuthToken
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from config.errors import RuleBroken
from marketplace.models import (
    Approval,
    Attachment,
    Award,
    Block,
    Booking,
    BookingEvent,
    BoothBooking,
    Category,
    DealRecord,
    Disclosure,
    Dispute,
    Exhibition,
    Facility,
    FacilityClosure,
    FacilityHours,
    Fee,
    FulfilmentEvent,
    HandOver,
    Inspection,
    Invoice,
    Lead,
    Listing,
    ListingCertificate,
    ListingImport,
    Lot,
    Meeting,
    Membership,
    Negotiation,
    Offer,
    OfferLine,
    Order,
    OrderLine,
    OrderRecord,
    Organisation,
    Park,
    Payment,
    PoolCommitment,
    PriceItem,
    Proposal,
    PurchasePool,
    Quote,
    Rating,
    Receipt,
    Report,
    RequestForQuotation,
    ScanConflict,
    Shipment,
    Statement,
    StockMove,
    UsccContest,
    User,
    Visit,
    WaitingEntry,
)
from marketplace.services import categories, disputes, organisations

admin.site.unregister(Group)
if admin.site.is_registered(AuthToken):
    admin.site.unregister(AuthToken)


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at; what changes them is an action that calls a service."""

    list_per_page = 50
    show_full_result_count = False

    def get_fields(self, request, obj=None):
        return [field.name for field in self.model._meta.fields]  # noqa: SLF001 - Django's own name for it

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def each(self, request, queryset, service):
        """Call the service for every chosen row and say what it refused."""
        done = 0
        for row in queryset:
            try:
                service(row)
                done += 1
            except RuleBroken as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.WARNING)
        if done:
            self.message_user(request, _("%(count)d done.") % {"count": done}, messages.SUCCESS)


class MembershipInline(TabularInline):
    model = Membership
    fields = readonly_fields = ("user", "role", "created_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "language", "is_staff", "is_active", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email", "phone", "language")}),
        (gettext_lazy("Rights"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "language", "usable_password", "password1", "password2")}),
    )
    filter_horizontal = ()

    def has_delete_permission(self, request, obj=None):
        # What somebody did stays theirs: deactivate instead.
        return False


@admin.register(Organisation)
class OrganisationAdmin(ReadOnlyAdmin):
    list_display = ("id", "name_zh", "name_en", "uscc", "kind", "region", "state", "is_demo", "created_at")
    list_display_links = ("id", "name_zh")
    list_filter = ("state", "kind", "is_demo")
    search_fields = ("name_zh", "name_en", "uscc", "foreign_identifier")
    ordering = ("-created_at",)
    inlines = [MembershipInline]
    actions = ["approve", "refuse", "suspend"]

    def _review(self, request, queryset, service, **said):
        by, now = request.user, timezone.now()
        self.each(request, queryset, lambda row: service(organisation=row, by=by, now=now, **said))

    @admin.action(description=gettext_lazy("Approve"))
    def approve(self, request, queryset):
        self._review(request, queryset, organisations.approve_organisation)

    @admin.action(description=gettext_lazy("Refuse"))
    def refuse(self, request, queryset):
        self._review(request, queryset, organisations.refuse_organisation, note=_("Refused by the platform operator."))

    @admin.action(description=gettext_lazy("Suspend"))
    def suspend(self, request, queryset):
        self._review(
            request, queryset, organisations.suspend_organisation, note=_("Suspended by the platform operator.")
        )


@admin.register(UsccContest)
class UsccContestAdmin(ReadOnlyAdmin):
    list_display = ("id", "organisation", "claimant", "evidence", "created_at", "outcome", "decided_by")
    list_filter = ("outcome",)
    list_select_related = ("organisation", "claimant", "decided_by")
    ordering = ("-created_at",)
    actions = ["uphold", "reject"]

    def _decide(self, request, queryset, *, is_upheld):
        decide = partial(organisations.decide_contest, is_upheld=is_upheld, by=request.user, now=timezone.now())
        self.each(request, queryset, lambda row: decide(contest=row))

    @admin.action(description=gettext_lazy("Uphold: hand the firm to the claimant"))
    def uphold(self, request, queryset):
        self._decide(request, queryset, is_upheld=True)

    @admin.action(description=gettext_lazy("Reject"))
    def reject(self, request, queryset):
        self._decide(request, queryset, is_upheld=False)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("id", "organisation", "listing", "reason", "text", "by", "created_at", "answered_by")
    list_filter = ("reason", ("answered_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "listing", "by", "answered_by")
    ordering = ("-created_at",)
    actions = ["answer_looked_at", "answer_suspended"]

    def _answer(self, request, queryset, answer):
        reply = partial(organisations.answer_report, by=request.user, answer=answer, now=timezone.now())
        self.each(request, queryset, lambda row: reply(report=row))

    @admin.action(description=gettext_lazy("Answer: looked at, nothing found"))
    def answer_looked_at(self, request, queryset):
        self._answer(request, queryset, _("Looked at, nothing found."))

    @admin.action(description=gettext_lazy("Answer: right, action was taken"))
    def answer_suspended(self, request, queryset):
        self._answer(request, queryset, _("You were right; action was taken."))


class CategoryForm(forms.ModelForm):
    def clean_schema(self):
        schema = self.cleaned_data["schema"] or {}
        if problem := categories.schema_problem(schema):
            raise forms.ValidationError(problem)
        return schema


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """The tree of categories; an edited one stays as it is when the shipped catalogue is loaded."""

    form = CategoryForm
    list_display = ("code", "name_zh", "name_en", "kind", "cluster", "family", "unit", "edited_at", "retired_at")
    list_filter = ("kind", "cluster", ("retired_at", admin.EmptyFieldListFilter))
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("code",)
    fields = ("code", *categories.EDITABLE_FIELDS, "changed_at", "edited_at", "retired_at")
    readonly_fields = ("changed_at", "edited_at", "retired_at")
    autocomplete_fields = ("parent",)
    actions = ["retire"]

    def get_readonly_fields(self, request, obj=None):
        return (*self.readonly_fields, "code") if obj else self.readonly_fields

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        said = {name: form.cleaned_data[name] for name in form.cleaned_data if name in categories.EDITABLE_FIELDS}
        if change:
            categories.edit_category(category=obj, by=request.user, now=timezone.now(), **said)
            return
        added = categories.add_category(code=obj.code, by=request.user, now=timezone.now(), **said)
        obj.pk = added.pk

    @admin.action(description=gettext_lazy("Retire"))
    def retire(self, request, queryset):
        for category in queryset:
            try:
                categories.retire_category(category=category, by=request.user, now=timezone.now())
            except RuleBroken as refusal:
                self.message_user(request, str(refusal), messages.WARNING)


class CertificateInline(TabularInline):
    model = ListingCertificate
    fields = readonly_fields = ("code", "issuer", "number", "expires_on")
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("id", "title", "side", "kind", "category", "organisation", "status", "revision", "published_at")
    list_filter = ("side", "kind", "status", "visibility", "category__cluster")
    list_select_related = ("category", "organisation")
    search_fields = ("title_zh", "title_en", "external_id", "organisation__name_zh", "organisation__uscc")
    ordering = ("-id",)
    inlines = [CertificateInline]


@admin.register(ListingImport)
class ListingImportAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "organisation",
        "file_name",
        "mode",
        "status",
        "created",
        "updated",
        "refused",
        "requested_at",
    )
    list_filter = ("status", "mode")
    list_select_related = ("organisation",)
    ordering = ("-id",)


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    list_display = ("id", "organisation", "blocked", "by", "created_at")
    list_select_related = ("organisation", "blocked", "by")
    ordering = ("-id",)


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    """What was uploaded, by whom and how large; what is in it is for its readers."""

    list_display = ("id", "name", "content_type", "size", "uploaded_by", "is_shown_to_operator", "created_at")
    list_filter = ("content_type", "is_shown_to_operator")
    list_select_related = ("uploaded_by",)
    search_fields = ("name", "sha256")
    ordering = ("-id",)


@admin.register(DealRecord)
class DealRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "sequence", "kind", "by_name", "at", "hash")
    list_filter = ("kind",)
    list_select_related = ("order",)
    search_fields = ("order__number", "hash")
    ordering = ("-id",)


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
