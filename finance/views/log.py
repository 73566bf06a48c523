from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from finance.models import Checkpoint, LogLeaf, Witness
from finance.services import checkpoints, evidence
from marketplace.models import Membership, Organisation

PER_PAGE = 10


@login_required
@require_GET
def log_detail(request):
    """Show the log: how long it is, who watches it; with ``?leaf=…`` the proof of one leaf."""
    head = evidence.head()
    newest = Checkpoint.objects.with_cosignatures().newest_first()
    may_read = checkpoints.may_read_log(request.user)
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER).filter(kind__in=checkpoints.WITNESSES)
    context = {
        "head": head,
        "root": head.root.hex(),
        "page": Paginator(newest, PER_PAGE).get_page(request.GET.get("page")),
        "witnesses": Witness.objects.active().select_related("organisation").order_by("pk"),
        "quorum": checkpoints.quorum(),
        "mine": Witness.objects.active().managed_by(request.user).filter(is_held_here=True),
        "owned": owned,
        "may_read": may_read,
        "asked": request.GET.get("leaf", ""),
        "leaf": _leaf(request, head.size, may_read=may_read),
        "trust": checkpoints.trust_file(),
    }
    return render(request, "finance/log_detail.html", context)


def _leaf(request, size, *, may_read):
    asked = request.GET.get("leaf", "")
    if not asked.isdigit() or len(asked) > 18 or int(asked) >= size:
        return None
    leaf = LogLeaf.objects.get(pk=int(asked))
    return {"row": leaf, "entry": leaf.entry() if may_read else None, **checkpoints.inclusion(leaf=leaf, size=size)}


@require_GET
def log_checkpoint(request, size):
    """Hand out a checkpoint for whoever wants to hold the log to it."""
    checkpoint = get_object_or_404(Checkpoint.objects.with_cosignatures(), size=size)
    answer = HttpResponse(checkpoint.note(), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="checkpoint-{size}.txt"'
    return answer


@require_GET
def log_trust(request):
    """Hand out the public keys that a checker keeps."""
    answer = JsonResponse(checkpoints.trust_file(), json_dumps_params={"ensure_ascii": False, "indent": 1})
    answer["Content-Disposition"] = 'attachment; filename="trust.json"'
    return answer


@require_GET
def log_verifier(request):
    """Hand out the checker: one file that needs nothing of ours."""
    return file_response(checkpoints.verifier(), name="verify_voucher.py", content_type="text/x-python")


@login_required
@require_GET
def log_export(request, size):
    """Hand out the whole log up to a checkpoint, for a witness."""
    if not checkpoints.may_read_log(request.user):
        raise Http404
    checkpoint = get_object_or_404(Checkpoint.objects.with_cosignatures(), size=size)
    answer = StreamingHttpResponse(checkpoints.export_log(checkpoint), content_type="application/x-ndjson")
    answer["Content-Disposition"] = f'attachment; filename="log-{size}.jsonl"'
    return answer


@login_required
@require_POST
def log_sign(request):
    if not checkpoints.may_read_log(request.user):
        raise PermissionDenied
    checkpoint = checkpoints.sign_log(now=timezone.now())
    messages.success(request, _("Signed: %(count)d leaves.") % {"count": checkpoint.size})
    return redirect("finance:log_detail")


@login_required
@require_POST
def log_cosign(request, size):
    checkpoint = get_object_or_404(Checkpoint, size=size)
    mine = Witness.objects.active().managed_by(request.user).filter(is_held_here=True).select_related("organisation")
    witness = get_object_or_404(mine, pk=request.POST.get("witness") or 0)
    checkpoints.cosign_checkpoint(checkpoint=checkpoint, witness=witness, by=request.user, now=timezone.now())
    messages.success(request, _("Co-signed: the log only grew since you signed last."))
    return redirect("finance:log_detail")


@login_required
@require_POST
def witness_create(request):
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    organisation = get_object_or_404(owned, pk=request.POST.get("organisation") or 0)
    checkpoints.register_witness(
        organisation=organisation,
        public_key=request.POST.get("public_key", ""),
        by=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("From now on you co-sign the log."))
    return redirect("finance:log_detail")
