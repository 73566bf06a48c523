from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.filters import ListingFilter
from marketplace.forms import FacetForm, ListingEditForm, SentenceForm
from marketplace.models import Listing, Membership, Organisation
from marketplace.services import listings
from marketplace.views.once import once

PER_PAGE = 20
CATEGORIES_SHOWN = 10


def _largest_categories(found) -> list[dict]:
    """Return the categories with the most of what was found, by name in the reader's language."""
    counts = found.order_by().exclude(category=None).values("category__code", "category__name_zh", "category__name_en")
    largest = counts.annotate(count=Count("pk")).order_by("-count", "category__code")[:CATEGORIES_SHOWN]
    return [
        {
            "code": row["category__code"],
            "zh": row["category__name_zh"],
            "en": row["category__name_en"],
            "count": row["count"],
        }
        for row in largest
    ]


@require_GET
def listing_list(request):
    """Show the market to this reader: what is open and shown to them, by side, kind, category, place and price."""
    shown = Listing.objects.open(timezone.now()).shown_to(request.user)
    found = ListingFilter(request.GET, queryset=shown, request=request)
    ordered = found.qs.with_names()
    if not found.data.get("ordering"):
        ordered = ordered.order_by("-published_at", "-pk")
    context = {
        "form": FacetForm(initial=request.GET.dict()),
        "page": Paginator(ordered, PER_PAGE).get_page(request.GET.get("page")),
        "categories": _largest_categories(found.qs),
    }
    return render(request, "marketplace/listing_list.html", context)


@login_required
@require_GET
def my_listing_list(request):
    mine = Listing.objects.of(request.user)
    status = request.GET.get("status", "")
    if status in Listing.Status.values:
        mine = mine.filter(status=status)
    page = Paginator(mine.with_names().order_by("-updated_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "statuses": Listing.Status.choices, "status": status}
    return render(request, "marketplace/my_listing_list.html", context)


@require_GET
def listing_detail(request, pk):
    listing = get_object_or_404(Listing.objects.visible_to(request.user, timezone.now()).with_details(), pk=pk)
    context = {
        "listing": listing,
        "may_edit": Listing.objects.editable_by(request.user).filter(pk=pk).exists(),
        "may_negotiate": Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exists()
        and listing.status == Listing.Status.OPEN,
        "is_mine": Listing.objects.of(request.user).filter(pk=pk).exists(),
    }
    return render(request, "marketplace/listing_detail.html", context)


@login_required
@once
def listing_create(request):
    """Take a sentence, show what was read out of it, and post it when the person has corrected it."""
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    if not mine:
        messages.info(request, _("Register your firm first: a listing is posted in its name."))
        return redirect("marketplace:organisation_create")
    now = timezone.now()
    wanted = {"side": request.GET.get("side", ""), "text": request.GET.get("text", "")}
    form = SentenceForm(request.POST or None, organisations=mine, initial=wanted)
    if request.method == "POST" and form.is_valid():
        organisation = form.cleaned_data["organisation"]
        if "read" in request.POST.getlist("step"):
            draft = listings.draft_from_text(organisation=organisation, now=now, **form.said())
            form = form.with_draft(draft)
        else:
            with form.showing_refusals():
                listing = listings.post_listing(
                    organisation=organisation,
                    by=request.user,
                    fields=form.said(),
                    now=now,
                    publish="draft" not in request.POST.getlist("step"),
                )
                return redirect("marketplace:listing_detail", listing.pk)
    return render(request, "marketplace/listing_create.html", {"form": form}, status=form.http_status)


@login_required
def listing_edit(request, pk):
    listing = get_object_or_404(Listing.objects.editable_by(request.user).with_details(), pk=pk)
    form = ListingEditForm(request.POST or None, listing=listing)
    if request.method == "POST" and "show" not in request.POST.getlist("step") and form.is_valid():
        with form.showing_refusals():
            listings.edit_listing(
                listing=listing,
                by=request.user,
                changes=form.changes(),
                revision=form.cleaned_data["revision"],
                now=timezone.now(),
            )
            messages.success(request, _("Saved. It looks for matches again."))
            return redirect("marketplace:listing_detail", pk)
    context = {"form": form, "listing": listing}
    return render(request, "marketplace/listing_edit.html", context, status=form.http_status)


def _change_status(request, pk, change, message):
    listing = get_object_or_404(Listing.objects.editable_by(request.user).with_names(), pk=pk)
    change(listing=listing, by=request.user, now=timezone.now())
    messages.success(request, message)
    return redirect("marketplace:listing_detail", pk)


@login_required
@require_POST
def listing_publish(request, pk):
    return _change_status(request, pk, listings.publish_listing, _("Published."))


@login_required
@require_POST
def listing_pause(request, pk):
    return _change_status(request, pk, listings.pause_listing, _("Paused: nobody is matched with it."))


@login_required
@require_POST
def listing_resume(request, pk):
    return _change_status(request, pk, listings.resume_listing, _("Open again."))


@login_required
@require_POST
def listing_close(request, pk):
    return _change_status(request, pk, listings.close_listing, _("Closed."))


@login_required
@require_POST
def listing_renew(request, pk):
    return _change_status(request, pk, listings.renew_listing, _("It stays open for another 90 days."))
