from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from config.errors import InputRefused
from marketplace.models import Listing
from matching import services
from matching.models import Match, MatchRun
from matching.models.match_run import progress_of
from matching.services import exposures, pool_suggestions

PER_PAGE = 20
# Who has so few matches is also shown what nearly fits.
FEW = 5


@login_required
@require_GET
def listing_matches(request, listing_id):
    """Show how far the search for counterparts is, and those found."""
    now = timezone.now()
    listing = get_object_or_404(Listing.objects.of(request.user).with_names(), pk=listing_id)
    run = MatchRun.objects.latest_of(listing)
    order = "score" if request.GET.get("order") == "score" else "mutual"
    matches = exposures.match_list(listing=listing, user=request.user, now=now, order=order)
    page = Paginator(matches, PER_PAGE).get_page(request.GET.get("page"))
    context = {"listing": listing, "run": run, "progress": progress_of(listing, run, now), "page": page}
    context |= {"order": order, "suggestions": pool_suggestions.suggested_to(request.user, listing=listing)}
    context["may_ask"] = listing.side == Listing.Side.DEMAND
    context["rows"] = [{"match": match, "other": match.other_than(listing)} for match in page]
    services.note_shown(
        matches=list(page), listing=listing, first_position=page.start_index(), by=request.user, now=now
    )
    if context["progress"] == "done" and page.paginator.count <= FEW:
        context["near"] = services.nearly_fitting(listing=listing, user=request.user, now=now)
    return render(request, "matching/listing_matches.html", context)


@login_required
@require_POST
def match_run_request(request, listing_id):
    listing = get_object_or_404(Listing.objects.editable_by(request.user), pk=listing_id)
    services.request_matches(listing=listing, now=timezone.now())
    return redirect("matching:listing_matches", listing.pk)


@login_required
@require_GET
def match_list(request):
    """Show the newest matches of all the user's listings."""
    now = timezone.now()
    matches = Match.objects.current(now).visible_to(request.user).with_listings()
    page = Paginator(matches.order_by("-first_seen_at", "-score", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    mine = set(request.user.memberships.values_list("organisation", flat=True))
    rows = [{"match": match, "own": own, "other": other} for match in page for own, other in [match.sides(mine)]]
    services.note_seen_in_list(
        matches=list(page), mine=mine, first_position=page.start_index(), by=request.user, now=now
    )
    return render(request, "matching/match_list.html", {"page": page, "rows": rows})


@login_required
@require_GET
def match_detail(request, match_id):
    """Show both sides of a match beside each other, and why it has its score."""
    visible = Match.objects.visible_to(request.user).with_listings().with_allotments()
    match = get_object_or_404(visible, pk=match_id)
    mine = set(request.user.memberships.values_list("organisation", flat=True))
    own, other = match.sides(mine)
    now = timezone.now()
    is_current = Match.objects.current(now).filter(pk=match.pk).exists()
    services.note_opened(match=match, mine=mine, by=request.user, now=now)
    context = {"match": match, "own": own, "other": other, "is_current": is_current}
    context["rivals"] = Match.objects.for_listing(other).current(now).exclude(pk=match.pk).count()
    return render(request, "matching/match_detail.html", context)


@login_required
@require_POST
def match_negotiate(request, match_id):
    match = get_object_or_404(Match.objects.visible_to(request.user).with_listings(), pk=match_id)
    negotiation = services.open_negotiation(match=match, by=request.user, now=timezone.now())
    return redirect("marketplace:negotiation_detail", negotiation.pk)


@login_required
@require_POST
def match_ask_for_quotes(request, listing_id):
    """Draft a request for quotation to the suppliers of the chosen matches, to be looked at and sent."""
    demands = Listing.objects.editable_by(request.user).filter(side=Listing.Side.DEMAND)
    demand = get_object_or_404(demands.with_names(), pk=listing_id)
    chosen = [int(pk) for pk in request.POST.getlist("match") if pk.isdigit() and len(pk) < 18]
    try:
        rfq = services.ask_for_quotes(demand=demand, chosen=chosen, by=request.user, now=timezone.now())
    except InputRefused as refused:
        messages.error(request, " ".join(message for found in refused.errors.values() for message in found))
        return redirect("matching:listing_matches", listing_id)
    return redirect("marketplace:rfq_edit", rfq.pk)
