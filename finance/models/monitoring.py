"""How a tenant's model is doing: a look at it each month, what it found, and the alarms that somebody must answer."""

from datetime import date, datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from config.runs import Run, RunQuerySet
from finance.models.drawdown import Drawdown
from finance.models.scorecard import Scorecard
from marketplace.models import Membership, Organisation, User


class MonitoringRunQuerySet(RunQuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the looks at the models of the user's banks; the platform's own are its operator's."""
        banks = Q(bank__in=Organisation.objects.of(user))
        return self.filter(banks | Q(bank=None)) if user.is_staff else self.filter(banks)

    def done(self) -> Self:
        return self.filter(status=Run.Status.DONE)

    def request(
        self, *, bank: Organisation | None, today: date, by: User | None, now: datetime
    ) -> "MonitoringRun | None":
        """Return the look at a tenant's model that is to come; of two who ask at once, one look serves both."""
        run = MonitoringRun(bank=bank, until=today, requested_by=by, requested_at=now)
        # The constraint decides who writes it.
        self.bulk_create([run], ignore_conflicts=True)
        return self.filter(bank=bank, status=Run.Status.WAITING).order_by("-pk").first()

    def tenants_due(self, month: date) -> list[int | None]:
        """Return the banks that lend here, and None for the platform, whose model nobody looked at this month."""
        seen = set(
            self.filter(until__gte=month.replace(day=1))
            .exclude(status=Run.Status.FAILED)
            .values_list("bank", flat=True)
        )
        banks = Organisation.objects.approved().filter(kind=Organisation.Kind.BANK).order_by("pk")
        return [pk for pk in [None, *banks.values_list("pk", flat=True)] if pk not in seen]

    def with_names(self) -> Self:
        return self.select_related("bank", "scorecard", "requested_by")


class MonitoringRun(Run):
    """One look at the model that a tenant is served by; ``results`` hold every table as it stood then."""

    # Whose model: a bank's, or with None the platform's.
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    until = models.DateField(_("as of"))
    # Nobody: the clock asked for it.
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    results = models.JSONField(default=dict, blank=True)

    objects = MonitoringRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("look at a model")
        verbose_name_plural = _("looks at models")
        indexes = [models.Index(name="monitoring_run_of_tenant", fields=["bank", "-until"])]
        constraints = [
            models.UniqueConstraint(
                name="monitoring_run_one_waits_per_tenant",
                fields=["bank"],
                condition=Q(status="waiting"),
                nulls_distinct=False,
            ),
        ]

    def __str__(self):
        return f"{self.bank_id or 'platform'} {self.until}"


class AlarmQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the alarms of the user's banks; those of the platform's model are its operator's."""
        banks = Q(bank__in=Organisation.objects.of(user))
        return self.filter(banks | Q(bank=None)) if user.is_staff else self.filter(banks)

    def editable_by(self, user: User) -> Self:
        """Return the alarms that the user may answer."""
        banks = Q(bank__in=Organisation.objects.of(user, *Alarm.ANSWERING_ROLES))
        return self.filter(banks | Q(bank=None)) if user.is_staff else self.filter(banks)

    def open(self) -> Self:
        """Return what nobody answered and what still holds."""
        return self.filter(status=Alarm.Status.OPEN)

    def become(self, status: str, **changes) -> int:
        """Move these alarms to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=Alarm.TRANSITIONS[status]).update(status=status, **changes)


class Alarm(models.Model):
    """Something about a model that chance does not explain; stands until it is answered or no longer holds."""

    class Kind(models.TextChoices):
        SCORE_DRIFT = "score_drift", _("The scores have moved")
        FEATURE_DRIFT = "feature_drift", _("A feature has moved")
        CALIBRATION = "calibration", _("More defaults than the model said")
        DISCRIMINATION = "discrimination", _("Good and bad firms are told apart less well")
        CONCENTRATION = "concentration", _("Firms bunch in few grades")
        MIGRATION = "migration", _("Firms sink to lower grades")
        OVERRIDES = "overrides", _("Many decisions go against the model")
        OVERRIDE_LOSSES = "override_losses", _("Loans given against the model go bad more often")

    class Light(models.TextChoices):
        AMBER = "amber", _("Amber")
        RED = "red", _("Red")

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for an answer")
        ANSWERED = "answered", _("Answered")
        PASSED = "passed", _("No longer holds")

    class Answer(models.TextChoices):
        WATCH = "watch", _("Watch it until the next look")
        RECALIBRATE = "recalibrate", _("Have the model calibrated anew")
        REPLACE = "replace", _("Prepare another model")
        RESTRICT = "restrict", _("Restrict what is decided by it")
        EXPLAINED = "explained", _("Explained, nothing to do")

    TRANSITIONS = {
        Status.ANSWERED: (Status.OPEN,),
        Status.PASSED: (Status.OPEN, Status.ANSWERED),
    }
    # Who made a model or decides by it does not answer for it alone: the bank's owner or a checker does.
    ANSWERING_ROLES = (Membership.Role.OWNER, Membership.Role.CHECKER)
    LONGEST_REASON = 2000

    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    # Which feature or grade; empty where it is about the whole.
    subject = models.CharField(_("about"), max_length=60, blank=True)
    light = models.CharField(_("light"), max_length=6, choices=Light)
    # {zh, en, and the figures}.
    facts = models.JSONField(default=dict)
    run = models.ForeignKey(MonitoringRun, on_delete=models.PROTECT, related_name="alarms")
    opened_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last seen"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    answer = models.CharField(_("answer"), max_length=12, choices=Answer, blank=True)
    answer_text = models.TextField(_("reason"), blank=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("alarm about a model")
        verbose_name_plural = _("alarms about models")
        constraints = [
            models.UniqueConstraint(
                name="alarm_holds_once",
                fields=["bank", "scorecard", "kind", "subject"],
                condition=~Q(status="passed"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="alarm_answer_says_who_and_why",
                condition=Q(answered_at=None, answered_by=None, answer="", answer_text="")
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="") & ~Q(answer_text=""),
            ),
            models.CheckConstraint(
                name="alarm_answered_was_answered", condition=~Q(status="answered") | Q(answered_at__isnull=False)
            ),
            models.CheckConstraint(name="alarm_open_was_not_answered", condition=~Q(status="open") | Q(answer="")),
            models.CheckConstraint(
                name="alarm_passed_at_goes_with_status",
                condition=Q(status="passed", passed_at__isnull=False) | (~Q(status="passed") & Q(passed_at=None)),
            ),
        ]

    def __str__(self):
        return f"{self.bank_id or 'platform'}: {self.kind} {self.subject}".strip()

    @property
    def text(self) -> str:
        return self.facts.get("en" if get_language() == "en" else "zh", "")


class BadLoanQuerySet(models.QuerySet):
    def find(self, *, today: date, now: datetime) -> int:
        """Write the loans that have gone bad and are not known to have; return how many. Never undone by a cure."""
        late = Q(overdue_since__lte=date.fromordinal(today.toordinal() - BadLoan.DAYS))
        classed = Q(risk_class__in=BadLoan.CLASSES) | Q(status=Drawdown.Status.WRITTEN_OFF)
        found = Drawdown.objects.filter(late | classed, bad=None).exclude(paid_out_at=None).order_by("pk")
        rows = [BadLoan(drawdown=loan, since=_bad_since(loan, today), known_at=now) for loan in found]
        return len(self.bulk_create(rows, ignore_conflicts=True))


def _bad_since(loan: Drawdown, today: date) -> date:
    """Return the 91st day overdue where it has come, else today: what made it bad is then the bank's judgement."""
    if loan.overdue_since is None:
        return today
    return min(today, date.fromordinal(loan.overdue_since.toordinal() + BadLoan.DAYS))


class BadLoan(models.Model):
    """The day on which a loan went bad: over 90 days late, classed substandard or worse, or written off.

    A loan that is paid later is no longer overdue, yet a model must answer for it: so the day is kept.
    """

    DAYS = 91
    CLASSES = ("substandard", "doubtful", "loss")

    drawdown = models.OneToOneField(Drawdown, on_delete=models.PROTECT, related_name="bad")
    since = models.DateField(_("since"))
    known_at = models.DateTimeField(_("known since"))

    objects = BadLoanQuerySet.as_manager()

    class Meta:
        verbose_name = _("loan gone bad")
        verbose_name_plural = _("loans gone bad")

    def __str__(self):
        return f"{self.drawdown_id} since {self.since}"
