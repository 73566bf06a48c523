import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.exhibitions import LeadForm, MeetingForm
from marketplace.models import Exhibition, Lead, Listing, Meeting, Membership, Organisation
from marketplace.services import exhibition_pages, leads, meetings
from marketplace.views.once import once

PER_PAGE = 30


def _day(request, exhibition: Exhibition) -> dt.date:
    """Return the day in the address if the exhibition has it, else today or its first."""
    days = exhibition.days()
    try:
        asked = dt.date.fromisoformat(request.GET.get("day") or request.POST.get("day") or "")
    except ValueError:
        asked = timezone.localdate()
    return asked if asked in days else days[0]


@login_required
@require_GET
def meeting_list(request, pk):
    """Show one day of the reader's meetings at an exhibition, by time and firm."""
    exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
    day = _day(request, exhibition)
    context = {
        "exhibition": exhibition,
        "day": day,
        "days": exhibition.days(),
        "calendar": exhibition_pages.read_day(exhibition=exhibition, user=request.user, day=day),
    }
    return render(request, "marketplace/meeting_list.html", context)


@login_required
@once
def meeting_request(request, pk, organisation_pk):
    """Ask another firm at an exhibition for a meeting."""
    exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(pk=organisation_pk).order_by("pk")
    other = get_object_or_404(exhibition_pages.firms_at(exhibition, request.user), pk=organisation_pk)
    own = get_object_or_404(mine[:1])
    sides = exhibition_pages.sides_of(exhibition, own, other)
    day, now = _day(request, exhibition), timezone.now()
    times = meetings.free_times(exhibition=exhibition, **sides, day=day, now=now)
    choices = [(start.isoformat(), f"{timezone.localtime(start):%H:%M}") for start in times]
    form = MeetingForm(request.POST or None, organisations=mine, times=choices, initial={"organisation": own})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisation = form.cleaned_data["organisation"]
            meetings.request_meeting(
                exhibition=exhibition,
                **exhibition_pages.sides_of(exhibition, organisation, other),
                organisation=organisation,
                by=request.user,
                start=dt.datetime.fromisoformat(form.cleaned_data["start"]),
                subject=form.cleaned_data["subject"],
                now=now,
            )
            messages.success(request, _("Asked: the time is kept for both of you until they answer."))
            return redirect("marketplace:meeting_list", pk)
    context = {"form": form, "exhibition": exhibition, "other": other, "day": day, "days": exhibition.days()}
    return render(request, "marketplace/meeting_request.html", context, status=form.http_status)


@login_required
@require_POST
def meeting_answer(request, pk):
    meeting = get_object_or_404(Meeting.objects.editable_by(request.user).with_names(), pk=pk)
    answer, said = request.POST.get("answer"), {"by": request.user, "now": timezone.now()}
    if answer == "confirm":
        meetings.confirm_meeting(meeting=meeting, **said)
        messages.success(request, _("Confirmed."))
    elif answer == "decline":
        meetings.decline_meeting(meeting=meeting, **said)
        messages.success(request, _("Declined."))
    else:
        mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
        side = get_object_or_404(mine.filter(pk__in=[meeting.exhibitor_id, meeting.visitor_id])[:1])
        meetings.cancel_meeting(meeting=meeting, organisation=side, **said)
        messages.success(request, _("Cancelled."))
    return redirect("marketplace:meeting_list", meeting.exhibition_id)


@login_required
@require_GET
def lead_list(request):
    found = Lead.objects.of(request.user).with_names()
    if request.GET.get("show") != "done":
        found = found.exclude(status=Lead.Status.DONE)
    found = found.order_by(F("follow_up_on").asc(nulls_last=True), "-updated_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "today": timezone.localdate(), "shown": request.GET.get("show", "open")}
    return render(request, "marketplace/lead_list.html", context)


def _supplies(user):
    return Listing.objects.editable_by(user).filter(side=Listing.Side.SUPPLY).order_by("-pk")


@login_required
@once
def lead_create(request):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    get_object_or_404(mine[:1])
    seen = Exhibition.objects.filter(booths__bookings__organisation__in=mine).distinct().order_by("-starts_at")
    asked = request.GET.get("exhibition", "")
    exhibition = seen.filter(pk=asked).first() if asked.isdigit() else seen.first()
    firms = exhibition_pages.visitors_of(exhibition) if exhibition else Organisation.objects.none()
    initial = {"organisation": mine.first(), "exhibition": exhibition, "firm": request.GET.get("firm")}
    form = LeadForm(
        request.POST or None,
        organisations=mine,
        exhibitions=seen,
        firms=firms,
        supplies=_supplies(request.user),
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            about = {name: form.cleaned_data[name] for name in ("organisation", "exhibition", "firm", "supply")}
            leads.record_lead(by=request.user, fields=form.notes(), now=timezone.now(), **about)
            messages.success(request, _("Noted."))
            return redirect("marketplace:lead_list")
    return render(request, "marketplace/lead_create.html", {"form": form}, status=form.http_status)


@login_required
def lead_edit(request, pk):
    lead = get_object_or_404(Lead.objects.editable_by(request.user).with_names(), pk=pk)
    supplies = _supplies(request.user).filter(organisation=lead.organisation)
    initial = {name: getattr(lead, name) for name in Lead.NOTE_FIELDS} | {"supply": lead.supply_id}
    form = LeadForm(request.POST or None, supplies=supplies, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            leads.update_lead(
                lead=lead,
                by=request.user,
                fields=form.notes(),
                supply=form.cleaned_data["supply"],
                is_done="done" in request.POST,
                now=timezone.now(),
            )
            messages.success(request, _("Saved."))
            return redirect("marketplace:lead_list")
    return render(request, "marketplace/lead_edit.html", {"form": form, "lead": lead}, status=form.http_status)


@login_required
@require_POST
def lead_negotiate(request, pk):
    lead = get_object_or_404(Lead.objects.editable_by(request.user).with_names(), pk=pk)
    negotiation = leads.negotiate_with_lead(lead=lead, by=request.user, now=timezone.now())
    return redirect("marketplace:negotiation_detail", negotiation.pk)
