from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.models import Membership, Organisation, Park
from marketplace.services.listings import ListingAlreadyPosted
from matching.forms.sites import SiteForm
from matching.services import sites


@require_GET
def site_search(request):
    """Show the spaces that fit a firm looking for a place, and up to four side by side."""
    form, context, status = SiteForm(request.GET or None), {}, HTTPStatus.OK
    if form.is_bound and form.is_valid() and "show" not in request.GET:
        with form.showing_refusals():
            context["found"] = sites.search_sites(
                fields=form.wanted(),
                industry=form.cleaned_data["industry"],
                compare_with=form.compared,
                user=request.user,
                now=timezone.now(),
            )
    if form.is_bound and "show" not in request.GET:
        status = form.http_status
    context |= {"form": form, "may_save": _traders(request.user).exists()}
    return render(request, "matching/site_search.html", context, status=status)


def _traders(user):
    return Organisation.objects.of(user, *Membership.TRADING_ROLES).order_by("pk")


@login_required
@require_POST
def site_save(request):
    """Post what was asked for as a demand, so that the firm is told of new spaces; the same form sent twice does so once."""
    organisation = _traders(request.user).first()
    if organisation is None:
        raise Http404
    form = SiteForm(request.POST)
    if form.is_valid():
        key = f"site:{request.POST['form_key'][:80]}" if request.POST.get("form_key") else None
        said = {"organisation": organisation, "by": request.user, "fields": form.wanted(), "now": timezone.now()}
        with form.showing_refusals():
            try:
                listing = sites.post_site_wish(**said, idempotency_key=key)
            except ListingAlreadyPosted as posted:
                listing = posted.listing
            messages.success(request, _("Posted: you will be told of spaces that fit."))
            return redirect("marketplace:listing_detail", listing.pk)
    return render(request, "matching/site_search.html", {"form": form, "may_save": True}, status=form.http_status)


@login_required
@require_GET
def site_offer(request, park_id):
    """Open the form of a new listing with what is known of the park, for who trades in its operator's name."""
    park = get_object_or_404(Park.objects.filter(organisation__in=_traders(request.user)), pk=park_id)
    query = urlencode({"side": "supply", "text": sites.offer_text(park=park)})
    return redirect(f"{reverse('marketplace:listing_create')}?{query}")
