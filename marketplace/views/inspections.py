from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from marketplace.forms.shipments import InspectionForm, RemedyForm
from marketplace.models import Inspection, Lot
from marketplace.services import inspection_answers, inspection_desk
from marketplace.services.shipment_papers import inspection_report
from marketplace.views.once import once


@login_required
@once
def inspection_create(request, pk):
    lot = get_object_or_404(Lot.objects.inspectable_by(request.user).with_names().with_categories(), pk=pk)
    form = InspectionForm(request.POST or None, request.FILES or None, lot=lot)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            inspection = inspection_desk.inspect_with_files(
                lot=lot, by=request.user, now=timezone.now(), files=form.cleaned_data["files"], **form.said()
            )
            messages.success(request, _("Recorded. Seller and buyer were told."))
            return redirect("marketplace:inspection_detail", inspection.pk)
    return render(request, "marketplace/inspection_create.html", {"form": form, "lot": lot}, status=form.http_status)


@login_required
@require_GET
def inspection_detail(request, pk):
    visible = Inspection.objects.visible_to(request.user).with_details()
    inspection = get_object_or_404(visible.select_related("lot__shipment"), pk=pk)
    context = {
        "inspection": inspection,
        "lot": inspection.lot,
        "may_answer": Inspection.objects.answerable_by(request.user).filter(pk=pk).exists(),
        "remedies": RemedyForm(),
    }
    return render(request, "marketplace/inspection_detail.html", context)


@login_required
@require_POST
def concession_answer(request, pk):
    inspection = get_object_or_404(Inspection.objects.answerable_by(request.user), pk=pk)
    is_agreed = request.POST.get("answer") == "agree"
    inspection_answers.answer_concession(
        inspection=inspection, is_agreed=is_agreed, by=request.user, now=timezone.now()
    )
    messages.success(request, _("Answered. The seller was told."))
    return redirect("marketplace:inspection_detail", pk)


@login_required
@require_POST
def rejected_decide(request, pk):
    inspection = get_object_or_404(Inspection.objects.answerable_by(request.user), pk=pk)
    remedy = request.POST.get("remedy", "")
    inspection_answers.decide_rejected(inspection=inspection, remedy=remedy, by=request.user, now=timezone.now())
    messages.success(request, _("Decided. The seller was told."))
    return redirect("marketplace:inspection_detail", pk)


@login_required
@require_GET
def inspection_paper(request, pk):
    inspection = get_object_or_404(Inspection.objects.visible_to(request.user).with_details(), pk=pk)
    content = inspection_report(inspection, get_language())
    return file_response(content, name=f"{inspection.number}.pdf", content_type="application/pdf")
