"""What a firm lets a bank, insurer or guarantor read of it, and what they read."""

from datetime import datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Organisation, User

# Who lends or carries a risk may be let in.
READERS = (Organisation.Kind.BANK, Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)
# Nobody signs away more at once; a longer loan asks again.
LONGEST_CONSENT = timedelta(days=3 * 366)


class Purpose(models.TextChoices):
    """What data may be read for; a consent names one."""

    REVIEW = "review", _("Review of an application")
    MONITORING = "monitoring", _("Watching a line or loan")
    COVER = "cover", _("Quoting and carrying a share of the risk")


class DataGroup(models.TextChoices):
    """What may be read; every row of a firm's data belongs to one."""

    SCORE = "score", _("Score and its reasons")
    SALES = "sales", _("Sales invoices")
    PURCHASES = "purchases", _("Purchase invoices")
    PAYMENTS = "payments", _("Payments")
    DELIVERIES = "deliveries", _("Deliveries")
    PRODUCTION = "production", _("Production")
    COUNTERPARTIES = "counterparties", _("Names of customers and suppliers")
    FINDINGS = "findings", _("Findings on the genuineness of trade")
    DOCUMENTS = "documents", pgettext_lazy("credit", "Documents")


# Without these a bank can review nothing.
FOR_REVIEW = (DataGroup.SCORE, DataGroup.SALES, DataGroup.PURCHASES, DataGroup.FINDINGS, DataGroup.DOCUMENTS)


class ConsentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the user's organisations gave or were given."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(firm__in=mine) | Q(reader__in=mine))

    def standing(self, now: datetime) -> Self:
        """Return those that let somebody read at this moment."""
        return self.filter(withdrawn_at=None, valid_from__lte=now, valid_until__gt=now)

    def letting(self, reader: Organisation, *, purpose: str, now: datetime) -> Self:
        """Return those under which this organisation may read for this purpose now."""
        return self.standing(now).filter(reader=reader, purpose=purpose)

    def covering(self, group: str) -> Self:
        return self.filter(groups__contains=[group])

    def with_names(self) -> Self:
        return self.select_related("firm", "reader", "given_by", "withdrawn_by")


class Consent(models.Model):
    """A firm's owner lets one organisation read some groups of its data, for one purpose and one period."""

    number = models.CharField(_("number"), max_length=30, unique=True)
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="consents_given")
    reader = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="consents_received")
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose)
    groups = ArrayField(models.CharField(max_length=20, choices=DataGroup), verbose_name=_("data"))
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"))
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField(_("given"))
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    # The receipt as both sides have it, and its hash; written once.
    receipt = models.JSONField(default=dict)
    sha256 = models.CharField(_("SHA-256"), max_length=64)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(name="consent_of_reader", fields=["reader", "purpose", "firm"])]
        constraints = [
            models.CheckConstraint(name="consent_is_between_two", condition=~Q(firm=F("reader"))),
            models.CheckConstraint(name="consent_ends_after_it_begins", condition=Q(valid_until__gt=F("valid_from"))),
            models.CheckConstraint(name="consent_names_some_data", condition=Q(groups__len__gte=1)),
            models.CheckConstraint(
                name="consent_withdrawn_at_goes_with_withdrawn_by",
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]

    def __str__(self):
        return self.number


def consented(group: str, *, reader: Organisation, purpose: str, now: datetime, firm: str = "organisation") -> Exists:
    """Return the condition that the firm of a row lets this reader read a group of its data for a purpose now.

    ``firm`` names the field of the row that points to the firm. QuerySets of a firm's data build ``readable_by`` on it.
    """
    standing = Consent.objects.letting(reader, purpose=purpose, now=now).covering(group)
    return Exists(standing.filter(firm=OuterRef(firm)))


def readers_to_choose(firm: Organisation) -> models.QuerySet[Organisation]:
    """Return whom a firm may let read: approved banks, insurers and guarantors."""
    return Organisation.objects.approved().filter(kind__in=READERS).exclude(pk=firm.pk).order_by("kind", "pk")


class RecordReadQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what was read of the user's own firms, and what the user's organisations read."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(firm__in=mine) | Q(reader__in=mine))

    def with_names(self) -> Self:
        return self.select_related("firm", "reader", "by", "consent")


class RecordRead(models.Model):
    """Somebody of another organisation looked at a firm's data: who, what, when, why. Rows are only ever added."""

    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="reads")
    firm = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reader = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose)
    group = models.CharField(_("data"), max_length=20, choices=DataGroup)
    # What it was read for and where: the number of the application, line or voucher, and how many rows were shown.
    subject = models.CharField(_("subject"), max_length=60, blank=True)
    rows = models.PositiveIntegerField(_("rows"), default=1)
    at = models.DateTimeField(_("at"))

    objects = RecordReadQuerySet.as_manager()

    class Meta:
        verbose_name = _("read")
        verbose_name_plural = _("reads")
        indexes = [models.Index(name="record_read_of_firm", fields=["firm", "-at"])]

    def __str__(self):
        return f"{self.reader_id} read {self.group} of {self.firm_id}"
