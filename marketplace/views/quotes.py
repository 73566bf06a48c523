from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from marketplace.forms.quotes import QuoteForm
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.rfqs import AwardForm, ValidityForm
from marketplace.models import Award, Listing, Order, Organisation, Quote, RequestForQuotation
from marketplace.services import awards, comparison_sheets, comparisons, quotes
from marketplace.views.once import once

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@login_required
@once
def quote_edit(request, pk):
    """Let a supplier write its quote: keep it as a draft as often as it likes, then hand it in."""
    rfq = get_object_or_404(RequestForQuotation.objects.received_by(request.user).with_details(), pk=pk)
    mine = Organisation.objects.of(request.user, *Quote.SUBMITTING_ROLES).filter(rfq_invitations__rfq=rfq)
    supplier = get_object_or_404(mine.order_by("pk")[:1])
    last = Quote.objects.filter(rfq=rfq, supplier=supplier).with_lines().order_by("-version").first()
    supplies = supplier.listings.filter(side=Listing.Side.SUPPLY, status=Listing.Status.OPEN).order_by("-pk")
    invitation = rfq.invitations.get(supplier=supplier)
    form = QuoteForm(
        request.POST or None, request.FILES or None, rfq=rfq, quote=last, supplies=supplies, invitation=invitation
    )
    if request.method == "POST" and form.is_valid():
        hand_in = request.POST.get("step") == "submit"
        act = quotes.submit_at_once if hand_in else quotes.save_draft
        with form.showing_refusals():
            quote = act(rfq=rfq, supplier=supplier, by=request.user, now=timezone.now(), **form.said())
            messages.success(request, _("Handed in.") if hand_in else _("Kept as a draft: only you see it."))
            return redirect(
                "marketplace:quote_detail" if hand_in else "marketplace:quote_edit", quote.pk if hand_in else pk
            )
    context = {"form": form, "rfq": rfq, "supplier": supplier, "last": last}
    return render(request, "marketplace/quote_edit.html", context, status=form.http_status)


@login_required
@require_GET
def quote_detail(request, pk):
    """Show one version of a quote, and how it came from the ones before."""
    return _quote_page(request, pk, ValidityForm())


def _quote_page(request, pk, validity_form):
    now = timezone.now()
    readable = Quote.objects.readable_by(request.user, now)
    quote = get_object_or_404(readable.with_lines().select_related("rfq", "rfq__buyer"), pk=pk)
    versions = list(readable.filter(rfq=quote.rfq, supplier=quote.supplier).with_lines().order_by("version"))
    before = next((one for one in reversed(versions) if one.version < quote.version), None)
    context = {
        "quote": quote,
        "versions": versions,
        "before": before,
        "differences": quotes.differences(before, quote) if before else [],
        "total": quotes.total_of(quote),
        "orders": Order.objects.visible_to(request.user).filter(offer__award__quote=quote).order_by("pk"),
        "may_edit": Quote.objects.editable_by(request.user).filter(pk=pk).exists(),
        "is_taking": RequestForQuotation.objects.taking_quotes(now).filter(pk=quote.rfq_id).exists(),
        "validity_form": validity_form,
    }
    return render(request, "marketplace/quote_detail.html", context, status=validity_form.http_status)


def _mine(request, pk):
    mine = Quote.objects.editable_by(request.user).with_names()
    return get_object_or_404(mine, pk=pk)


