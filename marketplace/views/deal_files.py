from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from config.http import file_response
from marketplace import verify_dealfile
from marketplace.models import DealRecord, Order
from marketplace.services.deal_archives import export_deal
from marketplace.services.deal_seals import public_key
from marketplace.services.deal_texts import entries_of

PER_PAGE = 50


def _order(request, pk) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.user).select_related("buyer", "seller"), pk=pk)


@login_required
@require_GET
def deal_file(request, pk):
    order = _order(request, pk)
    records = DealRecord.objects.filter(order=order).in_order()
    page = Paginator(records, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "order": order,
        "page": page,
        "entries": entries_of(page.object_list, language=get_language(), reader=request.user),
        "public_key": public_key(),
    }
    return render(request, "marketplace/deal_file.html", context)


@login_required
@require_GET
def deal_file_download(request, pk):
    order = _order(request, pk)
    return file_response(export_deal(order), name=f"deal-{order.number}.zip", content_type="application/zip")


@require_GET
def deal_file_checker(request):
    """Give the script that checks deal files, for whoever has the file and not us."""
    script = Path(verify_dealfile.__file__)
    return file_response(script.read_bytes(), name=script.name, content_type="text/x-python; charset=utf-8")
