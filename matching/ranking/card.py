"""What a learned ranker says of itself: where it comes from and how good it was on what it never saw."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from matching.ranking.features import FEATURES
from matching.ranking.promotion import OUTCOMES, JudgedGroup
from matching.ranking.ranker import Ranker
from matching.ranking.verdict import Verdict


def card_of(
    ranker: Ranker,
    verdict: Verdict,
    groups: Sequence[JudgedGroup],
    *,
    trained_on: date,
    embedding: str,
    fusion: str,
    outcomes: Mapping[str, object],
) -> dict:
    """Return the card of a ranker.

    :param embedding: version of the embedding whose text scores it was learned on
    :param fusion: version of the fusion
    :param outcomes: what the outcomes say of their origin
    """
    told = verdict.to_dict()
    return {
        "trained_at": trained_on.isoformat(),
        "embedding": embedding,
        "fusion": fusion,
        "judged": {source: sum(group.source == source for group in groups) for source in verdict.comparisons},
        "firms": len({group.owner for group in groups if group.source == OUTCOMES}),
        "outcomes": dict(outcomes),
        "held_out": told["comparisons"],
        "slices": told["slices"],
        "serving": told["serving"],
        "margin": told["margin"],
        "refusals": told["refusals"],
        "points_of_text": round(ranker.slope, 2),
        "points_of_features": {name: round(float(np.ptp(ranker.points[name])), 2) for name in FEATURES},
    }
