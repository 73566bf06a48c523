from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketplace.forms.pools import ChangeCommitmentForm, CommitmentForm, ReasonForm, plain
from marketplace.forms.shipments import ShipmentForm, rows_to_plan
from marketplace.models import Listing, Membership, Offer, Order, Organisation, PoolCommitment, PurchasePool
from marketplace.services import pool_commitments, pool_offers, shipments
from marketplace.services.lots import left_to_plan
from marketplace.views.once import once

MOST = Decimal(10) ** 12


def _asked_quantity(request, pool: PurchasePool) -> Decimal | None:
    """Return the quantity in the address, in whole steps, or None."""
    try:
        quantity = Decimal(request.GET.get("quantity") or request.POST.get("quantity") or "")
    except InvalidOperation:
        return None
    if not quantity.is_finite() or not 0 < quantity < MOST:
        return None
    return quantity // pool.step * pool.step or None


@login_required
@once
def pool_commit(request, pk):
    """Show what a quantity means, and join with it."""
    pool = get_object_or_404(PurchasePool.objects.visible_to(request.user).with_details(), pk=pk)
    organisations = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    get_object_or_404(organisations[:1])
    now = timezone.now()
    demands = Listing.objects.editable_by(request.user).open(now).filter(side=Listing.Side.DEMAND)
    demands = demands.filter(category=pool.category).order_by("-pk")
    quantity = _asked_quantity(request, pool)
    invited = pool.invitations.filter(organisation__in=organisations, demand__isnull=False).first()
    initial = {
        "organisation": invited.organisation_id if invited else organisations.first(),
        "quantity": plain(quantity),
        "demand": invited and invited.demand_id,
    }
    form = CommitmentForm(request.POST or None, organisations=organisations, demands=demands, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            pool_commitments.commit_to_pool(pool=pool, by=request.user, now=now, **form.cleaned_data)
            messages.success(request, _("Your firm is in."))
            return redirect("marketplace:pool_detail", pk)
    outlook = pool_commitments.outlook(pool=pool, quantity=quantity, now=now) if quantity else None
    context = {"form": form, "pool": pool, "outlook": outlook}
    return render(request, "marketplace/pool_commit.html", context, status=form.http_status)


@login_required
def pool_commitment_change(request, pk):
    commitments = PoolCommitment.objects.editable_by(request.user).select_related("organisation", "demand")
    commitment = get_object_or_404(commitments, pk=pk)
    pool = get_object_or_404(PurchasePool.objects.visible_to(request.user).with_details(), pk=commitment.pool_id)
    initial = {"quantity": plain(commitment.quantity), "maximum_price": plain(commitment.maximum_price)}
    quantity = _asked_quantity(request, pool) or commitment.quantity
    form = ChangeCommitmentForm(request.POST or None, initial=initial | {"quantity": plain(quantity)})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            pool_commitments.change_commitment(
                commitment=commitment, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Saved."))
            return redirect("marketplace:pool_detail", pool.pk)
    outlook = pool_commitments.outlook(pool=pool, quantity=quantity, without=commitment, now=timezone.now())
    context = {"form": form, "pool": pool, "outlook": outlook, "commitment": commitment}
    return render(request, "marketplace/pool_commitment_change.html", context, status=form.http_status)


@login_required
def pool_commitment_leave(request, pk):
    commitments = PoolCommitment.objects.editable_by(request.user).select_related("organisation", "pool")
    commitment = get_object_or_404(commitments, pk=pk)
    now = timezone.now()
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            left = pool_commitments.leave_pool(commitment=commitment, by=request.user, now=now, **form.cleaned_data)
            is_out = left.status == PoolCommitment.Status.WITHDRAWN
            messages.success(request, _("Your firm has left.") if is_out else _("The organiser was asked."))
            return redirect("marketplace:pool_detail", commitment.pool_id)
    context = {
        "form": form,
        "commitment": commitment,
        "pool": commitment.pool,
        "is_free": pool_commitments.is_free_to_leave(commitment.pool, now),
        "owed": pool_commitments.leaving_amount(commitment.pool, commitment),
    }
    return render(request, "marketplace/pool_commitment_leave.html", context, status=form.http_status)


@login_required
@require_POST
def pool_commitment_let_go(request, pk):
    pools = PurchasePool.objects.editable_by(request.user)
    commitment = get_object_or_404(PoolCommitment.objects.filter(pool__in=pools).select_related("pool"), pk=pk)
    pool_commitments.let_member_go(commitment=commitment, by=request.user, now=timezone.now())
    messages.success(request, _("The firm has left."))
    return redirect("marketplace:pool_detail", commitment.pool_id)


@login_required
@once
def pool_ask(request, pk):
    """Choose the supplies whose firms are asked to serve the pool."""
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user).with_details(), pk=pk)
    now = timezone.now()
    supplies = pool_offers.supplier_choices(pool=pool, user=request.user, now=now)
    if request.method == "POST":
        chosen = supplies.filter(pk__in=[one for one in request.POST.getlist("supply") if one.isdigit()])
        asked = pool_offers.ask_suppliers(pool=pool, supplies=chosen, by=request.user, now=now)
        messages.success(request, _("Suppliers asked: %(count)d.") % {"count": len(asked)})
        return redirect("marketplace:pool_detail", pk)
    return render(request, "marketplace/pool_ask.html", {"pool": pool, "supplies": supplies[:100]})


@login_required
@require_POST
@once
def pool_accept(request, pk, offer_pk):
    """Accept an offer for all members; the organiser's a supplier's, a supplier the organiser's."""
    offers = Offer.objects.visible_to(request.user).filter(negotiation__pool_supplier__pool=pk).with_lines()
    offer = get_object_or_404(offers.select_related("negotiation__buyer", "negotiation__seller"), pk=offer_pk)
    pool = get_object_or_404(PurchasePool, pk=pk)
    orders = pool_offers.accept_pool_offer(pool=pool, offer=offer, by=request.user, now=timezone.now())
    messages.success(request, _("Ordered: %(count)d orders, one for each member.") % {"count": len(orders)})
    if PurchasePool.objects.visible_to(request.user).filter(pk=pk).exists():
        return redirect("marketplace:pool_detail", pk)
    return redirect("marketplace:negotiation_detail", offer.negotiation_id)


@login_required
@require_POST
def pool_give_up(request, pk):
    pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
    pool_offers.give_up_pool(pool=pool, by=request.user, now=timezone.now())
    messages.success(request, _("Given up: everybody is free again."))
    return redirect("marketplace:pool_detail", pk)


@login_required
@once
def pool_shipment_create(request, pk):
    """Plan one shipment of all members' goods, for the supplier who serves the pool."""
    trading = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    served = Order.objects.with_details().running().filter(pool_commitment__pool=pk, seller__in=trading)
    orders = list(served.order_by("pk"))
    if not orders:
        raise Http404
    first = orders[0]
    rows = [row for order in orders for row in rows_to_plan(order, left_to_plan(order))]
    form = ShipmentForm(
        request.POST or None,
        rows=rows,
        parties=[first.seller, *(order.buyer for order in orders)],
        initial={"park": first.park, "to_address": first.address, "from_address": first.seller.address},
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            shipment = shipments.plan_shipment(seller=first.seller, by=request.user, now=timezone.now(), **form.said())
            messages.success(request, _("Planned. Print the labels, and dispatch it when it leaves."))
            return redirect("marketplace:shipment_detail", shipment.pk)
    context = {"form": form, "pool": get_object_or_404(PurchasePool, pk=pk), "rows": form.rows, "orders": orders}
    return render(request, "marketplace/pool_shipment_create.html", context, status=form.http_status)
