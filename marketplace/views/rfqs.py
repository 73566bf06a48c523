from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.rfqs import (
    AnswerForm,
    DeadlineForm,
    QuestionForm,
    ReasonForm,
    RfqForm,
    plain,
    shown_lines,
    shown_terms,
)
from marketplace.models import (
    Listing,
    Membership,
    Organisation,
    Quote,
    RequestForQuotation,
    RfqInvitation,
    RfqQuestion,
)
from marketplace.services import quote_openings, rfq_invitations, rfqs
from marketplace.views.once import once

PER_PAGE = 24
MOST_FOUND = 20


def _page(request, found):
    found = found.with_names().with_counts().order_by("-updated_at", "-pk")
    return Paginator(found, PER_PAGE).get_page(request.GET.get("page"))


def _of_status(request, found):
    status = request.GET.get("status", "")
    return (found.filter(status=status), status) if status in RequestForQuotation.Status.values else (found, "")


@login_required
@require_GET
def rfq_list(request):
    """Show what the user's organisations ask for."""
    found, status = _of_status(request, RequestForQuotation.objects.bought_by(request.user))
    context = {"page": _page(request, found), "status": status, "statuses": RequestForQuotation.Status.choices}
    return render(request, "marketplace/rfq_list.html", context)


@login_required
@require_GET
def rfq_inbox(request):
    """Show what the user's organisations are asked to quote for, with where their quotes are."""
    found, status = _of_status(request, RequestForQuotation.objects.received_by(request.user))
    page = _page(request, found)
    rows = _with_own_quotes(request, page)
    context = {"page": page, "rows": rows, "status": status, "statuses": RequestForQuotation.Status.choices[1:]}
    return render(request, "marketplace/rfq_inbox.html", context)


def _with_own_quotes(request, page) -> list[dict]:
    mine = Quote.objects.of(request.user).filter(rfq__in=[rfq.pk for rfq in page])
    last = {quote.rfq_id: quote for quote in mine.order_by("version")}
    return [{"rfq": rfq, "quote": last.get(rfq.pk)} for rfq in page]


@login_required
@once
def rfq_create(request):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).order_by("pk")
    get_object_or_404(mine[:1])
    demand = _demand(request)
    initial = shown_terms(rfqs.first_fields(demand=demand, now=timezone.now()))
    initial |= {"price_includes_tax": True, "recovers_tax": True, "tax_rate": "13", "payment_days": "30"}
    initial |= {"incoterm": "delivered", "payment_term": "net", "deposit_percent": "0"}
    initial["lines"] = shown_lines(rfqs.first_lines(demand)) if demand else []
    form = RfqForm(request.POST or None, request.FILES or None, organisations=mine, initial=initial)
    if request.method == "POST" and request.POST.get("step") != "more" and form.is_valid():
        with form.showing_refusals():
            rfq = rfqs.create_rfq(
                buyer=form.cleaned_data["organisation"],
                by=request.user,
                fields=form.said(),
                lines=form.lines(),
                suppliers=form.supplier_names(),
                uploads=form.cleaned_data["files"],
                demand=demand,
                publish=request.POST.get("step") == "publish",
                now=timezone.now(),
            )
            return redirect("marketplace:rfq_detail", rfq.pk)
    return _form_page(request, form, demand=demand)


def _demand(request) -> Listing | None:
    asked = request.GET.get("demand", "")
    mine = Listing.objects.editable_by(request.user).filter(side=Listing.Side.DEMAND)
    return get_object_or_404(mine.with_names(), pk=asked) if asked.isdigit() else None


def _form_page(request, form, **context):
    is_more = request.POST.get("step") == "more"
    status = HTTPStatus.OK if is_more else form.http_status
    return render(request, "marketplace/rfq_create.html", {"form": form, "is_more": is_more, **context}, status=status)


