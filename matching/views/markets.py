"""The platform operator's pages of markets: compute one, turn the dial, publish a stop of it."""

from http import HTTPStatus

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from config.errors import InputRefused, RuleBroken
from matching.models import MarketProposal
from matching.services import market_pages, markets
from matching.views.access import operator_only

PER_PAGE = 20


@operator_only
@require_GET
def market_list(request):
    return _show_list(request)


def _show_list(request, errors=None, status=HTTPStatus.OK):
    proposals = MarketProposal.objects.visible_to(request.user).with_names().defer("listings", "unmatched")
    page = Paginator(proposals.order_by("-requested_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "families": markets.family_choices(now=timezone.now()),
        "categories": markets.category_choices(now=timezone.now()),
        "said": request.POST,
        "errors": errors or {},
    }
    return render(request, "matching/market_list.html", context, status=status)


@operator_only
@require_POST
def market_create(request):
    """Ask for a market to be computed; what cannot be read is said beside the form."""
    try:
        proposal = markets.request_market(
            by=request.user,
            now=timezone.now(),
            family=request.POST.get("family", ""),
            category=request.POST.get("category", ""),
            region=request.POST.get("region", "").strip(),
        )
    except InputRefused as refused:
        return _show_list(request, refused.errors, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect("matching:market_detail", proposal.pk)


def _dial(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 3 else None


@operator_only
@require_GET
def market_detail(request, pk):
    """Show a market along the dial, and who would get what at one stop, or who got what."""
    proposals = MarketProposal.objects.visible_to(request.user).with_names().defer("listings", "unmatched")
    proposal = get_object_or_404(proposals, pk=pk)
    shown = market_pages.read_page(proposal=proposal, dial=_dial(request.GET.get("dial")))
    context = {"proposal": proposal, "shown": shown}
    if shown and proposal.decision == MarketProposal.Decision.APPROVED:
        allotments = proposal.allotments.with_listings().order_by("fate", "-value", "pk")
        context["page"] = Paginator(allotments, PER_PAGE).get_page(request.GET.get("page"))
        context["shares"] = market_pages.decided_shares(list(context["page"]))
        context["dropped"] = proposal.allotments.dropped().count()
    elif shown:
        rows = market_pages.allotment_rows(proposal=proposal, point=shown.point)
        context["page"] = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        context["shares"] = market_pages.shares(proposal=proposal, rows=list(context["page"]), all_rows=rows)
    return render(request, "matching/market_detail.html", context)


@operator_only
@require_POST
def market_approve(request, pk):
    """Publish a stop of the dial as matches."""
    proposal = get_object_or_404(MarketProposal.objects.visible_to(request.user), pk=pk)
    try:
        dial = _dial(request.POST.get("dial"))
        allotments = markets.approve_market(
            proposal=proposal, dial=-1 if dial is None else dial, by=request.user, at=timezone.now()
        )
    except (InputRefused, RuleBroken) as refused:
        messages.error(request, str(refused))
        return redirect("matching:market_detail", pk)
    published = sum(one.fate == "published" for one in allotments)
    text = ngettext("Published: %(count)d match.", "Published: %(count)d matches.", published) % {"count": published}
    if dropped := len(allotments) - published:
        text += " " + _("%(count)d no longer held and were dropped.") % {"count": dropped}
    messages.success(request, text)
    return redirect("matching:market_detail", pk)


@operator_only
@require_POST
def market_discard(request, pk):
    proposal = get_object_or_404(MarketProposal.objects.visible_to(request.user), pk=pk)
    markets.discard_market(proposal=proposal, by=request.user, at=timezone.now())
    messages.success(request, _("Discarded: nothing of it was published."))
    return redirect("matching:market_list")
