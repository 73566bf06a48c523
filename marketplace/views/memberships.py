from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import ApprovalLimitForm, InvitationForm, RoleForm
from marketplace.models import Invitation, Membership, Organisation
from marketplace.services import memberships


def _owned(request):
    return Organisation.objects.of(request.user, Membership.Role.OWNER)


@login_required
def membership_list(request, pk):
    """Show who may act for the organisation; an owner invites others from here."""
    organisation = get_object_or_404(Organisation.objects.of(request.user), pk=pk)
    is_owner = _owned(request).filter(pk=pk).exists()
    form = InvitationForm(request.POST or None, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            memberships.invite(organisation=organisation, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The invitation goes to %(email)s.") % form.cleaned_data)
            return redirect("marketplace:membership_list", pk)
    members = organisation.memberships.select_related("user").order_by("created_at", "pk")
    context = {
        "organisation": organisation,
        "form": form,
        "is_owner": is_owner,
        "rows": [
            (
                member,
                RoleForm(organisation=organisation, initial={"role": member.role}, auto_id=f"id_{member.pk}_%s"),
                ApprovalLimitForm(initial={"approval_limit": member.approval_limit}, auto_id=f"id_{member.pk}_%s"),
            )
            for member in members
        ],
        "invitations": organisation.invitations.open(timezone.now()).order_by("-pk") if is_owner else [],
    }
    return render(request, "marketplace/membership_list.html", context, status=form.http_status)


@login_required
@require_POST
def membership_change_role(request, pk):
    membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
    form = RoleForm(request.POST, organisation=membership.organisation)
    if form.is_valid():
        memberships.change_role(membership=membership, by=request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
    return redirect("marketplace:membership_list", membership.organisation_id)


@login_required
@require_POST
def membership_set_limit(request, pk):
    membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
    form = ApprovalLimitForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            limit = form.cleaned_data["approval_limit"]
            memberships.set_approval_limit(membership=membership, limit=limit, by=request.user)
            messages.success(request, _("Saved."))
    for errors in form.errors.values():
        messages.error(request, " ".join(errors))
    return redirect("marketplace:membership_list", membership.organisation_id)


@login_required
@require_POST
def membership_remove(request, pk):
    reachable = Membership.objects.filter(organisation__in=Organisation.objects.of(request.user))
    membership = get_object_or_404(reachable.select_related("user"), pk=pk)
    memberships.remove_member(membership=membership, by=request.user, now=timezone.now())
    if membership.user == request.user:
        messages.success(request, _("You have left the organisation."))
        return redirect("marketplace:workspace")
    messages.success(request, _("%(name)s is no longer a member.") % {"name": membership.user.username})
    return redirect("marketplace:membership_list", membership.organisation_id)


@login_required
@require_POST
def membership_hand_over(request, pk):
    membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
    memberships.hand_over(membership=membership, by=request.user)
    messages.success(request, _("Handed over: %(name)s is the owner now.") % {"name": membership.user.username})
    return redirect("marketplace:membership_list", membership.organisation_id)


@login_required
@require_POST
def invitation_withdraw(request, pk):
    invitation = get_object_or_404(Invitation.objects.filter(organisation__in=_owned(request)), pk=pk)
    memberships.withdraw_invitation(invitation=invitation, by=request.user, now=timezone.now())
    messages.success(request, _("The invitation was withdrawn."))
    return redirect("marketplace:membership_list", invitation.organisation_id)


@require_GET
def invitation_detail(request, token):
    """Say who invites to what; who has no account yet makes one and comes back here."""
    invitation = memberships.find_invitation(token=token, now=timezone.now())
    status = 200 if invitation else 404
    return render(
        request, "marketplace/invitation_detail.html", {"invitation": invitation, "token": token}, status=status
    )


@login_required
@require_POST
def invitation_accept(request, token):
    membership = memberships.accept_invitation(token=token, by=request.user, now=timezone.now())
    messages.success(request, _("Welcome to “%(name)s”.") % {"name": membership.organisation.name})
    return redirect("marketplace:organisation_detail", membership.organisation_id)
