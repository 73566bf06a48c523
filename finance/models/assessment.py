"""What a model says of a firm at one moment, with reasons; and what the challengers beside it say."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from finance.models.consent import DataGroup, Purpose, consented
from finance.models.finding import Finding, FindingRun
from finance.models.record import RecordImport, RecordKind, TransactionRecord
from finance.models.scorecard import CutOffs, Scorecard
from marketplace.models import Organisation, User

# A long queue needs patience, not the same bells once more.
RUNG_AGAIN = 500
# New trade moves a score at most once a week; without any it is reckoned anew after a month, for time moves it too.
AFTER_NEW_RECORDS, AFTER_NOTHING = timedelta(days=7), timedelta(days=30)


class CreditAssessmentQuerySet(RunQuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the assessments of the user's own firms that are not a bank's internal ones."""
        return self.filter(organisation__in=Organisation.objects.of(user), bank=None)

    def readable_by(self, reader: Organisation, *, purpose: str, now: datetime) -> Self:
        """Return the assessments that their firms let this reader see now: its own models' and the platform's."""
        mine = Q(bank=None) | Q(bank=reader)
        return self.filter(mine, consented(DataGroup.SCORE, reader=reader, purpose=purpose, now=now))

    def done(self) -> Self:
        return self.filter(status=Run.Status.DONE)

    def newest(self) -> Self:
        return self.order_by("-as_of", "-pk")

    def latest_of(self, organisation: Organisation, *, bank: Organisation | None = None) -> "CreditAssessment | None":
        """Return the newest finished assessment of a firm for the platform, or for a bank by its model."""
        found = self.done().filter(organisation=organisation, bank=bank)
        return found.select_related("scorecard", "cut_offs").newest().first()

    def request(
        self,
        organisation_ids: Iterable[int],
        *,
        scorecard: Scorecard,
        now: datetime,
        bank: Organisation | None = None,
        purpose: str = "",
        by: User | None = None,
    ) -> list[int]:
        """Make sure that each of these firms has an unfinished one by this model; return those that wait for a worker."""
        firms = sorted(set(organisation_ids))
        rows = [
            self.model(
                organisation_id=pk,
                bank=bank,
                purpose=purpose,
                scorecard=scorecard,
                requested_by=by,
                requested_at=now,
                as_of=now,
            )
            for pk in firms
        ]
        # Two may ask at once: the constraint lets one row stand, and both get it.
        self.bulk_create(rows, ignore_conflicts=True)
        waiting = self.filter(organisation__in=firms, bank=bank, scorecard=scorecard, status=Run.Status.WAITING)
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def unheard(self, *, since: datetime) -> list[int]:
        """Return the longest waiting ones whose bell nobody has answered, not more than are soon done."""
        waiting = self.filter(status=Run.Status.WAITING, requested_at__lt=since)
        return list(waiting.order_by("requested_at", "pk").values_list("pk", flat=True)[:RUNG_AGAIN])

    def with_names(self) -> Self:
        return self.select_related("organisation", "bank", "scorecard", "cut_offs", "requested_by")


