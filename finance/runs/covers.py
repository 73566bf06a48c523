"""How a guarantee comes into force with its line, and ends with it; quotes and requests that nobody answered lapse."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from finance.models import (
    Actor,
    Application,
    Claim,
    CoverQuote,
    CreditLine,
    Drawdown,
    Guarantee,
    OfflineAct,
    Partnership,
)
from finance.runs import cover_news
from marketplace.models import Announcement, Notification, Organisation

CHUNK = 200


def bring_into_force(guarantee: Guarantee, *, now: datetime) -> list[Announcement]:
    """Put an issued guarantee in force if its line is open; return what is to be told."""
    line = guarantee.line or CreditLine.objects.filter(application=guarantee.application_id).first()
    if line is None or line.status == CreditLine.Status.CLOSED:
        return []
    changes = {"line": line, "active_at": now, "starts_on": timezone.localdate(now), "ends_on": line.ends_on}
    row = Guarantee.objects.filter(pk=guarantee.pk, status=Guarantee.Status.ISSUED)
    if not row.become(Guarantee.Status.ACTIVE, **changes):
        return []
    guarantee.refresh_from_db()
    return cover_news.guarantee_changed(guarantee)


def let_go(guarantee: Guarantee, status: str, *, reason: str, now: datetime) -> list[Announcement]:
    """End a guarantee and give the cap back what was not paid out; return what is to be told, nothing if it had ended."""
    row = Guarantee.objects.filter(pk=guarantee.pk)
    if not row.become(status, ended_at=now, end_reason=reason[:300]):
        return []
    guarantee.refresh_from_db()
    # What was paid on claims stays used: the cap limits what the partner loses.
    Partnership.objects.filter(pk=guarantee.partnership_id).give_back(guarantee.amount - guarantee.paid_amount)
    OfflineAct.objects.filter(guarantee=guarantee).drop(at=now, reason=reason)
    return cover_news.guarantee_changed(guarantee)


def watch_covers(*, now: datetime) -> int:
    """Move on what the clock or the line moves; return how many."""
    moved = 0
    for found, act in (
        (_with_open_line(), lambda one: bring_into_force(one, now=now)),
        (_without_application(), lambda one: let_go(one, "released", reason="", now=now)),
        (_run_out(now), lambda one: let_go(one, "ended", reason="", now=now)),
    ):
        for pk in list(found.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
            moved += _move(found, pk, act, now)
    return moved + _lapse_quotes(now)


@transaction.atomic
def _move(found, pk: int, act, now: datetime) -> int:
    # What others hold they are changing just now; the clock rings again.
    row = found.filter(pk=pk).select_for_update(of=("self",), skip_locked=True).first()
    told = act(row) if row else []
    Notification.objects.announce(told, now=now)
    return bool(told)


def _with_open_line():
    lines = CreditLine.objects.exclude(status=CreditLine.Status.CLOSED)
    of_application = lines.filter(application=OuterRef("application"), application__isnull=False)
    return Guarantee.objects.filter(
        Q(line__status__in=["open", "frozen"]) | Exists(of_application), status=Guarantee.Status.ISSUED
    )


def _without_application():
    """Return what was to cover a credit that came to nothing."""
    fallen = [Application.Status.REFUSED, Application.Status.WITHDRAWN, Application.Status.LAPSED]
    before = [Guarantee.Status.PROMISED, Guarantee.Status.ISSUED]
    return Guarantee.objects.filter(status__in=before, application__status__in=fallen)


def _run_out(now: datetime):
    """Return what is past its end or whose line is closed, with no loan open and no claim running."""
    loans = Drawdown.objects.open().filter(line=OuterRef("line"))
    claims = Claim.objects.running().filter(guarantee=OuterRef("pk"))
    over = Q(ends_on__lt=timezone.localdate(now)) | Q(line__status=CreditLine.Status.CLOSED)
    running = [Guarantee.Status.ACTIVE, Guarantee.Status.CLAIMED]
    return Guarantee.objects.filter(over, ~Exists(loans), ~Exists(claims), status__in=running)


def _lapse_quotes(now: datetime) -> int:
    late = CoverQuote.objects.late(now)
    return late.become(CoverQuote.Status.LAPSED, act_by=None, waits_for=Actor.NOBODY)


def tell_late_claims(*, now: datetime) -> int:
    """Tell those who should have acted on a claim, once per term; return how many were told."""
    late = Claim.objects.late(now).with_names().order_by("act_by", "pk")[:CHUNK]
    told = [cover_news.claim_late(claim, _who_acts(claim)) for claim in late]
    return len(Notification.objects.announce(told, now=now))


def _who_acts(claim: Claim) -> Organisation:
    return claim.guarantee.partner if claim.waits_for == Actor.PARTNER else claim.guarantee.bank
