from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from marketplace.forms import ImportForm
from marketplace.models import ListingImport, Membership, Organisation
from marketplace.services import imports
from marketplace.views.once import once

SHOWN = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEMPLATES = {"csv": (imports.template_csv, "text/csv; charset=utf-8"), "xlsx": (imports.template_xlsx, XLSX)}


@login_required
@once
def import_list(request):
    """Take a file of listings, and show what became of earlier ones."""
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    if not mine:
        return redirect("marketplace:organisation_create")
    form = ImportForm(request.POST or None, request.FILES or None, organisations=mine)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            run = imports.request_import(by=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("marketplace:import_detail", run.pk)
    earlier = ListingImport.objects.visible_to(request.user).select_related("organisation", "by").order_by("-pk")
    context = {"form": form, "imports": earlier[:SHOWN]}
    return render(request, "marketplace/import_list.html", context, status=form.http_status)


def _import(request, pk) -> ListingImport:
    runs = ListingImport.objects.visible_to(request.user).select_related("organisation", "by")
    return get_object_or_404(runs, pk=pk)


@login_required
@require_GET
def import_detail(request, pk):
    return render(request, "marketplace/import_detail.html", {"run": _import(request, pk)})


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@login_required
@require_GET
def import_errors(request, pk):
    run = _import(request, pk)
    return _download(imports.error_report_csv(run), "text/csv; charset=utf-8", f"import-{run.pk}-errors.csv")


@require_GET
def import_template(request, suffix):
    if suffix not in TEMPLATES:
        raise Http404
    make, content_type = TEMPLATES[suffix]
    return _download(make(), content_type, f"listings.{suffix}")
