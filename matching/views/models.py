"""The platform operator's pages of rankers: promoted, refused and retired ones, and days replayed with any two."""

from http import HTTPStatus

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.errors import InputRefused
from matching import services
from matching.forms.replays import ReplayForm, WhyForm
from matching.models import RankerChange, RankerModel, Replay, TrainingRun
from matching.services import model_pages
from matching.views.access import operator_only

PER_PAGE, RECENT = 20, 10
LISTS_PER_PAGE = 10


@operator_only
@require_GET
def model_list(request):
    models = RankerModel.objects.newest().select_related("promoted_by")
    page = Paginator(models, PER_PAGE).get_page(request.GET.get("page"))
    changes = RankerChange.objects.select_related("ranker", "replaced", "by").order_by("-at", "-pk")
    context = {
        "page": page,
        "rows": model_pages.rows_of(page),
        "shipped": model_pages.shipped_row(),
        "changes": changes[:RECENT],
        "trainings": TrainingRun.objects.newest()[:RECENT],
        "may_roll_back": RankerModel.objects.in_use().exists(),
        "form": WhyForm(),
    }
    return render(request, "matching/model_list.html", context)


@operator_only
@require_GET
def model_detail(request, version):
    """Show what the gate said of a ranker, over all and in each part of the market."""
    page = model_pages.model_page(version)
    if page is None:
        raise Http404
    form = ReplayForm(initial={"model": version, "against": _other_than(version)}, models=model_pages.choices())
    return render(request, "matching/model_detail.html", {"page": page, "model": page.row.model, "form": form})


def _other_than(version):
    return Replay.FUSION if version == Replay.SHIPPED else Replay.SHIPPED


@operator_only
@require_POST
def model_promote(request, version):
    ranker = get_object_or_404(RankerModel, version=version)
    services.promote(ranker=ranker, by=request.user, now=timezone.now(), why=request.POST.get("why", "").strip()[:500])
    messages.success(request, _("It serves from the next question on."))
    return redirect("matching:model_list")


@operator_only
@require_POST
def model_roll_back(request):
    try:
        back = services.roll_back(by=request.user, now=timezone.now(), why=request.POST.get("why", ""))
    except InputRefused as refused:
        messages.error(request, " ".join(message for found in refused.errors.values() for message in found))
        return redirect("matching:model_list")
    name = back.version if back else _("the shipped ranker")
    messages.success(request, _("From the next question on %(name)s serves.") % {"name": name})
    return redirect("matching:model_list")


@operator_only
@require_POST
def training_request(request):
    services.request_training(by=request.user, now=timezone.now())
    messages.success(request, _("A worker learns a ranker now and puts it to the gate. Look again in a few minutes."))
    return redirect("matching:model_list")


@operator_only
@require_http_methods(["GET", "POST"])
def replay_create(request):
    """Show the replays so far, and take another one."""
    initial = {"model": Replay.SHIPPED, "against": Replay.FUSION, "day": timezone.localdate()}
    form, status = ReplayForm(request.POST or None, initial=initial, models=model_pages.choices()), HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            try:
                replay = services.request_replay(**form.cleaned_data, by=request.user, now=timezone.now())
                return redirect("matching:replay_detail", replay.pk)
            except InputRefused as refused:
                for field, said in refused.errors.items():
                    form.add_error(field, said)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    page = Paginator(Replay.objects.newest(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(one, model_pages.model_name(one.model), model_pages.model_name(one.against)) for one in page]
    return render(request, "matching/replay_create.html", {"form": form, "page": page, "rows": rows}, status=status)


@operator_only
@require_GET
def replay_detail(request, pk):
    replay = get_object_or_404(Replay, pk=pk)
    page = Paginator(replay.lists, LISTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "replay": replay,
        "page": page,
        "lists": model_pages.replayed_lists(list(page)),
        "model": model_pages.model_name(replay.model),
        "against": model_pages.model_name(replay.against),
    }
    return render(request, "matching/replay_detail.html", context)
