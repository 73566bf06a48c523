"""What waits for the platform operator: registrations, claims of firms, reports."""

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import ReviewForm
from marketplace.models import Organisation, Report, UsccContest
from marketplace.services import organisations

SHOWN = 50
DECISIONS = {
    "approve": organisations.approve_organisation,
    "refuse": organisations.refuse_organisation,
    "suspend": organisations.suspend_organisation,
}

operator_only = staff_member_required(login_url="marketplace:log_in")


@operator_only
@require_GET
def review_queue(request):
    waiting = Organisation.objects.filter(state=Organisation.State.PENDING).order_by("created_at", "pk")
    contests = UsccContest.objects.filter(decided_at=None).select_related("organisation", "claimant").order_by("pk")
    reports = Report.objects.filter(answered_at=None).select_related("organisation", "listing", "by").order_by("pk")
    context = {
        "organisations": waiting[:SHOWN],
        "organisation_count": waiting.count(),
        "contests": contests[:SHOWN],
        "reports": reports[:SHOWN],
    }
    return render(request, "marketplace/review_queue.html", context)


def _answer_of(request, default: str = "") -> str:
    form = ReviewForm(request.POST)
    return form.cleaned_data["note"] if form.is_valid() else default


@operator_only
@require_POST
def organisation_review(request, pk):
    organisation = get_object_or_404(Organisation, pk=pk)
    decide = DECISIONS.get(request.POST.get("decision"))
    if decide is None:
        return redirect("marketplace:review_queue")
    decide(organisation=organisation, by=request.user, note=_answer_of(request), now=timezone.now())
    messages.success(request, f"{organisation.name}: {organisation.get_state_display()}")
    return redirect("marketplace:review_queue")


@operator_only
@require_POST
def contest_decide(request, pk):
    contest = get_object_or_404(UsccContest, pk=pk)
    organisations.decide_contest(
        contest=contest,
        is_upheld=request.POST.get("decision") == "uphold",
        by=request.user,
        note=_answer_of(request),
        now=timezone.now(),
    )
    messages.success(request, contest.get_outcome_display())
    return redirect("marketplace:review_queue")


@operator_only
@require_POST
def report_answer(request, pk):
    report = get_object_or_404(Report, pk=pk)
    organisations.answer_report(report=report, by=request.user, answer=_answer_of(request), now=timezone.now())
    messages.success(request, _("The report was answered."))
    return redirect("marketplace:review_queue")
