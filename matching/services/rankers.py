from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from config.errors import RuleBroken
from matching.models import RankerModel
from matching.ranking import Ranker


class RankerUnproven(RuleBroken):
    pass


def promote_ranker(*, document: Mapping, now: datetime) -> RankerModel:
    """Let a trained ranker serve from the next question on, in every process; an earlier one may come back the same way.

    :raises RankerUnproven: if it does not carry the held-out figures that train_ranker gives to what beat the fusion
    :raises ValueError: if it was learned on other features than ours
    """
    ranker = Ranker.from_dict(dict(document))
    if not ranker.card.get("held_out"):
        raise RankerUnproven(_("This ranker carries no held-out figures: train it with train_ranker."))
    values = {"document": dict(document), "promoted_at": now}
    return RankerModel.objects.update_or_create(version=ranker.version, defaults=values)[0]
