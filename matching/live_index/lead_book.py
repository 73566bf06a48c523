"""Firms and building projects as one process holds them for leads: a cache of rows, brought up to date when asked."""

import threading
import time
from collections import defaultdict
from datetime import datetime
from functools import lru_cache

import numpy as np
from django.conf import settings
from django.db.models import Count, F, Max

from marketplace.models import Order
from matching.leads import Book, Firm, Project, Projects
from matching.leads.features import LEAST_FIRMS
from matching.live_index.trained import encoder, text_version
from matching.models import BuildingProject, FirmProfile
from matching.retrieval.tokens import cut

# Firms change slowly and are many: they are looked at so often at most, in seconds. Projects are looked at each time.
LOOK_EVERY = 60.0
# Orders between firms are counted anew so often, in seconds: only counts over many firms leave the rows.
COUNT_EVERY = 3600.0


class LeadBook:
    """What leads are scored on; ``firms`` and ``projects`` are whole and immutable, and replaced when rows change."""

    def __init__(self, *, dim: int) -> None:
        self._dim = dim
        self._lock = threading.Lock()
        self._firms: dict[int, Firm] = {}
        self._projects: dict[int, Project] = {}
        self._firms_until: datetime | None = None
        self._projects_until: datetime | None = None
        self._projects_at_last = 0
        self._looked_at = self._counted_at = float("-inf")
        self.firms, self.projects = Book([], dim=dim), Projects([], dim=dim)
        # By category: how many firms of an industry bought it, where they are at least five.
        self.bought: dict[str, dict[str, int]] = {}

    def refresh(self, *, at_once: bool = False) -> None:
        """Take over what was written since; firms only where the last look is a minute old, or ``at_once``."""
        with self._lock:
            self._read_projects()
            moment = time.monotonic()
            if at_once or moment - self._looked_at > LOOK_EVERY:
                self._read_firms()
                self._looked_at = moment
            if at_once or moment - self._counted_at > COUNT_EVERY:
                self.bought = bought_by_industry()
                self._counted_at = moment

    def _read_firms(self) -> None:
        rows = FirmProfile.objects.after(self._firms_until).values_list(
            "pk", "industry", "region", "sells", "demands", "size", "vector", "text_version", "made_at"
        )
        is_new = False
        # The last moment is read again: another row may have been written in it. What is known of it changes nothing.
        for pk, industry, region, sells, demands, size, vector, version, made_at in rows.iterator(chunk_size=2000):
            self._firms_until = made_at
            firm = Firm(
                id=pk,
                industry=industry,
                region=region,
                sells=tuple(sells),
                demands={code: tuple(facts) for code, facts in demands.items()},
                size=size,
                vector=_vector(vector, version),
            )
            if not _is_same(self._firms.get(pk), firm):
                self._firms[pk], is_new = firm, True
        if is_new:
            self.firms = Book(list(self._firms.values()), dim=self._dim)

    def _read_projects(self) -> None:
        rows = BuildingProject.objects.exclude(text_version="").order_by("updated_at", "pk")
        if self._projects_until is not None:
            rows = rows.filter(updated_at__gte=self._projects_until)
            # A file's projects share one moment: they are read again only where another row came into it.
            seen = rows.aggregate(last=Max("updated_at"), rows=Count("pk"))
            if seen["last"] in {None, self._projects_until} and seen["rows"] == self._projects_at_last:
                return
        is_new, self._projects_at_last = False, 0
        for row in rows.defer("contact_name", "source", "url").iterator(chunk_size=2000):
            self._projects_at_last = self._projects_at_last + 1 if row.updated_at == self._projects_until else 1
            self._projects_until = row.updated_at
            project = Project(
                id=row.pk,
                region=row.region,
                industry=row.industry,
                stage=row.stage,
                categories=tuple(row.categories),
                tokens=frozenset(cut(row.normal)),
                has_equipment=bool(row.equipment),
                finishes=row.finishes_on.toordinal() if row.finishes_on else None,
                investment=float(row.investment) if row.investment else None,
                vector=_vector(row.vector, row.text_version),
            )
            if not _is_same(self._projects.get(row.pk), project):
                self._projects[row.pk], is_new = project, True
        if is_new:
            self.projects = Projects(list(self._projects.values()), dim=self._dim)


def _is_same(known: Firm | Project | None, new: Firm | Project) -> bool:
    if known is None:
        return False
    slots = [name for name in new.__dataclass_fields__ if name != "vector"]
    return all(getattr(known, name) == getattr(new, name) for name in slots) and (
        (known.vector is None) == (new.vector is None)
        and (new.vector is None or np.array_equal(known.vector, new.vector))
    )


def _vector(content: bytes, version: str) -> np.ndarray | None:
    """Return the vector, or None where another embedding made it: the reader of words comes back to it before long."""
    if not content or version.split("-", maxsplit=1)[0] != text_version().split("-")[0]:
        return None
    return np.frombuffer(content, dtype="<f2").astype(np.float32)


def bought_by_industry() -> dict[str, dict[str, int]]:
    """Return by category how many firms of each industry ordered it, where at least five did: no order shows through."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    orders = Order.objects.exclude(status=Order.Status.CANCELLED).exclude(buyer__industry="")
    counted = (
        orders.filter(supply__category__isnull=False)
        .values(industry=F("buyer__industry"), category=F("supply__category__code"))
        .annotate(firms=Count("buyer", distinct=True))
        .filter(firms__gte=LEAST_FIRMS)
    )
    for row in counted:
        found[row["category"]][row["industry"]] = row["firms"]
    return dict(found)


def lead_book() -> LeadBook:
    """Return this process's book."""
    return _lead_book(str(settings.DATA_DIR), text_version(), encoder().dim)


@lru_cache(maxsize=1)
def _lead_book(data_dir: str, version: str, dim: int) -> LeadBook:
    return LeadBook(dim=dim)
