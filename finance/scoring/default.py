"""The scorecard that ships: pinned by its hash, so that nobody scores with another one unawares."""

from functools import cache
from pathlib import Path

from finance.scoring.scorecard import Scorecard, ScorecardUnreadable

PATH = Path(__file__).resolve().parent.parent / "data" / "default_scorecard.json"
# Changes with each retraining, in the same commit as the file.
SHA256 = "0a9acd4606dd43d6107c0b47a228e9060d46ea8ae5c9a6af2c2a6e7208cd544a"


@cache
def default_scorecard() -> Scorecard:
    """Return the shipped scorecard.

    :raises ScorecardUnreadable: if the file is not the one that this version of the software was released with
    """
    card = Scorecard.read(PATH)
    if card.sha256 != SHA256:
        raise ScorecardUnreadable(f"{PATH.name} has the hash {card.sha256}, but {SHA256} is expected.")
    return card
