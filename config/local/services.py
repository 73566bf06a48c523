"""Make sure the embedded database and broker run while something needs them."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

from config.local.errors import CannotStart
from config.local.keeper import PATIENCE
from config.local.postgres import Postgres
from config.local.processes import identity, is_locked, read_json, try_lock, until
from config.local.profile import ROOT
from config.local.service import Service
from config.local.valkey import Valkey

SERVICES: list[type[Service]] = [Postgres, Valkey]


def missing_services(environ: MutableMapping[str, str], folder: Path, *, durable: bool = True) -> list[Service]:
    """Return the services that stand in for a URL that nobody set, and put their addresses into the environment."""
    services = [kind(folder, durable=durable) for kind in SERVICES if not environ.get(kind.variable, "").strip()]
    for service in services:
        environ[service.variable] = service.url
    return services


@contextmanager
def running(services: list[Service]) -> Iterator[list["Use"]]:
    """Keep these services running while the block does: the first user starts them, the last one stops them.

    :raises CannotStart: if one does not start
    """
    with ExitStack() as stack:
        # Asked for together, then waited for, so that they start side by side.
        uses = [stack.enter_context(Use(service)) for service in services]
        for use in uses:
            use.wait()
        yield uses


class Use:
    """One process's claim on one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.lock: IO[str] | None = None
        self.keeper: subprocess.Popen | None = None

    def __enter__(self) -> Self:
        self.service.make_folders()
        # A keeper that is stopping holds the lock until it is gone.
        if not until(self._hold, seconds=PATIENCE):
            raise CannotStart(f"The embedded {self.service.name} has been stopping for {PATIENCE:.0f} seconds.")
        if not is_locked(self.service.keeper_lock):
            self._start_keeper()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # others still use it
        else:
            # Nobody can come as long as the lock is ours alone. The last one stays until the server is gone, so that
            # "it ended" means that nothing is left.
            if self._keeper_is_ready():
                keeper = read_json(self.service.state, {})["keeper"]
                os.kill(keeper["pid"], signal.SIGTERM)
                until(lambda: self._is_gone(keeper), seconds=PATIENCE)
        finally:
            self.lock.close()

    def wait(self) -> None:
        """Return when the service answers.

        :raises CannotStart: if it does not
        """
        deadline = time.monotonic() + PATIENCE
        while not (self._keeper_is_ready() and self.service.answers()):
            self.check()
            if time.monotonic() > deadline:
                raise CannotStart(f"The embedded {self.service.name} does not answer (see {self.service.log}).")
            time.sleep(0.03)

    def check(self) -> None:
        """Start another keeper if the one we started or adopted is gone.

        :raises CannotStart: if ours found that the service cannot start
        """
        if is_locked(self.service.keeper_lock):
            return
        if self.keeper is not None:
            if self.keeper.poll() is None:
                return  # it is about to take its lock
            found = read_json(self.service.state, {})
            if found.get("state") == "failed" and found["keeper"]["pid"] == self.keeper.pid:
                raise CannotStart(found["reason"])
        self._start_keeper()

    def _is_gone(self, keeper: dict[str, float]) -> bool:
        if self.keeper is not None:
            self.keeper.poll()  # a child that nobody asks about stays as a zombie
        return identity(keeper["pid"]) != keeper

    def _keeper_is_ready(self) -> bool:
        found = read_json(self.service.state, {})
        # What a killed keeper wrote proves nothing.
        return found.get("state") == "ready" and identity(found["keeper"]["pid"]) == found["keeper"]

    def _hold(self) -> bool:
        self.lock = try_lock(self.service.users_lock, shared=True)
        return self.lock is not None

    def _start_keeper(self) -> None:
        command = [sys.executable, "-m", "config.local", "keep", self.service.name, str(self.service.folder)]
        with (self.service.folder / "log" / "keepers.log").open("ab") as log:
            self.keeper = subprocess.Popen(
                command + ([] if self.service.durable else ["--throwaway"]),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for its users; and it may outlive the one who started it
            )


def remove(folder: Path) -> None:
    """Remove the data folder of services that were not durable."""
    shutil.rmtree(folder, ignore_errors=True)
    for kind in SERVICES:
        shutil.rmtree(kind(folder).socket_folder.parent, ignore_errors=True)
