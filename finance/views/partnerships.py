from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from finance.forms.covers import PartnershipForm, ReasonForm
from finance.models import Guarantee, Partnership
from finance.services import partnerships
from finance.services.cover_pages import works_for
from finance.services.partner_people import RELEASING_ROLES, WRITING_ROLES
from finance.services.sides import SIDES
from marketplace.models import Organisation
from marketplace.views.once import once

PER_PAGE = 25
BANK = Organisation.Kind.BANK
# What is done to a partnership: the service, whether it takes a reason, what is said then.
ACTS = {
    "sign-for-bank": (partnerships.sign_for_bank, False, gettext_lazy("Signed and offered to the partner.")),
    "sign": (partnerships.sign_for_partner, False, gettext_lazy("Signed: the partnership is in force.")),
    "refuse": (partnerships.refuse_partnership, True, gettext_lazy("Refused.")),
    "end": (partnerships.end_partnership, True, gettext_lazy("Ended: nothing new is covered under it.")),
}


@login_required
@require_GET
def partnership_list(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind__in=SIDES)[:1])
    found = Partnership.objects.visible_to(request.user).with_names().order_by("-proposed_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    may_propose = Organisation.objects.of(request.user, *WRITING_ROLES).filter(kind=BANK).exists()
    return render(request, "finance/partnership_list.html", {"page": page, "may_propose": may_propose})


@login_required
@once
def partnership_create(request):
    banks = Organisation.objects.of(request.user, *WRITING_ROLES).filter(kind=BANK).order_by("pk")
    get_object_or_404(banks[:1])
    today = timezone.localdate()
    initial = {"valid_from": today, "valid_until": today.replace(day=1, year=today.year + 2)}
    form = PartnershipForm(
        request.POST or None,
        banks=banks,
        partners=partnerships.partners_to_choose(),
        core_enterprises=partnerships.core_enterprises_of(*banks),
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        sides = {"bank": said.pop("bank"), "partner": said.pop("partner")}
        with form.showing_refusals():
            made = partnerships.propose_partnership(said=said, by=request.user, now=timezone.now(), **sides)
            messages.success(request, _("Proposed: another person of the bank signs it now."))
            return redirect("finance:partnership_detail", made.pk)
    return render(request, "finance/partnership_create.html", {"form": form}, status=form.http_status)


def _shown(request, made, form=None):
    user = request.user
    signs_bank, signs_partner = (
        works_for(user, made.bank, *RELEASING_ROLES),
        works_for(user, made.partner, *RELEASING_ROLES),
    )
    status = Partnership.Status
    context = {
        "partnership": made,
        "covers": Guarantee.objects.visible_to(user)
        .filter(partnership=made)
        .with_names()
        .order_by("-promised_at")[:50],
        "form": form or ReasonForm(),
        "may_sign_for_bank": made.status == status.PROPOSED and signs_bank and made.proposed_by_id != user.pk,
        "may_sign": made.status == status.OFFERED and signs_partner,
        "may_refuse": (made.status == status.PROPOSED and signs_bank)
        or (made.status == status.OFFERED and signs_partner),
        "may_end": made.status == status.ACTIVE and (signs_bank or signs_partner),
    }
    return render(request, "finance/partnership_detail.html", context, status=form.http_status if form else 200)


@login_required
@require_GET
def partnership_detail(request, pk):
    return _shown(request, get_object_or_404(Partnership.objects.visible_to(request.user).with_names(), pk=pk))


@login_required
@require_POST
def partnership_act(request, pk, act):
    made = get_object_or_404(Partnership.objects.visible_to(request.user).with_names(), pk=pk)
    if act not in ACTS:
        raise Http404
    service, takes_reason, done = ACTS[act]
    form = ReasonForm(request.POST) if takes_reason else None
    if form is None:
        service(partnership=made, by=request.user, now=timezone.now())
        messages.success(request, done)
        return redirect("finance:partnership_detail", pk)
    if form.is_valid():
        with form.showing_refusals():
            service(partnership=made, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, done)
            return redirect("finance:partnership_detail", pk)
    return _shown(request, made, form)
