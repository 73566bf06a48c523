"""Whom a core enterprise wants in its programme."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.line import CreditLine
from marketplace.models import Organisation, User


class ProgrammeInvitationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the invitations of the user's firms, those they made, and those to programmes at the user's banks."""
        mine = Organisation.objects.of(user)
        made = Q(programme__parent__borrower__in=mine)
        return self.filter(Q(firm__in=mine) | made | Q(programme__bank__in=mine))

    def answerable_by(self, user: User) -> Self:
        """Return what the user's firms were asked and have not answered; an owner answers."""
        firms = Organisation.objects.of(user, "owner")
        return self.filter(firm__in=firms, status=ProgrammeInvitation.Status.OPEN)

    def with_names(self) -> Self:
        return self.select_related("firm", "programme__bank", "programme__parent__borrower")

    def become(self, status: str, **changes) -> int:
        """Move these invitations to the status where their present one allows it; one UPDATE decides."""
        reachable = self.filter(status__in=ProgrammeInvitation.TRANSITIONS[status])
        return reachable.update(status=status, **changes)


class ProgrammeInvitation(models.Model):
    """A core enterprise asks a firm into its programme; the bank gives an accepted one its line."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting for the firm")
        ACCEPTED = "accepted", pgettext_lazy("invitation", "Accepted")
        MEMBER = "member", _("Has its line")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    TRANSITIONS = {
        Status.ACCEPTED: (Status.OPEN,),
        Status.MEMBER: (Status.OPEN, Status.ACCEPTED),
        Status.DECLINED: (Status.OPEN,),
        Status.WITHDRAWN: (Status.OPEN, Status.ACCEPTED),
    }

    programme = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="invitations")
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="programme_invitations")
    suggested_limit = models.DecimalField(_("suggested limit"), max_digits=18, decimal_places=2)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = ProgrammeInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation to a programme")
        verbose_name_plural = _("invitations to programmes")
        constraints = [
            models.UniqueConstraint(
                name="programme_invitation_one_stands_per_firm",
                fields=["programme", "firm"],
                condition=Q(status__in=["open", "accepted", "member"]),
            ),
            models.CheckConstraint(name="programme_invitation_suggests_a_limit", condition=Q(suggested_limit__gt=0)),
        ]

    def __str__(self):
        return f"{self.firm_id} → {self.programme_id}"
