from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.organisation import Organisation
from marketplace.models.user import User


class MembershipQuerySet(models.QuerySet):
    def owners(self) -> Self:
        return self.filter(role=Membership.Role.OWNER)


class Membership(models.Model):
    """What a user may do for an organisation."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        TRADER = "trader", _("Trader")
        APPROVER = "approver", _("Approver")
        VIEWER = "viewer", _("Viewer")
        MAKER = "maker", _("Maker")
        CHECKER = "checker", _("Checker")
        OPERATOR = "operator", _("Park operator")
        GATEKEEPER = "gatekeeper", _("Gatekeeper")

    # Which roles post and edit listings in the organisation's name.
    TRADING_ROLES = (Role.OWNER, Role.TRADER)
    COMMON_ROLES = (Role.OWNER, Role.TRADER, Role.APPROVER, Role.VIEWER)
    # Who lends or carries a risk decides with four eyes; a park also has people at its gates.
    ROLES = {
        Organisation.Kind.ENTERPRISE: COMMON_ROLES,
        Organisation.Kind.STUDIO: COMMON_ROLES,
        Organisation.Kind.PARK_OPERATOR: (*COMMON_ROLES, Role.OPERATOR, Role.GATEKEEPER),
        Organisation.Kind.BANK: (*COMMON_ROLES, Role.MAKER, Role.CHECKER),
        Organisation.Kind.INSURER: (*COMMON_ROLES, Role.MAKER, Role.CHECKER),
        Organisation.Kind.GUARANTOR: (*COMMON_ROLES, Role.MAKER, Role.CHECKER),
    }

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role)
    # Offers above it go to an approver first; in CNY, and any offer in another currency counts as above.
    approval_limit = models.DecimalField(
        _("approval limit (CNY)"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    created_at = models.DateTimeField()

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(name="membership_once_per_user_and_organisation", fields=["user", "organisation"]),
            models.CheckConstraint(
                name="membership_approval_limit_is_not_negative",
                condition=Q(approval_limit=None) | Q(approval_limit__gte=0),
            ),
        ]

    def __str__(self):
        return f"{self.user_id} is {self.role} of {self.organisation_id}"


class InvitationQuerySet(models.QuerySet):
    def open(self, now: datetime) -> Self:
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)

    def pending(self) -> Self:
        """Return what was neither accepted nor withdrawn, expired or not."""
        return self.filter(accepted_at=None, withdrawn_at=None)


class Invitation(models.Model):
    """A person is asked by e-mail to join an organisation; only the hash of the link's token is kept."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=12, choices=Membership.Role)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                name="invitation_one_open_per_email",
                fields=["organisation", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(
                name="invitation_accepted_at_goes_with_accepted_by",
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, withdrawn_at=None),
            ),
        ]

    def __str__(self):
        return f"{self.email} → {self.organisation_id}"
