from datetime import datetime, time, timedelta
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.bookings import FreeForm
from marketplace.forms.parks import ClosureForm, FacilityForm, HoursForm, PriceForm
from marketplace.models import Facility, FacilityClosure, Membership, Order, Organisation, Park, PriceItem
from marketplace.services import availability, facilities, facility_weeks
from marketplace.views.once import once


def trading(user):
    """Return the organisations the user may book for."""
    return Organisation.objects.of(user, *Membership.TRADING_ROLES).order_by("pk")


def asked_day(request):
    """Return the day that a calendar is asked for, today where none is or none that there is."""
    try:
        day = parse_date(request.GET.get("day", ""))
    except ValueError:
        day = None
    return day if day and 2000 <= day.year <= 2100 else timezone.localdate()


def asked_moments(request):
    """Return the beginning and end that a link fills in, as far as it says them."""
    found = {}
    for name in ("start", "end"):
        try:
            found[name] = parse_datetime(request.GET.get(name, ""))
        except ValueError:
            found[name] = None
    return found


@require_GET
def facility_detail(request, pk):
    facility = get_object_or_404(Facility.objects.visible_to(request.user).with_park(), pk=pk)
    now = timezone.now()
    day = asked_day(request)
    moment = timezone.make_aware(datetime.combine(day, time(12)))
    context = {
        "facility": facility,
        "park": facility.park,
        "days": facility_weeks.week(facility, moment=moment, user=request.user, now=now),
        "before": day - timedelta(days=7),
        "after": day + timedelta(days=7),
        "hours": facility.hours.order_by("weekday", "opens"),
        "prices": facility.prices.on(timezone.localdate(now)).order_by("kind", "per"),
        "closures": facility.closures.filter(period__endswith__gt=now).order_by("period"),
        "may_book": trading(request.user).exists(),
        "may_manage": Park.objects.managed_by(request.user).filter(pk=facility.park_id).exists(),
        "is_staff": Park.objects.run_by(request.user).filter(pk=facility.park_id).exists(),
    }
    return render(request, "marketplace/facility_detail.html", context)


@require_GET
def facility_free(request):
    """When and where it is free: the earliest windows of all parks."""
    now = timezone.now()
    tomorrow = timezone.make_aware(datetime.combine(timezone.localdate(now) + timedelta(days=1), time(0)))
    asked = request.GET if "start" in request.GET else None
    start = {"start": tomorrow, "end": tomorrow + timedelta(days=14), "hours": 1}
    form = FreeForm(asked, organisations=trading(request.user), services=_services(request.user), initial=start)
    windows = None
    if form.is_bound and form.is_valid():
        with form.showing_refusals():
            said = dict(form.cleaned_data)
            search = availability.FreeSearch(minutes=int(said.pop("hours") * Decimal(60)), **said)
            windows = availability.search_free(search, user=request.user, now=now)
    context = {"form": form, "windows": windows, "organisations": trading(request.user), "order": _order(request)}
    return render(request, "marketplace/facility_free.html", context, status=form.http_status)


def _order(request):
    """Return the order that a time is looked for, if it is one of the user's."""
    said = request.GET.get("order", "")
    running = Order.objects.editable_by(request.user).running()
    return running.filter(pk=said).first() if said.isdigit() and len(said) < 18 else None


def _services(user):
    found = {}
    for services in Facility.objects.visible_to(user).exclude(services=[]).values_list("services", flat=True):
        found.update({one["code"]: f"{one.get('zh', '')} · {one.get('en', '')}" for one in services})
    return sorted(found.items())


@login_required
@once
def facility_create(request, pk):
    park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
    form = FacilityForm(request.POST or None, with_code=True)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            made = facilities.create_facility(park=park, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Created. Now say when it is open."))
            return redirect("marketplace:facility_hours", made.pk)
    return render(request, "marketplace/facility_create.html", {"form": form, "park": park}, status=form.http_status)


def _managed(request, pk):
    return get_object_or_404(Facility.objects.managed_by(request.user).with_park(), pk=pk)


@login_required
def facility_edit(request, pk):
    facility = _managed(request, pk)
    form = FacilityForm(request.POST or None, initial=FacilityForm.initial_of(facility))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            facilities.edit_facility(facility=facility, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("marketplace:facility_detail", pk)
    context = {"form": form, "facility": facility}
    return render(request, "marketplace/facility_edit.html", context, status=form.http_status)


@login_required
def facility_hours(request, pk):
    facility = _managed(request, pk)
    form = HoursForm(request.POST or None, initial=HoursForm.initial_of(facility))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            facilities.set_hours(facility=facility, hours=form.hours(), by=request.user, now=timezone.now())
            messages.success(request, _("Saved."))
            return redirect("marketplace:facility_hours", pk)
    return _hours_page(request, facility, form, ClosureForm(), form.http_status)


def _hours_page(request, facility, form, closure_form, status):
    closures = facility.closures.filter(period__endswith__gt=timezone.now()).order_by("period")
    context = {"facility": facility, "form": form, "closure_form": closure_form, "closures": closures}
    return render(request, "marketplace/facility_hours.html", context, status=status)


@login_required
@require_POST
def facility_close(request, pk):
    facility = _managed(request, pk)
    form = ClosureForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            facilities.close_facility(facility=facility, by=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("marketplace:facility_hours", pk)
    hours = HoursForm(initial=HoursForm.initial_of(facility))
    return _hours_page(request, facility, hours, form, form.http_status)


@login_required
@require_POST
def facility_reopen(request, pk):
    mine = FacilityClosure.objects.filter(facility__in=Facility.objects.managed_by(request.user))
    closure = get_object_or_404(mine, pk=pk)
    facilities.reopen_facility(closure=closure, by=request.user, now=timezone.now())
    return redirect("marketplace:facility_hours", closure.facility_id)


@login_required
def price_list(request, pk):
    facility = _managed(request, pk)
    form = PriceForm(request.POST or None, initial={"valid_from": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            facilities.set_price(facility=facility, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("marketplace:price_list", pk)
    prices = facility.prices.order_by("kind", "per", "-valid_from")
    context = {"facility": facility, "form": form, "prices": prices, "today": timezone.localdate()}
    return render(request, "marketplace/price_list.html", context, status=form.http_status)


@login_required
@require_POST
def price_end(request, pk):
    mine = PriceItem.objects.filter(facility__in=Facility.objects.managed_by(request.user))
    item = get_object_or_404(mine.select_related("facility__park__organisation"), pk=pk)
    facilities.end_price(item=item, by=request.user, now=timezone.now())
    return redirect("marketplace:price_list", item.facility_id)
