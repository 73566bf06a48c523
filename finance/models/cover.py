"""A partner is asked what it would cover of a firm's credit, and for how much; what was agreed is a guarantee."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Actor, Application
from finance.models.line import CreditLine
from finance.models.partnership import Partnership
from marketplace.models import Organisation, User

ZERO = Decimal(0)


class CoverQuoteQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        mine = Organisation.objects.of(user)
        return self.filter(Q(partnership__bank__in=mine) | Q(partnership__partner__in=mine))

    def of_bank(self, user: User, *roles: str) -> Self:
        return self.filter(partnership__bank__in=Organisation.objects.of(user, *roles))

    def of_partner(self, user: User, *roles: str) -> Self:
        return self.filter(partnership__partner__in=Organisation.objects.of(user, *roles))

    def running(self) -> Self:
        return self.filter(status__in=CoverQuote.RUNNING)

    def late(self, now: datetime) -> Self:
        """Return those whose time to answer has passed."""
        return self.running().filter(act_by__lte=now)

    def with_names(self) -> Self:
        return self.select_related("partnership__bank", "partnership__partner", "firm", "application", "line")

    def become(self, status: str, **changes) -> int:
        """Move these quotes to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=CoverQuote.TRANSITIONS[status]).update(status=status, **changes)


class CoverQuote(models.Model):
    """A bank's request to a partner to cover a part of a credit, and the partner's answer.

    Asked by the bank's maker, quoted by the partner's maker, released by its second person, accepted by the bank's.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", pgettext_lazy("cover", "Requested")
        DRAFTED = "drafted", pgettext_lazy("cover", "Waiting for the partner's second person")
        RELEASED = "released", pgettext_lazy("cover", "Quoted")
        ACCEPTED = "accepted", pgettext_lazy("cover", "Accepted")
        DECLINED = "declined", pgettext_lazy("cover", "Declined by the partner")
        REFUSED = "refused", pgettext_lazy("cover", "Refused by the bank")
        WITHDRAWN = "withdrawn", pgettext_lazy("cover", "Withdrawn by the bank")
        LAPSED = "lapsed", pgettext_lazy("cover", "Lapsed")

    TRANSITIONS = {
        # The second person may send a draft back.
        Status.REQUESTED: (Status.DRAFTED,),
        Status.DRAFTED: (Status.REQUESTED,),
        Status.RELEASED: (Status.DRAFTED, Status.REQUESTED),
        Status.ACCEPTED: (Status.RELEASED,),
        Status.DECLINED: (Status.REQUESTED, Status.DRAFTED),
        Status.REFUSED: (Status.RELEASED,),
        Status.WITHDRAWN: (Status.REQUESTED, Status.DRAFTED, Status.RELEASED),
        Status.LAPSED: (Status.REQUESTED, Status.DRAFTED, Status.RELEASED),
    }
    RUNNING = (Status.REQUESTED, Status.DRAFTED, Status.RELEASED)

    number = models.CharField(_("number"), max_length=30, unique=True)
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="quotes")
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, blank=True, related_name="cover_quotes"
    )
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, null=True, blank=True, related_name="cover_quotes")
    # The credit to be covered, of which the partner takes a share.
    amount = models.DecimalField(_("credit to cover"), max_digits=18, decimal_places=2)
    days = models.PositiveSmallIntegerField(_("term (days)"))
    note = models.CharField(_("note"), max_length=1000, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    waits_for = models.CharField(_("who acts next"), max_length=10, choices=Actor, default=Actor.PARTNER)
    act_by = models.DateTimeField(_("by when"), null=True, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    share_percent = models.DecimalField(_("share (%)"), max_digits=5, decimal_places=2, null=True, blank=True)
    # Of the covered amount, for a year.
    premium_bp = models.PositiveIntegerField(_("premium (basis points a year)"), null=True, blank=True)
    conditions = models.TextField(_("conditions"), max_length=2000, blank=True)
    valid_until = models.DateField(_("quote valid until"), null=True, blank=True)
    quoted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    quoted_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    # The partner has one person only: its owner quoted and released, and everybody sees that.
    is_signed_alone = models.BooleanField(_("signed by one person alone"), default=False)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=1000, blank=True)

    objects = CoverQuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("cover quote")
        verbose_name_plural = _("cover quotes")
        indexes = [models.Index(name="cover_quote_of_partnership", fields=["partnership", "status"])]
        constraints = [
            models.CheckConstraint(
                name="cover_quote_is_for_an_application_or_a_line",
                condition=Q(application__isnull=False, line=None) | Q(application=None, line__isnull=False),
            ),
            models.UniqueConstraint(
                name="cover_quote_one_running_per_application_and_partner",
                fields=["application", "partnership"],
                condition=Q(status__in=["requested", "drafted", "released"], application__isnull=False),
            ),
            models.UniqueConstraint(
                name="cover_quote_one_running_per_line_and_partner",
                fields=["line", "partnership"],
                condition=Q(status__in=["requested", "drafted", "released"], line__isnull=False),
            ),
            models.CheckConstraint(name="cover_quote_amount_is_positive", condition=Q(amount__gt=0, days__gte=1)),
            models.CheckConstraint(
                name="cover_quote_share_is_a_percentage",
                condition=Q(share_percent=None) | Q(share_percent__gt=0, share_percent__lte=100),
            ),
            models.CheckConstraint(
                name="cover_quote_drafted_says_its_terms",
                condition=Q(status__in=["requested", "declined", "withdrawn", "lapsed"])
                | Q(
                    share_percent__isnull=False,
                    premium_bp__isnull=False,
                    valid_until__isnull=False,
                    quoted_by__isnull=False,
                    quoted_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="cover_quote_is_released_by_a_second_person",
                condition=Q(released_by=None) | Q(is_signed_alone=True) | ~Q(released_by=F("quoted_by")),
            ),
            models.CheckConstraint(
                name="cover_quote_released_says_by_whom",
                condition=~Q(status__in=["released", "accepted", "refused"])
                | Q(released_by__isnull=False, released_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cover_quote_is_accepted_by_a_second_person",
                condition=~Q(status="accepted")
                | Q(answered_by__isnull=False, answered_at__isnull=False) & ~Q(answered_by=F("requested_by")),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def bank(self) -> Organisation:
        return self.partnership.bank

    @property
    def partner(self) -> Organisation:
        return self.partnership.partner

    @property
    def target(self) -> Application | CreditLine:
        return self.application or self.line


class GuaranteeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's banks and partners carry, and what covers loans of the user's firms."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(bank__in=mine) | Q(partner__in=mine) | Q(firm__in=mine))

    def of_bank(self, user: User, *roles: str) -> Self:
        return self.filter(bank__in=Organisation.objects.of(user, *roles))

    def of_partner(self, user: User, *roles: str) -> Self:
        return self.filter(partner__in=Organisation.objects.of(user, *roles))

    def binding(self) -> Self:
        """Return those that a partner stands by: accepted, and neither released nor ended."""
        return self.filter(status__in=Guarantee.BINDING)

    def covering(self, application: Application) -> Self:
        """Return what covers this application's credit; the price takes its discount from it."""
        return self.binding().filter(application=application)

    def covering_line(self, line: CreditLine) -> Self:
        return self.binding().filter(line=line)

    def with_names(self) -> Self:
        return self.select_related("bank", "partner", "firm", "payer", "application", "line", "partnership")

    def become(self, status: str, **changes) -> int:
        """Move these guarantees to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Guarantee.TRANSITIONS[status]).update(status=status, **changes)


class Guarantee(models.Model):
    """A partner's promise to carry a share of a firm's loans, in force while the line is open."""

    class Status(models.TextChoices):
        PROMISED = "promised", pgettext_lazy("guarantee", "Accepted: the letter is awaited")
        ISSUED = "issued", pgettext_lazy("guarantee", "Letter issued")
        ACTIVE = "active", pgettext_lazy("guarantee", "In force")
        CLAIMED = "claimed", pgettext_lazy("guarantee", "Claimed")
        RELEASED = "released", pgettext_lazy("guarantee", "Released")
        ENDED = "ended", pgettext_lazy("guarantee", "Ended")

    TRANSITIONS = {
        Status.ISSUED: (Status.PROMISED,),
        # Back from a claim that came to nothing.
        Status.ACTIVE: (Status.ISSUED, Status.CLAIMED),
        Status.CLAIMED: (Status.ACTIVE, Status.CLAIMED),
        Status.RELEASED: (Status.PROMISED, Status.ISSUED, Status.ACTIVE),
        Status.ENDED: (Status.ACTIVE, Status.CLAIMED),
    }
    BINDING = (Status.PROMISED, Status.ISSUED, Status.ACTIVE, Status.CLAIMED)

    number = models.CharField(_("number"), max_length=30, unique=True)
    quote = models.OneToOneField(CoverQuote, on_delete=models.PROTECT, related_name="guarantee")
    partnership = models.ForeignKey(Partnership, on_delete=models.PROTECT, related_name="guarantees")
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="guarantees_given")
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="guarantees_received")
    # Who pays the premium; it is not the firm whose loan is covered.
    payer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, null=True, blank=True, related_name="guarantees"
    )
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, null=True, blank=True, related_name="guarantees")
    credit_amount = models.DecimalField(_("credit covered"), max_digits=18, decimal_places=2)
    share_percent = models.DecimalField(_("share (%)"), max_digits=5, decimal_places=2)
    # The most that the partner pays: its share of the credit.
    amount = models.DecimalField(_("covered amount"), max_digits=18, decimal_places=2)
    paid_amount = models.DecimalField(_("paid on claims"), max_digits=18, decimal_places=2, default=ZERO)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    premium_bp = models.PositiveIntegerField(_("premium (basis points a year)"))
    premium = models.DecimalField(_("premium"), max_digits=18, decimal_places=2)
    conditions = models.TextField(_("conditions"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PROMISED)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    promised_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True, blank=True)
    active_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = GuaranteeQuerySet.as_manager()

    class Meta:
        verbose_name = _("guarantee")
        verbose_name_plural = _("guarantees")
        indexes = [models.Index(name="guarantee_of_firm", fields=["firm", "status"])]
        constraints = [
            models.CheckConstraint(name="guarantee_premium_is_never_the_firms", condition=~Q(payer=F("firm"))),
            models.CheckConstraint(
                name="guarantee_is_for_an_application_or_a_line",
                condition=Q(application__isnull=False) | Q(line__isnull=False),
            ),
            models.CheckConstraint(
                name="guarantee_covers_its_share",
                condition=Q(amount__gt=0, amount__lte=F("credit_amount") * F("share_percent") / 100 + Decimal("0.01")),
            ),
            models.CheckConstraint(
                name="guarantee_pays_no_more_than_it_covers",
                condition=Q(paid_amount__gte=0, paid_amount__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="guarantee_in_force_has_line_and_period",
                condition=~Q(status__in=["active", "claimed"])
                | Q(line__isnull=False, starts_on__isnull=False, ends_on__isnull=False, active_at__isnull=False),
            ),
            models.CheckConstraint(
                name="guarantee_ended_at_goes_with_status",
                condition=Q(status__in=["released", "ended"], ended_at__isnull=False)
                | Q(~Q(status__in=["released", "ended"]), ended_at=None),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_in_force(self) -> bool:
        return self.status in (self.Status.ACTIVE, self.Status.CLAIMED)
