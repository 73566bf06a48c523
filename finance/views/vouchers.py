from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.http import file_response
from finance.forms.vouchers import CheckForm, PresentForm, RevokeForm, VoucherForm
from finance.models import CreditAssessment, CreditVoucher, VoucherCheck
from finance.models.consent import READERS
from finance.services import voucher_checks, vouchers
from finance.services.voucher_claims import choices_of, rows_of
from marketplace.models import Membership, Organisation
from marketplace.views.once import once

PER_PAGE = 25


@login_required
@require_GET
def voucher_list(request):
    found = CreditVoucher.objects.visible_to(request.user).with_names().order_by("-issued_at", "-pk")
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "now": timezone.now(),
        "may_issue": owned.exclude(kind__in=READERS).exists(),
    }
    return render(request, "finance/voucher_list.html", context)


@login_required
@once
def voucher_create(request):
    firms = Organisation.objects.of(request.user, Membership.Role.OWNER).exclude(kind__in=READERS)
    get_object_or_404(firms[:1])
    now = timezone.now()
    assessments = CreditAssessment.objects.done().filter(organisation__in=firms, bank=None)
    banks = vouchers.readers_of(firms, now).order_by("kind", "pk")
    shown = {"assessments": assessments.select_related("organisation", "scorecard").order_by("-as_of"), "banks": banks}
    form = VoucherForm(request.POST or None, initial={"bank": request.GET.get("bank")}, **shown)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            voucher = vouchers.issue_voucher(**form.cleaned_data, by=request.user, now=now)
            messages.success(request, _("The voucher is issued. Choose now what the bank will see."))
            return redirect("finance:voucher_detail", voucher.pk)
    context = {"form": form, "has_assessment": assessments.exists(), "has_bank": banks.exists()}
    return render(request, "finance/voucher_create.html", context, status=form.http_status)


@login_required
@require_GET
def voucher_detail(request, pk):
    """Show a voucher; with ``?shown=…`` what the bank would see if just that were disclosed."""
    voucher = get_object_or_404(CreditVoucher.objects.visible_to(request.user).with_names(), pk=pk)
    is_asked = "preview" in request.GET
    form = PresentForm(request.GET if is_asked else None, **_offered(voucher))
    chosen = form.cleaned_data["shown"] if is_asked and form.is_valid() else form.fields["shown"].initial
    return render(request, "finance/voucher_detail.html", _shown(request, voucher, form, chosen))


def _offered(voucher) -> dict:
    choices, usual = choices_of(voucher)
    return {"choices": choices, "usual": usual}


def _shown(request, voucher, form, chosen) -> dict:
    now = timezone.now()
    owned = CreditVoucher.objects.owned_by(request.user).filter(pk=voucher.pk)
    stands = owned.standing(now).filter(consent__withdrawn_at=None)
    return {
        "voucher": voucher,
        "form": form,
        "preview": rows_of(vouchers.preview(voucher, chosen)["credit"]),
        "hidden_count": len(voucher.disclosures) - len(set(chosen)),
        "presentations": voucher.presentations.select_related("made_by").order_by("-made_at", "-pk")[:20],
        "may_present": stands.exists(),
        "may_revoke": owned.filter(revoked_at=None).exists(),
        "now": now,
        "revoke_form": RevokeForm(),
    }


@login_required
@require_POST
def voucher_present(request, pk):
    """Hand out the file: it is made anew each time, for its code may be used once."""
    voucher = get_object_or_404(CreditVoucher.objects.owned_by(request.user).with_names(), pk=pk)
    form = PresentForm(request.POST, **_offered(voucher))
    if form.is_valid():
        with form.showing_refusals():
            made = vouchers.present_voucher(voucher=voucher, **form.cleaned_data, by=request.user, now=timezone.now())
            name = f"{voucher.number}.json"
            return file_response(made.text.encode(), name=name, content_type="application/json")
    chosen = form.cleaned_data.get("shown", form.fields["shown"].initial)
    context = _shown(request, voucher, form, chosen)
    return render(request, "finance/voucher_detail.html", context, status=form.http_status)


@login_required
@require_POST
def voucher_revoke(request, pk):
    voucher = get_object_or_404(CreditVoucher.objects.owned_by(request.user).with_names(), pk=pk)
    reason = request.POST.get("reason", "")
    vouchers.revoke_voucher(voucher=voucher, reason=reason, by=request.user, now=timezone.now())
    messages.success(request, _("The voucher is revoked: nobody can take it any more."))
    return redirect("finance:voucher_detail", pk)


@login_required
def voucher_check(request):
    """Check a voucher that a firm handed over."""
    mine = Organisation.objects.of(request.user, *voucher_checks.CHECKING_ROLES).filter(kind__in=READERS)
    get_object_or_404(mine[:1])
    form = CheckForm(request.POST or None, request.FILES or None, banks=mine.order_by("pk"))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            check = voucher_checks.check_voucher(**form.said(), by=request.user, now=timezone.now())
            return redirect("finance:voucher_check_detail", check.pk)
    checks = VoucherCheck.objects.visible_to(request.user).select_related("bank", "by").order_by("-at", "-pk")
    context = {"form": form, "page": Paginator(checks, PER_PAGE).get_page(request.GET.get("page"))}
    return render(request, "finance/voucher_check.html", context, status=form.http_status)


@login_required
@require_GET
def voucher_check_detail(request, pk):
    check = get_object_or_404(VoucherCheck.objects.visible_to(request.user).select_related("bank", "by"), pk=pk)
    context = {
        "check": check,
        "said": voucher_checks.said(check.findings, request.LANGUAGE_CODE),
        "rows": rows_of(check.claims.get("credit", {})),
    }
    return render(request, "finance/voucher_check_detail.html", context)
