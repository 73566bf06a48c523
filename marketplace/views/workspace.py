import datetime as dt

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from marketplace.models import Listing, ListingImport, Membership, Notification, Organisation
from marketplace.services.duties import duties_of

SHOWN = 12
NEWS = 8
SOON = dt.timedelta(days=7)


@login_required
@require_GET
def workspace(request):
    """Show what a member works with: the organisations' listings, what was found for them, what waits to be done."""
    now = timezone.now()
    mine = Listing.objects.of(request.user)
    memberships = Membership.objects.filter(user=request.user).select_related("organisation").order_by("pk")
    told = Notification.objects.in_app_of(request.user).order_by("-requested_at", "-pk")
    context = {
        "memberships": memberships,
        "may_trade": Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exists(),
        "listings": mine.exclude(status=Listing.Status.CLOSED).with_names().order_by("-updated_at", "-pk")[:SHOWN],
        "counts": dict(mine.order_by().values_list("status").annotate(Count("pk"))),
        "news": told[:NEWS],
        "expiring": mine.open(now).filter(expires_at__lt=now + SOON).count(),
        "duties": duties_of(request.user, now=now),
        "imports": ListingImport.objects.visible_to(request.user).order_by("-pk")[:3],
    }
    return render(request, "marketplace/workspace.html", context)
