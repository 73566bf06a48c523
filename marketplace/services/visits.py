"""Who comes to an exhibition: invited by the matcher, or of their own accord."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import (
    Block,
    BoothBooking,
    Exhibition,
    Listing,
    Membership,
    Organisation,
    User,
    Visit,
)
from marketplace.runs import exhibition_news
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role


class ExhibitionIsOver(RuleBroken):
    pass


def require_coming(exhibition: Exhibition, now: datetime) -> None:
    if not Exhibition.objects.coming(now).filter(pk=exhibition.pk).exists():
        raise ExhibitionIsOver(_("“%(title)s” is not open to visitors.") % {"title": exhibition.title})


@transaction.atomic
def invite_visitor(
    *,
    exhibition: Exhibition,
    demand: Listing,
    supply: Listing,
    score: float,
    reasons: Sequence[dict],
    model_version: str,
    now: datetime,
) -> Visit | None:
    """Invite the firm of a demand because a supply on show matches it, once, however often the matcher finds it.

    A better pair replaces the one it was invited for while it has not answered. None: nothing was done, as the
    exhibition is over, the supply is not on show, the firm exhibits itself or does not trade with the exhibitor.
    """
    shown = BoothBooking.objects.live().filter(booth__exhibition=exhibition)
    if (
        not Exhibition.objects.coming(now).filter(pk=exhibition.pk).exists()
        or not shown.filter(listings=supply, organisation=supply.organisation_id).exists()
        or shown.filter(organisation=demand.organisation_id).exists()
        or not demand.organisation.is_approved
        or Block.objects.between(demand.organisation, supply.organisation).exists()
    ):
        return None
    snapshot = {
        "demand": demand,
        "supply": supply,
        "score": score,
        "reasons": list(reasons),
        "model_version": model_version[:64],
    }
    visit, is_new = Visit.objects.get_or_create(
        exhibition=exhibition,
        organisation=demand.organisation,
        defaults={
            "origin": Visit.Origin.INVITED,
            "status": Visit.Status.INVITED,
            "created_at": now,
            **snapshot,
        },
    )
    if is_new:
        notify_many(exhibition_news.invited(visit), now=now)
        return visit
    worse = Visit.objects.filter(pk=visit.pk, status=Visit.Status.INVITED, score__lt=score)
    return visit if worse.update(**snapshot) else None


@transaction.atomic
def register_visit(*, exhibition: Exhibition, organisation: Organisation, by: User, now: datetime) -> Visit:
    """Say that a firm comes, invited or not; said twice, it comes once.

    :raises ExhibitionIsOver: if it is not announced, or over
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    require_coming(exhibition, now)
    visit, is_new = Visit.objects.get_or_create(
        exhibition=exhibition,
        organisation=organisation,
        defaults={
            "origin": Visit.Origin.OWN,
            "status": Visit.Status.ACCEPTED,
            "created_at": now,
            "answered_at": now,
            "answered_by": by,
        },
    )
    if is_new:
        notify_many(exhibition_news.visit_answered(visit), now=now)
        return visit
    return answer_visit(visit=visit, comes=True, by=by, now=now)


@transaction.atomic
def answer_visit(*, visit: Visit, comes: bool, by: User, now: datetime) -> Visit:
    """Accept or decline an invitation; the answer may be changed until the exhibition is over.

    :raises ExhibitionIsOver: if it is not announced, or over
    """
    require_role(by, visit.organisation, *Membership.TRADING_ROLES)
    require_coming(visit.exhibition, now)
    status = Visit.Status.ACCEPTED if comes else Visit.Status.DECLINED
    if Visit.objects.filter(pk=visit.pk).answer(status, answered_at=now, answered_by=by):
        visit.refresh_from_db()
        if comes:
            notify_many(exhibition_news.visit_answered(visit), now=now)
    return visit
