from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from finance.forms.decisions import AuthorityForm
from finance.models import Authority
from finance.services import authorities
from marketplace.models import Organisation
from marketplace.views.once import once


@login_required
@once
def authority_list(request):
    """Show who may decide up to which amount; the bank's owner gives more on the same page."""
    bank = get_object_or_404(Organisation.objects.of(request.user).filter(kind=Organisation.Kind.BANK)[:1])
    is_owner = Organisation.objects.of(request.user, "owner").filter(pk=bank.pk).exists()
    form = AuthorityForm(request.POST or None, bank=bank)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            authorities.give_authority(bank=bank, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The authority is given; an older one has ended."))
            return redirect("finance:authority_list")
    found = Authority.objects.of_bank(request.user).with_names().order_by("-ended_at", "-up_to_amount", "pk")
    context = {"authorities": found, "form": form, "is_owner": is_owner, "bank": bank}
    return render(request, "finance/authority_list.html", context, status=form.http_status)


@login_required
@require_POST
def authority_end(request, pk):
    authority = get_object_or_404(Authority.objects.editable_by(request.user).with_names(), pk=pk)
    authorities.end_authority(authority=authority, by=request.user, now=timezone.now())
    messages.success(request, _("The authority has ended."))
    return redirect("finance:authority_list")
