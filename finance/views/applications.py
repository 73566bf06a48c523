from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.applications import (
    AcceptForm,
    AnswerForm,
    ApplicationForm,
    DocumentsForm,
    EndForm,
    SubmitForm,
    application_initial,
)
from finance.models import Application, CreditProduct, DataGroup
from finance.models.consent import FOR_REVIEW
from finance.services import agreements, application_pages, applications
from finance.views.products import chosen_firm
from marketplace.models import Membership, Organisation
from marketplace.views.once import once

PER_PAGE = 20


def _of_firm(request):
    """Return the applications of the reader's firms; those at a bank have their own pages."""
    return Application.objects.filter(firm__in=Organisation.objects.of(request.user)).with_names()


def _shown(request, application, **forms):
    """Show an application to its firm, with the form that was sent back if one was."""
    page = application_pages.read_firm_page(application=application, user=request.user)
    version = {"version": application.version}
    owns = Organisation.objects.of(request.user, Membership.Role.OWNER).filter(pk=application.firm_id).exists()
    groups = set(application.product.consent_groups)
    context = {
        "application": application,
        "page": page,
        "clock": application_pages.clock(application, timezone.now()),
        "may_consent": owns,
        "needed": [label for group, label in DataGroup.choices if group in groups],
        "submit_form": SubmitForm(
            product=application.product,
            may_consent=owns,
            initial=version | {"gives_consent": owns, "groups": [one for one in FOR_REVIEW if one not in groups]},
        ),
        "answer_form": AnswerForm(initial=version),
        "documents_form": DocumentsForm(),
        "accept_form": AcceptForm(initial=version),
        "end_form": EndForm(initial=version),
        **forms,
    }
    status = next((form.http_status for form in forms.values()), 200)
    return render(request, "finance/application_detail.html", context, status=status)


@login_required
@require_GET
def application_list(request):
    chosen_firm(request)
    page = Paginator(_of_firm(request).order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    rows = [(application, application_pages.clock(application, now)) for application in page]
    return render(request, "finance/application_list.html", {"page": page, "rows": rows})


@login_required
@once
def application_create(request, product_pk):
    now = timezone.now()
    product = get_object_or_404(CreditProduct.objects.offered(timezone.localdate(now)).with_names(), pk=product_pk)
    firm = chosen_firm(request)
    initial = {"amount": product.min_amount, "days": product.max_days}
    programmes = applications.programmes_for(firm=firm, bank=product.bank)
    form = ApplicationForm(request.POST or None, product=product, programmes=programmes, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            application = applications.begin_application(
                firm=firm, product=product, fields=form.said(), by=request.user, now=now
            )
            return redirect("finance:application_detail", application.pk)
    context = {"form": form, "product": product, "firm": firm}
    return render(request, "finance/application_create.html", context, status=form.http_status)


@login_required
@require_GET
def application_detail(request, pk):
    return _shown(request, get_object_or_404(_of_firm(request), pk=pk))


@login_required
def application_edit(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    programmes = applications.programmes_for(firm=application.firm, bank=application.bank)
    initial = application_initial(application)
    form = ApplicationForm(request.POST or None, product=application.product, programmes=programmes, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            applications.edit_application(
                application=application, fields=form.said(), by=request.user, now=timezone.now()
            )
            messages.success(request, _("Saved."))
            return redirect("finance:application_detail", pk)
    context = {"form": form, "application": application}
    return render(request, "finance/application_edit.html", context, status=form.http_status)


@login_required
@require_POST
def application_submit(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    owns = Organisation.objects.of(request.user, Membership.Role.OWNER).filter(pk=application.firm_id).exists()
    form = SubmitForm(request.POST, product=application.product, may_consent=owns)
    if form.is_valid():
        now = timezone.now()
        with form.showing_refusals():
            applications.submit_application(application=application, by=request.user, now=now, **form.said(now))
            messages.success(request, _("Handed in: the bank was told."))
            return redirect("finance:application_detail", pk)
    return _shown(request, application, submit_form=form)


@login_required
@require_POST
@once
def application_answer(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    form = AnswerForm(request.POST, request.FILES)
    if form.is_valid():
        said = form.cleaned_data
        with form.showing_refusals():
            applications.answer_questions(
                application=application,
                text=said["text"],
                uploads=said["files"],
                version=said["version"],
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, _("Answered: the bank goes on."))
            return redirect("finance:application_detail", pk)
    return _shown(request, application, answer_form=form)


@login_required
@require_POST
@once
def application_documents(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    form = DocumentsForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals():
            files = form.cleaned_data["files"]
            applications.add_documents(application=application, uploads=files, by=request.user, now=timezone.now())
            messages.success(request, _("Added."))
            return redirect("finance:application_detail", pk)
    return _shown(request, application, documents_form=form)


@login_required
@require_POST
def application_withdraw(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    form = EndForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            applications.withdraw_application(
                application=application, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(request, _("Withdrawn."))
            return redirect("finance:application_detail", pk)
    return _shown(request, application, end_form=form)


@login_required
@require_POST
def application_accept(request, pk):
    application = get_object_or_404(Application.objects.editable_by(request.user).with_names(), pk=pk)
    form = AcceptForm(request.POST)
    if form.is_valid():
        now = timezone.now()
        with form.showing_refusals():
            agreements.accept_offer(application=application, by=request.user, now=now, **form.said(now))
            messages.success(request, _("Signed for the firm: the bank signs next."))
            return redirect("finance:application_detail", pk)
    return _shown(request, application, accept_form=form)
