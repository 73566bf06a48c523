from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_POST

from finance.forms.lending import DrawForm, NoteForm, RepaymentForm
from finance.models import CreditLine, Drawdown, Repayment, Reservation
from finance.services import drawdowns, loan_pages, repayments, reservations
from marketplace.models import Membership
from marketplace.views.once import FIELD, once


@login_required
@require_GET
def loan_list(request):
    page = loan_pages.read_loans(user=request.user)
    return render(request, "finance/loan_list.html", {"page": page})


def _loan_page(request, drawdown, **forms):
    page = loan_pages.read_loan(drawdown=drawdown, user=request.user, now=timezone.now())
    context = {"page": page, "drawdown": drawdown, "note_form": NoteForm(), "repayment_form": RepaymentForm()} | forms
    status = max((form.http_status for form in forms.values()), default=200)
    return render(request, "finance/loan_detail.html", context, status=status)


@login_required
@require_GET
def loan_detail(request, pk):
    drawdown = get_object_or_404(Drawdown.objects.visible_to(request.user).with_names(), pk=pk)
    return _loan_page(request, drawdown)


@login_required
@once
def line_draw(request, pk):
    lines = CreditLine.objects.of_firm(request.user, *Membership.TRADING_ROLES).drawable()
    line = get_object_or_404(lines.with_names(), pk=pk)
    kept = None
    if asked := request.GET.get("reservation", ""):
        rows = line.reservations.undrawn().with_names()
        kept = get_object_or_404(rows, pk=asked if asked.isdigit() else 0)
    form = DrawForm(request.POST or None, line=line, reservation=kept)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            drawdown = drawdowns.request_drawdown(
                line=line,
                said=form.said(),
                payee=form.cleaned_data.get("payee"),
                reservation=kept,
                by=request.user,
                at=timezone.now(),
                key=request.POST.get(FIELD, ""),
            )
            messages.success(request, _("Asked for: the bank's maker looks at it now."))
            return redirect("finance:loan_detail", drawdown.pk)
    [view] = loan_pages.line_views([line])
    context = {"form": form, "line": line, "view": view, "reservation": kept}
    return render(request, "finance/line_draw.html", context, status=form.http_status)


@login_required
@require_POST
def reservation_free(request, pk):
    rows = Reservation.objects.filter(line__in=CreditLine.objects.of_firm(request.user, *Membership.TRADING_ROLES))
    kept = get_object_or_404(rows.with_names(), pk=pk)
    free = reservations.withdraw_pledge if kept.status == Reservation.Status.PLEDGED else reservations.free_reservation
    free(reservation=kept, by=request.user, at=timezone.now())
    messages.success(request, _("Given back."))
    return redirect("finance:loan_list")


@login_required
@require_POST
def drawdown_cancel(request, pk):
    drawdown = get_object_or_404(Drawdown.objects.of_firm(request.user, *Membership.TRADING_ROLES).with_names(), pk=pk)
    drawdowns.cancel_drawdown(drawdown=drawdown, by=request.user, at=timezone.now())
    messages.success(request, _("Taken back: what was kept is free again."))
    return redirect("finance:loan_detail", pk)


@login_required
@require_GET
def bank_drawdowns(request):
    queue = loan_pages.lending_queue(user=request.user)
    return render(request, "finance/bank_drawdowns.html", {"queue": queue})


@login_required
@require_POST
def drawdown_propose(request, pk):
    drawdown = get_object_or_404(Drawdown.objects.of_bank(request.user).with_names(), pk=pk)
    drawdowns.propose_drawdown(drawdown=drawdown, by=request.user, at=timezone.now())
    messages.success(request, _("Proposed: a checker answers it."))
    return redirect("finance:loan_detail", pk)


@login_required
@require_POST
def drawdown_approve(request, pk):
    drawdown = get_object_or_404(Drawdown.objects.of_bank(request.user).with_names(), pk=pk)
    drawdowns.approve_drawdown(drawdown=drawdown, by=request.user, at=timezone.now())
    messages.success(request, _("Approved: pay the supplier, then record it with its evidence."))
    return redirect("finance:loan_detail", pk)


def _with_note(request, pk, service, message):
    drawdown = get_object_or_404(Drawdown.objects.of_bank(request.user).with_names(), pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            service(drawdown=drawdown, by=request.user, at=timezone.now(), note=form.cleaned_data["note"])
            messages.success(request, message)
            return redirect("finance:loan_detail", pk)
    return _loan_page(request, drawdown, note_form=form)


@login_required
@require_POST
def drawdown_return(request, pk):
    return _with_note(request, pk, drawdowns.return_drawdown, _("Sent back to the maker."))


@login_required
@require_POST
def drawdown_decline(request, pk):
    return _with_note(request, pk, drawdowns.decline_drawdown, _("Refused: the firm reads why."))


@login_required
@require_POST
@once
def repayment_record(request, pk):
    drawdown = get_object_or_404(Drawdown.objects.of_bank(request.user).with_names(), pk=pk)
    form = RepaymentForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            said = form.cleaned_data
            repayments.record_repayment(drawdown=drawdown, said=said, by=request.user, at=timezone.now())
            messages.success(request, _("Recorded: a checker confirms it."))
            return redirect("finance:loan_detail", pk)
    return _loan_page(request, drawdown, repayment_form=form)


@login_required
@require_POST
def repayment_confirm(request, pk):
    repayment = get_object_or_404(Repayment.objects.of_bank(request.user).with_names(), pk=pk)
    repayments.confirm_repayment(repayment=repayment, by=request.user, at=timezone.now())
    messages.success(request, pgettext("credit", "Booked."))
    return redirect("finance:loan_detail", repayment.drawdown_id)


@login_required
@require_POST
def repayment_refuse(request, pk):
    repayment = get_object_or_404(Repayment.objects.of_bank(request.user).with_names(), pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            note = form.cleaned_data["note"]
            repayments.refuse_repayment(repayment=repayment, by=request.user, at=timezone.now(), note=note)
            messages.success(request, _("Refused: the bank has not received it."))
            return redirect("finance:loan_detail", repayment.drawdown_id)
    drawdown = Drawdown.objects.with_names().get(pk=repayment.drawdown_id)
    return _loan_page(request, drawdown, note_form=form)
