from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class CategoryQuerySet(models.QuerySet):
    def current(self) -> Self:
        return self.filter(retired_at=None)


class Category(models.Model):
    """A node of the category tree with the schema of its attributes.

    ``schema`` is JSON Schema (an object); a property adds ``unit``, ``title_zh``, ``title_en``, ``labels``, ``aliases``
    and ``match`` (how the supply's value must relate to the demand's: equal, at_least, at_most, overlap, soft).
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
