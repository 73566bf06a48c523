from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RankerModelQuerySet(models.QuerySet):
    def in_use(self) -> Self:
        """Return the promoted one that took over last; where there is none, the shipped ranker serves."""
        return self.filter(promoted_at__isnull=False).order_by("-promoted_at", "-pk")[:1]


class RankerModel(models.Model):
    """A trained ranker that was put forward: promoted, or refused with the figures that speak against it."""

    version = models.CharField(_("version"), max_length=64, unique=True)
    # The tables as Ranker.to_dict gives them, so that every process on every machine has the same.
    document = models.JSONField()
    figures = models.JSONField(_("figures"), default=dict)
    created_at = models.DateTimeField()
    promoted_at = models.DateTimeField(_("promoted at"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused at"), null=True, blank=True)
    refusal = models.CharField(_("why it was refused"), max_length=300, blank=True)

    objects = RankerModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("ranker")
        verbose_name_plural = _("rankers")
        constraints = [
            models.CheckConstraint(
                name="ranker_is_promoted_or_refused_with_a_reason",
                condition=Q(promoted_at__isnull=False, refused_at=None, refusal="")
                | Q(Q(promoted_at=None, refused_at__isnull=False), ~Q(refusal="")),
            ),
        ]

    def __str__(self):
        return self.version
