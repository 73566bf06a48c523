from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from finance.services import late_payments

PER_PAGE = 25


@login_required
@require_GET
def late_payment_list(request):
    found = late_payments.receivables(late_payments.sold_by(request.user), now=timezone.now())
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "finance/late_payment_list.html", {"page": page, "count": len(found)})


@login_required
@require_GET
def invoice_late_payment(request, pk):
    """Show the chance of one invoice; a page of the order may load it."""
    sold = late_payments.sold_by(request.user)
    invoice = get_object_or_404(sold, pk=pk)
    found = late_payments.receivables(sold.filter(pk=pk), now=timezone.now())
    context = {"invoice": invoice, "receivable": found[0] if found else None}
    return render(request, "finance/invoice_late_payment.html", context)
