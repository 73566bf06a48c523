from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from marketplace.forms.shipments import ShipmentForm, rows_to_plan
from marketplace.models import (
    Inspection,
    Lot,
    Membership,
    Order,
    Organisation,
    Receipt,
    Shipment,
)
from marketplace.services import shipment_papers, shipments
from marketplace.services.labels import labels_of
from marketplace.services.lots import left_to_plan
from marketplace.services.receipt_lines import draft_lines
from marketplace.views.once import once

PER_PAGE = 24
MOST_LOTS_PER_LINE = 5


@login_required
@require_GET
def shipment_list(request):
    found = Shipment.objects.visible_to(request.user).with_names()
    asked = request.GET.get("status", "")
    if asked in Shipment.Status.values:
        found = found.filter(status=asked)
    page = Paginator(found.order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "statuses": Shipment.Status.choices, "status": asked}
    return render(request, "marketplace/shipment_list.html", context)


@login_required
@require_GET
def shipment_detail(request, pk):
    shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_bookings(), pk=pk)
    lots = Lot.objects.visible_to(request.user).filter(shipment=shipment).with_names().order_by("pk")
    orders = Order.objects.filter(pk__in=lots.values("order_line__order")).select_related("buyer").order_by("pk")
    inspections = Inspection.objects.visible_to(request.user).filter(lot__in=lots).select_related("lot", "organisation")
    receipts = Receipt.objects.visible_to(request.user).filter(shipment=shipment).select_related("order__buyer")
    context = {
        "shipment": shipment,
        "lots": lots,
        "events": shipment.events.shown_to(request.user).with_names().order_by("recorded_at", "pk"),
        "inspections": inspections.order_by("-pk"),
        "receipts": receipts.order_by("-pk"),
        "chain": Shipment.Status.choices[:8],
        "is_sender": Shipment.objects.sent_by(request.user).filter(pk=pk).exists(),
        "may_inspect": Lot.objects.inspectable_by(request.user).filter(shipment=shipment).exists(),
        "to_receive": [order for order in orders if shipment.is_here and draft_lines(shipment=shipment, order=order)],
    }
    return render(request, "marketplace/shipment_detail.html", context)


@login_required
@once
def shipment_create(request, pk):
    """Plan a shipment of an order: prefilled with all that is left of it."""
    trading = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    order = get_object_or_404(Order.objects.with_details().running().filter(seller__in=trading), pk=pk)
    asked = request.GET.get("lots", "1")
    per_line = min(max(int(asked), 1), MOST_LOTS_PER_LINE) if asked.isdigit() and len(asked) < 4 else 1
    rows = rows_to_plan(order, left_to_plan(order), lots_per_line=per_line)
    form = ShipmentForm(
        request.POST or None,
        rows=rows,
        parties=[order.seller, order.buyer],
        initial={"park": order.park, "to_address": order.address, "from_address": order.seller.address},
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            shipment = shipments.plan_shipment(seller=order.seller, by=request.user, now=timezone.now(), **form.said())
            messages.success(request, _("Planned. Print the labels, and dispatch it when it leaves."))
            return redirect("marketplace:shipment_detail", shipment.pk)
    context = {"form": form, "order": order, "rows": form.rows, "per_line": per_line + 1}
    return render(request, "marketplace/shipment_create.html", context, status=form.http_status)


@login_required
def shipment_edit(request, pk):
    shipment = get_object_or_404(Shipment.objects.plannable_by(request.user).with_names(), pk=pk)
    lots = shipment.lots.select_related("order_line__order__buyer").order_by("pk")
    buyers = {lot.order_line.order.buyer for lot in lots}
    rows = [(lot.order_line, lot.quantity, lot) for lot in lots]
    form = ShipmentForm(request.POST or None, rows=rows, parties=[shipment.seller, *buyers], shipment=shipment)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            shipments.edit_shipment(shipment=shipment, by=request.user, now=timezone.now(), **form.said())
            messages.success(request, _("Saved."))
            return redirect("marketplace:shipment_detail", pk)
    context = {"form": form, "shipment": shipment, "rows": form.rows}
    return render(request, "marketplace/shipment_edit.html", context, status=form.http_status)


@login_required
@require_POST
def shipment_dispatch(request, pk):
    shipment = get_object_or_404(Shipment.objects.sent_by(request.user), pk=pk)
    shipments.dispatch_shipment(shipment=shipment, by=request.user, now=timezone.now())
    messages.success(request, _("It is on its way. The buyer and the park were told."))
    return redirect("marketplace:shipment_detail", pk)


@login_required
@require_POST
def shipment_cancel(request, pk):
    shipment = get_object_or_404(Shipment.objects.sent_by(request.user), pk=pk)
    shipments.cancel_shipment(shipment=shipment, by=request.user, now=timezone.now())
    messages.success(request, _("Cancelled: its quantities can be planned anew."))
    return redirect("marketplace:shipment_detail", pk)


@login_required
@require_GET
def lot_labels(request, pk):
    """Show a label with a QR code for the shipment, each of its lots and each package, to be printed."""
    shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_names(), pk=pk)
    lots = Lot.objects.visible_to(request.user).filter(shipment=shipment)
    context = {"shipment": shipment, "labels": labels_of(shipment=shipment, lots=lots)}
    return render(request, "marketplace/lot_labels.html", context)


@login_required
@require_GET
def shipment_paper(request, pk, kind):
    """Give the shipment note or the gate pass as a PDF."""
    shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_bookings(), pk=pk)
    lots = Lot.objects.visible_to(request.user).filter(shipment=shipment).with_names().order_by("pk")
    content = shipment_papers.PAPERS[kind](shipment, list(lots), get_language())
    return file_response(content, name=f"{shipment.number}-{kind}.pdf", content_type="application/pdf")
