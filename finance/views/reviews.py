from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from finance.forms.decisions import CheckForm, ProposeForm, SendBackForm, TextForm, VersionForm
from finance.models import Application, ApplicationDocument, CreditProduct, Decision
from finance.services import (
    agreements,
    application_pages,
    application_queues,
    charts_records,
    charts_score,
    decisions,
    recommendations,
    replays,
    reviews,
)
from marketplace.models import Organisation
from marketplace.services.attachments import open_content
from marketplace.views.once import once

PER_PAGE = 25
SUFFIXES = ("csv", "xlsx")


def _at_bank(request):
    """Return what was handed in to the reader's banks; to anybody else it does not exist."""
    return Application.objects.of_bank(request.user).with_names().select_related("maker", "programme")


def _shown(request, application, **forms):
    """Show an application to the bank, with the form that was sent back if one was."""
    now = timezone.now()
    page = application_pages.read_bank_page(application=application, user=request.user, now=now)
    version = {"version": application.version}
    context = {
        "application": application,
        "page": page,
        "clock": application_pages.clock(application, now),
        "version": application.version,
        "ask_form": TextForm(initial=version),
        "note_form": TextForm(),
        "propose_form": ProposeForm(initial=recommendations.as_proposal(application, page.advice))
        if page.advice
        else None,
        "check_form": CheckForm(initial=version),
        "send_back_form": SendBackForm(initial=version),
        "charts": _charts(page),
        **forms,
    }
    status = next((form.http_status for form in forms.values()), 200)
    return render(request, "finance/bank_application.html", context, status=status)


def _charts(page):
    found = {}
    if page.assessment:
        found |= {"gauge": charts_score.gauge(page.assessment), "waterfall": charts_score.waterfall(page.assessment)}
    if page.records and page.records.months:
        found["trade"] = charts_records.trade_by_month(page.records.months)
    return found


@login_required
@require_GET
def bank_queue(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind=Organisation.Kind.BANK)[:1])
    now = timezone.now()
    found = application_queues.queue_of(user=request.user, said=request.GET, now=now)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(application, application_pages.clock(application, now)) for application in page],
        "counts": application_queues.counts_of(request.user, now),
        "shown": request.GET.get("show") if request.GET.get("show") in application_queues.SHOWN else "waiting",
        "products": CreditProduct.objects.of_bank(request.user).order_by("code"),
        "statuses": Application.Status.choices[1:],
        "said": request.GET,
    }
    return render(request, "finance/bank_queue.html", context)


@login_required
@require_GET
def bank_queue_export(request, suffix):
    if suffix not in SUFFIXES:
        raise Http404
    get_object_or_404(Organisation.objects.of(request.user).filter(kind=Organisation.Kind.BANK)[:1])
    now = timezone.now()
    found = application_queues.queue_of(user=request.user, said=request.GET, now=now)
    rows = list(found[: application_queues.MOST_ROWS])
    content, content_type = application_queues.write_queue(rows, by=request.user, suffix=suffix, now=now)
    return file_response(content, name=f"applications-{now:%Y%m%d}.{suffix}", content_type=content_type)


@login_required
@require_GET
def bank_application(request, pk):
    return _shown(request, get_object_or_404(_at_bank(request), pk=pk))


def _act(request, pk, service, message):
    """Do what a button of the page says, on the version that its reader saw."""
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else -1
    service(application=application, by=request.user, now=timezone.now(), version=version)
    messages.success(request, message)
    return redirect("finance:bank_application", pk)


@login_required
@require_POST
def application_take(request, pk):
    return _act(request, pk, reviews.take_application, _("It is in your hands now."))


@login_required
@require_POST
def application_take_over(request, pk):
    return _act(request, pk, reviews.take_over, _("It is in your hands now."))


@login_required
@require_POST
def application_countersign(request, pk):
    return _act(request, pk, agreements.countersign, _("Signed: the line is open."))


@login_required
@require_POST
def application_ask(request, pk):
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = TextForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            reviews.ask_more(application=application, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Asked: the firm was told."))
            return redirect("finance:bank_application", pk)
    return _shown(request, application, ask_form=form)


@login_required
@require_POST
@once
def application_note(request, pk):
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = TextForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            text = form.cleaned_data["text"]
            reviews.write_note(application=application, text=text, by=request.user, now=timezone.now())
            messages.success(request, _("Noted, for the bank alone."))
            return redirect("finance:bank_application", pk)
    return _shown(request, application, note_form=form)


@login_required
@require_POST
def application_propose(request, pk):
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = ProposeForm(request.POST)
    if form.is_valid():
        version = form.cleaned_data["version"]
        with form.showing_refusals():
            decisions.propose_decision(
                application=application, said=form.said(), by=request.user, now=timezone.now(), version=version
            )
            messages.success(request, _("Proposed: another person checks it."))
            return redirect("finance:bank_application", pk)
    application.refresh_from_db()
    return _shown(request, application, propose_form=form)


@login_required
@require_POST
def application_confirm(request, pk):
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = CheckForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            decision = decisions.confirm_decision(
                application=application, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            is_final = decision.verdict == Decision.Verdict.CONFIRMED
            messages.success(
                request, _("Confirmed: the firm was told.") if is_final else _("Confirmed: a second checker is needed.")
            )
            return redirect("finance:bank_application", pk)
    application.refresh_from_db()
    return _shown(request, application, check_form=form)


@login_required
@require_POST
def application_send_back(request, pk):
    application = get_object_or_404(_at_bank(request), pk=pk)
    form = SendBackForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            decisions.send_back(application=application, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Sent back to its maker."))
            return redirect("finance:bank_application", pk)
    application.refresh_from_db()
    return _shown(request, application, send_back_form=form)


@login_required
@require_GET
def application_document(request, pk, document_pk):
    """Hand a firm's file to the bank, as long as the firm lets it read documents."""
    rows = ApplicationDocument.objects.filter(application__in=Application.objects.of_bank(request.user), application=pk)
    document = get_object_or_404(
        rows.select_related("attachment", "application__firm", "application__bank"), pk=document_pk
    )
    application_pages.read_document(document=document, by=request.user, now=timezone.now())
    file = document.attachment
    return file_response(open_content(file), name=file.name, content_type=file.content_type)


@login_required
@require_GET
def decision_replay(request, pk):
    decision = get_object_or_404(Decision.objects.of_bank(request.user).with_names(), pk=pk)
    replay = replays.replay_decision(decision=decision)
    return render(request, "finance/decision_replay.html", {"decision": decision, "replay": replay})