@login_required
@once
def rfq_edit(request, pk):
    """Change a draft, or amend what is open."""
    rfq = get_object_or_404(RequestForQuotation.objects.editable_by(request.user).with_details(), pk=pk)
    initial = {name: plain(value) for name, value in rfqs.values_of(rfq).items()} | shown_terms(rfq.terms())
    initial |= {"lines": shown_lines(rfq.lines.all()), "revision": rfq.revision, "id": rfq.pk}
    form = RfqForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and request.POST.get("step") != "more" and form.is_valid():
        with form.showing_refusals():
            rfqs.amend_rfq(
                rfq=rfq,
                by=request.user,
                fields=form.said(),
                lines=form.lines(),
                uploads=form.cleaned_data["files"],
                note=form.cleaned_data["change_note"],
                revision=form.cleaned_data["revision"],
                now=timezone.now(),
            )
            messages.success(request, _("Saved."))
            return redirect("marketplace:rfq_detail", pk)
    return _form_page(request, form, rfq=rfq)


@login_required
@require_GET
def rfq_detail(request, pk):
    """Show a request to who asks, or to who is asked, each with what they may do."""
    return _detail_page(request, pk)


def _detail_page(request, pk, failed=None):
    """Draw the request; ``failed`` is a form of the page with what was wrong in it."""
    rfq = get_object_or_404(RequestForQuotation.objects.visible_to(request.user).with_details(), pk=pk)
    now, mine = timezone.now(), set(Organisation.objects.of(request.user))
    is_buyer = request.user.is_staff or rfq.buyer in mine
    quotes = Quote.objects.readable_by(request.user, now).filter(rfq=rfq).with_lines()
    context = {
        "rfq": rfq,
        "is_buyer": is_buyer,
        "is_taking": rfq.status == rfq.Status.OPEN and rfq.closes_at > now,
        "is_past": rfq.closes_at <= now,
        "may_edit": RequestForQuotation.objects.editable_by(request.user).filter(pk=pk).exists(),
        "may_open": RequestForQuotation.objects.openable_by(request.user).filter(pk=pk).exists(),
        "invitations": [one for one in rfq.invitations.all() if is_buyer or one.supplier in mine],
        "quotes": quotes.order_by("supplier", "version"),
        "quote_count": rfq.quotes.standing().count(),
        "awards": rfq.awards.with_details().order_by("pk") if is_buyer else [],
        "failed": failed,
        "question_form": QuestionForm(),
        "answer_form": AnswerForm(),
        "deadline_form": DeadlineForm(),
        "reason_form": ReasonForm(),
    }
    if not is_buyer:
        rfq_invitations.mark_viewed(rfq=rfq, by=request.user, now=now)
    status = failed.http_status if failed else HTTPStatus.OK
    return render(request, "marketplace/rfq_detail.html", context, status=status)


def _act(request, pk, form, act, message):
    """Do what a small form of the page asks, or draw the page with what was wrong."""
    if form.is_valid():
        with form.showing_refusals():
            act(**form.cleaned_data)
            messages.success(request, message)
            return redirect("marketplace:rfq_detail", pk)
    return _detail_page(request, pk, failed=form)


@login_required
def rfq_suppliers(request, pk):
    """Find firms by name and ask them."""
    rfq = get_object_or_404(RequestForQuotation.objects.editable_by(request.user), pk=pk)
    if request.method == "POST":
        chosen = request.POST.getlist("supplier")
        act = partial(rfqs.invite_suppliers, rfq=rfq, by=request.user, suppliers=chosen, now=timezone.now())
        return _act(request, pk, ShowsRefusals({}), act, _("Asked."))
    words = request.GET.get("q", "").strip()
    found = Organisation.objects.approved().exclude(pk=rfq.buyer_id).exclude(rfq_invitations__rfq=rfq)
    found = found.named_like(words) if words else found.none()
    context = {"rfq": rfq, "words": words, "found": found.order_by("-deliveries", "pk")[:MOST_FOUND]}
    return render(request, "marketplace/rfq_suppliers.html", context)


