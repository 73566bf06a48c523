from collections.abc import Mapping
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models import User
from matching.models.training_run import TrainingRun


class RankerModelQuerySet(models.QuerySet):
    def in_use(self) -> Self:
        """Return the promoted one; where there is none, the shipped ranker serves."""
        return self.filter(status=RankerModel.Status.PROMOTED)

    def of_texts(self, *, embedding: str, fusion: str) -> Self:
        """Return those that were learned on the text scores of this embedding and fusion, or do not say on which."""
        return self.filter(embedding_version__in=["", embedding], fusion_version__in=["", fusion])

    def promotable(self) -> Self:
        """Return those that passed the gate and do not serve now."""
        return self.filter(status__in=[RankerModel.Status.CANDIDATE, RankerModel.Status.RETIRED])

    def retire(self, *, now: datetime) -> int:
        """Let whichever is promoted serve no longer."""
        return self.in_use().update(status=RankerModel.Status.RETIRED, retired_at=now)

    def promote(self, *, now: datetime, by: User | None) -> int:
        """Let these serve where the gate let them pass; one UPDATE decides, and a constraint that there is but one."""
        return self.promotable().update(
            status=RankerModel.Status.PROMOTED, promoted_at=now, promoted_by=by, retired_at=None
        )

    def take_over(
        self, ranker: "RankerModel | None", *, kind: str, by: User | None, now: datetime, why: str = ""
    ) -> bool:
        """Let this ranker serve, or the shipped one, and note who wanted it; return False where the gate refused it.

        Call it in a transaction. Two at once wait for each other; the later one stands.
        """
        replaced = self.in_use().select_for_update().first()
        if replaced == ranker:
            return True
        self.retire(now=now)
        if ranker is not None and not self.filter(pk=ranker.pk).promote(now=now, by=by):
            return False
        RankerChange.objects.create(kind=kind, ranker=ranker, replaced=replaced, by=by, why=why, at=now)
        return True

    def record(
        self, document: Mapping, *, version: str, now: datetime, run: TrainingRun | None = None
    ) -> "RankerModel":
        """Keep a ranker with the verdict that its card carries, as a candidate or refused.

        One that is known already stays as it is: what happened to it is not undone by finding it again.
        """
        card = document["card"]
        refusals = card.get("refusals") or []
        values = {
            "document": dict(document),
            "status": RankerModel.Status.REFUSED if refusals else RankerModel.Status.CANDIDATE,
            "embedding_version": card.get("embedding", ""),
            "fusion_version": card.get("fusion", ""),
            "verdict": {
                "comparisons": card["held_out"],
                "slices": card.get("slices") or {},
                "serving": card.get("serving"),
                "margin": card.get("margin"),
            },
            "refusal_zh": " ".join(one["zh"] for one in refusals),
            "refusal_en": " ".join(one["en"] for one in refusals),
            "trained_on": {name: card.get(name) for name in ("outcomes", "judged", "firms", "trained_at")},
            "training_run": run,
            "judged_at": now,
        }
        return self.get_or_create(version=version, defaults=values)[0]

    def newest(self) -> Self:
        return self.order_by("-judged_at", "-pk")


class RankerModel(models.Model):
    """A learned ranker with what the gate said of it; those that were refused are kept and shown too.

    ``verdict`` is the gate's document: comparisons with the tuned fusion on held-out lists, overall and per slice.
    ``trained_on`` says from what it was learned. ``promoted_by`` is empty where the gate itself let it serve.
    """

    class Status(models.TextChoices):
        CANDIDATE = "candidate", _("Passed the gate")
        PROMOTED = "promoted", _("Promoted")
        REFUSED = "refused", _("Refused")
        RETIRED = "retired", _("Retired")

    version = models.CharField(_("version"), max_length=64, unique=True)
    # The tables as Ranker.to_dict gives them, so that every process on every machine has the same.
    document = models.JSONField()
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.CANDIDATE)
    embedding_version = models.CharField(max_length=64, blank=True)
    fusion_version = models.CharField(max_length=64, blank=True)
    verdict = models.JSONField(default=dict, blank=True)
    refusal_zh = models.TextField(blank=True)
    refusal_en = models.TextField(blank=True)
    trained_on = models.JSONField(default=dict, blank=True)
    training_run = models.ForeignKey(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="rankers"
    )
    judged_at = models.DateTimeField(_("judged at"))
    promoted_at = models.DateTimeField(_("promoted at"), null=True, blank=True)
    promoted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    objects = RankerModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("ranker")
        verbose_name_plural = _("rankers")
        constraints = [
            models.UniqueConstraint(
                name="ranker_model_one_is_promoted", fields=["status"], condition=Q(status="promoted")
            ),
            models.CheckConstraint(
                name="ranker_model_promoted_says_when",
                condition=Q(status__in=["promoted", "retired"], promoted_at__isnull=False)
                | Q(status__in=["candidate", "refused"], promoted_at=None),
            ),
            models.CheckConstraint(
                name="ranker_model_retired_says_when",
                condition=Q(status="retired", retired_at__isnull=False) | (~Q(status="retired") & Q(retired_at=None)),
            ),
            models.CheckConstraint(
                name="ranker_model_refused_says_why",
                condition=Q(status="refused") & ~Q(refusal_zh="") & ~Q(refusal_en="") | ~Q(status="refused"),
            ),
        ]

    def __str__(self):
        return self.version

    @property
    def refusal(self) -> str:
        return self.refusal_zh if (get_language() or "zh").startswith("zh") else self.refusal_en


class RankerChange(models.Model):
    """That another ranker took over: which, from which, when, by whom and why; nobody: the gate itself."""

    class Kind(models.TextChoices):
        PROMOTED = "promoted", _("Promoted")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    # None: the shipped one.
    ranker = models.ForeignKey(RankerModel, on_delete=models.PROTECT, null=True, blank=True, related_name="changes")
    replaced = models.ForeignKey(RankerModel, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(_("why"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of the ranker")
        verbose_name_plural = _("changes of the ranker")
        constraints = [
            models.CheckConstraint(
                name="ranker_change_roll_back_says_who_and_why",
                condition=~Q(kind="rolled_back") | (Q(by__isnull=False) & ~Q(why="")),
            ),
        ]

    def __str__(self):
        return f"{self.kind}: {self.ranker_id} for {self.replaced_id}"
