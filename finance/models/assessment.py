"""The score of a firm at a moment, and the scorecard that made it."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from finance.models.consent import DataGroup, consented
from marketplace.models import Organisation, User


class ScorecardQuerySet(models.QuerySet):
    def of(self, bank: Organisation | None) -> Self:
        """Return a bank's own, or with None the platform's."""
        return self.filter(bank=bank)

    def serving(self) -> Self:
        return self.filter(status=Scorecard.Status.SERVING)

    def in_shadow(self) -> Self:
        return self.filter(status=Scorecard.Status.SHADOW)


class Scorecard(models.Model):
    """A model that a bank can read: what it weighs, with its card; the platform's own (no bank) or a bank's.

    ``content`` is written once and known by its hash. One serves per tenant; challengers run beside it in shadow.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SHADOW = "shadow", _("In shadow")
        SERVING = "serving", _("Serving")
        RETIRED = "retired", _("Retired")

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="scorecards")
    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(_("version"))
    family = models.CharField(_("family"), max_length=20, default="logistic")
    content = models.JSONField()
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    signature = models.CharField(max_length=128, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    served_from = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ScorecardQuerySet.as_manager()

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        constraints = [
            models.UniqueConstraint(
                name="scorecard_version_once_per_tenant", fields=["bank", "version"], nulls_distinct=False
            ),
            models.UniqueConstraint(
                name="scorecard_one_serves_per_tenant",
                fields=["bank"],
                condition=Q(status="serving"),
                nulls_distinct=False,
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.version}"


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

    def latest_of(self, organisation: Organisation, *, bank: Organisation | None = None) -> "CreditAssessment | None":
        """Return the newest finished assessment of a firm by the platform's model, or by a bank's."""
        found = self.done().filter(organisation=organisation, bank=bank)
        return found.select_related("scorecard").order_by("-as_of", "-pk").first()


class CreditAssessment(Run):
    """A firm's score with reasons, from what was known at ``as_of``; a worker computes it, nothing changes it later."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="assessments")
    # Whose model: a bank's, or with None the platform's.
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="assessments")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    as_of = models.DateTimeField(_("as of"))
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    probability = models.FloatField(_("probability of default"), null=True, blank=True)
    grade = models.CharField(_("grade"), max_length=5, blank=True)
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
        indexes = [models.Index(name="credit_assessment_of_firm", fields=["organisation", "-as_of"])]
        constraints = [
            models.UniqueConstraint(
                name="credit_assessment_one_unfinished_per_model",
                fields=["organisation", "scorecard"],
                condition=Q(status__in=["waiting", "running"]),
            ),
            models.CheckConstraint(
                name="credit_assessment_done_has_a_score",
                condition=~Q(status="done")
                | Q(score__isnull=False, probability__gte=0, probability__lte=1) & ~Q(grade="") & ~Q(sha256=""),
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id}: {self.grade} {self.score}"


class ShadowScore(models.Model):
    """What a challenger would have said of the same input; nobody decides by it."""

    assessment = models.ForeignKey(CreditAssessment, on_delete=models.PROTECT, related_name="shadow_scores")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="shadow_scores")
    score = models.SmallIntegerField(_("score"))
    probability = models.FloatField(_("probability of default"))
    grade = models.CharField(_("grade"), max_length=5)

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
        return f"{self.assessment_id}: {self.grade}"
