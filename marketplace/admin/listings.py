"""Categories, listings and imports."""

from django import forms
from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, TabularInline

from config.errors import RuleBroken
from marketplace.admin.desk import ReadOnlyAdmin
from marketplace.models import Category, Listing, ListingCertificate, ListingImport
from marketplace.services import categories


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
