from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.errors import InputRefused
from marketplace.models import Listing
from matching import services


@login_required
@require_GET
def listing_advice(request, listing_id):
    """Show the nearest changes of a listing that would make matches, and which."""
    listing = get_object_or_404(Listing.objects.of(request.user).with_names(), pk=listing_id)
    return render(request, "matching/listing_advice.html", _context(request, listing))


def _context(request, listing):
    now = timezone.now()
    is_open = Listing.objects.open(now).filter(pk=listing.pk).exists()
    suggestions = services.suggest_changes(listing=listing, user=request.user, now=now) if is_open else []
    may_edit = Listing.objects.editable_by(request.user).filter(pk=listing.pk).exists()
    return {"listing": listing, "suggestions": suggestions, "is_open": is_open, "may_edit": may_edit}


@login_required
@require_POST
def advice_apply(request, listing_id):
    listing = get_object_or_404(Listing.objects.editable_by(request.user).with_names(), pk=listing_id)
    try:
        services.apply_suggestion(
            listing=listing, key=request.POST.get("suggestion", ""), by=request.user, now=timezone.now()
        )
    except InputRefused as refused:
        context = _context(request, listing) | {"errors": refused.errors}
        return render(request, "matching/listing_advice.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, _("Changed. It looks for matches again."))
    return redirect("matching:listing_matches", listing_id)
