from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.errors import RuleBroken
from config.http import file_response
from marketplace.models.disclosure import Reader
from matching.forms.leads import LeadContactForm, LeadFilterForm
from matching.models import LeadContact
from matching.services import lead_exports, leads

PER_PAGE = 25


@login_required
@require_GET
def lead_supply_list(request):
    """Show the open supplies for which customers can be looked for."""
    supplies = leads.own_supplies(user=request.user, now=timezone.now()).with_names()
    page = Paginator(supplies.order_by("-published_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "matching/lead_supply_list.html", {"page": page})


def _supply(request, listing_id):
    supplies = leads.own_supplies(user=request.user, now=timezone.now()).with_names()
    return get_object_or_404(supplies, pk=listing_id)


@login_required
@require_GET
def lead_list(request, listing_id):
    """Show whom a supply should be offered to though they posted nothing, with reasons."""
    supply = _supply(request, listing_id)
    form = LeadFilterForm(request.GET or None)
    found = []
    if supply.category_id is not None:
        found = leads.find_leads(supply=supply, user=request.user, now=timezone.now(), wanted=form.wanted())
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"supply": supply, "form": form, "page": page, "query": request.GET.urlencode()}
    status = HTTPStatus.OK if not form.is_bound or form.is_valid() else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "matching/lead_list.html", context, status=status)


@login_required
@require_GET
def lead_export(request, listing_id, suffix):
    supply = _supply(request, listing_id)
    if suffix not in lead_exports.WRITERS or supply.category_id is None:
        raise Http404
    form = LeadFilterForm(request.GET or None)
    found = leads.find_leads(supply=supply, user=request.user, now=timezone.now(), wanted=form.wanted())
    content, content_type = lead_exports.write_leads(found, reader=Reader(request.user), suffix=suffix)
    return file_response(content, name=f"leads-{supply.pk}.{suffix}", content_type=content_type)


def _lead(request, supply, key) -> leads.Lead:
    lead = leads.lead_about(supply=supply, user=request.user, key=key, now=timezone.now())
    if lead is None:
        raise Http404
    return lead


@login_required
def lead_contact(request, listing_id, key):
    """Show a lead, how to reach it and what was written about it; write down what came of a call."""
    supply = _supply(request, listing_id)
    lead = _lead(request, supply, key)
    form = LeadContactForm(request.POST or None, initial={"outcome": LeadContact.Outcome.CONTACTED})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            leads.record_contact(supply=supply, lead=lead, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Written down."))
            return redirect("matching:lead_list", supply.pk)
    subject, body = leads.letter(supply=supply)
    context = {"supply": supply, "lead": lead, "form": form, "letter_subject": subject, "letter_body": body}
    context["contacts"] = leads.contacts_with(supply=supply, lead=lead, user=request.user)
    return render(request, "matching/lead_contact.html", context, status=form.http_status)


@login_required
@require_POST
def lead_invite(request, listing_id, key):
    supply = _supply(request, listing_id)
    lead = _lead(request, supply, key)
    try:
        negotiation = leads.invite_lead(supply=supply, lead=lead, by=request.user, now=timezone.now())
    except RuleBroken as broken:
        messages.error(request, str(broken))
        return redirect("matching:lead_contact", supply.pk, key)
    return redirect("marketplace:negotiation_detail", negotiation.pk)
