from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from matching import services
from matching.models import ProofRun, RecallProof
from matching.services import model_pages
from matching.views.access import operator_only

# About two months of nights.
NIGHTS = 60


@operator_only
@require_GET
def recall_list(request):
    """Show what each night's proof found, filter by filter."""
    runs = list(ProofRun.objects.newest()[:NIGHTS])
    proofs = RecallProof.objects.filter(run__in=runs).select_related("run", "worst_listing")
    context = {
        "runs": runs[:10],
        "latest": next((run for run in runs if run.status == run.Status.DONE), None),
        "histories": model_pages.recall_histories(list(proofs.order_by("run__requested_at", "run"))),
    }
    return render(request, "matching/recall_list.html", context)


@operator_only
@require_POST
def proof_request(request):
    services.request_proof(by=request.user, now=timezone.now())
    messages.success(request, _("A worker puts its index to the proof now. Look again in a minute."))
    return redirect("matching:recall_list")
