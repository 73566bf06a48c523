from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.monitoring import AnswerWarningForm
from finance.models import EarlyWarning, WarningRun
from finance.services import warnings
from marketplace.models import Organisation

PER_PAGE = 25
SHOWN = {status.value: (status,) for status in EarlyWarning.Status}


@login_required
@require_GET
def bank_warnings(request):
    banks = Organisation.objects.of(request.user, *EarlyWarning.READING_ROLES).filter(kind=Organisation.Kind.BANK)
    get_object_or_404(banks[:1])
    shown = request.GET.get("show") if request.GET.get("show") in SHOWN else EarlyWarning.Status.OPEN
    found = EarlyWarning.objects.visible_to(request.user, now=timezone.now()).filter(status__in=SHOWN[shown])
    if request.GET.get("kind") in EarlyWarning.Kind.values:
        found = found.filter(kind=request.GET["kind"])
    order = ("act_by", "pk") if shown == EarlyWarning.Status.OPEN else ("-seen_at", "-pk")
    context = {
        "page": Paginator(found.with_names().order_by(*order), PER_PAGE).get_page(request.GET.get("page")),
        "shown": shown,
        "statuses": EarlyWarning.Status.choices,
        "kind": request.GET.get("kind", ""),
        "kinds": EarlyWarning.Kind.choices,
        "run": WarningRun.objects.visible_to(request.user).order_by(F("finished_at").desc(nulls_last=True)).first(),
    }
    return render(request, "finance/bank_warnings.html", context)


def _shown(request, warning, *, form=None):
    editable = EarlyWarning.objects.editable_by(request.user, now=timezone.now())
    context = {
        "warning": warnings.read_warning(warning=warning, by=request.user, now=timezone.now()),
        "may_answer": warning.status == EarlyWarning.Status.OPEN and editable.filter(pk=warning.pk).exists(),
        "form": form or AnswerWarningForm(),
        "others": EarlyWarning.objects.visible_to(request.user, now=timezone.now())
        .filter(firm=warning.firm_id)
        .exclude(pk=warning.pk)
        .order_by("-opened_at", "-pk")[:10],
    }
    return render(request, "finance/warning_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def warning_detail(request, pk):
    visible = EarlyWarning.objects.visible_to(request.user, now=timezone.now())
    return _shown(request, get_object_or_404(visible.with_names(), pk=pk))


@login_required
@require_POST
def warning_answer(request, pk):
    editable = EarlyWarning.objects.editable_by(request.user, now=timezone.now())
    warning = get_object_or_404(editable.with_names(), pk=pk)
    form = AnswerWarningForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            warnings.answer_warning(warning=warning, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The warning was answered."))
            return redirect("finance:warning_detail", pk)
    return _shown(request, warning, form=form)
