from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from finance.filters import FindingFilter
from finance.forms.findings import ExplanationForm
from finance.models import Finding, FindingExplanation, FindingRun
from finance.services import findings
from marketplace.models import Membership, Organisation
from marketplace.services.attachments import open_content
from marketplace.views.once import once

PER_PAGE = 25


@login_required
@require_GET
def finding_list(request):
    """Show what was found of the reader's firms: what still stands, or everything."""
    mine = Finding.objects.visible_to(request.user)
    if request.GET.get("show") != "all":
        mine = mine.standing()
    chosen = FindingFilter(request.GET, queryset=mine, request=request)
    found = (chosen.qs if chosen.is_valid() else mine).with_names().order_by("-found_at", "-pk")
    firms = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "shows_all": request.GET.get("show") == "all",
        "looks": FindingRun.objects.visible_to(request.user).latest_per_firm(),
        "firms": firms.filter(transaction_records__isnull=False).distinct().order_by("pk"),
    }
    return render(request, "finance/finding_list.html", context)


@login_required
@once
def finding_detail(request, pk):
    """Show a finding with the records it rests on; the firm's traders explain it by POST."""
    finding = get_object_or_404(Finding.objects.visible_to(request.user).with_names(), pk=pk)
    form = ExplanationForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            findings.explain_finding(finding=finding, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Your explanation stands beside the finding."))
            return redirect("finance:finding_detail", pk)
    rows = finding.records.select_related("record__counterparty").order_by("record__occurred_on", "record")
    context = {
        "finding": finding,
        "form": form,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "may_explain": finding.gone_at is None and Finding.objects.editable_by(request.user).filter(pk=pk).exists(),
    }
    return render(request, "finance/finding_detail.html", context, status=form.http_status)


@login_required
@require_GET
def finding_file(request, explanation_id):
    """Hand out the file of an explanation, to the firm and to whom it lets read its findings."""
    explanations = FindingExplanation.objects.select_related("finding__organisation", "attachment")
    explanation = get_object_or_404(explanations.exclude(attachment=None), pk=explanation_id)
    attachment = findings.allow_file(explanation=explanation, by=request.user, now=timezone.now())
    if attachment is None:
        raise Http404
    return file_response(open_content(attachment), name=attachment.name, content_type=attachment.content_type)


@login_required
@require_POST
def finding_look(request, organisation_id):
    """Ask for a new look at a firm's records."""
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    firm = get_object_or_404(mine, pk=organisation_id)
    findings.request_look(organisation=firm, by=request.user, now=timezone.now())
    messages.info(request, _("A worker looks at the records; come back in a moment."))
    return redirect("finance:finding_list")
