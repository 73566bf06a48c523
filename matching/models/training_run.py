from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from matching.models.nightly_run import NightlyRun, NightlyRunQuerySet


class TrainingRun(NightlyRun):
    """One attempt to learn a ranker from what became of matches, and the gate's answer.

    ``since`` and ``until`` bound the days whose lists were learned from; ``lists`` were gathered, in ``graded`` of them
    something came of a counterpart. A refusal here says why nothing was learned; a learned ranker carries its own.
    """

    class Outcome(models.TextChoices):
        PROMOTED = "promoted", _("Promoted")
        CANDIDATE = "candidate", _("Passed the gate")
        REFUSED = "refused", _("Refused")

    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    lists = models.PositiveIntegerField(_("lists"), default=0)
    graded = models.PositiveIntegerField(_("lists with a result"), default=0)
    outcome = models.CharField(_("result"), max_length=10, choices=Outcome, blank=True)
    refusal_zh = models.TextField(blank=True)
    refusal_en = models.TextField(blank=True)

    objects = NightlyRunQuerySet.as_manager()

    class Meta(NightlyRun.Meta):
        abstract = False
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        constraints = [
            *NightlyRun.Meta.constraints,
            models.CheckConstraint(
                name="training_run_done_says_its_result",
                condition=~models.Q(status="done") | ~models.Q(outcome=""),
            ),
        ]

    @property
    def refusal(self) -> str:
        return self.refusal_zh if (get_language() or "zh").startswith("zh") else self.refusal_en
