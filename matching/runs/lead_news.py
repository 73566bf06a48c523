"""Sellers are told once of building projects that are new and need what they offer."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Block, Listing
from marketplace.services.notifications import notify_many
from matching.leads.book import group_of
from matching.live_index.lead_book import lead_book
from matching.live_index.lead_search import ProjectScorer, place_of_supply
from matching.models import BuildingProject, LeadContact

# A project of so many points is worth a word; the others stand in the list.
TOLD_FROM = 50.0
# So many projects are gone through at a time; the next turn takes the next.
PER_TURN = 200
# A firm is told of so many at most in one message, the best first; the list has the others.
NAMED = 5


def tell_of_projects(*, now: datetime) -> int:
    """Tell whoever offers what new projects need, one message a day to each firm; return how many were told.

    What a project needs is what its equipment list names: without one nobody is disturbed.
    """
    projects = list(BuildingProject.objects.to_tell().running(timezone.localdate(now))[:PER_TURN])
    if not projects:
        BuildingProject.objects.to_tell().update(told_at=now)
        return 0
    news = _news(projects, now)
    with transaction.atomic():
        # Claimed in the transaction that tells: whoever comes second finds nothing new.
        claimed = {one.pk for one in projects if BuildingProject.objects.filter(pk=one.pk).claim_telling(now)}
        announcements = [
            announcement
            for rows in news.values()
            if (announcement := _announcement([row for row in rows if row[1].pk in claimed], now))
        ]
        notify_many(announcements, now=now)
    return len(announcements)


def _news(projects: list[BuildingProject], now: datetime) -> dict[int, list[tuple[float, BuildingProject, Listing]]]:
    """Return by organisation the projects that its supplies fit strongly: (score, project, the supply that fits best)."""
    groups = Q(pk__in=[])
    for group in sorted({group_of(code) for project in projects for code in project.categories}):
        groups |= Q(category__code=group) | Q(category__code__startswith=f"{group}.")
    supplies = Listing.objects.open(now).filter(groups, side=Listing.Side.SUPPLY)
    # Of a firm's supplies of one category the newest speaks for all.
    newest = {
        (supply.organisation_id, supply.category_id): supply
        for supply in supplies.select_related("organisation", "category").order_by("published_at", "-pk")
    }
    ids, blocked = {project.pk: project for project in projects}, _blocked(projects)
    lead_book().refresh()
    best: dict[tuple[int, int], tuple[float, BuildingProject, Listing]] = {}
    scorers: dict[int, ProjectScorer] = {}
    called = _called(ids)
    for (organisation, category), supply in newest.items():
        if category not in scorers:
            scorers[category] = ProjectScorer(category, ids.keys(), now=now)
        for pk, score in scorers[category].scores(place_of_supply(supply)).items():
            pair = (organisation, pk)
            if score < TOLD_FROM or pair in called or not _may_see(supply, ids[pk], blocked):
                continue
            if pair not in best or best[pair][0] < score:
                best[pair] = (score, ids[pk], supply)
    news = defaultdict(list)
    for (organisation, _project), row in sorted(best.items(), key=lambda item: (-item[1][0], item[0])):
        news[organisation].append(row)
    return news


def _called(project_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return who wrote something about which of these projects: they need no news of it."""
    rows = LeadContact.objects.filter(project__in=project_ids)
    return set(rows.values_list("organisation_id", "project_id"))


def _may_see(supply: Listing, project: BuildingProject, blocked: set[tuple[int, int]]) -> bool:
    seller = supply.organisation_id
    if project.owner_id == seller or (project.brought_by_id not in {None, seller}):
        return False
    return (seller, project.owner_id) not in blocked and (project.owner_id, seller) not in blocked


def _blocked(projects: list[BuildingProject]) -> set[tuple[int, int]]:
    owners = {project.owner_id for project in projects} - {None}
    rows = Block.objects.filter(Q(organisation__in=owners) | Q(blocked__in=owners))
    return set(rows.values_list("organisation_id", "blocked_id"))


def _announcement(rows: list[tuple[float, BuildingProject, Listing]], now: datetime) -> Announcement | None:
    if not rows:
        return None
    supply, count = rows[0][2], len(rows)
    day = timezone.localdate(now)
    named = rows[:NAMED]
    return Announcement(
        event="project.found",
        deduplication_key=f"project.found:{supply.organisation_id}:{day.isoformat()}:{named[0][1].pk}",
        organisation=supply.organisation,
        title_zh=f"{count} 个新建设项目可能需要您的产品",
        title_en=f"{count} new building project{'s' if count > 1 else ''} may need what you offer",
        body_zh="\n".join(
            f"{project.name}（{project.owner_name}，{score:.0f} 分）：可提供“{one.title_zh or one.title_en}”"
            for score, project, one in named
        ),
        body_en="\n".join(
            f"{project.name} ({project.owner_name}, {score:.0f} points): “{one.title_en or one.title_zh}”"
            for score, project, one in named
        ),
        url=reverse("matching:lead_list", args=[supply.pk]),
        data={
            "projects": [
                {"project": project.pk, "supply": one.pk, "score": round(score, 4)} for score, project, one in rows
            ]
        },
    )
