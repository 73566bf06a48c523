from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from finance.forms.covers import CoverRequestForm, QuoteForm, ReasonForm
from finance.models import Application, CoverQuote, CreditLine, Guarantee, Partnership
from finance.services import cover_pages, covers
from finance.services.cover_pages import works_for
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS
from finance.services.partner_people import ALL_ROLES, RELEASING_ROLES, WRITING_ROLES
from finance.services.sides import SIDES
from marketplace.models import Organisation
from marketplace.views.once import once

PER_PAGE = 25
# What is done to a quote: the service, whether it takes a reason, what is said then.
ACTS = {
    "release": (covers.release_quote, False, gettext_lazy("Released: the bank has the quote.")),
    "return": (covers.return_quote, True, gettext_lazy("Sent back.")),
    "decline": (covers.decline_quote, True, gettext_lazy("Declined.")),
    "accept": (covers.accept_quote, False, gettext_lazy("Accepted: the letter is awaited.")),
    "refuse": (covers.refuse_quote, True, gettext_lazy("Refused.")),
    "withdraw": (covers.withdraw_request, True, gettext_lazy("Withdrawn.")),
}


@login_required
@require_GET
def partner_quotes(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=SIDES)[:1])
    shows_all = request.GET.get("show") == "all"
    found = CoverQuote.objects.visible_to(request.user).with_names()
    found = found.order_by("-requested_at", "-pk") if shows_all else found.running().order_by("act_by", "pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "finance/partner_quotes.html", {"page": page, "shows_all": shows_all})


def _asked_for(request):
    """Return the application or line that a cover is asked for, one of the user's own bank."""
    applications = Application.objects.of_bank(request.user, *BANK_MAKERS).select_related("firm", "bank")
    lines = CreditLine.objects.filter(bank__in=Organisation.objects.of(request.user, *BANK_MAKERS))
    asked = {name: request.GET.get(name, "") for name in ("application", "line")}
    if asked["application"].isdigit():
        return {"application": get_object_or_404(applications, pk=asked["application"])}
    if asked["line"].isdigit():
        return {"line": get_object_or_404(lines.exclude(borrower=None).select_related("borrower"), pk=asked["line"])}
    raise Http404


@login_required
@once
def quote_create(request):
    target = _asked_for(request)
    credit = next(iter(target.values()))
    in_force = Partnership.objects.in_force(timezone.localdate()).filter(bank=credit.bank_id).with_names()
    sizes = ("amount", "days") if "application" in target else ("limit", "max_days")
    initial = {name: getattr(credit, size) for name, size in zip(("amount", "days"), sizes, strict=True)}
    form = CoverRequestForm(request.POST or None, partnerships=in_force.order_by("pk"), initial=initial)
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        partnership = said.pop("partnership")
        with form.showing_refusals():
            now = timezone.now()
            quote = covers.request_cover(partnership=partnership, said=said, by=request.user, now=now, **target)
            messages.success(request, _("Asked: the partner quotes now."))
            return redirect("finance:quote_detail", quote.pk)
    firm = credit.firm if "application" in target else credit.borrower
    context = {"form": form, "credit": credit, "firm": firm, "has_partners": in_force.exists()}
    return render(request, "finance/quote_create.html", context, status=form.http_status)


def _shown(request, quote, *, quote_form=None, reason_form=None):
    user, status = request.user, CoverQuote.Status
    is_partner = works_for(user, quote.partner, *ALL_ROLES)
    writes, releases = works_for(user, quote.partner, *WRITING_ROLES), works_for(user, quote.partner, *RELEASING_ROLES)
    makes, checks = works_for(user, quote.bank, *BANK_MAKERS), works_for(user, quote.bank, *BANK_CHECKERS)
    is_drafted, is_running = quote.status == status.DRAFTED, quote.status in CoverQuote.RUNNING
    context = {
        "quote": quote,
        "guarantee": Guarantee.objects.visible_to(user).filter(quote=quote).first(),
        "seen": cover_pages.firm_for_partner(quote=quote, by=user, now=timezone.now())
        if is_partner and is_running
        else None,
        "quote_form": quote_form
        or QuoteForm(
            initial={
                "share_percent": quote.share_percent or quote.partnership.share_percent,
                "premium_bp": quote.premium_bp,
                "valid_until": quote.valid_until,
                "conditions": quote.conditions,
            }
        ),
        "form": reason_form or ReasonForm(),
        "may_draft": quote.status == status.REQUESTED and writes,
        "may_release": is_drafted and releases and quote.quoted_by_id != user.pk,
        "may_decline": quote.status in (status.REQUESTED, status.DRAFTED) and (writes or releases),
        "may_accept": quote.status == status.RELEASED and checks and quote.requested_by_id != user.pk,
        "may_refuse": quote.status == status.RELEASED and (makes or checks),
        "may_withdraw": is_running and makes,
    }
    form = quote_form or reason_form
    return render(request, "finance/quote_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def quote_detail(request, pk):
    return _shown(request, get_object_or_404(CoverQuote.objects.visible_to(request.user).with_names(), pk=pk))


@login_required
@require_POST
def quote_draft(request, pk):
    quote = get_object_or_404(CoverQuote.objects.of_partner(request.user, *WRITING_ROLES).with_names(), pk=pk)
    form = QuoteForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            covers.draft_quote(quote=quote, said=form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("Quoted: what waits for whom stands below."))
            return redirect("finance:quote_detail", pk)
    return _shown(request, quote, quote_form=form)


@login_required
@require_POST
def quote_act(request, pk, act):
    quote = get_object_or_404(CoverQuote.objects.visible_to(request.user).with_names(), pk=pk)
    if act not in ACTS:
        raise Http404
    service, takes_reason, done = ACTS[act]
    said = {"quote": quote, "by": request.user, "now": timezone.now()}
    form = ReasonForm(request.POST) if takes_reason else None
    if form is None:
        service(**said)
        messages.success(request, done)
        return redirect("finance:quote_detail", pk)
    if form.is_valid():
        with form.showing_refusals():
            service(**said, **form.cleaned_data)
            messages.success(request, done)
            return redirect("finance:quote_detail", pk)
    return _shown(request, quote, reason_form=form)


@login_required
@require_GET
def partner_covers(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=SIDES)[:1])
    found = Guarantee.objects.visible_to(request.user).with_names()
    if not (shows_all := request.GET.get("show") == "all"):
        found = found.binding()
    page = Paginator(cover_pages.with_exposure(found).order_by("-promised_at", "-pk"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    mine = set(Organisation.objects.of(request.user, *ALL_ROLES).values_list("pk", flat=True))
    own = [one for one in page if one.partner_id in mine]
    counts = cover_pages.warning_counts(guarantees=own, now=timezone.now())
    rows = [(one, counts.get(one.pk, 0)) for one in page]
    return render(request, "finance/partner_covers.html", {"page": page, "rows": rows, "shows_all": shows_all})


def _cover_shown(request, guarantee, form=None):
    now, user = timezone.now(), request.user
    is_partner = works_for(user, guarantee.partner, *ALL_ROLES)
    is_bank = works_for(user, guarantee.bank, *ALL_ROLES)
    context = {
        "guarantee": guarantee,
        # The firm sees that it is covered; what is claimed is between bank and partner.
        "loans": cover_pages.loans_of(guarantee, now=now) if is_bank or is_partner else [],
        "warnings": cover_pages.warnings_for(guarantee=guarantee, by=user, now=now) if is_partner else [],
        "acts": guarantee.offline_acts.order_by("pk") if is_bank or is_partner else [],
        "may_claim": works_for(user, guarantee.bank, *BANK_MAKERS),
        "may_release": guarantee.status in ("promised", "issued", "active")
        and works_for(user, guarantee.bank, *BANK_CHECKERS),
        "form": form or ReasonForm(),
    }
    return render(request, "finance/guarantee_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def guarantee_detail(request, pk):
    found = cover_pages.with_exposure(Guarantee.objects.visible_to(request.user).with_names())
    return _cover_shown(request, get_object_or_404(found, pk=pk))


@login_required
@require_POST
def guarantee_release(request, pk):
    mine = cover_pages.with_exposure(Guarantee.objects.of_bank(request.user, *BANK_CHECKERS).with_names())
    guarantee, form = get_object_or_404(mine, pk=pk), ReasonForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            covers.release_guarantee(guarantee=guarantee, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Released."))
            return redirect("finance:guarantee_detail", pk)
    return _cover_shown(request, guarantee, form)
