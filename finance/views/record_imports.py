from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from finance.forms.records import RecordImportForm
from finance.models import RecordImport, RecordKind
from finance.services import record_imports
from marketplace.models import Membership, Organisation
from marketplace.views.once import once

PER_PAGE = 20
SHOWN = 200
TEMPLATES = {
    "csv": (record_imports.template_csv, "text/csv; charset=utf-8"),
    "xlsx": (record_imports.template_xlsx, record_imports.TYPES[".xlsx"]),
}


@login_required
@require_GET
def import_list(request):
    runs = RecordImport.objects.visible_to(request.user).with_names().order_by("-pk")
    context = {"page": Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))}
    return render(request, "finance/import_list.html", context)


@login_required
@once
def import_create(request):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    get_object_or_404(mine[:1])
    form = RecordImportForm(
        request.POST or None, request.FILES or None, organisations=mine, initial={"kind": request.GET.get("kind")}
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            run = record_imports.request_import(by=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("finance:import_detail", run.pk)
    context = {"form": form, "kinds": RecordKind.choices}
    return render(request, "finance/import_create.html", context, status=form.http_status)


def _import(request, pk) -> RecordImport:
    return get_object_or_404(RecordImport.objects.visible_to(request.user).with_names(), pk=pk)


@login_required
@require_GET
def import_detail(request, pk):
    run = _import(request, pk)
    is_refused = bool(run.problems) and run.problems[0]["line"] == 0
    context = {"run": run, "is_refused": is_refused, "problems": run.problems[:SHOWN], "shown": SHOWN}
    return render(request, "finance/import_detail.html", context)


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)


@login_required
@require_GET
def import_problems(request, pk):
    run = _import(request, pk)
    content = record_imports.problems_csv(run)
    return _download(content, "text/csv; charset=utf-8", f"import-{run.pk}-problems.csv")


@login_required
@require_GET
def record_template(request, kind, suffix):
    """Hand out a file with the headings of a kind and an example row."""
    if kind not in RecordKind.values or suffix not in TEMPLATES:
        raise Http404
    make, content_type = TEMPLATES[suffix]
    return _download(make(kind), content_type, f"{kind}.{suffix}")
