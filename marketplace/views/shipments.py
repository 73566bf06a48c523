from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from marketplace.models import Lot, Shipment

PER_PAGE = 24


@login_required
@require_GET
def shipment_list(request):
    found = Shipment.objects.visible_to(request.user).with_names()
    asked = request.GET.get("status", "")
    if asked in Shipment.Status.values:
        found = found.filter(status=asked)
    page = Paginator(found.order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "statuses": Shipment.Status, "status": asked}
    return render(request, "marketplace/shipment_list.html", context)


@login_required
@require_GET
def shipment_detail(request, pk):
    shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_names(), pk=pk)
    lots = Lot.objects.visible_to(request.user).filter(shipment=shipment).with_names().order_by("pk")
    context = {"shipment": shipment, "lots": lots}
    return render(request, "marketplace/shipment_detail.html", context)
