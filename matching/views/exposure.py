"""The platform operator's page of who is shown how often."""

from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from matching.services import exposures
from matching.views.access import operator_only

GROUPS = {
    "new": _("New firms"),
    "not_new": _("Established firms"),
    "small": _("Small firms"),
    "not_small": _("Larger firms"),
}


@operator_only
@require_GET
def exposure(request):
    """Show how often suppliers were shown to buyers in the last week, and which new firms are under the floor."""
    found = exposures.read_exposure(now=timezone.now())
    groups = [(GROUPS[group.name], group) for group in found.groups]
    context = {"exposure": found, "groups": groups, "floor": exposures.FLOOR, "floor_days": exposures.FLOOR_FOR.days}
    return render(request, "matching/exposure.html", context)
