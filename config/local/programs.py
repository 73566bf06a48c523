"""What `make run` starts: the steps before the first page, then the processes of the product."""

import http.client
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local.children import Child
from config.local.profile import ROOT
from config.local.stamps import Stamp, cluster_state, schema_state, static_state

PYTHON = sys.executable
MANAGE = [PYTHON, "manage.py"]
WORKER_MEMORY = 1_500_000  # kB, after which a worker process is replaced between two tasks
# What the worker and the night worker take from; settings.py says which work goes where.
QUEUES, NIGHT_QUEUES = "celery,matching,indexing,sending", "nightly"


@dataclass(frozen=True)
class Step:
    """A program to run to its end before the others start."""

    child: Child
    what: str
    done: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Product:
    """The whole product on one machine; `embedded` names the variables whose services are our own."""

    environ: Mapping[str, str]
    folder: Path
    host: str
    port: int
    embedded: frozenset[str]

    def steps(self) -> Iterator[Step]:
        """Yield what must be done before the first page; each is looked for when its turn comes."""
        migrated, url = Stamp(self.folder / "run" / "migrated"), self.environ.get("DATABASE_URL", "")
        if not migrated.says(schema_state(url)):
            yield Step(
                Child("start", [*MANAGE, "migrate", "--noinput"]),
                "migrating the database",
                lambda: migrated.write(schema_state(url)),
            )
        if "redis" not in self.environ.get("CELERY_BROKER_URL", "redis"):
            # Where the broker is none of Redis's kind, the shared cache is a table.
            yield Step(Child("start", [*MANAGE, "createcachetable"]), "looking after the shared cache")
        collected, state = Stamp(self.folder / "static" / ".collected"), static_state()
        if not collected.says(state):
            yield Step(
                Child("start", [*MANAGE, "collectstatic", "--noinput", "--verbosity", "0"]),
                "collecting static files (once after each change)",
                lambda: collected.write(state),
            )
        # Somebody else's database may have been emptied since, so it is looked at each time.
        seeded = Stamp(self.folder / "run" / "seeded")
        cluster = cluster_state(self.folder) if "DATABASE_URL" in self.embedded else ""
        if has_command("seed") and self.environ.get("SEED", "1") != "0" and not seeded.says(cluster):
            yield Step(
                Child("start", [*MANAGE, "seed", "--if-empty"]),
                "filling an empty database with demo data",
                lambda: seeded.write(cluster),
            )
        if has_command("rebuild_index"):
            yield Step(Child("start", [*MANAGE, "rebuild_index", "--if-needed"]), "looking after the search index")

    def programs(self) -> Iterator[Child]:
        """Yield the processes to keep running."""
        celery = [PYTHON, "-m", "celery", "--quiet", "-A", "config"]
        yield Child(
            "web",
            [
                *(PYTHON, "-m", "granian", "config.wsgi:application", "--interface", "wsgi", "--no-ws"),
                *("--host", self.host, "--port", str(self.port)),
                # One process with several threads holds one search index; more processes hold one each.
                *("--workers", self.environ.get("WEB_WORKERS", "1")),
                *("--blocking-threads", self.environ.get("WEB_THREADS", "4")),
                *("--workers-kill-timeout", "5", "--respawn-failed-workers"),
                *(["--access-log"] if self.environ.get("ACCESS_LOG") else []),
            ],
        )
        # Only our own broker has no other worker whose unanswered messages are still being worked on.
        restore = ["--restore"] if "CELERY_BROKER_URL" in self.embedded else []
        worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        worker += ["--max-memory-per-child", str(WORKER_MEMORY)]
        yield Child(
            "worker",
            [
                *(PYTHON, "-m", "config.local", "worker", *restore, "--", *worker, "--queues", QUEUES),
                *("--concurrency", self.environ.get("WORKER_PROCESSES", "2"), "--hostname", "worker@%h"),
            ],
        )
        # Trainings and proofs take minutes: in the other worker they would leave matches waiting.
        yield Child("nights", [*worker, "--queues", NIGHT_QUEUES, "--concurrency", "1", "--hostname", "nights@%h"])
        schedule = self.folder / "run" / "beat-schedule"
        yield Child("beat", [*celery, "beat", "--loglevel", "WARNING", "--schedule", schedule, "--pidfile="])
        if has_command("listen"):
            yield Child("listen", [*MANAGE, "listen"])

    def trouble(self) -> str | None:
        """Return why the product is not ready yet, or None if it is."""
        status, said = self._ask("/readyz")
        if status == http.HTTPStatus.NOT_FOUND:
            status, said = self._ask("/healthz")
        return None if status == http.HTTPStatus.OK else said

    def _ask(self, path: str) -> tuple[int, str]:
        reached = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        connection = http.client.HTTPConnection(reached, self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            answer = connection.getresponse()
            return answer.status, " ".join(answer.read(2000).decode("utf-8", errors="replace").split())
        except (OSError, http.client.HTTPException):
            return 0, "the web server does not answer yet"
        finally:
            connection.close()


def has_command(name: str) -> bool:
    """Return whether an app offers this command; asking Django would cost a second at every start."""
    return any(ROOT.glob(f"*/management/commands/{name}.py"))
