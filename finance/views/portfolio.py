from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.http import file_response
from finance.services import charts_portfolio, portfolio


def _bank(request):
    """Return the bank that was asked for, or the reader's first."""
    banks = portfolio.banks_of(request.user)
    if asked := request.GET.get("bank", ""):
        return get_object_or_404(banks, pk=asked if asked.isdigit() else 0)
    return get_object_or_404(banks[:1])


@login_required
@require_GET
def bank_portfolio(request):
    found = portfolio.read_portfolio(bank=_bank(request), now=timezone.now())
    context = {
        "portfolio": found,
        "class_labels": portfolio.class_labels(),
        "exposure": charts_portfolio.exposure(found),
        "classes": charts_portfolio.classes(found),
        "vintages": charts_portfolio.vintages(found),
        "moves": charts_portfolio.moves(found),
    }
    return render(request, "finance/bank_portfolio.html", context)


@login_required
@require_GET
def portfolio_export(request):
    now = timezone.now()
    content = portfolio.export_loans(bank=_bank(request), now=now)
    return file_response(content, name=f"loans-{timezone.localdate(now)}.csv", content_type="text/csv; charset=utf-8")
