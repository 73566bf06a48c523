from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from finance.forms.lending import PledgeForm
from finance.models import CreditLine, Reservation
from finance.services import loan_pages, orders_on_credit, reservations
from marketplace.models import Membership, Offer, Order, PoolCommitment, PurchasePool
from marketplace.services.pools import require_organiser
from marketplace.views.once import once


def _chosen(request, views):
    """Return the line that was chosen of those that may be; a stranger's is none of them."""
    lines = {str(view.line.pk): view.line for view in views}
    if request.POST.get("line") not in lines:
        raise Http404
    return lines[request.POST["line"]]


@login_required
@once
def offer_credit(request, pk):
    offer = loan_pages.answerable_offer(user=request.user, pk=pk)
    if offer is None:
        raise Http404
    now = timezone.now()
    facts = {"buyer": offer.negotiation.buyer, "currency": offer.currency, "on": timezone.localdate(now)}
    views = loan_pages.lines_for(user=request.user, **facts)
    if request.method == "POST":
        order, _kept = orders_on_credit.order_on_credit(
            offer=offer, line=_chosen(request, views), by=request.user, at=now
        )
        messages.success(request, _("Ordered on credit: the amount is kept on the line."))
        return redirect("marketplace:order_detail", order.pk)
    return render(request, "finance/offer_credit.html", {"offer": offer, "views": views})


@login_required
@once
def order_credit(request, pk):
    order = get_object_or_404(Order.objects.visible_to(request.user).select_related("buyer", "seller"), pk=pk)
    now = timezone.now()
    facts = {"buyer": order.buyer, "currency": order.currency, "on": timezone.localdate(now)}
    views = loan_pages.lines_for(user=request.user, **facts)
    rows = Reservation.objects.filter(order=order).visible_to(request.user)
    kept = rows.filter(status__in=["held", "drawn"]).with_names().select_related("drawdown").first()
    if request.method == "POST":
        line = _chosen(request, views)
        reservations.reserve_for_order(line=line, order=order, by=request.user, at=now)
        messages.success(request, _("The amount is kept on the line."))
        return redirect("finance:order_credit", pk)
    return render(request, "finance/order_credit.html", {"order": order, "views": views, "kept": kept})


@login_required
@once
def pool_credit(request, pk):
    pool = get_object_or_404(PurchasePool.objects.visible_to(request.user).with_details(), pk=pk)
    lines = CreditLine.objects.of_firm(request.user, *Membership.TRADING_ROLES).drawable().with_names()
    members = PoolCommitment.objects.filter(pool=pool).live().values("organisation")
    lines = lines.filter(borrower__in=members, currency=pool.currency, status=CreditLine.Status.OPEN).order_by("pk")
    mine = PoolCommitment.objects.filter(pool=pool, organisation__in=lines.values("borrower")).live()
    commitment = mine.select_related("pool").first()
    amount = reservations.foreseen_amount(commitment) if commitment else None
    form = PledgeForm(request.POST or None, lines=lines, initial={"line": lines.first(), "amount": amount})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            reservations.pledge_to_pool(pool=pool, **form.cleaned_data, by=request.user, at=timezone.now())
            messages.success(request, _("Promised: your part is bought on this line when the pool is ordered."))
            return redirect("finance:pool_credit", pk)
    kept = Reservation.objects.filter(pool=pool).visible_to(request.user).exclude(status="freed").with_names()
    context = {"pool": pool, "form": form, "lines": lines, "kept": kept.order_by("pk"), "commitment": commitment}
    return render(request, "finance/pool_credit.html", context, status=form.http_status)


@login_required
@once
def pool_order_credit(request, pk, offer_pk):
    pool = get_object_or_404(PurchasePool.objects.visible_to(request.user), pk=pk)
    require_organiser(request.user, pool)
    offers = Offer.objects.filter(negotiation__pool_supplier__pool=pool).select_related("negotiation")
    offer = get_object_or_404(offers.prefetch_related("lines"), pk=offer_pk)
    if request.method == "POST":
        orders, kept = orders_on_credit.order_pool_on_credit(pool=pool, offer=offer, by=request.user, at=timezone.now())
        message = _("Ordered for %(orders)d members, %(kept)d of them on credit.")
        messages.success(request, message % {"orders": len(orders), "kept": len(kept)})
        return redirect("marketplace:pool_detail", pk)
    pledges = Reservation.objects.filter(pool=pool, status=Reservation.Status.PLEDGED)
    return render(request, "finance/pool_order_credit.html", {"pool": pool, "offer": offer, "pledges": pledges.count()})
