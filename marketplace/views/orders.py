from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from marketplace.forms.orders import AcceptanceForm, CallOffForm, DeliveryForm, RatingForm
from marketplace.models import Order, Organisation
from marketplace.services import contracts, frameworks, orders, ratings
from marketplace.services.orders import side_of_user
from marketplace.views.once import once
from marketplace.views.order_page import order_context

PER_PAGE = 20


@login_required
@require_GET
def order_list(request):
    """Show the orders of the user's organisations, by side, by status, or what is overdue."""
    side, status, due = (request.GET.get(name, "") for name in ("side", "status", "due"))
    found = Order.objects.of(request.user)
    mine = Organisation.objects.of(request.user)
    if side in ("buyer", "seller"):
        found = found.filter(**{f"{side}__in": mine})
    if status in Order.Status.values:
        found = found.filter(status=status)
    if due == "overdue":
        found = found.overdue(timezone.localdate())
    elif due == "open":
        found = found.filter(payable_amount__gt=F("paid_amount"))
    page = Paginator(found.with_names().order_by("-confirmed_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "side": side,
        "status": status,
        "due": due,
        "statuses": Order.Status.choices,
        "mine": set(mine.values_list("pk", flat=True)),
        "today": timezone.localdate(),
        "sums": Order.objects.of(request.user).running().sums(mine),
    }
    return render(request, "marketplace/order_list.html", context)


@login_required
@require_GET
def order_detail(request, pk):
    order = get_object_or_404(Order.objects.visible_to(request.user).with_details(), pk=pk)
    return render(request, "marketplace/order_detail.html", order_context(order, request.user))


@login_required
@require_GET
def order_contract(request, pk):
    order = get_object_or_404(Order.objects.visible_to(request.user).with_details(), pk=pk)
    language = request.GET.get("language") or get_language()
    language = "en" if language.startswith("en") else "zh"
    paper = contracts.contract_paper(order, language)
    return file_response(paper, name=f"{order.number}-{language}.pdf", content_type="application/pdf")


def traded_order(request, pk) -> Order:
    """Return an order of which the user trades for one side; anybody else gets a 404."""
    return get_object_or_404(Order.objects.editable_by(request.user).with_details(), pk=pk)


@login_required
@once
def order_deliver(request, pk):
    """Say as the seller how much was done of what no shipment brings."""
    order = traded_order(request, pk)
    form = DeliveryForm(request.POST or None, lines=order.lines.all())
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            orders.confirm_delivery(order=order, quantities=form.quantities(), by=request.user, now=timezone.now())
            messages.success(request, _("Confirmed. The buyer is asked to accept it."))
            return redirect("marketplace:order_detail", pk)
    return render(request, "marketplace/order_deliver.html", {"form": form, "order": order}, status=form.http_status)


@login_required
@once
def order_accept(request, pk):
    """Accept as the buyer what the seller delivered without a shipment."""
    order = traded_order(request, pk)
    form = AcceptanceForm(request.POST or None, lines=order.lines.all())
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            orders.accept_delivery(order=order, quantities=form.quantities(), by=request.user, now=timezone.now())
            messages.success(request, _("Accepted."))
            return redirect("marketplace:order_detail", pk)
    return render(request, "marketplace/order_accept.html", {"form": form, "order": order}, status=form.http_status)


@login_required
@require_POST
def order_close(request, pk):
    orders.close_order(order=traded_order(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Closed."))
    return redirect("marketplace:order_detail", pk)


@login_required
@once
def order_rate(request, pk):
    order = traded_order(request, pk)
    side = side_of_user(request.user, order)
    form = RatingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            ratings.rate(order=order, organisation=side, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Thank you for your rating."))
            return redirect("marketplace:order_detail", pk)
    context = {"form": form, "order": order, "other": order.other(side), "records": order.records.order_by("side")}
    return render(request, "marketplace/order_rate.html", context, status=form.http_status)


@login_required
@once
def order_call_off(request, pk):
    """Order a part of a framework order."""
    framework = traded_order(request, pk)
    initial = {"window_start": timezone.localdate(), "window_end": framework.window_end, "address": framework.address}
    form = CallOffForm(request.POST or None, lines=framework.lines.all(), initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            order = frameworks.call_off(
                framework=framework,
                lines=form.said_lines(),
                window=(form.cleaned_data["window_start"], form.cleaned_data["window_end"]),
                place={"address": form.cleaned_data["address"]},
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, _("Called off."))
            return redirect("marketplace:order_detail", order.pk)
    context = {"form": form, "order": framework}
    return render(request, "marketplace/order_call_off.html", context, status=form.http_status)


@login_required
@require_POST
def order_end(request, pk):
    """End a framework order of which everything was called off."""
    frameworks.end_framework(framework=traded_order(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Closed."))
    return redirect("marketplace:order_detail", pk)


@login_required
@require_POST
@once
def order_repeat(request, pk):
    """Order again: a negotiation with an offer of the same terms and fresh dates."""
    order = traded_order(request, pk)
    negotiation, _offer = frameworks.repeat_order(
        order=order, organisation=side_of_user(request.user, order), by=request.user, now=timezone.now()
    )
    messages.success(request, _("An offer of the same terms was made. The other side is asked to accept it."))
    return redirect("marketplace:negotiation_detail", negotiation.pk)
