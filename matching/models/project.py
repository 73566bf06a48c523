from datetime import date, datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models import Block, Category, Membership, Organisation, User


class BuildingProjectQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the projects that everybody sees and those that the user's own firms brought; others' are private."""
        if not user.is_authenticated:
            return self.none()
        mine = Organisation.objects.of(user)
        blocked = Block.objects.filter(
            Q(organisation=OuterRef("owner"), blocked__in=mine) | Q(blocked=OuterRef("owner"), organisation__in=mine)
        )
        return self.filter(~Exists(blocked), Q(brought_by=None) | Q(brought_by__in=mine))

    def editable_by(self, user: User) -> Self:
        """Return the projects that the user may bring again: the platform operator everybody's, a trader the firm's."""
        own = Q(brought_by__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))
        return self.filter(own | Q(brought_by=None)) if user.is_staff else self.filter(own)

    def chosen(
        self, *, words: str = "", region: str = "", kind: str = "", stage: str = "", is_own: bool = False
    ) -> Self:
        """Return those that a reader asks for; ``region`` is the start of a code, what is empty narrows nothing."""
        found = self.filter(region__startswith=region) if region else self
        if words:
            found = found.filter(
                Q(name__icontains=words) | Q(owner_name__icontains=words) | Q(equipment__icontains=words)
            )
        if is_own:
            found = found.filter(brought_by__isnull=False)
        return found.filter(**{name: value for name, value in (("kind", kind), ("stage", stage)) if value})

    def running(self, on: date) -> Self:
        """Return the projects that may still buy: not over by that day, nor given up."""
        lasting = Q(finishes_on=None) | Q(finishes_on__gte=on)
        return self.filter(lasting).exclude(stage=BuildingProject.Stage.GIVEN_UP)

    def to_read(self, text_version: str) -> Self:
        """Return the to-do list of the readers: projects whose words were not read yet, or by other models."""
        return self.exclude(text_version=text_version).order_by("pk")

    def to_tell(self) -> Self:
        """Return the projects that were read, and of which nobody was told yet."""
        return self.filter(told_at=None).exclude(text_version="").order_by("pk")

    def claim_telling(self, now: datetime) -> bool:
        """Say whether it is ours to tell of these: one UPDATE decides, so that news goes out once."""
        return bool(self.filter(told_at=None).update(told_at=now))


class BuildingProject(models.Model):
    """A plant, park or line that is being built and will need equipment, as an official notice or a firm's list has it.

    Without ``brought_by`` the platform operator brought it and every member sees it; else it is that firm's own, and
    nobody else's. ``vector`` (little-endian float16), ``categories`` and ``normal`` (its equipment in normal form) are
    what was read in its words.
    """

    class Kind(models.TextChoices):
        NEW_PLANT = "new_plant", _("New plant")
        EXPANSION = "expansion", _("Expansion")
        RENOVATION = "renovation", _("Renovation or refit")
        RELOCATION = "relocation", _("Relocation")
        INFRASTRUCTURE = "infrastructure", _("Park infrastructure")
        UTILITY = "utility", _("Water, energy or environment")
        OTHER = "other", _("Another kind")

    class Stage(models.TextChoices):
        ANNOUNCED = "announced", _("Announced")
        APPROVED = "approved", _("Approved (EIA, filing)")
        DESIGN = "design", _("Design")
        TENDERING = "tendering", _("Tendering")
        CONSTRUCTION = "construction", _("Construction")
        COMMISSIONING = "commissioning", _("Commissioning")
        GIVEN_UP = "given_up", _("Given up")

    # What a file says of it, besides its external id.
    SAID_FIELDS = (
        "name",
        "owner_name",
        "owner",
        "region",
        "industry",
        "kind",
        "stage",
        "investment",
        "starts_on",
        "finishes_on",
        "equipment",
        "contact_name",
        "contact_phone",
        "contact_email",
        "source",
        "url",
    )

    brought_by = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("brought by")
    )
    external_id = models.CharField(_("external id"), max_length=100)
    name = models.CharField(_("name"), max_length=200)
    owner_name = models.CharField(_("owner"), max_length=200)
    owner = models.ForeignKey(
        Organisation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner here")
    )
    region = models.CharField(_("region (GB/T 2260)"), max_length=6)
    industry = models.CharField(_("industry (GB/T 4754)"), max_length=4, blank=True)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind, default=Kind.OTHER)
    stage = models.CharField(_("stage"), max_length=15, choices=Stage, default=Stage.ANNOUNCED)
    investment = models.DecimalField(
        _("investment in 10,000 CNY"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    starts_on = models.DateField(_("start"), null=True, blank=True)
    finishes_on = models.DateField(_("finish"), null=True, blank=True)
    equipment = models.TextField(_("equipment needed"), max_length=4000, blank=True)
    contact_name = models.CharField(_("contact"), max_length=100, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=30, blank=True)
    contact_email = models.EmailField(_("e-mail"), blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    url = models.URLField(_("address of the source"), blank=True)
    categories = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    vector = models.BinaryField(default=b"")
    normal = models.TextField(blank=True)
    # Of the models that read it; empty: not read since it last changed.
    text_version = models.CharField(max_length=64, blank=True, db_index=True)
    is_demo = models.BooleanField(_("demo data"), default=False)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_index=True)
    # When those were told whom it could concern; None: nobody yet.
    told_at = models.DateTimeField(null=True, blank=True)

    objects = BuildingProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("building project")
        verbose_name_plural = _("building projects")
        indexes = [models.Index(name="building_project_by_stage", fields=["stage", "-updated_at"])]
        constraints = [
            models.UniqueConstraint(
                name="building_project_once_per_external_id",
                fields=["brought_by", "external_id"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="building_project_says_what_and_whose",
                condition=~Q(external_id="") & ~Q(name="") & ~Q(owner_name="") & ~Q(region=""),
            ),
            models.CheckConstraint(
                name="building_project_finishes_after_its_start",
                condition=Q(starts_on=None) | Q(finishes_on=None) | Q(finishes_on__gte=F("starts_on")),
            ),
            models.CheckConstraint(
                name="building_project_investment_is_positive", condition=Q(investment=None) | Q(investment__gt=0)
            ),
        ]

    def __str__(self):
        return self.name

    def named_categories(self) -> list[Category]:
        """Return the categories that its equipment list names, in that order."""
        rows = {row.code: row for row in Category.objects.filter(code__in=self.categories)}
        return [rows[code] for code in self.categories if code in rows]

    @property
    def lead_key(self) -> str:
        """Return what names it among the leads of any supply."""
        return f"p{self.pk}"

    @property
    def is_private(self) -> bool:
        return self.brought_by_id is not None


class ProjectImportQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the imports of the user's firms; the platform operator sees those for everybody too."""
        if not user.is_authenticated:
            return self.none()
        own = Q(brought_by__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))
        return self.filter(own | Q(brought_by=None)) if user.is_staff else self.filter(own)


class ProjectImport(models.Model):
    """What became of a file of building projects; ``problems`` are [{row, column, code, zh, en}]."""

    brought_by = models.ForeignKey(Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=200)
    created = models.PositiveIntegerField(_("new"), default=0)
    updated = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    problems = models.JSONField(default=list)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    objects = ProjectImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of building projects")
        verbose_name_plural = _("imports of building projects")

    def __str__(self):
        return self.file_name
