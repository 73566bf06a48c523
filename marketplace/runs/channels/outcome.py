from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Result(Enum):
    DELIVERED = "delivered"
    # It may work later: no answer, an overloaded or restarting receiver.
    TEMPORARY = "temporary"
    # It will not work however often it is tried: the receiver refuses it, or the address is wrong.
    PERMANENT = "permanent"
    # The receiver says that it wants nothing more.
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one try; ``detail`` says why it failed, for the log and for whom it concerns."""

    result: Result
    detail: str = ""
    status_code: int | None = None
    duration_ms: int = 0
    # The pause that the receiver asked for.
    retry_after: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        return self.result is Result.DELIVERED
