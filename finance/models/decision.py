"""What a bank decided of an application: who proposed, who confirmed, under whose authority, and why."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.application import Application
from finance.models.assessment import CreditAssessment
from finance.models.authority import Authority
from marketplace.models import Organisation, User

# What no program may do, whatever it asks for: take a step out of a timeline or change it, change what was proposed, or
# anything of a decision that was checked. Run by a migration, and by the test of it.
DECISIONS_STAND = """
CREATE FUNCTION finance_step_is_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'steps of an application are only ever added', ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION finance_decision_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked text[] := ARRAY['verdict', 'checker_id', 'checked_at', 'checker_note', 'checked_version', 'authority_id',
        'first_checker_id', 'first_checked_at', 'first_authority_id'];
BEGIN
    IF TG_OP = 'DELETE' OR OLD.verdict <> 'waiting' OR to_jsonb(NEW) - checked <> to_jsonb(OLD) - checked THEN
        RAISE EXCEPTION USING MESSAGE = 'what was decided stands as it was written', ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_event_is_only_added BEFORE UPDATE OR DELETE ON finance_applicationevent
    FOR EACH ROW EXECUTE FUNCTION finance_step_is_only_added();
CREATE TRIGGER decision_stands BEFORE UPDATE OR DELETE ON finance_decision
    FOR EACH ROW EXECUTE FUNCTION finance_decision_stands();
