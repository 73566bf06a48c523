from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.models import Application, CreditAssessment
from finance.services import assessments, score_pages


@login_required
@require_GET
def score(request):
    """Show the score of the reader's firm; of several, the one chosen."""
    firms = score_pages.firms_of(request.user)
    chosen = request.GET.get("firm") or str(firms[0].pk if firms else "")
    firm = next((one for one in firms if str(one.pk) == chosen), None)
    if firm is None:
        raise Http404
    page = score_pages.read_page(organisation=firm, user=request.user, now=timezone.now())
    return render(request, "finance/score.html", {"page": page, "firms": firms})


@login_required
@require_POST
def score_request(request, organisation_id):
    firm = next((one for one in score_pages.firms_of(request.user) if one.pk == organisation_id), None)
    if firm is None:
        raise Http404
    assessments.request_assessment(organisation=firm, by=request.user, now=timezone.now())
    return redirect(f"{reverse('finance:score')}?firm={firm.pk}")


@login_required
@require_GET
def assessment_detail(request, pk):
    """Show one score of the reader's firm as it was, and whether it comes out again."""
    visible = CreditAssessment.objects.visible_to(request.user).done().with_names()
    assessment = get_object_or_404(visible, pk=pk)
    page = score_pages.ScorePage(organisation=assessment.organisation, may_ask=False, assessment=assessment)
    recheck = assessments.recheck(assessment=assessment) if "recheck" in request.GET else None
    context = {"page": score_pages.describe(page), "recheck": recheck}
    return render(request, "finance/assessment_detail.html", context)


@login_required
@require_POST
def bank_score_request(request, pk):
    """Score the firm of an application by the bank's model, as of now."""
    found = Application.objects.of_bank(request.user).select_related("firm", "bank")
    application = get_object_or_404(found, pk=pk)
    assessments.request_assessment(
        organisation=application.firm,
        bank=application.bank,
        by=request.user,
        now=timezone.now(),
        subject=application.number,
    )
    messages.success(request, _("The firm is being scored by your model: look again in a moment."))
    return redirect("finance:bank_application", pk)
