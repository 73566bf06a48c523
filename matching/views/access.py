"""Who may see the platform operator's pages of matching."""

from django.contrib.admin.views.decorators import staff_member_required

operator_only = staff_member_required(login_url="marketplace:log_in")
