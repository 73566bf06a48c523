"""Which ranker serves: the gate's answers are kept, and the operator may go back."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import User
from matching.live_index.trained import SHIPPED
from matching.models import RankerChange, RankerModel
from matching.ranking import Ranker

LONGEST_REASON = 500
CANDIDATES = SHIPPED / "candidates"


class RankerUnproven(RuleBroken):
    pass


class RankerNotPromotable(RuleBroken):
    pass


class NothingToRollBack(RuleBroken):
    pass


@transaction.atomic
def promote_ranker(*, document: Mapping, now: datetime, by: User | None = None) -> RankerModel:
    """Let a trained ranker serve from the next question on, in every process.

    :raises RankerUnproven: if it does not carry the held-out figures that train_ranker gives to what beat the fusion
    :raises RankerNotPromotable: if the gate refused it
    :raises ValueError: if it was learned on other features than ours
    """
    return promote(ranker=record_ranker(document=document, now=now), by=by, now=now)


def record_ranker(*, document: Mapping, now: datetime) -> RankerModel:
    """Keep a ranker with the gate's verdict that its card carries, promotable or refused; twice is once.

    :raises RankerUnproven: if it carries no held-out figures
    :raises ValueError: if it was learned on other features than ours
    """
    ranker = Ranker.from_dict(dict(document))
    if not ranker.card.get("held_out"):
        raise RankerUnproven(_("This ranker carries no held-out figures: train it with train_ranker."))
    return RankerModel.objects.record(document, version=ranker.version, now=now)


def record_candidates(*, now: datetime, folder: Path = CANDIDATES) -> list[RankerModel]:
    """Keep the rankers that came with the program beside the shipped one, with what the gate said of each.

    They were learned and judged as any other; that the gate refused them is theirs to show.
    """
    files = sorted(folder.glob("*.json"))
    return [record_ranker(document=json.loads(file.read_text(encoding="utf-8")), now=now) for file in files]


@transaction.atomic
def promote(*, ranker: RankerModel, by: User | None, now: datetime, why: str = "") -> RankerModel:
    """Let a ranker that passed the gate serve in place of the present one; one that serves already goes on.

    :raises RankerNotPromotable: if the gate refused it
    """
    return _take_over(ranker, kind=RankerChange.Kind.PROMOTED, by=by, now=now, why=why)


@transaction.atomic
def roll_back(*, by: User, now: datetime, why: str) -> RankerModel | None:
    """Let the ranker serve again that served before the present one; return it, None for the shipped one.

    :raises NothingToRollBack: if the shipped one serves, or another one has taken over meanwhile
    :raises InputRefused: if nothing is said of why
    """
    why = why.strip()
    if not why:
        raise InputRefused({"why": [_("Say why, so that others understand it later.")]})
    present = RankerModel.objects.in_use().select_for_update().first()
    if present is None:
        raise NothingToRollBack(_("The shipped ranker serves: there is none before it."))
    before = _before(present)
    return _take_over(before, kind=RankerChange.Kind.ROLLED_BACK, by=by, now=now, why=why[:LONGEST_REASON])


def _before(present: RankerModel) -> RankerModel | None:
    """Return what served when the present one was last promoted: rolling back twice goes two steps back."""
    change = present.changes.filter(kind=RankerChange.Kind.PROMOTED).order_by("-at", "-pk").first()
    return change.replaced if change else None


def _take_over(
    ranker: RankerModel | None, *, kind: str, by: User | None, now: datetime, why: str
) -> RankerModel | None:
    try:
        with transaction.atomic():
            took_over = RankerModel.objects.take_over(ranker, kind=kind, by=by, now=now, why=why)
    except IntegrityError as error:
        # Where nothing served yet, there was no row to wait for: the constraint let only one of two stand.
        raise RankerNotPromotable(_("Another ranker was promoted at this moment. Look again.")) from error
    if not took_over:
        raise RankerNotPromotable(_("The gate refused this ranker: it cannot serve."))
    if ranker is not None:
        ranker.refresh_from_db()
    return ranker
