"""A core enterprise's programmes: whom it invites, who joins, and how much of its line they use."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import CreditLine, Drawdown, ProgrammeInvitation
from finance.runs import credit_news as news
from finance.services.loan_pages import LineView, line_views
from marketplace.models import Organisation, User
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role
from marketplace.services.said_values import money

Status = ProgrammeInvitation.Status


class FirmIsInTheProgramme(RuleBroken):
    pass


class InvitationNotInStateForThis(RuleBroken):
    pass


@transaction.atomic
def invite_member(
    *, programme: CreditLine, firm: Organisation, suggested_limit: object, by: User, at: datetime
) -> ProgrammeInvitation:
    """Ask a firm into a programme; the bank gives it a line when it wants to.

    :raises OnlyOwnersMay: if ``by`` does not own the core enterprise
    :raises InputRefused: naming each field that cannot be taken
    :raises FirmIsInTheProgramme: if it was asked before, or has its line
    """
    core = programme.parent.borrower
    require_role(by, core, "owner")
    errors: dict[str, list[str]] = {}
    limit = money(suggested_limit, "suggested_limit", errors)
    if limit is not None and limit > programme.limit:
        errors["suggested_limit"] = [
            _("No more than the limit above it: %(limit)s.") % {"limit": f"{programme.limit:,.2f}"}
        ]
    if firm.pk == core.pk or not firm.is_approved or firm.kind == Organisation.Kind.BANK:
        errors["firm"] = [_("Another approved firm.")]
    if errors:
        raise InputRefused(errors)
    standing = ProgrammeInvitation.objects.filter(programme=programme, firm=firm)
    if standing.filter(status__in=[Status.OPEN, Status.ACCEPTED, Status.MEMBER]).exists():
        raise FirmIsInTheProgramme(_("“%(firm)s” was invited before.") % {"firm": firm.name})
    invitation = ProgrammeInvitation.objects.create(
        programme=programme, firm=firm, suggested_limit=limit, invited_by=by, invited_at=at
    )
    notify_many([news.invited(invitation)], now=at)
    return invitation


@transaction.atomic
def answer_invitation(*, invitation: ProgrammeInvitation, accepts: bool, by: User, at: datetime) -> ProgrammeInvitation:
    """Say whether the firm wants to be in the programme.

    :raises OnlyOwnersMay: if ``by`` does not own the firm
    :raises InvitationNotInStateForThis: if it was answered or withdrawn before
    """
    require_role(by, invitation.firm, "owner")
    status = Status.ACCEPTED if accepts else Status.DECLINED
    invitation = _become(invitation, status, by=by, at=at)
    notify_many([news.invitation_answered(invitation)], now=at)
    return invitation


@transaction.atomic
def withdraw_invitation(*, invitation: ProgrammeInvitation, by: User, at: datetime) -> ProgrammeInvitation:
    """Take an invitation back before the bank has given a line.

    :raises OnlyOwnersMay: if ``by`` does not own the core enterprise
    :raises InvitationNotInStateForThis: if the firm declined, or has its line
    """
    require_role(by, invitation.programme.parent.borrower, "owner")
    return _become(invitation, Status.WITHDRAWN, by=by, at=at)


def _become(invitation: ProgrammeInvitation, status: str, *, by: User, at: datetime) -> ProgrammeInvitation:
    rows = ProgrammeInvitation.objects.filter(pk=invitation.pk)
    if not rows.become(status, answered_by=by, answered_at=at):
        raise InvitationNotInStateForThis(_("This invitation was answered or withdrawn before."))
    return ProgrammeInvitation.objects.with_names().get(pk=invitation.pk)


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member's line and its open loans."""

    view: LineView
    loans: int
    owed: Decimal
    overdue: int


def members_of(programme: CreditLine) -> list[MemberView]:
    """Return the members' lines of a programme with what is owed, those that owe most first."""
    views = line_views(programme.children.with_names().order_by("pk"))
    sums = {row["line"]: row for row in _owed(programme)}
    late = dict(
        Drawdown.objects.open()
        .filter(line__parent=programme, overdue_since__isnull=False)
        .values_list("line")
        .annotate(Count("pk"))
        .order_by()
    )
    found = [
        MemberView(view, row.get("loans", 0), row.get("owed", Decimal(0)), late.get(view.line.pk, 0))
        for view in views
        for row in [sums.get(view.line.pk, {})]
    ]
    return sorted(found, key=lambda member: (-member.owed, member.view.line.pk))


def _owed(programme: CreditLine):
    rows = Drawdown.objects.open().filter(line__parent=programme).values("line").order_by()
    return rows.annotate(loans=Count("pk"), owed=Sum("principal_left"))


def programmes_of(user: User):
    """Return the programmes of the core enterprises that the user belongs to."""
    mine = Organisation.objects.of(user)
    rows = CreditLine.objects.filter(kind=CreditLine.Kind.PROGRAMME, parent__borrower__in=mine)
    return rows.with_names().order_by("-opened_at", "-pk")


def core_lines_of(user: User, *roles: str):
    """Return the running lines of core enterprises that the user belongs to."""
    mine = Organisation.objects.of(user, *roles)
    rows = CreditLine.objects.filter(kind=CreditLine.Kind.CORE, borrower__in=mine)
    return rows.exclude(status=CreditLine.Status.CLOSED).with_names().order_by("-opened_at", "-pk")
