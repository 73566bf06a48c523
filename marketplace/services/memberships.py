import hashlib
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Invitation, Membership, Organisation, User
from marketplace.parsing.draft_fields import ProblemError, decimal
from marketplace.services import announcements
from marketplace.services.organisations import OnlyMembersMay, require_role

INVITATION_LASTS = timedelta(days=14)


class AlreadyMember(RuleBroken):
    pass


class InvitationNoLongerOpen(RuleBroken):
    pass


class LastOwnerCannotLeave(RuleBroken):
    pass


class NoLongerMember(RuleBroken):
    pass


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _check_role(organisation: Organisation, role: str) -> None:
    if role not in Membership.ROLES[organisation.kind]:
        raise InputRefused({"role": [_("An organisation of this kind has no such role.")]})


@transaction.atomic
def invite(*, organisation: Organisation, email: str, role: str, by: User, now: datetime) -> tuple[Invitation, str]:
    """Ask a person by e-mail to join; return the invitation and the token of its link, of which only a hash is kept.

    An earlier invitation of the same address is replaced.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises AlreadyMember: if the address is a member's
    """
    require_role(by, organisation, Membership.Role.OWNER)
    _check_role(organisation, role)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InputRefused({"email": error.messages}) from error
    # Two owners inviting one person at once: the second waits here, then replaces.
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if organisation.memberships.filter(user__email__iexact=email).exists():
        raise AlreadyMember(_("%(email)s is a member already.") % {"email": email})
    organisation.invitations.pending().filter(email=email).update(withdrawn_at=now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=email,
        role=role,
        token_hash=_hash(token),
        invited_by=by,
        created_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    announcements.invitation_sent(invitation, token, now=now)
    return invitation, token


def find_invitation(*, token: str, now: datetime) -> Invitation | None:
    """Return the open invitation a link leads to, or None."""
    return (
        Invitation.objects.open(now)
        .filter(token_hash=_hash(token))
        .select_related("organisation", "invited_by")
        .first()
    )


@transaction.atomic
def accept_invitation(*, token: str, by: User, now: datetime) -> Membership:
    """Join the organisation that the link's invitation names; whoever holds the link may accept it, once.

    :raises InvitationNoLongerOpen: if it was accepted or withdrawn, or has expired
    :raises AlreadyMember: if the user is one
    """
    invitation = Invitation.objects.open(now).filter(token_hash=_hash(token)).first()
    # One UPDATE decides, so a link opened twice makes one member.
    if invitation is None or not Invitation.objects.open(now).filter(pk=invitation.pk).update(
        accepted_at=now, accepted_by=by
    ):
        raise InvitationNoLongerOpen(_("This invitation was used or withdrawn, or has expired: ask for a new one."))
    membership, is_new = Membership.objects.get_or_create(
        user=by, organisation=invitation.organisation, defaults={"role": invitation.role, "created_at": now}
    )
    if not is_new:
        raise AlreadyMember(_("You are a member of “%(name)s” already.") % {"name": invitation.organisation.name})
    announcements.member_joined(membership, now=now)
    return membership


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User, now: datetime) -> None:
    """Make the link worthless.

    :raises InvitationNoLongerOpen: if it was accepted or withdrawn before
    """
    require_role(by, invitation.organisation, Membership.Role.OWNER)
    if not Invitation.objects.pending().filter(pk=invitation.pk).update(withdrawn_at=now):
        raise InvitationNoLongerOpen(_("This invitation was accepted or withdrawn already."))


def _lock(membership: Membership) -> Membership:
    """Return the membership as it stands, its organisation's row locked: the rule is about all of its owners."""
    Organisation.objects.select_for_update().get(pk=membership.organisation_id)
    current = Membership.objects.filter(pk=membership.pk).select_related("organisation").first()
    if current is None:
        raise NoLongerMember(_("This person is no longer a member."))
    return current


def _keep_an_owner(membership: Membership) -> None:
    owners = membership.organisation.memberships.owners()
    if membership.role == Membership.Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwnerCannotLeave(_("An organisation needs an owner: hand it over first."))


@transaction.atomic
def remove_member(*, membership: Membership, by: User, now: datetime) -> None:
    """Take a member out; an owner may remove anybody, everybody may leave.

    :raises LastOwnerCannotLeave: if nobody else owns the organisation
    """
    membership = _lock(membership)
    if membership.user_id != by.pk:
        require_role(by, membership.organisation, Membership.Role.OWNER)
    _keep_an_owner(membership)
    if membership.user_id != by.pk:
        announcements.member_removed(membership, now=now)
    membership.delete()


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: User) -> Membership:
    """Give a member another role.

    :raises LastOwnerCannotLeave: if the only owner would become something else
    """
    membership = _lock(membership)
    require_role(by, membership.organisation, Membership.Role.OWNER)
    _check_role(membership.organisation, role)
    if role != Membership.Role.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def set_approval_limit(*, membership: Membership, limit: object, by: User) -> Membership:
    """Say up to which total (CNY) a member sends and accepts offers alone; None or "" lifts the limit.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises InputRefused: if it is no amount
    """
    membership = _lock(membership)
    require_role(by, membership.organisation, Membership.Role.OWNER)
    membership.approval_limit = _amount(limit)
    membership.save(update_fields=["approval_limit"])
    return membership


def _amount(said: object) -> Decimal | None:
    if said is None or said == "":
        return None
    try:
        return decimal(places=2, zero=True)(said)
    except ProblemError as problem:
        message = problem.en if get_language() == "en" else problem.zh
        raise InputRefused({"approval_limit": [message]}) from problem


@transaction.atomic
def hand_over(*, membership: Membership, by: User) -> None:
    """Make this member owner in place of ``by``, who stays as a trader.

    :raises OnlyMembersMay: if ``by`` would hand over to themselves
    """
    membership = _lock(membership)
    require_role(by, membership.organisation, Membership.Role.OWNER)
    if membership.user_id == by.pk:
        raise OnlyMembersMay(_("Choose another member to hand the organisation to."))
    Membership.objects.filter(pk=membership.pk).update(role=Membership.Role.OWNER)
    membership.organisation.memberships.filter(user=by).update(role=Membership.Role.TRADER)
