from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.offline_acts import RecordActForm, RefuseActForm
from finance.models import OfflineAct
from finance.services import offline_acts
from finance.services.cover_pages import works_for
from marketplace.models import Organisation
from marketplace.views.once import once

PER_PAGE = 25
# What may be looked at in the list, by the word in the address.
SHOWN = {
    "awaited": OfflineAct.AWAITED,
    "recorded": (OfflineAct.Status.RECORDED,),
    "done": (OfflineAct.Status.CONFIRMED,),
    "over": (OfflineAct.Status.TIMED_OUT, OfflineAct.Status.CANCELLED),
}


@login_required
@require_GET
def bank_acts(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=OfflineAct.ACTING)[:1])
    shown = request.GET.get("show") if request.GET.get("show") in SHOWN else "awaited"
    found = OfflineAct.objects.visible_to(request.user).filter(status__in=SHOWN[shown]).with_names()
    if request.GET.get("kind") in OfflineAct.Kind.values:
        found = found.filter(kind=request.GET["kind"])
    order = ("-ended_at", "-pk") if shown in ("done", "over") else ("due_by", "pk")
    page = Paginator(found.order_by(*order), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "shown": shown, "kinds": OfflineAct.Kind.choices, "kind": request.GET.get("kind", "")}
    return render(request, "finance/bank_acts.html", context)


def _shown(request, act, *, record_form=None, refuse_form=None):
    """Show an act, with the form that was sent back if one was."""
    of_user = OfflineAct.objects.filter(pk=act.pk)
    context = {
        "act": act,
        "may_record": act.is_awaited and of_user.recordable_by(request.user).exists(),
        "may_confirm": act.status == OfflineAct.Status.RECORDED and of_user.confirmable_by(request.user).exists(),
        "may_reopen": act.status == OfflineAct.Status.TIMED_OUT
        and works_for(request.user, act.recorder, *OfflineAct.REOPENING_ROLES),
        "is_own_record": act.recorded_by_id == request.user.pk,
        "record_form": record_form or RecordActForm(act=act),
        "refuse_form": refuse_form or RefuseActForm(),
        "bank_rows": act.bank_rows.select_related("file").order_by("pk"),
    }
    form = record_form or refuse_form
    return render(request, "finance/act_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def act_detail(request, pk):
    return _shown(request, get_object_or_404(OfflineAct.objects.visible_to(request.user).with_names(), pk=pk))


@login_required
@require_POST
@once
def act_record(request, pk):
    act = get_object_or_404(OfflineAct.objects.recordable_by(request.user).with_names(), pk=pk)
    form = RecordActForm(request.POST, request.FILES, act=act)
    if form.is_valid():
        with form.showing_refusals():
            said, upload = form.said(), form.cleaned_data["file"]
            offline_acts.record_act(act=act, said=said, upload=upload, by=request.user, now=timezone.now())
            messages.success(request, _("Recorded: another person confirms it now."))
            return redirect("finance:act_detail", pk)
    return _shown(request, act, record_form=form)


@login_required
@require_POST
def act_confirm(request, pk):
    act = get_object_or_404(OfflineAct.objects.confirmable_by(request.user).with_names(), pk=pk)
    offline_acts.confirm_act(act=act, by=request.user, now=timezone.now())
    messages.success(request, _("Confirmed: it takes effect."))
    return redirect("finance:act_detail", pk)


@login_required
@require_POST
def act_reopen(request, pk):
    act = get_object_or_404(OfflineAct.objects.visible_to(request.user).with_names(), pk=pk)
    offline_acts.reopen_act(act=act, by=request.user, now=timezone.now())
    messages.success(request, _("It is expected once more."))
    return redirect("finance:act_detail", pk)


@login_required
@require_POST
def act_refuse(request, pk):
    act = get_object_or_404(OfflineAct.objects.confirmable_by(request.user).with_names(), pk=pk)
    form = RefuseActForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            offline_acts.refuse_act(act=act, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Sent back."))
            return redirect("finance:act_detail", pk)
    return _shown(request, act, refuse_form=form)
