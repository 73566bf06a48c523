"""The scorecard that ships: pinned by its hash, so that nobody scores with another one unawares."""

from functools import cache
from pathlib import Path

from finance.scoring.scorecard import Scorecard, ScorecardUnreadable

PATH = Path(__file__).resolve().parent.parent / "data" / "default_scorecard.json"
# Changes with each retraining, in the same commit as the file.
SHA256 = "f30f32fb2005ca490859007f4fff68ff35e2996dd908b4f3b4e0b109a05efb07"


@cache
def default_scorecard() -> Scorecard:
    """Return the shipped scorecard.

    :raises ScorecardUnreadable: if the file is not the one that this version of the software was released with
    """
    card = Scorecard.read(PATH)
    if card.sha256 != SHA256:
        raise ScorecardUnreadable(f"{PATH.name} has the hash {card.sha256}, but {SHA256} is expected.")
    return card
