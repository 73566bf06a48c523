"""Who acts for an insurer or guarantor: one person quotes or answers, a second one releases; where there is only one, all see it."""

from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Membership, Organisation, User

# Who writes, and who releases what another wrote.
WRITING_ROLES = (Membership.Role.MAKER, Membership.Role.OWNER)
RELEASING_ROLES = (Membership.Role.CHECKER, Membership.Role.OWNER)
# Who belongs to the credit business of a bank or partner at all.
ALL_ROLES = (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER, Membership.Role.VIEWER)


class AnotherPersonMust(RuleBroken):
    """Who wrote something may not release it."""


def signs_alone(user: User, organisation: Organisation) -> bool:
    """Return whether this owner is the only one there who could quote or release."""
    acting = organisation.memberships.filter(role__in={*WRITING_ROLES, *RELEASING_ROLES})
    roles = list(acting.values_list("user_id", "role"))
    return roles == [(user.pk, Membership.Role.OWNER)]


def require_another(by: User, *written_by: User | None) -> None:
    """Refuse the person who wrote what is now to be signed."""
    if by.pk in {user.pk for user in written_by if user is not None}:
        raise AnotherPersonMust(_("You wrote this yourself: another person has to sign it."))
