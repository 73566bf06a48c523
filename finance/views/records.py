from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_GET

from finance.filters import RecordFilter
from finance.models import TransactionRecord
from finance.services import records
from finance.services.charts_records import trade_by_month
from marketplace.models import Membership, Organisation

PER_PAGE = 50


@login_required
@require_GET
def record_list(request):
    """Show the records of the reader's firms, what they add up to, and sales and purchases by month."""
    mine = TransactionRecord.objects.visible_to(request.user)
    chosen = RecordFilter(request.GET, queryset=mine, request=request)
    # A bad value in the address narrows nothing; the form beside the list says what is wrong with it.
    found = chosen.qs if chosen.is_valid() else mine
    page = Paginator(found.with_names().order_by("-occurred_on", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    months = records.monthly_sums(found)
    context = {
        "filter": chosen,
        "page": page,
        "sums": records.kind_sums(found),
        "months": months[::-1],
        "figure": trade_by_month(months),
        "may_import": Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exists(),
    }
    return render(request, "finance/record_list.html", context)
