from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.lending import MemberForm, ProgrammeForm
from finance.models import CreditLine, ProgrammeInvitation
from finance.services import line_changes, loan_pages, programmes
from marketplace.models import Membership
from marketplace.views.once import once


@login_required
@require_GET
def programme_list(request):
    cores = programmes.core_lines_of(request.user)
    owned = programmes.core_lines_of(request.user, Membership.Role.OWNER)
    context = {
        "cores": loan_pages.line_views(cores),
        "programmes": loan_pages.line_views(programmes.programmes_of(request.user)),
        "may_propose": owned.exists(),
    }
    return render(request, "finance/programme_list.html", context)


@login_required
@once
def programme_create(request):
    cores = programmes.core_lines_of(request.user, Membership.Role.OWNER)
    get_object_or_404(cores[:1])
    form = ProgrammeForm(request.POST or None, cores=cores)
    if request.method == "POST" and form.is_valid():
        said, now = form.cleaned_data, timezone.now()
        core = said["core"]
        terms = {"name": said["name"], "starts_on": timezone.localdate(now), "ends_on": said["ends_on"]}
        with form.showing_refusals():
            line_changes.propose_line(
                bank=core.bank,
                parent=core,
                kind=CreditLine.Kind.PROGRAMME,
                limit=said["limit"],
                terms=terms | {"rate_bp": core.rate_bp, "repayment": core.repayment, "max_days": core.max_days},
                reason=said["reason"],
                by=request.user,
                at=now,
            )
            messages.success(request, _("Asked for: a checker of the bank confirms it."))
            return redirect("finance:programme_list")
    return render(request, "finance/programme_create.html", {"form": form}, status=form.http_status)


def _programme_page(request, pk, form):
    programme = get_object_or_404(programmes.programmes_of(request.user), pk=pk)
    [view] = loan_pages.line_views([programme])
    owned = programmes.core_lines_of(request.user, Membership.Role.OWNER)
    context = {
        "programme": programme,
        "view": view,
        "members": programmes.members_of(programme),
        "invitations": programme.invitations.with_names().order_by("-invited_at", "-pk"),
        "is_owner": owned.filter(pk=programme.parent_id).exists(),
        "form": form,
    }
    return render(request, "finance/programme_detail.html", context, status=form.http_status)


@login_required
@require_GET
def programme_detail(request, pk):
    return _programme_page(request, pk, MemberForm())


@login_required
@require_POST
@once
def programme_invite(request, pk):
    programme = get_object_or_404(programmes.programmes_of(request.user), pk=pk)
    form = MemberForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            programmes.invite_member(programme=programme, **form.cleaned_data, by=request.user, at=timezone.now())
            messages.success(request, _("Invited."))
            return redirect("finance:programme_detail", pk)
    return _programme_page(request, pk, form)


@login_required
@require_POST
def invitation_answer(request, pk, answer):
    rows = ProgrammeInvitation.objects.answerable_by(request.user).with_names()
    invitation = get_object_or_404(rows, pk=pk)
    accepts = answer == "accept"
    programmes.answer_invitation(invitation=invitation, accepts=accepts, by=request.user, at=timezone.now())
    messages.success(request, _("Accepted: apply to the bank for your line.") if accepts else _("Declined."))
    return redirect("finance:loan_list")


@login_required
@require_POST
def invitation_withdraw(request, pk):
    rows = ProgrammeInvitation.objects.filter(programme__in=programmes.programmes_of(request.user))
    invitation = get_object_or_404(rows.with_names(), pk=pk)
    programmes.withdraw_invitation(invitation=invitation, by=request.user, at=timezone.now())
    messages.success(request, _("Taken back."))
    return redirect("finance:programme_detail", invitation.programme_id)
