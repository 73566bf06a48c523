import csv

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.bank_files import BankFileForm, SettleBreakForm
from finance.forms.covers import ReasonForm
from finance.models import BankFile, BankFileRow, ReconciliationBreak
from finance.reading.bank_files import template
from finance.services import bank_files as services
from marketplace.models import Organisation
from marketplace.views.once import once

PER_PAGE = 50


@login_required
@once
def bank_files(request):
    banks = Organisation.objects.of(request.user, *BankFile.READING_ROLES).filter(kind=Organisation.Kind.BANK)
    get_object_or_404(banks[:1])
    loading = Organisation.objects.of(request.user, *BankFile.LOADING_ROLES).filter(pk__in=banks).order_by("pk")
    form = BankFileForm(request.POST or None, request.FILES or None, banks=loading)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            upload, bank = form.cleaned_data["file"], form.cleaned_data["bank"]
            file = services.load_bank_file(bank=bank, upload=upload, by=request.user, now=timezone.now())
            messages.success(request, _("The file is here; the comparison stands below."))
            return redirect("finance:bank_file_detail", file.pk)
    found = BankFile.objects.visible_to(request.user).with_names().with_counts().order_by("-requested_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    columns = template(english=get_language() == "en")
    context = {"form": form, "page": page, "may_load": loading.exists(), "columns": columns}
    return render(request, "finance/bank_files.html", context, status=form.http_status)


def _shown(request, file, form=None):
    state = request.GET.get("state") if request.GET.get("state") in BankFileRow.State.values else ""
    rows = file.payments.select_related("drawdown", "act", "repayment").order_by("line")
    page = Paginator(rows.filter(state=state) if state else rows, PER_PAGE).get_page(request.GET.get("page"))
    checks = BankFile.objects.checkable_by(request.user).filter(pk=file.pk).exists()
    is_waiting = file.posting == BankFile.Posting.WAITING and file.is_finished
    is_left = file.posting == BankFile.Posting.POSTED and rows.filter(state=BankFileRow.State.TO_POST).exists()
    context = {
        "file": file,
        "page": page,
        "state": state,
        "states": BankFileRow.State.choices,
        "breaks": file.breaks.with_names().order_by("resolution", "pk")[:200],
        "may_check": checks and (is_waiting or is_left) and file.loaded_by_id != request.user.pk,
        "is_own": checks and is_waiting and file.loaded_by_id == request.user.pk,
        "form": form or ReasonForm(),
    }
    return render(request, "finance/bank_file_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def bank_file_detail(request, pk):
    return _shown(request, get_object_or_404(BankFile.objects.visible_to(request.user).with_names(), pk=pk))


@login_required
@require_POST
def bank_file_post(request, pk):
    file = get_object_or_404(BankFile.objects.checkable_by(request.user).with_names(), pk=pk)
    services.post_bank_file(file=file, by=request.user, now=timezone.now())
    messages.success(request, _("Posted; what could not be posted stands among the breaks."))
    return redirect("finance:bank_file_detail", pk)


@login_required
@require_POST
def bank_file_refuse(request, pk):
    file = get_object_or_404(BankFile.objects.checkable_by(request.user).with_names(), pk=pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            note = form.cleaned_data["reason"]
            services.refuse_bank_file(file=file, note=note, by=request.user, now=timezone.now())
            messages.success(request, _("Refused: nothing of it counts."))
            return redirect("finance:bank_file_detail", pk)
    return _shown(request, file, form)


@login_required
@require_GET
def bank_file_template(request):
    """Hand out an empty file with its headings and an example."""
    content = services.template_file(english=get_language() == "en")
    answer = HttpResponse(content, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="bank-file.csv"'
    return answer


@login_required
@require_GET
def break_list(request):
    get_object_or_404(Organisation.objects.of(request.user, *BankFile.READING_ROLES).filter(kind="bank")[:1])
    found = ReconciliationBreak.objects.visible_to(request.user).with_names()
    if not (shows_all := request.GET.get("show") == "all"):
        found = found.open()
    found = found.order_by("-file", "pk")
    if request.GET.get("format") == "csv":
        return _as_csv(found)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "finance/break_list.html", {"page": page, "shows_all": shows_all})


def _as_csv(found):
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="breaks.csv"'
    writer = csv.writer(answer)
    heads = [
        _("File"),
        _("Line"),
        _("What"),
        _("Reference"),
        _("Loan"),
        _("Amount here"),
        _("Day here"),
        _("Amount in the file"),
    ]
    writer.writerow([*heads, _("Day in the file"), _("How it was settled"), _("Note"), _("By")])
    for one in found.iterator(chunk_size=500):
        here, there = one.details.get("here", {}), one.details.get("there", {})
        sides = [here.get("amount", ""), here.get("day", ""), there.get("amount", ""), there.get("day", "")]
        settled = [one.get_resolution_display(), one.note, one.resolved_by.username if one.resolved_by else ""]
        row = [one.file.name, one.row.line if one.row else "", one.get_kind_display(), one.reference, one.loan_number]
        writer.writerow([_unformulated(cell) for cell in [*row, *sides, *settled]])
    return answer


def _unformulated(cell):
    """Return a cell that no spreadsheet takes for a formula: what a stranger's file said stays text."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@login_required
def break_settle(request, pk):
    mine = ReconciliationBreak.objects.filter(
        file__bank__in=Organisation.objects.of(request.user, *services.SETTLING_ROLES)
    )
    found = get_object_or_404(mine.with_names(), pk=pk)
    form = SettleBreakForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            services.settle_break(found=found, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Settled."))
            return redirect("finance:bank_file_detail", found.file_id)
    return render(request, "finance/break_settle.html", {"form": form, "found": found}, status=form.http_status)
