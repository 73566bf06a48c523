"""What looks wrong about a firm's trade, with its evidence, and what the firm says to it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from finance.models.consent import DataGroup, consented
from finance.models.record import TransactionRecord
from marketplace.models import Attachment, Membership, Organisation, User

# A bell not answered for so long was lost.
BELL_UNHEARD = timedelta(seconds=50)
# Characters of what a firm says to a finding.
LONGEST_EXPLANATION = 4000


class FindingRunQuerySet(RunQuerySet):
    def request(self, organisation_ids: Iterable[int], *, now: datetime) -> list[int]:
        """Ask for a look at these firms' records; return the new rows, none where one waits already."""
        rows = [FindingRun(organisation_id=pk, requested_at=now, as_of=now) for pk in sorted(set(organisation_ids))]
        # A waiting one sees all that is known when it begins.
        self.bulk_create(rows, ignore_conflicts=True)
        return list(
            self.filter(organisation__in=organisation_ids, status=Run.Status.WAITING).values_list("pk", flat=True)
        )

    def waiting(self) -> Self:
        return self.filter(status=Run.Status.WAITING)

    def give_up(self, *, since: datetime, now: datetime) -> int:
        """Write off the looks whose worker died, and ask for others; one may be waiting already."""
        dead = self.filter(status=Run.Status.RUNNING, started_at__lt=since)
        firms = list(dead.values_list("organisation", flat=True))
        count = dead.update(status=Run.Status.FAILED, finished_at=now, failure="Its worker died.")
        if firms:
            self.request(firms, now=now)
        return count

    def unheard(self, now: datetime) -> Self:
        return self.filter(status=Run.Status.WAITING, requested_at__lt=now - BELL_UNHEARD)

    def visible_to(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user))

    def latest_per_firm(self) -> Self:
        """Return the last look at each firm."""
        return self.select_related("organisation").order_by("organisation", "-pk").distinct("organisation")


class FindingRun(Run):
    """A look at all records of one firm that were known at a moment."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="finding_runs")
    # The records known by then are looked at, no others; when it begins it is set to that moment.
    as_of = models.DateTimeField(_("as of"))
    records = models.PositiveIntegerField(_("records"), default=0)
    found = models.PositiveIntegerField(_("findings"), default=0)
    # Of all counted sales, what remains after the findings' discounts: both in CNY.
    sales_amount = models.DecimalField(_("sales"), max_digits=20, decimal_places=2, default=0)
    counted_amount = models.DecimalField(_("sales that count"), max_digits=20, decimal_places=2, default=0)

    objects = FindingRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("look at a firm's trade")
        verbose_name_plural = _("looks at firms' trade")
        indexes = [models.Index(name="finding_run_of_firm", fields=["organisation", "-as_of"])]
        constraints = [
            models.UniqueConstraint(
                name="finding_run_one_waits_per_firm", fields=["organisation"], condition=Q(status="waiting")
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id} {self.as_of}"


class FindingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the findings of the user's own firms; others read through ``readable_by``."""
        return self.filter(organisation__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def readable_by(self, reader: Organisation, *, purpose: str, now: datetime) -> Self:
        """Return the findings of the firms that let this reader see them for this purpose now."""
        return self.filter(consented(DataGroup.FINDINGS, reader=reader, purpose=purpose, now=now))

    def standing(self) -> Self:
        """Return what the latest look still found."""
        return self.filter(gone_at=None)

    def known_at(self, moment: datetime) -> Self:
        """Return what was known then and not gone by then."""
        return self.filter(Q(gone_at=None) | Q(gone_at__gt=moment), found_at__lte=moment)

    def with_names(self) -> Self:
        explanations = FindingExplanation.objects.select_related("by", "attachment").order_by("at", "pk")
        return self.select_related("organisation").prefetch_related(models.Prefetch("explanations", explanations))

    def with_answers(self) -> Self:
        """Add whether the firm said something to it: ``is_explained``."""
        return self.annotate(is_explained=Exists(FindingExplanation.objects.filter(finding=OuterRef("pk"))))


class Finding(models.Model):
    """A reason to count some records less: what was found, how grave it is, which records it rests on.

    Found again it stays the same row; no longer found (the goods came, the books were put right) it gets ``gone_at``.
    """

    class Kind(models.TextChoices):
        MISMATCH = "mismatch", _("Order, delivery and invoice do not agree")
        NO_DELIVERY = "no_delivery", _("Invoice without order or delivery")
        ROUND_TRIP = "round_trip", _("Sold and bought back")
        RING = "ring", _("Trade in a circle")
        RELATED = "related", _("Trade between related firms")
        BURST = "burst", _("Sudden rise of sales")
        DUPLICATE = "duplicate", _("The same invoice twice")
        SPLIT = "split", _("Invoice split into parts")

    class Severity(models.TextChoices):
        NOTE = "note", _("Note")
        DOUBT = "doubt", _("Doubt")
        GRAVE = "grave", _("Grave")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    severity = models.CharField(_("severity"), max_length=6, choices=Severity)
    # Names the fact: the kind and the records it rests on.
    key = models.CharField(max_length=64)
    # {zh, en, figures: {name: value}, records: [{id, number, kind, on, counterparty, amount, weight}], more: count}.
    evidence = models.JSONField(default=dict)
    # So much of the sales or purchases does not count because of it.
    discount = models.DecimalField(_("does not count"), max_digits=20, decimal_places=2, default=0)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    first_on = models.DateField(_("from"), null=True, blank=True)
    last_on = models.DateField(_("until"), null=True, blank=True)
    found_at = models.DateTimeField(_("found"))
    seen_at = models.DateTimeField(_("last seen"))
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)
    run = models.ForeignKey(FindingRun, on_delete=models.PROTECT, related_name="findings")

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        indexes = [models.Index(name="finding_of_firm", fields=["organisation", "-found_at"])]
        constraints = [
            models.UniqueConstraint(
                name="finding_stands_once", fields=["organisation", "key"], condition=Q(gone_at=None)
            ),
            models.CheckConstraint(name="finding_discount_is_not_negative", condition=Q(discount__gte=0)),
            models.CheckConstraint(
                name="finding_is_gone_after_it_was_found", condition=Q(gone_at=None) | Q(gone_at__gte=F("found_at"))
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id}: {self.kind}"


class FindingRecord(models.Model):
    """A record that a finding rests on, and how much of it still counts because of that finding."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="records")
    record = models.ForeignKey(TransactionRecord, on_delete=models.PROTECT, related_name="findings")
    weight = models.FloatField()

    class Meta:
        verbose_name = _("record of a finding")
        verbose_name_plural = _("records of findings")
        constraints = [
            models.UniqueConstraint(name="finding_record_once", fields=["finding", "record"]),
            models.CheckConstraint(name="finding_record_weight_is_a_part", condition=Q(weight__gte=0, weight__lte=1)),
        ]

    def __str__(self):
        return f"{self.finding_id}: {self.record_id}"

    @property
    def percent(self) -> int:
        return round(100 * self.weight)


class FindingExplanation(models.Model):
    """What the firm says to a finding, with a file if it has one; rows are only ever added."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="explanations")
    text = models.TextField(_("explanation"))
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("explanation of a finding")
        verbose_name_plural = _("explanations of findings")
        constraints = [models.CheckConstraint(name="finding_explanation_says_something", condition=~Q(text=""))]

    def __str__(self):
        return f"{self.finding_id}: {self.by_id}"
