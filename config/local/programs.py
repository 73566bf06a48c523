"""What `make run` starts: the steps before the first page, then the processes of the product."""

import hashlib
import http.client
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from config.local.children import Child
from config.local.profile import ROOT

PYTHON = sys.executable
MANAGE = [PYTHON, "manage.py"]
WORKER_MEMORY = 1_500_000  # kB, after which a worker process is replaced between two tasks


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
        yield Step(Child("start", [*MANAGE, "migrate", "--noinput", "--verbosity", "1"]), "migrating the database")
        digest, stamp = static_digest(), self.folder / "static" / ".digest"
        if read(stamp) != digest:
            yield Step(
                Child("start", [*MANAGE, "collectstatic", "--noinput", "--verbosity", "0"]),
                "collecting static files (once after each change)",
                lambda: stamp.write_text(digest, encoding="ascii"),
            )
        if has_command("seed") and self.environ.get("SEED", "1") != "0":
            cluster, seeded = self._cluster(), self.folder / "run" / "seeded"
            if not cluster or read(seeded) != cluster:
                yield Step(
                    Child("start", [*MANAGE, "seed", "--if-empty"]),
                    "filling an empty database with demo data",
                    lambda: seeded.write_text(cluster, encoding="ascii"),
                )
        if has_command("rebuild_index"):
            yield Step(Child("start", [*MANAGE, "rebuild_index", "--if-needed"]), "looking after the search index")

    def _cluster(self) -> str:
        """Return what tells our own database from a later one, or nothing for somebody else's."""
        if "DATABASE_URL" not in self.embedded:
            return ""
        born = (self.folder / "postgres" / "PG_VERSION").stat()
        return f"{born.st_ino}-{born.st_mtime_ns}"

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
        yield Child(
            "worker",
            [
                *(PYTHON, "-m", "config.local", "worker", *restore, "--"),
                *(*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
                *("--concurrency", self.environ.get("WORKER_PROCESSES", "2")),
                *("--max-memory-per-child", str(WORKER_MEMORY)),
            ],
        )
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


def static_digest() -> str:
    """Return what changes when a static file of ours, or a package that brings some, changes."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("static/**/*"), *ROOT.glob("*/static/**/*")]):
        # What was collected earlier lies under `.data/static`, unless DATA_DIR says otherwise.
        if path.is_file() and not path.relative_to(ROOT).parts[0].startswith("."):
            digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    digest.update("\n".join(sorted(f"{found.name} {found.version}" for found in metadata.distributions())).encode())
    return digest.hexdigest()


def read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""
