from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.http import file_response
from marketplace.models import Membership, Organisation
from marketplace.views.once import once
from matching.forms.leads import ProjectFilterForm, ProjectImportForm
from matching.leads.filtering import region_start
from matching.models import BuildingProject, ProjectImport
from matching.services import leads, projects

PER_PAGE, SHOWN = 25, 10


@login_required
@require_GET
def project_list(request):
    """Show the building projects that the user may know of."""
    form = ProjectFilterForm(request.GET or None)
    found = BuildingProject.objects.visible_to(request.user).select_related("brought_by")
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        found = found.chosen(
            words=said["q"],
            region=region_start(said["region"]),
            kind=said["kind"],
            stage=said["stage"],
            is_own=said["own"],
        )
    page = Paginator(found.order_by("-updated_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "matching/project_list.html", {"form": form, "page": page})


@login_required
@require_GET
def project_detail(request, pk):
    """Show a building project, and which of the user's supplies it could need."""
    project = get_object_or_404(BuildingProject.objects.visible_to(request.user).select_related("owner"), pk=pk)
    context = {"project": project, "categories": project.named_categories()}
    context["fitting"] = leads.supplies_for(project=project, user=request.user, now=timezone.now())
    return render(request, "matching/project_detail.html", context)


@login_required
@once
def project_import(request):
    """Take a file of building projects, and show what became of earlier ones."""
    organisations = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    if not request.user.is_staff:
        get_object_or_404(organisations[:1])
    form = ProjectImportForm(
        request.POST or None, request.FILES or None, organisations=organisations, may_share=request.user.is_staff
    )
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            file = form.cleaned_data["file"]
            done = projects.import_projects(
                file=file.file,
                name=file.name,
                by=request.user,
                organisation=form.cleaned_data["organisation"],
                now=timezone.now(),
            )
            return redirect("matching:project_import_detail", done.pk)
    earlier = ProjectImport.objects.visible_to(request.user).select_related("brought_by").order_by("-pk")[:SHOWN]
    context = {"form": form, "imports": earlier}
    return render(request, "matching/project_import.html", context, status=form.http_status)


@login_required
@require_GET
def project_import_detail(request, pk):
    done = get_object_or_404(ProjectImport.objects.visible_to(request.user).select_related("brought_by"), pk=pk)
    return render(request, "matching/project_import_detail.html", {"done": done})


@login_required
@require_GET
def project_template(request) -> HttpResponse:
    return file_response(projects.template_csv(), name="projects.csv", content_type="text/csv; charset=utf-8")
