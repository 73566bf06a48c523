"""Show a decision as it was made: what was known, by which model, under whose authority, on that day."""

from dataclasses import dataclass
from typing import Any

from finance.models import Decision, LogLeaf
from finance.runs.scorecards import ScorecardTampered
from finance.services import evidence
from finance.services.assessments import Recheck, recheck
from finance.services.decisions import digest


@dataclass(frozen=True)
class Replay:
    """A decision with everything that it stands on, and whether that still comes out the same today.

    ``is_intact``: what the row says has the hash that the evidence log kept; None where it is not confirmed yet.
    """

    decision: Decision
    known: dict[str, Any]
    leaf: LogLeaf | None
    is_intact: bool | None
    recheck: Recheck | None
    is_model_tampered: bool


def replay_decision(*, decision: Decision) -> Replay:
    """Return the decision as it was made, with its model reckoned again from what it was given.

    It shows what the decision kept of the firm's data that day and reads nothing new of it.
    """
    firm = evidence.pseudonym(decision.application.firm)
    leaves = LogLeaf.objects.filter(kind="credit.decided", content__organisation=firm)
    leaf = leaves.filter(content__decision=decision.pk).order_by("index").first()
    is_intact = leaf.content["content_sha256"] == digest(decision) if leaf else None
    found, is_tampered = None, False
    if decision.assessment:
        try:
            found = recheck(assessment=decision.assessment)
        except ScorecardTampered:
            is_tampered = True
    return Replay(decision, decision.known, leaf, is_intact, found, is_tampered)
