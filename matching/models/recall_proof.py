from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models import Listing
from matching.models.nightly_run import NightlyRun, NightlyRunQuerySet


class ProofRunQuerySet(NightlyRunQuerySet):
    def proven(self) -> Self:
        return self.filter(status="done")


class ProofRun(NightlyRun):
    """One night's comparison of what the live index serves with brute force over the rows.

    ``entries`` is how many listings the rows say can be found, ``missing`` how many of them the index lacked.
    """

    engine = models.CharField(_("engine"), max_length=64, blank=True)
    entries = models.PositiveIntegerField(_("listings"), default=0)
    missing = models.PositiveIntegerField(_("listings the index lacked"), default=0)
    seconds = models.FloatField(_("seconds"), default=0)

    objects = ProofRunQuerySet.as_manager()

    class Meta(NightlyRun.Meta):
        abstract = False
        verbose_name = _("recall proof")
        verbose_name_plural = _("recall proofs")


class RecallProofQuerySet(models.QuerySet):
    def broken(self) -> Self:
        """Return the proofs in which the index served less than its engine promises."""
        return self.filter(recall__lt=F("promised"))

    def of_latest_run(self) -> Self:
        latest = ProofRun.objects.proven().newest().values("pk")[:1]
        return self.filter(run__in=latest)


class RecallProof(models.Model):
    """How much of the truly nearest listings was served under one shape of filter.

    ``recall`` is the mean over the queries, ``worst`` the lowest, of the query ``worst_listing``. ``short`` counts the
    queries whose page was shorter than what the filter allows; ``allowed`` is the mean share of listings it allows.
    """

    class Shape(models.TextChoices):
        NONE = "none", _("No filter")
        SIDE_FAMILY = "side_family", _("Side and family of goods")
        REGION = "region", _("Side and region")
        OTHER_CATEGORY = "other_category", _("Another category than the query's")
        NARROW = "narrow", _("Region, price and quantity")
        ALL = "all", _("All hard rules")

    run = models.ForeignKey(ProofRun, on_delete=models.CASCADE, related_name="proofs")
    shape = models.CharField(_("filter"), max_length=20, choices=Shape)
    queries = models.PositiveIntegerField(_("queries"))
    recall = models.FloatField(_("recall"))
    worst = models.FloatField(_("lowest recall"))
    worst_listing = models.ForeignKey(
        Listing, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("worst query")
    )
    short = models.PositiveIntegerField(_("short pages"))
    allowed = models.FloatField(_("share allowed"))
    promised = models.FloatField(_("promised recall"))

    objects = RecallProofQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof of a filter")
        verbose_name_plural = _("proofs of filters")
        constraints = [
            models.UniqueConstraint(name="recall_proof_once_per_shape", fields=["run", "shape"]),
            models.CheckConstraint(
                name="recall_proof_in_shares",
                condition=Q(recall__range=(0, 1), worst__range=(0, 1), allowed__range=(0, 1), promised__range=(0, 1)),
            ),
            models.CheckConstraint(name="recall_proof_is_of_some_query", condition=Q(queries__gte=1)),
        ]

    def __str__(self):
        return f"{self.shape}: {self.recall:.4f}"

    @property
    def is_kept(self) -> bool:
        return self.recall >= self.promised
