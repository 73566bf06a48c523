from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Listing, ListingAudience, ListingImport, Notification
from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.drafts import Draft
from marketplace.runs.import_plan import Plan, plan_import
from marketplace.runs.listings import CHUNK, insert, rewrite


def import_listings(run: ListingImport) -> None:
    """Write the good rows of this run's file, or all or none as asked, with a report of every bad one."""
    try:
        try:
            _write(run, plan_import(run, now=timezone.now()))
        except IntegrityError:
            # Somebody posted one of the external ids a moment ago: planned again, that row is a change.
            _write(run, plan_import(run, now=timezone.now()))
    except Exception as error:
        ListingImport.objects.fail(run, now=timezone.now(), failure=repr(error))
        raise


@transaction.atomic
def _write(run: ListingImport, plan: Plan) -> None:
    updated = _still_as_read(plan)
    is_refused = bool(plan.errors) and run.mode == ListingImport.Mode.ALL_OR_NONE
    counts = {
        "created": 0 if is_refused else len(plan.created),
        "updated": 0 if is_refused else len(updated),
        "unchanged": plan.unchanged,
        "refused": len(plan.refused),
    }
    # First of all the claim: a slow worker may have been replaced.
    still_ours = ListingImport.objects.finish(run, now=timezone.now(), errors=plan.errors, **counts)
    if not still_ours:
        return
    Notification.objects.announce([_finished(run, counts)], now=timezone.now())
    if is_refused:
        return
    for start in range(0, len(plan.created), CHUNK):
        insert(plan.created[start : start + CHUNK])
    for start in range(0, len(updated), CHUNK):
        rewrite(updated[start : start + CHUNK])
    _write_audiences(plan)


def _finished(run: ListingImport, counts: dict[str, int]) -> Announcement:
    return Announcement(
        event="listing_import.finished",
        deduplication_key=f"listing_import.finished:{run.pk}",
        organisation=run.organisation,
        title_zh=f"“{run.file_name}”导入完成",
        title_en=f"“{run.file_name}” was imported",
        body_zh="新增 {created} 条，更新 {updated} 条，未变 {unchanged} 条，拒绝 {refused} 条。".format(**counts),
        body_en="{created} new, {updated} changed, {unchanged} unchanged, {refused} refused.".format(**counts),
        url=reverse("marketplace:import_detail", args=[run.pk]),
        data={"import": run.pk, **counts},
    )


def _still_as_read(plan: Plan) -> list[tuple[Listing, Draft]]:
    """Lock the rows to change; return those that are as they were read, refuse those that somebody edited since."""
    ids = [listing.pk for listing, _ in plan.updated]
    locked = Listing.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    revisions = dict(locked.values_list("pk", "revision"))
    same = [(listing, draft) for listing, draft in plan.updated if revisions.get(listing.pk) == listing.revision]
    for pk in set(ids) - {listing.pk for listing, _ in same}:
        problem = ProblemError("changed_meanwhile", "导入期间有人修改了它。", "Somebody changed it during the import.")
        plan.refuse(plan.rows[pk], "", problem)
    return same


def _write_audiences(plan: Plan) -> None:
    ListingAudience.objects.filter(listing__in=[listing for listing, _ in plan.audiences if listing.pk]).delete()
    ListingAudience.objects.bulk_create(
        [
            ListingAudience(listing=listing, organisation=one)
            for listing, audience in plan.audiences
            for one in audience
        ],
        ignore_conflicts=True,
        batch_size=CHUNK,
    )
