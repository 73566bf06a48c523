"""Collective purchases that the matcher found, as the firms in them see them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from matching.models import PoolSuggestion
from matching.services import pool_suggestions

PER_PAGE = 20


@login_required
@require_GET
def pool_suggestion_list(request):
    found = PoolSuggestion.objects.visible_to(request.user).with_details().order_by("status", "-found_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": pool_suggestions.shown_to(request.user, list(page))}
    return render(request, "matching/pool_suggestion_list.html", context)


@login_required
@require_GET
def pool_suggestion_detail(request, pk):
    """Show one; a suggestion that is out of date by now is still shown to those it was made to."""
    found = PoolSuggestion.objects.visible_to(request.user) | PoolSuggestion.objects.made_to(request.user)
    suggestion = get_object_or_404(found.with_details().distinct(), pk=pk)
    (row,) = pool_suggestions.shown_to(request.user, [suggestion])
    return render(request, "matching/pool_suggestion_detail.html", {"row": row})


@login_required
@require_POST
def pool_suggestion_start(request, pk):
    """Open the collective purchase and invite the others."""
    suggestion = get_object_or_404(PoolSuggestion.objects.made_to(request.user), pk=pk)
    pool = pool_suggestions.start_pool(suggestion=suggestion, by=request.user, now=timezone.now())
    messages.success(request, _("Open: the other firms are invited. Check its terms, and commit your own quantity."))
    return redirect("marketplace:pool_detail", pool.pk)


@login_required
@require_POST
def pool_suggestion_decline(request, pk):
    suggestion = get_object_or_404(PoolSuggestion.objects.made_to(request.user), pk=pk)
    pool_suggestions.decline_pool(suggestion=suggestion, by=request.user, now=timezone.now())
    messages.success(request, _("Declined: it is no longer shown to you."))
    return redirect("matching:pool_suggestion_list")
