from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import User


class ReplayQuerySet(RunQuerySet):
    def newest(self) -> Self:
        return self.order_by("-requested_at", "-pk")


class Replay(Run):
    """A past day's lists put in order anew by two rankers, beside each other.

    ``model`` and ``against`` name rankers: the version of one, "shipped", or "fusion" for the fused text score alone.
    ``summary`` has the figures over all lists, ``lists`` each list as both order it.
    """

    FUSION, SHIPPED = "fusion", "shipped"
    MOST_DEMANDS = 200

    day = models.DateField(_("day"))
    model = models.CharField(_("model"), max_length=64)
    against = models.CharField(_("compared with"), max_length=64)
    demands = models.PositiveIntegerField(_("lists"), default=20)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    summary = models.JSONField(default=dict, blank=True)
    lists = models.JSONField(default=list, blank=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        constraints = [
            models.CheckConstraint(name="replay_is_of_two_models", condition=~Q(model=F("against"))),
            models.CheckConstraint(name="replay_of_some_lists", condition=Q(demands__range=(1, 200))),
        ]

    def __str__(self):
        return f"{self.day}: {self.model} / {self.against}"
