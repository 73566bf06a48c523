from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import ActingFor, ContestForm, OrganisationForm, ReportForm
from marketplace.models import Block, Listing, Membership, OrderRecord, Organisation
from marketplace.models.disclosure import Reader
from marketplace.services import organisations
from marketplace.views.once import once

PER_PAGE = 24
RATINGS_SHOWN = 5


@require_GET
def organisation_list(request):
    words = request.GET.get("q", "").strip()
    found = Organisation.objects.approved().with_numbers(timezone.now())
    if words:
        found = found.named_like(words)
    page = Paginator(found.order_by("-open_listing_count", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "marketplace/organisation_list.html", {"page": page, "words": words})


@require_GET
def organisation_detail(request, pk):
    organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)
    listings = Listing.objects.visible_to(request.user, timezone.now()).with_names().filter(organisation=organisation)
    if not Reader(request.user).knows(organisation):
        # Here it would be plain whose they are.
        listings = listings.none()
    mine = Organisation.objects.of(request.user)
    context = {
        "organisation": organisation,
        "page": Paginator(listings.order_by("-updated_at", "-pk"), PER_PAGE).get_page(request.GET.get("page")),
        "membership": organisation.memberships.filter(user_id=request.user.pk).first(),
        "our_block": Block.objects.filter(organisation__in=mine, blocked=organisation).first(),
        "as_seller": OrderRecord.objects.as_seller(organisation),
        "as_buyer": OrderRecord.objects.as_buyer(organisation),
        "ratings": organisation.ratings.order_by("-at", "-pk")[:RATINGS_SHOWN],
        "may_block": Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(pk=pk).exists(),
    }
    return render(request, "marketplace/organisation_detail.html", context)


@login_required
@once
def organisation_create(request):
    form = OrganisationForm(request.POST or None, with_kind=True)
    taken = None
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisation = organisations.register_organisation(by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(
                request, _("Registered. The platform operator looks at it before your listings go public.")
            )
            return redirect("marketplace:organisation_detail", organisation.pk)
        taken = getattr(form.rule_broken, "organisation", None)
    context = {"form": form, "taken": taken}
    return render(request, "marketplace/organisation_create.html", context, status=form.http_status)


@login_required
def organisation_edit(request, pk):
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    organisation = get_object_or_404(owned, pk=pk)
    form = OrganisationForm(request.POST or None, initial=vars(organisation))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisations.update_profile(
                organisation=organisation, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Saved."))
            return redirect("marketplace:organisation_detail", organisation.pk)
    context = {"form": form, "organisation": organisation}
    return render(request, "marketplace/organisation_edit.html", context, status=form.http_status)


@login_required
@once
def uscc_contest(request, pk):
    """Claim a firm that somebody else registered; any firm may be claimed, approved or not."""
    organisation = get_object_or_404(Organisation, pk=pk)
    form = ContestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisations.contest_uscc(
                organisation=organisation, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Your claim was sent. The platform operator decides on your evidence."))
            return redirect("marketplace:workspace")
    context = {"form": form, "organisation": organisation}
    return render(request, "marketplace/uscc_contest.html", context, status=form.http_status)


@login_required
@once
def organisation_report(request, pk):
    organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)
    visible = Listing.objects.visible_to(request.user, timezone.now()).filter(organisation=organisation)
    asked = request.GET.get("listing", "")
    listing = get_object_or_404(visible, pk=asked) if asked.isdigit() else None
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisations.report_organisation(
                organisation=organisation, listing=listing, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Thank you: the platform operator will look at it."))
            return redirect("marketplace:organisation_detail", organisation.pk)
    context = {"form": form, "organisation": organisation, "listing": listing}
    return render(request, "marketplace/organisation_report.html", context, status=form.http_status)


@login_required
def listing_report(request, pk):
    """Report a listing, and with it its firm, whose name its page may not show."""
    visible = Listing.objects.visible_to(request.user, timezone.now()).with_names()
    listing = get_object_or_404(visible, pk=pk)
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisations.report_organisation(
                organisation=listing.organisation,
                listing=listing,
                by=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
            messages.success(request, _("Thank you: the platform operator will look at it."))
            return redirect("marketplace:listing_detail", pk)
    context = {"form": form, "organisation": listing.organisation, "listing": listing}
    return render(request, "marketplace/listing_report.html", context, status=form.http_status)


@login_required
def organisation_block(request, pk):
    blocked = get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(pk=pk).order_by("pk")
    get_object_or_404(mine[:1])
    form = ActingFor(request.POST or None, organisations=mine, initial={"organisation": mine.first()})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            organisations.block_organisation(blocked=blocked, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Blocked: neither of you sees or is matched with the other's listings."))
            return redirect("marketplace:block_list", form.cleaned_data["organisation"].pk)
    context = {"form": form, "organisation": blocked}
    return render(request, "marketplace/organisation_block.html", context, status=form.http_status)


@login_required
@require_GET
def block_list(request, pk):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    organisation = get_object_or_404(mine, pk=pk)
    context = {
        "organisation": organisation,
        "blocks": organisation.blocks.select_related("blocked", "by").order_by("-pk"),
    }
    return render(request, "marketplace/block_list.html", context)


@login_required
@require_POST
def block_remove(request, pk):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    block = get_object_or_404(Block.objects.filter(organisation__in=mine).select_related("organisation"), pk=pk)
    organisations.unblock_organisation(block=block, by=request.user, now=timezone.now())
    messages.success(request, _("The block was taken off."))
    return redirect("marketplace:block_list", block.organisation_id)