"""
DECISIONS_MAY_CHANGE = """
DROP TRIGGER application_event_is_only_added ON finance_applicationevent;
DROP TRIGGER decision_stands ON finance_decision;
DROP FUNCTION finance_step_is_only_added();
DROP FUNCTION finance_decision_stands();
"""


class DecisionQuerySet(models.QuerySet):
    def of_bank(self, user: User) -> Self:
        """Return the decisions of the banks where the user works."""
        return self.filter(application__bank__in=Organisation.objects.of(user))

    def waiting(self) -> Self:
        return self.filter(verdict=Decision.Verdict.WAITING)

    def confirmed(self) -> Self:
        return self.filter(verdict=Decision.Verdict.CONFIRMED)

    def overrides(self) -> Self:
        """Return what was decided against the model and the rules; never counted among plain approvals."""
        return self.filter(is_override=True)

    def with_names(self) -> Self:
        people = ("maker", "checker", "first_checker", "authority", "first_authority")
        return self.select_related("application__firm", "application__product", "assessment__scorecard", *people)


class Decision(models.Model):
    """What a bank's maker proposed of an application and what its checker made of it.

    An override is a decision against what the model and the product's rules say; it carries a coded reason and words.
    """

    class Outcome(models.TextChoices):
        APPROVE = "approve", _("Approve")
        REFUSE = "refuse", _("Refuse")

    class Recommended(models.TextChoices):
        APPROVE = "approve", _("Approve")
        # The score lies between the bank's cut-offs: either outcome follows the recommendation.
        REVIEW = "review", pgettext_lazy("model", "A person decides")
        REFUSE = "refuse", _("Refuse")

    class Verdict(models.TextChoices):
        WAITING = "waiting", _("Waiting for the checker")
        CONFIRMED = "confirmed", _("Confirmed by the checker")
        RETURNED = "returned", _("Sent back by the checker")
        DROPPED = "dropped", _("No longer needed: the firm withdrew")

    class OverrideReason(models.TextChoices):
        KNOWN_CUSTOMER = "known_customer", _("Long known to the bank")
        COLLATERAL = "collateral", _("Collateral or guarantee not in the model")
        OUTDATED_DATA = "outdated_data", _("The records do not show the present state")
        SECTOR_OUTLOOK = "sector_outlook", _("Outlook of the trade")
        CONCENTRATION = "concentration", _("Too much depends on one customer")
        DOUBTFUL_TRADE = "doubtful_trade", _("Doubts whether the trade is genuine")
        POLICY = "policy", _("A policy of the bank")
        OTHER = "other", _("Something else")

    class RefusalReason(models.TextChoices):
        SCORE = "score", _("The score is below what the bank asks for")
        RECORDS = "records", _("Too few months of records")
        SALES = "sales", _("Sales are too small for this amount")
        DOUBTFUL_TRADE = "doubtful_trade", _("Findings on the genuineness of trade are not cleared up")
        CONCENTRATION = "concentration", _("Too much depends on few customers or suppliers")
        DEBT = "debt", _("The firm already owes as much as it can bear")
        DOCUMENTS = "documents", _("What was asked for was not handed in")
        OUTSIDE = "outside", _("The product is not meant for this region or industry")
        GUARANTEE = "guarantee", _("A guarantee or a core enterprise is needed")
        POLICY = "policy", _("The bank lends no more for this purpose at present")

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("term (days)"), null=True, blank=True)
    rate_bp = models.PositiveIntegerField(_("rate (basis points)"), null=True, blank=True)
    # How the rate came about: [{zh, en, bp}].
    pricing = models.JSONField(default=list, blank=True)
    # Why it was refused: [{code, zh, en, note}], the same that the firm reads.
    refusal_reasons = models.JSONField(default=list, blank=True)
    conditions = models.TextField(_("conditions"), blank=True)
    assessment = models.ForeignKey(
        CreditAssessment, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    # What the model's cut-offs, the product's rules and the findings recommended.
    recommended = models.CharField(_("recommended"), max_length=10, choices=Recommended)
    # Most that the rules allow and the least rate that the price list asks for; what goes beyond is an override too.
    recommended_amount = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    recommended_rate_bp = models.PositiveIntegerField(null=True, blank=True)
    # What led to the recommendation: [{code, is_met, zh, en}].
    grounds = models.JSONField(default=list, blank=True)
    # What was known when it was made: counts of records, findings, the model and its hash, the rules.
    known = models.JSONField(default=dict, blank=True)
    is_override = models.BooleanField(_("override"), default=False)
    override_reason = models.CharField(max_length=20, choices=OverrideReason, blank=True)
    override_text = models.TextField(blank=True)
    # On which version of the application it was made.
    version = models.PositiveIntegerField()
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    note = models.TextField(_("note"), blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.WAITING)
    # Beyond every single authority two checkers confirm: the one who did so first, and under which authority.
    first_checker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    first_checked_at = models.DateTimeField(null=True, blank=True)
    first_authority = models.ForeignKey(Authority, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions")
    # The version of the application that the last checker had read.
    checked_version = models.PositiveIntegerField(null=True, blank=True)
    checker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    checker_note = models.TextField(blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit decision")
        verbose_name_plural = _("credit decisions")
        constraints = [
            models.UniqueConstraint(
                name="decision_one_waits_per_application", fields=["application"], condition=Q(verdict="waiting")
            ),
            models.CheckConstraint(
                name="decision_maker_is_not_its_checker", condition=Q(checker=None) | ~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="decision_maker_is_not_its_first_checker",
                condition=Q(first_checker=None) | ~Q(maker=F("first_checker")),
            ),
            models.CheckConstraint(
                name="decision_two_checkers_are_two_people",
                condition=Q(first_checker=None)
                | Q(checker=None)
                | ~Q(first_checker=F("checker"))
                | Q(verdict="returned"),
            ),
            models.CheckConstraint(
                name="decision_first_checker_acts_under_an_authority",
                condition=Q(first_checker=None, first_checked_at=None, first_authority=None)
                | Q(first_checker__isnull=False, first_checked_at__isnull=False, first_authority__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_is_confirmed_under_an_authority",
                condition=~Q(verdict="confirmed") | Q(authority__isnull=False, checked_version__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_checked_at_goes_with_verdict",
                condition=Q(verdict__in=["waiting", "dropped"], checker=None, checked_at=None)
                | Q(~Q(verdict__in=["waiting", "dropped"]), checker__isnull=False, checked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_approval_says_amount_term_and_rate",
                condition=Q(outcome="refuse")
                | Q(amount__gt=0, amount__isnull=False, days__isnull=False, rate_bp__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_override_says_why",
                condition=Q(is_override=False, override_reason="", override_text="")
                | Q(is_override=True) & ~Q(override_reason="") & ~Q(override_text=""),
            ),
            models.CheckConstraint(
                name="decision_against_the_recommendation_is_an_override",
                condition=Q(outcome=F("recommended")) | Q(recommended="review") | Q(is_override=True),
            ),
            models.CheckConstraint(
                name="decision_beyond_the_rules_is_an_override",
                condition=Q(is_override=True)
                | Q(outcome="refuse")
                | (Q(recommended_amount=None) | Q(amount__lte=F("recommended_amount")))
                & (Q(recommended_rate_bp=None) | Q(rate_bp__gte=F("recommended_rate_bp"))),
            ),
            models.CheckConstraint(
                name="decision_refusal_gives_reasons", condition=~Q(outcome="refuse") | ~Q(refusal_reasons=[])
            ),
        ]

    def __str__(self):
        return f"{self.application_id}: {self.outcome}"

    @property
    def is_generous(self) -> bool:
        """Tell whether an override lends more, longer or cheaper than recommended; a strict one refuses."""
        return self.is_override and self.outcome == self.Outcome.APPROVE
