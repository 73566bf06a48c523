from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from marketplace.forms.parks import AdjustmentForm, MonthForm
from marketplace.models import Fee, Organisation, Park, Statement
from marketplace.services import fees, statement_papers
from marketplace.views.once import once

PER_PAGE = 30


@login_required
@require_GET
def statement_list(request):
    """What the user's firms owe parks: statements, and what has accrued since."""
    mine = Statement.objects.of(request.user).with_names().order_by("-month", "-pk")
    accrued = Fee.objects.filter(organisation__in=Organisation.objects.of(request.user), statement=None)
    context = {
        "page": Paginator(mine, PER_PAGE).get_page(request.GET.get("page")),
        "accrued": accrued.with_names().order_by("-accrued_on", "-pk")[:100],
    }
    return render(request, "marketplace/statement_list.html", context)


@login_required
@require_GET
def statement_detail(request, pk):
    statement = get_object_or_404(Statement.objects.visible_to(request.user).with_names(), pk=pk)
    lines = statement.fees.with_names().order_by("accrued_on", "pk")
    return render(request, "marketplace/statement_detail.html", {"statement": statement, "lines": lines})


def _download(request, pk, write, suffix, content_type):
    statement = get_object_or_404(Statement.objects.visible_to(request.user).with_names(), pk=pk)
    response = HttpResponse(write(statement), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{statement.number}.{suffix}"'
    return response


@login_required
@require_GET
def statement_pdf(request, pk):
    return _download(request, pk, statement_papers.as_pdf, "pdf", "application/pdf")


@login_required
@require_GET
def statement_csv(request, pk):
    return _download(request, pk, statement_papers.as_csv, "csv", "text/csv; charset=utf-8")


@login_required
def park_statements(request, pk):
    """What a park has billed and what is still to be billed, for its managers; POST bills a month."""
    park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
    form = MonthForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            issued = fees.issue_statements(park=park, by=request.user, now=timezone.now(), **form.cleaned_data)
            count = len(issued)
            message = ngettext("%(count)d statement issued.", "%(count)d statements issued.", count)
            messages.success(request, message % {"count": count})
            return redirect("marketplace:park_statements", pk)
    return _park_page(request, park, form, AdjustmentForm(organisations=_firms()), form.http_status)


def _firms():
    return Organisation.objects.approved().order_by("pk")


def _park_page(request, park, form, adjustment_form, status):
    statements = park.statements.with_names().order_by("-month", "organisation", "pk")
    context = {
        "park": park,
        "may_manage": True,
        "form": form,
        "adjustment_form": adjustment_form,
        "page": Paginator(statements, PER_PAGE).get_page(request.GET.get("page")),
        "unbilled": park.fees.filter(statement=None).with_names().order_by("-accrued_on", "-pk")[:200],
    }
    return render(request, "marketplace/park_statements.html", context, status=status)


@login_required
@once
def fee_adjust(request, pk):
    """Charge or credit a firm by hand."""
    park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
    form = AdjustmentForm(request.POST or None, organisations=_firms())
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            key = request.POST.get("form_key", "") or timezone.now().isoformat()
            fees.adjust(park=park, by=request.user, now=timezone.now(), key=key[:60], **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("marketplace:park_statements", pk)
    return _park_page(request, park, MonthForm(), form, form.http_status)
