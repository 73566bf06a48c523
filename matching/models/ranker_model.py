from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class RankerModelQuerySet(models.QuerySet):
    def in_use(self) -> Self:
        """Return the one promoted last; where there is none, the shipped ranker serves."""
        return self.order_by("-promoted_at", "-pk")[:1]


class RankerModel(models.Model):
    """A ranker that took over from the shipped one; train_ranker writes only what beat the fusion on held-out data."""

    version = models.CharField(_("version"), max_length=64, unique=True)
    # The tables as Ranker.to_dict gives them, so that every process on every machine has the same.
    document = models.JSONField()
    promoted_at = models.DateTimeField(_("promoted at"))

    objects = RankerModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("ranker")
        verbose_name_plural = _("rankers")

    def __str__(self):
        return self.version
