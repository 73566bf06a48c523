from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from finance.forms.covers import ClaimAnswerForm, ClaimDocumentsForm, ClaimForm, ReasonForm, RecoveryForm
from finance.models import Claim, Guarantee, Recovery
from finance.services import claim_answers, claims, recoveries
from finance.services.cover_pages import works_for
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS
from finance.services.partner_people import RELEASING_ROLES, WRITING_ROLES
from finance.services.sides import SIDES
from marketplace.models import Organisation
from marketplace.views.once import once

PER_PAGE = 25


@login_required
@require_GET
def claim_list(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=SIDES)[:1])
    shows_all = request.GET.get("show") == "all"
    found = Claim.objects.visible_to(request.user).with_names()
    found = found.order_by("-prepared_at", "-pk") if shows_all else found.running().order_by("act_by", "pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "finance/claim_list.html", {"page": page, "shows_all": shows_all})


@login_required
@once
def claim_create(request, pk, drawdown_pk):
    guarantee = get_object_or_404(Guarantee.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=pk)
    if guarantee.line is None:
        raise Http404
    loan = get_object_or_404(guarantee.line.drawdowns.exclude(overdue_since=None), pk=drawdown_pk)
    most = claims.claimable(guarantee, loan)
    form = ClaimForm(request.POST or None, request.FILES or None, initial={"amount": most})
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        files, now = said.pop("files"), timezone.now()
        with form.showing_refusals():
            claim = claims.prepare_claim(
                guarantee=guarantee, drawdown=loan, said=said, uploads=files, by=request.user, now=now
            )
            messages.success(request, _("Prepared: another person of the bank files it now."))
            return redirect("finance:claim_detail", claim.pk)
    window = claims.claim_window(guarantee, loan.overdue_since)
    context = {"form": form, "guarantee": guarantee, "loan": loan, "most": most, "window": window}
    return render(request, "finance/claim_create.html", context, status=form.http_status)


def _shown(request, claim, *, form=None, about=""):
    user, status, of = request.user, Claim.Status, claim.guarantee
    makes, checks = works_for(user, of.bank, *BANK_MAKERS), works_for(user, of.bank, *BANK_CHECKERS)
    writes, releases = works_for(user, of.partner, *WRITING_ROLES), works_for(user, of.partner, *RELEASING_ROLES)
    forms = {
        "documents": ClaimDocumentsForm(),
        "answer": ClaimAnswerForm(initial={"accepted_amount": claim.amount}),
        "recovery": RecoveryForm(initial={"received_on": timezone.localdate()}),
        "reason": ReasonForm(),
    }
    context = {
        "claim": claim,
        "guarantee": of,
        "events": claim.events.select_related("by", "organisation")
        .prefetch_related("attachments")
        .order_by("at", "pk"),
        "recoveries": claim.recoveries.select_related("recorded_by", "confirmed_by").order_by("pk"),
        "act": claim.offline_acts.order_by("-pk").first(),
        "is_partner": writes or releases,
        # What a partner's maker wrote is the partner's own until its second person has decided.
        "shows_proposal": claim.status == status.PROPOSED and (writes or releases),
        "may_file": claim.status == status.PREPARED and checks and claim.prepared_by_id != user.pk,
        "may_give_documents": claim.status == status.DOCUMENTS_ASKED and makes,
        "may_withdraw": claim.status in Claim.TRANSITIONS[status.WITHDRAWN] and (makes or checks),
        "may_answer": claim.status == status.NOTIFIED and writes,
        "may_ask": claim.status == status.NOTIFIED and (writes or releases),
        "may_decide": claim.status == status.PROPOSED and releases and claim.proposed_by_id != user.pk,
        "may_recover": claim.status == status.PAID and makes,
        "may_confirm_recovery": claim.status == status.PAID and checks,
        "may_close": claim.status == status.PAID and checks,
        "forms": forms | ({about: form} if form else {}),
    }
    return render(request, "finance/claim_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def claim_detail(request, pk):
    return _shown(request, get_object_or_404(Claim.objects.visible_to(request.user).with_names(), pk=pk))


# What is done to a claim without more words, and with some: the service and what is said then.
PLAIN = {
    "file": (claims.file_claim, gettext_lazy("Filed: the partner answers now.")),
    "decide": (claim_answers.decide_claim, gettext_lazy("Decided.")),
}
WITH_REASON = {
    "withdraw": (claims.withdraw_claim, "reason", gettext_lazy("Withdrawn.")),
    "ask": (claim_answers.ask_for_documents, "note", gettext_lazy("Asked for.")),
    "return": (claim_answers.return_answer, "note", gettext_lazy("Sent back.")),
    "close": (claims.close_claim, "note", gettext_lazy("Closed.")),
}


@login_required
@require_POST
def claim_act(request, pk, act):
    claim = get_object_or_404(Claim.objects.visible_to(request.user).with_names(), pk=pk)
    said = {"claim": claim, "by": request.user, "now": timezone.now()}
    if act in PLAIN:
        service, done = PLAIN[act]
        service(**said)
        messages.success(request, done)
        return redirect("finance:claim_detail", pk)
    if act not in WITH_REASON:
        raise Http404
    service, name, done = WITH_REASON[act]
    form = ReasonForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            service(**said, **{name: form.cleaned_data["reason"]})
            messages.success(request, done)
            return redirect("finance:claim_detail", pk)
    return _shown(request, claim, form=form, about="reason")


@login_required
@require_POST
@once
def claim_documents(request, pk):
    claim = get_object_or_404(Claim.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=pk)
    form = ClaimDocumentsForm(request.POST, request.FILES)
    if form.is_valid():
        note, files = form.cleaned_data["note"], form.cleaned_data["files"]
        with form.showing_refusals():
            claims.answer_with_documents(claim=claim, note=note, uploads=files, by=request.user, now=timezone.now())
            messages.success(request, _("Sent to the partner."))
            return redirect("finance:claim_detail", pk)
    return _shown(request, claim, form=form, about="documents")


@login_required
@require_POST
def claim_answer(request, pk):
    claim = get_object_or_404(Claim.objects.of_partner(request.user, *WRITING_ROLES).with_names(), pk=pk)
    form = ClaimAnswerForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            claim_answers.propose_answer(claim=claim, said=form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("Written down: what waits for whom stands below."))
            return redirect("finance:claim_detail", pk)
    return _shown(request, claim, form=form, about="answer")


@login_required
@require_POST
@once
def recovery_create(request, pk):
    claim = get_object_or_404(Claim.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=pk)
    form = RecoveryForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            recoveries.record_recovery(claim=claim, said=form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("Recorded: another person confirms it now."))
            return redirect("finance:claim_detail", pk)
    return _shown(request, claim, form=form, about="recovery")


@login_required
@require_POST
def recovery_confirm(request, pk):
    mine = Recovery.objects.filter(claim__in=Claim.objects.of_bank(request.user, *BANK_CHECKERS))
    recovery = get_object_or_404(mine.select_related("claim__guarantee__bank"), pk=pk)
    recoveries.confirm_recovery(recovery=recovery, by=request.user, now=timezone.now())
    messages.success(request, _("Confirmed and shared."))
    return redirect("finance:claim_detail", recovery.claim_id)
