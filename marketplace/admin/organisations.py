"""Firms: approving, contests, reports, blocks, what they show."""

from functools import partial

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import Block, Membership, Organisation, Report, UsccContest
from marketplace.services import organisations


class MembershipInline(TabularInline):
    model = Membership
    fields = readonly_fields = ("user", "role", "created_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
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


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    list_display = ("id", "organisation", "blocked", "by", "created_at")
    list_select_related = ("organisation", "blocked", "by")
    ordering = ("-id",)
