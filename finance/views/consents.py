from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.consents import ConsentForm
from finance.models import Consent, RecordRead
from finance.models.consent import READERS
from finance.services import consents
from marketplace.models import Membership, Organisation
from marketplace.views.once import once

PER_PAGE = 25


@login_required
@require_GET
def consent_list(request):
    now = timezone.now()
    found = Consent.objects.visible_to(request.user).with_names().order_by("-given_at", "-pk")
    if shows_all := request.GET.get("show") == "all":
        page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    else:
        page = Paginator(found.standing(now), PER_PAGE).get_page(request.GET.get("page"))
    mine = set(Organisation.objects.of(request.user).values_list("pk", flat=True))
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    context = {
        "page": page,
        "rows": [(consent, consent.firm_id in mine) for consent in page],
        "shows_all": shows_all,
        "now": now,
        "owns_a_firm": owned.exclude(kind__in=READERS).exists(),
    }
    return render(request, "finance/consent_list.html", context)


@login_required
@once
def consent_create(request):
    firms = Organisation.objects.of(request.user, Membership.Role.OWNER).exclude(kind__in=READERS)
    get_object_or_404(firms[:1])
    initial = {name: request.GET[name] for name in ("reader", "purpose") if name in request.GET}
    form = ConsentForm(request.POST or None, firms=firms.order_by("pk"), initial=initial)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        with form.showing_refusals():
            consent = consents.give_consent(**form.said(now), by=request.user, now=now)
            messages.success(request, _("The consent stands; its receipt is below."))
            return redirect("finance:consent_detail", consent.pk)
    return render(request, "finance/consent_create.html", {"form": form}, status=form.http_status)


@login_required
@require_GET
def consent_detail(request, pk):
    consent = get_object_or_404(Consent.objects.visible_to(request.user).with_names(), pk=pk)
    reads = consent.reads.with_names().order_by("-at", "-pk")
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    context = {
        "consent": consent,
        "is_ours": Organisation.objects.of(request.user).filter(pk=consent.firm_id).exists(),
        "stands": Consent.objects.standing(timezone.now()).filter(pk=pk).exists(),
        "may_withdraw": owned.filter(pk=consent.firm_id).exists(),
        "page": Paginator(reads, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "finance/consent_detail.html", context)


@login_required
@require_GET
def consent_receipt(request, pk):
    """Hand out the receipt as it was hashed, for either side to keep."""
    consent = get_object_or_404(Consent.objects.visible_to(request.user), pk=pk)
    answer = JsonResponse(consent.receipt | {"sha256": consent.sha256}, json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{consent.number}.json"'
    return answer


@login_required
@require_POST
def consent_withdraw(request, pk):
    consent = get_object_or_404(Consent.objects.visible_to(request.user).with_names(), pk=pk)
    consents.withdraw_consent(consent=consent, by=request.user, now=timezone.now())
    messages.success(request, _("The consent is withdrawn: nothing more can be read under it."))
    return redirect("finance:consent_detail", pk)


@login_required
@require_GET
def read_list(request):
    mine = Organisation.objects.of(request.user)
    reads = RecordRead.objects.filter(firm__in=mine).with_names().order_by("-at", "-pk")
    page = Paginator(reads, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "finance/read_list.html", {"page": page})
