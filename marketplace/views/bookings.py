from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.bookings import BookingForm, HandOverForm, MoveForm, NoteForm, WaitForm
from marketplace.models import Booking, Facility, HandOver, Order, Organisation, WaitingEntry
from marketplace.services import booking_desk, bookings, fees, hand_overs, waiting
from marketplace.views.facilities import asked_moments, trading
from marketplace.views.once import once

PER_PAGE = 30


def _orders(user):
    return Order.objects.editable_by(user).running().order_by("-confirmed_at", "-pk")


def _bookers(request, facility):
    """Return whom the user may book for: the own firms, and any firm in a park that the user manages."""
    if Facility.objects.managed_by(request.user).filter(pk=facility.pk).exists():
        return Organisation.objects.approved().order_by("pk")
    return trading(request.user)


@login_required
@require_GET
def booking_list(request):
    """What the user's firms have booked, what is offered to them, and what they wait for."""
    mine = Booking.objects.of(request.user).with_names().order_by("-booked_at", "-pk")
    now = timezone.now()
    entries = WaitingEntry.objects.filter(organisation__in=Organisation.objects.of(request.user)).waiting()
    offered = HandOver.objects.open(now).offered_to(request.user)
    context = {
        "page": Paginator(mine, PER_PAGE).get_page(request.GET.get("page")),
        "entries": entries.select_related("facility__park", "organisation").in_turn(),
        "hand_overs": offered.select_related("booking__facility__park", "from_organisation"),
        "has_firm": Organisation.objects.of(request.user).exists(),
    }
    return render(request, "marketplace/booking_list.html", context)


@login_required
@require_GET
def booking_detail(request, pk):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).with_names(), pk=pk)
    is_mine = Booking.objects.editable_by(request.user).filter(pk=pk).exists()
    slot, facility = booking.slot, booking.facility
    initial = {"start": slot.lower, "end": slot.upper, "quantity": booking.quantity}
    context = {
        "booking": booking,
        "events": booking.events.select_related("by").order_by("at", "pk"),
        "is_mine": is_mine,
        "may_manage": Booking.objects.managed_by(request.user).filter(pk=pk).exists(),
        "is_staff": Booking.objects.run_by(request.user).filter(pk=pk).exists(),
        "is_late": bookings.is_late(booking, now=timezone.now()),
        "hand_over": booking.hand_overs.open(timezone.now()).select_related("to_organisation").first(),
        "charges": fees.price_of(
            facility, start=slot.lower, end=slot.upper, quantity=booking.quantity, unit=booking.unit
        ),
        "fees": booking.fees.order_by("pk"),
        "move_form": MoveForm(facility=facility, initial=initial),
        "hand_over_form": HandOverForm(),
    }
    return render(request, "marketplace/booking_detail.html", context)