class CreditAssessment(Run):
    """A firm's score with reasons, from what was known at ``as_of``; a worker computes it, nothing changes it later.

    The same records and the same model give it again, bit for bit: ``sha256`` is of the input (services.assessments).
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="assessments")
    # For whom: a bank, by its own model or where it has none the platform's; None: for the firm, by the platform's.
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose, blank=True)
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="assessments")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    as_of = models.DateTimeField(_("as of"))
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    probability = models.FloatField(_("probability of default"), null=True, blank=True)
    grade = models.CharField(_("grade"), max_length=5, blank=True)
    # Where the bank drew its lines that day, and what they make of the score; empty where it has drawn none.
    cut_offs = models.ForeignKey(CutOffs, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    recommended = models.CharField(_("recommended"), max_length=10, choices=CutOffs.Verdict, blank=True)
    # [{feature, points, zh, en}]: they add up to the score.
    reasons = models.JSONField(default=list, blank=True)
    # What would raise it: [{change, points, zh, en}].
    advice = models.JSONField(default=list, blank=True)
    features = models.JSONField(default=dict, blank=True)
    # How many records of each kind counted, how many findings took from them, and the hash of the input.
    inputs = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField(_("SHA-256 of the input"), max_length=64, blank=True)

    objects = CreditAssessmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit assessment")
        verbose_name_plural = _("credit assessments")
        indexes = [
            models.Index(name="credit_assessment_of_firm", fields=["organisation", "-as_of"]),
            models.Index(
                name="credit_assessment_unfinished",
                fields=["status", "requested_at"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="credit_assessment_one_unfinished_per_model",
                fields=["organisation", "bank", "scorecard"],
                condition=Q(status__in=["waiting", "running"]),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="credit_assessment_done_has_a_score",
                condition=~Q(status="done")
                | Q(score__isnull=False, probability__gte=0, probability__lte=1) & ~Q(grade="") & ~Q(sha256=""),
            ),
            models.CheckConstraint(
                name="credit_assessment_recommendation_goes_with_cut_offs",
                condition=Q(cut_offs=None, recommended="") | Q(cut_offs__isnull=False) & ~Q(recommended=""),
            ),
            models.CheckConstraint(
                name="credit_assessment_is_not_of_the_bank_itself", condition=Q(bank=None) | ~Q(bank=F("organisation"))
            ),
        ]

    def __str__(self):
        # No score: whoever reads a log or the admin is not let read it.
        return f"{self.organisation_id}: {self.status}"


class ShadowScoreQuerySet(models.QuerySet):
    def of_tenant(self, bank: Organisation | None) -> Self:
        return self.filter(assessment__bank=bank)

    def with_assessments(self) -> Self:
        return self.select_related("assessment__organisation", "scorecard")


class ShadowScore(models.Model):
    """What a challenger would have said of the same input; nobody decides by it."""

    assessment = models.ForeignKey(CreditAssessment, on_delete=models.PROTECT, related_name="shadow_scores")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="shadow_scores")
    score = models.SmallIntegerField(_("score"))
    probability = models.FloatField(_("probability of default"))
    grade = models.CharField(_("grade"), max_length=5)

    objects = ShadowScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("shadow score")
        verbose_name_plural = _("shadow scores")
        constraints = [
            models.UniqueConstraint(name="shadow_score_once_per_challenger", fields=["assessment", "scorecard"]),
            models.CheckConstraint(
                name="shadow_score_probability_is_one", condition=Q(probability__gte=0, probability__lte=1)
            ),
        ]

    def __str__(self):
        return f"{self.assessment_id} by {self.scorecard_id}"


def firms_to_assess(now: datetime) -> "models.QuerySet[Organisation]":
    """Return the to-do list: firms that handed in records or were scored before, and lack a score of what is known now.

    A firm of which the platform only sees orders is not scored until it asks. While its trade is being looked at, it
    waits: what is found takes from what counts.
    """
    own = CreditAssessment.objects.filter(organisation=OuterRef("pk"), bank=None)
    imports = RecordImport.objects.filter(organisation=OuterRef("pk"), status=Run.Status.DONE, added__gt=0)
    records = TransactionRecord.objects.filter(
        organisation=OuterRef("pk"), kind__in=(RecordKind.SALES, RecordKind.PURCHASES)
    )
    findings = Finding.objects.filter(organisation=OuterRef("pk"))
    looks = FindingRun.objects.filter(organisation=OuterRef("pk")).unfinished()
    last = Subquery(own.order_by("-as_of").values("as_of")[:1])
    firms = Organisation.objects.approved().filter(kind=Organisation.Kind.ENTERPRISE).annotate(scored_at=last)
    since = OuterRef("scored_at")
    at_once = (
        Q(Exists(imports), scored_at=None)
        | Q(Exists(imports.filter(finished_at__gt=since)))
        | Q(Exists(findings.filter(Q(found_at__gt=since) | Q(gone_at__gt=since))))
    )
    in_time = Q(Exists(records.filter(known_at__gt=since)), scored_at__lt=now - AFTER_NEW_RECORDS)
    in_time |= Q(scored_at__lt=now - AFTER_NOTHING)
    return firms.filter(at_once | in_time).exclude(Exists(looks)).exclude(Exists(own.unfinished())).order_by("pk")
