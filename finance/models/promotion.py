"""What a challenger must show before it may serve, said before anybody knows; and who signed that it did."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from finance.models.scorecard import Scorecard
from marketplace.models import Organisation, User


class PromotionRuleQuerySet(models.QuerySet):
    def of(self, bank: Organisation | None) -> Self:
        return self.filter(bank=bank)

    def visible_to(self, user: User) -> Self:
        """Return those of the user's banks; those of the platform are its operator's."""
        theirs = Q(bank__in=Organisation.objects.of(user).filter(kind=Organisation.Kind.BANK))
        return self.filter(theirs | Q(bank=None) if user.is_staff else theirs)

    def open(self) -> Self:
        """Return those under which a challenger may still come to serve."""
        return self.filter(promoted_at=None, withdrawn_at=None)

    def with_names(self) -> Self:
        return self.select_related(
            "bank", "scorecard", "champion", "made_by", "first_signed_by", "second_signed_by", "withdrawn_by"
        )


class PromotionRule(models.Model):
    """By how much a challenger must beat the model that serves, on how many results; made before they are known.

    Only firms assessed after ``made_at`` count. Two people sign, neither of whom made the model; the second signature
    lets it serve. A bank that has no model of its own yet may take its first one on a validation made outside.
    """

    class Basis(models.TextChoices):
        OUTCOMES = "outcomes", _("Results of firms scored by both")
        VALIDATION = "validation", _("The bank's own validation report")

    class Metric(models.TextChoices):
        AUC = "auc", _("AUC (who is riskier)")
        BRIER = "brier", _("Brier score (how far off)")
        LOG_LOSS = "log_loss", _("Log-loss (how surprised)")

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="promotion_rules")
    # What it takes the place of: the tenant's own model, or the platform's.
    champion = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="+")
    basis = models.CharField(_("shown by"), max_length=12, choices=Basis, default=Basis.OUTCOMES)
    metric = models.CharField(_("measure"), max_length=10, choices=Metric, blank=True)
    margin = models.FloatField(_("better by at least"), default=0.0)
    minimum_firms = models.PositiveIntegerField(_("firms with a result, at least"), default=0)
    minimum_bad = models.PositiveIntegerField(_("defaults among them, at least"), default=0)
    why = models.TextField(_("why, or where the validation report is"), max_length=2000)
    # Copied from the model, so that the database sees that whoever made it has no part in this.
    model_made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    first_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    first_signed_at = models.DateTimeField(null=True, blank=True)
    second_signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The figures at the second signature: {firms, bad, champion, challenger, difference, low, high}.
    result = models.JSONField(default=dict, blank=True)
    promoted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = PromotionRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule of promotion")
        verbose_name_plural = _("rules of promotion")
        constraints = [
            models.UniqueConstraint(
                name="promotion_rule_one_open_per_challenger",
                fields=["scorecard"],
                condition=Q(promoted_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(
                name="promotion_rule_challenger_is_not_the_champion", condition=~Q(scorecard=F("champion"))
            ),
            models.CheckConstraint(
                name="promotion_rule_by_outcomes_says_what_and_how_many",
                condition=~Q(basis="outcomes")
                | ~Q(metric="") & Q(minimum_firms__gte=1, minimum_bad__gte=1, margin__gte=0),
            ),
            models.CheckConstraint(name="promotion_rule_says_why", condition=~Q(why="")),
            models.CheckConstraint(
                name="promotion_rule_is_not_the_model_makers",
                condition=Q(model_made_by=None) | ~Q(made_by=F("model_made_by")),
            ),
            models.CheckConstraint(
                name="promotion_rule_first_signer_did_not_make_the_model",
                condition=Q(model_made_by=None) | Q(first_signed_by=None) | ~Q(first_signed_by=F("model_made_by")),
            ),
            models.CheckConstraint(
                name="promotion_rule_second_signer_did_not_make_the_model",
                condition=Q(model_made_by=None) | Q(second_signed_by=None) | ~Q(second_signed_by=F("model_made_by")),
            ),
            models.CheckConstraint(
                name="promotion_rule_is_signed_by_two",
                condition=Q(second_signed_by=None)
                | Q(first_signed_by__isnull=False) & ~Q(first_signed_by=F("second_signed_by")),
            ),
            models.CheckConstraint(
                name="promotion_rule_promoted_goes_with_two_signatures",
                condition=Q(promoted_at=None, second_signed_by=None)
                | Q(promoted_at__isnull=False, second_signed_by__isnull=False, withdrawn_at=None),
            ),
            models.CheckConstraint(
                name="promotion_rule_withdrawn_at_goes_with_withdrawn_by",
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.scorecard_id} over {self.champion_id}"

    @property
    def is_open(self) -> bool:
        return self.promoted_at is None and self.withdrawn_at is None
