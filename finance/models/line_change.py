"""What is to become of a line, proposed by one person and confirmed by another."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.line import CreditLine
from marketplace.models import Organisation, User


class LineChangeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the changes at the user's banks, and those that the user's firms asked for."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(bank__in=mine) | Q(parent__borrower__in=mine, kind=LineChange.Kind.OPEN))

    def waiting(self) -> Self:
        return self.filter(verdict=LineChange.Verdict.WAITING)

    def with_names(self) -> Self:
        return self.select_related("bank", "line__borrower", "parent__borrower", "borrower", "made_by", "checked_by")

    def decide(self, verdict: str, **changes) -> int:
        """Answer these if nobody has; one UPDATE decides."""
        return self.waiting().update(verdict=verdict, **changes)


class LineChange(models.Model):
    """A line to be opened, or a line's limit, state or terms to be changed: nothing happens until a second person agrees."""

    class Kind(models.TextChoices):
        OPEN = "open", _("Open a line")
        LIMIT = "limit", _("Change the limit")
        FREEZE = "freeze", _("Freeze")
        UNFREEZE = "unfreeze", _("Unfreeze")
        CLOSE = "close", pgettext_lazy("credit", "Close")

    class Verdict(models.TextChoices):
        WAITING = "waiting", _("Waiting for the second person")
        CONFIRMED = "confirmed", _("Confirmed")
        REFUSED = "refused", pgettext_lazy("credit", "Refused")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    # Of a line to be opened: what it hangs under and whose it is; it comes into being when confirmed.
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    parent = models.ForeignKey(CreditLine, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    borrower = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    line_kind = models.CharField(max_length=10, choices=CreditLine.Kind, blank=True)
    limit = models.DecimalField(_("limit"), max_digits=18, decimal_places=2, null=True, blank=True)
    # The other terms of a line to be opened, as they were said: name, rate_bp, repayment, max_days, starts_on, ends_on.
    terms = models.JSONField(default=dict, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.WAITING)
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = LineChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a credit line")
        verbose_name_plural = _("changes of credit lines")
        constraints = [
            models.CheckConstraint(
                name="line_change_maker_is_not_its_checker", condition=Q(checked_by=None) | ~Q(made_by=F("checked_by"))
            ),
            models.CheckConstraint(
                name="line_change_checked_at_goes_with_verdict",
                condition=Q(verdict="waiting", checked_by=None, checked_at=None)
                | Q(~Q(verdict="waiting"), checked_by__isnull=False, checked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="line_change_is_of_a_line",
                condition=Q(kind="open") & ~Q(line_kind="") & Q(limit__gt=0) | ~Q(kind="open") & Q(line__isnull=False),
            ),
            models.CheckConstraint(
                name="line_change_of_limit_names_it", condition=~Q(kind="limit") | Q(limit__isnull=False, limit__gte=0)
            ),
            models.UniqueConstraint(
                name="line_change_one_waits_per_line",
                fields=["line"],
                condition=Q(verdict="waiting", line__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.line_id or self.line_kind}"
