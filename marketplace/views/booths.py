from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketplace.forms import ActingFor
from marketplace.forms.exhibitions import BoothForm
from marketplace.models import Booth, BoothBooking, Exhibition, Listing, Membership, Organisation, Park, Visit
from marketplace.services import booths, visits
from marketplace.views.once import once


def _own_supplies(user):
    supplies = Listing.objects.editable_by(user).open(timezone.now()).filter(side=Listing.Side.SUPPLY)
    return supplies.order_by("-pk")


@login_required
@once
def booth_book(request, pk):
    booths_seen = Booth.objects.filter(exhibition__in=Exhibition.objects.visible_to(request.user))
    booth = get_object_or_404(booths_seen.select_related("exhibition__park__organisation", "exhibition__hall"), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    get_object_or_404(mine[:1])
    form = BoothForm(
        request.POST or None,
        organisations=mine,
        listings=_own_supplies(request.user),
        initial={"organisation": mine.first()},
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            booths.book_booth(booth=booth, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Booth %(number)s is yours.") % {"number": booth.number})
            return redirect("marketplace:exhibition_detail", booth.exhibition_id)
    context = {"form": form, "booth": booth, "exhibition": booth.exhibition}
    return render(request, "marketplace/booth_book.html", context, status=form.http_status)


@login_required
def booth_edit(request, pk):
    """Choose anew what a booth shows."""
    bookings = BoothBooking.objects.editable_by(request.user).live()
    booking = get_object_or_404(bookings.select_related("booth__exhibition__hall", "organisation"), pk=pk)
    supplies = _own_supplies(request.user).filter(organisation=booking.organisation)
    form = BoothForm(request.POST or None, listings=supplies, initial={"listings": booking.listings.all()})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            booths.show_listings(booking=booking, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("marketplace:exhibition_detail", booking.booth.exhibition_id)
    kept = booths.kept_percent(booking, now=timezone.now())
    context = {
        "form": form,
        "booking": booking,
        "exhibition": booking.booth.exhibition,
        "kept": booking.booth.price * kept / 100,
    }
    return render(request, "marketplace/booth_edit.html", context, status=form.http_status)


@login_required
@require_POST
def booth_cancel(request, pk):
    theirs = Q(organisation__in=Organisation.objects.of(request.user, *Membership.TRADING_ROLES))
    ours = Q(booth__exhibition__park__in=Park.objects.managed_by(request.user))
    bookings = BoothBooking.objects.filter(theirs | ours)
    named = bookings.select_related("booth__exhibition__park__organisation", "booth__exhibition__hall", "organisation")
    booking = get_object_or_404(named, pk=pk)
    booths.cancel_booth(booking=booking, by=request.user, now=timezone.now())
    messages.success(request, _("The booth was given back."))
    return redirect("marketplace:exhibition_detail", booking.booth.exhibition_id)


@login_required
@require_POST
def visit_register(request, pk):
    exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    form = ActingFor(request.POST, organisations=mine)
    get_object_or_404(mine[:1])
    organisation = form.cleaned_data["organisation"] if form.is_valid() else mine.order_by("pk").first()
    visits.register_visit(exhibition=exhibition, organisation=organisation, by=request.user, now=timezone.now())
    messages.success(request, _("Your visit is registered: you can ask exhibitors for a meeting."))
    return redirect("marketplace:exhibition_detail", pk)


@login_required
@require_POST
def visit_answer(request, pk):
    mine = Visit.objects.editable_by(request.user)
    visit = get_object_or_404(
        mine.select_related("exhibition__park__organisation", "organisation", "supply__organisation"), pk=pk
    )
    comes = request.POST.get("answer") == "accept"
    visits.answer_visit(visit=visit, comes=comes, by=request.user, now=timezone.now())
    messages.success(request, _("Your visit is registered.") if comes else _("Declined."))
    return redirect("marketplace:exhibition_detail", visit.exhibition_id)
