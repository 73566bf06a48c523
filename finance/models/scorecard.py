"""Which models there are, whose they are, which of them serves, and where a bank draws its lines."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Organisation, User

# The families of models: one that gives reasons, and may serve; tables of boosted trees, which ride in shadow.
LOGISTIC, BOOSTED = "logistic", "boosted"
# Bytes of a model's file.
LARGEST_FILE = 1_000_000

# What no program may do: change what a model says, or whose it is. Run by a migration, and by the test of it.
SCORECARD_IS_WRITTEN_ONCE = """
CREATE FUNCTION finance_scorecard_is_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.content, NEW.sha256, NEW.signature, NEW.version, NEW.family, NEW.made_at)
        IS DISTINCT FROM (OLD.content, OLD.sha256, OLD.signature, OLD.version, OLD.family, OLD.made_at)
        OR NEW.bank_id IS DISTINCT FROM OLD.bank_id OR NEW.made_by_id IS DISTINCT FROM OLD.made_by_id THEN
        RAISE EXCEPTION USING MESSAGE = 'what a scorecard says is written once', ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER scorecard_is_written_once BEFORE UPDATE ON finance_scorecard
    FOR EACH ROW EXECUTE FUNCTION finance_scorecard_is_written_once();
"""
SCORECARD_MAY_CHANGE = """
DROP TRIGGER scorecard_is_written_once ON finance_scorecard;
DROP FUNCTION finance_scorecard_is_written_once();
"""


class ScorecardQuerySet(models.QuerySet):
    def of(self, bank: Organisation | None) -> Self:
        """Return a bank's own, or with None the platform's."""
        return self.filter(bank=bank)

    def serving(self) -> Self:
        return self.filter(status=Scorecard.Status.SERVING)

    def in_shadow(self) -> Self:
        return self.filter(status=Scorecard.Status.SHADOW)

    def serving_for(self, bank: Organisation | None) -> "Scorecard | None":
        """Return the one that a tenant's assessments are made with: a bank's own, else the platform's."""
        own = self.serving().filter(Q(bank=bank) | Q(bank=None)).select_related("bank")
        return own.order_by(F("bank").asc(nulls_last=True)).first()

    def riding_with(self, serving: "Scorecard", bank: Organisation | None) -> Self:
        """Return the challengers of a tenant's assessments: what it has in shadow, and the platform's beside its own."""
        beside = Q(bank=bank, status=Scorecard.Status.SHADOW)
        if bank is not None:
            beside |= Q(bank=None, status=Scorecard.Status.SERVING)
        return self.filter(beside).exclude(pk=serving.pk).order_by("pk")

    def visible_to(self, user: User) -> Self:
        """Return those of the user's banks; the platform's are for each bank to read, and for the operator."""
        banks = Organisation.objects.of(user).filter(kind=Organisation.Kind.BANK)
        if user.is_staff:
            return self.filter(Q(bank=None) | Q(bank__in=banks))
        return self.filter(Q(bank=None) & Q(models.Exists(banks)) | Q(bank__in=banks))

    def with_names(self) -> Self:
        return self.select_related("bank", "made_by", "retirement_asked_by", "retired_by")


