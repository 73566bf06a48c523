from collections.abc import Callable
from typing import Any, Self

from django.db import models
from django.db.models import Count, Max, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.parsing.catalogue import Catalogue, CategorySpec

# What this process read of the categories, and of which version: building a catalogue takes longer than a request may.
_kept: dict[str, tuple[tuple, Any]] = {}


def _keep(name: str, read: Callable[[], Any]) -> Any:
    version = Category.objects.version()
    kept = _kept.get(name)
    if kept is None or kept[0] != version:
        kept = _kept[name] = (version, read())
    return kept[1]


class CategoryQuerySet(models.QuerySet):
    def current(self) -> Self:
        return self.filter(retired_at=None)

    def version(self) -> tuple:
        """Return what differs whenever a category was added, edited or retired, or the catalogue loaded anew."""
        return tuple(Category.objects.aggregate(n=Count("pk"), at=Max("changed_at"), last=Max("pk")).values())

    def catalogue(self) -> Catalogue:
        """Return the current categories as the parser reads them, kept in this process until one changes."""
        rows = Category.objects.current().select_related("parent").order_by("code")
        return _keep("catalogue", lambda: Catalogue(category.spec for category in rows))

    def ids(self) -> dict[str, int]:
        """Return the primary key of each category by its code, kept as the catalogue is."""
        return _keep("ids", lambda: dict(Category.objects.values_list("code", "pk")))

    def under(self, code: str) -> Self:
        """Return the category of this code and all that stand below it."""
        return self.filter(code__in=self.branch(code))

    def branch(self, code: str) -> list[str]:
        """Return the codes of a category and all below it."""
        parents = _keep("parents", lambda: dict(Category.objects.values_list("code", "parent__code")))
        found, generation = [], [code] if code in parents else []
        while generation:
            found += generation
            above = set(generation)
            generation = [child for child, parent in parents.items() if parent in above]
        return found


class Category(models.Model):
    """A node of the category tree with the schema of its attributes.

    ``schema`` is JSON Schema (an object); a property adds ``unit``, ``title_zh``, ``title_en``, ``labels``, ``aliases``
    and ``match`` (how the supply's value must relate to the demand's: equal, at_least, at_most,
    overlap; or, where it only ranks, soft, rather_more, rather_less).
    """

    class Kind(models.TextChoices):
        PRODUCT = "product", _("Product")
        CAPACITY = "capacity", _("Capacity")
        SERVICE = "service", _("Service")
        SPACE = "space", _("Space")
        DATA = "data", _("Data product")

    code = models.CharField(_("code"), max_length=80, unique=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PRODUCT)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100)
    name_en = models.CharField(_("name (English)"), max_length=100)
    synonyms_zh = models.JSONField(_("synonyms (Chinese)"), default=list, blank=True)
    synonyms_en = models.JSONField(_("synonyms (English)"), default=list, blank=True)
    cluster = models.CharField(_("cluster"), max_length=40, blank=True)
    family = models.CharField(_("family"), max_length=80)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    industry = models.CharField(_("industry (GB/T 4754)"), max_length=4, blank=True)
    hs = models.CharField(_("HS heading"), max_length=10, blank=True)
    schema = models.JSONField(_("attribute schema"), default=dict, blank=True)
    # When anything about it last changed, whoever did it: processes keep what they read until then.
    changed_at = models.DateTimeField(null=True, blank=True)
    # Set when the platform operator edits a category, so that loading the shipped catalogue leaves it alone.
    edited_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        constraints = [
            models.CheckConstraint(name="category_is_not_its_own_parent", condition=~Q(parent=models.F("id"))),
        ]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_zh

    @property
    def spec(self) -> CategorySpec:
        """Return the category as the parser reads it."""
        return CategorySpec(
            code=self.code,
            parent=self.parent.code if self.parent else None,
            kind=self.kind,
            name_zh=self.name_zh,
            name_en=self.name_en,
            synonyms_zh=tuple(self.synonyms_zh),
            synonyms_en=tuple(self.synonyms_en),
            unit=self.unit,
            family=self.family,
            schema=self.schema,
        )
