from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from marketplace.forms.shipments import PUBLIC_LABELS
from marketplace.models import FulfilmentEvent, Lot, Shipment
from marketplace.services.scans import look_up
from marketplace.services.traces import find_lot, trace_of

PER_PAGE = 50
STEP_LABELS = dict(FulfilmentEvent.Kind.choices) | {"picked": _("Picked"), "made": _("Made")}


@require_GET
def trace(request, token):
    """Show anybody a lot's public history; a shipment's code leads its parties to its page, and strangers nowhere."""
    lot, package = find_lot(token)
    if lot is None:
        shipment = Shipment.objects.visible_to(request.user).filter(token=token).first()
        if shipment is None:
            shipment = Shipment.objects.visible_to(request.user).filter(lots__token=token).first()
        if shipment is None:
            raise Http404
        return redirect("marketplace:shipment_detail", shipment.pk)
    found = trace_of(lot, package)
    context = {
        "trace": found,
        "lot": lot,
        "facts": [(PUBLIC_LABELS[name], value) for name, value in found.facts],
        "steps": [(STEP_LABELS[step.kind], step) for step in found.steps],
        "is_mine": Lot.objects.visible_to(request.user).filter(pk=lot.pk).exists(),
    }
    return render(request, "marketplace/trace.html", context)


@login_required
@require_GET
def stock_list(request):
    """Show what lies in parks for the user's organisations, by lot."""
    lots = Lot.objects.in_stock_of(request.user).with_names().order_by("location", "pk")
    page = Paginator(lots, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "marketplace/stock_list.html", {"page": page})


@login_required
@require_GET
def scan(request):
    """Scan a code by camera, by photo or by typing it, and go to what it names."""
    code = request.GET.get("code", "").strip()
    if code:
        return _found(request, code)
    return render(request, "marketplace/scan.html", {"photo_url": reverse("marketplace:api_scan_photo")})


def _found(request, code):
    found = look_up(text=code, by=request.user)
    if found is None:
        context = {"code": code, "photo_url": reverse("marketplace:api_scan_photo"), "is_unknown": True}
        return render(request, "marketplace/scan.html", context, status=HTTPStatus.NOT_FOUND)
    target, _lots = found
    return redirect("marketplace:shipment_detail", target.shipment.pk)
