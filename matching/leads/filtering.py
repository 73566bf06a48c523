"""What a reader narrows a list of leads to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """What a list of leads is narrowed to; empty: not at all. ``industry`` and ``region`` are starts of codes."""

    kind: str = ""
    industry: str = ""
    region: str = ""
    stage: str = ""
    least_score: float = 0.0
    state: str = ""


EVERYBODY = LeadFilter()


def region_start(code: str) -> str:
    """Return what the codes of a place and all places in it begin with.

    >>> region_start("330000"), region_start("331000"), region_start("331083"), region_start("")
    ('33', '3310', '331083', '')
    """
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
