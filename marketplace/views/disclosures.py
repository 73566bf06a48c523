from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.forms import DisclosureForm
from marketplace.models import Membership, Organisation
from marketplace.models.disclosure import disclosure_of
from marketplace.services import disclosures


@login_required
def disclosure_edit(request, pk):
    """Choose what others see of an organisation, and from which stage of a negotiation."""
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER).select_related("disclosure")
    organisation = get_object_or_404(owned, pk=pk)
    form = DisclosureForm(request.POST or None, request.FILES or None, disclosure=disclosure_of(organisation))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            said = {name: form.cleaned_data[name] for name in (*disclosures.FIELDS, "is_lead", "documents")}
            disclosures.set_disclosure(
                organisation=organisation,
                by=request.user,
                uploads=form.cleaned_data["files"],
                now=timezone.now(),
                **said,
            )
            messages.success(request, _("Saved."))
            return redirect("marketplace:disclosure_edit", pk)
    context = {"form": form, "organisation": organisation, "is_owner": True}
    return render(request, "marketplace/disclosure_edit.html", context, status=form.http_status)
