from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.exhibitions import BoothRowsForm, ExhibitionForm, exhibition_initial
from marketplace.forms.pools import ReasonForm
from marketplace.models import Booth, Exhibition, Facility, Park
from marketplace.services import exhibition_pages, exhibitions
from marketplace.views.once import once

PER_PAGE = 20


@require_GET
def exhibition_list(request):
    found = Exhibition.objects.visible_to(request.user).with_details().with_counts()
    shown = request.GET.get("show", "coming")
    if shown == "over":
        over = [Exhibition.Status.ENDED, Exhibition.Status.CANCELLED]
        found = found.filter(status__in=over).order_by("-starts_at", "-pk")
    else:
        found = found.exclude(status__in=[Exhibition.Status.ENDED, Exhibition.Status.CANCELLED])
        found = found.order_by("starts_at", "pk")
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "shown": shown,
        "parks": Park.objects.managed_by(request.user).order_by("pk") if request.user.is_authenticated else [],
    }
    return render(request, "marketplace/exhibition_list.html", context)


@require_GET
def exhibition_detail(request, pk):
    exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
    page = exhibition_pages.read_page(exhibition=exhibition, user=request.user, now=timezone.now())
    context = {"exhibition": exhibition, "page": page, "rows_form": BoothRowsForm()}
    return render(request, "marketplace/exhibition_detail.html", context)


@login_required
@once
def exhibition_create(request, park_pk):
    park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=park_pk)
    halls = Facility.objects.filter(park=park, kind=Facility.Kind.EXHIBITION_HALL, is_active=True).order_by("pk")
    form = ExhibitionForm(request.POST or None, halls=halls, initial={"opens": "09:00", "closes": "17:00"})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            exhibition = exhibitions.plan_exhibition(
                park=park, hall=form.cleaned_data["hall"], by=request.user, fields=form.said(), now=timezone.now()
            )
            messages.success(request, _("Planned, and the hall is booked. Lay out the booths, then announce it."))
            return redirect("marketplace:exhibition_detail", exhibition.pk)
    context = {"form": form, "park": park, "halls": halls}
    return render(request, "marketplace/exhibition_create.html", context, status=form.http_status)


@login_required
def exhibition_edit(request, pk):
    managed = Exhibition.objects.managed_by(request.user).with_details()
    exhibition = get_object_or_404(managed, pk=pk)
    form = ExhibitionForm(request.POST or None, initial=exhibition_initial(exhibition))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            exhibitions.edit_exhibition(exhibition=exhibition, by=request.user, fields=form.said(), now=timezone.now())
            messages.success(request, _("Saved."))
            return redirect("marketplace:exhibition_detail", pk)
    context = {"form": form, "exhibition": exhibition}
    return render(request, "marketplace/exhibition_edit.html", context, status=form.http_status)


@login_required
@require_POST
def exhibition_announce(request, pk):
    exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).select_related("park"), pk=pk)
    exhibitions.announce_exhibition(exhibition=exhibition, by=request.user, now=timezone.now())
    messages.success(request, _("Announced: booths can be booked now."))
    return redirect("marketplace:exhibition_detail", pk)


@login_required
def exhibition_cancel(request, pk):
    exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).select_related("park"), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            exhibitions.cancel_exhibition(
                exhibition=exhibition, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Cancelled: everybody concerned was told."))
            return redirect("marketplace:exhibition_detail", pk)
    context = {"form": form, "exhibition": exhibition}
    return render(request, "marketplace/exhibition_cancel.html", context, status=form.http_status)


@login_required
@require_POST
@once
def exhibition_add_booths(request, pk):
    """Lay out rows of booths at once."""
    exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).with_details(), pk=pk)
    form = BoothRowsForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            rows = exhibitions.booth_rows(**form.laid_out())
            added = exhibitions.add_booths(exhibition=exhibition, by=request.user, rows=rows)
            messages.success(request, _("Booths added: %(count)d.") % {"count": len(added)})
            return redirect("marketplace:exhibition_detail", pk)
    page = exhibition_pages.read_page(exhibition=exhibition, user=request.user, now=timezone.now())
    context = {"exhibition": exhibition, "page": page, "rows_form": form}
    return render(request, "marketplace/exhibition_detail.html", context, status=form.http_status)


@login_required
@require_POST
def booth_remove(request, pk):
    managed = Exhibition.objects.managed_by(request.user)
    booths = Booth.objects.filter(exhibition__in=managed).select_related("exhibition__park")
    booth = get_object_or_404(booths, pk=pk)
    exhibitions.remove_booth(booth=booth, by=request.user)
    messages.success(request, _("The booth was taken away."))
    return redirect("marketplace:exhibition_detail", booth.exhibition_id)
