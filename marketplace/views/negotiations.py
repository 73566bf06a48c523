from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import MessageForm, NegotiationForm
from marketplace.models import Listing, Membership, Negotiation, Organisation
from marketplace.services import negotiations
from marketplace.views.negotiation_page import show_negotiation, side_of_user
from marketplace.views.once import once

PER_PAGE = 20


@login_required
@require_GET
def negotiation_list(request):
    """Show the user's negotiations: first those that wait for an answer of theirs."""
    turn, status = request.GET.get("turn", ""), request.GET.get("status", "open")
    found = Negotiation.objects.of(request.user).with_turn(request.user).with_names()
    if status in Negotiation.Status.values:
        found = found.filter(status=status)
    if turn in ("ours", "theirs"):
        found = found.filter(is_our_turn=turn == "ours")
    page = Paginator(found.order_by("-is_our_turn", "-updated_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "turn": turn, "status": status, "statuses": Negotiation.Status.choices}
    return render(request, "marketplace/negotiation_list.html", context)


@login_required
@once
def negotiation_open(request, pk):
    """Begin to negotiate about another firm's listing, with or without one of one's own beside it."""
    now = timezone.now()
    listing = get_object_or_404(Listing.objects.open(now).shown_to(request.user).with_names(), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(pk=listing.organisation_id)
    get_object_or_404(mine[:1])
    own = Listing.objects.open(now).editable_by(request.user).facing(listing)
    form = NegotiationForm(request.POST or None, organisations=mine.order_by("pk"), listings=own)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            negotiation = negotiations.open_negotiation(
                by=request.user,
                origin=Negotiation.Origin.BROWSE,
                now=now,
                **negotiations.pair(listing, **form.chosen()),
            )
            return redirect("marketplace:negotiation_detail", negotiation.pk)
    context = {"form": form, "listing": listing}
    return render(request, "marketplace/negotiation_open.html", context, status=form.http_status)


@login_required
@once
def negotiation_invite(request, pk):
    """Invite another firm to negotiate about a listing of one's own."""
    now = timezone.now()
    invited = get_object_or_404(Organisation.objects.approved(), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(pk=pk).order_by("pk")
    get_object_or_404(mine[:1])
    own = Listing.objects.open(now).filter(organisation__in=mine).order_by("-updated_at", "pk")
    form = NegotiationForm(request.POST or None, organisations=mine, listings=own, must_choose=True)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            negotiation = negotiations.open_negotiation(
                by=request.user,
                origin=Negotiation.Origin.INVITATION,
                counterpart=invited,
                now=now,
                **negotiations.pair(form.cleaned_data["own"], organisation=form.cleaned_data["own"].organisation),
            )
            return redirect("marketplace:negotiation_detail", negotiation.pk)
    context = {"form": form, "invited": invited}
    return render(request, "marketplace/negotiation_invite.html", context, status=form.http_status)


@login_required
@require_GET
def negotiation_detail(request, pk):
    negotiation = get_object_or_404(Negotiation.objects.visible_to(request.user).with_details(), pk=pk)
    return show_negotiation(request, negotiation)


@login_required
@require_POST
@once
def message_say(request, pk):
    negotiation = get_object_or_404(Negotiation.objects.editable_by(request.user).with_details(), pk=pk)
    organisation, now = side_of_user(request.user, negotiation), timezone.now()
    form = MessageForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals():
            negotiations.say(
                negotiation=negotiation,
                by=request.user,
                organisation=organisation,
                text=form.cleaned_data["text"],
                clause=form.cleaned_data["clause"],
                uploads=form.cleaned_data["files"],
                now=now,
            )
            messages.success(request, _("Sent."))
            return redirect("marketplace:negotiation_detail", pk)
    return show_negotiation(request, negotiation, message_form=form)


@login_required
@require_POST
def negotiation_end(request, pk):
    negotiation = get_object_or_404(Negotiation.objects.editable_by(request.user).with_names(), pk=pk)
    organisation = side_of_user(request.user, negotiation)
    negotiations.end_negotiation(
        negotiation=negotiation, by=request.user, organisation=organisation, now=timezone.now()
    )
    messages.success(request, _("The negotiation is over."))
    return redirect("marketplace:negotiation_detail", pk)
