from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.lending import ChangeForm, LineForm, NoteForm
from finance.models import CreditLine, LineChange, ProgrammeInvitation
from finance.services import line_changes, loan_pages
from marketplace.models import Organisation
from marketplace.views.once import once


@login_required
@require_GET
def bank_programmes(request):
    lines = CreditLine.objects.of_bank(request.user).exclude(status=CreditLine.Status.CLOSED)
    banks = Organisation.objects.of(request.user)
    asked = ProgrammeInvitation.objects.filter(programme__bank__in=banks, status="accepted").with_names()
    context = {
        "views": loan_pages.line_views(lines.with_names().order_by("path")),
        "changes": loan_pages.changes_waiting(user=request.user),
        "invitations": asked.order_by("answered_at", "pk"),
        "may_propose": Organisation.objects.of(request.user, *line_changes.PROPOSING_ROLES)
        .filter(kind="bank")
        .exists(),
        "note_form": NoteForm(),
    }
    return render(request, "finance/bank_programmes.html", context)


@login_required
@once
def bank_line_propose(request):
    banks = Organisation.objects.of(request.user, *line_changes.PROPOSING_ROLES).filter(kind=Organisation.Kind.BANK)
    bank = get_object_or_404(banks.order_by("pk")[:1])
    wanted = {name: request.GET[name] for name in ("parent", "kind", "borrower", "limit") if name in request.GET}
    form = LineForm(request.POST or None, bank=bank, initial=wanted)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            line_changes.propose_line(bank=bank, **form.said(), by=request.user, at=timezone.now())
            messages.success(request, _("Proposed: a checker confirms it."))
            return redirect("finance:bank_programmes")
    return render(request, "finance/bank_line_propose.html", {"form": form, "bank": bank}, status=form.http_status)


@login_required
@once
def bank_line_detail(request, pk):
    line = get_object_or_404(CreditLine.objects.of_bank(request.user).with_names(), pk=pk)
    form = ChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            line_changes.propose_change(line=line, **form.cleaned_data, by=request.user, at=timezone.now())
            messages.success(request, _("Proposed: a checker confirms it."))
            return redirect("finance:bank_line_detail", pk)
    [view] = loan_pages.line_views([line])
    context = {
        "line": line,
        "view": view,
        "form": form,
        "children": loan_pages.line_views(line.children.with_names().order_by("pk")),
        "loans": line.drawdowns.with_names().order_by("-requested_at", "-pk")[:50],
        "changes": line.changes.with_names().order_by("-made_at", "-pk"),
        "may_propose": CreditLine.objects.of_bank(request.user, *line_changes.PROPOSING_ROLES).filter(pk=pk).exists(),
        "may_check": CreditLine.objects.of_bank(request.user, *line_changes.CHECKING_ROLES).filter(pk=pk).exists(),
    }
    return render(request, "finance/bank_line_detail.html", context, status=form.http_status)


@login_required
@require_POST
def change_confirm(request, pk):
    rows = LineChange.objects.filter(bank__in=Organisation.objects.of(request.user)).with_names()
    change = get_object_or_404(rows, pk=pk)
    line = line_changes.confirm_change(change=change, by=request.user, at=timezone.now())
    messages.success(request, _("Confirmed."))
    return redirect("finance:bank_line_detail", line.pk)


@login_required
@require_POST
def change_refuse(request, pk):
    rows = LineChange.objects.filter(bank__in=Organisation.objects.of(request.user)).with_names()
    change = get_object_or_404(rows, pk=pk)
    note = request.POST.get("note", "")
    line_changes.refuse_change(change=change, by=request.user, at=timezone.now(), note=note)
    messages.success(request, _("Refused."))
    return redirect("finance:bank_programmes")
