from django.contrib import admin  # noqa: F401 - the first model takes it
from unfold.admin import ModelAdmin


class ReadOnly(ModelAdmin):
    """Services write these rows, with four eyes; the platform operator looks at them."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
