from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from marketplace.forms.shipments import CodeForm, CodeRequestForm, PaperCheckForm, ReceiptForm
from marketplace.models import Order, Receipt, Shipment
from marketplace.services import receipt_papers, receipts, signing_codes
from marketplace.services.receipt_lines import draft_lines, is_intact
from marketplace.views.once import once

LARGEST_PAPER = 5 * 1024**2


@login_required
@once
def receipt_create(request, shipment_pk, order_pk):
    shipment = get_object_or_404(Shipment.objects.visible_to(request.user).with_names(), pk=shipment_pk)
    orders = Order.objects.filter(lines__lots__shipment=shipment).distinct()
    order = get_object_or_404(orders.select_related("buyer", "seller"), pk=order_pk)
    receipts.require_handler(request.user, shipment, order)
    form = ReceiptForm(request.POST or None, draft=draft_lines(shipment=shipment, order=order))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            receipt = receipts.issue_receipt(
                shipment=shipment, order=order, by=request.user, now=timezone.now(), **form.said()
            )
            messages.success(request, _("Written. Both sides sign it now."))
            return redirect("marketplace:receipt_detail", receipt.pk)
    context = {"form": form, "shipment": shipment, "order": order}
    return render(request, "marketplace/receipt_create.html", context, status=form.http_status)


def _detail(request, pk, form):
    receipt = get_object_or_404(Receipt.objects.visible_to(request.user).with_details(), pk=pk)
    context = {
        "receipt": receipt,
        "sides": receipts.sides_of(request.user, receipt),
        "may_edit": Receipt.objects.editable_by(request.user).filter(pk=pk).exists(),
        "form": form,
        "is_intact": is_intact(receipt),
    }
    return render(request, "marketplace/receipt_detail.html", context, status=form.http_status)


@login_required
@require_GET
def receipt_detail(request, pk):
    return _detail(request, pk, CodeRequestForm())


@login_required
@require_POST
def receipt_sign(request, pk):
    receipt = get_object_or_404(Receipt.objects.signable_by(request.user), pk=pk)
    side = request.POST.get("side", "")
    receipt = receipts.sign_receipt(receipt=receipt, by=request.user, now=timezone.now(), side=side)
    is_done = receipt.status == Receipt.Status.SIGNED
    messages.success(request, _("Signed by both: the goods are received.") if is_done else _("Signed."))
    return redirect("marketplace:receipt_detail", pk)


@login_required
@require_POST
def receipt_withdraw(request, pk):
    receipt = get_object_or_404(Receipt.objects.editable_by(request.user), pk=pk)
    receipts.withdraw_receipt(receipt=receipt, by=request.user, now=timezone.now())
    messages.success(request, _("Withdrawn. Write another one."))
    return redirect("marketplace:receipt_detail", pk)


@login_required
@require_POST
def receipt_send_code(request, pk):
    receipt = get_object_or_404(Receipt.objects.editable_by(request.user), pk=pk)
    form = CodeRequestForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            signing_codes.send_code(receipt=receipt, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The code was sent. It lasts 15 minutes."))
            return redirect("marketplace:receipt_code_sign", receipt.token)
    return _detail(request, pk, form)


def receipt_code_sign(request, token):
    """Let whoever was sent a code read the receipt, and sign it; there are no prices on it."""
    receipt = get_object_or_404(Receipt.objects.with_details(), token=token)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            signing_codes.sign_with_code(receipt=receipt, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Signed."))
            return redirect("marketplace:receipt_code_sign", token)
    context = {"form": form, "receipt": receipt}
    return render(request, "marketplace/receipt_code_sign.html", context, status=form.http_status)


def receipt_verify(request, token):
    """Show anybody who holds a receipt whether it says what was signed: by its hash, or by the file itself."""
    receipt = get_object_or_404(Receipt.objects.with_details(), token=token)
    said = request.GET.get("hash", "").strip().lower()
    form = PaperCheckForm(request.POST or None, request.FILES or None)
    paper = request.FILES.get("paper") if request.method == "POST" else None
    context = {
        "receipt": receipt,
        "form": form,
        "said": said,
        "is_intact": is_intact(receipt),
        "is_same_hash": said == receipt.sha256,
        "paper": paper,
        "is_same_paper": bool(paper)
        and paper.size <= LARGEST_PAPER
        and receipt_papers.is_our_paper(receipt, paper.read()),
    }
    return render(request, "marketplace/receipt_verify.html", context)


@login_required
@require_GET
def receipt_paper(request, pk):
    receipt = get_object_or_404(Receipt.objects.visible_to(request.user).with_details(), pk=pk)
    language = request.GET.get("language") or get_language()
    content = receipt_papers.receipt_paper(receipt, language)
    return file_response(content, name=f"{receipt.number}.pdf", content_type="application/pdf")
