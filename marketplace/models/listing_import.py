from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models.membership import Membership
from marketplace.models.organisation import Organisation
from marketplace.models.user import User

# A bell not answered for so long was lost; a busy worker hears the second one in vain.
BELL_UNHEARD = timedelta(seconds=50)


class ListingImportQuerySet(RunQuerySet):
    def unheard(self, now: datetime) -> Self:
        return self.filter(status=Run.Status.WAITING, requested_at__lt=now - BELL_UNHEARD)

    def visible_to(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))


class ListingImport(Run):
    """A file of listings that a worker reads; bad rows are reported by number and column."""

    class Mode(models.TextChoices):
        GOOD_ROWS = "good_rows", _("Import all good rows")
        ALL_OR_NONE = "all_or_none", _("Import all rows or none")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="imports")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(_("mode"), max_length=12, choices=Mode, default=Mode.GOOD_ROWS)
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/")
    file_name = models.CharField(max_length=200)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # [{row, column, code, zh, en}], the first thousand.
    errors = models.JSONField(default=list, blank=True)

    # A report longer than this helps nobody; the counts stay exact.
    ERRORS_KEPT = 1000

    objects = ListingImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing import")
        verbose_name_plural = _("listing imports")
        constraints = [
            models.UniqueConstraint(
                name="listing_import_one_unfinished_per_organisation",
                fields=["organisation"],
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]

    def __str__(self):
        return self.file_name
