"""The nightly proof that the index serves what is truly nearest, and the alarm where it does not."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from marketplace.models import User
from marketplace.services.notifications import notify
from matching.live_index.proof import QUERIES, Proof, prove
from matching.models import ProofRun, RecallProof


def prove_recall(run: ProofRun, *, clock: Callable[[], datetime], queries: int = QUERIES) -> Proof:
    """Prove the live index of this process, keep the figures, and tell the operator where a promise is broken.

    Queries are drawn by the day: the same day asks about the same listings.
    """
    try:
        proof = prove(now=clock(), seed=run.day.isoformat(), queries=queries)
        with transaction.atomic():
            _keep(run, proof, now=clock())
    except Exception as error:
        ProofRun.objects.fail(run, now=clock(), failure=f"{type(error).__name__}: {error}")
        raise
    return proof


def _keep(run: ProofRun, proof: Proof, *, now: datetime) -> None:
    is_ours = ProofRun.objects.finish(
        run, now=now, engine=proof.engine, entries=proof.entries, missing=proof.missing, seconds=proof.seconds
    )
    if not is_ours:
        return
    RecallProof.objects.bulk_create(
        RecallProof(
            run=run,
            shape=one.shape,
            queries=one.queries,
            recall=one.recall,
            worst=one.worst,
            worst_listing_id=one.worst_listing,
            short=one.short,
            allowed=one.allowed,
            promised=one.promised,
        )
        for one in proof.shapes
    )
    if not proof.is_kept:
        _sound_alarm(run, proof, now=now)


def _sound_alarm(run: ProofRun, proof: Proof, *, now: datetime) -> None:
    """Tell the platform operator once of this run what the index lost."""
    broken = [one for one in proof.shapes if not one.is_kept]
    zh = [f"{RecallProof.Shape(one.shape).name}：召回率 {one.recall:.4f}，承诺 {one.promised:.3f}" for one in broken]
    en = [
        f"{RecallProof.Shape(one.shape).name}: recall {one.recall:.4f}, promised {one.promised:.3f}" for one in broken
    ]
    if proof.missing:
        zh.append(f"索引缺少 {proof.missing} 条可交易的信息")
        en.append(f"The index lacks {proof.missing} listings that can be traded")
    notify(
        event="recall.broken",
        deduplication_key=f"recall.broken:{run.pk}",
        users=User.objects.filter(is_staff=True, is_active=True),
        title_zh=f"{run.day}：检索召回率低于承诺",
        title_en=f"{run.day}: retrieval recall is below what is promised",
        body_zh="\n".join([*zh, "重建索引：manage.py rebuild_index"]),
        body_en="\n".join([*en, "Rebuild the index: manage.py rebuild_index"]),
        url=reverse("matching:recall_list"),
        data={"run": run.pk, "missing": proof.missing, "shapes": {one.shape: one.recall for one in broken}},
        now=now,
    )
