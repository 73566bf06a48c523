import time
from dataclasses import dataclass, field
from datetime import datetime

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError

from matching.live_index import text_version
from matching.models import IndexEntry, ProofRun
from matching.models.index_entry import index_lag

# An index further behind than this no longer keeps what is promised about posted listings.
LONGEST_LAG = 60.0
# Workers are asked at most so often, however often the question is put; they have so long to answer.
WORKER_ASKED_EVERY, WORKER_ANSWERS_WITHIN = 5.0, 1.0
# When what was last seen to work: a worker, and that no migration is missing, which stays so while the process runs.
_seen: dict[str, float] = {}


@dataclass(slots=True)
class Readiness:
    """What works, and the reasons why requests should not come here yet."""

    reasons: dict[str, str] = field(default_factory=dict)
    # What an operator should look at, though every request can be answered.
    warnings: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    lag_seconds: float = 0.0

    @property
    def is_ready(self) -> bool:
        return not self.reasons


def readiness(*, now: datetime) -> Readiness:
    """Look at everything that a posted listing passes on its way to a match."""
    state = Readiness()
    if problem := _database_problem():
        state.reasons["database"] = problem
    elif problem := _migration_problem():
        state.reasons["migrations"] = problem
    else:
        _look_at_index(state, now)
    if problem := _broker_problem():
        state.reasons["broker"] = problem
    elif not _a_worker_answers():
        state.reasons["worker"] = "No Celery worker answers."
    return state


def _database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"The database does not answer: {error}".strip()
    return ""


def _migration_problem() -> str:
    if "migrations" in _seen:
        return ""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return f"Migrations are missing: {', '.join(str(migration) for migration, _backwards in missing)}"
    _seen["migrations"] = time.monotonic()
    return ""


def _look_at_index(state: Readiness, now: datetime) -> None:
    version = text_version()
    state.entries = IndexEntry.objects.filter(model_version=version).count()
    state.lag_seconds = round(index_lag(version, now), 1)
    if state.lag_seconds > LONGEST_LAG:
        state.reasons["index"] = f"The index is {state.lag_seconds:.0f} seconds behind."
    if problem := _recall_problem():
        state.warnings["recall"] = problem


def _recall_problem() -> str:
    """Return what the latest proof of the index found broken; nothing where none was made yet."""
    run = ProofRun.objects.proven().newest().first()
    if run is None:
        return ""
    broken = [f"{one.shape} {one.recall:.4f}" for one in run.proofs.broken().order_by("pk")]
    if run.missing:
        broken.append(f"{run.missing} listings missing")
    return f"On {run.day} the index served less than promised: {', '.join(broken)}." if broken else ""


def _broker_problem() -> str:
    try:
        with current_app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (BrokerError, OSError) as error:
        return f"The broker does not answer: {error}"
    return ""


def _a_worker_answers() -> bool:
    seen = _seen.get("worker")
    if seen is None or time.monotonic() - seen > WORKER_ASKED_EVERY:
        if not current_app.control.ping(timeout=WORKER_ANSWERS_WITHIN, limit=1):
            _seen.pop("worker", None)
            return False
        _seen["worker"] = time.monotonic()
    return True
