from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.receivables import InvoiceCheckForm, OfferForm, RegisterForm
from finance.models import Assignment, Drawdown, Receivable
from finance.models.consent import READERS
from finance.services import assignments, receivables
from marketplace.models import Membership, Organisation
from marketplace.views.once import once

PER_PAGE = 25
CHOICES = 200


@login_required
@require_GET
def receivable_list(request):
    """List what the reader's firms are owed, what they owe, and what was offered to the reader's banks."""
    mine = Organisation.objects.of(request.user)
    shown = request.GET.get("show", "owed")
    chosen = {
        "owed": Receivable.objects.filter(seller__in=mine),
        "owing": Receivable.objects.filter(buyer__in=mine),
        "offered": Receivable.objects.filter(assignments__bank__in=mine).distinct(),
    }
    shown = shown if shown in chosen else "owed"
    is_bank = mine.filter(kind__in=READERS).exists()
    if is_bank and "show" not in request.GET:
        shown = "offered"
    found = chosen[shown].with_names().order_by("-registered_at", "-pk")
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "shown": shown,
        "is_bank": is_bank,
        "trades": Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(kind__in=READERS).exists(),
    }
    return render(request, "finance/receivable_list.html", context)


@login_required
@once
def receivable_create(request):
    firms = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).exclude(kind__in=READERS)
    get_object_or_404(firms[:1])
    invoices = receivables.invoices_to_register(request.user).order_by("-issued_on", "-pk")
    records = receivables.records_to_register(request.user).order_by("-occurred_on", "-pk")
    form = RegisterForm(request.POST or None, invoices=invoices, records=records)
    if request.method == "POST" and form.is_valid():
        said, now = form.cleaned_data, timezone.now()
        with form.showing_refusals():
            if said["invoice"]:
                made = receivables.register_invoice(invoice=said["invoice"], by=request.user, now=now)
            else:
                due = said["due_on"]
                made = receivables.register_record(record=said["record"], due_on=due, by=request.user, now=now)
            messages.success(request, _("The receivable is registered: no other bank can lend on it unseen."))
            return redirect("finance:receivable_detail", made.pk)
    return render(request, "finance/receivable_create.html", {"form": form}, status=form.http_status)


@login_required
@require_GET
def receivable_detail(request, pk):
    receivable = get_object_or_404(Receivable.objects.visible_to(request.user).with_names(), pk=pk)
    return render(request, "finance/receivable_detail.html", _shown(request, receivable, OfferForm()))


def _shown(request, receivable, form) -> dict:
    user, mine = request.user, Organisation.objects.of(request.user)
    # A bank sees its own parts; that others took some it may know, not who or how much.
    parts = receivable.assignments.visible_to(user).with_names().order_by("-offered_at", "-pk")
    sells = Receivable.objects.sold_by(user).filter(pk=receivable.pk).exists()
    is_side = mine.filter(pk__in=[receivable.seller_id, receivable.buyer_id]).exists()
    loans = Drawdown.objects.filter(line__bank__in=mine, borrower=receivable.seller).open()
    return {
        "receivable": receivable,
        "parts": parts,
        "form": form,
        "free": receivables.free_amount(receivable),
        "is_side": is_side,
        "sells": sells,
        "may_answer": Receivable.objects.owed_by(user).filter(pk=receivable.pk, status="registered").exists(),
        "may_offer": sells and receivable.status == Receivable.Status.ACCEPTED,
        "making": set(Organisation.objects.of(user, Membership.Role.MAKER).values_list("pk", flat=True)),
        "checking": set(Organisation.objects.of(user, Membership.Role.CHECKER).values_list("pk", flat=True)),
        "loans": loans[:CHOICES],
    }


@login_required
@require_POST
def receivable_answer(request, pk):
    owed = Receivable.objects.owed_by(request.user).with_names()
    receivable = get_object_or_404(owed, pk=pk)
    receivables.answer_receivable(
        receivable=receivable,
        accepts=request.POST.get("answer") == "accept",
        note=request.POST.get("note", ""),
        by=request.user,
        now=timezone.now(),
    )
    return redirect("finance:receivable_detail", pk)


@login_required
@require_POST
def receivable_cancel(request, pk):
    receivable = get_object_or_404(Receivable.objects.sold_by(request.user).with_names(), pk=pk)
    receivables.cancel_receivable(receivable=receivable, by=request.user, now=timezone.now())
    messages.success(request, _("The receivable was taken back."))
    return redirect("finance:receivable_detail", pk)


@login_required
@require_POST
@once
def receivable_offer(request, pk):
    receivable = get_object_or_404(Receivable.objects.sold_by(request.user).with_names(), pk=pk)
    form = OfferForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            said = form.cleaned_data
            assignments.offer_assignment(
                receivable=receivable, bank=said["bank"], said=said, by=request.user, now=timezone.now()
            )
            messages.success(request, _("The part is offered; nobody else can lend on it meanwhile."))
            return redirect("finance:receivable_detail", pk)
    context = _shown(request, receivable, form)
    return render(request, "finance/receivable_detail.html", context, status=form.http_status)


ACTS = {
    "confirm": assignments.confirm_assignment,
    "decline": assignments.decline_assignment,
    "withdraw": assignments.withdraw_assignment,
    "release": assignments.release_assignment,
}


@login_required
@require_POST
def assignment_propose(request, pk):
    assignment = get_object_or_404(Assignment.objects.visible_to(request.user).with_names(), pk=pk)
    loans = Drawdown.objects.filter(line__bank__in=Organisation.objects.of(request.user)).select_related("line")
    chosen = request.POST.get("drawdown")
    drawdown = get_object_or_404(loans, pk=chosen) if chosen else None
    assignments.propose_assignment(assignment=assignment, drawdown=drawdown, by=request.user, now=timezone.now())
    return redirect("finance:receivable_detail", assignment.receivable_id)


@login_required
@require_POST
def assignment_act(request, pk, act):
    """Confirm, decline or release for the bank, or withdraw for the seller."""
    assignment = get_object_or_404(Assignment.objects.visible_to(request.user).with_names(), pk=pk)
    ACTS[act](assignment=assignment, by=request.user, now=timezone.now())
    return redirect("finance:receivable_detail", assignment.receivable_id)


@login_required
def receivable_check(request):
    """Tell a bank whether somebody lends on an invoice already: never who, never how much."""
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=READERS)[:1])
    form = InvoiceCheckForm(request.GET or None)
    found = None
    if request.GET and form.is_valid():
        with form.showing_refusals():
            found = receivables.check_marks(receivables.marks_of(**form.cleaned_data))
    return render(request, "finance/receivable_check.html", {"form": form, "found": found}, status=form.http_status)
