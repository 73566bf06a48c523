"""Read what is public of firms, and what building projects say, so that leads can be scored at once.

The missing or outdated row is the to-do list: who comes late finds nothing left to do.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from marketplace.models import Category, Listing, Organisation
from marketplace.models.disclosure import ALWAYS, disclosure_of
from marketplace.parsing.industries import industries
from marketplace.parsing.normal_form import normalise
from matching.leads.equipment import equipment_categories
from matching.live_index import encoder, text_version
from matching.models import BuildingProject, FirmProfile
from matching.models.lead import firms_to_profile

BATCH = 500
# The goods of a firm say what it is after so many of them.
MOST_TITLES, LONGEST = 40, 2000


def read_firms(*, now: datetime, limit: int = BATCH) -> int:
    """Write the profiles that are missing or out of date, from public words and public listings alone; return how many.

    A firm that hides its name is read without its name and its own words, and no nearer than its city and the first two
    digits of its industry.
    """
    version = text_version()
    firms = list(firms_to_profile(version, now).select_related("disclosure")[:limit])
    if not firms:
        return 0
    listings = _public_listings(firms)
    vectors = encoder().encode([_words(firm, listings[firm.pk]) for firm in firms]).astype("<f2")
    FirmProfile.objects.bulk_create(
        [_profile(firm, listings[firm.pk], vectors[place].tobytes(), version, now) for place, firm in enumerate(firms)],
        update_conflicts=True,
        unique_fields=["organisation"],
        update_fields=["industry", "region", "sells", "demands", "size", "vector", "text_version", "made_at"],
    )
    return len(firms)


def _public_listings(firms: Sequence[Organisation]) -> dict[int, list[tuple]]:
    """Return by firm (side, category code, category names, titles, day) of what it once showed to everybody."""
    rows = Listing.objects.filter(
        organisation__in=firms, visibility=Listing.Visibility.PUBLIC, published_at__isnull=False
    ).exclude(status=Listing.Status.DRAFT)
    found = defaultdict(list)
    columns = ("organisation", "side", "category__code", "category__name_zh", "category__name_en", "published_at")
    for firm, *facts in rows.order_by("-published_at", "pk").values_list(*columns):
        found[firm].append(tuple(facts))
    return found


def _is_hidden(firm: Organisation) -> bool:
    return disclosure_of(firm).name_from != ALWAYS


def _words(firm: Organisation, listings: Sequence[tuple]) -> str:
    """Return what the firm says in public: who it is, and the goods it offers."""
    said = [] if _is_hidden(firm) else [firm.name_zh, firm.name_en, firm.about_zh, firm.about_en]
    goods = dict.fromkeys(
        name for side, _code, zh, en, _at in listings if side == Listing.Side.SUPPLY for name in (zh, en) if name
    )
    parts = [*said[:2], industries().get(firm.industry, ""), *list(goods)[:MOST_TITLES], *said[2:]]
    return "\n".join(part for part in parts if part)[:LONGEST]


def _profile(firm: Organisation, listings: Sequence[tuple], vector: bytes, version: str, now: datetime) -> FirmProfile:
    demands: dict[str, list[int]] = {}
    for side, code, _zh, _en, at in listings:
        if side == Listing.Side.DEMAND and code:
            day = timezone.localdate(at).toordinal()
            count, first, last = demands.get(code, (0, day, day))
            demands[code] = [count + 1, min(first, day), max(last, day)]
    is_hidden = _is_hidden(firm)
    return FirmProfile(
        organisation=firm,
        industry=firm.industry[:2] if is_hidden else firm.industry,
        region=f"{firm.region[:4]}00" if is_hidden and firm.region else firm.region,
        sells=sorted({code for side, code, *_more in listings if side == Listing.Side.SUPPLY and code}),
        demands=demands,
        size=len(listings),
        vector=vector,
        text_version=version,
        made_at=now,
    )


def read_projects(*, now: datetime, limit: int = BATCH) -> int:
    """Read the equipment lists of projects that were not read yet; return how many."""
    version = text_version()
    projects = list(BuildingProject.objects.to_read(version)[:limit])
    if not projects:
        return 0
    catalogue = Category.objects.catalogue()
    names = industries()
    vectors = (
        encoder()
        .encode(["\n".join(filter(None, (one.name, names.get(one.industry), one.equipment))) for one in projects])
        .astype("<f2")
    )
    # Many projects of one file say the same.
    named = {text: equipment_categories(text, catalogue) for text in {one.equipment for one in projects}}
    normal = {text: normalise(text) for text in named}
    for project, vector in zip(projects, vectors, strict=True):
        # Who changed it meanwhile has emptied the version again and is read the next time.
        BuildingProject.objects.filter(pk=project.pk, updated_at=project.updated_at).update(
            vector=vector.tobytes(),
            categories=named[project.equipment],
            normal=normal[project.equipment],
            text_version=version,
            updated_at=now,
        )
    return len(projects)
