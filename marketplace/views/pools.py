from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.pools import InviteForm, PoolForm, ReasonForm, pool_initial
from marketplace.models import Listing, Membership, Organisation, PurchasePool
from marketplace.services import pool_pages, pool_proposals, pools
from marketplace.views.once import once

PER_PAGE = 20
# What may be looked at in the list, by the word in the address.
SHOWN = {
    "open": {"status": PurchasePool.Status.OPEN},
    "running": {"status__in": [PurchasePool.Status.CLOSED, PurchasePool.Status.NEGOTIATING]},
    "over": {
        "status__in": [PurchasePool.Status.ORDERED, PurchasePool.Status.FAILED, PurchasePool.Status.CANCELLED],
    },
}


@require_GET
def pool_list(request):
    found = PurchasePool.objects.visible_to(request.user).with_details().with_commitments()
    shown = request.GET.get("show", "open")
    if shown == "mine":
        mine = Organisation.objects.of(request.user)
        found = found.concerning(mine)
    else:
        found = found.filter(**SHOWN.get(shown, SHOWN["open"]))
    page = Paginator(found.order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(pool, pool_pages.standing(pool)) for pool in page]
    return render(request, "marketplace/pool_list.html", {"page": page, "rows": rows, "shown": shown})


@require_GET
def pool_detail(request, pk):
    pool = get_object_or_404(PurchasePool.objects.visible_to(request.user).with_details().with_commitments(), pk=pk)
    context = pool_pages.read_page(pool=pool, user=request.user, now=timezone.now())
    return render(request, "marketplace/pool_detail.html", {"pool": pool, "page": context, "invite_form": InviteForm()})


@login_required
@once
def pool_create(request):
    organisations = Organisation.objects.of(request.user, *PurchasePool.ORGANISING_ROLES).order_by("pk")
    get_object_or_404(organisations[:1])
    asked = [int(pk) for pk in request.GET.getlist("demand") if pk.isdigit()][:100]
    now = timezone.now()
    demands = list(Listing.objects.visible_to(request.user, now).open(now).with_names().filter(pk__in=asked))
    initial = pool_proposals.draft_pool(demands, now=now) | {"organiser": organisations.first()}
    form = PoolForm(request.POST or None, organisations=organisations, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            pool = pools.open_pool(
                organiser=form.cleaned_data["organiser"],
                by=request.user,
                fields=form.said(),
                invited_demands=demands,
                now=now,
            )
            messages.success(request, _("Open: firms can join now."))
            return redirect("marketplace:pool_detail", pool.pk)
    context = {"form": form, "demands": demands}
    return render(request, "marketplace/pool_create.html", context, status=form.http_status)


@login_required
def pool_edit(request, pk):
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user).with_details(), pk=pk)
    form = PoolForm(request.POST or None, initial=pool_initial(pool))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            pools.edit_pool(pool=pool, by=request.user, fields=form.said(), now=timezone.now())
            messages.success(request, _("Saved."))
            return redirect("marketplace:pool_detail", pool.pk)
    return render(request, "marketplace/pool_edit.html", {"form": form, "pool": pool}, status=form.http_status)


@login_required
@require_POST
def pool_close(request, pk):
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
    pools.close_pool(pool=pool, by=request.user, now=timezone.now())
    messages.success(request, _("Closed: ask suppliers now."))
    return redirect("marketplace:pool_detail", pk)


@login_required
def pool_cancel(request, pk):
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            pools.cancel_pool(pool=pool, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Cancelled: everybody is free again."))
            return redirect("marketplace:pool_detail", pk)
    return render(request, "marketplace/pool_cancel.html", {"form": form, "pool": pool}, status=form.http_status)


@login_required
@require_POST
def pool_invite(request, pk):
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user).with_details().with_commitments(), pk=pk)
    form = InviteForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            firms = form.cleaned_data["firms"]
            new = pools.invite_firms(pool=pool, organisations=firms, by=request.user, now=timezone.now())
            messages.success(request, _("Invited: %(count)d.") % {"count": len(new)})
            return redirect("marketplace:pool_detail", pk)
    page = pool_pages.read_page(pool=pool, user=request.user, now=timezone.now())
    context = {"pool": pool, "page": page, "invite_form": form}
    return render(request, "marketplace/pool_detail.html", context, status=form.http_status)


@login_required
@require_GET
def pool_proposal_list(request):
    get_object_or_404(Organisation.objects.of(request.user, *Membership.TRADING_ROLES)[:1])
    found = pool_proposals.propose_pools(user=request.user, now=timezone.now())
    return render(request, "marketplace/pool_proposal_list.html", {"proposals": found})
