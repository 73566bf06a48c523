from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Listing, ListingAudience, ListingImport, Notification, Organisation
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
            # Somebody gave another listing one of the external ids a moment ago: planned again, that row is a change.
            _write(run, plan_import(run, now=timezone.now()))
    except Exception as error:
        ListingImport.objects.fail(run, now=timezone.now(), failure=repr(error))
        raise


@transaction.atomic
def _write(run: ListingImport, plan: Plan) -> None:
    # Whoever posts with an external id takes the same lock: what is new under it stays new until we commit.
    Organisation.objects.select_for_update(no_key=True).get(pk=run.organisation_id)
    created, updated = _still_new(run, plan), _still_as_read(plan)
    is_refused = bool(plan.errors) and run.mode == ListingImport.Mode.ALL_OR_NONE
    counts = {
        "created": 0 if is_refused else len(created),
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
    for start in range(0, len(created), CHUNK):
        insert(created[start : start + CHUNK])
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


def _meanwhile(plan: Plan, listing: Listing) -> None:
    problem = ProblemError("changed_meanwhile", "导入期间有人修改了它。", "Somebody changed it during the import.")
    plan.refuse(plan.rows[listing.external_id], "", problem)


def _still_new(run: ListingImport, plan: Plan) -> list[tuple[Listing, Draft]]:
    """Return the listings to add that nobody posted since the file was read; refuse the others."""
    ids = [listing.external_id for listing, _ in plan.created if listing.external_id]
    posted = run.organisation.listings.filter(external_id__in=ids)
    taken = set(posted.values_list("external_id", flat=True))
    for listing, _ in plan.created:
        if listing.external_id in taken:
            _meanwhile(plan, listing)
    return [(listing, draft) for listing, draft in plan.created if listing.external_id not in taken]


def _still_as_read(plan: Plan) -> list[tuple[Listing, Draft]]:
    """Lock the rows to change; return those that are as they were read and leave what open offers hold; refuse the others."""
    ids = [listing.pk for listing, _ in plan.updated]
    locked = Listing.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    there = {row.pk: row for row in locked.only("revision", "held", "unit")}
    kept = []
    for listing, draft in plan.updated:
        row = there.get(listing.pk)
        if row is None or row.revision != listing.revision:
            _meanwhile(plan, listing)
        elif row.held and (listing.quantity is None or listing.quantity < row.held or listing.unit != row.unit):
            held = f"{row.held.normalize():f} {row.unit}"
            problem = ProblemError("held", f"未结报价已占用 {held}。", f"Open offers hold {held} of it.")
            plan.refuse(plan.rows[listing.external_id], "", problem)
        else:
            kept.append((listing, draft))
    return kept


def _write_audiences(plan: Plan) -> None:
    written = [(listing, audience) for listing, audience in plan.audiences if listing.pk]
    ListingAudience.objects.filter(listing__in=[listing for listing, _ in written]).delete()
    ListingAudience.objects.bulk_create(
        [ListingAudience(listing=listing, organisation=one) for listing, audience in written for one in audience],
        ignore_conflicts=True,
        batch_size=CHUNK,
    )
