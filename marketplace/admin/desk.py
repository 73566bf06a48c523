"""The pieces every desk of the platform operator shares."""

from django.contrib import messages
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from config.errors import RuleBroken


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
