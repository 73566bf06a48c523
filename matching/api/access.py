"""Who may use the platform operator's part of the API."""

from django.http import Http404
from rest_framework import permissions


class OperatorOnly(permissions.IsAuthenticated):
    """Let the platform operator in; to everybody else who is known these addresses do not exist."""

    def has_permission(self, request, view):
        if not super().has_permission(request, view):
            return False
        if not request.user.is_staff:
            raise Http404
        return True
