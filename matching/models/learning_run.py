from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models.nightly_run import NightlyRun, NightlyRunQuerySet


class LearningRun(NightlyRun):
    """A reckoning of what the events of matches say: how far down lists are read, and whether chances came true.

    ``document`` is {side: {"curve", "calibration"}, "fulfilled": calibration} as runs/reckoning.py writes it; ``shown``
    and ``orders`` say how many pairs and orders it stands on.
    """

    since = models.DateField(null=True, blank=True)
    document = models.JSONField(default=dict, blank=True)
    shown = models.PositiveIntegerField(_("pairs shown"), default=0)
    orders = models.PositiveIntegerField(_("orders"), default=0)

    objects = NightlyRunQuerySet.as_manager()

    class Meta(NightlyRun.Meta):
        abstract = False
        verbose_name = _("reckoning of events")
        verbose_name_plural = _("reckonings of events")