def _mine(request, pk):
    return get_object_or_404(RequestForQuotation.objects.editable_by(request.user).with_names(), pk=pk)


@login_required
@require_POST
def rfq_publish(request, pk):
    act = partial(rfqs.publish_rfq, rfq=_mine(request, pk), by=request.user, now=timezone.now())
    return _act(request, pk, ShowsRefusals({}), act, _("Sent to the suppliers."))


@login_required
@require_POST
def rfq_extend(request, pk):
    act = partial(rfqs.extend_rfq, rfq=_mine(request, pk), by=request.user, now=timezone.now())
    return _act(request, pk, DeadlineForm(request.POST), act, _("Extended; the suppliers are told."))


@login_required
@require_POST
def rfq_close(request, pk):
    rfqs.close_rfq(rfq=_mine(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("Closed: no more quotes come in."))
    return redirect("marketplace:rfq_detail", pk)


@login_required
@require_POST
def rfq_cancel(request, pk):
    act = partial(rfqs.cancel_rfq, rfq=_mine(request, pk), by=request.user, now=timezone.now())
    return _act(request, pk, ReasonForm(request.POST), act, _("Cancelled."))


@login_required
@require_POST
@once
def rfq_copy(request, pk):
    copy = rfqs.copy_rfq(rfq=_mine(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("A draft with the same lines and suppliers: look at it and send it."))
    return redirect("marketplace:rfq_detail", copy.pk)


@login_required
@require_POST
def rfq_open(request, pk):
    rfq = get_object_or_404(RequestForQuotation.objects.openable_by(request.user), pk=pk)
    rfq = quote_openings.open_quotes(rfq=rfq, by=request.user, now=timezone.now())
    if rfq.shows_quotes:
        return redirect("marketplace:quote_comparison", pk)
    messages.success(request, _("Noted: one more of you has to open them."))
    return redirect("marketplace:rfq_detail", pk)


@login_required
@require_POST
def rfq_invitation_remove(request, pk):
    mine = RequestForQuotation.objects.editable_by(request.user)
    invitation = get_object_or_404(RfqInvitation.objects.filter(rfq__in=mine).select_related("rfq"), pk=pk)
    rfqs.remove_invitation(invitation=invitation, by=request.user, now=timezone.now())
    return redirect("marketplace:rfq_detail", invitation.rfq_id)


@login_required
@require_POST
def rfq_invitation_decline(request, pk):
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
    invitations = RfqInvitation.objects.filter(supplier__in=mine, invited_at__isnull=False)
    invitation = get_object_or_404(invitations.select_related("rfq__buyer", "supplier"), pk=pk)
    act = partial(rfq_invitations.decline_invitation, invitation=invitation, by=request.user, now=timezone.now())
    message = _("The buyer knows that you will not quote.")
    return _act(request, invitation.rfq_id, ReasonForm(request.POST), act, message)


@login_required
@require_POST
@once
def rfq_question_ask(request, pk):
    rfq = get_object_or_404(RequestForQuotation.objects.received_by(request.user).with_names(), pk=pk)
    mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).filter(rfq_invitations__rfq=rfq)
    organisation = get_object_or_404(mine.order_by("pk")[:1])
    act = partial(rfq_invitations.ask_question, rfq=rfq, by=request.user, organisation=organisation, now=timezone.now())
    return _act(request, pk, QuestionForm(request.POST), act, _("Asked. You are told when the buyer answers."))


@login_required
@require_POST
def rfq_question_answer(request, pk):
    mine = RequestForQuotation.objects.editable_by(request.user)
    question = get_object_or_404(RfqQuestion.objects.filter(rfq__in=mine).select_related("rfq__buyer"), pk=pk)
    act = partial(rfq_invitations.answer_question, question=question, by=request.user, now=timezone.now())
    message = _("Answered to all who are invited.")
    return _act(request, question.rfq_id, AnswerForm(request.POST), act, message)