@login_required
@require_POST
def quote_withdraw(request, pk):
    quote = quotes.withdraw_quote(quote=_mine(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn.") if quote.pk else _("The draft was thrown away."))
    return redirect("marketplace:rfq_detail", quote.rfq_id)


@login_required
@require_POST
def quote_confirm(request, pk):
    quote = quotes.confirm_quote(quote=_mine(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Confirmed: your quote stands as it is."))
    return redirect("marketplace:rfq_detail", quote.rfq_id)


@login_required
@require_POST
def quote_extend(request, pk):
    form = ValidityForm(request.POST)
    quote = _mine(request, pk)
    if form.is_valid():
        with form.showing_refusals():
            quotes.extend_validity(quote=quote, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("It holds longer now."))
            return redirect("marketplace:quote_detail", pk)
    return _quote_page(request, pk, form)


def _bought(request, pk):
    rows = RequestForQuotation.objects.with_details()
    mine = rows if request.user.is_staff else rows.bought_by(request.user)
    return get_object_or_404(mine, pk=pk)


def _chosen(request, comparison) -> dict:
    """Return the quantities that ``?choose=mix`` or ``?choose=QUOTE`` takes of each line."""
    choose = request.GET.get("choose", "")
    rows = [row for row in comparison.rows if row.is_wanted]
    left = {row.line.pk: min(row.line.left, row.quantity) for row in rows}
    if choose == "mix":
        return {(line, quote): left[line] for line, quote in comparison.table.mix.items() if left[line]}
    if choose.isdigit():
        cells = comparison.table.cells
        return {
            (row.line.pk, int(choose)): left[row.line.pk]
            for row in rows
            if (row.line.pk, row.quantity, int(choose)) in cells and left[row.line.pk]
        }
    return {}


@login_required
@require_GET
def quote_comparison(request, pk):
    """Show all quotes beside each other, with the form that awards them."""
    rfq = _bought(request, pk)
    comparison = comparisons.compare_quotes(rfq=rfq, by=request.user, now=timezone.now())
    form = AwardForm(comparison=comparison, chosen=_chosen(request, comparison))
    return _comparison_page(request, rfq, comparison, form)


def _comparison_page(request, rfq, comparison, form, failed=None):
    context = {
        "rfq": rfq,
        "comparison": comparison,
        "form": form,
        "failed": failed,
        "now": timezone.now(),
        "awards": rfq.awards.with_details().order_by("pk"),
        "may_award": RequestForQuotation.objects.editable_by(request.user).filter(pk=rfq.pk).exists()
        and rfq.status in (rfq.Status.CLOSED, rfq.Status.AWARDED)
        and rfq.settled_at is None,
    }
    return render(request, "marketplace/quote_comparison.html", context, status=(failed or form).http_status)


@login_required
@require_GET
def quote_comparison_sheet(request, pk):
    rfq = _bought(request, pk)
    comparison = comparisons.compare_quotes(rfq=rfq, by=request.user, now=timezone.now())
    content = comparison_sheets.comparison_sheet(comparison)
    return file_response(content, name=f"{rfq.number}.xlsx", content_type=XLSX)


@login_required
@require_POST
def rfq_rates(request, pk):
    rfq = get_object_or_404(RequestForQuotation.objects.editable_by(request.user).with_details(), pk=pk)
    rates = {name.removeprefix("rate_"): said for name, said in request.POST.items() if name.startswith("rate_")}
    form = ShowsRefusals({})
    if form.is_valid():
        with form.showing_refusals():
            comparisons.set_rates(rfq=rfq, by=request.user, rates=rates, now=timezone.now())
            return redirect("marketplace:quote_comparison", pk)
    comparison = comparisons.compare_quotes(rfq=rfq, by=request.user, now=timezone.now())
    return _comparison_page(request, rfq, comparison, AwardForm(comparison=comparison), failed=form)


@login_required
@require_POST
@once
def rfq_award(request, pk):
    rfq = get_object_or_404(RequestForQuotation.objects.editable_by(request.user).with_details(), pk=pk)
    comparison = comparisons.compare_quotes(rfq=rfq, by=request.user, now=timezone.now())
    form = AwardForm(request.POST, comparison=comparison)
    if form.is_valid():
        with form.showing_refusals():
            made = awards.award_quotes(
                rfq=rfq,
                by=request.user,
                picks=form.picks(),
                reason=form.cleaned_data["reason"],
                closing_note=form.cleaned_data["closing_note"],
                is_final=form.cleaned_data["is_final"],
                now=timezone.now(),
            )
            waiting = any(award.offer.is_open for award in made)
            messages.success(
                request, _("Awarded: an approver is asked.") if waiting else _("Awarded: the orders are made.")
            )
            return redirect("marketplace:rfq_detail", pk)
    return _comparison_page(request, rfq, comparison, form)


@login_required
@require_POST
def award_void(request, pk):
    mine = RequestForQuotation.objects.editable_by(request.user)
    award = get_object_or_404(Award.objects.filter(rfq__in=mine).select_related("rfq"), pk=pk)
    awards.void_award(award=award, by=request.user, now=timezone.now())
    messages.success(request, _("Called off: award it anew."))
    return redirect("marketplace:quote_comparison", award.rfq_id)