@login_required
@once
def booking_create(request, pk):
    """Book one time of a facility; the search and the calendar come here with everything filled in."""
    facility = get_object_or_404(Facility.objects.visible_to(request.user).with_park(), pk=pk)
    said = asked_moments(request)
    said |= {name: request.GET[name] for name in ("quantity", "unit", "order", "purpose") if request.GET.get(name)}
    form = BookingForm(
        request.POST or None,
        facility=facility,
        organisations=_bookers(request, facility),
        orders=_orders(request.user),
        initial=said,
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            made = bookings.request_booking(facility=facility, by=request.user, now=timezone.now(), **form.cleaned_data)
            _say_made(request, made)
            return redirect("marketplace:booking_detail", made.pk)
    context = {"form": form, "facility": facility}
    return render(request, "marketplace/booking_create.html", context, status=form.http_status)


def _say_made(request, booking):
    if booking.status == Booking.Status.REQUESTED:
        messages.success(request, _("Requested. The park answers; you will be told."))
    else:
        messages.success(request, _("Booked."))


@login_required
@once
def waiting_join(request, pk):
    facility = get_object_or_404(Facility.objects.visible_to(request.user).with_park(), pk=pk)
    said = asked_moments(request)
    form = WaitForm(
        request.POST or None,
        facility=facility,
        organisations=trading(request.user),
        orders=_orders(request.user),
        initial=said,
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            waiting.join_waiting_list(facility=facility, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("You are on the waiting list: what comes free is held for you for two hours."))
            return redirect("marketplace:booking_list")
    context = {"form": form, "facility": facility}
    return render(request, "marketplace/waiting_join.html", context, status=form.http_status)


@login_required
@require_POST
def waiting_leave(request, pk):
    entry = get_object_or_404(WaitingEntry.objects.editable_by(request.user).select_related("organisation"), pk=pk)
    waiting.leave_waiting_list(entry=entry, by=request.user, now=timezone.now())
    return redirect("marketplace:booking_list")


def _touchable(user):
    """Return the bookings the user may change, as the firm or as the park."""
    return Booking.objects.editable_by(user) | Booking.objects.managed_by(user)


def _acted(request, booking):
    """Go back to where the button stood: the park's calendar, or the booking."""
    if request.POST.get("next") == "park":
        return redirect("marketplace:park_bookings", booking.facility.park_id)
    return redirect("marketplace:booking_detail", booking.pk)


@login_required
@require_POST
def booking_move(request, pk):
    booking = get_object_or_404(_touchable(request.user).with_names(), pk=pk)
    form = MoveForm(request.POST, facility=booking.facility)
    if form.is_valid():
        with form.showing_refusals():
            bookings.reschedule_booking(booking=booking, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Moved."))
            return redirect("marketplace:booking_detail", pk)
    context = {"form": form, "booking": booking}
    return render(request, "marketplace/booking_move.html", context, status=form.http_status)


@login_required
@require_POST
def booking_cancel(request, pk):
    booking = get_object_or_404(_touchable(request.user).with_names(), pk=pk)
    note = request.POST.get("note", "")
    bookings.cancel_booking(booking=booking, by=request.user, now=timezone.now(), note=note)
    messages.success(request, _("Cancelled."))
    return _acted(request, booking)


@login_required
@require_POST
def booking_take(request, pk):
    """Take the slot that was held for the firm."""
    booking = get_object_or_404(Booking.objects.editable_by(request.user).with_names(), pk=pk)
    _say_made(request, waiting.take_held_booking(booking=booking, by=request.user, now=timezone.now()))
    return redirect("marketplace:booking_detail", pk)


@login_required
@require_POST
def booking_approve(request, pk):
    booking = get_object_or_404(Booking.objects.managed_by(request.user).with_names(), pk=pk)
    note = request.POST.get("note", "")
    bookings.approve_booking(booking=booking, by=request.user, now=timezone.now(), note=note)
    messages.success(request, _("Confirmed."))
    return _acted(request, booking)


@login_required
def booking_refuse(request, pk):
    booking = get_object_or_404(Booking.objects.managed_by(request.user).with_names(), pk=pk)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            bookings.refuse_booking(booking=booking, by=request.user, now=timezone.now(), **form.cleaned_data)
            return _acted(request, booking)
    context = {"form": form, "booking": booking}
    return render(request, "marketplace/booking_refuse.html", context, status=form.http_status)


@login_required
@require_POST
def booking_start(request, pk):
    booking = get_object_or_404(Booking.objects.run_by(request.user).with_names(), pk=pk)
    booking_desk.start_booking(booking=booking, by=request.user, now=timezone.now())
    return _acted(request, booking)


@login_required
@require_POST
def booking_complete(request, pk):
    booking = get_object_or_404(Booking.objects.run_by(request.user).with_names(), pk=pk)
    booking_desk.complete_booking(booking=booking, by=request.user, now=timezone.now())
    return _acted(request, booking)


@login_required
@require_POST
def booking_miss(request, pk):
    booking = get_object_or_404(Booking.objects.run_by(request.user).with_names(), pk=pk)
    booking_desk.miss_booking(booking=booking, by=request.user, now=timezone.now())
    return _acted(request, booking)


@login_required
@require_POST
def booking_offer(request, pk):
    """Offer a booking to another firm."""
    booking = get_object_or_404(Booking.objects.editable_by(request.user).with_names(), pk=pk)
    form = HandOverForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            to = form.cleaned_data["organisation"]
            hand_overs.offer_booking(booking=booking, to=to, by=request.user, now=timezone.now())
            messages.success(request, _("Offered. The other firm has a day to answer."))
            return redirect("marketplace:booking_detail", pk)
    context = {"form": form, "booking": booking}
    return render(request, "marketplace/booking_offer.html", context, status=form.http_status)


def _hand_over(request, pk):
    received = HandOver.objects.offered_to(request.user)
    given = HandOver.objects.filter(booking__in=Booking.objects.editable_by(request.user))
    rows = (received | given).select_related("booking", "from_organisation", "to_organisation")
    return get_object_or_404(rows, pk=pk)


@login_required
@require_POST
def hand_over_accept(request, pk):
    hand_over = _hand_over(request, pk)
    booking = hand_overs.accept_hand_over(hand_over=hand_over, by=request.user, now=timezone.now())
    messages.success(request, _("The booking is yours."))
    return redirect("marketplace:booking_detail", booking.pk)


@login_required
@require_POST
def hand_over_decline(request, pk):
    hand_overs.decline_hand_over(hand_over=_hand_over(request, pk), by=request.user, now=timezone.now())
    return redirect("marketplace:booking_list")


@login_required
@require_POST
def hand_over_withdraw(request, pk):
    hand_over = _hand_over(request, pk)
    hand_overs.withdraw_hand_over(hand_over=hand_over, by=request.user, now=timezone.now())
    return redirect("marketplace:booking_detail", hand_over.booking_id)
