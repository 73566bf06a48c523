from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import DeclineForm, OfferForm
from marketplace.models import Approval, Negotiation, Offer, Order
from marketplace.services import approvals, offers
from marketplace.views.negotiation_page import schema_of, show_negotiation, side_of_user
from marketplace.views.once import once

PER_PAGE = 20


@login_required
@require_POST
@once
def offer_make(request, pk):
    negotiation = get_object_or_404(Negotiation.objects.editable_by(request.user).with_details(), pk=pk)
    form = OfferForm(request.POST, request.FILES, schema=schema_of(negotiation))
    if "add_line" in request.POST.getlist("step"):
        return show_negotiation(request, negotiation, offer_form=form.with_another_line())
    if form.is_valid():
        with form.showing_refusals():
            offer = offers.make_offer(
                negotiation=negotiation,
                by=request.user,
                organisation=side_of_user(request.user, negotiation),
                uploads=form.cleaned_data["files"],
                now=timezone.now(),
                **form.said(),
            )
            is_sent = offer.status == Offer.Status.OPEN
            messages.success(request, _("Sent.") if is_sent else _("It is above your limit: an approver was asked."))
            return redirect("marketplace:negotiation_detail", pk)
    return show_negotiation(request, negotiation, offer_form=form)


def _offer(request, pk):
    editable = Negotiation.objects.editable_by(request.user)
    visible = Offer.objects.visible_to(request.user).filter(negotiation__in=editable)
    names = ("made_for", "negotiation__buyer", "negotiation__seller")
    return get_object_or_404(visible.select_related(*names), pk=pk)


@login_required
@require_POST
def offer_accept(request, pk):
    offer = _offer(request, pk)
    made = offers.accept_offer(offer=offer, by=request.user, now=timezone.now())
    if isinstance(made, Order):
        messages.success(request, _("Accepted: order %(number)s is confirmed.") % {"number": made.number})
        return redirect("marketplace:order_detail", made.pk)
    messages.success(request, _("It is above your limit: an approver was asked."))
    return redirect("marketplace:negotiation_detail", offer.negotiation_id)


@login_required
@require_POST
def offer_decline(request, pk):
    offer = _offer(request, pk)
    form = DeclineForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    offers.decline_offer(offer=offer, by=request.user, note=note, now=timezone.now())
    messages.success(request, _("Declined. The negotiation stays open for another offer."))
    return redirect("marketplace:negotiation_detail", offer.negotiation_id)


@login_required
@require_POST
def offer_withdraw(request, pk):
    offer = _offer(request, pk)
    offers.withdraw_offer(offer=offer, by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn."))
    return redirect("marketplace:negotiation_detail", offer.negotiation_id)


@login_required
@require_GET
def approval_list(request):
    """Show what waits for the user's approval, and what was decided."""
    waiting = list(Approval.objects.decidable_by(request.user).with_details().order_by("requested_at", "pk"))
    for approval in waiting:
        approval.is_mine = True
    decided = Approval.objects.visible_to(request.user).with_details().order_by("-requested_at", "-pk")
    page = Paginator(decided, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "marketplace/approval_list.html", {"waiting": waiting, "page": page})


@login_required
@require_POST
def approval_decide(request, pk):
    approval = get_object_or_404(Approval.objects.visible_to(request.user).with_details(), pk=pk)
    decide = approvals.approve if "approve" in request.POST.getlist("answer") else approvals.refuse
    made = decide(approval=approval, by=request.user, note=request.POST.get("note", ""), now=timezone.now())
    if isinstance(made, Order):
        messages.success(request, _("Accepted: order %(number)s is confirmed.") % {"number": made.number})
        return redirect("marketplace:order_detail", made.pk)
    messages.success(request, _("Decided."))
    return redirect("marketplace:negotiation_detail", approval.offer.negotiation_id)