class Scorecard(models.Model):
    """A model that a bank can read: what it weighs, with its card; the platform's own (no bank) or a bank's.

    ``content`` is written once and known by its hash; what it was signed with says that this instance took it in.
    One serves per tenant; challengers run beside it in shadow. Whoever made it has no part in letting it serve.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SHADOW = "shadow", _("In shadow")
        SERVING = "serving", _("Serving")
        RETIRED = "retired", _("Retired")

    TRANSITIONS = {
        Status.SHADOW: (Status.DRAFT,),
        Status.SERVING: (Status.SHADOW,),
        Status.RETIRED: (Status.DRAFT, Status.SHADOW, Status.SERVING),
    }
    # Who of a bank hands in models, and who signs that one may serve.
    MAKING_ROLES = ("owner", "maker")
    SIGNING_ROLES = ("owner", "maker", "checker")

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="scorecards")
    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(_("version"))
    family = models.CharField(_("family"), max_length=20, default=LOGISTIC)
    content = models.JSONField()
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    signature = models.CharField(max_length=128, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    # Nobody: it came with the program.
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    served_from = models.DateTimeField(null=True, blank=True)
    # What serves is taken out of service by two: one asks, another does it.
    retirement_asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    retirement_reason = models.CharField(_("why"), max_length=500, blank=True)
    retired_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ScorecardQuerySet.as_manager()

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        constraints = [
            models.UniqueConstraint(
                name="scorecard_version_once_per_tenant", fields=["bank", "version"], nulls_distinct=False
            ),
            models.UniqueConstraint(
                name="scorecard_one_serves_per_tenant",
                fields=["bank"],
                condition=Q(status="serving"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="scorecard_retirement_is_asked_for_by_another",
                condition=Q(retired_by=None) | Q(retirement_asked_by=None) | ~Q(retired_by=F("retirement_asked_by")),
            ),
            models.CheckConstraint(
                name="scorecard_retirement_says_why",
                condition=Q(retirement_asked_by=None) | ~Q(retirement_reason=""),
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.version}"

    @property
    def gives_reasons(self) -> bool:
        """Tell whether a firm can be told why: nothing else may decide about it."""
        return self.family == LOGISTIC

    @property
    def is_shipped(self) -> bool:
        """Tell whether it came with the program: then its hash is pinned in the code."""
        return self.bank_id is None and self.made_by_id is None


class CutOffsQuerySet(models.QuerySet):
    def in_force(self) -> Self:
        return self.filter(confirmed_at__isnull=False, ended_at=None)

    def waiting(self) -> Self:
        """Return what was proposed and waits for a second person."""
        return self.filter(confirmed_at=None, ended_at=None)

    def of(self, bank: Organisation | None, scorecard: Scorecard) -> "CutOffs | None":
        """Return where this bank draws its lines on the scores of this model, None where nowhere yet."""
        return self.in_force().filter(bank=bank, scorecard=scorecard).first() if bank else None


class CutOffs(models.Model):
    """From which score a bank's model says approve, below which refuse; what lies between a person looks at.

    ``grades`` is the bank's own scale of probabilities, [{"grade", "below"}], the best first; empty: the model's own.
    One proposes, another confirms; what was in force then ends and stays readable.
    """

    class Verdict(models.TextChoices):
        APPROVE = "approve", pgettext_lazy("model", "Approve")
        REVIEW = "review", pgettext_lazy("model", "A person decides")
        REFUSE = "refuse", pgettext_lazy("model", "Refuse")

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="cut_offs")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="cut_offs")
    approve_from = models.SmallIntegerField(_("approve from"))
    refuse_below = models.SmallIntegerField(_("refuse below"))
    grades = models.JSONField(default=list, blank=True)
    why = models.CharField(_("why"), max_length=500)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CutOffsQuerySet.as_manager()

    class Meta:
        verbose_name = _("cut-offs")
        verbose_name_plural = _("cut-offs")
        constraints = [
            models.CheckConstraint(
                name="cut_offs_refuse_at_most_where_they_approve", condition=Q(refuse_below__lte=F("approve_from"))
            ),
            models.CheckConstraint(
                name="cut_offs_are_confirmed_by_another",
                condition=Q(confirmed_by=None) | ~Q(proposed_by=F("confirmed_by")),
            ),
            models.CheckConstraint(
                name="cut_offs_confirmed_at_goes_with_confirmed_by",
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
            ),
            models.CheckConstraint(name="cut_offs_say_why", condition=~Q(why="")),
            models.UniqueConstraint(
                name="cut_offs_one_in_force_per_model",
                fields=["bank", "scorecard"],
                condition=Q(confirmed_at__isnull=False, ended_at=None),
            ),
            models.UniqueConstraint(
                name="cut_offs_one_proposal_waits_per_model",
                fields=["bank", "scorecard"],
                condition=Q(confirmed_at=None, ended_at=None),
            ),
        ]

    def __str__(self):
        return f"{self.bank_id}: {self.refuse_below} / {self.approve_from}"

    def verdict(self, score: int) -> str:
        """Return what the model says at this score."""
        if score >= self.approve_from:
            return self.Verdict.APPROVE
        return self.Verdict.REFUSE if score < self.refuse_below else self.Verdict.REVIEW
