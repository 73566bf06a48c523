"""Proposals to change an order, and disputes about parts of it."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.orders import (
    AmendmentForm,
    CancellationForm,
    DisputeForm,
    EvidenceForm,
    NoteForm,
    ReturnForm,
    SettlementForm,
    ShortageForm,
)
from marketplace.models import Dispute, Proposal
from marketplace.services import disputes, proposals
from marketplace.services.orders import side_of_user
from marketplace.views.once import once
from marketplace.views.orders import traded_order
from marketplace.views.reviews import operator_only

PER_PAGE = 20


def _propose(request, order, form, *, kind, said, template):
    """Make the proposal that a valid form says, or show the form again; ``step=show`` shows its effects first."""
    effects = None
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        with form.showing_refusals():
            if "show" in request.POST.getlist("step"):
                effects = proposals.preview(order=order, kind=kind, said=said(), now=now)
            else:
                proposals.propose(
                    order=order,
                    organisation=side_of_user(request.user, order),
                    kind=kind,
                    said=said(),
                    reason=form.cleaned_data["reason"],
                    by=request.user,
                    now=now,
                )
                messages.success(request, _("Proposed. The other side is asked to confirm it."))
                return redirect("marketplace:order_detail", order.pk)
    context = {"form": form, "order": order, "effects": effects}
    return render(request, f"marketplace/{template}.html", context, status=form.http_status)


@login_required
@once
def order_amend(request, pk):
    order = traded_order(request, pk)
    form = AmendmentForm(request.POST or None, order=order, lines=order.lines.all())
    kind = Proposal.Kind.AMENDMENT
    return _propose(request, order, form, kind=kind, said=form.said, template="order_amend")


@login_required
@once
def order_cancel(request, pk):
    order = traded_order(request, pk)
    form = CancellationForm(request.POST or None, lines=order.lines.all())
    kind = Proposal.Kind.CANCELLATION
    return _propose(request, order, form, kind=kind, said=form.said, template="order_cancel")


@login_required
@once
def order_shortage(request, pk):
    order = traded_order(request, pk)
    lines = [line for line in order.lines.all() if line.outstanding or line.in_delivery]
    form = ShortageForm(request.POST or None, lines=lines, initial={"line": request.GET.get("line")})
    kind = Proposal.Kind.SHORTAGE
    return _propose(request, order, form, kind=kind, said=lambda: form.cleaned_data, template="order_shortage")


@login_required
@once
def order_return(request, pk):
    order = traded_order(request, pk)
    lines = [line for line in order.lines.all() if line.accepted]
    form = ReturnForm(request.POST or None, lines=lines, initial={"line": request.GET.get("line")})
    kind = Proposal.Kind.RETURN
    return _propose(request, order, form, kind=kind, said=lambda: form.cleaned_data, template="order_return")


def _answer(request, proposal, service, message):
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    service(proposal=proposal, by=request.user, note=note, now=timezone.now())
    messages.success(request, message)
    return redirect("marketplace:order_detail", proposal.order_id)


@login_required
@require_POST
def proposal_confirm(request, pk):
    proposal = get_object_or_404(Proposal.objects.answerable_by(request.user).with_details(), pk=pk)
    return _answer(request, proposal, proposals.confirm_proposal, _("Confirmed, and carried out."))


@login_required
@require_POST
def proposal_decline(request, pk):
    proposal = get_object_or_404(Proposal.objects.answerable_by(request.user).with_details(), pk=pk)
    return _answer(request, proposal, proposals.decline_proposal, _("Declined."))


@login_required
@require_POST
def proposal_withdraw(request, pk):
    proposal = get_object_or_404(Proposal.objects.withdrawable_by(request.user).with_details(), pk=pk)
    proposals.withdraw_proposal(proposal=proposal, by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn."))
    return redirect("marketplace:order_detail", proposal.order_id)


@login_required
@once
def order_dispute(request, pk):
    """Dispute a part of what was sent."""
    order = traded_order(request, pk)
    lines = [line for line in order.lines.all() if line.accepted or line.in_delivery]
    initial = {"line": request.GET.get("line")}
    form = DisputeForm(request.POST or None, request.FILES or None, lines=lines, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            dispute = disputes.open_dispute(
                organisation=side_of_user(request.user, order),
                line=form.chosen_line,
                quantity=form.cleaned_data["quantity"],
                kind=form.cleaned_data["kind"],
                text=form.cleaned_data["text"],
                uploads=form.cleaned_data["files"],
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, _("The dispute is open. Only its quantity is frozen."))
            return redirect("marketplace:dispute_detail", dispute.pk)
    context = {"form": form, "order": order}
    return render(request, "marketplace/order_dispute.html", context, status=form.http_status)


def _show_dispute(request, dispute, *, evidence_form=None, settlement_form=None, decision_form=None):
    """Draw the page of a dispute; a form that was refused is shown with its errors."""
    side = side_of_user(request.user, dispute.order)
    is_open = dispute.status == Dispute.Status.OPEN
    open_proposal = dispute.proposals.open().with_details().first()
    if open_proposal:
        open_proposal.may_answer = side is not None and open_proposal.proposed_for_id != side.pk
        open_proposal.may_withdraw = side is not None and open_proposal.proposed_for_id == side.pk
    shown = evidence_form or settlement_form or decision_form
    context = {
        "dispute": dispute,
        "order": dispute.order,
        "side": side,
        "is_open": is_open,
        "proposal": open_proposal,
        "proposals": dispute.proposals.with_details().exclude(status=Proposal.Status.OPEN).order_by("pk"),
        "may_withdraw": is_open and side is not None and side.pk == dispute.opened_for_id,
        "evidence_form": evidence_form or EvidenceForm(),
        "settlement_form": settlement_form or SettlementForm(dispute=dispute),
        "decision_form": decision_form or SettlementForm(dispute=dispute, is_decision=True),
        "form": shown,
    }
    status = shown.http_status if shown else 200
    return render(request, "marketplace/dispute_detail.html", context, status=status)


@login_required
@require_GET
def dispute_detail(request, pk):
    dispute = get_object_or_404(Dispute.objects.visible_to(request.user).with_details(), pk=pk)
    return _show_dispute(request, dispute)


@login_required
@require_POST
@once
def dispute_argue(request, pk):
    dispute = get_object_or_404(Dispute.objects.editable_by(request.user).with_details(), pk=pk)
    form = EvidenceForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals():
            disputes.add_evidence(
                dispute=dispute,
                organisation=side_of_user(request.user, dispute.order),
                text=form.cleaned_data["text"],
                uploads=form.cleaned_data["files"],
                by=request.user,
                now=timezone.now(),
            )
            return redirect("marketplace:dispute_detail", pk)
    return _show_dispute(request, dispute, evidence_form=form)


@login_required
@require_POST
@once
def dispute_settle(request, pk):
    """Propose to the other side how the dispute ends."""
    dispute = get_object_or_404(Dispute.objects.editable_by(request.user).with_details(), pk=pk)
    form = SettlementForm(request.POST, dispute=dispute)
    if form.is_valid():
        with form.showing_refusals():
            disputes.propose_settlement(
                dispute=dispute,
                organisation=side_of_user(request.user, dispute.order),
                said=form.said(),
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, _("Proposed. The other side is asked to confirm it."))
            return redirect("marketplace:dispute_detail", pk)
    return _show_dispute(request, dispute, settlement_form=form)


@login_required
@require_POST
def dispute_withdraw(request, pk):
    dispute = get_object_or_404(Dispute.objects.editable_by(request.user).with_details(), pk=pk)
    disputes.withdraw_dispute(dispute=dispute, by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn."))
    return redirect("marketplace:dispute_detail", pk)


@operator_only
@require_GET
def dispute_queue(request):
    """Show the platform operator the disputes that wait, oldest first."""
    waiting = Dispute.objects.open().select_related("order__buyer", "order__seller", "line", "opened_for")
    page = Paginator(waiting.order_by("opened_at", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "marketplace/dispute_queue.html", {"page": page})


@operator_only
@require_POST
def dispute_decide(request, pk):
    dispute = get_object_or_404(Dispute.objects.with_details(), pk=pk)
    form = SettlementForm(request.POST, dispute=dispute, is_decision=True)
    if form.is_valid():
        decide = partial(disputes.decide_dispute, dispute=dispute, by=request.user, now=timezone.now())
        with form.showing_refusals():
            decide(said=form.said(), note=form.cleaned_data["note"])
            messages.success(request, _("Decided. Both sides are told."))
            return redirect("marketplace:dispute_detail", pk)
    return _show_dispute(request, dispute, decision_form=form)
