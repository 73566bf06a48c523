from datetime import datetime, time, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from marketplace.forms.parks import ParkForm
from marketplace.models import Booking, Facility, Membership, Organisation, Park
from marketplace.services import facility_weeks, parks
from marketplace.views.facilities import asked_day
from marketplace.views.once import once

PER_PAGE = 24
LONGEST_CALENDAR = 7


def _operators(user):
    mine = Organisation.objects.of(user, *Park.MANAGING_ROLES)
    return mine.filter(kind=Organisation.Kind.PARK_OPERATOR).order_by("pk")


@require_GET
def park_list(request):
    found = Park.objects.visible_to(request.user).with_names().with_facility_count().order_by("region", "code")
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "may_create": request.user.is_authenticated and _operators(request.user).exists(),
        "mine": set(Park.objects.run_by(request.user).values_list("pk", flat=True)),
    }
    return render(request, "marketplace/park_list.html", context)


@require_GET
def park_detail(request, pk):
    park = get_object_or_404(Park.objects.visible_to(request.user).with_names(), pk=pk)
    facilities = Facility.objects.visible_to(request.user).filter(park=park).order_by("kind", "code")
    context = {
        "park": park,
        "facilities": facilities,
        "is_staff": Park.objects.run_by(request.user).filter(pk=pk).exists(),
        "may_manage": Park.objects.managed_by(request.user).filter(pk=pk).exists(),
        "may_offer": Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
        .filter(pk=park.organisation_id)
        .exists(),
    }
    return render(request, "marketplace/park_detail.html", context)


@login_required
@once
def park_create(request):
    operators = _operators(request.user)
    form = ParkForm(request.POST or None, organisations=operators)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            park = parks.create_park(by=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("marketplace:park_detail", park.pk)
    context = {"form": form, "has_operators": operators.exists()}
    return render(request, "marketplace/park_create.html", context, status=form.http_status)


@login_required
def park_edit(request, pk):
    park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
    form = ParkForm(request.POST or None, initial=vars(park))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            parks.edit_park(park=park, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("marketplace:park_detail", pk)
    return render(request, "marketplace/park_edit.html", {"form": form, "park": park}, status=form.http_status)


@login_required
@require_GET
def park_bookings(request, pk):
    """The calendar of a park's people: a day or a week of every facility, and what waits for approval."""
    park = get_object_or_404(Park.objects.run_by(request.user).with_names(), pk=pk)
    day = asked_day(request)
    days = LONGEST_CALENDAR if request.GET.get("span") == "week" else 1
    start = timezone.make_aware(datetime.combine(day, time(0)))
    end = start + timedelta(days=days)
    requests = Booking.objects.filter(facility__park=park, status=Booking.Status.REQUESTED).with_names()
    lanes = facility_weeks.lanes(park, start=start, end=end)
    bookings = {booking.pk: booking for lane in lanes for booking, _x, _width in lane.bars}
    context = {
        "park": park,
        "day": day,
        "days": [day + timedelta(days=n) for n in range(days)],
        "before": day - timedelta(days=days),
        "after": day + timedelta(days=days),
        "span": "week" if days > 1 else "day",
        "lanes": lanes,
        "lines": [round(1000 * n / (days if days > 1 else 24)) for n in range(1, days if days > 1 else 24)],
        "bookings": sorted(bookings.values(), key=lambda one: (one.slot.lower, one.pk)),
        "requests": requests.order_by("slot", "pk"),
        "may_manage": Park.objects.managed_by(request.user).filter(pk=pk).exists(),
    }
    return render(request, "marketplace/park_bookings.html", context)
