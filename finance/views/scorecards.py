from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.scorecards import CutOffsForm, ScorecardForm, WhyForm
from finance.models import CutOffs, Scorecard
from finance.services import scorecard_pages, scorecards
from marketplace.models import Organisation
from marketplace.views.once import once

PLATFORM = "platform"


def tenant_of(request):
    """Return whose models are asked for: a bank of the reader, or for the operator the platform's (None)."""
    tenants = scorecard_pages.tenants_of(request.user)
    names = {PLATFORM if one is None else str(one.pk): one for one in tenants}
    asked = request.GET.get("tenant") or next(iter(names), "")
    if asked not in names:
        raise Http404
    return names[asked], tenants


def address_of(bank) -> str:
    return f"{reverse('finance:bank_models')}?tenant={bank.pk if bank else PLATFORM}"


@login_required
@require_GET
def bank_models(request):
    bank, tenants = tenant_of(request)
    page = scorecard_pages.read_models(bank=bank, user=request.user, now=timezone.now())
    return render(request, "finance/bank_models.html", {"page": page, "tenants": tenants, "tenant": bank})


@login_required
@once
def scorecard_create(request):
    bank, _tenants = tenant_of(request)
    if not scorecard_pages.may(request.user, bank, Scorecard.MAKING_ROLES):
        raise Http404
    form = ScorecardForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            row = scorecards.upload_scorecard(bank=bank, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The model was taken in as a draft: let it ride in shadow next."))
            return redirect(_detail(row))
    context = {"form": form, "bank": bank, "back": address_of(bank)}
    return render(request, "finance/scorecard_create.html", context, status=form.http_status)


def _detail(scorecard) -> str:
    return reverse("finance:scorecard_detail", args=[scorecard.pk])


@login_required
@require_GET
def scorecard_detail(request, pk):
    scorecard = get_object_or_404(Scorecard.objects.visible_to(request.user).with_names(), pk=pk)
    bank = scorecard.bank
    if bank is None and request.GET.get("tenant"):
        # The platform's, as it rides beside a bank's own.
        bank, _tenants = tenant_of(request)
    page = scorecard_pages.read_scorecard(scorecard=scorecard, bank=bank, user=request.user, now=timezone.now())
    context = {"page": page, "scorecard": scorecard, "back": _back(request, scorecard), "why_form": WhyForm()}
    return render(request, "finance/scorecard_detail.html", context)


def _back(request, scorecard) -> str:
    tenants = scorecard_pages.tenants_of(request.user)
    return address_of(scorecard.bank if scorecard.bank in tenants else tenants[0])


@login_required
@require_GET
def scorecard_download(request, pk):
    """Hand out what a model says, as it was taken in."""
    scorecard = get_object_or_404(Scorecard.objects.visible_to(request.user), pk=pk)
    answer = JsonResponse(scorecard.content, json_dumps_params={"ensure_ascii": False, "indent": 1, "sort_keys": True})
    answer["Content-Disposition"] = f'attachment; filename="scorecard-{scorecard.sha256[:12]}.json"'
    return answer


@login_required
@require_POST
def scorecard_shadow(request, pk):
    scorecard = get_object_or_404(Scorecard.objects.visible_to(request.user).with_names(), pk=pk)
    scorecards.put_in_shadow(scorecard=scorecard, by=request.user, now=timezone.now())
    messages.success(request, _("It rides in shadow from the next assessment on."))
    return redirect(_detail(scorecard))


@login_required
@require_POST
def scorecard_retire(request, pk):
    scorecard = get_object_or_404(Scorecard.objects.visible_to(request.user).with_names(), pk=pk)
    form = WhyForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            retired = scorecards.retire_scorecard(
                scorecard=scorecard, by=request.user, now=timezone.now(), why=form.cleaned_data["why"]
            )
            is_done = retired.status == Scorecard.Status.RETIRED
            messages.success(request, _("It is retired.") if is_done else _("Asked for: a second person confirms."))
            return redirect(_detail(scorecard))
    page = scorecard_pages.read_scorecard(
        scorecard=scorecard, bank=scorecard.bank, user=request.user, now=timezone.now()
    )
    context = {"page": page, "scorecard": scorecard, "back": _back(request, scorecard), "why_form": form}
    return render(request, "finance/scorecard_detail.html", context, status=form.http_status)


@login_required
@once
def cut_offs_create(request, bank_id, pk):
    """Propose a bank's cut-offs on one of its models, or the platform's."""
    banks = Organisation.objects.of(request.user, *Scorecard.MAKING_ROLES).filter(kind=Organisation.Kind.BANK)
    bank = get_object_or_404(banks, pk=bank_id)
    theirs = Scorecard.objects.visible_to(request.user).filter(Q(bank=bank) | Q(bank=None))
    scorecard = get_object_or_404(theirs, pk=pk)
    form = CutOffsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            scorecards.propose_cut_offs(
                bank=bank, scorecard=scorecard, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Proposed: they hold when a second person confirms them."))
            return redirect(address_of(bank))
    context = {
        "form": form,
        "bank": bank,
        "scorecard": scorecard,
        "back": address_of(bank),
        "bands": scorecard_pages.bands_of(scorecard),
    }
    return render(request, "finance/cut_offs_create.html", context, status=form.http_status)


@login_required
@require_POST
def cut_offs_confirm(request, pk):
    cut_offs = get_object_or_404(_mine(request), pk=pk)
    scorecards.confirm_cut_offs(cut_offs=cut_offs, by=request.user, now=timezone.now())
    messages.success(request, _("The cut-offs hold from the next assessment on."))
    return redirect(address_of(cut_offs.bank))


@login_required
@require_POST
def cut_offs_withdraw(request, pk):
    cut_offs = get_object_or_404(_mine(request), pk=pk)
    scorecards.withdraw_cut_offs(cut_offs=cut_offs, by=request.user, now=timezone.now())
    return redirect(address_of(cut_offs.bank))


def _mine(request):
    banks = Organisation.objects.of(request.user)
    return CutOffs.objects.filter(bank__in=banks).select_related("bank", "scorecard")
