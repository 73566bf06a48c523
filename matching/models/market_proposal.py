from datetime import datetime
from typing import Self

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Length
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from marketplace.models import Category, User

# The dial's stops: 0 is relevance alone, the middle fills the most, the last is the fairest.
DIALS = tuple(range(11))
FILL_DIAL, LAST_DIAL = 5, 10


class MarketProposalQuerySet(RunQuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what the platform operator computed; nobody else sees a market before it is approved."""
        return self if user.is_authenticated and user.is_staff else self.none()

    def undecided(self) -> Self:
        return self.filter(decision=MarketProposal.Decision.OPEN)

    def decide(self, decision: str, *, by: User, at: datetime, dial: int | None = None) -> bool:
        """Approve or discard the finished proposal that nobody decided on; one UPDATE says who did."""
        finished = self.undecided().filter(status__in=[Run.Status.DONE, Run.Status.FAILED])
        if decision == MarketProposal.Decision.APPROVED:
            finished = finished.filter(status=Run.Status.DONE)
        return bool(finished.update(decision=decision, decided_by=by, decided_at=at, dial=dial))

    def unheard(self, *, since: datetime) -> list[int]:
        """Return the computations whose bell nobody has answered."""
        waiting = self.filter(status=Run.Status.WAITING, requested_at__lt=since)
        return list(waiting.order_by("requested_at", "pk").values_list("pk", flat=True))

    def with_names(self) -> Self:
        """Fetch what a market is called by: its category, or the category at the top of its family."""
        # The category at the top of the family is of its code; a family of one has none such.
        of_family = Q(code=OuterRef("family")) | Q(family=OuterRef("family"))
        top = Category.objects.filter(of_family).order_by(Length("code"), "code")[:1]
        return self.select_related("category", "requested_by", "decided_by").annotate(
            family_zh=Subquery(top.values("name_zh")), family_en=Subquery(top.values("name_en"))
        )


class MarketProposal(Run):
    """One market, cleared at every stop of the dial; its figures are shown until the operator approves one stop.

    A market is what is open of a family of goods, or of a category and all below it, delivered to a region if one is
    named. Quantities are in ``unit``. ``listings`` says which demands and supplies were in, in which revision:
    ``{"demands": [[id, revision], …], "supplies": [[id, revision], …]}``; ``left_out`` why others were not.
    """

    class Decision(models.TextChoices):
        OPEN = "open", _("To be decided")
        APPROVED = "approved", _("Approved and published")
        DISCARDED = "discarded", _("Discarded")

    family = models.CharField(_("family of goods"), max_length=80, blank=True)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("category")
    )
    region = models.CharField(_("region (GB/T 2260)"), max_length=6, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    demand_count = models.PositiveIntegerField(_("demands"), default=0)
    supply_count = models.PositiveIntegerField(_("supplies"), default=0)
    pair_count = models.PositiveIntegerField(_("matches"), default=0)
    demanded = models.DecimalField(_("demanded"), max_digits=24, decimal_places=3, default=0)
    supplied = models.DecimalField(_("supplied"), max_digits=24, decimal_places=3, default=0)
    left_out = models.JSONField(default=dict, blank=True)
    listings = models.JSONField(default=dict, blank=True)
    # Pairs that only a shared order makes possible, with why they fit: [[demand, supply, score, reasons], …].
    unmatched = models.JSONField(default=list, blank=True)
    model_version = models.CharField(max_length=64, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, default=Decision.OPEN)
    dial = models.PositiveSmallIntegerField(_("dial"), null=True, blank=True, validators=[MaxValueValidator(LAST_DIAL)])
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = MarketProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("market proposal")
        verbose_name_plural = _("market proposals")
        indexes = [models.Index(name="market_proposal_newest", fields=["-requested_at"])]
        constraints = [
            models.CheckConstraint(
                name="market_proposal_is_of_a_family_or_a_category",
                condition=Q(category=None) & ~Q(family="") | Q(category__isnull=False, family=""),
            ),
            models.CheckConstraint(
                name="market_proposal_dial_has_eleven_stops", condition=Q(dial=None) | Q(dial__lte=LAST_DIAL)
            ),
            models.CheckConstraint(
                name="market_proposal_decided_says_by_whom_and_when",
                condition=Q(decision="open", decided_by=None, decided_at=None)
                | (~Q(decision="open") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="market_proposal_approved_at_a_stop_of_the_dial",
                condition=Q(decision="approved", dial__isnull=False, status="done")
                | (~Q(decision="approved") & Q(dial=None)),
            ),
        ]

    def __str__(self):
        return f"{self.family or self.category_id} {self.region}: {self.status}, {self.decision}"

    @property
    def name(self) -> str:
        """Return what the market is called in the reader's language; fetch it ``with_names()``."""
        if self.category_id:
            return self.category.name
        return (self.family_en if get_language() == "en" else self.family_zh) or self.family


class MarketPoint(models.Model):
    """A market cleared at one stop of the dial.

    ``allotments`` are ``[demand, supply, quantity, value]``, the quantity as a decimal string in the market's unit.
    Shares are in [0, 1]; exposures are shares of the attention that lists give, where place r gets 1 / r.
    """

    proposal = models.ForeignKey(MarketProposal, on_delete=models.CASCADE, related_name="points")
    dial = models.PositiveSmallIntegerField(_("dial"))
    fill = models.FloatField(_("filled share of demand"))
    shown = models.FloatField(_("share of suppliers shown"))
    relevance = models.FloatField(_("mean relevance of lists"))
    new_exposure = models.FloatField(_("exposure of new firms"))
    small_exposure = models.FloatField(_("exposure of small firms"))
    gini = models.FloatField(_("inequality of exposure (Gini)"))
    value = models.FloatField(_("value"))
    bound = models.FloatField(_("upper bound of the value"))
    served = models.PositiveIntegerField(_("demands served"), default=0)
    seconds = models.FloatField(_("seconds"))
    allotments = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("stop of the dial")
        verbose_name_plural = _("stops of the dial")
        constraints = [
            models.UniqueConstraint(name="market_point_once_per_stop", fields=["proposal", "dial"]),
            models.CheckConstraint(name="market_point_dial_has_eleven_stops", condition=Q(dial__lte=LAST_DIAL)),
            models.CheckConstraint(
                name="market_point_shares_are_shares",
                condition=Q(
                    fill__gte=0, fill__lte=1, shown__gte=0, shown__lte=1, new_exposure__gte=0, new_exposure__lte=1,
                    small_exposure__gte=0, small_exposure__lte=1,
                ),
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.proposal_id} at {self.dial}: {self.fill:.0%}"

    @property
    def reached(self) -> float | None:
        """Return which share of the bound the value reaches."""
        return min(1.0, self.value / self.bound) if self.bound > 0 else None
